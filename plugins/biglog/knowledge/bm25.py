"""Word statistics of a set of texts, and how well each text answers what is asked for (BM25)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from biglog.knowledge.glossary import Choice, Wish
from biglog.records import Labels, Scores

K1 = 2.0
B = 0.5
UNKNOWN = 0.3


@dataclass(frozen=True, slots=True)
class Posting:
    """The documents a token stands in; strength is 0 to 1, saturating with frequency."""

    documents: Labels
    strengths: Scores
    idf: float


@dataclass(frozen=True, slots=True)
class Words:
    """The postings of a set of documents."""

    size: int
    postings: Mapping[str, Posting]
    rarest: float  # idf of a token that stands nowhere


def count_words(documents: Sequence[Mapping[str, float]]) -> Words:
    """Statistics of documents given as token -> weighted frequency."""
    lengths = np.array([sum(d.values()) for d in documents], dtype=np.float64)
    mean = lengths.mean() if len(lengths) and lengths.any() else 1.0
    where: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for number, document in enumerate(documents):
        for token, frequency in document.items():
            where[token].append((number, frequency))
    norms = K1 * (1 - B + B * lengths / mean)
    postings = {token: posting(rows, norms) for token, rows in where.items()}
    return Words(len(documents), postings, idf(0, len(documents)))


def posting(rows: list[tuple[int, float]], norms: Scores) -> Posting:
    documents = np.array([n for n, _ in rows], dtype=np.int64)
    frequencies = np.array([f for _, f in rows])
    strengths = frequencies / (frequencies + norms[documents])
    return Posting(documents, strengths, idf(len(rows), len(norms)))


def idf(documents: int, total: int) -> float:
    return float(np.log1p((total - documents + 0.5) / (documents + 0.5)))


def answer(words: Words, wishes: Iterable[Wish]) -> tuple[Scores, Scores, float]:
    """Per wish and document what was found, its sum per document, and the sum a perfect one has."""
    asked = list(wishes)
    found = np.zeros((len(asked), words.size))
    for row, wish in enumerate(asked):
        for choice in wish.choices:
            np.maximum(found[row], strength(words, choice) * wish.weight, out=found[row])
    perfect = sum(worth(words, wish) for wish in asked)
    return found, found.sum(axis=0), perfect


def strength(words: Words, choice: Choice) -> Scores:
    """How strongly each document says all of the choice's tokens, in idf units."""
    total = np.zeros(words.size)
    for token in choice.tokens:
        if (here := words.postings.get(token)) is not None:
            total[here.documents] += here.strengths * here.idf
    return total * (choice.weight / len(choice.tokens))


def worth(words: Words, wish: Wish) -> float:
    """The most a document can give for the wish. What nobody ever wrote (a host's name) says little
    for or against anybody."""
    known = [
        words.postings[token].idf * choice.weight
        for choice in wish.choices
        for token in choice.tokens
        if token in words.postings
    ]
    return wish.weight * (max(known) if known else UNKNOWN * words.rarest)
