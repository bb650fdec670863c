"""One uploaded file, judged against what earlier nights know; its result lies beside it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from biglog import lake, offline
from biglog.errors import BadInput
from biglog.installation import Site

MAX_BYTES = 512 * 1024**2
SHOWN = 50
USUAL_DAYS = 28


@dataclass(frozen=True, slots=True)
class OddKind:
    """One kind of odd line: how often it came, the first place, and why it is odd."""

    template: str
    lines: int
    first_line: int
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of one file; the kinds are the oddest first, SHOWN at most."""

    name: str
    lines: int
    anomalous: int
    templates: int
    compared_with: str
    csv: str
    kinds: tuple[OddKind, ...]


def result_folder(path: Path) -> Path:
    return path.with_name(f"{path.name}.result")


def analyse(site: Site, path: Path, format_name: str) -> dict[str, Any]:
    """Judge every line of a file. Raises BadInput where it is missing, empty or too large."""
    offline.check_files([path])
    if path.stat().st_size > MAX_BYTES:
        raise BadInput(f"{path.name} has {path.stat().st_size:,} bytes; at most {MAX_BYTES:,}")
    usual, compared = usual_counts(site)
    rows = offline.judge_lines([path], format_name, usual)
    folder = result_folder(path)
    table = folder / "lines.csv"
    with lake.replacing(table) as draft:
        rows.write_csv(draft)
    result = FileResult(
        name=path.name,
        lines=rows.height,
        anomalous=int(rows["anomalous"].sum()),
        templates=rows["template"].n_unique(),
        compared_with=compared,
        csv=str(table),
        kinds=tuple(odd_kinds(rows)),
    )
    lake.write_json(folder / "summary.json", FileResult, result)
    return {key: value for key, value in asdict(result).items() if key != "kinds"}


def usual_counts(site: Site) -> tuple[offline.Past | None, str]:
    """Lines per known template over the last nights, and those nights in words."""
    from biglog.store import read

    today = datetime.now(UTC).date()
    nights = read.nights(site.engine)[-USUAL_DAYS:]
    if not nights:
        return None, f"the file itself: no night before {today + timedelta(days=1)} is known"
    counts = read.template_totals(site.engine, nights)
    return offline.Past(counts, read.templates(site.engine)), f"{nights[0]} to {nights[-1]}"


def odd_kinds(rows: pl.DataFrame) -> list[OddKind]:
    kinds = (
        rows.filter("anomalous")
        .group_by("template")
        .agg(
            pl.len().alias("lines"),
            pl.col("line_no").min().alias("first_line"),
            pl.col("score").max(),
            pl.col("reason").first(),
        )
        .sort("score", "first_line", descending=[True, False])
        .head(SHOWN)
    )
    return [OddKind(**row) for row in kinds.iter_rows(named=True)]
