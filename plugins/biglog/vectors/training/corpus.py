"""The training corpus: kinds of events and plain sentences, each with its source and licence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from biglog.vectors.training import kinds as own
from biglog.vectors.training.kinds import Kind
from biglog.vectors.training.python_source import read_packages
from biglog.vectors.training.recorded import read_recorded
from biglog.vectors.training.translations import read_translations


@dataclass(frozen=True, slots=True)
class Source:
    """One row of the licence table."""

    name: str
    licence: str
    kinds: int
    sentences: int


@dataclass(slots=True)
class Corpus:
    kinds: list[Kind] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    terms: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, name: str, licence: str, kinds: list[Kind], sentences: list[str]) -> None:
        self.kinds += kinds
        self.sentences += sentences
        self.sources.append(Source(name, licence, len(kinds), len(sentences)))

    def part(self, split: str) -> list[Kind]:
        return [kind for kind in self.kinds if own.split_of(kind) == split]


def build_corpus(*, logs: Path | None = None, packages: Path | None = None) -> Corpus:
    """Everything the model may learn from; ``logs`` and ``packages`` are optional folders."""
    corpus = Corpus(terms=own.read_terms())
    corpus.add("events.txt (this project)", "Apache-2.0", own.read_events(), [])
    corpus.add("terms.txt (this project)", "Apache-2.0", _term_kinds(corpus.terms), [])
    for name, licence, kinds in read_translations(packages):
        corpus.add(name, licence, kinds, [])
    for name, licence, kinds, sentences in read_packages():
        corpus.add(name, licence, kinds, sentences)
    for name, licence, sentences in read_recorded(logs):
        corpus.add(name, licence, [], sentences)
    corpus.kinds = _drop_repeats(corpus.kinds)
    corpus.sentences = list(dict.fromkeys(corpus.sentences))
    return corpus


def _term_kinds(terms: dict[str, tuple[str, ...]]) -> list[Kind]:
    return [
        Kind("terms", "terms", english, (english, *chinese)) for english, chinese in terms.items()
    ]


def _drop_repeats(kinds: list[Kind]) -> list[Kind]:
    """Kinds in order, less every text that an earlier kind holds already."""
    seen: set[str] = set()
    kept = []
    for kind in kinds:
        fresh = tuple(text for text in kind.texts if _bare(text) not in seen)
        if len(fresh) == len(kind.texts) or kind.source in ("events", "terms"):
            kept.append(kind)
            seen.update(_bare(text) for text in kind.texts)
    return kept


def _bare(text: str) -> str:
    return re.sub(r"\W+", "", text).lower()


def licence_table(corpus: Corpus) -> Iterator[str]:
    """Markdown rows: source, licence, kinds, sentences."""
    yield "| source | licence | kinds | sentences |"
    yield "|---|---|---|---|"
    for row in corpus.sources:
        yield f"| {row.name} | {row.licence} | {row.kinds} | {row.sentences} |"
