"""Files behind a web server: one by its address, or those that an index page lists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from html.parser import HTMLParser
from urllib.parse import quote, unquote, urljoin, urlsplit

import httpx

from biglog.errors import BadInput, TryAgain
from biglog.sources.asking import Server
from biglog.sources.landing import WILD
from biglog.sources.staging import Remote

RAW = {"Accept-Encoding": "identity"}
"""Files come as they lie there, so that their sizes are those of the listing."""


class Links(HTMLParser):
    """The addresses that a page's links name."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for key, value in attrs if (tag, key) == ("a", "href") and value]


@dataclass(frozen=True, slots=True)
class WebShelf:
    """The files that an http or https URL names; wildcards are matched against index pages."""

    url: str
    server: Server

    def find(self) -> tuple[Remote, ...]:
        path = "/" + self.url.partition("://")[2].partition("/")[2]
        if not WILD.search(path):
            alone = self.look(path)
            return (alone,) if alone else ()
        found = {name: self.look(name) for name in self.walk("/", path.strip("/").split("/"))}
        gone = [name for name, remote in found.items() if remote is None]
        if gone:
            raise TryAgain(f"{self.server.where}{gone[0]} went away while it was listed")
        return tuple(remote for remote in found.values() if remote)

    def read(self, remote: Remote) -> Iterator[bytes]:
        """The file's bytes, going on in the middle where the connection broke."""
        got, patience = 0, self.server.patience
        for tried in range(patience.tries):
            more = {"Range": f"bytes={got}-", "If-Range": remote.mark} if got else {}
            try:
                with self.server.client.stream("GET", remote.name, headers=RAW | more) as answer:
                    self.check(answer, remote, going_on=got > 0)
                    for block in answer.iter_raw():
                        got += len(block)
                        yield block
                    return
            except httpx.TransportError as error:
                said = str(error) or type(error).__name__
            if tried + 1 < patience.tries:
                patience.wait(tried, None)
        raise TryAgain(f"{self.server.where}{remote.name}: {said} after {got} bytes")

    def check(self, answer: httpx.Response, remote: Remote, *, going_on: bool) -> None:
        self.server.check(answer)
        if answer.status_code >= 400 or going_on != (answer.status_code == 206):
            raise TryAgain(
                f"{self.server.where}{remote.name}: status {answer.status_code} for a file that "
                "was listed; it is fetched anew on the next try"
            )

    def walk(self, folder: str, parts: list[str]) -> Iterator[str]:
        """Paths below a folder that match the parts, asking for index pages where one is wild."""
        first, rest = parts[0], parts[1:]
        names = self.index(folder, folders=bool(rest)) if WILD.search(first) else [first]
        for name in names:
            if name != first and not fnmatchcase(name, first):
                continue
            path = f"{folder}{name if name == first else quote(name)}"
            if rest:
                yield from self.walk(f"{path}/", rest)
            else:
                yield path

    def index(self, folder: str, *, folders: bool) -> list[str]:
        """What the folder's index page lists, but for hidden names."""
        answer = self.server.ask("GET", folder)
        if answer.status_code >= 400:
            raise BadInput(
                f"{self.server.where}{folder}: status {answer.status_code}; path needs an index "
                "page there to match a wildcard against, or no wildcard"
            )
        names = (one for one in listed(answer) if one.endswith("/") == folders)
        return sorted({one.rstrip("/") for one in names if not one.startswith(".")})

    def look(self, path: str) -> Remote | None:
        """Size and mark of a file; None where there is none."""
        answer = self.server.look(path, RAW)
        if answer.status_code in (404, 410):
            return None
        if answer.status_code >= 400:
            raise BadInput(f"{self.server.where}{path}: status {answer.status_code}; correct path")
        size = answer.headers.get("Content-Length", "")
        mark = answer.headers.get("ETag") or answer.headers.get("Last-Modified", "")
        return Remote(path, int(size) if size.isdecimal() else None, mark)


def listed(answer: httpx.Response) -> Iterator[str]:
    """Names in an index page, folders with a slash behind: HTML, nginx's JSON, or a name a line."""
    kind = answer.headers.get("Content-Type", "")
    if "json" in kind:
        for row in answer.json():
            yield row["name"] + ("/" if row.get("type") == "directory" else "")
    elif "html" in kind:
        yield from children(answer)
    else:
        yield from (line.strip() for line in answer.text.splitlines() if line.strip())


def children(answer: httpx.Response) -> Iterator[str]:
    """What an HTML page links to directly below itself; not to its parent, nor to other hosts."""
    page = Links()
    page.feed(answer.text)
    here = str(answer.url.copy_with(query=None))
    for link in page.found:
        whole = urljoin(here, link)
        name = whole.removeprefix(here)
        if name != whole and not urlsplit(whole).query and re.fullmatch(r"[^/#]+/?", name):
            yield unquote(name)
