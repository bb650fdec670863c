"""Contents of one batch to templates, with the template and the parameters of each content."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import polars as pl
import pyarrow as pa

from biglog import columns
from biglog.columns import Indices, Text
from biglog.records import Mined, Template
from biglog.settings import TemplateSettings
from biglog.templates.catalogue import Catalogue
from biglog.templates.extract import Spans, parameters, tidied, whole
from biglog.templates.mask import (
    MARK,
    MAX_CHARS,
    collapse,
    mask,
    model_text,
    tidy,
)
from biglog.templates.merge import generalise
from biglog.templates.shapes import Grouped, group, smallest
from biglog.templates.tokens import Tokens, parse, pattern, prepare

MAX_EXAMPLE = 2000
LIST = pa.list_(pa.string())


@dataclass(frozen=True, slots=True)
class Coded:
    """Distinct texts, sorted, and the number of the text that each row holds."""

    texts: pl.Series
    numbers: Indices


def mine(
    contents: pa.Array | pa.ChunkedArray,
    catalogue: Catalogue | Iterable[Template],
    settings: TemplateSettings,
) -> Mined:
    """Every content gets a template: one of the catalogue if it fits, else a mined one.

    A ``Catalogue`` learns what is mined; its new templates lack an example until they are added.

    The set of templates does not depend on the order of the contents. Of a content longer than
    ``MAX_CHARS`` only the head is mined, and only its parameters are given.
    """
    known = Catalogue.of(catalogue)
    if len(contents) == 0:
        return Mined(pa.array([], pa.string()), pa.array([], LIST), (), frozenset(), frozenset())
    heads = cut(columns.from_arrow(contents))
    groups = group(heads)
    shapes = write_shapes(heads, groups)
    masked = code(shapes.texts.to_frame("content").select(mask(pl.col("content"))).to_series())
    prepared = [prepared_once(text) for text in masked.texts]
    chosen = choose(prepared, known, settings)
    return assemble(heads, tidied(heads, groups.untidy), shapes, masked.numbers, chosen)


@lru_cache(maxsize=100_000)
def prepared_once(masked: str) -> Tokens:
    """Most shapes of a batch were in the batch before."""
    return prepare(masked)


def cut(contents: Text) -> Text:
    """Contents with the over-long ones cut after a whole word, the rest a variable."""
    if np.diff(contents.offsets).max(initial=0) <= MAX_CHARS:
        return contents
    text = pl.col("content")
    head = text.str.slice(0, MAX_CHARS).str.replace(r"(?s)[^ \t]{0,256}$", MARK)
    long = text.str.len_chars() > MAX_CHARS
    frame = contents.to_series("content").to_frame()
    return columns.from_series(frame.select(pl.when(long).then(head).otherwise(text)).to_series())


def write_shapes(contents: Text, groups: Grouped) -> Coded:
    """The shapes as texts, from the first content of each."""
    firsts = contents.to_arrow().take(pa.array(groups.first))
    frame = pl.Series("content", pl.from_arrow(firsts)).to_frame()
    written = code(frame.select(collapse(tidy(pl.col("content")))).to_series())
    return Coded(written.texts, written.numbers[groups.numbers])


def code(texts: pl.Series) -> Coded:
    """The distinct texts in sorted order, so that nothing depends on the order of arrival."""
    encoded = texts.to_arrow().dictionary_encode()
    found = pl.Series("content", encoded.dictionary)
    order = found.arg_sort().to_numpy()
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order))
    return Coded(found.gather(order), ranks[encoded.indices.to_numpy(zero_copy_only=False)])


def choose(shapes: list[Tokens], known: Catalogue, settings: TemplateSettings) -> list[Template]:
    """A template per shape; what is new or wider than in the catalogue has no example yet.

    Shapes find their templates in what the catalogue has become, as they would in a second run.
    """
    found = [known.find(shape) for shape in shapes]
    unmatched = {shape for shape, at in zip(shapes, found, strict=True) if at is None}
    if unmatched:
        mined = mine_unmatched(unmatched, known, settings)
        found = [
            known.find(shape) or (known.survivor(at) if at else mined[shape])
            for shape, at in zip(shapes, found, strict=True)
        ]
    return [known.templates[at] for at in found if at]


def mine_unmatched(
    shapes: set[Tokens], known: Catalogue, settings: TemplateSettings
) -> dict[Tokens, str]:
    """Ids for shapes that the catalogue lacks; it learns the new templates and the wider ones."""
    near = known.of_lengths({len(shape) for shape in shapes})
    final = generalise([*shapes, *near], settings.similarity)
    elders: defaultdict[Tokens, list[Template]] = defaultdict(list)
    for tokens in near:
        elders[final[tokens]].append(known.templates[known.tokens[tokens]])
    named = {}
    for tokens in sorted({final[shape] for shape in shapes}):
        named[tokens] = one = name(tokens, elders[tokens], known)
        known.join(elders[tokens], one)
        known.learn([one])
    return {shape: named[final[shape]].template_id for shape in shapes}


def name(tokens: Tokens, elders: list[Template], known: Catalogue) -> Template:
    """The template of these tokens: the eldest it swallows, widened, or a new one."""
    text = pattern(tokens)
    if not elders:
        return known.namesake(text) or Template(known.fresh_id(text), text, "")
    elder = known.eldest(elders)
    if parse(elder.pattern) == tokens:
        return elder
    return replace(elder, pattern=text, model_text="", version=elder.version + 1)


def assemble(
    heads: Text,
    clean: Spans,
    shapes: Coded,
    masked_of_shape: Indices,
    chosen: list[Template],
) -> Mined:
    """Arrays parallel to the contents from the template of each masked text."""
    distinct = sorted(set(chosen), key=lambda one: one.template_id)
    number_of = {one.template_id: i for i, one in enumerate(distinct)}
    of_masked = np.array([number_of[one.template_id] for one in chosen], dtype=np.int64)
    of_shape = of_masked[masked_of_shape]
    numbers = of_shape[shapes.numbers]
    found = parameters(clean, numbers, [one.pattern for one in distinct])
    fresh = frozenset(one.template_id for one in distinct if not one.model_text)
    done = complete(distinct, heads, numbers, shapes.texts.gather(first_of(of_shape)))
    names = pa.array([one.template_id for one in done], pa.string())
    ids = pa.DictionaryArray.from_arrays(pa.array(numbers), names).cast(pa.string())
    new = frozenset(one.template_id for one in done if one.version == 1) & fresh
    return Mined(ids, found, done, new, fresh - new)


def first_of(numbers: Indices) -> Indices:
    """Where each number from 0 on occurs first."""
    return np.unique(numbers, return_index=True)[1]


def complete(
    templates: list[Template], heads: Text, numbers: Indices, shapes: pl.Series
) -> tuple[Template, ...]:
    """Templates with model text and example; both follow from the contents, not their order."""
    fresh = [i for i, one in enumerate(templates) if not one.model_text]
    described = describe([templates[i].pattern for i in fresh], shapes.gather(fresh))
    out = list(templates)
    for i, row, text in zip(fresh, smallest(heads, numbers, fresh), described, strict=True):
        one = templates[i]
        example = one.example or heads.row(row)[:MAX_EXAMPLE]
        out[i] = replace(one, model_text=text or "[CODE]", example=example)
    return tuple(out)


def describe(patterns: list[str], shapes: pl.Series) -> list[str]:
    """Each pattern for the encoder, by the kinds of the values in one of its shapes."""
    values = parameters(whole(columns.from_series(shapes)), np.arange(len(patterns)), patterns)
    return [model_text(one, kinds) for one, kinds in zip(patterns, values.to_pylist(), strict=True)]
