"""How unlikely the events of a session are, each after the ones before it.

An n-gram model with Witten-Bell back-off (Witten and Bell, 1991): a context is believed by how
often it was seen against how many kinds of events followed it; the rest is left to the shorter
context, so it has no constant to set. A session is as odd as the mean surprise of its events, the
logarithm of its perplexity; its least likely event is told.

Score: 1 less the share of learnt sessions as surprising. Odd only where far beyond them. An event
that is learnt from does not count for itself. What is learnt is how often each event came after the
three before it. Cost: a sort of each part's events, and group-bys and joins over distinct events
in their context.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from biglog.findings.keys import Ints, Keys, Numbering, Tally, parted
from biglog.findings.sessionparts import Part
from biglog.findings.steps import rarest

CONTEXT = 3
"""Events that the next one is foretold from; longer contexts are seldom seen twice."""
SHOWN = 120
CHUNK = 500_000
"""Distinct events in context that are looked at together, or more where one event leads to more."""

Floats = npt.NDArray[np.float64]


def context(length: int) -> list[str]:
    return [f"c{n}" for n in range(1, length + 1)]


def log_chances(asked: Tally, learnt: Tally, numbers: Numbering, *, itself: bool) -> Floats:
    """Of each key that is asked, the logarithm of its chance by what was learnt.

    Keys are those of ``steps.in_context``. All that one event follows is looked at together.
    """
    whole = events(learnt, numbers)
    mine, theirs = (latest(one.keys, numbers) for one in (asked, learnt))
    my_order, their_order = (np.argsort(one, kind="stable") for one in (mine, theirs))
    mine, theirs = mine[my_order], theirs[their_order]
    found = np.empty(len(mine))
    for low, high in ranges(mine):
        here = my_order[np.searchsorted(mine, low) : np.searchsorted(mine, high)]
        known = their_order[np.searchsorted(theirs, low) : np.searchsorted(theirs, high)]
        model = unpacked(learnt.keys[known], numbers).with_columns(had=learnt.counts[known])
        levels = [whole, *(continuations(model, n) for n in range(1, CONTEXT + 1))]
        rated = chances(unpacked(asked.keys[here], numbers), levels, itself=itself)
        found[here] = rated["chance"].log().to_numpy()
    return found


def latest(keys: Keys, numbers: Numbering) -> Ints:
    """The event before the one that the key is of."""
    _, step = parted(keys)
    return parted(numbers.keys[step])[0]


def ranges(ordered: Ints) -> Iterator[tuple[int, int]]:
    """From and to (not with it): values cut so that each range has about CHUNK of them."""
    low = 0
    while low < len(ordered):
        most = ordered[min(low + CHUNK, len(ordered)) - 1]
        yield int(ordered[low]), int(most) + 1
        low = int(np.searchsorted(ordered, most, side="right"))


def unpacked(keys: Keys, numbers: Numbering) -> pl.DataFrame:
    """Event, and c1 (before it), c2 and c3."""
    far, near = parted(keys)
    c3, c2 = parted(numbers.keys[far])
    c1, event = parted(numbers.keys[near])
    return pl.DataFrame({"c1": c1, "c2": c2, "c3": c3, "event": event}).cast(pl.UInt32)


def events(learnt: Tally, numbers: Numbering) -> pl.DataFrame:
    """``continuations`` of no context."""
    _, step = parted(learnt.keys)
    often = np.bincount(step, learnt.counts, len(numbers.keys)).astype(np.int64)
    _, event = parted(numbers.keys)
    rows = pl.DataFrame({"event": event, "had": often}).filter(pl.col("had") > 0)
    return continuations(rows.cast({"event": pl.UInt32}), 0)


def continuations(events: pl.DataFrame, length: int) -> pl.DataFrame:
    """Each context and event: how often (had), the context itself (whole), its kinds of events."""
    keys = context(length)
    counts = events.group_by(*keys, "event").agg(pl.col("had").sum())
    whole, kinds = pl.col("had").sum(), pl.len().cast(pl.Int64)
    if keys:
        whole, kinds = whole.over(keys), kinds.over(keys)
    return counts.with_columns(whole.alias("whole"), kinds.alias("kinds"))


def surprises(part: Part, keys: Keys, asked: Keys, logs: Floats) -> tuple[Floats, Ints]:
    """Of each session the mean of its events' -log chance, and the place of its least likely one.

    ``keys`` are the part's events in context, ``logs`` go with ``asked``, which rise.
    """
    distinct, where = np.unique(keys, return_inverse=True)
    log = logs[np.searchsorted(asked, distinct)][where]
    mean = (
        pl.DataFrame({"session": part.session.astype(np.uint32), "log": log})
        .group_by("session", maintain_order=True)
        .agg(-pl.col("log").mean())
    )
    return mean["log"].to_numpy(), rarest(log, part)[1]


def told(kinds: npt.NDArray[np.uint32], patterns: pl.DataFrame) -> pl.Series:
    """In words, by the codes of the least likely events."""
    return pl.DataFrame({"code": kinds}).join(
        patterns, on="code", how="left", maintain_order="left"
    ).select(
        pl.format("unlikely after what came before: {}", pl.col("template").str.head(SHOWN))
    ).to_series()  # fmt: skip


def chances(distinct: pl.DataFrame, model: list[pl.DataFrame], *, itself: bool) -> pl.DataFrame:
    """The chance of each distinct event in its context, built from the shortest context up."""
    rated = distinct.with_columns(chance=pl.lit(1.0 / (model[0].height + 1)))
    for length, counts in enumerate(model):
        keys = context(length)
        rated = seen(rated, counts, keys)
        had = pl.col("had").fill_null(0) - int(itself)
        kinds = pl.col("kinds") - (had.eq(0) if itself else 0)
        whole = pl.col("whole") - int(itself)
        believed = (had + kinds * pl.col("chance")) / (whole + kinds)
        known = whole + kinds > 0
        rated = rated.with_columns(
            pl.when(known).then(believed).otherwise("chance").alias("chance")
        )
        rated = rated.drop("had", "whole", "kinds")
    return rated


def seen(rated: pl.DataFrame, counts: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """What the model counted of each event and of its context; null for an unknown context."""
    joined = rated.join(
        counts.select(*keys, "event", "had"), on=[*keys, "event"], how="left", maintain_order="left"
    )
    if keys:
        whole = counts.select(*keys, "whole", "kinds").unique()
        return joined.join(whole, on=keys, how="left", maintain_order="left")
    return joined.with_columns(
        pl.lit(int(counts["had"].sum())).alias("whole"), pl.lit(counts.height).alias("kinds")
    )
