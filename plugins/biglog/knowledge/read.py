"""Knowledge entries as files hold them: Markdown with front matter, and three JSON shapes."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml

from biglog.errors import BadInput
from biglog.knowledge.tokens import language
from biglog.records import Entry, identify

log = logging.getLogger(__name__)
FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
SUFFIXES = (".md", ".markdown", ".json")
MAX_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class Broken:
    """A file that is no knowledge entry, and why."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Import:
    """What a folder holds; entries in the order of their paths."""

    entries: tuple[Entry, ...]
    broken: tuple[Broken, ...]


def read_folder(path: Path) -> tuple[Entry, ...]:
    """The entries of a folder or of one file; broken files are logged and left out."""
    found = read_all(path)
    for one in found.broken:
        log.warning("not imported: %s: %s", one.source, one.reason)
    return found.entries


def read_all(path: Path) -> Import:
    """Entries and broken files. Raises BadInput where the path does not exist."""
    if not path.exists():
        raise BadInput(f"{path} does not exist; give a folder of .md or .json files, or one file")
    root = path if path.is_dir() else path.parent
    entries: dict[str, Entry] = {}
    broken: list[Broken] = []
    for file in files(path):
        source = file.relative_to(root).as_posix()
        try:
            entries.update((one.entry_id, one) for one in read_file(file, source))
        except (BadInput, OSError) as error:
            broken.append(Broken(source, str(error)))
    return Import(tuple(entries.values()), tuple(broken))


def files(path: Path) -> Iterator[Path]:
    """Files that can hold entries, sorted; ``_index.md`` is a table of contents, links are left."""
    if path.is_file():
        yield path
        return
    for file in sorted(path.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
        wanted = file.suffix.lower() in SUFFIXES and file.name != "_index.md" and not hidden
        if wanted and file.is_file() and not file.is_symlink():
            yield file


def read_file(file: Path, source: str) -> tuple[Entry, ...]:
    """The entries of one file. Raises BadInput where it cannot be read as its suffix says."""
    if file.stat().st_size > MAX_BYTES:
        raise BadInput(f"larger than {MAX_BYTES:,} bytes; split it into one file per topic")
    text = decode(file.read_bytes())
    if file.suffix.lower() == ".json":
        return tuple(from_json(text, source))
    return (from_markdown(text, source),)


def decode(data: bytes) -> str:
    """UTF-8, else GB18030, which Chinese editors still write."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadInput("neither UTF-8 nor GB18030 text; save it as UTF-8")


def from_markdown(text: str, source: str) -> Entry:
    """Title from the front matter, else the first heading, else the file's name."""
    found = FRONT_MATTER.match(text)
    front = front_matter(found[1]) if found else {}
    body = text[found.end() :] if found else text
    heading = HEADING.search(body)
    title = str(front.get("title") or (heading[1] if heading else "") or Path(source).stem)
    return fill(front, identify("knowledge", source), title, body.strip(), source)


def front_matter(text: str) -> Mapping[str, Any]:
    try:
        front = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadInput(f"front matter is not YAML: {str(error).splitlines()[0]}") from error
    if front is not None and not isinstance(front, dict):
        raise BadInput("front matter must be 'key: value' lines between two --- lines")
    return front or {}


def from_json(text: str, source: str) -> Iterator[Entry]:
    """A list of objects, one object, or an object with ``entries``."""
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise BadInput(f"not JSON: {error}") from error
    rows = data.get("entries", [data]) if isinstance(data, dict) else data
    if not isinstance(rows, list):
        raise BadInput('expected a list of entries, an entry, or {"entries": [...]}')
    for number, row in enumerate(rows, start=1):
        yield from_object(row, number, source)


def from_object(row: Any, number: int, source: str) -> Entry:
    """One entry; ``question`` and ``answer`` are older names of title and content."""
    if not isinstance(row, dict):
        raise BadInput(f"entry {number} is {type(row).__name__}, expected an object")
    title = str(row.get("title") or row.get("question") or "").strip()
    content = str(row.get("content") or row.get("answer") or "").strip()
    if not title or not content:
        raise BadInput(f"entry {number} needs title and content (or question and answer)")
    key = str(row.get("id") or title)
    return fill(row, identify("knowledge", source, key), title, content, source)


def fill(front: Mapping[str, Any], key: str, title: str, content: str, source: str) -> Entry:
    made = moment(front.get("created_at") or front.get("timestamp"))
    return Entry(
        entry_id=key,
        title=title.strip()[:300],
        content=content,
        category=str(front.get("category") or "").strip(),
        tags=tuple(dict.fromkeys(words(front.get("tags")) + words(front.get("services")))),
        source=source,
        language=language(f"{title}\n{content}"),
        created_at=made,
        updated_at=moment(front.get("updated_at")) or made,
    )


def words(value: Any) -> tuple[str, ...]:
    """A list, or words between commas."""
    many = value if isinstance(value, list) else str(value or "").split(",")
    return tuple(dict.fromkeys(word for one in many if (word := str(one).strip())))


def moment(value: Any) -> datetime | None:
    """A time from text or YAML; a text that is no time is no reason to refuse the entry."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def fingerprint(entry: Entry) -> str:
    """Changes when what people wrote changes; times, state and version do not count."""
    said = (entry.title, entry.content, entry.category, "\x1e".join(entry.tags))
    return hashlib.sha256("\x1f".join(said).encode("utf-8", "surrogatepass")).hexdigest()


def to_markdown(entry: Entry) -> str:
    """The entry as a file that reads back as itself."""
    front = {"title": entry.title, "category": entry.category, "tags": list(entry.tags)}
    head = yaml.safe_dump(front, allow_unicode=True, sort_keys=False).strip()
    return f"---\n{head}\n---\n\n{entry.content.strip()}\n"
