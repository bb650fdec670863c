"""A page as a reader's browser takes it in: its elements, its text, what it would load."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

INLINE = ("b", "mark", "wbr")  # these part no words
LOADING = ("src", "srcset", "href", "data", "action", "formaction", "poster", "background", "ping")


@dataclass
class Read(HTMLParser):
    """Elements in order, as (tag, attributes), with the words between them."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in INLINE:
            self.words.append(" ")
        self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in INLINE:
            self.words.append(" ")
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.inside[-1:]):
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def addresses(self) -> list[tuple[str, str]]:
        """Every address an element names, with the element."""
        return [
            (tag, value or "")
            for tag, attributes in self.elements
            for name, value in attributes.items()
            if name in LOADING
        ]


def read(html: str) -> Read:
    reader = Read()
    reader.feed(html)
    reader.close()
    return reader
