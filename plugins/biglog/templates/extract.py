"""Parameters: what stands under each wildcard of a line's template."""

from __future__ import annotations

from itertools import pairwise

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


def parameters(contents: pl.Series, numbers: Indices, patterns: list[str]) -> pl.Series:
    """A list of values per content; numbers say which pattern each content is an instance of."""
    order = np.argsort(numbers, kind="stable")
    bounds = np.searchsorted(numbers[order], np.arange(len(patterns) + 1))
    grouped = contents.gather(order).alias("content").to_frame()
    groups = [grouped[int(start) : int(end)] for start, end in pairwise(bounds)]
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return pl.concat(extract(groups, patterns)).gather(back)


def extract(groups: list[pl.DataFrame], patterns: list[str]) -> list[pl.Series]:
    """A list of values per content of each group; what is rare in strict form is done loosely."""
    plans = [search(group, one, strict(one)) for group, one in zip(groups, patterns, strict=True)]
    found = pl.collect_all(plans)
    missed = [i for i, one in enumerate(found) if one["missed"].any()]
    again = [search(groups[i], patterns[i], loose(patterns[i])) for i in missed]
    for i, other in zip(missed, pl.collect_all(again), strict=True):
        gap = found[i]["missed"]
        found[i] = other.with_columns(
            values=pl.when(gap).then(other["values"]).otherwise(found[i]["values"])
        )
    return [one["values"] for one in found]


def search(group: pl.DataFrame, pattern: str, expression: str) -> pl.LazyFrame:
    """Columns ``values`` (a list) and ``missed`` (the expression does not fit)."""
    slots = pattern.count(WILDCARD)
    if slots == 0:
        nothing = pl.lit([], dtype=pl.List(pl.String))
        return group.lazy().select(values=pl.repeat(nothing, pl.len()), missed=pl.lit(value=False))
    found = pl.col("found").struct
    return (
        group.lazy()
        .select(found=pl.col("content").str.extract_groups(expression))
        .select(
            values=pl.concat_list(found.field(str(i + 1)).fill_null("") for i in range(slots)),
            missed=found.field("1").is_null(),
        )
    )


def values_under(text: str, pattern: str) -> list[str]:
    """The values under the pattern's wildcards in one text; the shortest that fit."""
    rest = " ".join(text.split())
    head, *parts = pattern.split(WILDCARD)
    rest = rest.removeprefix(head)
    out = []
    for part in parts[:-1]:
        value, _, rest = rest.partition(part) if part else ("", "", rest)
        out.append(value)
    return [*out, rest.removesuffix(parts[-1])] if parts else []
