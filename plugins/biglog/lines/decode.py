"""One file's bytes as columns of text lines: decoded, cut, cleaned and numbered."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from biglog.lines.encodings import (
    BOMS,
    REPLACED,
    SNIFF,
    decode_mixed,
    is_wide,
    repair_lines,
    sniff,
    sniff_narrow,
)
from biglog.lines.parts import Part, Reading, read_bytes

BLOCK = 8 << 20
SLICE = 1 << 17
ANSI = r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])"
CONTROL = r"[\x00-\x08\x0b-\x1f\x7f]"
DEBRIS = r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\x{FFFD}]"
TAB, NEWLINE, RETURN, DELETE = 9, 10, 13, 127


@dataclass(frozen=True, slots=True)
class Note:
    """Something wrong with a file beside what its format says: cut, replaced, truncated."""

    line_no: int
    reason: str
    sample: str = ""
    lost: int = 0
    """1 where no line of the file could be read, so that it does not pass for an empty one."""


NONE: tuple[Note, ...] = ()


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
    rows: pl.Series | None = None
    """Where lines were joined, the place in the chunk at which each of them began."""


@dataclass(slots=True)
class Source:
    """One file's encoding, as far as it is known."""

    reading: Reading
    encoding: str = ""
    settled: bool = False
    """Whether bytes beyond ASCII have confirmed the encoding."""


def read_chunks(part: Part, *, max_line: int, batch: int, block: int = BLOCK) -> Iterator[Chunk]:
    """All lines of a file in order, at most ``batch`` at a time, numbered from 1."""
    source, number = Source(Reading(part)), 1
    for whole in cut_blocks(decode_wide(source), block, max_line):
        chunk = make_chunk(whole, number, source, max_line=max_line)
        for start in range(0, len(chunk.lines), batch):
            yield slice_chunk(chunk, start, batch)
        number += len(chunk.lines)
    damage = source.reading.damage
    if damage or number == 1:
        notes = (Note(number, damage, lost=int(number == 1)),) if damage else ()
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
    pieces = read_bytes(source.reading)
    head = take_head(pieces)
    named = sniff(head[:SNIFF])
    source.encoding, source.settled = ("utf-8" if named == "ascii" else named), named != "ascii"
    mark = next((mark for mark, name in BOMS if head.startswith(mark)), b"")
    head = head[len(mark) :]
    if is_wide(source.encoding):
        source.reading.width = 4 if "32" in source.encoding else 2
        yield from recode(head, pieces, source.encoding)
    elif b"\r" in head and b"\n" not in head[:SNIFF]:
        yield from (piece.replace(b"\r", b"\n") for piece in chain((head,), pieces))
    else:
        yield head
        yield from pieces


def take_head(pieces: Iterator[bytes]) -> bytes:
    """As many pieces as it takes to sniff."""
    taken: list[bytes] = []
    held = 0
    for piece in pieces:
        taken.append(piece)
        held += len(piece)
        if held >= SNIFF:
            break
    return b"".join(taken)


def recode(head: bytes, pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    yield decoder.decode(head).encode("utf-8", "replace")
    for piece in pieces:
        yield decoder.decode(piece).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def cut_blocks(pieces: Iterator[bytes], block: int, max_line: int) -> Iterator[bytes]:
    """Whole lines, about ``block`` bytes at a time; of a line far too long, a little too much."""
    kept: list[bytes | memoryview] = []
    held = tail = 0  # tail: bytes since the last newline
    skipping = False
    for piece in pieces:
        newline = piece.rfind(b"\n")
        if skipping:
            if newline < 0:
                continue
            piece, skipping = piece[piece.find(b"\n") :], False
            newline = piece.rfind(b"\n")
        kept.append(piece)
        held += len(piece)
        tail = len(piece) - newline - 1 if newline >= 0 else tail + len(piece)
        if tail > max(max_line, BLOCK):
            kept, skipping = [b"".join(kept)[: held - tail + max_line + 1]], True
            held, tail = len(kept[0]), max_line + 1
        elif held >= block and newline >= 0:
            kept[-1] = memoryview(piece)[: newline + 1]
            yield b"".join(kept)
            kept, held = [piece[newline + 1 :]], tail
    if held:
        yield b"".join(kept)


@dataclass(frozen=True, slots=True)
class Spans:
    """Where the lines of a block lie, by byte, and which rows hold control characters."""

    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    dirty: npt.NDArray[np.int64]


def make_chunk(block: bytes, number: int, source: Source, *, max_line: int) -> Chunk:
    """One block's lines: decoded, without carriage returns, colours and control characters."""
    name, notes, plain = source.encoding, NONE, block.isascii()
    if not plain and not reads_as_utf8(block, name):
        block, name, notes = decode_block(block, number, source)
    elif not plain and is_wide(name):
        notes = note_replaced(block, number, name)
    spans, cut = cut_lines(find_lines(block), block, number, max_line=max_line)
    lines = view_lines(spans, block)
    if not plain:
        lines = drop_marks(lines, spans, block)
        lines, repaired = repair_lines(lines) if b"\xc3" in block else (lines, False)
        name += " (mojibake repaired)" * repaired
    lines, debris = clean(lines, spans.dirty, replaced=bool(notes))
    notes = (*notes, *cut, *note_emptied(lines, debris, number))
    return Chunk(lines, number, len(block), name, debris, notes)


def reads_as_utf8(block: bytes, encoding: str) -> bool:
    """Whether a block needs no decoding; nothing is copied."""
    if encoding != "utf-8" and not is_wide(encoding):
        return False
    whole = pa.py_buffer(np.array([0, len(block)], np.int64))
    try:
        text = [None, whole, pa.py_buffer(block)]
        pa.Array.from_buffers(pa.large_string(), 1, text).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def decode_block(block: bytes, number: int, source: Source) -> tuple[bytes, str, tuple[Note, ...]]:
    """The block as UTF-8; bytes of no encoding become U+FFFD, and a note says how many."""
    if not source.settled:
        source.encoding, source.settled = sniff_narrow(first_beyond(block)), True
    found = decode_mixed(block, source.encoding)
    text = "\n".join(found.lines).encode("utf-8", "replace")
    if not found.broken:
        return text, found.encoding, ()
    reason = (
        f"kept: {found.broken:,} bytes here and below are not {found.encoding} and read as "
        f"{REPLACED}"
    )
    return text, found.encoding, (Note(number + found.first, reason),)


def note_replaced(block: bytes, number: int, encoding: str) -> tuple[Note, ...]:
    """What could not be decoded in UTF-16 or -32 has been replaced before the block was cut."""
    mark = REPLACED.encode()
    lost = block.count(mark)
    if not lost:
        return ()
    where = number + block.count(b"\n", 0, block.index(mark))
    reason = f"kept: {lost:,} characters here and below are not {encoding} and read as {REPLACED}"
    return (Note(where, reason),)


def first_beyond(block: bytes) -> bytes:
    """A sample of a block that begins at the line of its first byte beyond ASCII."""
    found = re.search(rb"[\x80-\xff]", block)
    at = block.rfind(b"\n", 0, found.start()) + 1 if found else 0
    return block[at : at + SNIFF]


def find_lines(block: bytes) -> Spans:
    """Where the lines lie: one pass over the bytes finds newlines and other controls alike."""
    data = np.frombuffer(block, np.uint8)
    low = find_below(data, 32)
    kinds = data[low]
    ends = low[kinds == NEWLINE]
    odd = low[(kinds != NEWLINE) & (kinds != TAB)] if len(ends) < len(low) else low[:0]
    if len(odd) and RETURN in block:
        after = data[np.minimum(odd + 1, len(data) - 1)]
        odd = odd[(data[odd] != RETURN) | (after != NEWLINE)]
    if DELETE in block:
        odd = np.concatenate((odd, np.flatnonzero(data == DELETE)))
    if not block.endswith(b"\n"):
        ends = np.append(ends, len(block))
    dirty = np.unique(np.searchsorted(ends, odd))
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1] + 1))
    if RETURN in block:
        ends = ends - ((ends > starts) & (data[ends - 1] == RETURN) & (ends < len(data)))
    return Spans(starts, ends, dirty)


