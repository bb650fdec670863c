"""Files as the texts they hold: themselves, or an archive's members, the oldest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from biglog.lines.names import by_age
from biglog.lines.parts import Part, Reading, is_tar, is_zip, peek, read_bytes, take_whole
from biglog.lines.tars import tar_members
from biglog.lines.zips import zip_members
from biglog.settings import LineSettings


def parts(path: Path, limits: LineSettings) -> Iterator[Part]:
    """What a file holds: itself, or an archive's members, rotated sets from the oldest on.

    Raises BadInput, in words, for what cannot be read as a file.
    """
    whole = take_whole(path, limits)
    head = read_head(whole)
    if is_zip(head):
        yield from within_budget(whole, zip_members(path, whole, limits))
    elif is_tar(head):
        yield from within_budget(whole, tar_members(whole, limits))
    else:
        yield whole


def read_head(part: Part) -> bytes:
    """The first bytes as they are unpacked, enough to know an archive by."""
    return peek(read_bytes(Reading(part)))[0]


def within_budget(whole: Part, members: list[Part]) -> Iterator[Part]:
    """An archive's members from the oldest on, until they unpack to too much."""
    in_order = sorted(members, key=lambda one: by_age(one.name))
    for number, part in enumerate(in_order, whole.number + 1):
        if whole.budget.over:
            yield replace(whole, refused=f"later members are not read: {whole.budget.over}")
            return
        yield replace(part, number=number)
    if not members:
        yield replace(whole, refused="holds no file to read; check what packs it")
