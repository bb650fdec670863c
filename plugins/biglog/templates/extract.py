"""Parameters: what stands under each wildcard of a line's template."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import polars as pl

from biglog.templates.mask import WILDCARD

BLANK = r"[ \t\r\n\x0b\x0c]"
Indices = npt.NDArray[np.int64]


def literal(text: str) -> str:
    """Text as a regular expression in which any run of white space stands for a blank."""
    return f"{BLANK}+".join(escape(part) for part in text.split(" "))


def escape(text: str) -> str:
    """Like re.escape, for a Rust regular expression: all but word characters by code point."""
    return "".join(c if c.isalnum() or ord(c) > 127 else f"\\x{{{ord(c):x}}}" for c in text)


def strict(pattern: str) -> str:
    """One value per wildcard that holds neither a blank nor the character after it: one pass."""
    parts = pattern.split(WILDCARD)
    slots = [rf"([^ \t\r\n\x0b\x0c{escape(part[:1])}]*)" for part in parts[1:]]
    return whole(parts, slots)


def loose(pattern: str) -> str:
    """Any value per wildcard, the shortest that fits."""
    parts = pattern.split(WILDCARD)
    return "(?s)" + whole(parts, ["(.*?)"] * (len(parts) - 1))


def whole(parts: list[str], slots: list[str]) -> str:
    body = "".join(literal(part) + slot for part, slot in zip(parts, [*slots, ""], strict=True))
    return f"^{BLANK}*{body}{BLANK}*$"


def values(contents: pl.Series, pattern: str) -> pl.Series:
    """A list of values per content, all of which are instances of the pattern."""
    if WILDCARD not in pattern:
        return pl.Series([[]], dtype=pl.List(pl.String)).new_from_index(0, len(contents))
    found = contents.str.extract_groups(strict(pattern)).struct.unnest()
    if found.to_series(0).has_nulls():
        other = contents.str.extract_groups(loose(pattern)).struct.unnest()
        missing = found.to_series(0).is_null()
        found = found.with_columns(
            pl.when(missing).then(other.to_series(i)).otherwise(pl.col(name)).alias(name)
            for i, name in enumerate(found.columns)
        )
    return found.select(pl.concat_list(pl.all().fill_null(""))).to_series()


def parameters(contents: pl.Series, numbers: Indices, patterns: list[str]) -> pl.Series:
    """A list of values per content; numbers say which pattern each content is an instance of."""
    order = np.argsort(numbers, kind="stable")
    bounds = np.searchsorted(numbers[order], np.arange(len(patterns) + 1))
    sorted_contents = contents.gather(order)
    pieces = [
        values(sorted_contents[int(start) : int(end)], pattern)
        for pattern, start, end in zip(patterns, bounds, bounds[1:], strict=False)
        if end > start
    ]
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return pl.concat(pieces).gather(back)


def kinds_of(shape: str, pattern: str) -> list[str]:
    """The values under the pattern's wildcards in one text, by Python's own engine."""
    parts = pattern.split(WILDCARD)
    body = "(.*?)".join(r"\s+".join(map(re.escape, part.split(" "))) for part in parts)
    found = re.fullmatch(rf"\s*{body}\s*", shape, re.DOTALL)
    return list(found.groups()) if found else []
