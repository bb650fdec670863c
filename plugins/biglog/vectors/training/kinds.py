"""Kinds of events: the texts that mean the same, and the slots and places that vary in them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

TEXTS = Path(__file__).parent / "texts"
CJK = re.compile(r"[㐀-鿿]")
_HEADER = re.compile(r"\[([a-z0-9]+)/([a-z0-9-]+)\]$")
_SLOT = re.compile(r"\{([a-z]+)\}")
_PLACE = re.compile(
    r"\{\{[^{}]*\}\}|%\([A-Za-z_]\w*\)[#0\- +]?\d*(?:\.\d+)?[sdrfixX]"
    r"|%(?:\d+\$)?[#0\- +]?\d*(?:\.\*|\.\d+)?(?:ll|l|z|h|j)?[sdrfixXucgem]"
    r"|\{\d+(?:,[^{}]*)?\}|\{[A-Za-z_][\w.\[\]]*(?:[!:][^{}]*)?\}|\{\}|\$\d"
)
_NUMERIC = re.compile(
    r"%[^()]*[dixXufge]$|count|num|size|port|seconds|timeout|bytes|retries|pid", re.I
)
_HINTS = (
    (re.compile(r"path|file|dir|folder", re.I), "[FILE]"),
    (re.compile(r"host|addr|url|server|ip\b", re.I), "[IP]"),
    (re.compile(r"time|date|when", re.I), "[TIMESTAMP]"),
)
_ANY = (
    "[NUM]",
    "[CODE]",
    "[FILE]",
    "[IP]",
    "[CODE]",
    "[NUM]",
    "main",
    "default",
    "worker",
    "orders",
)


@dataclass(frozen=True, slots=True)
class Kind:
    """Texts that mean the same event; kinds of one family share words, not meaning."""

    source: str
    family: str
    name: str
    texts: tuple[str, ...]

    def key(self) -> str:
        return f"{self.source}:{self.family}/{self.name}"


def is_chinese(text: str) -> bool:
    return bool(CJK.search(text))


def split_of(kind: Kind) -> str:
    """``train``, ``calibrate`` or ``test``: fixed by the kind's name, so that nothing leaks."""
    share = int(hashlib.sha256(kind.key().encode()).hexdigest()[:8], 16) % 100
    if kind.source == "terms" or len({is_chinese(text) for text in kind.texts}) < 2:
        return "train"
    test, calibrate = (8, 14) if kind.source == "events" else (2, 4)
    return "test" if share < test else "calibrate" if share < calibrate else "train"


def read_events(path: Path = TEXTS / "events") -> list[Kind]:
    """The kinds written for this project, of one file or of a folder's files."""
    found: list[tuple[str, str, list[str]]] = []
    for file in sorted(path.glob("*.txt")) if path.is_dir() else (path,):
        for line in _lines(file):
            if header := _HEADER.match(line):
                found.append((header[1], header[2], []))
            else:
                found[-1][2].append(line)
    return [Kind("events", family, name, tuple(texts)) for family, name, texts in found]


def read_terms(path: Path = TEXTS / "terms.txt") -> dict[str, tuple[str, ...]]:
    """English word or phrase to its Chinese renderings."""
    terms: dict[str, tuple[str, ...]] = {}
    for line in _lines(path):
        for entry in line.split(";"):
            english, chinese = entry.strip().split("|")
            terms[english] = tuple(chinese.split(","))
    return terms


def read_opposites(path: Path = TEXTS / "opposites.txt") -> dict[str, list[str]]:
    """Word, in lower case, to the words that turn its event into the opposite; both ways."""
    found: dict[str, list[str]] = {}
    for line in _lines(path):
        for entry in line.split(";"):
            word, others = entry.strip().split("|")
            for other in others.split(","):
                found.setdefault(word, []).append(other)
                found.setdefault(other, []).append(word)
    return found


def read_slots(path: Path = TEXTS / "slots.txt") -> dict[str, list[tuple[str, str]]]:
    """Slot name to its fillers, each as (English, Chinese)."""
    slots = {}
    for line in _lines(path):
        name, fillers = line.split(":", 1)
        pairs = [filler.strip().split("|") for filler in fillers.split(";")]
        slots[name] = [(pair[0], pair[-1]) for pair in pairs]
    return slots


def read_questions(path: Path = TEXTS / "questions.txt") -> list[str]:
    return list(_lines(path))


def _lines(path: Path) -> Iterator[str]:
    for line in path.read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.strip()


def choose_slots(
    slots: Mapping[str, Sequence[tuple[str, str]]], rng: Random
) -> dict[str, tuple[str, str]]:
    """One filler per slot, to be used on both sides of a pair."""
    return {name: rng.choice(fillers) for name, fillers in slots.items()}


def fill_slots(text: str, chosen: Mapping[str, tuple[str, str]]) -> str:
    """The text with its slots filled in its own language."""
    side = int(is_chinese(_SLOT.sub("", text)))
    return _SLOT.sub(lambda slot: chosen[slot[1]][side] if slot[1] in chosen else slot[0], text)


def fill_places(text: str, rng: Random) -> str:
    """The text of a format string with a sampled parameter, masked, in each place."""
    return " ".join(_PLACE.sub(lambda place: _parameter(place[0], rng), text).split())


def _parameter(place: str, rng: Random) -> str:
    if _NUMERIC.search(place):
        return "[NUM]"
    for hint, token in _HINTS:
        if hint.search(place):
            return token
    return rng.choice(_ANY)
