"""Names of an archive's members: shown, sorted by age, never a path."""

from __future__ import annotations

import re

ROTATED = re.compile(r"(.+?)(?:[.-](\d{4}-?\d\d-?\d\d(?:[-T_.]?\d\d){0,3})|\.(\d{1,3}))?", re.ASCII)
PACKED_NAME = re.compile(r"\.(?:gz|bz2|xz|zst)\Z")
SLASH = re.compile(r"[/\\]")
UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
LONGEST = 1024
"""Characters of a name that are shown."""


def by_age(name: str) -> tuple[list[str | int], int, list[str | int]]:
    """Sorts names naturally, and app.log.2.gz before app.log.1 before app.log."""
    found = ROTATED.fullmatch(PACKED_NAME.sub("", name))
    stem, date, number = found.groups() if found else (name, None, None)
    if date:
        return natural(stem), 0, natural(date)
    return natural(stem), 2 - bool(number), [-int(number or 0)]


def natural(text: str) -> list[str | int]:
    """Numbers within text compare as numbers; text and numbers alternate, text first."""
    return [int(one) if at % 2 else one for at, one in enumerate(re.split(r"([0-9]{1,18})", text))]


def plain_text(name: str) -> str:
    """A name that can be written and shown: of one line, without surrogates, not endless."""
    return UNSHOWN.sub("\ufffd", name)[:LONGEST]


def member_name(archive: str, name: str) -> str:
    """An archive's name with a member's, which is never a path: no way up is left in it."""
    steps = [one for one in SLASH.split(name) if one not in ("", ".", "..")]
    return f"{archive}/{plain_text('/'.join(steps)) or 'unnamed'}"


def is_wanted(name: str) -> bool:
    """Whether a member is neither a folder nor hidden, as the resource forks that macOS adds."""
    steps = SLASH.split(name)
    return bool(steps[-1]) and not steps[-1].startswith(".") and "__MACOSX" not in steps
