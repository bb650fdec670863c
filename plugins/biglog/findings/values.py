"""Values inside lines that are far from what stood there before: too large, or never seen.

A value has a place (one wildcard of one template) and, where the words beside it give it a name and
a unit, a field: "duration ms" is one field in all the templates of a file. A number is odd where it
is far beyond both; a field is what a template that is new has to be compared with. A word is odd
where the same few were seen every time and it is none of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

ENOUGH = 30
"""Numbers of a place from which its reach is known; a field needs three times as many."""
HEIGHTS = 1000
"""The reach is passed by one number in so many: a past fault must not hide the next one."""
TWICE = 2.0
"""Times beyond the largest number before, from which a number is worth a word."""
TAIL = 6.0
"""Robust standard deviations, of logarithms, beyond which a number has to be too."""
BEYOND = 10.0
"""Without a history: times beyond all but the last hundredth."""
FEW_WORDS = 10
OFTEN = 10
"""A set of words is closed where all its words (at most FEW_WORDS) came so often each,"""
CLOSED = 200
"""in so many lines."""
ODD_WORD = 0.6
ODD_VALUE = 0.68

SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "line": pl.UInt32,  # of the file, from 0
    "place": pl.UInt64,  # one wildcard of one template
    "field": pl.Categorical(),  # what the words beside it say it is; null where nothing
    "number": pl.Float64,  # in base units; null where it is no number
    "text": pl.Categorical(),  # as it stands; null where a place has too many texts to be a set
}


@dataclass(frozen=True, slots=True)
class Reach:
    """How far numbers went and which words there were, before.

    ``numbers``: key (place or field), count, top, middle, spread (of logarithms); ``words``: place,
    text, count.
    """

    places: pl.DataFrame
    fields: pl.DataFrame
    words: pl.DataFrame


def reach(values: pl.DataFrame) -> Reach:
    """What the values (SCHEMA) of the past show."""
    numbers = values.filter(pl.col("number") > 0)
    words = values.filter(pl.col("text").is_not_null()).group_by("place", "text").len("count")
    return Reach(
        places=extent(numbers, "place"),
        fields=extent(numbers.filter(pl.col("field").is_not_null()), "field"),
        words=words.with_columns(pl.col("text").cast(pl.String)),
    )


def extent(numbers: pl.DataFrame, key: str) -> pl.DataFrame:
    """Per key: count, top (one in HEIGHTS passes it), most (one in 100 does), and of the logarithms
    middle and spread.
    """
    log = pl.col("number").log()
    middle = log.median().over(key)
    rows = numbers.select(pl.col(key), "number", log=log, off=(log - middle).abs())
    found = rows.group_by(key).agg(
        count=pl.len(),
        top=pl.col("number").top_k(1 + pl.len() // HEIGHTS).min(),
        most=pl.col("number").quantile(0.99, "higher"),
        middle=pl.col("log").median(),
        spread=1.4826 * pl.col("off").median(),
    )
    return found.with_columns(pl.col(key).cast(pl.String)) if key == "field" else found


def score_values(values: pl.DataFrame, past: Reach | None) -> pl.DataFrame:
    """Line, score (0 to 1), anomalous and reason of each line with an odd value; SCHEMA in."""
    known = past or reach(values)
    found = [large(values, known, with_history=past is not None)]
    if past is not None:
        found.append(strange(values, past))
    return (
        pl.concat(found)
        .sort("line", "score", "reason", descending=[False, True, False])
        .unique("line", keep="first", maintain_order=True)
        .with_columns(anomalous=pl.col("score") >= ODD_VALUE)
        .select("line", "score", "anomalous", "reason")
    )


def large(values: pl.DataFrame, known: Reach, *, with_history: bool) -> pl.DataFrame:
    """Line, score and reason of numbers far beyond what their place and field went to."""
    limit = "top" if with_history else "most"
    beyond = TWICE if with_history else BEYOND
    joined = worth_a_look(values, known, limit, beyond).with_columns(
        pl.col("field").cast(pl.String)
    )
    for key, table, least in (
        ("place", known.places, ENOUGH),
        ("field", known.fields, 3 * ENOUGH),
    ):
        enough = table.filter(pl.col("count") >= least).select(
            key, pl.col(limit, "middle", "spread", "count").name.suffix(f"_{key}")
        )
        joined = joined.join(enough, on=key, how="left")
    joined = joined.with_columns(
        times_place=times("place", limit), times_field=times("field", limit)
    )
    far = joined.with_columns(times=pl.min_horizontal("times_place", "times_field")).filter(
        pl.col("times") >= beyond
    )
    own = pl.col(f"{limit}_place").is_not_null()
    usual = pl.when(own).then(f"{limit}_place").otherwise(f"{limit}_field")
    seen = pl.when(own).then("count_place").otherwise("count_field")
    worth = 0.55 + 0.4 * (pl.col("times") / (TWICE if with_history else BEYOND / TWICE)).log10()
    return far.select(
        "line",
        score=worth.clip(0.0, 0.95).round(4),
        reason=pl.format(
            "{} is {}, where {} {} before went to {}"
            if with_history
            else "{} is {}, where nearly all of {} {} here are below {}",
            pl.col("field").fill_null("a number"),
            shown(pl.col("number")),
            seen,
            pl.when(own).then(pl.lit("in such lines")).otherwise(pl.lit("in all lines")),
            shown(usual),
        ),
    )


def worth_a_look(values: pl.DataFrame, known: Reach, limit: str, beyond: float) -> pl.DataFrame:
    """Numbers above the limits of their place and field alike: few, so that the rest is cheap."""
    least = values.select("place", "field").unique().with_columns(pl.col("field").cast(pl.String))
    for key, table, enough in (
        ("place", known.places, ENOUGH),
        ("field", known.fields, 3 * ENOUGH),
    ):
        limits = table.filter(pl.col("count") >= enough).select(
            key, pl.col(limit).alias(f"of {key}")
        )
        least = least.join(limits, on=key, how="left")
    highest = pl.max_horizontal("of place", "of field")
    bars = least.group_by("place").agg(least=beyond * highest.min()).drop_nulls("least")
    joined = values.join(bars, on="place", how="inner", maintain_order="left")
    return joined.filter((pl.col("number") > 0) & (pl.col("number") >= pl.col("least"))).drop(
        "least"
    )


def times(key: str, limit: str) -> pl.Expr:
    """How far beyond the limit of its place or field, 0 where inside the tail; null if unknown."""
    tail = (pl.col(f"middle_{key}") + TAIL * pl.col(f"spread_{key}")).exp()
    times = pl.col("number") / pl.col(f"{limit}_{key}")
    return pl.when(pl.col("number") > tail).then(times).when(times.is_not_null()).then(0.0)


def shown(number: pl.Expr) -> pl.Expr:
    return number.round_sig_figs(4).cast(pl.String).str.strip_suffix(".0")


def strange(values: pl.DataFrame, past: Reach) -> pl.DataFrame:
    """Line, score and reason of words that were never seen where the same few always were."""
    words = past.words.group_by("place").agg(
        kinds=pl.len(), total=pl.col("count").sum(), least=pl.col("count").min()
    )
    closed = words.filter(
        (pl.col("kinds") <= FEW_WORDS) & (pl.col("total") >= CLOSED) & (pl.col("least") >= OFTEN)
    )
    texts = values.filter(pl.col("text").is_not_null()).with_columns(pl.col("text").cast(pl.String))
    new = texts.join(closed, on="place").join(past.words, on=["place", "text"], how="anti")
    return new.select(
        "line",
        score=pl.lit(ODD_WORD),
        reason=pl.format(
            "“{}” was never seen where {} earlier lines had only {} values",
            pl.col("text").str.slice(0, 40),
            "total",
            "kinds",
        ),
    )
