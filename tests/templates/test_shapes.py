"""What the byte kernels do is what the slow and plain way does, on any text."""

import re

import numpy as np
import polars as pl
import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from biglog import columns
from biglog.templates.extract import parameters, tidied, whole
from biglog.templates.mask import MARK, MAX_CHARS, WILDCARD, collapse, tidy
from biglog.templates.mine import cut
from biglog.templates.shapes import group, smallest
from biglog.threads import FEW

# Few characters, so that numbers, hexadecimal runs, blanks and words meet often.
ALPHABET = "0123456789abcdefgxZ_- .:\t\n\r\x0b日é"
TEXTS = st.lists(st.text(ALPHABET, max_size=60), min_size=1, max_size=20)
UUID = "0123abcd-0123-0123-0123-0123456789ab"


def plainly(texts: list[str], expression: pl.Expr) -> list[str]:
    return (
        pl.DataFrame({"content": texts}, schema={"content": pl.String})
        .select(expression)["content"]
        .to_list()
    )


@settings(max_examples=300, deadline=None)
@given(TEXTS)
@example([f"id {UUID} end", "id 0 end", f"x{UUID}", f"{UUID}0", f"9{UUID}"])
@example(["eth1 up", "eth2 up", "eth1234 up", "12 up", "a12 up", "日1", "日2", "_1", "_2"])
@example(["a \t b", "a  \tb", " a b ", "a b", "", " ", "\t"])
@example(["0123456789ab", "0123456789a", "g0123456789ab", "abc12abcdefabcdef"])
def test_rows_share_a_number_where_they_share_a_shape(texts):
    shapes = plainly(texts, collapse(tidy(pl.col("content"))))
    found = group(columns.from_arrow(pa.array(texts, pa.string())))
    seen: dict[str, int] = {}
    numbered = [seen.setdefault(one, len(seen)) for one in shapes]
    assert found.numbers.tolist() == numbered
    assert [shapes[row] for row in found.first] == list(seen)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_a_text_is_tidied_as_the_expression_does(texts):
    groups = group(columns.from_arrow(pa.array(texts, pa.large_string())))
    spans = tidied(groups.trimmed, groups.untidy)
    made = [
        bytes(spans.data[start:end]).decode()
        for start, end in zip(spans.start, spans.end, strict=True)
    ]
    assert made == plainly(texts, tidy(pl.col("content")))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.text("ab日 \t", max_size=9), st.integers(0, 600)), max_size=6))
@example([("a", MAX_CHARS), ("日", MAX_CHARS), ("日", MAX_CHARS + 1), ("ab ", 1400)])
@example([("x" * (MAX_CHARS - 256) + "y" * 257, 1), ("日 " + "é" * MAX_CHARS, 1)])
def test_a_long_text_is_cut_as_the_expression_does(pieces):
    texts = ["", *(piece * times for piece, times in pieces)]
    head = pl.col("content").str.slice(0, MAX_CHARS).str.replace(r"(?s)[^ \t]{0,256}$", MARK)
    long = pl.col("content").str.len_chars() > MAX_CHARS
    found = cut(columns.from_arrow(pa.array(texts, pa.string()))).to_series().to_list()
    assert found == plainly(texts, pl.when(long).then(head).otherwise(pl.col("content")))


def lazily(text: str, pattern: str) -> list[str]:
    """The values by Python's own lazy groups."""
    body = "(.*?)".join(map(re.escape, pattern.split(WILDCARD)))
    found = re.fullmatch(body, text, re.DOTALL)
    return list(found.groups()) if found else [""] * pattern.count(WILDCARD)


PIECES = st.lists(st.text("ab =日", max_size=3), min_size=1, max_size=4)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.text("ab =日", max_size=12), PIECES), min_size=1, max_size=8))
@example([("a=b", ["a=", ""]), ("ab", ["ab"]), ("aa", ["a", "a", "a"]), ("", ["", ""])])
def test_a_value_is_the_shortest_that_fits(rows):
    texts = [text for text, _ in rows]
    patterns = [WILDCARD.join(pieces) for _, pieces in rows]
    spans = whole(columns.from_arrow(pa.array(texts, pa.string())))
    found = parameters(spans, np.arange(len(rows)), patterns)
    assert found.to_pylist() == [
        lazily(text, pattern) for text, pattern in zip(texts, patterns, strict=True)
    ]


def test_the_smallest_text_of_each_number():
    texts = columns.from_arrow(pa.array(["b", "ab", "日", "a", "é"]))
    numbers = np.array([0, 0, 1, 0, 1])
    assert smallest(texts, numbers, [1, 0]).tolist() == [4, 3]
    assert smallest(texts, numbers, []).tolist() == []


def test_slices_nulls_and_chunks_are_texts_too():
    sliced = pa.array(["zero", "one", None, "three"]).slice(1)
    assert columns.from_arrow(sliced).to_series().to_list() == ["one", "", "three"]
    chunked = pa.chunked_array([["a"], [], ["b", "c"]], pa.string())
    assert columns.from_arrow(chunked).to_series().to_list() == ["a", "b", "c"]
    assert len(columns.from_arrow(pa.chunked_array([], pa.string()))) == 0
    assert columns.from_series(pl.Series(["x", None])).to_series().to_list() == ["x", ""]


def test_many_rows_are_shared_out_to_threads():
    texts = [f"worker {at % 7} took {at} ms on node{at % 3}" for at in range(3 * FEW)]
    found = group(columns.from_arrow(pa.array(texts)))
    assert len(found.first) == 3
    assert found.numbers.tolist() == [at % 3 for at in range(3 * FEW)]
