"""One verdict on each line, from all that judges lines: its kind, its request, its values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from biglog.findings.clock import Clock, part_of
from biglog.findings.lines import (
    KIND,
    PARTS,
    STRETCHES,
    Usual,
    merge,
    score_templates,
    tally,
    tally_all,
)
from biglog.findings.values import Numbers, Reach, score_alone, score_values
from biglog.findings.webattacks import SCHEMA, Requests

MANY = 2_000_000
"""Rows of tallies that are made one."""


class Night:
    """Lines put on disk batch by batch and judged when all have been seen.

    In memory are counts only: per kind, host and part of the night, and of requests per page and
    client.
    """

    def __init__(self, folder: Path, past: Reach | None) -> None:
        self.folder = folder
        self.past = past
        self.clock = Clock(folder / "times")
        self.numbers = Numbers(folder)
        self.kinds = pl.DataFrame(schema={"kind": pl.UInt32, **dict.fromkeys(KIND, pl.Categorical)})
        self.starts: list[int] = []
        self.requests = Requests()
        self.asked = False

    def add(self, lines: pl.DataFrame, values: pl.DataFrame) -> None:
        """``lines``: line_no, file, KIND, host, timestamp, and webattacks.SCHEMA where some are
        requests; ``values`` is what score_values takes, lines from 0 in each batch.
        """
        start, number = self.clock.lines, len(self.starts)
        at = pl.Series("at", self.clock.add(lines["timestamp"], lines.height))
        asked = [name for name in SCHEMA if name in lines.columns]
        if asked:
            self.asked = True
            self.requests.add(lines)
        rows = lines.select("line_no", "file", self.numbered(lines), "host", at, *asked)
        rows.write_ipc(self.folder / f"lines {number}")
        if self.past is None:
            self.numbers.add(values, start)
        else:
            score_values(values, self.past).write_ipc(self.folder / f"values {number}")
        self.starts.append(start)

    def numbered(self, lines: pl.DataFrame) -> pl.Series:
        """The place in ``kinds`` of each line's kind; new ones are added."""
        here = lines.select(KIND).unique(maintain_order=True)
        new = here.join(self.kinds, on=KIND, how="anti", nulls_equal=True, maintain_order="left")
        kind = pl.int_range(self.kinds.height, self.kinds.height + new.height, dtype=pl.UInt32)
        self.kinds = pl.concat([self.kinds, new.select(kind.alias("kind"), *KIND)])
        return lines.select(KIND).join(
            self.kinds, on=KIND, how="left", nulls_equal=True, maintain_order="left"
        )["kind"]

    def verdicts(self, usual: Usual | None) -> Iterator[pl.DataFrame]:
        """Line_no, file, score (0 to 1), anomalous, reason and template, batch by batch."""
        judged = score_templates(self.tally(), usual)
        by_kind, place = told_of(self.kinds, judged)
        self.weigh()
        told = np.zeros(judged.height, dtype=np.bool_)
        for number, values in enumerate(self.values()):
            rows = self.read(number)
            own = rows["kind"]
            first = first_of(place[own.to_numpy()], told)
            verdicts = [verdict(by_kind, own, first), by_value(rows.height, values)]
            if self.asked:
                weighed = pl.read_ipc(self.folder / f"weighed {number}")
                verdicts.append(self.requests.score(weighed))
            placed = rows.select("line_no", pl.col("file").cast(pl.String))
            yield placed.hstack(strongest(verdicts)).hstack([by_kind["template"].gather(own)])

    def read(self, number: int) -> pl.DataFrame:
        return pl.read_ipc(self.folder / f"lines {number}")

    def tally(self) -> pl.DataFrame:
        """Of all lines, what score_templates takes."""
        edges = self.clock.edges(STRETCHES * PARTS)
        tallies: list[pl.DataFrame] = []
        for number, start in enumerate(self.starts):
            rows = self.read(number).select("kind", "host", "at")
            part = part_of(self.clock.places(rows["at"].to_numpy(), start), edges)
            row = pl.int_range(start, start + rows.height, eager=True)
            placed = rows.select("kind", "host", part=pl.Series(part), row=row)
            tallies.append(tally(placed, ("kind",)))
            if sum(one.height for one in tallies) > MANY:
                tallies = [merge(tallies, ("kind",))]
        return merge(tallies, ("kind",)).join(self.kinds, on="kind")

    def values(self) -> Iterator[pl.DataFrame]:
        """What score_values gives of each batch."""
        ends = [*self.starts[1:], self.clock.lines]
        if self.past is not None:
            for number in range(len(self.starts)):
                yield pl.read_ipc(self.folder / f"values {number}")
            return
        known = self.numbers.reach()
        found = score_alone(self.numbers.beyond(known), known)
        for start, end in zip(self.starts, ends, strict=True):
            here = found.filter(pl.col("line").is_between(start, end - 1))
            yield here.with_columns(pl.col("line") - pl.lit(start, pl.UInt32))

    def weigh(self) -> None:
        """What score_requests is made of, of each batch, on disk; nothing where none is asked."""
        if not self.asked:
            return
        absent = pl.DataFrame(schema=SCHEMA)
        for number in range(len(self.starts)):
            rows = self.read(number)
            rows = pl.concat([absent, rows.select("line_no", *(set(SCHEMA) & set(rows.columns)))],
                             how="diagonal")  # fmt: skip
            self.requests.weigh(rows).write_ipc(self.folder / f"weighed {number}")