def note_emptied(lines: pl.Series, debris: pl.Series | None, number: int) -> tuple[Note, ...]:
    """Lines of which cleaning left nothing: a blank line alone is not worth a note."""
    if debris is None:
        return ()
    rows = (debris & ~lines.str.contains(r"\S")).arg_true()
    if not len(rows):
        return ()
    reason = f"nothing but control characters: {len(rows):,} lines here and below"
    return (Note(number + int(rows[0]), reason),)


def find_below(data: npt.NDArray[np.uint8], limit: int) -> npt.NDArray[np.int64]:
    """Places of smaller bytes; slice by slice, since memory not touched before is slow."""
    found, scratch = [], np.empty(SLICE, np.bool_)
    for at in range(0, len(data), SLICE):
        one = data[at : at + SLICE]
        found.append(np.flatnonzero(np.less(one, limit, out=scratch[: len(one)])) + at)
    return np.concatenate(found)


def cut_lines(
    spans: Spans, block: bytes, number: int, *, max_line: int
) -> tuple[Spans, list[Note]]:
    """Lines no longer than allowed, cut between characters."""
    long = np.flatnonzero(spans.ends - spans.starts > max_line)
    reason = f"kept, but cut: a line longer than max_line_bytes ({max_line:,} bytes)"
    notes = []
    for row in long.tolist():
        start, end = int(spans.starts[row]), int(spans.starts[row]) + max_line
        while block[end] & 0xC0 == 0x80:
            end -= 1
        spans.ends[row] = end
        notes.append(Note(number + row, reason, block[start:end].decode()))
    return spans, notes


def view_lines(spans: Spans, block: bytes) -> pl.Series:
    """The lines as Arrow string views: 16 bytes each, pointing into the block, which is not copied.

    The block must be UTF-8: nothing looks again.
    """
    from biglog.lines.scan import spans_to_series  # compiled code, which commands start without

    return spans_to_series(np.frombuffer(block, np.uint8), spans.starts, spans.ends).alias("raw")


def drop_marks(lines: pl.Series, spans: Spans, block: bytes) -> pl.Series:
    """The lines without byte order marks, which are left where files were appended."""
    first = np.frombuffer(block, np.uint8)[spans.starts]
    rows = np.flatnonzero(first == codecs.BOM_UTF8[0])
    if not len(rows):
        return lines
    return lines.scatter(rows, lines.gather(rows).str.strip_prefix("\ufeff"))


def clean(
    lines: pl.Series, dirty: npt.NDArray[np.int64], *, replaced: bool
) -> tuple[pl.Series, pl.Series | None]:
    """Lines without colours and control characters, and which of them held debris."""
    debris = lines.str.contains(DEBRIS) if replaced else None
    if len(dirty):
        some = lines.gather(dirty)
        if debris is None:
            debris = pl.repeat(False, len(lines), eager=True)
            debris = debris.scatter(dirty, some.str.contains(DEBRIS))
        some = some.str.strip_chars_end("\r").str.replace_all(ANSI, "").str.replace_all(CONTROL, "")
        lines = lines.scatter(dirty, some)
    return lines, debris if debris is not None and debris.any() else None
