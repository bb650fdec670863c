"""The words of the pages in one language, and which language a caller reads."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FILE = Path(__file__).with_name("words.toml")
LANGUAGES = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Words:
    lang: str
    phrases: Mapping[str, str]

    def say(self, key: str, /, **values: str) -> str:
        """The phrase with its values in place; what is in a value is never looked at."""
        phrase = self.phrases[key]
        return phrase.format_map(values) if values else phrase


@lru_cache(maxsize=1)
def load() -> Mapping[str, Words]:
    tables = tomllib.loads(FILE.read_text("utf-8"))
    return {lang: Words(lang, tables[lang]) for lang in LANGUAGES}


def choose(asked: str, accept: str) -> str:
    """The language asked for, else the browser's first that we speak, else Chinese."""
    if asked in LANGUAGES:
        return asked
    tags = (one.split(";")[0].strip()[:2].lower() for one in accept.split(","))
    return next((tag for tag in tags if tag in LANGUAGES), "zh")
