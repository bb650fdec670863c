"""Texts drawn from kinds for training: renderings, questions, code-switched and noisy views."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from random import Random

from biglog.vectors.training import kinds as own
from biglog.vectors.training.kinds import Kind, fill_places, fill_slots, is_chinese
from biglog.vectors.training.neighbours import alike_in_words

_PREFIXES = (
    "error: ",
    "warn ",
    "info ",
    "[CODE] ",
    "[TIMESTAMP] ",
    "fatal: ",
    "worker[NUM]: ",
    "[NUM] - ",
)
_MIX = {"events": 0.60, "terms": 0.04, "wordnet": 0.07, "python": 0.06}  # the rest: translations
_RIVALS = 6  # kinds drawn together
_OPPOSITES = 0.4  # share of the texts that could be turned and are


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts of one kind, slots filled alike."""

    kind: str
    left: str
    right: str
    group: int = 0  # of the pairs drawn together
    opposite: str = ""  # the left text turned into another event by one word


class Switch:
    """Words of a text put into the other language."""

    def __init__(self, terms: dict[str, tuple[str, ...]], rng: Random) -> None:
        self.rng = rng
        self.to_chinese = terms
        # A single character stands inside other words too: 行 in 进行.
        pairs = [(zh, en) for en, chinese in terms.items() for zh in chinese]
        self.to_english = {zh: en for zh, en in pairs if len(zh) > 1}
        self.english_terms = _alternatives(terms, r"(?<![\w\[{])(?:", r")(?![\w\]}])")
        self.chinese_terms = _alternatives(self.to_english, "(?:", ")")

    def __call__(self, text: str, share: float) -> str:
        """The text with about that share of the words it knows switched, half of it in Chinese."""
        if is_chinese(text):
            return self.chinese_terms.sub(
                lambda m: f" {self.to_english[m[0]]} " if self.rng.random() < share / 2 else m[0],
                text,
            )
        return self.english_terms.sub(
            lambda m: (
                self.rng.choice(self.to_chinese[m[0].lower()])
                if self.rng.random() < share
                else m[0]
            ),
            text,
        )


