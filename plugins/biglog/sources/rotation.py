"""File names in the order in which their lines were written."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

PACKED = re.compile(r"\.(?:gz|bz2|xz|zst|lz4|zip|Z)$")
NUMBER = re.compile(r"\.([0-9]{1,3})$")
DAY = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2})([-_.]?)([01][0-9])\2([0-3][0-9])(?![0-9])")
EXTENSION = re.compile(r"\.(?:log|txt|out|err|jsonl?|csv)$")
LIVE = "99999999"
"""Sorts after every day: the file that is still written to has the latest lines."""

Key = tuple[Any, ...]


def age(path: PurePath) -> Key:
    """Sorts a rotated set with its oldest file first, sets of other names beside it.

    A number behind the extension counts backwards, ``app.log.1`` being the youngest rotated file
    (logrotate, Python, log4j); any other number counts forwards, and a day is a day.
    """
    bare = PACKED.sub("", path.name)
    numbered = NUMBER.search(bare)
    bare = bare[: numbered.start()] if numbered else bare
    dated = DAY.search(bare)
    stem, rest = (bare[: dated.start()], bare[dated.end() :]) if dated else (bare, "")
    day = "".join(dated.group(1, 3, 4)) if dated else LIVE
    number = -int(numbered[1]) if numbered else 0
    return (
        natural(str(path.parent)),
        natural(EXTENSION.sub("", stem.rstrip("-_."))),
        day,
        natural(rest),
        number,
        path.name,
    )


def natural(text: str) -> list[Any]:
    """Text and numbers by turns, so that 9 comes before 10."""
    pieces: list[Any] = re.split(r"([0-9]+)", text)
    pieces[1::2] = map(int, pieces[1::2])
    return pieces
