"""Steps from one event to the next that few sessions take.

A step is two templates that follow each other in a session. Its beginning and its end are steps
too, so that a session which stops where few do is told by its end.

Score: 1 less the share of learnt sessions that take a step as rare. Odd only where far beyond them:
events of parallel writers come in any order, and there rare steps are usual. A session that is
learnt from does not count for itself. Cost: two group-bys over all events.
"""

from __future__ import annotations

import polars as pl

from biglog.findings import calibrate

EDGE = "(edge)"
SHOWN = 80


def judge(here: pl.DataFrame, past: pl.DataFrame | None) -> pl.DataFrame:
    """Per session: session, score, odd and reason.

    Both have session, template_id and template, a row an event in order.
    """
    taken = steps(here)
    if past is None:
        rated = rarest(taken, taken, itself=True)
        return calibrate.judged(rated, rated)
    learnt = steps(past)
    return calibrate.judged(
        rarest(taken, learnt, itself=False), rarest(learnt, learnt, itself=True)
    )


def steps(lines: pl.DataFrame) -> pl.DataFrame:
    """The distinct steps of each session: session, before, after, and their patterns."""
    ids, text = pl.col("template_id").cast(pl.String), pl.col("template").cast(pl.String)
    inner = lines.select(
        "session",
        ids.shift(1).over("session").fill_null(EDGE).alias("before"),
        ids.alias("after"),
        text.shift(1).over("session").fill_null("their beginning").alias("from"),
        text.alias("to"),
    )
    ends = lines.group_by("session", maintain_order=True).agg(
        ids.last().alias("before"), text.last().alias("from")
    )
    end = (pl.lit(EDGE).alias("after"), pl.lit("their end").alias("to"))
    both = pl.concat([inner, ends.with_columns(end).select(inner.columns)])
    return both.unique(["session", "before", "after"], maintain_order=True)


def rarest(taken: pl.DataFrame, learnt: pl.DataFrame, *, itself: bool) -> pl.DataFrame:
    """The rarest step of each session: session, strength (-log of its share) and said."""
    total = learnt["session"].n_unique()
    had = learnt.group_by("before", "after").agg(pl.len().cast(pl.Int64).alias("had"))
    rated = taken.join(had, on=["before", "after"], how="left", maintain_order="left")
    others = (pl.col("had").fill_null(0) - int(itself)).alias("had")
    ordered = rated.with_columns(others).sort("had", maintain_order=True)
    first = ordered.group_by("session", maintain_order=True).first()
    share = (pl.col("had") + 0.5) / (total + 1)
    said = pl.format(
        "only {} of {} other sessions go from {} to {}",
        pl.col("had"),
        pl.lit(total - int(itself)),
        pl.col("from").str.head(SHOWN),
        pl.col("to").str.head(SHOWN),
    )
    rows = first.select("session", strength=-share.log(), said=said)
    return (
        taken.select("session")
        .unique(maintain_order=True)
        .join(rows, on="session", maintain_order="left")
    )
