"""Which templates' lines came far more often while a metric series was odd.

Each odd spell of a series is laid over every other place of the same length in the nights that were
read, and a template is judged by the share of places where at least as many of its lines came: an
exact test if the spell could as well have been anywhere else. Several spells of a series, in
earlier nights too, are joined by Fisher's method (1932); each pair of an anomaly and a template is
one test, held to a rate of false discoveries (Benjamini and Hochberg, 1995). One spell in a short
history therefore proves little, unless many templates rise at once. What rises together need not be
cause and effect.

Cost: templates of the night times ten-minute buckets of all nights, four bytes each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
from scipy import stats

from biglog.findings.chance import discoveries
from biglog.records import Meanwhile, MetricAnomaly

BUCKET = 600
"""Seconds; that of COUNTS."""
RARE = 0.05
"""In a spell that counts as one with more lines, at most this share of places has as many."""
MOST = 3
"""Templates that are told of one anomaly: those whose rise is the least likely to be chance."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Lines of the night's templates, a row each, in the buckets of all nights, running totals."""

    first: int  # the number of the first bucket
    templates: tuple[str, ...]
    before: npt.NDArray[np.int64]  # [templates, buckets + 1]: lines before each bucket
    unread: npt.NDArray[np.int64]  # [buckets + 1]: buckets before each that no night covers

    def places(self, buckets: int) -> npt.NDArray[np.int64]:
        """Where a spell of that many buckets lies in time that was read, in order."""
        return np.flatnonzero(self.unread[buckets:] == self.unread[:-buckets])

    def lines(self, places: npt.NDArray[np.int64], buckets: int) -> npt.NDArray[np.int64]:
        """[templates, places]"""
        return self.before[:, places + buckets] - self.before[:, places]


@dataclass(frozen=True, slots=True)
class Rise:
    """One spell, each of the night's templates against the other places of its length."""

    lines: npt.NDArray[np.int64]
    usual: npt.NDArray[np.float64]  # the median elsewhere
    chance: npt.NDArray[np.float64]


def meanwhile(
    anomalies: Sequence[MetricAnomaly],
    earlier: Sequence[MetricAnomaly],
    counts: pa.Table,
    date: str,
    rate: float,
) -> list[tuple[MetricAnomaly, tuple[Meanwhile, ...]]]:
    """The night's anomalies that have such templates, each with at most three, the surest first.

    ``counts`` are COUNTS of the night and of the nights of the ``earlier`` anomalies, ``rate`` the
    share of what is told that may be chance.
    """
    line = timeline(counts, date)
    if line is None:
        return []
    spells = [(one, found) for one in anomalies if (found := rise(one, line)) is not None]
    past: dict[tuple[str, str], list[Rise]] = {series_of(one): [] for one, _ in spells}
    for one in earlier:
        if series_of(one) in past and (found := rise(one, line)) is not None:
            past[series_of(one)].append(found)
    joined = [joint(found, past[series_of(one)]) for one, found in spells]
    every = np.array(joined).reshape(len(spells), len(line.templates))
    stands = discoveries(every.ravel(), every.size, rate).reshape(every.shape)
    told = [
        (one, strongest(found, past[series_of(one)], chance, stand, line))
        for (one, found), chance, stand in zip(spells, joined, stands, strict=True)
    ]
    return [(one, some) for one, some in told if some]


def series_of(one: MetricAnomaly) -> tuple[str, str]:
    return one.source, one.series


def timeline(counts: pa.Table, date: str) -> Timeline | None:
    """None where the night has no lines."""
    seconds = pl.col("bucket").dt.epoch("s")
    table = (
        pl.DataFrame(pl.from_arrow(counts))
        .select("date", "template_id", "count", at=seconds // BUCKET)
        .group_by("date", "template_id", "at")
        .agg(pl.col("count").sum())
    )
    templates = table.filter(pl.col("date") == date)["template_id"].unique().sort()
    if templates.is_empty():
        return None
    nights = table.group_by("date").agg(begin=pl.col("at").min(), end=pl.col("at").max())
    begins, ends = nights["begin"].to_numpy(), nights["end"].to_numpy()
    first = int(begins.min())
    width = int(ends.max()) - first + 1
    read = np.zeros(width, dtype=np.bool_)
    for begin, end in zip(begins, ends, strict=True):
        read[begin - first : end - first + 1] = True
    kept = table.filter(pl.col("template_id").is_in(templates.implode()))
    lines = np.zeros((len(templates), width + 1), dtype=np.int64)
    row = np.searchsorted(templates.to_numpy(), kept["template_id"].to_numpy())
    np.add.at(lines, (row, kept["at"].to_numpy() - first + 1), kept["count"].to_numpy())
    return Timeline(
        first=first,
        templates=tuple(templates),
        before=np.cumsum(lines, axis=1, out=lines),
        unread=np.concatenate([[0], np.cumsum(~read)]),
    )


def rise(one: MetricAnomaly, line: Timeline) -> Rise | None:
    """None where the spell lies in time whose lines were not read, or nowhere else has room."""
    begin, end = bucket(one.started_at) - line.first, bucket(one.ended_at) - line.first
    buckets = end - begin + 1
    places = line.places(buckets)
    elsewhere = places[np.abs(places - begin) >= buckets]
    if begin not in places or not elsewhere.size:
        return None
    here = line.lines(np.array([begin]), buckets)[:, 0]
    there = line.lines(elsewhere, buckets)
    as_many = np.count_nonzero(there >= here[:, None], axis=1)
    return Rise(here, np.median(there, axis=1), (1 + as_many) / (1 + elsewhere.size))


def bucket(at: datetime) -> int:
    return int(at.astimezone(UTC).timestamp()) // BUCKET


def joint(found: Rise, past: Sequence[Rise]) -> npt.NDArray[np.float64]:
    """How likely all the spells are by chance; 1 where the lines did not rise in tonight's."""
    chances = np.vstack([found.chance, *(one.chance for one in past)])
    together = stats.chi2.sf(-2.0 * np.log(chances).sum(axis=0), 2 * len(chances))
    return np.where(found.chance <= RARE, together, 1.0)


def strongest(
    found: Rise,
    past: Sequence[Rise],
    chance: npt.NDArray[np.float64],
    stands: npt.NDArray[np.bool_],
    line: Timeline,
) -> tuple[Meanwhile, ...]:
    order = np.lexsort((-found.lines, chance))
    return tuple(
        Meanwhile(
            template_id=line.templates[n],
            lines=int(found.lines[n]),
            usual=float(found.usual[n]),
            spells=1 + len(past),
            rises=1 + sum(bool(one.chance[n] <= RARE) for one in past),
            chance=float(chance[n]),
        )
        for n in order[stands[order]][:MOST]
    )
