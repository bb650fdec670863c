"""Lines of pattern formats as columns of text."""

from __future__ import annotations

import json
import re
from functools import lru_cache

import numpy as np
import polars as pl

from biglog.lines import levels
from biglog.lines.formats import COLUMNS, Format
from biglog.lines.program import compile_pattern
from biglog.lines.scan import Scanned, evaluate, objects, scan

# What a reading gives for each line, before times are read and secrets taken out.
READ = {name: pl.String for name in COLUMNS} | {
    "fields": pl.String,
    "matched": pl.Boolean,
    "attached": pl.Boolean,
    "zone": pl.String,
    "key": pl.String,
}


def read_patterns(lines: pl.Series, form: Format, first: int = 0) -> pl.DataFrame:
    """One row a line with the columns of READ; a line no pattern takes has matched = false.

    ``first`` is the pattern that fits the file best: the others see only what it leaves.
    """
    order = [form.patterns[first], *form.patterns[:first], *form.patterns[first + 1 :]]
    read = read_pattern(lines, order[0], form)
    for pattern in order[1:]:
        rest = read["matched"].not_().arg_true()
        if not len(rest):
            break
        more = read_pattern(lines.gather(rest), pattern, form)
        hits = more["matched"].arg_true()
        if len(hits):
            read = overlay(read, more.gather(hits), rest.gather(hits))
    return read


