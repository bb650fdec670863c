"""Templates of earlier nights, indexed so that a shape finds its template without trying each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from biglog.records import Template, identify
from biglog.templates.mask import MARK, WILDCARD
from biglog.templates.tokens import Tokens, collapse_lists, parse, simpler_forms

Tree: TypeAlias = "dict[str, Tree | list[Tokens]]"
PAIRS = frozenset("()[]\"'（")
CROWD = 4  # so many templates share a branch before it is split


@dataclass(frozen=True, slots=True)
class Shape:
    """A content with its digits collapsed, and the tokens of its masked text."""

    text: str
    tokens: Tokens


class Catalogue:
    """Templates by their text and, for each length, in a tree of their tokens.

    They come with the eldest first. Those of other sources, ``elsewhere``, only lend their ids.
    """

    def __init__(self, templates: Iterable[Template], elsewhere: Iterable[Template] = ()) -> None:
        self.templates: dict[str, Template] = {}
        self.tokens: dict[Tokens, str] = {}
        self.trees: defaultdict[int, Tree] = defaultdict(dict)
        self.joined: dict[str, Template] = {}  # those with aliases
        self.merged: dict[str, str] = {}  # younger to elder, since this catalogue was made
        self.moved = True  # whether a shape may find another template than when this was False
        self.shapes: dict[int, Shape] = {}  # of batches before, by their hash
        self.found: dict[Tokens, str] = {}  # what ``find`` answered, while it still holds
        self.elsewhere = {one.template_id: one for one in elsewhere}
        self.namesakes: dict[str, Template] = {}
        for one in self.elsewhere.values():
            self.namesakes.setdefault(one.pattern, self.elder_elsewhere(one))
        self.add(templates)

    @classmethod
    def of(cls, templates: Catalogue | Iterable[Template]) -> Catalogue:
        return templates if isinstance(templates, Catalogue) else cls(templates)

    def add(self, templates: Iterable[Template]) -> None:
        """Take them in, each in the place of its earlier version."""
        for one in templates:
            before = self.templates.get(one.template_id)
            self.templates[one.template_id] = one
            if one.aliases:
                self.joined[one.template_id] = one
            if before is not None and texts(before) == texts(one):
                continue
            self.found.clear()
            if before is not None:
                self.forget(before)
            for tokens in map(parse, texts(one)):
                if self.tokens.setdefault(tokens, one.template_id) == one.template_id:
                    insert(self.trees[len(tokens)], tokens)

    def learn(self, mined: Iterable[Template]) -> None:
        """Take in what was mined against this catalogue."""
        for one in mined:
            if one != self.templates.get(one.template_id):
                self.moved = self.moved or self.has_rivals(one)
                self.add([one])

    def has_rivals(self, one: Template) -> bool:
        """Whether a shape that found its template before could be an instance of this one."""
        if one.template_id in self.templates:
            return True
        tokens = parse(one.pattern)
        return any(True for _ in search(self.trees.get(len(tokens), {}), tokens, either=True))

    def forget(self, one: Template) -> None:
        self.found.clear()
        for tokens in map(parse, texts(one)):
            if self.tokens.get(tokens) == one.template_id:
                del self.tokens[tokens]

    def join(self, templates: Iterable[Template], elder: Template) -> None:
        """From now on the elder's lines are theirs too."""
        for one in templates:
            if one.template_id != elder.template_id and one.template_id not in self.merged:
                self.merged[one.template_id] = elder.template_id
                self.moved = True
                self.forget(one)

    def survivor(self, template_id: str) -> str:
        """The template that a merged one's lines count under."""
        while template_id in self.merged:
            template_id = self.merged[template_id]
        return template_id

    def find(self, shape: Tokens) -> str | None:
        """The id of the most specific template that the shape is an instance of."""
        at = self.found.get(shape) or self.seek(shape)
        if at:
            self.found[shape] = at
        return at

    def seek(self, shape: Tokens) -> str | None:
        if not self.templates:
            return None
        for form in forms(shape):
            found = self.look_up(form)
            if found is not None:
                return self.tokens[found]
        return self.claim("".join(shape))

    def claim(self, text: str) -> str | None:
        """The id of a template that a person made of several; its wildcards may hold words."""
        joined = self.joined.values()
        return next((one.template_id for one in joined if fits(one.pattern, text)), None)

    def look_up(self, shape: Tokens) -> Tokens | None:
        if shape in self.tokens:
            return shape
        near = search(self.trees.get(len(shape), {}), shape)
        return min((one for one in near if one in self.tokens), key=generality, default=None)

    def of_lengths(self, lengths: set[int]) -> list[Tokens]:
        """The templates that a shape of one of those lengths could widen; never a pinned one."""
        return [
            tokens
            for tokens, at in self.tokens.items()
            if len(tokens) in lengths and not self.templates[at].pinned
        ]

    def eldest(self, templates: Iterable[Template]) -> Template:
        wanted = {one.template_id for one in templates}
        return next(one for key, one in self.templates.items() if key in wanted)

    def elder_elsewhere(self, one: Template) -> Template:
        while one.merged_into in self.elsewhere:
            one = self.elsewhere[one.merged_into]
        return one

    def namesake(self, pattern: str) -> Template | None:
        """What other sources know under that pattern, or knew before it widened."""
        first = self.elsewhere.get(identify(pattern))
        now = self.namesakes.get(pattern) or (first and self.elder_elsewhere(first))
        fits = now is not None and any(is_instance(parse(pattern), parse(t)) for t in texts(now))
        return now if fits else None

    def fresh_id(self, pattern: str) -> str:
        """The pattern's hash, unless a template has it that has become another kind of line."""
        found, turn = identify(pattern), 1
        while found in self.templates or found in self.elsewhere:
            turn += 1
            found = identify(pattern, str(turn))
        return found


