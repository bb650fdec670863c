"""The number of any rank among many sorted runs, which may lie on disk.

A night is sorted batch by batch. A rank among all batches is found by halving the range of numbers
and counting in each run what is no larger, so that no run is read as a whole, and it is exact.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Look = Callable[[Ints, Ints], Ints]
"""The numbers of runs (their places among all) at places inside (from 0, rising), as integers."""


class Column:
    """Arrays of one type, one behind the other in a file, read as one array that is not loaded."""

    def __init__(self, path: Path, kind: type[np.generic]) -> None:
        self.path = path
        self.kind = kind
        self.height = 0

    def add(self, array: npt.NDArray[np.generic]) -> None:
        with self.path.open("ab") as file:
            array.astype(self.kind, copy=False).tofile(file)
        self.height += len(array)

    def read(self) -> npt.NDArray[Any]:
        """Mapped anew at each call: pages count as this process's memory while they are mapped."""
        if not self.height:
            return np.empty(0, self.kind)
        return np.memmap(self.path, self.kind, mode="r")


def ranked(look: Look, lengths: Ints, group: Ints, ranks: Ints) -> Ints:
    """Of each group of runs the number of its rank, from 0 for the smallest.

    ``lengths`` (above 0) and ``group`` are per run; each group has more numbers than its rank.
    """
    runs = np.arange(len(lengths))
    low = np.full(len(ranks), np.iinfo(np.int64).max)
    high = np.full(len(ranks), np.iinfo(np.int64).min)
    np.minimum.at(low, group, look(runs, np.zeros_like(runs)))
    np.maximum.at(high, group, look(runs, lengths - 1))
    begin, end = np.zeros_like(runs), lengths.copy()
    while (low < high).any():
        middle = low + (high - low) // 2
        place = no_larger(look, middle[group], begin, end)
        enough = np.bincount(group, place, len(ranks)) > ranks
        high, low = np.where(enough, middle, high), np.where(enough, low, middle + 1)
        begin = np.where(enough[group], begin, place)
        end = np.where(enough[group], place, end)
    return low


def no_larger(look: Look, bound: Ints, begin: Ints, end: Ints) -> Ints:
    """How many numbers of each run are no larger than its bound, known to be from begin to end."""
    begin, end = begin.copy(), end.copy()
    while True:
        open_ = np.flatnonzero(begin < end)
        if not len(open_):
            return begin
        middle = (begin[open_] + end[open_]) // 2
        below = look(open_, middle) <= bound[open_]
        begin[open_[below]] = middle[below] + 1
        end[open_[~below]] = middle[~below]