class Sampler:
    """Draws batches of pairs, kinds of one family together: batch mates are hard negatives."""

    def __init__(
        self, kinds: Sequence[Kind], terms: dict[str, tuple[str, ...]], rng: Random
    ) -> None:
        self.rng = rng
        self.slots = own.read_slots()
        self.questions = own.read_questions()
        self.switch = Switch(terms, rng)
        self.opposites = own.read_opposites()
        self.turning = _turning(self.opposites)
        self.families: dict[str, list[list[Kind]]] = {
            name: list(rival_groups(name, mine)) for name, mine in _by_group(kinds).items()
        }

    def batch(self, size: int) -> list[Pair]:
        """About ``size`` pairs: a few kinds from each of several families."""
        pairs: list[Pair] = []
        for group in count():
            family = self._family()
            for kind in self.rng.sample(family, min(len(family), _RIVALS)):
                pairs.append(replace(self.pair(kind), group=group))
            if len(pairs) >= size:
                break
        return pairs[:size]

    def _family(self) -> list[Kind]:
        draw, group = self.rng.random(), "translations"
        for name, share in _MIX.items():
            if draw < share:
                group = name
                break
            draw -= share
        return self.rng.choice(self.families.get(group) or next(iter(self.families.values())))

    def pair(self, kind: Kind) -> Pair:
        """Two views of the kind; across the languages two times in three where it has both."""
        chosen = own.choose_slots(self.slots, self.rng)
        left, right = self._two_texts(kind)
        asks = kind.source == "events" and self.rng.random() < 0.25
        views = (self.view(left, chosen), self.view(right, chosen))
        if kind.source == "events" and self.rng.random() < 0.2:
            views = (views[0], self._document(kind, left, views[1], chosen))
        key = kind.key() + str(chosen if "{" in left + right else "")
        return Pair(key, *self._ask(views, asks), opposite=self.opposite(views[0]))

    def _two_texts(self, kind: Kind) -> tuple[str, str]:
        chinese = [text for text in kind.texts if is_chinese(text)]
        english = [text for text in kind.texts if not is_chinese(text)]
        if chinese and english and self.rng.random() < 0.66:
            pair = (self.rng.choice(chinese), self.rng.choice(english))
            return pair if self.rng.random() < 0.5 else (pair[1], pair[0])
        if len(kind.texts) == 1:
            return kind.texts[0], kind.texts[0]
        left, right = self.rng.sample(kind.texts, 2)
        return left, right

    def _document(
        self, kind: Kind, left: str, right: str, chosen: dict[str, tuple[str, str]]
    ) -> str:
        """A longer text, as a knowledge entry has: run-together title, ways of saying it."""
        others = [text for text in kind.texts if text != left]
        said = [self.view(text, chosen) for text in self.rng.sample(others, min(len(others), 2))]
        words = re.findall(r"[A-Za-z]{2,}", right) if not is_chinese(right) else []
        title = "".join(word.capitalize() for word in words[:5])
        return ". ".join([title, *said] if title and self.rng.random() < 0.5 else [*said, right])

    def _ask(self, views: tuple[str, str], asks: bool) -> tuple[str, str]:
        if not asks:
            return views
        asked = [q for q in self.questions if is_chinese(q) == is_chinese(views[0])]
        return self.rng.choice(asked).replace("{x}", views[0]), views[1]

    def view(self, text: str, chosen: dict[str, tuple[str, str]]) -> str:
        """The text, filled and slightly disturbed."""
        text = fill_places(fill_slots(text, chosen), self.rng)
        if self.rng.random() < 0.35:
            text = self.switch(text, share=self.rng.choice((0.3, 0.6, 1.0)))
        if self.rng.random() < 0.12:
            text = self.rng.choice(_PREFIXES) + text
        if self.rng.random() < 0.15:
            text = self._drop_words(text)
        return text

    def opposite(self, text: str) -> str:
        """The text with one word put into its opposite; empty for most texts, or without one."""
        places = list(self.turning.finditer(text))
        if not places or self.rng.random() > _OPPOSITES:
            return ""
        place = self.rng.choice(places)
        other = self.rng.choice(self.opposites[place[0].lower()])
        return text[: place.start()] + other + text[place.end() :]

    def _drop_words(self, text: str) -> str:
        kept = [word for word in text.split() if self.rng.random() > 0.12]
        return " ".join(kept) or text


def _by_group(kinds: Sequence[Kind]) -> dict[str, list[Kind]]:
    found: dict[str, list[Kind]] = defaultdict(list)
    for kind in kinds:
        found[kind.source if kind.source in _MIX else "translations"].append(kind)
    return found


def rival_groups(name: str, kinds: Sequence[Kind]) -> Iterator[list[Kind]]:
    """Kinds that are easily confused: by family where people wrote them so, else by like words."""
    if name in ("events", "terms"):
        families: dict[str, list[Kind]] = defaultdict(list)
        for kind in kinds:
            families[kind.family].append(kind)
        yield from families.values()
        return
    for place, near in enumerate(alike_in_words([kind.texts[0] for kind in kinds], _RIVALS - 1)):
        yield [kinds[place], *(kinds[other] for other in near)]


def _turning(words: Iterable[str]) -> re.Pattern[str]:
    english = [word for word in words if not is_chinese(word)]
    chinese = [word for word in words if is_chinese(word)]
    spaced = _alternatives(english, r"(?<![\w\[{-])(?:", r")(?![\w\]}-])").pattern
    return re.compile(spaced + "|" + _alternatives(chinese, "(?:", ")").pattern, re.IGNORECASE)


def _alternatives(words: Iterable[str], left: str, right: str) -> re.Pattern[str]:
    longest_first = sorted((re.escape(word) for word in words), key=len, reverse=True)
    return re.compile(left + "|".join(longest_first) + right, re.IGNORECASE)