def told_of(kinds: pl.DataFrame, judged: pl.DataFrame) -> tuple[pl.DataFrame, np.ndarray]:
    """What is said of each of the kinds, with its template; and the row of ``judged`` that does."""
    key = ["template_id", "level"]
    rows = kinds.select(pl.col(KIND).cast(pl.String)).join(
        judged.with_row_index("at"), on=key, how="left", nulls_equal=True, maintain_order="left"
    )
    said = rows.select("template", "score", "anomalous", "whole", "reason")
    return said, rows["at"].cast(pl.Int64).to_numpy()


def first_of(place: np.ndarray, told: np.ndarray) -> pl.Series:
    """Which lines are the first of their kind, by its place in ``told``, which is kept."""
    first = pl.Series(place).is_first_distinct() & ~pl.Series(told).gather(place)
    told[place[first.to_numpy()]] = True
    return first


def verdict(by_kind: pl.DataFrame, kind: pl.Series, first: pl.Series) -> pl.DataFrame:
    """A kind that is not flagged whole is flagged at its first line."""
    return by_kind.select("score", "anomalous", "whole", "reason")[kind].select(
        "score", pl.col("anomalous") & (pl.col("whole") | first), "reason"
    )


def by_kind(lines: pl.DataFrame, usual: Usual | None) -> pl.DataFrame:
    """Score, anomalous and reason of each of the lines, which are all there."""
    judged = score_templates(tally_all(lines), usual)
    kinds = lines.select(KIND).unique(maintain_order=True).with_row_index("kind")
    said, place = told_of(kinds, judged)
    kind = lines.select(KIND).join(
        kinds, on=KIND, how="left", nulls_equal=True, maintain_order="left"
    )["kind"]
    return verdict(said, kind, first_of(place[kind.to_numpy()], np.zeros(judged.height, np.bool_)))


def by_value(height: int, found: pl.DataFrame) -> pl.DataFrame:
    every = pl.DataFrame({"line": pl.int_range(height, dtype=pl.UInt32, eager=True)})
    joined = every.join(found, on="line", how="left", maintain_order="left")
    return joined.select(
        pl.col("score").fill_null(0.0),
        pl.col("anomalous").fill_null(value=False),
        pl.col("reason").fill_null(""),
    )


def strongest(verdicts: list[pl.DataFrame]) -> pl.DataFrame:
    """The highest score of each line; odd where one says so, with the reasons of those that do.

    Where none says so, the reason is the highest one's.
    """
    named = [
        one.rename({name: f"{name}{n}" for name in one.columns}) for n, one in enumerate(verdicts)
    ]
    joined = pl.concat(named, how="horizontal")
    score = pl.max_horizontal(pl.col("^score\\d+$"))
    told = [
        pl.when(pl.col(f"anomalous{n}")).then(f"reason{n}") for n in reversed(range(len(verdicts)))
    ]
    spoken = pl.concat_str(told, separator="; ", ignore_nulls=True)
    return joined.select(
        score=score,
        anomalous=pl.any_horizontal(pl.col("^anomalous\\d+$")),
        reason=pl.when(spoken == "").then("reason0").otherwise(spoken),
    )
