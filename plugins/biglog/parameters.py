"""Parameters of lines as the values that detectors judge: with a name and a unit, where they have.

Ids, ports, users and hosts are left out: a new one of those is no news.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import pyarrow as pa

from biglog.findings.values import SCHEMA
from biglog.templates.kinds import WORD_BEFORE, Slot, magnitude, slots
from biglog.templates.mask import WILDCARD

LEFT_OUT = ("id", "port", "user", "host")
NAMED = ("duration", "size")
A_SET = 50
"""Distinct texts of a place, in a batch, up to which they may be a set."""
LONGEST = 40


def read_values(
    template_ids: pa.Array, parameters: pa.Array, patterns: Mapping[str, str]
) -> pl.DataFrame:
    """A row per value that is a number or may be of a set; ``findings.values.SCHEMA``.

    ``template_ids`` and ``parameters`` are parallel to the lines; ``patterns`` by template id.
    """
    lines = pl.DataFrame({"id": pl.Series(template_ids), "value": pl.Series(parameters)})
    lines = lines.with_row_index("line").filter(pl.col("value").list.len() > 0)
    rows = lines.with_columns(slot=pl.int_ranges(1, pl.col("value").list.len() + 1))
    found = rows.explode("value", "slot").join(
        places(patterns), on=["id", "slot"], maintain_order="left"
    )
    distinct = found.select("place", "value", "factor").unique()
    small = pl.col("value").str.len_bytes() <= LONGEST
    sized = distinct.with_columns(
        number=sizes(pl.col("value")) * pl.col("factor"),
        text=pl.when((pl.len().over("place") <= A_SET) & small).then("value"),
    ).filter(pl.col("number").is_not_null() | pl.col("text").is_not_null())
    joined = found.join(sized.drop("factor"), on=["place", "value"], maintain_order="left")
    return joined.select(list(SCHEMA)).cast(SCHEMA)  # type: ignore[arg-type]


def places(patterns: Mapping[str, str]) -> pl.DataFrame:
    """Each wildcard worth looking at: id, slot (from 1), place, field and factor."""
    rows = [
        (one.template_id, one.slot, name_of(one, before), one.factor)
        for key, pattern in patterns.items()
        for one, before in zip(slots(key, pattern, 0), pattern.split(WILDCARD), strict=False)
        if one.said not in LEFT_OUT
    ]
    types = {"id": pl.String, "slot": pl.Int64, "field": pl.String, "factor": pl.Float64}
    frame = pl.DataFrame(rows, schema=types, orient="row")
    return frame.with_columns(place=pl.concat_str("id", "slot", separator="/").hash())


def name_of(slot: Slot, before: str) -> str | None:
    """The word before the wildcard with its unit; None where nothing says what it measures."""
    word = WORD_BEFORE.search(before[-60:])
    if not word or (not slot.unit and slot.said not in NAMED):
        return None
    return f"{word.group(1).lower()} ({slot.unit})" if slot.unit else word.group(1).lower()


def sizes(values: pl.Expr) -> pl.Expr:
    """Numbers in base units; most are bare, and only the others are looked at closely."""
    bare = pl.when(values.str.contains(r"^[+-]?[0-9]+(?:\.[0-9]+)?$")).then(values)
    other = pl.when(values.str.contains(r"^[+-]?[0-9][0-9.,]*(?:%| ?[A-Za-zµμ\p{Han}]+)$"))
    # 5e93 is half of an id, not a number
    odd = values.str.contains(r"^[0-9.]+[eE][0-9]+$")
    rest = magnitude(other.then(pl.when(~odd).then(values)))
    return pl.coalesce(bare.cast(pl.Float64, strict=False), rest)
