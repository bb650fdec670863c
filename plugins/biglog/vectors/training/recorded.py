"""Distinct masked lines of recorded logs whose terms are permissive."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from biglog.vectors.training.masking import mask

# Every folder here is MIT, BSD or Apache-2.0 material; research-only sets must never be added.
PERMISSIVE = (
    ("web/apache_logs", "Apache-2.0"),
    ("web/nginxplus_json_logs", "Apache-2.0"),
    ("raw/elastic_kafka", "Apache-2.0"),
    ("raw/elastic_auth", "Apache-2.0"),
    ("formats/lnav_formats", "BSD-2-Clause"),
    ("rca/nezha_trainticket", "MIT"),
)
_CAP = 3000
_LONGEST = 400
_HEADER = re.compile(r"^(\[TIMESTAMP\]|\[NUM\]|\[(?=\[)|[\s\],.:;|-])+")


def read_recorded(folder: Path | None) -> Iterator[tuple[str, str, list[str]]]:
    """(folder, licence, distinct masked lines, at most 3,000 each)."""
    for name, licence in PERMISSIVE if folder else ():
        assert folder is not None
        shapes: dict[str, None] = {}
        for path in _files(folder / name):
            for shape in _shapes(path):
                shapes.setdefault(shape)
            if len(shapes) >= 4 * _CAP:
                break
        step = max(1, len(shapes) // _CAP)
        yield name, licence, list(shapes)[::step][:_CAP]


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())


def _shapes(path: Path) -> Iterator[str]:
    if (
        path.suffix in (".csv", ".json", ".md") and "log" not in path.parts
    ) or path.suffix == ".gz":
        return
    for line in path.read_text("utf-8", "replace").splitlines()[:20_000]:
        said = _HEADER.sub("", mask(_message(line)[:_LONGEST]))
        if len(re.findall(r"[A-Za-z]{3,}", said)) >= 2:
            yield said


def _message(line: str) -> str:
    """The log text inside a JSON record, also one quoted in a CSV row; else the line itself."""
    start = line.find("{")
    body = line[start:].rstrip('"').replace('""', '"') if ',"{""' in line else line[start:]
    try:
        record = json.loads(body) if start >= 0 else None
    except ValueError:
        record = None
    if isinstance(record, dict):
        said = record.get("log") or record.get("message") or record.get("msg")
        return str(said) if said else line
    return line
