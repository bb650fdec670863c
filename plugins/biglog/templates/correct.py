"""Templates as people correct them: two made one, one split into several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

import numpy as np
import polars as pl
import pyarrow as pa

from biglog import columns
from biglog.errors import BadInput
from biglog.records import Mined, Template, identify
from biglog.templates.catalogue import fits
from biglog.templates.extract import parameters, whole
from biglog.templates.mask import MARK, MAX_CHARS, WILDCARD, placeholder, tidy
from biglog.templates.tokens import Tokens, parse, pattern

LIST = pl.List(pl.String)


def join(one: Template, other: Template, wanted: str = "") -> Template:
    """The first, widened so that it covers the second too, or by the pattern that is wanted.

    Raises BadInput where the two have no word in common, or the pattern does not cover both.
    """
    text = wanted or pattern(widest(parse(one.pattern), parse(other.pattern)))
    if not any(c.isalnum() for c in text.replace(WILDCARD, "")):
        raise BadInput(
            f"{one.pattern!r} and {other.pattern!r} have no word in common; "
            "give the pattern that covers both with --pattern"
        )
    own = [one.pattern, *one.aliases, other.pattern, *other.aliases]
    for text_of_one in own:
        if not covers(text, text_of_one):
            raise BadInput(
                f"{text!r} does not cover {text_of_one!r}; put {WILDCARD} wherever they differ"
            )
    return replace(
        one,
        pattern=text,
        model_text=model_text(text, one.example),
        version=one.version + (text != one.pattern),
        pinned=True,
        aliases=tuple(dict.fromkeys(each for each in own if each != text)),
    )


def widest(one: Tokens, other: Tokens) -> Tokens:
    """The tokens that both have, in order, with a variable in each gap."""
    out: list[str] = []
    for step, start, end, _, _ in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        out += one[start:end] if step == "equal" else [MARK]
    return tuple(token for i, token in enumerate(out) if token != MARK or out[i - 1 : i] != [MARK])


def covers(wide: str, narrow: str) -> bool:
    """Whether every line of the narrow pattern is one of the wide: its wildcards are values."""
    return fits(wide, narrow.replace(WILDCARD, MARK))


def expression(pattern: str) -> str:
    """The pattern as a regular expression, each character that is no word's by its number."""
    parts = [
        "".join(c if c.isalnum() else f"\\x{{{ord(c):x}}}" for c in part)
        for part in pattern.split(WILDCARD)
    ]
    return f"(?s)^{'.*'.join(parts)}$"


def model_text(text: str, example: str) -> str:
    """The pattern for the encoder, by the values that one of its lines has."""
    line = pl.DataFrame({"content": [example]}).select(tidy(pl.col("content"))).to_series()
    return fill(text, [kind_of(one) for one in values_under(line, text).to_pylist()[0]])


def kind_of(value: str) -> str:
    return placeholder(value) if value else "[CODE]"


def fill(text: str, values: Iterable[str]) -> str:
    parts = text.split(WILDCARD)
    return "".join(part + value for part, value in zip(parts, [*values, ""], strict=True))


def values_under(contents: pl.Series, text: str) -> pa.Array:
    spans = whole(columns.from_series(contents))
    return parameters(spans, np.zeros(len(contents), np.int64), [text])


def split(parent: Template, patterns: Sequence[str]) -> tuple[Template, ...]:
    """A pinned template for each of the patterns, narrower than the parent's.

    Raises BadInput for a pattern that is none, is given twice, or is not covered by the parent's.
    """
    found = {one: part(parent, one) for one in patterns}
    if len(found) < len(patterns):
        raise BadInput(f"{len(patterns)} patterns, {len(found)} of them distinct; give each once")
    return tuple(found.values())


def part(parent: Template, text: str) -> Template:
    known = (parent.pattern, *parent.aliases)
    if text in known or not any(covers(one, text) for one in known):
        raise BadInput(
            f"{text!r} is no part of {parent.pattern!r}; write out a value in the place of a "
            f"{WILDCARD} and keep the rest"
        )
    return Template(
        identify(parent.template_id, text), text, part_model_text(parent, text), pinned=True
    )


