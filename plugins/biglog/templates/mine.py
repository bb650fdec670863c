"""Contents of one batch to templates, with the template and the parameters of each content."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np
import polars as pl
import pyarrow as pa

from biglog import columns
from biglog.columns import Indices, Text
from biglog.records import Mined, Template
from biglog.settings import TemplateSettings
from biglog.templates.catalogue import Catalogue, Shape
from biglog.templates.extract import Spans, gather, parameters, tidied, whole
from biglog.templates.kernels import find_heads
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
MAX_SHAPES = 100_000  # kept from one batch to the next
MAX_WORD = 256  # characters, of one that the cut would go through
LIST = pa.list_(pa.string())


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
    shapes = read_shapes(heads, groups, known)
    chosen = choose([one.tokens for one in shapes], known, settings)
    return assemble(heads, groups, shapes, chosen)


@lru_cache(maxsize=100_000)
def prepared_once(masked: str) -> Tokens:
    """Most shapes of a batch were in the batch before."""
    return prepare(masked)


def cut(contents: Text) -> Text:
    """Contents with the over-long ones cut after a whole word, the rest a variable."""
    start, ends = contents.offsets[:-1], contents.offsets[1:].copy()
    long = np.flatnonzero(ends - start > MAX_CHARS)
    find_heads(contents.data, contents.offsets, long, MAX_CHARS, MAX_WORD, ends)
    rows = long[ends[long] < contents.offsets[long + 1]]
    if not len(rows):
        return contents
    ends[rows] += 1  # the mark takes the place of what follows
    heads = gather(Spans(contents.data, start, ends))
    heads.data[heads.offsets[rows + 1] - 1] = ord(MARK)
    return heads


def read_shapes(contents: Text, groups: Grouped, known: Catalogue) -> list[Shape]:
    """The shape of each group; from its first content where no batch before had it."""
    if len(known.shapes) > MAX_SHAPES:
        known.shapes.clear()
        known.found.clear()
    hashes = groups.hashes.tolist()
    new = [at for at, one in enumerate(hashes) if one not in known.shapes]
    if new:
        firsts = contents.to_arrow().take(pa.array(groups.first[new]))
        written = write_shapes(pl.Series("content", pl.from_arrow(firsts)))
        known.shapes.update(zip((hashes[at] for at in new), written, strict=True))
    return [known.shapes[one] for one in hashes]


def write_shapes(contents: pl.Series) -> Iterator[Shape]:
    text = collapse(tidy(pl.col("content"))).alias("text")
    frame = contents.to_frame().lazy().select(text)
    masked = frame.with_columns(mask(pl.col("text")).alias("masked")).collect()
    return (Shape(text, prepared_once(one)) for text, one in masked.iter_rows())


def choose(shapes: list[Tokens], known: Catalogue, settings: TemplateSettings) -> list[Template]:
    """A template per shape; what is new or wider than in the catalogue has no example yet.

    Shapes find their templates in what the catalogue has become, as they would in a second run.
    """
    found = {shape: known.find(shape) for shape in set(shapes)}
    unmatched = {shape for shape, at in found.items() if at is None}
    if unmatched:
        mined = mine_unmatched(unmatched, known, settings)
        found = {
            shape: known.find(shape) or (known.survivor(at) if at else mined[shape])
            for shape, at in found.items()
        }
    chosen = {shape: known.templates[at] for shape, at in found.items() if at}
    return [chosen[shape] for shape in shapes]


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


def assemble(heads: Text, groups: Grouped, shapes: list[Shape], chosen: list[Template]) -> Mined:
    """Arrays parallel to the contents from the template of each shape."""
    used = {one.template_id: one for one in chosen}
    distinct = [used[key] for key in sorted(used)]
    number_of = {one.template_id: i for i, one in enumerate(distinct)}
    of_shape = np.array([number_of[one.template_id] for one in chosen], dtype=np.int64)
    numbers = of_shape[groups.numbers]
    clean = tidied(groups.trimmed, groups.untidy)
    found = parameters(clean, numbers, [one.pattern for one in distinct])
    fresh = frozenset(one.template_id for one in distinct if not one.model_text)
    done = complete(distinct, heads, numbers, first_texts(chosen, shapes, fresh))
    names = pa.array([one.template_id for one in done], pa.string())
    ids = pa.DictionaryArray.from_arrays(pa.array(numbers), names).cast(pa.string())
    new = frozenset(one.template_id for one in done if one.version == 1) & fresh
    return Mined(ids, found, done, new, fresh - new)


def first_texts(
    chosen: list[Template], shapes: list[Shape], wanted: frozenset[str]
) -> dict[str, str]:
    """For each wanted template, the text of its first shape in sorted order."""
    first: dict[str, str] = {}
    for one, shape in zip(chosen, shapes, strict=True):
        key = one.template_id
        if key in wanted:
            first[key] = min(first.get(key, shape.text), shape.text)
    return first


def complete(
    templates: list[Template], heads: Text, numbers: Indices, shapes: Mapping[str, str]
) -> tuple[Template, ...]:
    """Templates with model text and example; both follow from the contents, not their order."""
    fresh = [i for i, one in enumerate(templates) if not one.model_text]
    described = describe(
        [templates[i].pattern for i in fresh], [shapes[templates[i].template_id] for i in fresh]
    )
    out = list(templates)
    for i, row, text in zip(fresh, smallest(heads, numbers, fresh), described, strict=True):
        one = templates[i]
        example = one.example or heads.row(row)[:MAX_EXAMPLE]
        out[i] = replace(one, model_text=text or "[CODE]", example=example)
    return tuple(out)


def describe(patterns: list[str], shapes: list[str]) -> list[str]:
    """Each pattern for the encoder, by the kinds of the values in one of its shapes."""
    texts = whole(columns.from_arrow(pa.array(shapes, pa.large_string())))
    values = parameters(texts, np.arange(len(patterns)), patterns)
    return [model_text(one, kinds) for one, kinds in zip(patterns, values.to_pylist(), strict=True)]
