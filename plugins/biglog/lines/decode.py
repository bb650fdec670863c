"""Files of any bytes as columns of text lines: unpacked, decoded, cut, cleaned and numbered."""

from __future__ import annotations

import bz2
import codecs
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl
import zstandard

from biglog.errors import BadInput

BLOCK = 8 << 20
SNIFF = 1 << 18
# A zstd block of 128 kB can hide in 4 bytes; small pieces keep what one call unpacks small.
ZSTD_PIECE = 1 << 9
MAX_RATIO = 200
"""Unpacked to packed, above which a large file is taken for a bomb (text rarely passes 50)."""
RATIO_FROM = 1 << 30
"""Unpacked bytes from which MAX_RATIO holds."""
ANSI = r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])"
CONTROL = r"[\x00-\x08\x0b-\x1f\x7f]"
CONTROLS = bytes([*range(9), *range(11, 32), 127])
DEBRIS = r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\x{FFFD}]"
BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Note:
    """Something wrong with a file that cost no line its row: cut, replaced, truncated."""

    line_no: int
    reason: str
    sample: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive lines of one file."""

    lines: pl.Series
    first_no: int
    size: int
    """Bytes of text, unpacked."""
    encoding: str
    debris: pl.Series | None = None
    """Where set, which lines held NULs, other controls or bytes that could not be decoded."""
    notes: tuple[Note, ...] = ()


class Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


@dataclass(slots=True)
class Source:
    """One open file, and what went wrong while reading it."""

    path: Path
    block: int = BLOCK
    damage: str = ""
    encoding: str = ""
    settled: bool = False
    """Whether bytes beyond ASCII have confirmed the encoding."""
    unpacked: int = 0


def check_file(path: Path) -> None:
    """Raises BadInput, in words, for what cannot be read as a file."""
    if path.is_dir():
        raise BadInput(f"{path} is a directory, expected a file; name its files, as {path}/*.log")
    try:
        with path.open("rb"):
            return
    except FileNotFoundError as error:
        raise BadInput(f"{path} does not exist; check the path") from error
    except PermissionError as error:
        raise BadInput(f"{path} may not be read by this user; grant it read permission") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be opened: {error.strerror}") from error


def unpacker(head: bytes) -> Callable[[], Unpacker] | None:
    """What unpacks a file that begins with these bytes; None for a plain one."""
    if head.startswith(b"\x1f\x8b"):
        return lambda: zlib.decompressobj(31)
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return lambda: zstandard.ZstdDecompressor().decompressobj()
    if head.startswith(b"BZh"):
        return bz2.BZ2Decompressor
    if head.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMADecompressor
    return None


def read_bytes(source: Source) -> Iterator[bytes]:
    """The file's bytes in pieces, unpacked; damage is noted and ends the reading, kept is kept."""
    check_file(source.path)
    with source.path.open("rb") as file:
        head = file.read(8)
        file.seek(0)
        make = unpacker(head)
        pieces = iter(lambda: file.read(ZSTD_PIECE if make else source.block), b"")
        yield from pieces if make is None else unpack(pieces, make, source)


def unpack(
    pieces: Iterator[bytes], make: Callable[[], Unpacker], source: Source
) -> Iterator[bytes]:
    allowed = max(RATIO_FROM, MAX_RATIO * source.path.stat().st_size)
    machine, started = make(), False
    for piece in pieces:
        while piece:
            if machine.eof:
                if not piece.strip(b"\0"):
                    break
                machine, started = make(), False
            before = machine.copy() if hasattr(machine, "copy") else None
            try:
                text = machine.decompress(piece)
            except (zlib.error, zstandard.ZstdError, lzma.LZMAError, OSError, ValueError) as error:
                source.damage = f"damaged compressed data ({error}); what came before is kept"
                yield from salvage(before, piece)
                return
            piece, started = machine.unused_data if machine.eof else b"", True
            source.unpacked += len(text)
            yield text
        if source.unpacked > allowed:
            source.damage = (
                f"unpacks to more than {MAX_RATIO} times its size: taken for a decompression bomb, "
                f"reading stopped after {source.unpacked:,} bytes"
            )
            return
    if started and not machine.eof:
        source.damage = "compressed file is truncated; the lines before the cut are kept"


