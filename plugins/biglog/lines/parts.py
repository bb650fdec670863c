"""Texts to read one after the other: whole files, and the members of archives, oldest first."""

from __future__ import annotations

import io
import mmap
import os
import re
import stat
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from biglog.errors import BadInput, TryAgain
from biglog.lines.encodings import sniff_narrow
from biglog.lines.unpack import ZIPPED, Budget, Packing, Unpacking, packing_of, unpack
from biglog.settings import LineSettings

STEP = 1 << 18
"""Bytes of a file that are read at a time."""
REST = 1 << 23
"""Bytes that are read on for the end of a line still being written."""
HEADER = 1 << 20
"""Bytes that a tar header with its long names may take; a hostile one claims gigabytes."""
ENTRY = 1 << 10
"""Bytes that an entry of a zip's directory takes at most, names of usual length given."""
LATEST = 1 << 33
"""Seconds since 1970 above which a member's age is no date (the year 2242)."""
ENTRY_MAGIC = b"PK\x03\x04"
ENTRY_HEADER = struct.Struct("<4s2xHH8xL4xHH")
"""Before each member of a zip: magic, flags, method, packed size, lengths of name and extra."""
ENCRYPTED, STREAMED, UTF8_NAME = 1, 1 << 3, 1 << 11
TAIL = (1 << 16) + 22
"""The end of a zip where its directory's place is written, after it a comment at most."""
NESTED = "an archive within an archive, or packed twice, is not read; unpack it first"
ROTATED = re.compile(r"(.+?)(?:[.-](\d{4}-?\d\d-?\d\d(?:[-T_.]?\d\d){0,3})|\.(\d{1,3}))?", re.ASCII)
PACKED_NAME = re.compile(r"\.(?:gz|bz2|xz|zst)\Z")
SLASH = re.compile(r"[/\\]")
UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
LONGEST = 1024
"""Characters of a name that are shown."""


@dataclass(frozen=True, slots=True)
class Part:
    """One text to read; ``open`` gives a file that stands at its first byte."""

    name: str
    modified: float
    open: Callable[[], BinaryIO | Window]
    budget: Budget
    size: int | None = None
    """Bytes in the archive; None for a whole file, which ends where it ends."""
    packing: Packing | None = None
    """How an archive itself has packed it, whatever it is inside."""
    refused: str = ""
    """Why it is not read."""
    number: int = 0
    """Its place among the members of its archive."""

    def __str__(self) -> str:
        return self.name


@dataclass(slots=True)
class Reading:
    """One part being read, and what went wrong."""

    part: Part
    damage: str = ""
    width: int = 1
    """Bytes of a character, once known: no reading ends within one."""


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


def take_whole(path: Path, limits: LineSettings) -> Part:
    """A file as one text, whatever it is."""
    state = check_file(path)
    budget = Budget(state.st_size, limits.max_unpacked_bytes, limits.max_unpacked_ratio)
    return Part(plain_text(str(path)), state.st_mtime, lambda: path.open("rb"), budget)


def read_head(part: Part) -> bytes:
    """The first bytes as they are unpacked, enough to know an archive by."""
    return peek(read_bytes(Reading(part)))[0]


def is_zip(head: bytes) -> bool:
    return head.startswith((ENTRY_MAGIC, b"PK\x05\x06"))  # the second where it is empty


def is_tar(head: bytes) -> bool:
    """Whether a block is a tar header, by its checksum: old ones have no magic number."""
    try:
        return bool(tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "replace").name)
    except (tarfile.HeaderError, ValueError):
        return False


def within_budget(whole: Part, members: list[Part]) -> Iterator[Part]:
    """An archive's members from the oldest on, until they unpack to too much."""
    for number, part in enumerate(sorted(members, key=lambda one: by_age(one.name))):
        if whole.budget.over:
            yield replace(whole, refused=f"later members are not read: {whole.budget.over}")
            return
        yield replace(part, number=number)
    if not members:
        yield replace(whole, refused="holds no file to read; check what packs it")


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


def member_name(whole: Part, name: str) -> str:
    """An archive's name with a member's, which is never a path: no way up is left in it."""
    steps = [one for one in SLASH.split(name) if one not in ("", ".", "..")]
    return f"{whole.name}/{plain_text('/'.join(steps)) or 'unnamed'}"


def is_wanted(name: str) -> bool:
    """Whether a member is neither a folder nor hidden, as the resource forks that macOS adds."""
    steps = SLASH.split(name)
    return bool(steps[-1]) and not steps[-1].startswith(".") and "__MACOSX" not in steps


def tar_members(whole: Part, limits: LineSettings) -> list[Part]:
    """The files in a tar; a packed one is first unpacked, once, into a file without a name.

    Members are read in order of age, and so not in that of their places.
    """
    tar, damage = spool(whole)
    made: list[Part] = []
    try:
        with tarfile.open(fileobj=Headers(tar), mode="r:") as archive:  # type: ignore[arg-type]
            for info in islice(archive, limits.max_members):
                if info.isreg() and is_wanted(info.name):
                    made.append(tar_part(info, whole, tar))
            damage = damage or (too_many(limits) if archive.next() else "")
    except (tarfile.TarError, ValueError, OSError) as error:
        damage = damage or f"damaged tar archive ({error}); what came before is kept"
    return [*made, replace(whole, refused=damage)] if damage else made


