"""Parameters of lines as the values that detectors judge: with a name and a unit, where they have.

Ids, ports, users and hosts are left out: a new one of those is no news.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from biglog.findings.values import SCHEMA
from biglog.templates.kinds import WORD_BEFORE, Slot, magnitude, slots
from biglog.templates.mask import WILDCARD

LEFT_OUT = ("id", "port", "user", "host")
NAMED = ("duration", "size")
A_SET = 50
"""Distinct texts of a place, in a batch, up to which they may be a set."""
LONGEST = 40


def read_values(
    template_ids: pa.Array,
    parameters: pa.Array,
    patterns: Mapping[str, str],
    *,
    words: bool = True,
) -> pl.DataFrame:
    """A row per value that is a number or may be of a set; ``findings.values.SCHEMA``.

    ``template_ids`` and ``parameters`` are parallel to the lines; ``patterns`` by template id.
    Without ``words`` numbers above 0 only. Cost: a value's text is hashed once, and only distinct
    texts are looked at.
    """
    looked = places(patterns)
    line, row, value = standing(template_ids, parameters, looked)
    kinds = value.dictionary_encode()
    texts = pl.Series(kinds.dictionary, dtype=pl.String)
    code = kinds.indices.to_numpy(zero_copy_only=False)
    number = sizes(pl.col("text"))
    known = texts.alias("text").to_frame().with_columns(number=number)
    found = pl.DataFrame({"line": line, "row": row, "code": code}).with_columns(
        number=known["number"].gather(pl.Series(code)) * looked["factor"].gather(pl.Series(row))
    )
    if not words:
        kept = found.filter(pl.col("number") > 0).with_columns(text=pl.lit(None, pl.String))
    else:
        kept = found.join(sets(found, known), on=["row", "code"], how="left", maintain_order="left")
        kept = kept.filter(pl.col("number").is_not_null() | pl.col("text").is_not_null())
    rows = kept["row"]
    return kept.with_columns(
        place=looked["place"].gather(rows), field=looked["field"].gather(rows)
    ).select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())


def standing(
    template_ids: pa.Array, parameters: pa.Array, looked: pl.DataFrame
) -> tuple[np.ndarray, np.ndarray, pa.Array]:
    """The line (from 0), the row of ``looked`` and the text of each value that is looked at."""
    if looked.is_empty():
        return np.empty(0, np.int64), np.empty(0, np.int64), pa.array([], pa.string())
    ids = looked["id"].unique(maintain_order=True)
    widest = 1 + int(looked["slot"].max() or 0)  # type: ignore[arg-type]
    rows = np.full((len(ids) + 1, widest + 1), -1, np.int64)
    own = looked["id"].replace_strict(ids, range(len(ids)), return_dtype=pl.Int64).to_numpy()
    rows[own, looked["slot"].to_numpy()] = np.arange(looked.height)
    kind = pl.Series(template_ids).replace_strict(
        ids, range(len(ids)), default=len(ids), return_dtype=pl.UInt32
    )
    parameters = (
        pa.concat_arrays(parameters.chunks) if hasattr(parameters, "chunks") else parameters
    )
    length = pc.list_value_length(parameters).fill_null(0).to_numpy(zero_copy_only=False)
    line = np.repeat(np.arange(len(length), dtype=np.uint32), length)
    slot = 1 + np.arange(len(line)) - np.repeat(np.cumsum(length) - length, length)
    row = rows[kind.to_numpy()[line], np.minimum(slot, widest)]
    wanted = row >= 0
    value = parameters.flatten().filter(pa.array(wanted))
    return line[wanted], row[wanted].astype(np.uint32), value


def sets(found: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Row, code and text of the values of those places that have few texts, all of them short."""
    distinct = found.select("row", "code").unique()
    few = distinct.filter(pl.len().over("row") <= A_SET)
    texts = few.with_columns(text=known["text"].gather(few["code"]))
    return texts.filter(pl.col("text").str.len_bytes() <= LONGEST)


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
