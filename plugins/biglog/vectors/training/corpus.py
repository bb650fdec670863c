"""The training corpus: kinds of events and plain sentences, each with its source and licence."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from biglog.vectors.training import kinds as own
from biglog.vectors.training.held_out_texts import read_crossing, read_pairs
from biglog.vectors.training.kinds import Kind, choose_slots, fill_places, fill_slots
from biglog.vectors.training.neighbours import word_weights
from biglog.vectors.training.python_source import read_packages
from biglog.vectors.training.recorded import read_recorded
from biglog.vectors.training.sampling import Switch
from biglog.vectors.training.translations import read_translations
from biglog.vectors.training.wordnet import read_wordnet

_CAP = 5000  # kinds of one translated program
_UNCAPPED = ("events", "terms", "python", "wordnet")
_WORD = re.compile(r"[a-z]{3,}")
_NEAR = 0.85  # cosine of words


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
    corpus.add("events/ (this project)", "Apache-2.0", own.read_events(), [])
    corpus.add("terms.txt (this project)", "Apache-2.0", _term_kinds(corpus.terms), [])
    for name, licence, kinds in read_translations(packages):
        corpus.add(name, licence, kinds, [])
    for name, licence, kinds, sentences in read_packages(packages):
        corpus.add(name, licence, kinds, sentences)
    words = read_wordnet(packages, _words_of(corpus))
    corpus.add("WordNet 3.0", "WordNet", words, [])
    for name, licence, sentences in read_recorded(logs):
        corpus.add(name, licence, [], sentences)
    corpus.kinds = _drop_measured(_drop_repeats(_thin(corpus.kinds)))
    corpus.sentences = list(dict.fromkeys(corpus.sentences))
    return corpus


def training_texts(corpus: Corpus, seed: int) -> list[str]:
    """Every text for the vocabulary and for masked modelling, parameters sampled, some switched.

    Texts of held-out kinds are left out.
    """
    rng = Random(seed)
    kinds = corpus.part("train")
    switch = Switch(corpus.terms, rng)
    slots = own.read_slots()
    texts = list(corpus.sentences)
    for kind in kinds:
        for text in kind.texts:
            copies = 4 if kind.source == "events" else 2 if len(kind.texts) > 1 else 1
            filled = [
                fill_places(fill_slots(text, choose_slots(slots, rng)), rng) for _ in range(copies)
            ]
            texts += filled
        if len(kind.texts) > 1:
            texts.append(
                " ; ".join(
                    fill_places(fill_slots(t, choose_slots(slots, rng)), rng)
                    for t in kind.texts[:3]
                )
            )
        texts.append(switch(fill_places(kind.texts[0], rng), share=0.6))
    return texts


def _thin(kinds: list[Kind]) -> list[Kind]:
    """At most ``_CAP`` kinds of one program, evenly spaced: none dominates the translations.

    How often the other sources are drawn is a share of their own.
    """
    sources: dict[str, list[Kind]] = defaultdict(list)
    for kind in kinds:
        sources[kind.source].append(kind)
    steps = {n: 1 if n in _UNCAPPED else -(-len(k) // _CAP) for n, k in sources.items()}
    return [kind for name, found in sources.items() for kind in found[:: steps[name]]]


def _words_of(corpus: Corpus) -> set[str]:
    """English words of the events and terms; of any others WordNet has far too many."""
    events = (text for k in corpus.kinds if k.source == "events" for text in k.texts)
    return {*corpus.terms, *(word for text in events for word in _WORD.findall(text.lower()))}


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


def _drop_measured(kinds: list[Kind]) -> list[Kind]:
    """Kinds less every text that nearly is one of the held-out texts the model is measured on."""
    held = [text for pair in read_pairs() for text in (pair.left, pair.right)]
    held += [text for crossing in read_crossing() for text in crossing]
    texts = [text for kind in kinds for text in kind.texts]
    weights = word_weights([*texts, *held])
    nearest = (weights[: len(texts)] @ weights[len(texts) :].T).max(axis=1).toarray().ravel()
    banned = {text for text, cosine in zip(texts, nearest, strict=True) if cosine > _NEAR}
    left = [replace(k, texts=tuple(t for t in k.texts if t not in banned)) for k in kinds]
    return [kind for kind in left if kind.texts]


def _bare(text: str) -> str:
    return re.sub(r"\W+", "", text).lower()


def licence_table(corpus: Corpus) -> Iterator[str]:
    """Markdown rows: source, licence, kinds, sentences."""
    yield "| source | licence | kinds | sentences |"
    yield "|---|---|---|---|"
    for row in corpus.sources:
        yield f"| {row.name} | {row.licence} | {row.kinds} | {row.sentences} |"