def part_model_text(parent: Template, text: str) -> str:
    """The part's pattern for the encoder; what varies in both has the kind that the parent has."""
    if not covers(parent.pattern, text):
        return text.replace(WILDCARD, "[CODE]")
    pair = pl.DataFrame({"content": [parent.example, text]}).select(tidy(pl.col("content")))
    values, own = values_under(pair.to_series(), parent.pattern).to_pylist()
    kinds = [
        kind_of(value) if piece == WILDCARD else piece.replace(WILDCARD, "[CODE]")
        for value, piece in zip(values, own, strict=True)
    ]
    return fill(parent.pattern, kinds)


def part_patterns(parent: Template, slot: int, values: Iterable[str]) -> tuple[str, ...]:
    """The parent's pattern with each value in the place of its wildcard number ``slot``, from 1.

    Raises BadInput where there is no such wildcard.
    """
    parts = parent.pattern.split(WILDCARD)
    if not 1 <= slot < len(parts):
        raise BadInput(
            f"wildcard {slot} of {parent.pattern!r}: it has {len(parts) - 1}, counted from 1"
        )
    before, after = WILDCARD.join(parts[:slot]), WILDCARD.join(parts[slot:])
    return tuple(f"{before}{value}{after}" for value in values)


def divide(
    contents: pa.Array | pa.ChunkedArray, mined: Mined, parts: Mapping[str, Sequence[Template]]
) -> Mined:
    """What was mined, with the lines of split templates given to the parts that they fit.

    Of several parts that fit a line, the first takes it.
    """
    waiting = sorted(parts.keys() & {one.template_id for one in mined.templates})
    if not waiting:
        return mined
    frame = pl.DataFrame(
        {
            "content": pl.from_arrow(pa.chunked_array(contents)),
            "id": pl.from_arrow(mined.template_ids),
            "values": pl.from_arrow(mined.parameters),
        }
    ).with_row_index("row")
    for at in waiting:
        frame = hand_over(frame, at, parts)
    return assemble(frame.sort("row"), mined, parts)


def hand_over(
    frame: pl.DataFrame, parent: str, parts: Mapping[str, Sequence[Template]]
) -> pl.DataFrame:
    """The rows, those of the parent's parts with the part's id and values."""
    done = [frame.filter(pl.col("id") != parent)]
    text = tidy(pl.col("content").fill_null("").str.slice(0, MAX_CHARS))
    left = frame.filter(pl.col("id") == parent).with_columns(text)
    for one in parts[parent]:
        own = left["content"].str.contains(expression(one.pattern))
        taken = left.filter(own).with_columns(pl.lit(one.template_id).alias("id"))
        values = pl.Series(pl.from_arrow(values_under(taken["content"], one.pattern)), dtype=LIST)
        done.append(taken.with_columns(values.alias("values")))
        left = left.filter(~own)
    rest = pl.concat([*done, left])
    for one in parts[parent]:
        if one.template_id in parts:
            rest = hand_over(rest, one.template_id, parts)
    return rest


def assemble(frame: pl.DataFrame, mined: Mined, parts: Mapping[str, Sequence[Template]]) -> Mined:
    examples = dict(frame.group_by("id").agg(pl.col("content").min()).iter_rows())
    every = [*mined.templates, *(one for group in parts.values() for one in group)]
    templates = {
        one.template_id: replace(one, example=one.example or examples[one.template_id])
        for one in every
        if one.template_id in examples
    }
    oldest = pl.CompatLevel.oldest()
    return replace(
        mined,
        template_ids=frame["id"].to_arrow(compat_level=oldest).cast(pa.string()),
        parameters=frame["values"].to_arrow(compat_level=oldest).cast(pa.list_(pa.string())),
        templates=tuple(templates[key] for key in sorted(templates)),
    )
