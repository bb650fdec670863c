"""Why a line was not read: the format that came nearest, how far it came and what it missed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from biglog.lines.formats import Format
from biglog.lines.objects import MOST_QUOTED
from biglog.lines.patterns import reach

SEEN = 2000
"""Characters of a line that are looked at: Python's regexes are not bound to linear time."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """Where a format stopped reading a line. ``column`` counts from 1."""

    format: str
    column: int
    expected: str

    def tell(self, wanted: str) -> str:
        """One sentence, for a line of a file that is ``wanted``."""
        other = "" if self.format == wanted else f", nearest {self.format}"
        return (
            f"not {wanted}{other}: reads up to column {self.column}, then expected {self.expected}"
        )


def find_nearest(line: str, formats: Iterable[Format]) -> Nearest | None:
    """The format that reads most of the line; the first of those that read as much."""
    stops = [stop(line[:SEEN], form) for form in formats]
    known = [one for one in stops if one is not None]
    return max(known, key=lambda one: one.column, default=None)


def stop(line: str, form: Format) -> Nearest | None:
    """Where one format stops; None for a kind that reads all or nothing of a line."""
    if form.kind == "pattern":
        at, expected = max(reach(line, pattern) for pattern in form.patterns)
        return Nearest(form.name, at + 1, expected)
    if form.kind in ("json", "otlp"):
        at, expected = stop_of_json(line)
        return Nearest(form.name, at + 1, expected)
    if form.kind == "csv" and line.count('"') % 2:
        closed = f"the quote's end within {MOST_QUOTED:,} lines"
        return Nearest(form.name, line.rfind('"') + 1, closed)
    return None


def stop_of_json(line: str) -> tuple[int, str]:
    if not line.lstrip().startswith("{"):
        return 0, "a JSON object"
    try:
        json.loads(line)
    except json.JSONDecodeError as error:
        said = error.msg.removesuffix(" starting at").lower()
        wanted = said.removeprefix("expecting ")
        return error.pos, wanted if wanted != said else f"sound JSON ({said})"
    except RecursionError:
        return 0, "an object of fewer levels"
    return len(line), "its other keys"
