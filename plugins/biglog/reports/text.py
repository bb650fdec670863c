"""Log text made fit to be looked at: controls visible, length bounded, variables told apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

VARIABLE = "<*>"
PART_CHARS = 30  # Gmail breaks a long token only where a <wbr> stands; 30 fits a phone

ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor moves
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # window titles, hyperlinks
    r"|\x1b[@-Z\\-_]"
)
NEWLINES = re.compile("\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")
# Bidi overrides, invisible marks, C1 controls, lone surrogates and tag characters. The zero-width
# joiner stays: emoji are made with it.
UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"
    "\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of a line; parts are its break opportunities."""

    parts: tuple[str, ...]
    variable: bool = False


@dataclass(frozen=True, slots=True)
class LineText:
    """A line as shown; dropped counts the characters of it that are not."""

    pieces: tuple[Piece, ...]
    dropped: int = 0

    @property
    def plain(self) -> str:
        return "".join(part for piece in self.pieces for part in piece.parts)


def visible(text: str) -> str:
    """The text without ANSI colours, every other control character as something one can see."""
    one_line = NEWLINES.sub("↵", ANSI.sub("", text)).replace("\t", " ")
    return UNSEEN.sub(lambda found: picture(found[0]), one_line)


def picture(control: str) -> str:
    code = ord(control)
    if code < 0x20:
        return chr(0x2400 + code)  # the Unicode block of control pictures
    if code == 0x7F:
        return "␡"
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"  # half a character: no encoding can write it
    return f"\\u{code:04x}"


def shorten(text: str, limit: int) -> str:
    """Visible text of at most ``limit`` characters; an ellipsis stands for what was cut."""
    shown = " ".join(visible(text[: 4 * limit + 4]).split())
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"


def line(text: str, pattern: str, limit: int) -> LineText:
    """The line cut to ``limit`` characters, told apart by the pattern where it fits the line."""
    pieces: list[Piece] = []
    room, used = limit, 0
    for run, variable in split(text, pattern):
        taken = run[:room]
        shown = visible(taken)[:room]
        room, used = room - len(shown), used + len(taken)
        if shown:
            pieces.append(Piece(tuple(parts(shown)), variable))
        if room <= 0:
            break
    return LineText(tuple(pieces), len(text) - used)


def shape(pattern: str, limit: int) -> LineText:
    """A template's pattern, its variables told apart."""
    return line(pattern, pattern, limit)


def split(text: str, pattern: str) -> list[tuple[str, bool]]:
    """Runs of the text and whether each is a variable; plain search, so no text becomes a regex."""
    first, *others = pattern.split(VARIABLE)
    if not others or not text.startswith(first):
        return [(text, False)]
    runs, at = [(first, False)], len(first)
    for literal in others[:-1]:
        found = text.find(literal, at)
        if found < 0:
            return [(text, False)]
        runs += [(text[at:found], True), (literal, False)]
        at = found + len(literal)
    end = len(text) - len(others[-1])
    if end < at or not text.endswith(others[-1]):
        return [(text, False)]
    return [*runs, (text[at:end], True), (others[-1], False)]


def parts(text: str) -> Iterator[str]:
    for start in range(0, len(text), PART_CHARS):
        yield text[start : start + PART_CHARS]
