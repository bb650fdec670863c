"""How bad an incident is, 0 to 100, and what that is made of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from biglog.incidents.episodes import Episode

SHARES = {"level": 0.35, "novelty": 0.25, "volume": 0.15, "spread": 0.15, "duration": 0.10}


def factors(group: Sequence[Episode]) -> dict[str, float]:
    """The five factors, each 0 to 1, and ``certainty``, which scales their sum."""
    best = max(e.finding.score for e in group)
    doubt = math.prod(1 - 0.4 * e.finding.score for e in strongest(group))
    values = {
        "level": max(e.gravity for e in group),
        "novelty": max(novelty(e) for e in group),
        "volume": min(1.0, math.log10(1 + max(excess(e) for e in group)) / 3),
        "spread": spread(group),
        "duration": min(1.0, minutes(group) / 120),
        "certainty": max(best, 1 - doubt),
    }
    return {name: round(value, 3) for name, value in values.items()}


def strongest(group: Sequence[Episode]) -> list[Episode]:
    """One episode per finding, the three of the highest score."""
    by_finding = {e.finding.finding_id: e for e in group}
    return sorted(by_finding.values(), key=lambda e: -e.finding.score)[:3]


def severity(values: Mapping[str, float]) -> int:
    whole = sum(share * values[name] for name, share in SHARES.items())
    return round(100 * min(1.0, whole * values["certainty"]))


def novelty(episode: Episode) -> float:
    finding = episode.finding
    if finding.kind in ("new_template", "returned_template"):
        return finding.score
    if finding.kind == "silence":
        return 0.8 * finding.score if not finding.template_id else 0.4 * finding.score
    if finding.kind in ("rate_up", "rate_down"):
        change = float(finding.evidence.get("change", 1.0))
        return 0.8 * min(1.0, math.log10(max(1.0, change)) / 2)
    return 0.3 * finding.score


def excess(episode: Episode) -> float:
    """Lines too many or too few."""
    return abs(episode.count - (episode.finding.expected if episode.main else 0.0))


def spread(group: Sequence[Episode]) -> float:
    services = {e.finding.service for e in group if e.finding.service}
    hosts = {e.finding.host for e in group} | {
        str(h) for e in group for h in e.finding.evidence.get("hosts", ())
    }
    wide = (len(services) - 1) / 3 * 0.6 + (len(hosts - {""}) - 1) / 4 * 0.4
    return min(1.0, max(0.0, wide))


def minutes(group: Sequence[Episode]) -> float:
    started, ended = min(e.started_at for e in group), max(e.ended_at for e in group)
    return (ended - started).total_seconds() / 60