def too_many(limits: LineSettings) -> str:
    return f"holds more than {limits.max_members:,} files; raise max_members if so many are due"


def spool(whole: Part) -> tuple[BinaryIO, str]:
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

    file: BinaryIO

    def read(self, size: int) -> bytes:
        if size > HEADER:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        return self.file.read(size)

    def seek(self, at: int) -> int:
        return self.file.seek(at)

    def tell(self) -> int:
        return self.file.tell()


def tar_part(info: tarfile.TarInfo, whole: Part, tar: BinaryIO) -> Part:
    return Part(
        name=member_name(whole, info.name),
        modified=info.mtime if 0 < info.mtime < LATEST else whole.modified,
        open=lambda: Window(tar, info.offset_data),
        budget=whole.budget,
        size=info.size,
        refused="is a sparse file, which is not read; unpack it first" * bool(info.sparse),
    )


class Window(io.RawIOBase):
    """A file from one place on; its position is its own, so that several may be read at once."""

    def __init__(self, file: BinaryIO, at: int) -> None:
        self.file, self.at = file, at

    def readable(self) -> bool:
        return True

    def readinto(self, into: bytearray) -> int:  # type: ignore[override]
        data = os.pread(self.file.fileno(), len(into), self.at)
        into[: len(data)] = data
        self.at += len(data)
        return len(data)


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
        name=member_name(whole, zip_name(info)),
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


def check_file(path: Path) -> os.stat_result:
    """Raises BadInput, in words, for what cannot be read as a file; nothing is waited for."""
    try:
        state = path.stat()
        kind = stat.S_IFMT(state.st_mode)
        if kind == stat.S_IFREG:
            path.open("rb").close()
    except FileNotFoundError as error:
        raise BadInput(f"{path} does not exist; check the path") from error
    except PermissionError as error:
        raise BadInput(f"{path} may not be read by this user; grant it read permission") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be opened: {error.strerror}; check the path") from error
    if kind == stat.S_IFDIR:
        raise BadInput(f"{path} is a directory, expected a file; name its files, as {path}/*.log")
    if kind != stat.S_IFREG:
        raise BadInput(
            f"{path} is a pipe, a socket or a device, expected a file; write what it gives to a "
            "file and name that"
        )
    return state


def read_bytes(reading: Reading) -> Iterator[bytes]:
    """A part's bytes in pieces, unpacked; damage is noted and ends the reading, kept is kept."""
    part = reading.part
    if part.refused:
        reading.damage = part.refused
        return
    state = Unpacking(part.number, part.budget)
    with part.open() as file:
        pieces = read_span(file, reading)
        if part.packing:
            pieces = unpack(pieces, part.packing, state, many=False)
        head, pieces = peek(pieces)
        packing = packing_of(head)
        if packing:
            head, pieces = peek(unpack(pieces, packing, state))
        if is_nested(head, part, packed=packing is not None):
            state.damage = NESTED
        else:
            yield from pieces
    reading.damage = state.damage or reading.damage


def peek(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, enough to know an archive by, and all the pieces with these."""
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= tarfile.BLOCKSIZE:
            break
    return head, chain((head,), pieces)


def is_nested(head: bytes, part: Part, *, packed: bool) -> bool:
    """Whether what has been unpacked must be unpacked once more."""
    member = part.size is not None
    if member and is_tar(head):
        return True
    return (packed and packing_of(head) is not None) or ((packed or member) and is_zip(head))


def read_span(file: BinaryIO | Window, reading: Reading) -> Iterator[bytes]:
    """The bytes up to the part's size; of a file that grows, up to its size at opening."""
    size = reading.part.size
    left = os.fstat(file.fileno()).st_size if size is None else size
    piece = b""
    try:
        while left and (more := file.read(min(STEP, left))):
            piece, left = more, left - len(more)
            yield piece
        if left and size is None:
            reading.damage = shrunk(file, left)
        elif left:
            reading.damage = "the archive is truncated; what came before the cut is kept"
        elif size is None and piece and not piece.endswith(b"\n"):
            yield from read_rest(file, reading)
    except OSError as error:
        raise TryAgain(
            f"{reading.part.name} could not be read to its end: {error.strerror}; check its disk "
            "and run the night again"
        ) from error


def shrunk(file: BinaryIO | Window, left: int) -> str:
    return (
        f"the file shrank to {os.fstat(file.fileno()).st_size:,} bytes while it was read, as when "
        f"it is rotated by copying: {left:,} bytes are lost; read the rotated copy"
    )


def read_rest(file: BinaryIO | Window, reading: Reading) -> Iterator[bytes]:
    """What has been added meanwhile to a last line that had no end, up to its end."""
    start = file.tell()
    rest = file.read(REST)
    end = rest.find(b"\n") + 1
    if rest and not end:
        reading.damage = "the file is being written: its last line may go on; it is kept so far"
    end = end or len(rest)
    yield rest[: end + -(start + end) % reading.width]
