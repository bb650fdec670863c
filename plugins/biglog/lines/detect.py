"""Which format a file is written in, judged by a sample of its lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from biglog.lines.decode import read_chunks
from biglog.lines.formats import Format, find_format, load_formats
from biglog.lines.objects import read_csv, read_header, read_json, read_logfmt, unread
from biglog.lines.patterns import READ, read_pattern, read_patterns

SAMPLE = 300
SEEN = 1 << 20
"""Bytes of a file that are looked at."""
LONGEST = 50_000
"""Characters of a sample line; a JSON document must be seen whole to be seen as one."""
TIE = 0.03
"""Shares closer than this are equal, and the more specific format is taken."""
ENOUGH = 0.5
"""Below this share no format fits, and each line is a message."""
GOING_ON = r"^(?:\s|Traceback|Caused by|\.\.\. \d+ more|[A-Za-z_.$]*(?:Error|Exception)\b|[)}\]#])"

Header = tuple[str, list[str]]


@dataclass(frozen=True, slots=True)
class Detection:
    """What a file looks like. ``share`` is how much of the sample the format explains, 0 to 1."""

    format: str
    encoding: str
    share: float
    tried: tuple[tuple[str, float], ...]
    """Every format with its share, the best first."""
    sample: str
    first: int = 0
    """Index of the format's pattern that fits best."""
    header: Header | None = None


def detect(path: Path, *, max_line: int = 1_000_000, only: str = "auto") -> Detection:
    """The format of a file, or how it fits the only one asked about.

    Raises BadInput where the file cannot be opened.
    """
    known = load_formats() if only == "auto" else {only: find_format(only)}
    sample, encoding = take_sample(path, max_line)
    return judge(sample, encoding, known, str(path).lower())


def take_sample(path: Path, max_line: int) -> tuple[pl.Series, str]:
    """The first lines of a file, and lines spread over what follows; without blank ones."""
    chunk = next(read_chunks(path, max_line=max_line, batch=200_000, block=SEEN))
    lines = chunk.lines.filter(chunk.lines.str.contains(r"\S"))
    beyond = lines.slice(SAMPLE)
    spread = beyond.gather_every(max(1, len(beyond) // SAMPLE)).head(SAMPLE)
    return pl.concat([lines.head(SAMPLE), spread]).str.head(LONGEST), chunk.encoding


def judge(sample: pl.Series, encoding: str, formats: Mapping[str, Format], path: str) -> Detection:
    header = find_header(sample, formats)
    shares = {one.name: share(sample, one, header) for one in formats.values()}
    tried = tuple(sorted(shares.items(), key=lambda item: -item[1]))
    best = max((value for one, value in tried if one != "message"), default=0.0)
    name = "message" if len(formats) > 1 else next(iter(formats))
    if best >= ENOUGH:
        close = [formats[one] for one, value in tried if value >= best - TIE and one != "message"]
        name = max(close, key=lambda one: (any(word in path for word in one.hints), one.rank)).name
    example = sample[0][:200] if len(sample) else ""
    first = best_pattern(sample, formats[name])
    return Detection(name, encoding, shares[name], tried, example, first, header)


def find_header(sample: pl.Series, formats: Mapping[str, Format]) -> Header | None:
    tables = [one for one in formats.values() if one.kind == "csv"]
    return read_header(sample[0], tables[0]) if tables and len(sample) else None


def share(sample: pl.Series, form: Format, header: Header | None) -> float:
    """How much of the sample a format explains: its own lines, and lines that go on with one."""
    if not len(sample):
        return 1.0 if form.kind == "message" else 0.0
    matched = read_kind(sample, form, header=header)["matched"]
    own = int(matched.sum())
    if form.kind == "csv":
        own += header is not None and own > 0
    if form.continuation == "none" or not own:
        return own / len(sample)
    rest = sample.filter(~matched)
    going_on = int(rest.str.contains(GOING_ON).sum())
    if own < 0.2 * (len(sample) - going_on):
        return own / len(sample)
    other = len(rest) - going_on if form.continuation == "any" else 0
    return (own + going_on + 0.5 * other) / len(sample)


def best_pattern(sample: pl.Series, form: Format) -> int:
    if len(form.patterns) < 2 or not len(sample):
        return 0
    hits = [int(read_pattern(sample, one, form)["matched"].sum()) for one in form.patterns]
    return hits.index(max(hits))


def read_kind(
    lines: pl.Series, form: Format, *, first: int = 0, header: Header | None = None
) -> pl.DataFrame:
    """One row a line with the columns of READ, by a format of any kind."""
    if form.kind == "pattern":
        return read_patterns(lines, form, first)
    if form.kind == "json":
        return read_json(lines, form)
    if form.kind == "logfmt":
        return read_logfmt(lines, form)
    if form.kind == "csv":
        return read_csv(lines, form, header) if header else unread(len(lines))
    blank = {name: pl.lit(None, kind) for name, kind in READ.items()}
    blank |= {"content": pl.col("raw"), "matched": pl.lit(True), "attached": pl.lit(False)}
    return lines.to_frame("raw").select(expr.alias(name) for name, expr in blank.items())
