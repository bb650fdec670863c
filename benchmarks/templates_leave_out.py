"""Accuracy on systems left out: the constants are fitted on half of the systems at a time.

What is written by hand (masks, the list of telling words) was written with these systems in sight
and cannot be left out; the log statements of packages, in ``statements.py``, stand in for that.
"""

from __future__ import annotations

import itertools
import random
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple

from templates_peers import Miner, drain3, masks_alone, ours

from biglog.templates import merge
from biglog.templates.evaluate import Accuracy, accuracy

SPLITS = 10
GRID: Mapping[str, tuple[int, ...]] = {
    "FIRST": (5, 10, 20),
    "SOME": (2, 3, 4, 6),
    "ANNOUNCED": (2, 3),
    "LIST_LENGTHS": (2, 3, 4),
}
SIMILARITIES = (0.3, 0.4, 0.5, 0.6)

System = tuple[str, list[str], list[str]]
Rows = list[Accuracy]  # one for each system


def leave_out(systems: Sequence[System]) -> dict[str, Rows]:
    """For each miner, its accuracy on the systems left out, of all splits in one list."""
    fitted = {
        "biglog": measured_over_grid(systems),
        "drain3": {
            f"similarity {one}": measure(lambda lines, s=one: drain3(lines, s), systems)
            for one in SIMILARITIES
        },
        "digit tokens": {"nothing": measure(masks_alone, systems)},
    }
    chance = random.Random(42)
    left: dict[str, Rows] = {name: [] for name in fitted}
    for _ in range(SPLITS):
        inside = set(chance.sample(range(len(systems)), len(systems) // 2))
        for name, by_choice in fitted.items():
            best = max(by_choice, key=lambda choice: goodness(by_choice[choice], inside))
            if len(by_choice) > 1:
                print(f"{name:14s} fitted: {best}")
            left[name] += [row for i, row in enumerate(by_choice[best]) if i not in inside]
    return left


def goodness(rows: Rows, inside: set[int]) -> float:
    return statistics.mean(statistics.mean(astuple(rows[i])) for i in sorted(inside))


def measured_over_grid(systems: Sequence[System]) -> dict[str, Rows]:
    found = {}
    for values in itertools.product(*GRID.values()):
        chosen = dict(zip(GRID, values, strict=True))
        with constants(chosen):
            found[" ".join(f"{k}={v}" for k, v in chosen.items())] = measure(ours, systems)
    return found


@contextmanager
def constants(values: Mapping[str, int]) -> Iterator[None]:
    """The constants of ``merge`` with other values for a while."""
    before = {name: getattr(merge, name) for name in values}
    for name, value in values.items():
        setattr(merge, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(merge, name, value)


def measure(miner: Miner, systems: Sequence[System]) -> Rows:
    return [accuracy(truth, miner(contents)) for _, contents, truth in systems]
