"""Entries' Markdown as HTML that holds nothing but text, links and tables."""

from __future__ import annotations

from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

TEXT = "p br hr h2 h3 h4 h5 ul ol li pre code em strong blockquote a del"
TABLE = "table thead tbody tr th td"
TAGS = {*TEXT.split(), *TABLE.split()}
SCHEMES = {"http", "https", "mailto"}


@lru_cache(maxsize=1)
def parser() -> MarkdownIt:
    """Markup inside Markdown is shown as the text it is."""
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def to_html(markdown: str) -> Markup:
    """Safe HTML of an entry; headings begin below the page's own."""
    rendered = parser().render(markdown).replace("<h1>", "<h2>").replace("</h1>", "</h2>")
    clean = nh3.clean(
        rendered,
        tags=TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes=SCHEMES,
        link_rel="noreferrer noopener",
    )
    return Markup(clean)
