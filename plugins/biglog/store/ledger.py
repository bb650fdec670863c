"""What left the house: which report was rendered, and which mail was claimed and sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, text

from biglog.store.read import rows
from biglog.store.write import LOCK, upsert


@dataclass(frozen=True, slots=True)
class Report:
    """One rendered page of one night."""

    date: str
    locale: str
    path: str
    sha256: str
    bytes: int
    rendered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One mail to one recipient; ``partition`` is the night, or the upload's key."""

    partition: str
    recipient: str
    report_sha: str
    message_id: str
    claimed_at: datetime | None = None
    sent_at: datetime | None = None


KEY = "partition = :partition AND recipient = :recipient AND report_sha = :report_sha"


def save_report(engine: Engine, report: Report) -> None:
    """Note a rendered page; the latest of the night and language stays."""
    row = {
        "date": report.date,
        "locale": report.locale,
        "path": report.path,
        "sha256": report.sha256,
        "bytes": report.bytes,
    }
    upsert(engine, "report", ("date", "locale"), row, stamp="rendered_at")


def reports(engine: Engine, *, limit: int = 100) -> tuple[Report, ...]:
    """The latest nights first; a night's languages in alphabetical order."""
    with engine.connect() as connection:
        found = rows(
            connection,
            "SELECT date::text AS date, locale, path, sha256, bytes, rendered_at"
            " FROM biglog.report r ORDER BY r.date DESC, locale LIMIT :limit",
            limit=limit,
        )
    return tuple(Report(**one) for one in found)


def claim(engine: Engine, delivery: Delivery, *, resend: bool = False) -> bool:
    """True for exactly one caller, who then must send: at most one mail per night and recipient.

    A crash between claim and sending loses the mail rather than doubling it; ``resend`` claims
    again what was claimed before, whatever became of it.
    """
    row = {
        "partition": delivery.partition,
        "recipient": delivery.recipient,
        "report_sha": delivery.report_sha,
        "message_id": delivery.message_id,
    }
    with engine.begin() as connection:
        connection.execute(LOCK, {"key": f"biglog:mail:{delivery.partition}:{delivery.recipient}"})
        earlier = connection.execute(
            text(
                "SELECT count(*) FROM biglog.delivery"
                " WHERE partition = :partition AND recipient = :recipient"
            ),
            row,
        ).scalar_one()
        if earlier and not resend:
            return False
        connection.execute(
            text(
                "INSERT INTO biglog.delivery (partition, recipient, report_sha, message_id)"
                " VALUES (:partition, :recipient, :report_sha, :message_id)"
                " ON CONFLICT (partition, recipient, report_sha) DO UPDATE SET"
                " message_id = excluded.message_id, claimed_at = now(), sent_at = NULL"
            ),
            row,
        )
        return True


def mark_sent(engine: Engine, delivery: Delivery) -> None:
    """The mail server took the mail."""
    change(engine, delivery, f"UPDATE biglog.delivery SET sent_at = now() WHERE {KEY}")


def release(engine: Engine, delivery: Delivery) -> None:
    """Give a claim back: the mail server certainly did not take the mail, so a retry may."""
    change(engine, delivery, f"DELETE FROM biglog.delivery WHERE {KEY} AND sent_at IS NULL")


def change(engine: Engine, delivery: Delivery, statement: str) -> None:
    row = {
        "partition": delivery.partition,
        "recipient": delivery.recipient,
        "report_sha": delivery.report_sha,
    }
    with engine.begin() as connection:
        connection.execute(text(statement), row)


def deliveries(engine: Engine, partition: str) -> tuple[Delivery, ...]:
    with engine.connect() as connection:
        found = rows(
            connection,
            "SELECT partition, recipient, report_sha, message_id, claimed_at, sent_at"
            " FROM biglog.delivery WHERE partition = :partition ORDER BY claimed_at, recipient",
            partition=partition,
        )
    return tuple(Delivery(**one) for one in found)
