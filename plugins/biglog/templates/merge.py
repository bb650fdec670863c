"""Masked shapes that are one template: they differ only where a name stands."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from operator import xor

from biglog.templates.lexicon import ANNOUNCING
from biglog.templates.mask import MARK
from biglog.templates.tokens import (
    DELIMITERS,
    FIXED,
    Tokens,
    collapse_lists,
    is_fixed,
    is_name,
    is_vague,
    simpler_forms,
    stem_of,
)

ROUNDS = 8
DEPTH = 4  # so often a group of shapes is told apart by the words in it
MANY = 5  # so many names in one place that words among them are names too
LIST_LENGTHS = 3  # so many different lengths make a run of variables a list
FIRST = 10  # so many names at the start of a line are a variable
SOME = 3  # so many are elsewhere
ANNOUNCED = 2  # so few are where the line says that a value comes
QUOTES = "\"'`“"
Places = tuple[int, ...]
HEXADECIMAL = re.compile(r"[0-9a-f]{4,}")


@dataclass(slots=True)
class Column:
    """The values that one place takes in shapes that are equal elsewhere."""

    values: set[str] = field(default_factory=set)
    members: list[tuple[Tokens, int]] = field(default_factory=list)

    def add(self, shape: Tokens, place: int) -> None:
        self.values.add(shape[place])
        self.members.append((shape, place))


def generalise(shapes: Iterable[Tokens], similarity: float) -> dict[Tokens, Tokens]:
    """Each distinct shape to its template's tokens; independent of the order of the shapes."""
    final = {shape: shape for shape in shapes}
    for _ in range(ROUNDS):
        step = widen(set(final.values()), similarity)
        if not step:
            break
        final = {shape: step.get(now, now) for shape, now in final.items()}
    return join_wider(join_lists(join_simpler(final)), similarity)


def widen(shapes: set[Tokens], similarity: float) -> dict[Tokens, Tokens]:
    """The shapes that get new variables in this round, with what they become."""
    places: defaultdict[Tokens, set[int]] = defaultdict(set)
    for column in [*alike_but_one(shapes), *alike_but_names(shapes, similarity)]:
        accepted = variables(column)
        for shape, place in column.members:
            if shape[place] in accepted:
                places[shape].add(place)
    return {
        shape: tuple(MARK if i in at else token for i, token in enumerate(shape))
        for shape, at in places.items()
    }


def alike_but_one(shapes: set[Tokens]) -> list[Column]:
    """Columns of shapes that are equal in all places but one."""
    first: dict[int, Tokens] = {}
    columns: dict[int, Column] = {}
    for shape in shapes:
        codes = list(map(hash, enumerate(shape)))
        whole = reduce(xor, codes, 0)
        for place, token in enumerate(shape):
            if token in FIXED:
                continue
            rest = whole ^ codes[place]  # stands for the tokens of all other places
            other = first.setdefault(rest, shape)
            if other is shape:
                continue
            if rest not in columns:
                columns[rest] = named([other], place)
            columns[rest].add(shape, place)
    return list(columns.values())


def alike_but_names(shapes: set[Tokens], similarity: float) -> list[Column]:
    """Columns of shapes that tell the same and differ in nouns, names and values.

    Where too few names are among the values they are words, and the shapes are told apart by them.
    """
    groups: defaultdict[Tokens, list[Tokens]] = defaultdict(list)
    for shape in shapes:
        skeleton = tuple("" if is_vague(token) else token for token in shape)
        if "" in skeleton:
            groups[skeleton].append(shape)
    columns: list[Column] = []
    for skeleton, members in groups.items():
        if len(members) > 1:
            places = [at for at, token in enumerate(skeleton) if token == ""]
            columns += told_apart(members, places, similarity, DEPTH)
    return columns


def told_apart(
    members: list[Tokens], places: list[int], similarity: float, depth: int
) -> list[Column]:
    """The columns of names, once the shapes are parted by those columns that hold words."""
    varying = [at for at in places if len({shape[at] for shape in members}) > 1]
    columns = {at: named(members, at) for at in varying}
    words = [at for at in varying if not variables(columns[at])]
    if not words:
        share = share_of_words(members[0], varying)
        return [columns[at] for at in varying] if share >= similarity else []
    if depth == 0 or len(words) == len(varying):
        return []
    parts: defaultdict[Tokens, list[Tokens]] = defaultdict(list)
    for shape in members:
        parts[tuple(shape[at] for at in words)].append(shape)
    rest = [at for at in varying if at not in words]
    return [
        column
        for part in parts.values()
        if len(part) > 1
        for column in told_apart(part, rest, similarity, depth - 1)
    ]


def share_of_words(shape: Tokens, varying: list[int]) -> float:
    """The part of the shape's words that is not a variable."""
    values = {i for i, token in enumerate(shape) if token == MARK} | set(varying)
    words = [i for i, token in enumerate(shape) if is_spoken(token)]
    return sum(i not in values for i in words) / max(1, len(set(words) | values))


def is_spoken_beside(shape: Tokens, place: int) -> bool:
    """Whether the shape has a word in another place."""
    return any(i != place and one != MARK and is_spoken(one) for i, one in enumerate(shape))


@lru_cache(maxsize=65536)
def is_spoken(token: str) -> bool:
    """Whether a token has a letter or a digit; few tokens are asked about many times."""
    return any(c.isalnum() for c in token)


def named(members: list[Tokens], place: int) -> Column:
    return Column({shape[place] for shape in members}, [(shape, place) for shape in members])


