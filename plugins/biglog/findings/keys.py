"""Counts and numbers of many integers that come batch by batch, as sorted arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
HALF = np.uint64(32)
LOW = np.uint64(2**32 - 1)
FEW = 2_000_000
"""Keys that wait before they are merged, so that each is moved a few times only."""


def paired(high: npt.NDArray[np.integer], low: npt.NDArray[np.integer]) -> Keys:
    """Two numbers below 2^32 as one."""
    return (high.astype(np.uint64) << HALF) | low.astype(np.uint64)


def parted(keys: Keys) -> tuple[Ints, Ints]:
    return (keys >> HALF).astype(np.int64), (keys & LOW).astype(np.int64)


class Tally:
    """How often each key came; ``keys`` rise and ``counts`` go with them once ``done``."""

    def __init__(self) -> None:
        self.keys: Keys = np.empty(0, np.uint64)
        self.counts: Ints = np.empty(0, np.int64)
        self.waiting: list[tuple[Keys, Ints]] = []
        self.held = 0

    def add(self, keys: Keys) -> None:
        self.waiting.append(np.unique(keys, return_counts=True))
        self.held += len(self.waiting[-1][0])
        if self.held > max(FEW, len(self.keys)):
            self.done()

    def done(self) -> None:
        if not self.waiting:
            return
        keys = np.concatenate([self.keys, *(one for one, _ in self.waiting)])
        counts = np.concatenate([self.counts, *(one for _, one in self.waiting)])
        self.waiting, self.held = [], 0
        order = np.argsort(keys)
        keys, counts = keys[order], counts[order]
        first = np.flatnonzero(np.diff(keys, prepend=keys[:1] + np.uint64(1)))
        self.keys = keys[first]
        self.counts = np.add.reduceat(counts, first) if len(first) else counts


class Numbering:
    """A number from 0 for each key, in the order in which keys come."""

    def __init__(self) -> None:
        self.keys: Keys = np.empty(0, np.uint64)  # by number
        self.order: Ints = np.empty(0, np.int64)

    def number(self, keys: Keys) -> npt.NDArray[np.uint32]:
        """Those of the keys; new ones are added."""
        place, known = self.look(keys)
        if not known.all():
            self.keys = np.concatenate([self.keys, np.unique(keys[~known])])
            self.order = np.argsort(self.keys)
            place, _ = self.look(keys)
        return self.order[place].astype(np.uint32)

    def look(self, keys: Keys) -> tuple[Ints, npt.NDArray[np.bool_]]:
        ordered = self.keys[self.order]
        place = np.searchsorted(ordered, keys)
        if not len(ordered):
            return place, np.zeros(len(keys), np.bool_)
        return place, ordered[np.minimum(place, len(ordered) - 1)] == keys
