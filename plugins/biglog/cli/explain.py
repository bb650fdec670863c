"""What a file is read as, and why, as a person and as a program would be told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biglog.cli.console import table
from biglog.settings import LineSettings, SourceSettings

if TYPE_CHECKING:
    from biglog.lines.detect import Detection

SHOWN = 5
"""Formats, and lines that no format reads, that are shown."""
COLUMNS = ("timestamp", "level", "host", "service", "component", "content", "body")
LONGEST = 100


@dataclass(frozen=True, slots=True)
class Explanation:
    """One file: what it is taken for, its first record, and lines that were not read."""

    path: Path
    found: Detection
    record: Mapping[str, Any]
    """Columns and fields of the first record that has a time, or of the first."""
    unread: tuple[Mapping[str, Any], ...]
    """line_no, reason and sample of lines among the first that no format reads."""

    @property
    def ok(self) -> bool:
        return max(self.found.share, self.found.explained) >= 0.5


def explain_file(path: Path) -> Explanation:
    """Reads the beginning of the file as a night would. Raises BadInput where it cannot."""
    from biglog.lines.read import detect, read

    found = detect(path)
    source = SourceSettings(name=path.stem, path=str(path))
    batch = next(iter(read([path], source, LineSettings(batch_lines=10_000))), None)
    rows = batch.lines.slice(0, 200).to_pylist() if batch else []
    timed = (row for row in rows if row["timestamp"] is not None)
    record = next(timed, rows[0] if rows else {})
    unread = batch.bad.slice(0, SHOWN).to_pylist() if batch else []
    return Explanation(path, found, record, tuple(unread))


def in_one_line(told: Explanation) -> str:
    found = told.found
    tried = ", ".join(f"{name} {share:.0%}" for name, share in found.tried[:SHOWN])
    return f"{found.reason}; {found.encoding}; tried: {tried}"


def as_row(told: Explanation) -> dict[str, Any]:
    """Everything, for a program."""
    found = told.found
    return {
        "check": str(told.path),
        "ok": told.ok,
        "says": in_one_line(told),
        "format": found.format,
        "inside": found.inner.format if found.inner else None,
        "encoding": found.encoding,
        "share": round(found.share, 4),
        "explained": round(found.explained, 4),
        "others": list(found.others),
        "tried": [{"format": name, "share": round(share, 4)} for name, share in found.tried],
        "record": record_of(told),
        "unread": list(told.unread),
    }


def record_of(told: Explanation) -> dict[str, Any]:
    kept = {name: told.record[name] for name in COLUMNS if told.record.get(name) is not None}
    fields = told.record.get("fields")
    return kept | {"fields": json.loads(fields)} if fields else kept


def show(told: Explanation) -> None:
    """Everything, for a person: the choice, the candidates, one record, what was not read."""
    table(
        [{"": "ok" if told.ok else "!!", "file": told.path, "says": told.found.reason}],
        {"": "", "file": "file", "says": f"read as {told.found.format}, {told.found.encoding}"},
    )
    table(candidates(told.found), {"format": "  format", "share": "explains", "what": "what it is"})
    parts = record_rows(told)
    if parts:
        heading = f"in line {told.record['line_no']}"
        table(parts, {"part": "  part", "kind": "kind", "value": heading})
    if told.unread:
        rows = [{**row, "line_no": f"  {row['line_no']}", "sample": short(row["sample"])}
                for row in told.unread]  # fmt: skip
        table(rows, {"line_no": "  line", "reason": "not read, because", "sample": "it says"})


def candidates(found: Detection) -> list[dict[str, str]]:
    """The formats that read anything, the chosen one first, and how many read nothing."""
    from biglog.lines.formats import find_format

    shares = dict(found.tried)
    inside = [found.inner.format] if found.inner else []
    notes = {found.format: "taken", **dict.fromkeys(found.others, "for other lines")}
    notes |= dict.fromkeys(inside, "inside it")
    rest = [name for name, share in found.tried if share > 0 and name != "message"]
    names = dict.fromkeys([found.format, *inside, *found.others, *rest[:SHOWN]])
    rows = [
        {
            "format": f"  {name}",
            "share": f"{dict(found.inner.tried if found.inner else found.tried)[name]:.0%}"
            if name in inside
            else f"{shares[name]:.0%}",
            "what": ": ".join(filter(None, (notes.get(name), find_format(name).description))),
        }
        for name in names
    ]
    none = sum(not share for share in shares.values())
    return [*rows, {"format": "  others", "share": "0%", "what": f"{none} that read no line"}]


def record_rows(told: Explanation) -> list[dict[str, str]]:
    """The parts of the record, with what its format says they hold."""
    from biglog.lines.formats import find_format

    names = [told.found.format, *([told.found.inner.format] if told.found.inner else [])]
    kinds = {key: kind for name in names for key, kind in find_format(name).kinds.items()}
    record = record_of(told)
    fields = record.pop("fields", {})
    rows = [{"part": f"  {name}", "kind": "", "value": short(record[name])} for name in record]
    return rows + [
        {"part": f"  {name}", "kind": kinds.get(name, "text"), "value": short(value)}
        for name, value in fields.items()
    ]


def short(value: Any) -> str:
    text = " ⏎ ".join(str(value).splitlines())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
