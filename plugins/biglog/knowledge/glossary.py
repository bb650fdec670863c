"""Which words of the two languages mean the same in operations, and what a query asks for."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from biglog.knowledge.tokens import (
    CHINESE_STOP,
    WORD,
    fold,
    is_chinese,
    of_word,
    pairs,
    stem,
    tokens,
)

FILE = Path(__file__).with_name("glossary.toml")
ACROSS = "~"  # marks a wish that only says in which order words came


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to say something: all its tokens, and how much of the meaning it carries."""

    tokens: tuple[str, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing a query asks for, in its own word first; an entry needs any one of the choices."""

    word: str
    choices: tuple[Choice, ...]
    weight: float = 1.0
    shown: str = ""  # as the question has it, where the word is a stem of that


@dataclass(frozen=True, slots=True)
class Glossary:
    chinese: Mapping[str, tuple[str, ...]]
    english: Mapping[str, tuple[str, ...]]  # word -> words of one meaning, both languages
    longest: int


@lru_cache(maxsize=1)
def load_glossary(path: Path = FILE) -> Glossary:
    tables = tomllib.loads(path.read_text("utf-8"))
    chinese = {word: tuple(means) for word, means in tables["chinese"].items()}
    english: dict[str, list[str]] = {}
    for word, means in tables["english"].items():
        english.setdefault(stemmed(word), []).extend(means)
    for word, means in chinese.items():
        for mean in means[:2]:
            english.setdefault(stemmed(mean), []).append(word)
    return Glossary(chinese, {k: tuple(v) for k, v in english.items()}, max(map(len, chinese)))


def stemmed(phrase: str) -> str:
    return " ".join(tokens(phrase))


def wishes(query: str, glossary: Glossary) -> tuple[Wish, ...]:
    """What the query asks for; a word said twice is asked for once."""
    found: dict[str, Wish] = {}
    for word in WORD.findall(fold(query)):
        for wish in of_chinese(word, glossary) if is_chinese(word) else of_english(word, glossary):
            found.setdefault(wish.word, wish)
    return tuple(found.values())


def of_english(word: str, glossary: Glossary) -> list[Wish]:
    found = []
    for token in of_word(word):
        others = choices(glossary.english.get(token, ()), 0.45)
        shown = word.lower() if token == stem(word.lower()) else token
        found.append(Wish(token, (Choice((token,), 1.0), *others), shown=shown))
    return found


def of_chinese(run: str, glossary: Glossary) -> list[Wish]:
    """Known words of the run, longest first; what no word covers is asked for by its pairs."""
    found, loose, at = [], "", 0
    while at < len(run):
        word = known_word(run, at, glossary)
        if not word:
            loose, at = loose + run[at], at + 1
            continue
        found += of_loose(loose)
        found.append(of_known(word, glossary))
        loose, at = "", at + len(word)
    return found + of_loose(loose) + across(run)


def known_word(run: str, at: int, glossary: Glossary) -> str:
    for size in range(min(glossary.longest, len(run) - at), 0, -1):
        if run[at : at + size] in glossary.chinese:
            return run[at : at + size]
    return ""


def of_known(word: str, glossary: Glossary) -> Wish:
    said = Choice(tuple(pairs(word)), 1.0)
    return Wish(word, (said, *choices(glossary.chinese[word], 0.9)))


def choices(phrases: tuple[str, ...], weight: float) -> list[Choice]:
    """A choice per phrase that has tokens (``more than`` has none)."""
    said = [tuple(tokens(phrase)) for phrase in phrases]
    return [Choice(words, weight) for words in said if words]


def of_loose(text: str) -> list[Wish]:
    kept = re.sub("|".join(sorted(CHINESE_STOP, key=len, reverse=True)), " ", text)
    return [Wish(p, (Choice((p,), 1.0),), 0.5) for word in kept.split() for p in pairs(word)]


def across(run: str) -> list[Wish]:
    """Every pair of the run, at little weight: the order of words matters to a Chinese entry."""
    return [Wish(f"{ACROSS}{p}", (Choice((p,), 1.0),), 0.15) for p in pairs(run) if len(run) > 2]
