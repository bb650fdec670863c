"""Ids that lines of several services share within seconds, and who calls whom by these."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import polars as pl

from biglog.records import Dependency

SHARED = pl.Schema(
    [("id", pl.UInt64()), ("service", pl.String()), ("at", pl.Datetime("us", "UTC"))]
)
"""One row per line that carries an id; ids are hashed."""
RARE = 1_000
"""Lines of a night that may carry an id; more of them carry a version, a build, a container."""
ID = r"^[A-Za-z0-9][A-Za-z0-9_-]{7,63}$"
DIGITS = r"[0-9].*[0-9].*[0-9]"
PLAIN = r"^[0-9_-]{1,13}$|^[0-9]{1,4}-[0-9]{1,2}-[0-9]{1,2}"
"""What may be a count, a date or a time in seconds or milliseconds: equal by chance."""
ID_FIELD = r"""(?i)"[a-z_.\-]*id":"[A-Za-z0-9_\-]{8,64}\""""
APART = timedelta(seconds=30)
"""After a longer pause the same id is another occasion: a session goes on, a call does not."""
MOST_SERVICES = 20
MOST_LINES = 500
"""An id that more services or lines carry at a time is no request but a version, a build, a day."""


def field_ids(rows: pl.LazyFrame) -> pl.LazyFrame:
    """A row per id that the rows' ``fields`` name, which ``text`` takes the place of."""
    fields = pl.col("fields")
    found = rows.filter(fields.str.contains(ID_FIELD)).with_columns(
        text=fields.str.extract_all(ID_FIELD)
    )
    return (
        found.drop("fields").explode("text").with_columns(pl.col("text").str.extract(r'"([^"]*)"$'))
    )


def ids(rows: pl.LazyFrame, step: int) -> pl.LazyFrame:
    """The rows whose ``text`` looks like an id, which takes its place hashed, as ``id``.

    ``rows`` have service, at and text; other columns stay. Of one id in ``step`` all rows are kept.
    """
    text = pl.col("text")
    long = text.str.len_bytes().is_between(8, 64)  # cheaper than the patterns, and drops most
    shaped = text.str.contains(ID) & text.str.contains(DIGITS) & ~text.str.contains(PLAIN)
    return (
        rows.drop_nulls(["service", "at", "text"])
        .filter(long & (pl.col("service") != ""))
        .with_columns(id=text.hash())
        .filter(pl.col("id") % step == 0)
        .filter(shaped)
        .drop("text")
    )


def of_several(found: Sequence[pl.LazyFrame]) -> pl.DataFrame:
    """The rows of those ids that two services or more carry, RARE lines at most."""
    tallies = [collected(one.group_by("id", "service").len()) for one in found]
    rare = (
        pl.concat(tallies)
        .group_by("id")
        .agg(services=pl.col("service").n_unique(), lines=pl.col("len").sum())
        .filter((pl.col("services") > 1) & (pl.col("lines") <= RARE))
        .select("id")
    )
    return pl.concat([collected(one.join(rare.lazy(), on="id", how="semi")) for one in found])


def collected(rows: pl.LazyFrame) -> pl.DataFrame:
    return rows.collect(engine="streaming")


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
