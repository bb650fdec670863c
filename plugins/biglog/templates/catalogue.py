"""Templates of earlier nights, indexed so that a shape finds its template without trying each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from biglog.records import Template
from biglog.templates.mask import MARK
from biglog.templates.tokens import Tokens, collapse_lists, parse, simpler_forms

Places = tuple[int, ...]


class Catalogue:
    """Templates by length, by the places of their variables, by their text."""

    def __init__(self, templates: Iterable[Template]) -> None:
        self.templates = {one.template_id: one for one in templates}
        self.tokens = {parse(one.pattern): one.template_id for one in self.ordered()}
        self.index: defaultdict[int, dict[Places, set[Tokens]]] = defaultdict(dict)
        for tokens in self.tokens:
            places = tuple(i for i, token in enumerate(tokens) if token == MARK)
            self.index[len(tokens)].setdefault(places, set()).add(tokens)
        for length, by_places in self.index.items():
            ordered = sorted(by_places.items(), key=lambda pair: (len(pair[0]), pair[0]))
            self.index[length] = dict(ordered)

    def ordered(self) -> list[Template]:
        """The templates, the youngest version of a pattern last."""
        return sorted(self.templates.values(), key=lambda one: (one.version, one.template_id))

    def find(self, shape: Tokens) -> str | None:
        """The id of the most specific template that the shape is an instance of."""
        for form in (shape, *simpler_forms(shape), collapse_lists(shape)):
            found = self.look_up(form)
            if found is not None:
                return self.tokens[found]
        return None

    def look_up(self, shape: Tokens) -> Tokens | None:
        if shape in self.tokens:
            return shape
        for places, known in self.index.get(len(shape), {}).items():
            wide = put_marks(shape, places)
            if wide in known:
                return wide
        return None

    def of_lengths(self, lengths: set[int]) -> list[Tokens]:
        """The templates that a shape of one of those lengths could widen."""
        return [tokens for tokens in self.tokens if len(tokens) in lengths]


def put_marks(shape: Tokens, places: Places) -> Tokens:
    out = list(shape)
    for place in places:
        out[place] = MARK
    return tuple(out)
