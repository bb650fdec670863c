"""Episodes that belong together, by time, place, dependency and meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from biglog.incidents.episodes import Episode, apart, overlap
from biglog.incidents.places import Places, blamed, text_of
from biglog.records import Day, Finding, History, Vectors

BOUND = 0.35  # from this bond on, two episodes are one incident
ALIKE = 0.8  # cosine from which two templates mean alike


@dataclass(frozen=True, slots=True)
class Ties:
    """What relates two findings whatever the time."""

    blames: Mapping[str, tuple[str, ...]]  # finding id -> services
    words: Mapping[str, frozenset[str]]  # finding id -> words of trouble it shares with others
    vectors: Mapping[str, Vectors]  # template id -> unit vector
    together: frozenset[frozenset[str]]  # pairs of services that were in one incident before
    coincidence: float  # what starting together says of strangers, 0 to 1

    def between(self, one: Finding, other: Finding) -> float:
        """0 (nothing) to 1 (same service)."""
        if one.service == other.service and one.service:
            return 1.0
        if self.names(one, other) or self.names(other, one):
            return 0.95
        ties = [self.coincidence]
        if one.source == other.source and not (one.service and other.service):
            ties.append(0.8)
        if frozenset((one.service, other.service)) in self.together:
            ties.append(0.6)
        if one.host and one.host == other.host:
            ties.append(0.5)
        return max(*ties, self.alike(one, other), 0.0)

    def names(self, one: Finding, other: Finding) -> bool:
        return other.service in self.blames.get(one.finding_id, ())

    def alike(self, one: Finding, other: Finding) -> float:
        shared = self.words.get(one.finding_id, frozenset()) & self.words.get(
            other.finding_id, frozenset()
        )
        meaning = 0.0
        if one.template_id in self.vectors and other.template_id in self.vectors:
            meaning = float(self.vectors[one.template_id] @ self.vectors[other.template_id])
        return 0.6 if shared or meaning >= ALIKE else 0.0


def ties(every: Sequence[Episode], day: Day, history: History, known: Places) -> Ties:
    findings = {e.finding.finding_id: e.finding for e in every}
    return Ties(
        blames={key: blamed(one, day, known) for key, one in findings.items()},
        words=rare_words(findings, day),
        vectors=dict(zip(day.vectors.template_ids, day.vectors.values, strict=True)),
        together=frozenset(
            frozenset((a, b))
            for one in history.incidents
            for a in one.services
            for b in one.services
            if a != b
        ),
        coincidence=coincidence(every),
    )


def coincidence(every: Sequence[Episode]) -> float:
    """The more ten-minute windows see a start, the less starting together means."""
    starts = {int(e.started_at.timestamp()) // 600 for e in every}
    return 0.6 * max(0.0, 1 - len(starts) / 24)


def rare_words(findings: Mapping[str, Finding], day: Day) -> dict[str, frozenset[str]]:
    """Names (with a digit, dot or underscore inside) that a few findings of trouble share."""
    words = {
        key: frozenset(re.findall(r"\b[a-z][\w-]*[\d._][\w.-]*\b", text_of(one, day).lower()))
        for key, one in findings.items()
        if float(one.evidence.get("gravity", 0.0)) >= 0.5
    }
    seen: dict[str, int] = {}
    for bag in words.values():
        for word in bag:
            seen[word] = seen.get(word, 0) + 1
    few = max(3, len(words) // 5)
    return {key: frozenset(w for w in bag if seen[w] <= few) for key, bag in words.items()}


def group(every: Sequence[Episode], gap_minutes: int, known: Ties) -> list[list[Episode]]:
    """Connected groups of bound episodes; ``every`` is sorted by start."""
    parent = list(range(len(every)))
    gap = timedelta(minutes=gap_minutes)
    open_ones: list[int] = []
    for at, episode in enumerate(every):
        open_ones = [i for i in open_ones if every[i].ended_at + gap >= episode.started_at]
        for i in open_ones:
            if root(parent, i) == root(parent, at):
                continue
            if bond(every[i], episode, gap_minutes, known) >= BOUND:
                parent[root(parent, at)] = root(parent, i)
        open_ones.append(at)
    groups: dict[int, list[Episode]] = {}
    for at, episode in enumerate(every):
        groups.setdefault(root(parent, at), []).append(episode)
    return [one for one in groups.values() if substantial(one)]


def root(parent: list[int], at: int) -> int:
    while parent[at] != at:
        parent[at] = parent[parent[at]]
        at = parent[at]
    return at


def bond(one: Episode, other: Episode, gap_minutes: int, known: Ties) -> float:
    """Nearness in time times relation; starting together counts more than lasting together."""
    start = abs((one.started_at - other.started_at).total_seconds()) / 60
    together = max(0.0, 1 - start / (2 * gap_minutes)) if start <= gap_minutes else 0.0
    shared = overlap(one, other)
    inside = 0.4 if apart(one, other) <= timedelta(0) else 0.3
    nearness = float(np.max([together, shared, inside]))
    return nearness * known.between(one.finding, other.finding)


def substantial(group: Sequence[Episode]) -> bool:
    """Echoes of one finding alone, away from its main episode, are no incident."""
    return any(e.main for e in group) or len({e.finding.finding_id for e in group}) > 1
