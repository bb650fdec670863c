"""The parts of an entry that are searched: one per heading section, under the entry's title."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from biglog.records import Entry

HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
FENCE = re.compile(r"^ {0,3}(```|~~~)")
TAG = re.compile(r"</?(?:details|summary|br|p|div|span|b|i|code|pre)\b[^>]*>", re.IGNORECASE)
MAX_CHARS = 1_600


@dataclass(frozen=True, slots=True)
class Chunk:
    """A section of an entry; ``body`` is plain Markdown without its heading."""

    entry_id: str
    number: int
    title: str
    heading: str
    body: str

    @property
    def text(self) -> str:
        """What an encoder reads."""
        return "\n".join(part for part in (self.title, self.heading, self.body) if part)


def chunks(entry: Entry) -> tuple[Chunk, ...]:
    """The entry's sections in order; an entry without text has one empty chunk for its title."""
    parts = [
        (heading, piece)
        for heading, body in sections(entry.content)
        for piece in pieces(TAG.sub(" ", body).strip())
    ]
    return tuple(
        Chunk(entry.entry_id, n, entry.title, heading, body)
        for n, (heading, body) in enumerate(parts or [("", "")])
    )


def sections(markdown: str) -> Iterator[tuple[str, str]]:
    """Heading and body of each section that has a body; a ``#`` inside a code fence is none."""
    heading, body, fenced = "", list[str](), False
    for line in markdown.splitlines():
        fenced ^= bool(FENCE.match(line))
        found = None if fenced else HEADING.match(line)
        if found is None:
            body.append(line)
            continue
        yield from section(heading, body)
        heading, body = found[2], []
    yield from section(heading, body)


def section(heading: str, body: list[str]) -> Iterator[tuple[str, str]]:
    text = "\n".join(body).strip()
    if text:
        yield heading, text


def pieces(body: str) -> Iterator[str]:
    """The body cut between paragraphs where it is longer than an encoder reads at once."""
    held = ""
    for paragraph in re.split(r"\n\s*\n", body):
        if held and len(held) + len(paragraph) > MAX_CHARS:
            yield held
            held = ""
        held = f"{held}\n\n{paragraph}" if held else paragraph
    if held:
        yield held
