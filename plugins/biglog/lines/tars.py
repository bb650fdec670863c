"""The members of a tar archive, plain or packed."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
from dataclasses import dataclass, replace
from itertools import islice
from typing import BinaryIO

from biglog.errors import TryAgain
from biglog.lines.names import is_wanted, member_name
from biglog.lines.parts import Part, Reading, read_bytes, too_many
from biglog.lines.unpack import packing_of
from biglog.settings import LineSettings

Bytes = BinaryIO | io.RawIOBase

HEADER = 1 << 20
"""Bytes that a tar header with its long names may take; a hostile one claims gigabytes."""
LATEST = 1 << 33
"""Seconds since 1970 above which a member's age is no date (the year 2242)."""


def tar_members(whole: Part, limits: LineSettings) -> list[Part]:
    """The files in a tar; a packed one is first unpacked, once, into a file without a name.

    Members are read in order of age, and so not in that of their places.
    """
    tar, damage = spool(whole)
    made: list[Part] = []
    try:
        with tarfile.open(fileobj=Headers(tar), mode="r:") as archive:  # type: ignore[call-overload]
            for info in islice(archive, limits.max_members):
                if info.isreg() and is_wanted(info.name):
                    made.append(tar_part(info, whole, tar))
            damage = damage or (too_many(limits) if archive.next() else "")
    except (tarfile.TarError, ValueError, OSError) as error:
        damage = damage or f"damaged tar archive ({error}); what came before is kept"
    return [*made, replace(whole, refused=damage)] if damage else made


def spool(whole: Part) -> tuple[Bytes, str]:
    """A tar's plain bytes as a file, and what was wrong with their packing."""
    with whole.open() as file:
        if not packing_of(file.read(8)):
            return whole.open(), ""
    reading, made = Reading(whole), tempfile.TemporaryFile()  # noqa: SIM115
    try:
        for piece in read_bytes(reading):
            made.write(piece)
        made.seek(0)
    except OSError as error:
        raise TryAgain(
            f"{whole.name} could not be unpacked into {tempfile.gettempdir()}: {error.strerror}; "
            "make room there, or name another folder in TMPDIR"
        ) from error
    return made, reading.damage


@dataclass(frozen=True, slots=True)
class Headers:
    """A tar's bytes as its headers are read: never more of them than a sound header has."""

    file: Bytes

    def read(self, size: int) -> bytes:
        if size > HEADER:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        return self.file.read(size) or b""

    def seek(self, at: int) -> int:
        return self.file.seek(at)

    def tell(self) -> int:
        return self.file.tell()


def tar_part(info: tarfile.TarInfo, whole: Part, tar: Bytes) -> Part:
    return Part(
        name=member_name(whole.name, info.name),
        modified=info.mtime if 0 < info.mtime < LATEST else whole.modified,
        open=lambda: Window(tar, info.offset_data),
        budget=whole.budget,
        size=info.size,
        refused="is a sparse file, which is not read; unpack it first" * bool(info.sparse),
    )


class Window(io.RawIOBase):
    """A file from one place on; its position is its own, so that several may be read at once."""

    def __init__(self, file: Bytes, at: int) -> None:
        self.file, self.at = file, at

    def readable(self) -> bool:
        return True

    def readinto(self, into: bytearray) -> int:  # type: ignore[override]
        data = os.pread(self.file.fileno(), len(into), self.at)
        into[: len(data)] = data
        self.at += len(data)
        return len(data)