def variables(column: Column) -> set[str]:
    """Which of the column's values are values of a variable."""
    shape, place = min(column.members)
    numbered = same_stem(column.values)
    if is_key(shape, place):
        return numbered | unworthy_keys(column)
    if not is_spoken_beside(shape, place):  # a template of nothing but variables says nothing
        return numbered
    needed = names_needed(shape, place)
    vague = {value for value in column.values if value != MARK and is_vague(value)}
    names = vague if needed == ANNOUNCED else {value for value in vague if is_name(value)}
    certain = needed == ANNOUNCED and (names or MARK in column.values)
    if len(names) >= max(MANY, needed) or (certain and MARK in column.values):
        return {value for value in column.values if is_spoken(value)}
    if MARK in column.values:
        return vague | numbered
    if len(names) < needed or 2 * len(names) < len(column.values):
        return numbered
    return vague | numbered


def same_stem(values: set[str]) -> set[str]:
    """``CPU0`` and ``CPU1``, ``LNKA`` to ``LNKH``, ``<*> KB`` and ``<*> MB``: all but equal."""
    stems = Counter(stem for stem in map(stem_of, values) if stem)
    lettered = Counter(value[:-1] for value in values if is_lettered(value))
    sizes = {value for value in values if value.startswith(MARK + " ")}
    return (sizes if len(sizes) > 1 or MARK in values else set()) | {
        value
        for value in values
        if stems[stem_of(value)] > 1 or (is_lettered(value) and lettered[value[:-1]] > 2)
    }


def is_lettered(value: str) -> bool:
    return len(value) > 3 and value.isalpha() and value.isupper()


def is_key(shape: Tokens, place: int) -> bool:
    """Whether a value follows: keys and prefixes are what templates are told apart by.

    A blank after the colon ends a phrase where words stand before: ``lost node a1: timed out``.
    """
    after = "".join(shape[place + 1 : place + 3]).lstrip()
    word = word_before(shape, place)
    if after[:1] not in ("=", ":", "：") or word in ANNOUNCING:
        return False
    return not word or after not in (":", ": ", "：")


def unworthy_keys(column: Column) -> set[str]:
    """``cart cb13: added``: keys are words; coded values among many, or beside a variable, are
    none, and neither is ``feff`` among them."""
    coded = {one for one in column.values if is_coded(one) and is_name(one)}
    return coded if MARK in column.values or len(coded) >= MANY else set()


def is_coded(value: str) -> bool:
    return any(c.isdigit() for c in value) or HEXADECIMAL.fullmatch(value) is not None


def names_needed(shape: Tokens, place: int) -> int:
    """How many names in a place make it a variable: fewer where the line announces one."""
    before = "".join(shape[max(0, place - 2) : place]).rstrip()
    word = word_before(shape, place)
    if before[-1:] in ("=", *QUOTES, "[") or word in ANNOUNCING:
        return ANNOUNCED
    return SOME if word else FIRST


def word_before(shape: Tokens, place: int) -> str:
    for token in reversed(shape[:place]):
        if token != " " and token not in DELIMITERS:
            return token.lower()
    return ""


def join_lists(final: Mapping[Tokens, Tokens]) -> dict[Tokens, Tokens]:
    """Lists of several lengths become one variable; so do one of one and one of many."""
    lengths: defaultdict[Tokens, set[int]] = defaultdict(set)
    for now in final.values():
        lengths[collapse_lists(now)].add(len(now))
    lists = {
        key
        for key, seen in lengths.items()
        if len(seen) >= LIST_LENGTHS or (min(seen) == len(key) < max(seen) - LIST_LENGTHS)
    }
    shorter = {now: collapse_lists(now) for now in final.values()}
    return {shape: shorter[now] if shorter[now] in lists else now for shape, now in final.items()}


def join_simpler(final: Mapping[Tokens, Tokens]) -> dict[Tokens, Tokens]:
    """A template joins the one that it is a rarer form of, where that one exists."""
    known = set(final.values())
    simpler = {now: next((f for f in simpler_forms(now) if f in known), now) for now in known}
    return {shape: simpler[now] for shape, now in final.items()}


def join_wider(final: Mapping[Tokens, Tokens], similarity: float) -> dict[Tokens, Tokens]:
    """A template joins one that many shapes are of, and that it is an instance of."""
    sizes = Counter(final.values())
    large = [one for one, size in sizes.items() if size >= MANY]
    wide: defaultdict[int, dict[Places, set[Tokens]]] = defaultdict(dict)
    for tokens in sorted(large, key=lambda one: (one.count(MARK), one)):  # the most specific first
        if share_of_words(tokens, []) >= similarity:
            wide[len(tokens)].setdefault(places_of(tokens), set()).add(tokens)
    if not wide:
        return dict(final)
    joined = {one: find_wider(one, wide) or one for one, size in sizes.items() if size < MANY}
    return {shape: joined.get(now, now) for shape, now in final.items()}


def places_of(tokens: Tokens) -> Places:
    return tuple(i for i, token in enumerate(tokens) if token == MARK)


def find_wider(tokens: Tokens, wide: Mapping[int, Mapping[Places, set[Tokens]]]) -> Tokens | None:
    """The wide template of these tokens or of a simpler form of them, if there is one."""
    for form in (tokens, *simpler_forms(tokens)):
        for places, known in wide.get(len(form), {}).items():
            wider = tuple(MARK if i in places else token for i, token in enumerate(form))
            if wider in known and not any(is_fixed(form[place]) for place in places):
                return wider
    return None