def texts(one: Template) -> tuple[str, ...]:
    return (one.pattern, *one.aliases)


def forms(shape: Tokens) -> Iterator[Tokens]:
    """The shape, then its simpler forms, which take time to make."""
    yield shape
    if not PAIRS.isdisjoint(shape):
        yield from simpler_forms(shape)
    if MARK in shape:
        yield collapse_lists(shape)


def insert(tree: Tree, tokens: Tokens, place: int = 0) -> None:
    """Hang the tokens into the tree, from that place on."""
    if place == len(tokens):
        return
    below = tree.setdefault(tokens[place], [])
    if isinstance(below, dict):
        insert(below, tokens, place + 1)
        return
    below.append(tokens)
    if len(below) > CROWD and place + 1 < len(tokens):
        branch: Tree = {}
        tree[tokens[place]] = branch
        for one in below:
            insert(branch, one, place + 1)


def search(tree: Tree, tokens: Tokens, *, either: bool = False) -> Iterator[Tokens]:
    """Those in the tree, of the tokens' length, that the tokens are an instance of; or ``either``
    way: those that have an instance in common with them.
    """
    test = overlap if either else is_instance
    waiting = [(tree, 0)] if tree else []
    while waiting:
        branches, place = waiting.pop()
        every = either and tokens[place] == MARK
        for token in branches if every else {tokens[place], MARK}:
            below = branches.get(token, [])
            if isinstance(below, dict):
                waiting.append((below, place + 1))
            else:
                yield from (one for one in below if test(tokens, one))


def is_instance(shape: Tokens, tokens: Tokens) -> bool:
    return len(shape) == len(tokens) and all(
        one in (MARK, token) for one, token in zip(tokens, shape, strict=True)
    )


def overlap(one: Tokens, other: Tokens) -> bool:
    return all(a == b or MARK in (a, b) for a, b in zip(one, other, strict=True))


def fits(pattern: str, text: str) -> bool:
    """Whether the text is the pattern with any text, none too, in the place of each wildcard."""
    first, *parts = pattern.split(WILDCARD)
    if not parts or not text.startswith(first):
        return text == pattern
    at = len(first)
    for part in parts[:-1]:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return text.endswith(parts[-1]) and len(text) - len(parts[-1]) >= at


def generality(tokens: Tokens) -> tuple[int, tuple[int, ...]]:
    """Orders templates from the most specific to the most general."""
    places = tuple(i for i, token in enumerate(tokens) if token == MARK)
    return len(places), places
