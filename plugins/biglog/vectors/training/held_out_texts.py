"""Hand-written log events that no training sees, to measure an encoder of any training on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from biglog.errors import BadInput

HELD = Path(__file__).parent / "held"
LABELS = ("same", "reworded", "differ")


@dataclass(frozen=True)
class HeldPair:
    """Two texts; one runbook entry would handle both events, unless the label is ``differ``.

    ``same`` tells one event in other words, ``reworded`` in nearly the same words; ``differ`` tells
    two events in nearly the same words.
    """

    label: str
    left: str
    right: str


def read_pairs(path: Path = HELD / "pairs.txt") -> list[HeldPair]:
    """The labelled pairs in file order. Raises BadInput for a line without label and two texts."""
    pairs = []
    for number, (label, left, right) in _rows(path, 3):
        if label not in LABELS:
            raise BadInput(
                f"{path}:{number} has the label {label!r}, expected one of "
                f"{', '.join(LABELS)}; correct that label"
            )
        pairs.append(HeldPair(label, left, right))
    return pairs


def read_crossing(path: Path = HELD / "crossing.txt") -> list[tuple[str, str]]:
    """(Chinese, English) of one event each. Raises BadInput for a line without two texts."""
    return [(chinese, english) for _, (chinese, english) in _rows(path, 2)]


def _rows(path: Path, width: int) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [field.strip() for field in line.split("\t")]
        if len(fields) != width or not all(fields):
            raise BadInput(
                f"{path}:{number} has {len(fields)} fields, expected {width} non-empty ones "
                "between tabs; correct that line"
            )
        yield number, fields
