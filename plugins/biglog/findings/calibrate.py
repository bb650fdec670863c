"""From how strong a sign is to how few sessions show it so strongly."""

from __future__ import annotations

import math

import numpy as np

RARE = 0.02
"""A session is odd where what is said of it holds for fewer sessions than this share."""
MOST_ODD = 0.2
"""Without a history, what more than this share of sessions are is how sessions are."""


def bar(sessions: int) -> float:
    """The surprise from which a session is odd; few sessions cannot show that a fact is rare."""
    return -math.log(min(max(RARE, 0.6 / max(1, sessions)), MOST_ODD))


def tail(values: np.ndarray, learnt: np.ndarray) -> np.ndarray:
    """The share of learnt values that are as high; never 0, for the next may be higher still.

    Values are logarithms of a surprise: beyond the highest learnt one the share falls with them.
    """
    ordered = np.sort(learnt)
    higher = len(ordered) - np.searchsorted(ordered, values, side="left")
    highest = ordered[-1] if len(ordered) else 0.0
    return np.asarray(
        (higher + 0.5) / (len(ordered) + 1) * np.exp(-np.maximum(values - highest, 0))
    )


def far(values: np.ndarray, learnt: np.ndarray) -> np.ndarray:
    """Beyond nearly all learnt values by as much again as those are beyond the median.

    Some always are the highest: what varies widely must be much higher to be odd.
    """
    if not len(learnt):
        return np.zeros(len(values), dtype=bool)
    usual, most = np.quantile(learnt, [0.5, 1.0 - RARE], method="lower")
    return np.asarray(values > most + (most - usual) + 1e-9)


def judged(here: np.ndarray, past: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Score and whether odd of each session, by how strong its sign is among learnt ones.

    The score is 1 less the share of learnt sessions as strong. Odd is also far beyond them, and
    beyond today's: files end while sessions are open, and what all are tonight is its habit.
    """
    share = tail(here, past)
    both = np.concatenate([here, past])
    odd = far(here, past) & far(here, both) & (-np.log(share) >= bar(len(past)))
    return np.clip(1.0 - share, 0.0, 1.0), odd
