"""Episodes that belong together, by time, place, dependency and meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from biglog.incidents.episodes import Episode, lead, overlap, specific, subject
from biglog.incidents.graph import SURE, Graph, graph, weighed
from biglog.incidents.places import Places, blamed, text_of
from biglog.records import Day, Finding, History, Vectors

BOUND = 0.35  # from this bond on, two episodes are one incident
ALIKE = 0.8  # cosine from which two templates mean alike
RELATED = 0.5  # from this tie on, a group inside another's time belongs to it
AGAIN = 3  # within so many gaps the same trouble is the same affair, on whichever host
GRAVE = 0.5
LONG = timedelta(hours=3)  # what lasts longer does not draw in what starts meanwhile
CROWDED = 24  # with more groups of trouble than this, starting together means nothing


@dataclass(frozen=True, slots=True)
class Ties:
    """What relates two findings whatever the time."""

    blames: Mapping[str, tuple[str, ...]]  # finding id -> services
    words: Mapping[str, frozenset[str]]  # finding id -> names few other findings speak of
    vectors: Mapping[str, Vectors]  # template id -> unit vector
    related: frozenset[frozenset[str]]  # services that call one another or failed together before
    graph: Graph = field(default_factory=Graph)

    def between(self, one: Finding, other: Finding) -> float:
        """0 (nothing) to 1 (same service)."""
        if one.service == other.service and one.service:
            return 1.0
        if self.names(one, other) or self.names(other, one):
            return 0.95
        if one.source == other.source and not (one.service and other.service):
            return 0.9
        related = 0.7 if frozenset((one.service, other.service)) in self.related else 0.0
        host = 0.5 if one.host and one.host == other.host else 0.0
        return max(related, host, self.alike(one, other))

    def names(self, one: Finding, other: Finding) -> bool:
        return other.service in self.blames.get(one.finding_id, ())

    def alike(self, one: Finding, other: Finding) -> float:
        none: frozenset[str] = frozenset()
        if self.words.get(one.finding_id, none) & self.words.get(other.finding_id, none):
            return 0.6
        if one.template_id in self.vectors and other.template_id in self.vectors:
            cosine = float(self.vectors[one.template_id] @ self.vectors[other.template_id])
            return 0.6 if cosine >= ALIKE else 0.0
        return 0.0


def ties(every: Sequence[Episode], day: Day, history: History, known: Places) -> Ties:
    findings = {e.finding.finding_id: e.finding for e in every}
    together = {
        frozenset((a, b))
        for one in history.incidents
        for a in one.services
        for b in one.services
        if a != b
    }
    calls = weighed([*history.dependencies, *day.dependencies])
    # To be named once, in trouble perhaps, relates two services; to share an id once does not.
    linked = {
        frozenset((one.caller, one.callee))
        for one in calls
        if "named" in one.ways or one.confidence >= SURE
    }
    return Ties(
        blames={key: blamed(one, day, known) for key, one in findings.items()},
        words=rare_words(findings, day),
        vectors=dict(zip(day.vectors.template_ids, day.vectors.values, strict=True)),
        related=frozenset(linked | together),
        graph=graph(calls),
    )


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
    """Groups of episodes that are one incident each; ``every`` is sorted by start."""
    gap = timedelta(minutes=gap_minutes)
    groups = bound(every, gap, known)
    while (fewer := joined(groups, gap, known)) and len(fewer) < len(groups):
        groups = fewer
    return [one for one in groups if substantial(one)]


def bound(every: Sequence[Episode], gap: timedelta, known: Ties) -> list[list[Episode]]:
    """Connected groups of episodes with a bond."""
    parent = list(range(len(every)))
    open_ones: list[int] = []
    for at, episode in enumerate(every):
        open_ones = [i for i in open_ones if every[i].ended_at + gap >= episode.started_at]
        for i in open_ones:
            apart = root(parent, i) != root(parent, at)
            if apart and bond(every[i], episode, gap, known) >= BOUND:
                parent[root(parent, at)] = root(parent, i)
        open_ones.append(at)
    groups: dict[int, list[Episode]] = {}
    for at, episode in enumerate(every):
        groups.setdefault(root(parent, at), []).append(episode)
    return list(groups.values())


def root(parent: list[int], at: int) -> int:
    while parent[at] != at:
        parent[at] = parent[parent[at]]
        at = parent[at]
    return at


def bond(one: Episode, other: Episode, gap: timedelta, known: Ties) -> float:
    """Nearness in time times relation; starting together counts more than lasting together."""
    start = abs(one.started_at - other.started_at) / (2 * gap)
    together = 1 - start if start <= 0.5 else 0.0
    inside = 0.4 if max(one.minutes, other.minutes) <= LONG.total_seconds() / 60 else 0.0
    near = max(together, overlap(one, other), inside)
    return near * known.between(one.finding, other.finding)


def joined(groups: list[list[Episode]], gap: timedelta, known: Ties) -> list[list[Episode]]:
    """Groups joined that are one affair as a whole: one pass, earlier groups first."""
    crowded = sum(any(trouble(e) for e in one) for one in groups) > CROWDED
    kept: list[list[Episode]] = []
    for one in sorted(
        groups, key=lambda g: (min(e.started_at for e in g), g[0].finding.finding_id)
    ):
        home = next((g for g in kept if one_affair(g, one, gap, known, crowded=crowded)), None)
        if home is None:
            kept.append(list(one))
        else:
            home.extend(one)
            home.sort(key=lambda e: (e.started_at, e.ended_at, e.finding.finding_id))
    return kept


def one_affair(
    one: list[Episode], other: list[Episode], gap: timedelta, known: Ties, *, crowded: bool
) -> bool:
    """Trouble that starts together, or a group within (or just after) a related one's time.

    Of what comes later only the same trouble again.
    """
    apart = max(starts(one), starts(other)) - min(ends(one), ends(other))
    long = max(ends(one) - starts(one), ends(other) - starts(other)) > LONG
    if apart > gap:
        return not long and apart <= AGAIN * gap and same_trouble(one, other)
    if long and abs(starts(one) - starts(other)) > gap:
        return False
    if {e.finding.service for e in one} & {e.finding.service for e in other} - {""}:
        return True
    if not crowded and strike_together(one, other, gap):
        return True
    return any(known.between(a.finding, b.finding) >= RELATED for a in one for b in other)


def same_trouble(one: Sequence[Episode], other: Sequence[Episode]) -> bool:
    """What tells most of either is in both: two faults may have one consequence."""
    leads = [lead(group).finding for group in (one, other)]
    shared = {subject(e.finding) for e in one} & {subject(e.finding) for e in other}
    return all(specific(finding) and subject(finding) in shared for finding in leads)


def strike_together(one: Sequence[Episode], other: Sequence[Episode], gap: timedelta) -> bool:
    """First troubles within the gap, or any two within half of it."""
    mine, theirs = ([e.started_at for e in group if trouble(e)] for group in (one, other))
    if not mine or not theirs:
        return False
    nearest = min(abs(a - b) for a in mine for b in theirs)
    return abs(min(mine) - min(theirs)) <= gap or nearest <= gap / 2


def starts(group: Sequence[Episode]) -> datetime:
    return min(e.started_at for e in group)


def ends(group: Sequence[Episode]) -> datetime:
    return max(e.ended_at for e in group)


def trouble(episode: Episode) -> bool:
    """A line of trouble, or the silence of a whole service or host."""
    finding = episode.finding
    return episode.gravity >= GRAVE or (finding.kind == "silence" and not finding.template_id)


def substantial(group: Sequence[Episode]) -> bool:
    """Echoes of one finding alone, away from its main episode, are no incident."""
    return any(e.main for e in group) or len({e.finding.finding_id for e in group}) > 1
