"""Parameters: what stands under each wildcard of a line's template."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from biglog.templates.mask import WILDCARD

FEW = 200
Indices = npt.NDArray[np.int64]


def escape(text: str) -> str:
    """Like re.escape, for a Rust regular expression: all but word characters by code point."""
    return "".join(c if c.isalnum() or ord(c) > 127 else f"\\x{{{ord(c):x}}}" for c in text)


def strict(pattern: str) -> str:
    """One value per wildcard that holds neither a blank nor the character after it: one pass."""
    parts = pattern.split(WILDCARD)
    slots = [rf"([^ {escape(part[:1])}]*)" for part in parts[1:]]
    return whole(parts, slots)


def loose(pattern: str) -> str:
    """Any value per wildcard, the shortest that fits."""
    parts = pattern.split(WILDCARD)
    return "(?s)" + whole(parts, ["(.*?)"] * (len(parts) - 1))


def whole(parts: list[str], slots: list[str]) -> str:
    body = "".join(escape(part) + slot for part, slot in zip(parts, [*slots, ""], strict=True))
    return f"^{body}$"


def parameters(contents: pl.Series, numbers: Indices, patterns: list[str]) -> pa.Array:
    """A list of values per content; numbers say which pattern each content is an instance of.

    The contents must be tidy, as patterns are: single blanks, none at the ends.
    """
    order = np.argsort(numbers, kind="stable")
    sizes = np.bincount(numbers, minlength=len(patterns))
    ends = np.cumsum(sizes)
    grouped = contents.gather(order).alias("content").to_frame()
    groups = [grouped[int(end - size) : int(end)] for end, size in zip(ends, sizes, strict=True)]
    columns = extract(groups, patterns)
    slots = np.array([len(one) for one in columns], dtype=np.int64)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    rank -= (ends - sizes)[numbers]
    return lists(columns, slots[numbers], places(slots, sizes, numbers, rank))


def places(slots: Indices, sizes: Indices, numbers: Indices, rank: Indices) -> Indices:
    """Where the values of each content stand when all columns are laid end to end."""
    starts = np.concatenate([[0], np.cumsum(slots * sizes)[:-1]])
    counts = slots[numbers]
    offsets = np.concatenate([[0], np.cumsum(counts)[:-1]])
    column: Indices = np.arange(int(counts.sum())) - np.repeat(offsets, counts)
    column *= np.repeat(sizes[numbers], counts)
    column += np.repeat(starts[numbers] + rank, counts)
    return column


def lists(columns: list[list[pl.Series]], counts: Indices, at: Indices) -> pa.Array:
    flat = [column for group in columns for column in group]
    values = pl.concat(flat).gather(at) if flat else pl.Series([], dtype=pl.String)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values.to_arrow().cast(pa.string()))


def extract(groups: list[pl.DataFrame], patterns: list[str]) -> list[list[pl.Series]]:
    """A column per wildcard for each group."""
    wild = [i for i, pattern in enumerate(patterns) if WILDCARD in pattern]
    large = [i for i in wild if len(groups[i]) > FEW]
    columns: list[list[pl.Series]] = [[] for _ in patterns]
    for i, found in zip(
        large, extract_many([(groups[i], patterns[i]) for i in large]), strict=True
    ):
        columns[i] = found.get_columns()
    for i in set(wild) - set(large):
        columns[i] = extract_few(groups[i], patterns[i])
    return columns


def extract_few(group: pl.DataFrame, pattern: str) -> list[pl.Series]:
    """As ``extract_many``; for a handful of lines the Rust expression costs more than it saves."""
    parts = pattern.split(WILDCARD)
    rows = [between(parts, content) for content in group.to_series()]
    if any(row is None for row in rows):
        return extract_many([(group, pattern)])[0].get_columns()
    return [pl.Series(column, dtype=pl.String) for column in zip(*filter(None, rows), strict=True)]


def extract_many(groups: list[tuple[pl.DataFrame, str]]) -> list[pl.DataFrame]:
    """Columns of values; what the strict form misses is done loosely."""
    found = search([(group, strict(pattern)) for group, pattern in groups])
    missed = [i for i, one in enumerate(found) if one.to_series(0).has_nulls()]
    again = search([(groups[i][0], loose(groups[i][1])) for i in missed])
    for i, other in zip(missed, again, strict=True):
        gap = found[i].to_series(0).is_null()
        found[i] = other.select(
            pl.when(gap).then(pl.col(name)).otherwise(found[i][name]).fill_null("").alias(name)
            for name in other.columns
        )
    return found


def search(jobs: list[tuple[pl.DataFrame, str]]) -> list[pl.DataFrame]:
    """The groups of each expression as columns, null where it does not fit; on all threads."""
    plans = [
        group.lazy().select(pl.col("content").str.extract_groups(expression))
        for group, expression in jobs
    ]
    return [one.to_series().struct.unnest() for one in pl.collect_all(plans)]


def values_under(text: str, pattern: str) -> list[str]:
    """The values under the pattern's wildcards in one text that is an instance of it."""
    found = between(pattern.split(WILDCARD), text)
    if found is None:
        columns = extract_many([(pl.DataFrame({"content": [text]}), pattern)])[0]
        found = list(columns.row(0))
    return found


def between(parts: list[str], text: str) -> list[str] | None:
    """What stands between the literal parts, the shortest that fits; None where none does."""
    if not text.startswith(parts[0]):
        return None
    rest = text[len(parts[0]) :]
    out = []
    for part in parts[1:-1]:
        value, found, rest = rest.partition(part)
        if not found:
            return None
        out.append(value)
    return [*out, rest.removesuffix(parts[-1])] if rest.endswith(parts[-1]) else None
