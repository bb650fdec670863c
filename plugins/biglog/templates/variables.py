"""What stands under each wildcard of a partition's templates: its kind, its values, its size.

Values are counted batch by batch; what is kept of a batch does not grow with its lines. Counts are
exact until ``VALUES`` distinct values (``NUMBERS`` distinct numbers) are kept, and estimates of
known error beyond.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from biglog.columns import Indices
from biglog.kernels import number
from biglog.records import Variable
from biglog.templates.kinds import judge, magnitude, slots
from biglog.templates.shapes import Hashes

VALUES = 500_000
NUMBERS = 2_000_000
SAMPLE = 4_096  # distinct values per wildcard that stand for all of them, where there are too many
HEAVY = 1_000  # the most frequent values per wildcard, kept whatever the sample says
LOOKED_AT = 200  # distinct values per wildcard that its kind is judged by
TOP = 10
LONGEST = 200  # characters kept of a frequent value
DIGITS = 4  # significant digits of a number, where there are too many
SLOTS = 1_024  # more than a template can have
SEED = 20_259
TWO = pl.lit(2, dtype=pl.UInt64)
SAMPLED = pl.col("hash") % TWO.pow(pl.col("level")) == 0
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@dataclass(slots=True)
class Tally:
    """Values under wildcards so far. A place is a template's number times SLOTS, plus the slot."""

    numbers_of: dict[str, int]
    waiting: list[pl.DataFrame]  # of batches, not yet put together: as values
    totals: pl.DataFrame  # place, count
    values: pl.DataFrame  # place, mixed, hash, value, count, level
    numbers: pl.DataFrame  # place, number, count

    @classmethod
    def empty(cls) -> Tally:
        place = {"place": pl.UInt64}
        count = {"count": pl.Int64}
        texts = {"mixed": pl.UInt64, "hash": pl.UInt64, "value": pl.String}
        return cls(
            {},
            [],
            pl.DataFrame(schema={**place, **count}),
            pl.DataFrame(schema={**place, **texts, **count, "level": pl.UInt8}),
            pl.DataFrame(schema={**place, "number": pl.Float64, **count}),
        )

    def add(self, events: pa.Table) -> None:
        """Count the values of a batch of EVENTS; a line that stands for several counts as those."""
        parameters = events["parameters"].combine_chunks()
        places = self.places(events["template_id"].combine_chunks(), parameters)
        lines = events["count"].to_numpy()
        weights = None
        if (lines != 1).any():
            weights = np.repeat(lines, np.diff(parameters.offsets.to_numpy()))
        self.waiting.append(distinct(places, parameters.flatten(), weights))
        if sum(one.height for one in self.waiting) > VALUES:
            self.settle()

    def settle(self) -> None:
        """Put what waits together with what is kept."""
        found = together(self.waiting)
        self.waiting = []
        self.totals = sums([self.totals, found.select("place", "count")], "place")
        self.values = bounded(together([self.values, found]))
        self.numbers = rounded(sums([self.numbers, numbers(found)], "place", "number"))

    def places(self, template_ids: pa.Array, parameters: pa.Array) -> Hashes:
        """The place of each value."""
        coded = template_ids.dictionary_encode()
        for one in coded.dictionary.to_pylist():
            self.numbers_of.setdefault(one, len(self.numbers_of))
        of = np.array([self.numbers_of[one] for one in coded.dictionary.to_pylist()], np.int64)
        edges = parameters.offsets.to_numpy().astype(np.int64)
        first = of[coded.indices.to_numpy(zero_copy_only=False)] * SLOTS - (edges[:-1] - edges[0])
        places = np.repeat(first, np.diff(edges))
        places += np.arange(len(places))
        return places.view(np.uint64)

    def summary(self, patterns: Mapping[str, str], source: str, date: str) -> tuple[Variable, ...]:
        """A variable per wildcard that had a value, by template and slot."""
        known = {key: at for key, at in self.numbers_of.items() if key in patterns}
        where = [one for key, at in known.items() for one in slots(key, patterns[key], at * SLOTS)]
        if self.waiting:
            self.settle()
        if not where or self.values.is_empty():
            return ()
        judged = judge(looked_at(self.values), where)
        table = (
            self.totals.join(judged, on="place")
            .join(distinct_counts(self.values), on="place")
            .join(frequent(self.values), on="place")
            .join(spread(self.numbers.join(judged, on="place")), on="place", how="left")
            .sort("template_id", "slot")
        )
        return tuple(variable(row, source, date) for row in table.iter_rows(named=True))


def distinct(places: Hashes, values: pa.Array, weights: Indices | None) -> pl.DataFrame:
    """Each value of each place once, with its count. Told apart by 64 bits of hash."""
    texts = pl.Series("value", pl.from_arrow(values), dtype=pl.String)
    hashes = texts.hash(SEED)
    mixed = hashes.to_numpy() ^ (places * np.uint64(0x9E3779B97F4A7C15))
    numbered, first = number(mixed, len(mixed))
    at = pl.Series(first)
    return pl.DataFrame(
        {
            "place": places[first],
            "mixed": mixed[first],
            "hash": hashes.gather(at),
            "value": texts.gather(at),
            "count": np.bincount(numbered, weights, len(first)).astype(np.int64),
            "level": np.zeros(len(first), np.uint8),
        }
    )


