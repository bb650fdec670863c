"""Vectors of texts not embedded before, in batches that can be committed one by one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice

from biglog.records import Vectors


def text_key(text: str) -> str:
    """sha256 of the text, the key of its vector within one model."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def embed_distinct(
    texts: Iterable[str],
    known: Collection[str],
    encode: Callable[[Sequence[str]], Vectors],
    *,
    batch: int = 512,
) -> Iterator[tuple[list[str], Vectors]]:
    """(keys, vectors) of each batch of distinct texts whose key is not known.

    Commit a batch before asking for the next: then a killed run, started again with what the
    store now knows, embeds only the rest.
    """
    fresh = _unknown(texts, known)
    while chunk := list(islice(fresh, batch)):
        keys, chosen = zip(*chunk, strict=True)
        yield list(keys), encode(chosen)


def _unknown(texts: Iterable[str], known: Collection[str]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for text in texts:
        key = text_key(text)
        if key not in known and key not in seen:
            seen.add(key)
            yield key, text
