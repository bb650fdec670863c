"""Timestamps of one layout as the steps of a byte kernel: every text of one length by one shape.

It answers only where one layout reads all texts by the shapes of the first of each length, and then
as ``times.py`` would read them column by column.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from biglog import columns
from biglog.columns import Indices
from biglog.lines import kernels as k
from biglog.lines.layouts import ALIKE, LONGEST, MONTH_OF, WIDTH, tokens

PARTS = {
    "Y": k.YEAR, "y": k.YEAR, "m": k.MONTH, "d": k.DAY, "e": k.DAY, "H": k.HOUR, "I": k.HOUR,
    "M": k.MINUTE, "S": k.SECOND,
}  # fmt: skip
NAMES = np.array(
    [[len(one), number, *one.encode().ljust(9, b"\0")] for one, number in MONTH_OF.items()],
    np.uint8,
)

Step = tuple[int, int, int, int]
"""What to read, its width in bytes, the part it gives and a number: DIGITS or, where a space may
stand before, PADDED, times the number; ONE_OF the number's three bytes; LETTERS; NAME of a month;
HALF of a day; SIGN; SKIP, anything.
"""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Microseconds since 1970 of every text, by the wall clock or absolute."""

    micros: Indices
    absolute: bool
    yearless: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """What a text looks like, by one layout."""

    steps: tuple[Step, ...]
    absolute: bool


def read_fixed(
    text: pl.Series, layouts: Sequence[str], *, latest_year: int, latest: int
) -> Fixed | None:
    """All texts by the first layout that reads any; None where it does not read all.

    A date that names no year is the last such date not after ``latest``, in microseconds.
    """
    if not len(text) or text.null_count():
        return None
    whole = columns.from_series(text)
    sizes = np.diff(whole.offsets)
    firsts = first_of_each(sizes)
    for layout in layouts:
        if layout in ("%s", "%@") or "%j" in layout:
            return None
        shapes = {size: shape_of(bytes(row_of(whole, row)), layout) for size, row in firsts.items()}
        if len({one.absolute for one in shapes.values() if one}) > 1:
            return None
        kinds = (kind_of_year(layout), int("%I" in layout))
        micros, read, good = run(whole, shapes, (latest_year, latest, *kinds))
        if read < len(text):
            return None
        if good:
            absolute = any(one.absolute for one in shapes.values() if one)
            return Fixed(micros, absolute, not kinds[0])
    return None


def first_of_each(sizes: Indices) -> dict[int, int]:
    """The first row of each length; of all lengths too long, of one of them."""
    short = np.minimum(sizes, LONGEST)
    lengths = np.flatnonzero(np.bincount(short)).tolist()
    return {size: int((short == size).argmax()) for size in lengths}


def row_of(whole: columns.Text, row: int) -> npt.NDArray[np.uint8]:
    return whole.data[whole.offsets[row] : whole.offsets[row + 1]]


def run(
    whole: columns.Text, shapes: dict[int, Shape | None], clock: tuple[int, ...]
) -> tuple[Indices, int, bool]:
    """The rows' microseconds, how many were read or not as the first was, and whether it was."""
    steps: list[tuple[int, ...]] = []
    edges, resume = [0], np.zeros((LONGEST + 1, LONGEST), np.int64)
    for size in range(LONGEST + 1):
        at = 0
        for step in shape.steps if (shape := shapes.get(size)) else ():
            resume[size, at:] = len(steps)
            steps.append((*step, at))
            at += step[1]
        edges.append(len(steps))
    micros = np.empty(len(whole), np.int64)
    read, good = k.read_times(
        *(whole.data, whole.offsets, np.array(steps or [(0,) * 5], np.int64), np.array(edges)),
        *(resume, NAMES, np.array(clock)),
        *(np.empty(k.OTHER + 1, np.int64), np.empty(k.BACK, np.int64), micros),
    )
    return micros, read, good


def kind_of_year(layout: str) -> int:
    """0 where it has none, 2 where it has two digits of one, else 1."""
    return 1 if "%Y" in layout else 2 * ("%y" in layout)


def shape_of(first: bytes, layout: str) -> Shape | None:
    """The shape that a text has by a layout; None where it cannot have it."""
    if not 0 < len(first) < LONGEST:
        return None
    steps: list[Step] = []
    at, absolute = 0, False
    for token in tokens(layout):
        made = steps_of(token, first[at:])
        if made is None:
            return None
        steps += made
        at += sum(width for _, width, _, _ in made)
        absolute |= token == "%z" and bool(made)
    return Shape(tuple(steps), absolute) if at == len(first) else None


def steps_of(token: str, rest: bytes) -> list[Step] | None:
    """The steps of one token, by what is left of the first text."""
    if token == "%f":
        return fraction(rest)
    if token == "%z":
        return offset(rest)
    if token in ("%a", "%b"):
        found = re.match(rb"[A-Za-z]{3,9}", rest)
        what = k.LETTERS if token == "%a" else k.NAME
        return [(what, found.end(), k.MONTH, 0)] if found else None
    if token == "%p":
        return [(k.HALF, 2, k.PM, 0)]
    if len(token) == 2:
        what = k.PADDED if token == "%e" else k.DIGITS
        return [(what, WIDTH[token[1]], PARTS[token[1]], 1)]
    if token in ALIKE:
        return [one_of(ALIKE[token])]
    return [one_of(bytes([byte])) for byte in token.encode()]


def one_of(signs: bytes) -> Step:
    return k.ONE_OF, 1, k.OTHER, int.from_bytes((signs * 3)[:3], "little")


def fraction(rest: bytes) -> list[Step]:
    found = re.match(rb"[.,:]([0-9]+)", rest)
    if not found:
        return []
    size = len(found[1])
    kept = min(size, 6)
    digits = (k.DIGITS, kept, k.MICROS, 10 ** (6 - kept))
    more = [(k.DIGITS, size - kept, k.OTHER, 1)] if size > kept else []
    return [one_of(b".,:"), digits, *more]


def offset(rest: bytes) -> list[Step]:
    found = re.match(rb" ?(?:(Z|UTC|GMT)|([+-])(\d\d):?(\d\d)?)", rest)
    if not found:
        return []
    if found[1]:
        return [one_of(bytes([byte])) for byte in found[0]]
    steps = [
        (k.SKIP, found.start(2), k.OTHER, 0),
        (k.SIGN, 1, k.EAST, 0),
        (k.DIGITS, 2, k.HOURS, 1),
        (k.SKIP, (found.start(4) if found[4] else found.end()) - found.end(3), k.OTHER, 0),
    ]
    return [*steps, (k.DIGITS, 2, k.MINUTES, 1)] if found[4] else steps
