"""What changed against earlier nights: kinds of lines that are new, that stopped, that moved."""

from __future__ import annotations

from dataclasses import dataclass, replace

from biglog.records import Finding, Night
from biglog.reports import reasons
from biglog.reports.cards import chosen
from biglog.reports.limits import Limits
from biglog.reports.reasons import FindingRow
from biglog.reports.verdict import JUDGED_DAYS, KIND_GROUPS
from biglog.reports.voice import Voice

OPEN_ROWS = 8  # seen without a click; the rest of the table folds


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of change."""

    name: str
    heading: str
    total: str
    shown: tuple[FindingRow, ...]
    folded: tuple[FindingRow, ...]
    fold_label: str
    hidden: str
    """How many are counted but not listed, in words."""
    empty: str
    """Why there is none, in words."""


def tables(night: Night, voice: Voice, limits: Limits) -> tuple[Table, ...]:
    ranks = {
        finding_id: voice.number(incident.rank)
        for incident in sorted(chosen(night, limits), key=lambda i: -i.rank)
        for finding_id in incident.finding_ids
    }
    grouped = {name: pick(night, kinds) for name, kinds in KIND_GROUPS}
    known = {kind for _, kinds in KIND_GROUPS for kind in kinds}
    others = sorted({f.kind for f in night.findings} - known)
    if others:
        grouped["other"] = pick(night, tuple(others))
    return tuple(
        table(name, night, found, (voice, limits, ranks)) for name, found in grouped.items()
    )


def pick(night: Night, kinds: tuple[str, ...]) -> list[Finding]:
    """Findings of these kinds, strongest first."""
    found = [one for one in night.findings if one.kind in kinds]
    return sorted(found, key=lambda f: (-f.score, f.started_at, f.finding_id))


def table(
    name: str,
    night: Night,
    found: list[Finding],
    how: tuple[Voice, Limits, dict[str, str]],
) -> Table:
    voice, limits, ranks = how
    rows = tuple(
        replace(
            reasons.row(one, night.templates, voice, limits),
            incident=ranks.get(one.finding_id, ""),
        )
        for one in found[: limits.rows]
    )
    hidden = len(found) - len(rows)
    folded = rows[OPEN_ROWS:]
    return Table(
        name=name,
        heading=voice.say(f"changes.{name}"),
        total=voice.number(len(found)),
        shown=rows[:OPEN_ROWS],
        folded=folded,
        fold_label=voice.count("fold.rows", len(folded)) if folded else "",
        hidden=voice.count("hidden.findings", hidden) if hidden else "",
        empty="" if found else why_none(name, night, voice),
    )


def why_none(name: str, night: Night, voice: Voice) -> str:
    if not any(one.lines for one in night.coverage):
        return voice.say("empty.no_lines")
    needed = 1 if name == "new" else JUDGED_DAYS
    if night.history_days < needed:
        return voice.say(f"empty.{name}_first")
    return voice.say(f"empty.{name}")