def salvage(machine: Unpacker | None, piece: bytes) -> Iterator[bytes]:
    """What a damaged piece still gives, byte by byte, where the machine can be set back."""
    for at in range(len(piece) if machine else 0):
        try:
            yield machine.decompress(piece[at : at + 1])  # type: ignore[union-attr]
        except zlib.error:
            return


def sniff(sample: bytes) -> str:
    """The encoding a sample of bytes is most likely written in; ``ascii`` where all agree."""
    for mark, name in BOMS:
        if sample.startswith(mark):
            return name
    if wide := sniff_wide(sample):
        return wide
    if sample.isascii():
        return "ascii"
    high = sum(map(len, re.findall(rb"[\x80-\xff]+", sample)))
    broken = sample.decode("utf-8", "replace").count("\ufffd")
    broken -= sample.count("\ufffd".encode())
    if broken <= 0.1 * high:
        return "utf-8"
    text = sample.decode("gb18030", "replace")
    beyond = re.findall(r"[^\x00-\x7f]", text)
    chinese = re.findall(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef\u2010-\u2026]", text)
    if beyond and len(chinese) >= 0.8 * len(beyond) and text.count("\ufffd") <= 0.05 * len(beyond):
        return "gb18030"
    return "utf-8" if broken <= 0.5 * high else "latin-1"


def sniff_wide(sample: bytes) -> str:
    """UTF-16 without a mark: nearly every second byte of Latin text is zero."""
    if len(sample) < 8 or b"\0" not in sample:
        return ""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if odd > 0.4 * half and even < 0.05 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 * half and odd < 0.05 * half else ""


def read_chunks(path: Path, *, max_line: int, batch: int, block: int = BLOCK) -> Iterator[Chunk]:
    """All lines of a file in order, at most ``batch`` at a time, numbered from 1."""
    source, number = Source(path, block), 1
    for whole in cut_blocks(gather(decode_wide(source), block), max_line):
        chunk = make_chunk(whole, number, source, max_line=max_line)
        for start in range(0, len(chunk.lines), batch):
            yield slice_chunk(chunk, start, batch)
        number += len(chunk.lines)
    if source.damage or number == 1:
        notes = (Note(number, source.damage),) if source.damage else ()
        empty = pl.Series("raw", [], pl.String)
        yield Chunk(empty, number, 0, source.encoding, None, notes)


def slice_chunk(chunk: Chunk, start: int, length: int) -> Chunk:
    if start == 0 and len(chunk.lines) <= length:
        return chunk
    debris = None if chunk.debris is None else chunk.debris.slice(start, length)
    lines = chunk.lines.slice(start, length)
    size = chunk.size * len(lines) // max(1, len(chunk.lines))
    notes = chunk.notes if start == 0 else ()
    return Chunk(lines, chunk.first_no + start, size, chunk.encoding, debris, notes)


def decode_wide(source: Source) -> Iterator[bytes]:
    """The file's bytes, UTF-16 and -32 as UTF-8, so that a newline byte is a newline."""
    pieces = read_bytes(source)
    head = b""
    for piece in pieces:
        head += piece  # at most a few pieces
        if len(head) >= SNIFF:
            break
    named = sniff(head[:SNIFF])
    source.encoding, source.settled = ("utf-8" if named == "ascii" else named), named != "ascii"
    for mark, name in BOMS:
        if name == source.encoding and head.startswith(mark):
            head = head[len(mark) :]
            break
    if not source.encoding.startswith(("utf-16", "utf-32")):
        yield head
        yield from pieces
        return
    decoder = codecs.getincrementaldecoder(source.encoding)("replace")
    yield decoder.decode(head).encode("utf-8", "replace")
    for piece in pieces:
        yield decoder.decode(piece).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def gather(pieces: Iterator[bytes], block: int) -> Iterator[bytes]:
    """The same bytes in pieces of ``block`` or more, but the last."""
    kept: list[bytes] = []
    held = 0
    for piece in pieces:
        kept.append(piece)
        held += len(piece)
        if held >= block:
            yield b"".join(kept)
            kept, held = [], 0
    if held:
        yield b"".join(kept)


