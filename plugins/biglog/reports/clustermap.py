"""The map of the night's templates: what is drawn where, in which colour and in which words."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from biglog.records import Cluster, Night, Spot
from biglog.reports.limits import Limits
from biglog.reports.text import shorten
from biglog.reports.voice import Voice

SIDE, MARGIN = 480, 16  # of the square that is drawn
SMALLEST, LARGEST = 2.4, 9.0  # radius of a dot
COLOURS = 6
DOTS_PER_CLUSTER = 80  # of those that the page lists: 1,920 dots at most
WORDS = 100  # characters of a pattern in a tooltip
REST = 0
"""The colour of what is alone or in a smaller cluster."""
NEW = frozenset({"new_template", "returned_template"})


@dataclass(frozen=True, slots=True)
class Dot:
    """One template."""

    x: float
    y: float
    radius: float
    label: str


@dataclass(frozen=True, slots=True)
class Ring:
    """Around a dot that is in tonight's findings."""

    x: float
    y: float
    radius: float
    new: bool


@dataclass(frozen=True, slots=True)
class Name:
    """One of the largest clusters: its number on the map and what that stands for."""

    number: int
    x: float
    y: float
    title: str
    count: str


@dataclass(frozen=True, slots=True)
class Map:
    """Dots by colour, the rest first, larger ones beneath smaller ones; rings; names."""

    top: float
    height: float
    dots: tuple[tuple[int, tuple[Dot, ...]], ...]
    rings: tuple[Ring, ...]
    names: tuple[Name, ...]
    rest: str
    summary: str
    hidden: str


def draw(night: Night, voice: Voice, limits: Limits) -> Map | None:
    """None where there is nothing to place, or no room for it."""
    kinds = flagged(night)
    spots = shown(night.spots, kinds, DOTS_PER_CLUSTER * limits.clusters)
    if len(spots) < 2:
        return None
    named = colours(night.clusters)
    most = math.log1p(max(one.lines for one in spots)) or 1.0
    by_colour: dict[int, list[Dot]] = defaultdict(list)
    rings = []
    for one in sorted(spots, key=lambda one: (-one.lines, one.template_id)):
        dot = place(one, most, words(one, night, kinds, voice))
        by_colour[named.get(one.label, REST)].append(dot)
        if found := kinds.get(one.template_id):
            rings.append(Ring(dot.x, dot.y, dot.radius + 3, not NEW.isdisjoint(found)))
    names = tuple(name(one, number, spots, voice) for one, number in numbered(night, named, spots))
    rest = sum(one.label not in named for one in spots)
    levels = [dot.y for dots in by_colour.values() for dot in dots]
    return Map(
        top=round(min(levels) - MARGIN, 1),
        height=round(max(levels) - min(levels) + 2 * MARGIN, 1),
        dots=tuple((colour, tuple(by_colour[colour])) for colour in sorted(by_colour)),
        rings=tuple(rings),
        names=names,
        rest=voice.count("map.rest", rest) if rest else "",
        summary=summary(spots, names, rings, voice),
        hidden=voice.count("map.hidden", len(night.spots) - len(spots))
        if len(night.spots) > len(spots)
        else "",
    )


def flagged(night: Night) -> Mapping[str, frozenset[str]]:
    """Kinds of tonight's findings by template."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for one in night.findings:
        kinds[one.template_id].add(one.kind)
    return {key: frozenset(found) for key, found in kinds.items() if key}


def shown(spots: Sequence[Spot], kinds: Mapping[str, object], most: int) -> tuple[Spot, ...]:
    """What was found tonight, then what has most lines."""
    ordered = sorted(
        spots, key=lambda one: (one.template_id not in kinds, -one.lines, one.template_id)
    )
    return tuple(ordered[:most])


def colours(clusters: Sequence[Cluster]) -> dict[int, int]:
    """Numbers from 1 of the clusters with most lines, by label; the oldest first, so that a
    cluster tends to keep its colour from night to night.
    """
    largest = sorted(clusters, key=lambda one: (-one.lines, one.label))[:COLOURS]
    settled = sorted(largest, key=lambda one: (one.since, one.identity, one.label))
    return {one.label: number for number, one in enumerate(settled, 1)}


def place(spot: Spot, most: float, label: str) -> Dot:
    scale = (SIDE - 2 * MARGIN) / 2
    share = math.log1p(spot.lines) / most
    return Dot(
        x=round(SIDE / 2 + spot.x * scale, 1),
        y=round(SIDE / 2 - spot.y * scale, 1),
        radius=round(SMALLEST + (LARGEST - SMALLEST) * share, 1),
        label=label,
    )


def words(spot: Spot, night: Night, kinds: Mapping[str, frozenset[str]], voice: Voice) -> str:
    """The tooltip: the pattern, how many lines, what was found."""
    known = night.templates.get(spot.template_id)
    text = shorten(known.pattern if known else spot.template_id, WORDS)
    found = [voice.label("kind", one) for one in sorted(kinds.get(spot.template_id, ()))]
    return " · ".join((text, voice.count("count.lines", spot.lines), *found))


def numbered(
    night: Night, named: Mapping[int, int], spots: Sequence[Spot]
) -> list[tuple[Cluster, int]]:
    """The named clusters that have a dot, by number."""
    drawn = {one.label for one in spots}
    found = [(one, named[one.label]) for one in night.clusters if one.label in named.keys() & drawn]
    return sorted(found, key=lambda one: one[1])


def name(cluster: Cluster, number: int, spots: Sequence[Spot], voice: Voice) -> Name:
    """The number stands in the middle of the cluster's dots."""
    own = [place(one, 1.0, "") for one in spots if one.label == cluster.label]
    return Name(
        number=number,
        x=round(median(one.x for one in own), 1),
        y=round(median(one.y for one in own), 1),
        title=shorten(cluster.title, 60),
        count=voice.count("count.lines", cluster.lines),
    )


def summary(
    spots: Sequence[Spot], names: Sequence[Name], rings: Sequence[Ring], voice: Voice
) -> str:
    """What the picture shows, for whoever does not see it."""
    return voice.say(
        "map.summary",
        kinds=voice.count("map.kinds", len(spots)),
        clusters=voice.join([one.title for one in names]),
        rings=voice.number(len(rings)),
    )
