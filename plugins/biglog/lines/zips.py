"""The members of a zip archive, whole or cut."""

from __future__ import annotations

import mmap
import os
import stat
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from biglog.lines.encodings import sniff_narrow
from biglog.lines.names import is_wanted, member_name
from biglog.lines.parts import ENTRY_MAGIC, Part, too_many
from biglog.lines.unpack import ZIPPED
from biglog.settings import LineSettings

ENTRY_HEADER = struct.Struct("<4s2xHH8xL4xHH")
"""Before each member of a zip: magic, flags, method, packed size, lengths of name and extra."""
ENCRYPTED, STREAMED, UTF8_NAME = 1, 1 << 3, 1 << 11
ENTRY = 1 << 10
"""Bytes that an entry of a zip's directory takes at most, names of usual length given."""
TAIL = (1 << 16) + 22
"""The end of a zip where its directory's place is written, after it a comment at most."""


def zip_members(path: Path, whole: Part, limits: LineSettings) -> list[Part]:
    """The files in a zip; those before the cut of a truncated one, whose directory is lost."""
    damage = ""
    try:
        check_directory(path, limits)
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error) as error:
        entries = list(islice(walk_entries(path), limits.max_members))
        damage = f"damaged zip archive ({error}); what came before is kept"
    if len(entries) > limits.max_members:
        damage = too_many(limits)
    made = [zip_part(one, path, whole) for one in entries[: limits.max_members] if is_file(one)]
    return [*made, replace(whole, refused=damage)] if damage else made


def check_directory(path: Path, limits: LineSettings) -> None:
    """Raises BadZipFile where a zip's directory, which is held in memory, is hostile in size."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    claimed = int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0
    if claimed > ENTRY * limits.max_members:
        raise zipfile.BadZipFile(f"a directory of {claimed:,} bytes, {too_many(limits)}")


def walk_entries(path: Path) -> Iterator[zipfile.ZipInfo]:
    """A zip's members by the header before each; one of unknown size may reach to the end."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = data.find(ENTRY_MAGIC)
        while 0 <= at <= len(data) - ENTRY_HEADER.size:
            _, flags, method, packed, names, extra = ENTRY_HEADER.unpack_from(data, at)
            begin = at + ENTRY_HEADER.size
            start = begin + names + extra
            name = data[begin : begin + names].decode(
                "utf-8" if flags & UTF8_NAME else "cp437", "replace"
            )
            info = zipfile.ZipInfo(name or "unnamed")
            info.header_offset, info.flag_bits, info.compress_type = at, flags, method
            info.compress_size = max(0, len(data) - start) if flags & STREAMED else packed
            yield info
            at = data.find(ENTRY_MAGIC, start if flags & STREAMED else start + packed)


def zip_part(info: zipfile.ZipInfo, path: Path, whole: Part) -> Part:
    refused = ""
    if info.flag_bits & ENCRYPTED:
        refused = "is encrypted; unpack it with its password first"
    elif info.compress_type not in (zipfile.ZIP_STORED, *ZIPPED):
        refused = f"is packed by zip method {info.compress_type}; pack it again with deflate"
    return Part(
        name=member_name(whole.name, zip_name(info)),
        modified=zip_time(info) or whole.modified,
        open=lambda: open_entry(path, info.header_offset),
        budget=whole.budget,
        size=info.compress_size,
        packing=ZIPPED.get(info.compress_type),
        refused=refused,
    )


def is_file(info: zipfile.ZipInfo) -> bool:
    link = info.external_attr >> 28 == stat.S_IFLNK >> 12
    return not link and is_wanted(info.filename)


def zip_name(info: zipfile.ZipInfo) -> str:
    """A member's name; one that does not say it is UTF-8 is often GBK."""
    if info.flag_bits & UTF8_NAME:
        return info.orig_filename
    raw = info.orig_filename.encode("cp437", "replace")
    known = sniff_narrow(raw)
    return raw.decode(known, "replace") if known in ("utf-8", "gb18030") else info.orig_filename


def zip_time(info: zipfile.ZipInfo) -> float:
    try:
        return datetime(*info.date_time, tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def open_entry(path: Path, at: int) -> BinaryIO:
    """A zip at the first byte of a member; at its end where no member is there."""
    file = path.open("rb")
    file.seek(max(at, 0))
    head = file.read(ENTRY_HEADER.size)
    if len(head) < ENTRY_HEADER.size or not head.startswith(ENTRY_MAGIC):
        file.seek(0, os.SEEK_END)
    else:
        file.seek(sum(ENTRY_HEADER.unpack(head)[-2:]), os.SEEK_CUR)
    return file
