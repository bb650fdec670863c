"""Texts drawn from kinds for training: renderings, questions, code-switched and noisy views."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from biglog.vectors.training import kinds as own
from biglog.vectors.training.kinds import Kind, fill_places, fill_slots, is_chinese

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
_MIX = {"events": 0.40, "terms": 0.08, "python": 0.17}  # the rest: translations


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts of one kind, slots filled alike."""

    kind: str
    left: str
    right: str


class Sampler:
    """Draws batches of pairs, kinds of one family together: batch mates are hard negatives."""

    def __init__(
        self, kinds: Sequence[Kind], terms: dict[str, tuple[str, ...]], rng: Random
    ) -> None:
        self.rng = rng
        self.slots = own.read_slots()
        self.questions = own.read_questions()
        self.to_chinese = terms
        self.to_english = {zh: en for en, chinese in terms.items() for zh in chinese}
        self.english_terms = _alternatives(terms, r"(?<![\w\[{])(?:", r")(?![\w\]}])")
        self.chinese_terms = _alternatives(self.to_english, "(?:", ")")
        self.families: dict[str, dict[str, list[Kind]]] = defaultdict(lambda: defaultdict(list))
        for kind in kinds:
            group = kind.source if kind.source in _MIX else "translations"
            self.families[group][kind.family].append(kind)

    def batch(self, size: int) -> list[Pair]:
        """About ``size`` pairs: a few kinds from each of several families."""
        pairs: list[Pair] = []
        while len(pairs) < size:
            family = self._family()
            for kind in self.rng.sample(family, min(len(family), 6)):
                pairs.append(self.pair(kind))
        return pairs[:size]

    def _family(self) -> list[Kind]:
        draw, group = self.rng.random(), "translations"
        for name, share in _MIX.items():
            if draw < share:
                group = name
                break
            draw -= share
        choices = self.families.get(group) or next(iter(self.families.values()))
        return self.rng.choice(list(choices.values()))

    def pair(self, kind: Kind) -> Pair:
        """Two views of the kind; across the languages two times in three where it has both."""
        chosen = own.choose_slots(self.slots, self.rng)
        left, right = self._two_texts(kind)
        asks = kind.source == "events" and self.rng.random() < 0.25
        views = (self.view(left, chosen), self.view(right, chosen))
        if kind.source == "events" and self.rng.random() < 0.2:
            views = (views[0], self._document(kind, left, views[1], chosen))
        return Pair(
            kind.key() + str(chosen if "{" in left + right else ""), *self._ask(views, asks)
        )

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

    def switch(self, text: str, share: float) -> str:
        """The text with some of its words put into the other language."""
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

    def _drop_words(self, text: str) -> str:
        kept = [word for word in text.split() if self.rng.random() > 0.12]
        return " ".join(kept) or text


def _alternatives(words: Iterable[str], left: str, right: str) -> re.Pattern[str]:
    longest_first = sorted((re.escape(word) for word in words), key=len, reverse=True)
    return re.compile(left + "|".join(longest_first) + right, re.IGNORECASE)
