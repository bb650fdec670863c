"""Vectors of texts not embedded before, in batches that can be committed one by one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice

from biglog.records import Vectors


def text_key(text: str) -> str:
    """sha256 of the text as the store keeps it: NUL and lone surrogates become ``?``."""
    kept = text.replace("\0", "?").encode("utf-8", "replace")
    return hashlib.sha256(kept).hexdigest()


def shard_of(text: str, workers: int) -> int:
    """Which of the workers embeds the text: the same one wherever and whenever it is asked."""
    return int(text_key(text)[:16], 16) % workers


def embed_distinct(
    texts: Iterable[str],
    known: Collection[str],
    encode: Callable[[Sequence[str]], Vectors],
    *,
    batch: int = 512,
) -> Iterator[list[tuple[str, Vectors]]]:
    """Batches of (text, vector) of the distinct texts whose key is not known, first seen first.

    Commit a batch before asking for the next: then a killed run, started again with what the
    store knows by then, embeds only the rest.
    """
    fresh = unknown(texts, known)
    while chosen := list(islice(fresh, batch)):
        yield list(zip(chosen, encode(chosen), strict=True))


def unknown(texts: Iterable[str], known: Collection[str]) -> Iterator[str]:
    """The distinct texts whose key is not known, first seen first."""
    seen: set[str] = set()
    for text in texts:
        key = text_key(text)
        if key not in known and key not in seen:
            seen.add(key)
            yield text
