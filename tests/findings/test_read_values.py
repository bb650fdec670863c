"""Parameters of lines as values: which line and place they stand in, their unit, and sets."""

import polars as pl
import pyarrow as pa
import pytest

from biglog.findings.values import SCHEMA
from biglog.parameters import read_values

PATTERNS = {"a": "copied in <*> ms, state <*>", "b": "user <*> came", "c": "started"}


def read(*lines, words=True):
    ids = pa.array([kind for kind, *_ in lines], pa.string())
    given = pa.array([list(rest) for _, *rest in lines], pa.list_(pa.string()))
    return read_values(ids, given, PATTERNS, words=words)


def test_numbers_are_in_base_units_at_their_line():
    rows = read(("c",), ("a", "1500", "ready"), ("b", "anna"), ("a", "20", "busy"))
    numbers = rows.filter(pl.col("number").is_not_null())
    assert numbers["line"].to_list() == [1, 3]
    assert numbers["number"].to_list() == [1.5, 0.02]
    assert numbers["place"].n_unique() == 1


def test_words_of_few_kinds_are_a_set_and_names_are_left_out():
    rows = read(("a", "15", "ready"), ("b", "anna"), ("a", "20", "busy"), ("a", "7", "ready"))
    words = rows.filter(pl.col("number").is_null())
    assert words["text"].cast(pl.String).to_list() == ["ready", "busy", "ready"]
    assert "anna" not in rows["text"].cast(pl.String).to_list()


def test_too_many_texts_are_no_set():
    lines = [("a", "1", f"state{'x' * n}") for n in range(60)]
    assert read(*lines).filter(pl.col("number").is_null()).is_empty()


def test_without_words_the_numbers_are_the_same():
    lines = [("a", "15", "ready"), ("a", "0", "busy"), ("c",), ("a", "1,200", "busy")]
    some = read(*lines, words=False)
    every = read(*lines).filter(pl.col("number") > 0)
    columns = ["line", "place", "field", "number"]
    assert some.select(columns).equals(every.select(columns))
    assert some["text"].null_count() == some.height


@pytest.mark.parametrize("words", [True, False])
@pytest.mark.parametrize("lines", [[], [("c",)], [("c",), ("b", "anna")]])
def test_nothing_to_read(lines, words):
    rows = read(*lines, words=words)
    assert rows.is_empty()
    assert dict(rows.schema) == {name: pl.Schema(SCHEMA)[name] for name in SCHEMA}


def test_batches_of_chunks_are_read_like_one():
    lines = [("a", "15", "ready"), ("a", "20", "busy")]
    ids = pa.array([kind for kind, *_ in lines])
    given = pa.array([list(rest) for _, *rest in lines])
    chunks = pa.chunked_array([given[:1], given[1:]])
    assert read_values(ids, chunks, PATTERNS).equals(read(*lines))
