"""What an incident is told by: its telling symptom, and the title in plain words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from biglog.incidents.episodes import Episode
from biglog.records import ABSENT, Day, Finding

MOST = 90


def telling(group: Sequence[Episode], services: Sequence[str]) -> Episode:
    """The episode that the title tells of, and every report with it: the worst one.

    A count of all lines of a service tells less than the worst kind of line there; of a silence,
    the likeliest place of the fault is told, which may have said something.
    """
    worst = max(group, key=weight)
    finding = worst.finding
    if finding.kind in ABSENT:
        better = [e for e in group if e.finding.service in services[:1]]
    elif not finding.template_id:
        here = (e for e in group if e.finding.service == finding.service)
        better = [e for e in here if e.finding.template_id and said(e.finding)]
    else:
        better = []
    return max(better or [worst], key=weight)


def weight(episode: Episode) -> tuple[float, int, str]:
    """How bad it is beside others of its incident."""
    finding = episode.finding
    return episode.gravity * finding.score, episode.count, finding.finding_id


def said(finding: Finding) -> str:
    """A line of the finding; none for what was missing, whose example is of another night."""
    return "" if finding.kind in ABSENT else finding.example


def title(worst: Episode, day: Day) -> str:
    """Where, what, how much and since when, in one line."""
    finding = worst.finding
    where = finding.service or finding.source
    if finding.host and finding.host != where:
        where += f" on {finding.host}"
    return f"{where}: {symptom(worst, day)} from {worst.started_at:%H:%M}"


def symptom(worst: Episode, day: Day) -> str:
    finding = worst.finding
    said = quoted(worst, day)
    if finding.kind == "silence":
        what = f"{said} stopped" if said else "silent"
        return f"{what} for {worst.minutes:,.0f} minutes"
    if finding.kind == "stopped_template":
        return f"{said} did not come at all"
    if finding.kind in ("rate_up", "rate_down"):
        return f"{said or loudness(worst)} {moved(finding)}"
    if finding.kind == "new_value":
        new = ", ".join(f"“{one}”" for one in finding.evidence["new"][:3])
        return f"new value {new} in {said}, {often(worst)}"
    if finding.kind in ("value_up", "value_down"):
        side = "high" if finding.kind == "value_up" else "low"
        return f"{said} with {side} values, {often(worst)}"
    kind = {"new_template": "new ", "returned_template": "again "}.get(finding.kind, "odd ")
    return f"{kind}{finding.level.lower() or 'line'} {said}, {often(worst)}"


def often(worst: Episode) -> str:
    return "once" if worst.count == 1 else f"{worst.count:,} times"


def moved(finding: Finding) -> str:
    change = float(finding.evidence.get("change", 1.0))
    if finding.kind == "rate_down":
        return f"fell to {100 / max(change, 1.0):,.0f} % of the usual rate"
    if finding.expected < 1:
        return f"{finding.count:,} times where hardly one was expected,"
    return f"{change:,.0f} times the usual rate"


def loudness(worst: Episode) -> str:
    return "errors and warnings" if worst.gravity >= 0.5 else "lines"


def quoted(worst: Episode, day: Day) -> str:
    template = day.templates.get(worst.finding.template_id)
    if not template:
        return ""
    line = re.sub(r"\s+", " ", template.pattern.replace("<*>", "…")).strip()
    return f"“{line if len(line) <= MOST else line[: MOST - 1] + '…'}”"
