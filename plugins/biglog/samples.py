"""What a model learns from and judges: sessions or kinds of lines, as runs of templates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from biglog.records import Labels, Scores, Vectors

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Kinds:
    """Templates by their number in ``Samples.events``; the first ``known`` were there in training.

    A template that came later has the nearest known one, and its calibrated likeness (0 to 1).
    """

    ids: tuple[str, ...]
    patterns: tuple[str, ...]
    texts: tuple[str, ...]  # for the encoder
    vectors: Vectors  # one row a template; zeros where the model knows no word of it
    known: int
    nearest: Labels
    likeness: Scores


@dataclass(frozen=True, slots=True)
class Samples:
    """Rows to judge, in order of time. Row i has the events ``starts[i]`` to ``starts[i + 1]``.

    A session is a row of its own. Lines of one template and level are one row, which counts
    ``weights`` times: they cannot be told apart.
    """

    events: Labels  # numbers of templates, in order
    starts: Labels
    levels: tuple[str, ...]  # of a kind of line; "" for sessions
    weights: Scores
    of_lines: bool

    def __len__(self) -> int:
        return len(self.weights)

    def take(self, rows: Labels) -> Samples:
        """The rows of these numbers, in the order given."""
        lengths = np.diff(self.starts)[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        shifts = np.repeat(self.starts[:-1][rows] - starts[:-1], lengths)
        return Samples(
            events=self.events[np.arange(starts[-1]) + shifts],
            starts=starts,
            levels=tuple(self.levels[row] for row in rows.tolist()),
            weights=self.weights[rows],
            of_lines=self.of_lines,
        )
