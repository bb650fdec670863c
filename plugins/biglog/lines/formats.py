"""Log formats as data: one TOML file each, which carries the sample lines that prove it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from biglog.errors import BadInput

FOLDER = Path(__file__).parent / "formats"
KINDS = ("pattern", "json", "otlp", "logfmt", "csv", "w3c", "message")
# What a group that is no column may hold.
FIELD_KINDS = (
    "number", "duration", "size", "ip", "address", "url", "path", "method", "status", "id", "name",
    "user", "code", "text", "time",
)  # fmt: skip
CONTINUATIONS = ("none", "trace", "indent", "any")
GOING_ON = (
    r"^(?:\s|Traceback|Caused by|\.\.\. \d+ more|[A-Za-z_.$]*(?:Error|Exception)\b|[)}\]#]|--> "
    r"|\*\* \(|During handling of|The above exception|panic: |goroutine \d+ \[|created by )"
)
"""How a line begins that, by its looks, is the rest of a record: of a trace, of a dump."""
# Column names a pattern's groups may use; any other group goes to the record's ``fields``.
COLUMNS = ("timestamp", "level", "host", "service", "component", "content")
MACROS = {
    "ISO": r"[0-9]{4}[-/.][0-9]{2}[-/.][0-9]{2}[ T_][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,:][0-9]+)?"
    r"(?: ?(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?",
    "LEVEL": r"(?i:trace|debug|verbose|finest|finer|fine|config|info|information|notice|note|warn"
    r"|warning|error|err|severe|fatal|critical|crit|panic|alert|emergency|emerg"
    r"|trc|dbg|vrb|inf|wrn|ftl|ddebug|subdebug)",
}


@dataclass(frozen=True, slots=True)
class Sample:
    line: str
    expect: Mapping[str, Any]
    after: str = ""
    """Lines above it in the file: a CSV header, the record it continues."""


@dataclass(frozen=True, slots=True)
class Format:
    """How one kind of log is written."""

    name: str
    description: str
    kind: str = "pattern"
    rank: int = 50
    """Of formats that read a file equally well, the highest is taken."""
    patterns: tuple[str, ...] = ()
    """Tried in order; named groups become columns."""
    time: tuple[str, ...] = ("any",)
    """Timestamp layouts, tried in order (see times.py)."""
    content: str = ""
    """How the message is put together where the pattern has no group ``content``."""
    status: str = ""
    """Group with an HTTP status, which gives the level and ``{reason}``."""
    dateless: str = ""
    """Group with a time of day whose date the line does not tell; it stays among the fields."""
    priority: str = ""
    """Group with a syslog priority, which gives the level."""
    structured: str = ""
    """Group with RFC 5424 structured data, spread over ``fields``."""
    absent: tuple[str, ...] = ()
    """Texts that mean "no value" in a field."""
    reject: Mapping[str, str] = field(default_factory=dict)
    """Group -> regex of what it cannot be: a line with ``INFO`` for a host is not syslog."""
    continuation: str = "none"
    """Which lines that do not match go on with the record above: none, trace, indent or any."""
    attach: tuple[str, ...] = ()
    """Levels that belong to the record above: PostgreSQL's DETAIL, HINT, …"""
    attach_by: str = ""
    """Only to a record with the same value in this group."""
    completes: tuple[str, ...] = ()
    """Patterns of lines below a record's first that fill in what that one leaves open."""
    reopens: bool = False
    """Whether the first of ``completes`` begins a record where the one above already has it."""
    aside: str = ""
    """Regex of lines that are no record and belong to none: preambles, directives."""
    mark: str = ""
    """Regex that every line of the format contains; tells the dialects of JSON apart."""
    unwrap: bool = False
    """Whether the content is itself a line of a log, to be read again by that log's format."""
    carries: bool = False
    """Whether its messages may be JSON or access lines, read again where most of them are."""
    piece: str = ""
    """Regex of a wrapper's line whose content goes on in the next one of the same stream."""
    piece_bytes: int = 0
    """No shorter line is a piece: what a wrapper cuts, it cuts at a size."""
    doubled: bool = False
    """Whether a quote in the content is written twice."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Group -> what it holds, one of FIELD_KINDS."""
    hints: tuple[str, ...] = ()
    """Words in a file's path that speak for the format."""
    levels: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Column -> names it goes by in JSON, logfmt and CSV."""
    sample: tuple[Sample, ...] = ()


@lru_cache
def load_formats(folder: Path = FOLDER) -> Mapping[str, Format]:
    """Every format of a folder by name. Raises BadInput for a file that is not a format."""
    formats = [read_format(path) for path in sorted(folder.glob("*.toml"))]
    return MappingProxyType({one.name: one for one in formats})


def find_format(name: str) -> Format:
    formats = load_formats()
    if name not in formats:
        raise BadInput(f"no format named {name!r}; known: auto, {', '.join(sorted(formats))}")
    return formats[name]


def read_format(path: Path) -> Format:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is not valid TOML: {error}") from error
    known = {one.name for one in fields(Format)}
    for key in table:
        if key not in known:
            raise BadInput(f"{path}: unknown key {key!r}; known: {', '.join(sorted(known))}")
    if table.get("name") != path.stem:
        raise BadInput(
            f"{path}: name = {table.get('name')!r}, expected the file's own {path.stem!r}"
        )
    made = Format(**{key: freeze(key, value, path) for key, value in table.items()})
    check_format(made, path)
    return made


def freeze(key: str, value: Any, path: Path) -> Any:
    if key == "sample":
        return tuple(make_sample(row, path) for row in value)
    if key == "patterns":
        return tuple(expand(one) for one in value)
    if key == "completes":
        return tuple(with_content(expand(one)) for one in value)
    if key in ("aside", "mark", "piece"):
        return expand(value)
    if key in ("levels", "kinds"):
        return MappingProxyType(dict(value))
    if key == "reject":
        return MappingProxyType({name: f"^(?:{expand(one)})$" for name, one in value.items()})
    if key == "keys":
        return MappingProxyType({column: tuple(names) for column, names in value.items()})
    return tuple(value) if isinstance(value, list) else value


def with_content(pattern: str) -> str:
    """The pattern with an empty message where it reads none."""
    return pattern if "(?P<content>" in pattern else pattern + "(?P<content>)"


def make_sample(row: Mapping[str, Any], path: Path) -> Sample:
    try:
        return Sample(**row)
    except TypeError as error:
        raise BadInput(
            f"{path}: a [[sample]] has line, expect and after, got {list(row)}"
        ) from error


def expand(pattern: str) -> str:
    """The pattern with <<MACROS>> written out, and ``\\d`` as ASCII digits (far cheaper tables)."""
    for name, text in MACROS.items():
        pattern = pattern.replace(f"<<{name}>>", text)
    return re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", plain_digits, pattern.strip())


def plain_digits(piece: re.Match[str]) -> str:
    """An escape or a set of a pattern, with ASCII digits only."""
    text = piece.group()
    if text == r"\d":
        return "[0-9]"
    return text.replace(r"\d", "0-9") if text.startswith("[") else text


def check_format(made: Format, path: Path) -> None:
    if made.kind not in KINDS:
        raise BadInput(f"{path}: kind = {made.kind!r}, expected one of {', '.join(KINDS)}")
    if (made.kind == "pattern") != bool(made.patterns):
        raise BadInput(f"{path}: patterns belong to kind = 'pattern', and that kind needs one")
    if made.continuation not in CONTINUATIONS:
        raise BadInput(
            f"{path}: continuation = {made.continuation!r}, expected {', '.join(CONTINUATIONS)}"
        )
    if not made.sample:
        raise BadInput(f"{path}: no [[sample]]; a format carries at least one line that proves it")
    groups = {name for one in made.patterns for name in pattern_groups(one, made, path)}
    for one in (*made.completes, made.aside, made.mark, made.piece):
        groups |= set(compile_pattern(one, path).groupindex)
    check_kinds(made, groups, path)


def pattern_groups(pattern: str, made: Format, path: Path) -> Mapping[str, int]:
    groups = compile_pattern(pattern, path).groupindex
    if "content" not in groups and not made.content:
        raise BadInput(f"{path}: a pattern needs a group 'content', or the format a content key")
    return groups


def compile_pattern(pattern: str, path: Path) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise BadInput(f"{path}: pattern {pattern!r} is not a regex: {error}") from error


def check_kinds(made: Format, groups: set[str], path: Path) -> None:
    for name, kind in made.kinds.items():
        if kind not in FIELD_KINDS:
            raise BadInput(
                f"{path}: kinds.{name} = {kind!r}, expected one of {', '.join(FIELD_KINDS)}"
            )
        if made.kind == "pattern" and name not in groups:
            raise BadInput(f"{path}: kinds.{name} is no group of its patterns")
