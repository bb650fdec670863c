"""Compressed bytes, unpacked piece by piece and within limits."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import zstandard

RATIO_FROM = 1 << 30
"""Unpacked bytes from which a ratio is judged: a small file of one repeated line may be sound."""
MEMORY = 1 << 29
"""Bytes an xz stream may ask for; its strongest preset takes 65 MB."""


DAMAGED = (zlib.error, zstandard.ZstdError, lzma.LZMAError, OSError, ValueError)


class Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Packing:
    """One way of packing a stream, and the bytes it may begin with."""

    magic: tuple[bytes, ...]
    make: Callable[[], Unpacker]
    piece: int = 1 << 9
    """Packed bytes unpacked in one call: in zstd 4 of them can hide 128 kB, in gzip 4 kB."""


def unzstd() -> Unpacker:
    return zstandard.ZstdDecompressor().decompressobj()


SKIPPED = [bytes([at]) + b"\x2a\x4d\x18" for at in range(0x50, 0x60)]
"""A zstd frame to be skipped, with which parallel packers begin."""
PACKINGS = (
    Packing((b"\x1f\x8b",), lambda: zlib.decompressobj(31), 1 << 12),
    Packing((b"\x28\xb5\x2f\xfd", *SKIPPED), unzstd),
    Packing((b"BZh",), bz2.BZ2Decompressor),
    Packing((b"\xfd7zXZ\x00",), lambda: lzma.LZMADecompressor(memlimit=MEMORY)),
)
ZIPPED = {
    8: Packing((), lambda: zlib.decompressobj(-15), 1 << 12),
    12: Packing((), bz2.BZ2Decompressor),
    93: Packing((), unzstd),
}
"""By the number of a zip member's method; 0 is stored as it is."""


@dataclass(slots=True)
class Budget:
    """How much one file on disk may unpack to, all its members together."""

    packed: int
    max_bytes: int
    max_ratio: int
    spent: dict[int, int] = field(default_factory=dict)
    total: int = 0

    def spend(self, part: int, unpacked: int) -> str:
        """Note how far a part is unpacked, and say why no further; to read it twice is free."""
        before = self.spent.get(part, 0)
        others = self.total - before
        self.spent[part] = max(before, unpacked)
        self.total = others + self.spent[part]
        return self.judge(others + unpacked)

    @property
    def over(self) -> str:
        """Why no further part may be unpacked; empty while one may."""
        return self.judge(self.total)

    def judge(self, total: int) -> str:
        if total > self.max_bytes:
            return (
                f"unpacks to more than {self.max_bytes:,} bytes, reading stopped there; "
                "raise max_unpacked_bytes if so large a file is expected"
            )
        if total > max(RATIO_FROM, self.max_ratio * self.packed):
            return (
                f"unpacks to more than {self.max_ratio} times its size: taken for a decompression "
                f"bomb, reading stopped after {total:,} bytes; raise max_unpacked_ratio if it is "
                "sound"
            )
        return ""


@dataclass(slots=True)
class Unpacking:
    """One packed stream being read, and what went wrong."""

    part: int
    """Its number: names may be the same."""
    budget: Budget
    damage: str = ""
    unpacked: int = 0


def packing_of(head: bytes) -> Packing | None:
    """How bytes that begin so are packed; None for plain ones."""
    return next((one for one in PACKINGS if head.startswith(one.magic)), None)


def unpack(
    pieces: Iterable[bytes], packing: Packing, state: Unpacking, *, many: bool = True
) -> Iterator[bytes]:
    """The plain bytes of packed ones; damage is noted and ends the reading, kept is kept.

    With ``many``, streams may follow each other, as in a file that gzip appended to.
    """
    machine, started = packing.make(), False
    for piece in cut(pieces, packing.piece):
        while piece:
            if machine.eof:
                if not many or not piece.strip(b"\0"):
                    break
                machine = packing.make()
            before = machine.copy() if hasattr(machine, "copy") else None
            try:
                text = machine.decompress(piece)
            except DAMAGED as error:
                state.damage = f"damaged compressed data ({error}); what came before is kept"
                yield from salvage(before, piece)
                return
            piece, started = machine.unused_data if machine.eof else b"", True
            state.unpacked += len(text)
            yield text
            if over := state.budget.spend(state.part, state.unpacked):
                state.damage = over
                return
    if started and not machine.eof:
        state.damage = state.damage or "compressed data is truncated; what came before is kept"


def cut(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    return (piece[at : at + size] for piece in pieces for at in range(0, len(piece), size))


def salvage(machine: Unpacker | None, piece: bytes) -> Iterator[bytes]:
    """What a damaged piece still gives, byte by byte, where the machine can be set back."""
    for at in range(len(piece) if machine else 0):
        try:
            yield machine.decompress(piece[at : at + 1])  # type: ignore[union-attr]
        except zlib.error:
            return