def cut_blocks(pieces: Iterator[bytes], max_line: int) -> Iterator[bytes]:
    """Blocks of whole lines. Of a line far too long only a little more than allowed is held."""
    held, skipping = b"", False
    for piece in pieces:
        if skipping:
            newline = piece.find(b"\n")
            if newline < 0:
                continue
            piece, skipping = piece[newline:], False
        end = piece.rfind(b"\n") + 1
        if end:
            yield held + piece[:end]
            held = piece[end:]
        else:
            held += piece
        if len(held) > max(max_line, BLOCK):
            held, skipping = held[: max_line + 1], True
    if held:
        yield held


def make_chunk(block: bytes, number: int, source: Source, *, max_line: int) -> Chunk:
    """One block's lines: decoded, without carriage returns, colours and control characters."""
    text, notes = decode_block(block, number, source)
    lines = text.str.split("\n").explode().alias("raw")
    if block.endswith(b"\n"):
        lines = lines.head(len(lines) - 1)
    lines, cut = cut_lines(lines, number, max_line)
    debris = None
    if notes or dirty(block):
        debris = lines.str.contains(DEBRIS)
        lines = lines.str.strip_chars_end("\r").str.replace_all(ANSI, "")
        lines = lines.str.replace_all(CONTROL, "")
        debris = debris if debris.any() else None
    return Chunk(lines, number, len(block), source.encoding, debris, (*notes, *cut))


def dirty(block: bytes) -> bool:
    """Whether a block has any control character but newlines and tabs."""
    return len(block.translate(None, CONTROLS)) < len(block)


def decode_block(block: bytes, number: int, source: Source) -> tuple[pl.Series, tuple[Note, ...]]:
    """One text; bytes that are not in the encoding become U+FFFD, and a note says how many."""
    wide = source.encoding.startswith(("utf-16", "utf-32"))
    if wide or source.encoding == "utf-8":
        with suppress(pl.exceptions.ComputeError):
            return pl.Series("raw", [block], pl.Binary).cast(pl.String), ()
        if not source.settled:
            source.encoding, source.settled = sniff(first_beyond(block)), True
    name = "utf-8" if wide else source.encoding
    decoded = block.decode(name, "replace")
    broken = decoded.count("\ufffd") - block.count("\ufffd".encode()) * (name == "utf-8")
    if not broken:
        return pl.Series("raw", [decoded]), ()
    where = number + decoded.count("\n", 0, decoded.index("\ufffd"))
    reason = f"kept: {broken} bytes here and below are not {name} and read as \ufffd"
    return pl.Series("raw", [decoded]), (Note(where, reason),)


def first_beyond(block: bytes) -> bytes:
    """A sample of a block that begins at the line of its first byte beyond ASCII."""
    found = re.search(rb"[\x80-\xff]", block)
    at = block.rfind(b"\n", 0, found.start()) + 1 if found else 0
    return block[at : at + SNIFF]


def cut_lines(lines: pl.Series, number: int, max_line: int) -> tuple[pl.Series, list[Note]]:
    length = lines.str.len_bytes()
    if not len(lines) or int(length.max() or 0) <= max_line:  # type: ignore[arg-type]
        return lines, []
    rows = (length > max_line).arg_true()
    short = [one.encode()[:max_line].decode("utf-8", "ignore") for one in lines.gather(rows)]
    reason = f"kept, but cut: a line longer than max_line_bytes ({max_line:,} bytes)"
    notes = [
        Note(number + row, reason, one) for row, one in zip(rows.to_list(), short, strict=True)
    ]
    return lines.scatter(rows, pl.Series(short)), notes
