"""One text to read, a file or an archive's member, and its bytes, unpacked."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import RawIOBase
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from biglog.errors import BadInput, TryAgain
from biglog.lines.names import plain_text
from biglog.lines.unpack import Budget, Packing, Unpacking, packing_of, unpack
from biglog.settings import LineSettings

STEP = 1 << 18
"""Bytes of a file that are read at a time."""
REST = 1 << 23
"""Bytes that are read on for the end of a line still being written."""
ENTRY_MAGIC = b"PK\x03\x04"
FOREIGN = (
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x1f\x9d", "compress (.Z)"),
)
NESTED = "an archive within an archive, or packed twice, is not read; unpack it first"


@dataclass(frozen=True, slots=True)
class Part:
    """One text to read; ``open`` gives a file that stands at its first byte."""

    name: str
    modified: float
    open: Callable[[], BinaryIO | RawIOBase]
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


def take_whole(path: Path, limits: LineSettings) -> Part:
    """A file as one text, whatever it is."""
    state = check_file(path)
    budget = Budget(state.st_size, limits.max_unpacked_bytes, limits.max_unpacked_ratio)
    return Part(plain_text(str(path)), state.st_mtime, lambda: path.open("rb"), budget)


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
        refused = why_unread(head, part, packed=packing is not None)
        if not refused:
            yield from pieces
    state.damage = refused or state.damage
    reading.damage = state.damage or reading.damage


def peek(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, enough to know an archive by, and all the pieces with these."""
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= tarfile.BLOCKSIZE:
            break
    return head, chain((head,), pieces)


def why_unread(head: bytes, part: Part, *, packed: bool) -> str:
    """Why bytes, as far as they have been unpacked, are no text; empty where they may be."""
    foreign = next((name for magic, name in FOREIGN if head.startswith(magic)), "")
    if foreign:
        return f"is packed as {foreign}, which is not read; unpack it, or pack it with gzip or zstd"
    member = part.size is not None
    twice = packed and packing_of(head) is not None
    return NESTED * (twice or (member and is_tar(head)) or ((packed or member) and is_zip(head)))


def is_zip(head: bytes) -> bool:
    return head.startswith((ENTRY_MAGIC, b"PK\x05\x06"))  # the second where it is empty


def is_tar(head: bytes) -> bool:
    """Whether a block is a tar header, by its checksum: old ones have no magic number."""
    try:
        return bool(tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "replace").name)
    except (tarfile.HeaderError, ValueError):
        return False


def read_span(file: BinaryIO | RawIOBase, reading: Reading) -> Iterator[bytes]:
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


def shrunk(file: BinaryIO | RawIOBase, left: int) -> str:
    return (
        f"the file shrank to {os.fstat(file.fileno()).st_size:,} bytes while it was read, as when "
        f"it is rotated by copying: {left:,} bytes are lost; read the rotated copy"
    )


def read_rest(file: BinaryIO | RawIOBase, reading: Reading) -> Iterator[bytes]:
    """What has been added meanwhile to a last line that had no end, up to its end."""
    start = file.tell()
    rest = file.read(REST)
    end = rest.find(b"\n") + 1
    if rest and not end:
        reading.damage = "the file is being written: its last line may go on; it is kept so far"
    end = end or len(rest)
    yield rest[: end + -(start + end) % reading.width]


def too_many(limits: LineSettings) -> str:
    return f"holds more than {limits.max_members:,} files; raise max_members if so many are due"
