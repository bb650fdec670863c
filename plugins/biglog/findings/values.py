"""Values inside lines that are far from what stood there before: too large, or never seen.

A value has a place (one wildcard of one template) and, where the words beside it give it a name and
a unit, a field: "duration ms" is one field in all the templates of a file. A number is odd where it
is far beyond both; a field is what a template that is new has to be compared with. A word is odd
where the same few were seen every time and it is none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from biglog.findings.runs import Column, Ints, no_larger, ranked

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


class Numbers:
    """The numbers above 0 of many batches on disk, sorted: a run is what a batch had of a place."""

    def __init__(self, folder: Path) -> None:
        self.numbers = Column(folder / "numbers", np.float64)
        self.lines = Column(folder / "lines", np.uint32)
        self.found: list[pl.DataFrame] = []

    def add(self, values: pl.DataFrame, before: int = 0) -> None:
        """Of SCHEMA; lines count on from ``before``."""
        runs = (
            values.filter(pl.col("number") > 0)
            .group_by("place", "field", maintain_order=True)
            .agg(pl.col("line").sort_by("number"), pl.col("number").sort())
        )
        height = runs["number"].list.len().cast(pl.Int64)
        start = self.numbers.height + height.cum_sum() - height
        self.found.append(
            runs.select("place", pl.col("field").cast(pl.String), start=start, height=height)
        )
        if runs.height:
            self.numbers.add(runs["number"].explode().to_numpy())
            self.lines.add(runs["line"].explode().to_numpy() + np.uint32(before))

    @property
    def runs(self) -> pl.DataFrame:
        """Place, field, start and height of each run."""
        empty = {"place": pl.UInt64, "field": pl.String, "start": pl.Int64, "height": pl.Int64}
        return pl.concat([pl.DataFrame(schema=empty), *self.found])

    def extent(self, key: str) -> pl.DataFrame:
        """Per key: count, top (one in HEIGHTS passes it), most (one in 100 does), and of the
        logarithms middle and spread.
        """
        runs = self.runs.drop_nulls(key)
        counts = runs.group_by(key, maintain_order=True).agg(count=pl.col("height").sum())
        if counts.is_empty():
            return extents(counts, *(np.empty(0) for _ in range(4)))
        group = runs[key].replace_strict(
            counts[key], range(counts.height), return_dtype=pl.Int64
        ).to_numpy()  # fmt: skip
        start, height = runs["start"].to_numpy(), runs["height"].to_numpy()
        n = counts["count"].to_numpy()
        few, many = (n - 1) // 2, n // 2

        def rank(ranks: Ints) -> npt.NDArray[np.float64]:
            keys = self.numbers.read().view(np.int64)
            return ranked(lambda run, at: keys[start[run] + at], height, group, ranks).view(
                np.float64
            )

        middle = (np.log(rank(few)) + np.log(rank(many))) / 2
        away = self.away(start, height, group, middle)
        spread = 1.4826 * (away(few) + away(many)) / 2
        most = np.ceil(0.99 * (n - 1)).astype(np.int64)
        return extents(counts, rank(n - 1 - n // HEIGHTS), rank(most), middle, spread)

    def away(
        self, start: Ints, height: Ints, group: Ints, middle: npt.NDArray[np.float64]
    ) -> Callable[[Ints], npt.NDArray[np.float64]]:
        """What ``ranked`` gives of distances from the middle of logarithms: a run of numbers is two
        of distances, one on each side.
        """
        numbers: npt.NDArray[np.float64] = self.numbers.read()
        centre = middle[group]
        never = np.zeros_like(start)

        def signed(run: Ints, at: Ints) -> Ints:
            return np.asarray(np.log(numbers[start[run] + at]) >= centre[run], dtype=np.int64)

        below = no_larger(signed, never, never, height)
        origin = np.concatenate([start + below, start + below - 1])
        step = np.repeat([1, -1], len(start))
        lengths = np.concatenate([height - below, below])
        wanted = np.flatnonzero(lengths)
        origin, step, lengths = origin[wanted], step[wanted], lengths[wanted]
        side, middles = np.tile(group, 2)[wanted], np.tile(centre, 2)[wanted]

        def rank(ranks: Ints) -> npt.NDArray[np.float64]:
            numbers: npt.NDArray[np.float64] = self.numbers.read()

            def look(run: Ints, at: Ints) -> Ints:
                log = np.log(numbers[origin[run] + step[run] * at])
                return np.abs(log - middles[run]).view(np.int64)

            return ranked(look, lengths, side, ranks).view(np.float64)

        return rank

    def reach(self, words: pl.DataFrame | None = None) -> Reach:
        """What they show; ``words`` as ``count_words`` gives them."""
        known = count_words(pl.DataFrame(schema=SCHEMA)) if words is None else words
        return Reach(self.extent("place"), self.extent("field"), known)

    def beyond(self, known: Reach) -> pl.DataFrame:
        """Those above the limits of their place and field alike, as SCHEMA."""
        runs = self.runs.join(bars(self.runs, known, "most", BEYOND), on="place")
        numbers, lines = self.numbers.read(), self.lines.read()
        found = [pl.DataFrame(schema=SCHEMA)]
        for place, field, start, height, least in runs.iter_rows():
            run = slice(start + int(np.searchsorted(numbers[start : start + height], least)),
                        start + height)  # fmt: skip
            if run.start < run.stop:
                rows = {"line": np.array(lines[run]), "number": np.array(numbers[run])}
                told = pl.DataFrame(rows).with_columns(
                    place=pl.lit(place, pl.UInt64), field=pl.lit(field), text=pl.lit(None)
                )
                found.append(told.select(list(SCHEMA)).cast(SCHEMA))  # type: ignore[arg-type]
        return pl.concat(found)


def extents(
    counts: pl.DataFrame,
    top: npt.NDArray[np.float64],
    most: npt.NDArray[np.float64],
    middle: npt.NDArray[np.float64],
    spread: npt.NDArray[np.float64],
) -> pl.DataFrame:
    return counts.with_columns(
        top=pl.Series(top, dtype=pl.Float64),
        most=pl.Series(most, dtype=pl.Float64),
        middle=pl.Series(middle, dtype=pl.Float64),
        spread=pl.Series(spread, dtype=pl.Float64),
    )


def count_words(values: pl.DataFrame) -> pl.DataFrame:
    """Place, text and count."""
    words = values.filter(pl.col("text").is_not_null()).with_columns(pl.col("text").cast(pl.String))
    return words.group_by("place", "text").len("count")


def score_values(values: pl.DataFrame, past: Reach) -> pl.DataFrame:
    """Line, score (0 to 1), anomalous and reason of each line with an odd value; SCHEMA in."""
    return worst(large(values, past, with_history=True), strange(values, past))


def score_alone(values: pl.DataFrame, known: Reach) -> pl.DataFrame:
    """As score_values, of a night that is judged by what it shows itself."""
    return worst(large(values, known, with_history=False))


def worst(*found: pl.DataFrame) -> pl.DataFrame:
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
    joined = values.join(
        bars(values, known, limit, beyond), on="place", how="inner", maintain_order="left"
    )
    return joined.filter((pl.col("number") > 0) & (pl.col("number") >= pl.col("least"))).drop(
        "least"
    )


def bars(values: pl.DataFrame, known: Reach, limit: str, beyond: float) -> pl.DataFrame:
    """Place and least: the number from which one of it is worth a look; ``values`` has place and
    field.
    """
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
    return least.group_by("place").agg(least=beyond * highest.min()).drop_nulls("least")


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
