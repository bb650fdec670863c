"""How unlikely the events of a session are, each after the ones before it.

An n-gram model with Witten-Bell back-off (Witten and Bell, 1991): a context is believed by how
often it was seen against how many kinds of events followed it; the rest is left to the shorter
context, so it has no constant to set. A session is as odd as the mean surprise of its events, the
logarithm of its perplexity; its least likely event is told.

Score: 1 less the share of learnt sessions as surprising. Odd only where far beyond them. An event
that is learnt from does not count for itself. Cost: a group-by and a join over all events for each
length of context.
"""

from __future__ import annotations

import polars as pl

from biglog.findings import calibrate

CONTEXT = 3
"""Events that the next one is foretold from; longer contexts are seldom seen twice."""
START = 2**32 - 1
"""Before the first event; the codes of templates stay far below."""
SHOWN = 120


def judge(here: pl.DataFrame, past: pl.DataFrame | None) -> pl.DataFrame:
    """Per session: session, score, odd and reason.

    Both have session, template_id and template, a row an event in order.
    """
    today = in_context(here)
    learnt = today if past is None else in_context(past)
    model = [continuations(learnt, length) for length in range(CONTEXT + 1)]
    usual = surprises(learnt, model, itself=True)
    if past is None:
        return calibrate.judged(usual, usual)
    return calibrate.judged(surprises(today, model, itself=False), usual)


def in_context(lines: pl.DataFrame) -> pl.DataFrame:
    """Each event, as its template's code, with those before it in its session: c1, then c2, c3.

    Codes are those of polars' categories, which all frames share.
    """
    ids = pl.col("template_id").cast(pl.Categorical).to_physical()
    rows = lines.select("session", "template", event=ids)
    before = [
        pl.col("event").shift(n).over("session").fill_null(START).alias(f"c{n}")
        for n in range(1, CONTEXT + 1)
    ]
    return rows.select("session", "template", *before, "event")


def context(length: int) -> list[str]:
    return [f"c{n}" for n in range(1, length + 1)]


def continuations(events: pl.DataFrame, length: int) -> pl.DataFrame:
    """Each context and event: how often (had), the context itself (whole), its kinds of events."""
    keys = context(length)
    counts = events.group_by(*keys, "event").agg(pl.len().cast(pl.Int64).alias("had"))
    whole, kinds = pl.col("had").sum(), pl.len().cast(pl.Int64)
    if keys:
        whole, kinds = whole.over(keys), kinds.over(keys)
    return counts.with_columns(whole.alias("whole"), kinds.alias("kinds"))


def surprises(events: pl.DataFrame, model: list[pl.DataFrame], *, itself: bool) -> pl.DataFrame:
    """Session, strength (mean -log of the chance of its events) and said (its least likely one)."""
    distinct = events.group_by(*context(CONTEXT), "event").agg(pl.len()).drop("len")
    rated = chances(distinct, model, itself=itself)
    worst = (
        events.join(rated, on=[*context(CONTEXT), "event"], maintain_order="left")
        .group_by("session", maintain_order=True)
        .agg(
            (-pl.col("chance").log().mean()).alias("strength"),
            pl.col("template").sort_by("chance").first().cast(pl.String),
        )
    )
    said = pl.format("unlikely after what came before: {}", pl.col("template").str.head(SHOWN))
    return worst.select("session", "strength", said.alias("said"))


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
