"""Texts that share words: the negatives that teach an encoder most."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain

import numpy as np
from scipy.sparse import csr_matrix, diags

_WORD = re.compile(r"[A-Za-z]+|[\u3400-\u9fff]")
_TWIN = 0.9  # cosine: above it two texts may well mean the same
_CHUNK = 2048


def alike_in_words(texts: Sequence[str], count: int) -> list[list[int]]:
    """Per text the numbers of up to ``count`` others nearest by TF-IDF, twins left out."""
    weights = word_weights(texts)
    found: list[list[int]] = []
    for start in range(0, len(texts), _CHUNK):
        cosines = (weights[start : start + _CHUNK] @ weights.T).tocsr()
        found += [_nearest(cosines[row], count) for row in range(cosines.shape[0])]
    return found


def _nearest(row: csr_matrix, count: int) -> list[int]:
    below = row.data < _TWIN
    places, values = row.indices[below], row.data[below]
    return [int(places[i]) for i in np.argsort(-values, kind="stable")[:count]]


def word_weights(texts: Sequence[str]) -> csr_matrix:
    """Unit TF-IDF rows, one column a distinct word or Chinese character."""
    said = [_WORD.findall(text.lower()) for text in texts]
    column = {word: number for number, word in enumerate(sorted(set(chain.from_iterable(said))))}
    ends = np.cumsum([0, *map(len, said)])
    columns = np.array([column[word] for words in said for word in words], np.int64)
    shape = (len(texts), len(column))
    counts = csr_matrix((np.ones(len(columns), np.float32), columns, ends), shape)
    counts.sum_duplicates()
    seen = np.bincount(counts.indices, minlength=len(column))
    rows = counts @ diags((np.log((1 + len(texts)) / (1 + seen)) + 1).astype(np.float32))
    norms = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    return csr_matrix(diags((1 / np.maximum(norms, 1e-12)).astype(np.float32)) @ rows)
