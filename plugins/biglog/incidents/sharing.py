"""Who calls whom, by ids that lines of several services share within seconds."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from biglog.records import Dependency

SHARED = pl.Schema(
    [("id", pl.UInt64()), ("service", pl.String()), ("at", pl.Datetime("us", "UTC"))]
)
"""One row per line that carries an id; ids are hashed."""
APART = timedelta(seconds=30)
"""After a longer pause the same id is another occasion: a session goes on, a call does not."""
MOST_SERVICES = 20
MOST_LINES = 500
"""An id that more services or lines carry at a time is no request but a version, a build, a day."""


def shared_calls(lines: pl.DataFrame) -> list[Dependency]:
    """Calls that the ids of several services speak for.

    ``lines`` are SHARED. A caller waits for the answer: of those who spoke before another's first
    word and speak again after it, the last to have spoken is the one who called. Who only speaks
    first proves nothing, as many log a request when it ends. ``ways`` counts these occasions of
    all in which both took part, and so do clocks that disagree, or resolve no order, count against.
    """
    heard = occasions(lines)
    services = heard.select("occasion", "service").unique()
    both = services.rename({"service": "caller"}).join(
        services.rename({"service": "callee"}), on="occasion"
    )
    called = callers(heard).group_by("caller", "callee")
    found = called.agg(pl.len(), first=pl.col("at").min(), last=pl.col("at").max()).join(
        both.group_by("caller", "callee").len("of"), on=["caller", "callee"]
    )
    return [
        Dependency(caller, callee, {"shared_id": (seen, of)}, 0.0, first, last)
        for caller, callee, seen, first, last, of in found.sort("caller", "callee").iter_rows()
    ]


def occasions(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines in order, by ``occasion``: the times at which several services speak of one id."""
    another = (pl.col("at").diff() > APART) | (pl.col("id") != pl.col("id").shift())
    several = pl.col("service").n_unique().over("occasion").is_between(2, MOST_SERVICES)
    return (
        lines.sort("id", "at", maintain_order=True)
        .with_columns(occasion=another.fill_null(value=True).cum_sum())
        .filter(several & (pl.len().over("occasion") <= MOST_LINES))
    )


def callers(heard: pl.DataFrame) -> pl.DataFrame:
    """Of each service in each occasion, the one that called it, where one waited for it."""
    first = heard.group_by("occasion", callee="service").agg(entry=pl.col("at").min())
    others = heard.select("occasion", "at", caller="service")
    before, after = (pl.col("at") < pl.col("entry"), pl.col("at") > pl.col("entry"))
    waiting = (
        first.join(others, on="occasion")
        .filter(pl.col("caller") != pl.col("callee"))
        .group_by("occasion", "callee", "caller")
        .agg(pl.col("entry").first(), spoke=pl.col("at").filter(before).max(), waits=after.any())
        .filter(pl.col("waits") & pl.col("spoke").is_not_null())
    )
    ordered = waiting.sort("occasion", "callee", "spoke", "caller")
    return ordered.group_by("occasion", "callee").agg(
        pl.col("caller").last(), at=pl.col("entry").last()
    )
