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

EDGE = 2**32 - 1
"""Before the first and after the last; the codes of templates stay far below."""
SHOWN = 80


def judge(here: pl.DataFrame, past: pl.DataFrame | None) -> pl.DataFrame:
    """Per session: session, score, odd and reason.

    Both have session, template_id and template, a row an event in order.
    """
    taken, patterns = steps(here), names(here)
    if past is None:
        rated = rarest(taken, taken, patterns, itself=True)
        return calibrate.judged(rated, rated)
    learnt = steps(past)
    return calibrate.judged(
        rarest(taken, learnt, patterns, itself=False),
        rarest(learnt, learnt, names(past), itself=True),
    )


def steps(lines: pl.DataFrame) -> pl.DataFrame:
    """The distinct steps of each session: session, before and after.

    Templates are codes, those of polars' categories, which all frames share; EDGE is before the
    first and after the last.
    """
    ids = pl.col("template_id").cast(pl.Categorical).to_physical()
    rows = lines.select("session", after=ids)
    before = pl.col("after").shift(1).over("session").fill_null(EDGE)
    inner = rows.select("session", before.alias("before"), "after")
    ends = rows.group_by("session", maintain_order=True).agg(pl.col("after").last().alias("before"))
    end = pl.lit(EDGE, pl.UInt32).alias("after")
    both = pl.concat([inner, ends.select("session", "before", end)])
    return both.unique(["session", "before", "after"], maintain_order=True)


def names(lines: pl.DataFrame) -> pl.DataFrame:
    """The pattern of each code, shortened: code and text."""
    code = pl.col("template_id").cast(pl.Categorical).to_physical()
    rows = lines.select(code.alias("code"), "template").unique("code")
    return rows.select("code", text=pl.col("template").cast(pl.String).str.head(SHOWN))


def rarest(
    taken: pl.DataFrame, learnt: pl.DataFrame, patterns: pl.DataFrame, *, itself: bool
) -> pl.DataFrame:
    """The rarest step of each session: session, strength (-log of its share) and said."""
    total = learnt["session"].n_unique()
    had = learnt.group_by("before", "after").agg(pl.len().cast(pl.Int64).alias("had"))
    rated = taken.join(had, on=["before", "after"], how="left", maintain_order="left")
    others = (pl.col("had").fill_null(0) - int(itself)).alias("had")
    first = (
        rated.with_columns(others)
        .group_by("session", maintain_order=True)
        .agg(pl.all().get(pl.col("had").arg_min()))
    )
    share = (pl.col("had") + 0.5) / (total + 1)
    told = first
    for side, edge in (("before", "their beginning"), ("after", "their end")):
        text = patterns.select(pl.col("code").alias(side), pl.col("text").alias(f"{side} text"))
        told = told.join(text, on=side, how="left", maintain_order="left").with_columns(
            pl.col(f"{side} text").fill_null(edge)
        )
    said = pl.format(
        "only {} of {} other sessions go from {} to {}",
        "had",
        pl.lit(total - int(itself)),
        "before text",
        "after text",
    )
    return told.select("session", strength=-share.log(), said=said)
