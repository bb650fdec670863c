"""Which of many equal parts of a night each line is in, by its time or else by its order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from biglog.findings.runs import Column, Ints, ranked

UNTIMED = np.iinfo(np.int64).min
"""The time of lines before the first that has one: the first part."""
NEVER = np.iinfo(np.int64).max


class Clock:
    """Times of lines in order of the file, sorted batch by batch on disk; each batch goes on where
    the one before it ended.
    """

    def __init__(self, path: Path) -> None:
        self.times = Column(path, np.int64)
        self.starts: list[int] = []
        self.lines = 0
        self.last = UNTIMED

    def add(self, stamps: pl.Series | None, height: int) -> Ints:
        """The time of each of so many more lines, in µs; of one that has none that before it."""
        told = pl.Series([None], dtype=pl.Int64).new_from_index(0, height)
        if stamps is not None:
            told = stamps.dt.epoch("us").fill_null(strategy="forward")
        at = told.fill_null(self.last).to_numpy()
        known = np.sort(at[at != UNTIMED], kind="stable")
        if len(known):
            self.starts.append(self.times.height)
            self.times.add(known)
            self.last = int(at[-1])
        self.lines += height
        return at

    def places(self, at: Ints, first: int) -> Ints:
        """What ``edges`` cuts: the times, or where no line has one the places of the lines."""
        return at if self.starts else np.arange(first, first + len(at))

    def edges(self, parts: int) -> Ints:
        """The last time (or place) of each part but the last; a part has an equal share of lines.

        Equal times are in one part.
        """
        ranks = -(-np.arange(1, parts) * self.lines // parts) - 1
        if not self.starts:
            return ranks
        known = np.flatnonzero(ranks < self.times.height)
        found = np.full(len(ranks), NEVER)
        found[known] = self.ranked(ranks[known])
        return found

    def ranked(self, ranks: Ints) -> Ints:
        if not len(ranks):
            return ranks
        times = self.times.read()
        starts = np.array(self.starts)
        lengths = np.diff([*starts, self.times.height])
        group = np.repeat(np.arange(len(ranks)), len(starts))
        runs = np.tile(starts, len(ranks))
        return ranked(
            lambda run, place: times[runs[run] + place], np.tile(lengths, len(ranks)), group, ranks
        )


def part_of(places: Ints, edges: Ints) -> npt.NDArray[np.int32]:
    return np.searchsorted(edges, places, side="left").astype(np.int32)
