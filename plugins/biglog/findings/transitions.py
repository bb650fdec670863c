"""Steps from one event to the next that few sessions take.

A step is two templates that follow each other in a session. Its beginning and its end are steps
too, so that a session which stops where few do is told by its end.

Score: 1 less the share of learnt sessions that take a step as rare. Odd only where far beyond them:
events of parallel writers come in any order, and there rare steps are usual. A session that is
learnt from does not count for itself. What is learnt is how many sessions take each step. Cost: a
sort of each part's events.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from biglog.findings.keys import Ints, Numbering, paired, parted
from biglog.findings.sessionparts import Part
from biglog.findings.steps import EDGE, Steps, rarest

SHOWN = 80


class Taken:
    """How many sessions take each step, by its number."""

    def __init__(self) -> None:
        self.counts: Ints = np.zeros(0, np.int64)
        self.sessions = 0

    def add(self, part: Part, taken: Steps) -> None:
        session = np.concatenate([part.session, np.arange(part.height)])
        distinct = np.unique(paired(session, np.concatenate([taken.into, taken.ends])))
        _, step = parted(distinct)
        found = np.bincount(step, minlength=len(self.counts))
        found[: len(self.counts)] += self.counts
        self.counts = found
        self.sessions += part.height

    def had(self, size: int) -> Ints:
        return np.pad(self.counts, (0, size - len(self.counts)))


@dataclass(frozen=True)
class Rarest:
    """Of each session the number of its rarest step, and how many other sessions take it."""

    step: npt.NDArray[np.uint32]
    had: Ints


def find(part: Part, taken: Steps, had: Ints, *, itself: bool) -> Rarest:
    """``had`` is by the step's number; with ``itself`` the sessions are among the counted ones."""
    least, place = rarest(had[taken.into], part)
    end = had[taken.ends]
    step = np.where(end < least, taken.ends, taken.into[place])
    return Rarest(step, np.minimum(end, least) - int(itself))


def strength(had: Ints, sessions: int) -> npt.NDArray[np.float64]:
    """-log of the share of the learnt sessions."""
    return (-(pl.Series((had + 0.5) / (sessions + 1)).log())).to_numpy()


def told(found: Rarest, numbers: Numbering, patterns: pl.DataFrame, others: int) -> pl.Series:
    """In words; ``patterns`` has code and template, ``others`` is how many sessions there are."""
    before, after = parted(numbers.keys[found.step])
    rows = pl.DataFrame({"had": found.had, "before": before, "after": after})
    for side, edge in (("before", "their beginning"), ("after", "their end")):
        text = patterns.select(
            pl.col("code").cast(pl.Int64).alias(side),
            pl.col("template").str.head(SHOWN).alias(f"{side} text"),
        )
        rows = rows.join(text, on=side, how="left", maintain_order="left").with_columns(
            pl.when(pl.col(side) == EDGE)
            .then(pl.lit(edge))
            .otherwise(f"{side} text")
            .alias(f"{side} text")
        )
    return rows.select(
        pl.format(
            "only {} of {} other sessions go from {} to {}",
            "had",
            pl.lit(others),
            "before text",
            "after text",
        )
    ).to_series()