def together(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """The rows of all, one for each value of a place."""
    every = [one for one in frames if one.height] or frames[:1]
    if len(every) == 1:
        return every[0]
    rows = pl.concat(every, rechunk=True)
    numbered, first = number(rows["mixed"].to_numpy(), len(rows))
    counts = np.bincount(numbered, rows["count"].to_numpy(), len(first)).astype(np.int64)
    kept: pl.DataFrame = rows[first]
    return kept.with_columns(pl.Series("count", counts))


def bounded(values: pl.DataFrame) -> pl.DataFrame:
    """Where too many are kept: a sample by hash, halved until it is small, and the frequent ones.

    Adaptive sampling: the sample's size times two to its level estimates how many are distinct,
    to 1.6 % (Flajolet, "On adaptive sampling", Computing 43, 1990).
    """
    if values.height <= VALUES and not values["level"].sum():
        return values
    level = pl.col("level").max().over("place")
    more = (SAMPLED.sum().over("place") / SAMPLE).log(2).ceil().clip(0)
    order = pl.col("count").rank("ordinal", descending=True).over("place")
    return (
        values.with_columns(level.alias("level"), order.alias("order"))
        .with_columns((pl.col("level") + more).cast(pl.UInt8).alias("level"))
        .filter(SAMPLED | (pl.col("order") <= HEAVY))
        .drop("order")
    )


def numbers(found: pl.DataFrame) -> pl.DataFrame:
    """The values that are numbers, in base units."""
    rows = found.filter(pl.col("value").str.contains(r"^[+-]?[0-9]"))
    rows = rows.select("place", magnitude(pl.col("value")).alias("number"), "count")
    return rows.filter(pl.col("number").is_finite())


def sums(frames: list[pl.DataFrame], *key: str) -> pl.DataFrame:
    return pl.concat(frames).group_by(key).agg(pl.col("count").sum())


def rounded(rows: pl.DataFrame) -> pl.DataFrame:
    if rows.height <= NUMBERS:
        return rows
    return sums([rows.with_columns(pl.col("number").round_sig_figs(DIGITS))], "place", "number")


def looked_at(values: pl.DataFrame) -> pl.DataFrame:
    """About LOOKED_AT values of each place, by hash, so that no order of lines matters."""
    share = LOOKED_AT / pl.len().over("place")
    chosen = pl.col("hash").cast(pl.Float64) <= share * 2.0**64
    return values.filter(chosen & (pl.col("value") != "")).select("place", "value")


def distinct_counts(values: pl.DataFrame) -> pl.DataFrame:
    estimate = SAMPLED.sum() * TWO.pow(pl.col("level").max())
    return values.group_by("place").agg(estimate.cast(pl.Int64).alias("distinct"))


def frequent(values: pl.DataFrame) -> pl.DataFrame:
    """The most frequent values of each place, ties in the order of their text."""
    cut = pl.col("value").str.slice(0, LONGEST)
    return (
        values.filter(pl.col("count") >= pl.col("count").top_k(TOP).min().over("place"))
        .sort("count", "value", descending=[True, False])
        .group_by("place", maintain_order=True)
        .agg(pl.struct(cut, "count").head(TOP).alias("top"))
    )


def spread(rows: pl.DataFrame) -> pl.DataFrame:
    """How large the numbers of each place are; quantiles are values that occurred."""
    scaled = rows.filter(pl.col("is_number")).with_columns(pl.col("number") * pl.col("factor"))
    ordered = scaled.sort("place", "number").with_columns(
        pl.col("count").cum_sum().over("place").alias("upto"),
        pl.col("count").sum().over("place").alias("all"),
    )
    quantiles = [
        pl.col("number").filter(pl.col("upto") >= q * pl.col("all")).first().alias(name)
        for name, q in QUANTILES.items()
    ]
    return ordered.group_by("place").agg(
        pl.col("count").sum().alias("numbers"),
        pl.col("number").min().alias("minimum"),
        pl.col("number").max().alias("maximum"),
        ((pl.col("number") * pl.col("count")).sum() / pl.col("count").sum()).alias("mean"),
        *quantiles,
    )


def variable(row: Mapping[str, object], source: str, date: str) -> Variable:
    names = (
        "template_id", "slot", "kind", "count", "distinct", "unit",
        "minimum", "maximum", "mean", *QUANTILES,
    )  # fmt: skip
    values = {name: row[name] for name in names}
    top: list[dict[str, object]] = row["top"]  # type: ignore[assignment]
    pairs = tuple((str(one["value"]), int(str(one["count"]))) for one in top)
    return Variable(source, date, top=pairs, numbers=row["numbers"] or 0, **values)  # type: ignore[arg-type]
