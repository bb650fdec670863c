"""Steps from one event of a session to the next, as numbers that all sessions share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from biglog.findings.keys import Ints, Keys, Numbering, paired
from biglog.findings.sessionparts import Part

EDGE = 2**32 - 1
"""Before the first and after the last; the codes of templates stay far below."""
NOWHERE = 0
"""The step from one edge to another, which no session takes."""


@dataclass(frozen=True)
class Steps:
    """Of a part: the step that leads to each event, and the one to the end of each session."""

    into: npt.NDArray[np.uint32]
    ends: npt.NDArray[np.uint32]


def numbering() -> Numbering:
    """An empty one but for NOWHERE; a key is the template before and the one after."""
    made = Numbering()
    made.number(paired(np.array([EDGE]), np.array([EDGE])))
    return made


def steps(part: Part, known: Numbering) -> Steps:
    """Their numbers; ``known`` gains what is new."""
    before = np.roll(part.kinds, 1)
    before[part.starts] = EDGE
    last = part.kinds[part.starts + part.lengths - 1]
    found = known.number(
        np.concatenate([paired(before, part.kinds), paired(last, np.full(part.height, EDGE))])
    )
    return Steps(found[: len(before)], found[len(before) :])


def in_context(part: Part, taken: Steps) -> Keys:
    """Each event with the three before it: the step to the second before it, and that to itself."""
    context = np.full(len(taken.into), NOWHERE, np.uint32)
    context[2:] = taken.into[:-2]
    place = np.arange(len(context)) - np.repeat(part.starts, part.lengths)
    context[place < 2] = NOWHERE
    return paired(context, taken.into)


def rarest(values: npt.NDArray[Any], part: Part) -> tuple[npt.NDArray[Any], Ints]:
    """The least value of each session's events, and the place of the first that has it."""
    least = np.minimum.reduceat(values, part.starts) if part.height else values
    found = np.flatnonzero(values == np.repeat(least, part.lengths))
    return least, found[np.searchsorted(found, part.starts)]