def overlay(under: pl.DataFrame, over: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """``under`` with the given rows replaced."""
    place = pl.int_range(len(under), dtype=pl.UInt32, eager=True)
    kept = under.with_columns(place=place).filter(~place.is_in(rows.cast(pl.UInt32).implode()))
    moved = over.with_columns(place=rows.cast(pl.UInt32))
    return pl.concat([kept, moved]).sort("place").drop("place")


def read_pattern(lines: pl.Series, pattern: str, form: Format) -> pl.DataFrame:
    """As ``read_patterns``, by one pattern: by its scanner, and where that is unsure by regex."""
    program = compile_pattern(pattern)
    if program is None:
        return read_by_regex(lines, pattern, form)
    scanned = refuse(scan(lines, program), form)
    made = {name: evaluate(one, scanned) for name, one in columns(program.groups, form).items()}
    if form.structured in program.groups:
        made["fields"] = evaluate(fields(program.groups, form), scanned)
    else:
        made["fields"] = objects(scanned, others(program.groups, form), form.absent)
    whole = pl.select(pl.Series(scanned.matched).alias("matched")).with_columns(**made)
    read = whole.select(list(READ))
    if not len(scanned.unsure):
        return read
    rows = pl.Series(scanned.unsure)
    return overlay(read, read_by_regex(lines.gather(rows), pattern, form), rows)


def refuse(scanned: Scanned, form: Format) -> Scanned:
    """Without the lines whose groups hold what they cannot be."""
    wrong = np.zeros(len(scanned.fits), bool)
    for name, words in form.reject.items():
        if name in scanned.groups:
            holds = evaluate(pl.col(name).str.contains(words).fill_null(False), scanned)
            wrong |= pl.select(holds).to_series().to_numpy()
    return scanned.without(wrong) if wrong.any() else scanned


def read_by_regex(lines: pl.Series, pattern: str, form: Format) -> pl.DataFrame:
    groups = groups_of(pattern)
    found = lines.to_frame("raw").lazy().select(pl.col("raw").str.extract_groups(pattern))
    wide = found.unnest("raw").collect(engine="streaming")
    wide = wide.select(pl.nth(range(len(groups)))).rename(
        dict(zip(wide.columns, groups, strict=False))
    )
    wide = wide.with_columns(matched=accepted(groups, form))
    made = columns(groups, form) | {"fields": fields(groups, form)}
    if form.reject:
        made |= {name: pl.when("matched").then(made[name]) for name in (*COLUMNS, "fields")}
    return wide.select(made[name].alias(name) for name in READ)


def accepted(groups: tuple[str, ...], form: Format) -> pl.Expr:
    """Whether the pattern read the line, and no group holds what it cannot be."""
    matched = pl.any_horizontal(pl.col(groups).is_not_null())
    for name, wrong in form.reject.items():
        if name in groups:
            matched &= ~pl.col(name).str.contains(wrong).fill_null(False)
    return matched


@lru_cache
def groups_of(pattern: str) -> tuple[str, ...]:
    named = re.compile(pattern).groupindex
    return tuple(sorted(named, key=lambda name: named[name]))


def columns(groups: tuple[str, ...], form: Format) -> dict[str, pl.Expr]:
    """The columns of READ but fields, as expressions of a pattern's groups and ``matched``."""
    made: dict[str, pl.Expr] = {name: pl.lit(None, pl.String) for name in READ}
    for name in (*COLUMNS, "zone"):
        if name in groups:
            made[name] = present(name, form) if name != "content" else pl.col(name)
    made["matched"] = pl.col("matched")
    made["attached"] = attached(groups, form)
    made["level"] = level(groups, form)
    if "content" not in groups:
        made["content"] = compose(form)
    if form.attach_by in groups:
        made["key"] = pl.col(form.attach_by)
    else:
        made["key"] = pl.lit("")
    return made


def present(name: str, form: Format) -> pl.Expr:
    """A group's text; null where it is one of the format's words for nothing."""
    if not form.absent:
        return pl.col(name)
    return pl.when(~pl.col(name).is_in(list(form.absent))).then(pl.col(name))


def attached(groups: tuple[str, ...], form: Format) -> pl.Expr:
    if form.attach and "level" in groups:
        return pl.col("level").is_in(list(form.attach)).fill_null(False)
    return pl.lit(False)


def level(groups: tuple[str, ...], form: Format) -> pl.Expr:
    if form.status in groups:
        return levels.of_status(pl.col(form.status))
    if "level" in groups:
        return levels.normalise(pl.col("level"), form.levels)
    if form.priority in groups:
        return levels.of_priority(pl.col(form.priority))
    return pl.lit(None, pl.String)


def compose(form: Format) -> pl.Expr:
    """The message of a format whose lines have none, put together from its groups."""
    pieces = re.findall(r"\{(\w+)\}|([^{}]+)", form.content)
    made = [
        pl.lit(text) if text else levels.reason(pl.col(form.status)).fill_null("")
        if name == "reason"
        else pl.col(name).fill_null("")
        for name, text in pieces
    ]  # fmt: skip
    return pl.when(pl.col("matched")).then(pl.concat_str(made).str.strip_chars_end())


def others(groups: tuple[str, ...], form: Format) -> list[str]:
    """The groups that have no column and are no part of the message."""
    composed = re.findall(r"\{(\w+)\}", form.content)
    taken = {*COLUMNS, "zone", form.status, form.structured, *composed}
    return [name for name in groups if name not in taken]


def fields(groups: tuple[str, ...], form: Format) -> pl.Expr:
    """What else the format names, as a JSON object; null where there is nothing."""
    parts = [member(name, present(name, form)) for name in others(groups, form)]
    if form.structured in groups:
        parts.append(spread(pl.col(form.structured)))
    return wrap(parts)


def wrap(parts: list[pl.Expr]) -> pl.Expr:
    if not parts:
        return pl.lit(None, pl.String)
    inner = pl.concat_str(parts, separator=",", ignore_nulls=True)
    return pl.when(inner != "").then(pl.concat_str(pl.lit("{"), inner, pl.lit("}")))


def member(name: str, value: pl.Expr) -> pl.Expr:
    """``"name":"value"``, null where the value is."""
    return pl.concat_str(
        pl.lit(json.dumps(name, ensure_ascii=False) + ':"'), escape(value), pl.lit('"')
    )


def escape(value: pl.Expr) -> pl.Expr:
    quoted = value.str.replace_all("\\", "\\\\", literal=True).str.replace_all(
        '"', '\\"', literal=True
    )
    return quoted.str.replace_all("\t", "\\t", literal=True)


def spread(data: pl.Expr) -> pl.Expr:
    """The parameters of RFC 5424 structured data as JSON members."""

    def one(text: str) -> str | None:
        found = re.findall(r'([^\s=\]"\[]+)="((?:[^"\\]|\\.)*)"', text)
        plain = {name: re.sub(r'\\(["\\\]])', r"\1", value) for name, value in found}
        return json.dumps(plain, ensure_ascii=False)[1:-1] or None

    return data.map_batches(
        lambda column: replace_distinct(column, one), return_dtype=pl.String, is_elementwise=True
    )


def replace_distinct(column: pl.Series, one) -> pl.Series:  # type: ignore[no-untyped-def]  # noqa: ANN001
    distinct = column.drop_nulls().unique()
    made = pl.Series([one(text) for text in distinct.to_list()], dtype=pl.String)
    return column.replace_strict(distinct, made, default=None, return_dtype=pl.String)


def reach(line: str, pattern: str) -> tuple[int, str]:
    """The end of the longest beginning of the pattern that reads the line; the next group."""
    for prefix, following in reversed(beginnings(pattern)):
        found = prefix.match(line)
        if found:
            return found.end(), following
    return 0, "its start"


@lru_cache
def beginnings(pattern: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """The pattern cut before each outermost named group, with that group's name."""
    made = []
    for found in re.finditer(r"\(\?P<(\w+)>", pattern):
        try:
            made.append((re.compile(pattern[: found.start()]), found.group(1)))
        except re.error:  # inside another group
            continue
    return tuple(made)
