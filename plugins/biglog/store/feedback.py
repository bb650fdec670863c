"""What people said about incidents and templates: mutes with an end, verdicts, notes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, text

from biglog.errors import BadInput
from biglog.store.read import rows
from biglog.store.text import clean

KINDS = ("mute", "confirm", "dismiss", "note")
TARGETS = ("incident", "template")
COLUMNS = "feedback_id, kind, target, target_id, note, author, created_at, expires_at, withdrawn_at"


@dataclass(frozen=True, slots=True)
class Feedback:
    """One thing said; a mute without ``expires_at`` holds until it is withdrawn."""

    kind: str  # mute, confirm, dismiss, note
    target: str  # incident, template
    target_id: str
    note: str
    author: str
    expires_at: datetime | None = None
    feedback_id: int = 0
    created_at: datetime | None = None
    withdrawn_at: datetime | None = None


def save_feedback(engine: Engine, feedback: Feedback) -> int:
    """Keep it; returns its id. Raises BadInput for an unknown kind or target."""
    check(feedback)
    with engine.begin() as connection:
        made = connection.execute(
            text(
                "INSERT INTO biglog.feedback (kind, target, target_id, note, author, expires_at)"
                " VALUES (:kind, :target, :target_id, :note, :author, :expires_at)"
                " RETURNING feedback_id"
            ),
            {
                "kind": feedback.kind,
                "target": feedback.target,
                "target_id": clean(feedback.target_id),
                "note": clean(feedback.note),
                "author": clean(feedback.author),
                "expires_at": feedback.expires_at,
            },
        )
        return int(made.scalar_one())


def check(feedback: Feedback) -> None:
    if feedback.kind not in KINDS or feedback.target not in TARGETS:
        raise BadInput(
            f"feedback {feedback.kind!r} on {feedback.target!r}; expected one of "
            f"{', '.join(KINDS)} on {' or '.join(TARGETS)}"
        )
    if feedback.expires_at is not None and feedback.kind != "mute":
        raise BadInput(f"only a mute has an end; {feedback.kind!r} has none")


def withdraw(engine: Engine, feedback_id: int) -> None:
    """Take it back; it stays on record. Raises BadInput where there is no such feedback."""
    with engine.begin() as connection:
        done = connection.execute(
            text(
                "UPDATE biglog.feedback SET withdrawn_at = coalesce(withdrawn_at, now())"
                " WHERE feedback_id = :id"
            ),
            {"id": feedback_id},
        )
    if done.rowcount == 0:
        raise BadInput(f"there is no feedback number {feedback_id}")


def feedback_on(engine: Engine, target: str, target_id: str) -> tuple[Feedback, ...]:
    """Everything said about one incident or template, the latest first."""
    with engine.connect() as connection:
        found = rows(
            connection,
            f"SELECT {COLUMNS} FROM biglog.feedback"
            " WHERE target = :target AND target_id = :target_id"
            " ORDER BY created_at DESC, feedback_id DESC",
            target=target,
            target_id=target_id,
        )
    return tuple(Feedback(**one) for one in found)
