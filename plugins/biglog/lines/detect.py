"""Which formats a file is written in, judged by a sample of its lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from biglog.columns import from_series
from biglog.lines.archives import parts
from biglog.lines.decode import read_chunks
from biglog.lines.formats import GOING_ON, Format, find_format, load_formats
from biglog.lines.kernels import UNSURE, YES
from biglog.lines.objects import (
    PAIRED,
    decode_one,
    pair_quotes,
    read_csv,
    read_fields,
    read_header,
    read_json,
    read_logfmt,
    read_w3c,
    unread,
)
from biglog.lines.parts import Part
from biglog.lines.patterns import READ, read_pattern, read_patterns
from biglog.lines.program import signs_of
from biglog.settings import LineSettings

SAMPLE = 300
HEAD = 24
"""Bytes of a line by which most patterns are told not to read it."""
SEEN = 1 << 20
"""Bytes of a file that are looked at."""
LONGEST = 50_000
"""Characters of a sample line; a JSON document must be seen whole to be seen as one."""
DECODED = 100
"""Sample lines that are decoded to see whether they are JSON."""
TIE = 0.03
"""Shares closer than this are equal, and the more specific format is taken."""
ENOUGH = 0.5
"""Below this share no format fits, and a line that no format reads is a message."""
SPECIFIC = 30
"""Rank from which a format says more of a line than that it begins with a time."""
PART = 0.2
"""Share of a sample from which a specific format goes before one that is not."""

Header = tuple[str, list[str]]
Taken = dict[str, pl.Series]
"""Format -> which lines of a sample it reads."""


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
    """Index of the first of the format's patterns that reads anything here."""
    header: Header | None = None
    others: tuple[str, ...] = ()
    """Formats of lines that the main one does not read, most lines first."""
    inner: Detection | None = None
    """What the lines inside a wrapper are."""
    reason: str = ""
    """Why this format, in one sentence."""
    mixed: bool = False
    """Whether a line that the format does not read may be of another."""
    explained: float = 0.0
    """How much of the sample the format and the others explain together, 0 to 1."""


def detect(file: Path | Part, *, max_line: int = 1_000_000, only: str = "auto") -> Detection:
    """The format of a file, or how it fits the only one asked about; of an archive, its oldest's.

    Raises BadInput where the file cannot be opened.
    """
    known = load_formats() if only == "auto" else {only: find_format(only)}
    part = file if isinstance(file, Part) else next(parts(file, LineSettings()))
    sample, encoding = take_sample(part, max_line)
    return judge(sample, encoding, known, str(file).lower())


def take_sample(part: Part, max_line: int) -> tuple[pl.Series, str]:
    """The first lines of a file, and lines spread over what follows; without blank ones."""
    chunk = next(read_chunks(part, max_line=max_line, batch=200_000, block=SEEN))
    lines = chunk.lines.filter(chunk.lines.str.contains(r"\S"))
    beyond = lines.slice(SAMPLE)
    spread = beyond.gather_every(max(1, len(beyond) // SAMPLE)).head(SAMPLE)
    return pl.concat([lines.head(SAMPLE), spread]).str.head(LONGEST), chunk.encoding


def judge(sample: pl.Series, encoding: str, formats: Mapping[str, Format], path: str) -> Detection:
    header = find_header(sample, formats)
    taken = take(sample, formats.values(), header)
    shares = {name: share(sample, formats[name], lines) for name, lines in taken.items()}
    tried = tuple(sorted(shares.items(), key=lambda item: -item[1]))
    together = explained(sample, taken, formats)
    name = choose(shares, formats, path, together=together)
    form = formats[name]
    mixed = len(formats) > 1
    return Detection(
        format=name,
        encoding=encoding,
        share=shares[name],
        tried=tried,
        sample=sample[0][:200] if len(sample) else "",
        first=first_pattern(sample, form),
        header=header.get(name),
        others=cover(taken, formats, left(sample, form, taken)) if mixed else (),
        inner=look_inside(sample, form, encoding, header.get(name), path),
        reason=explain_choice(name, shares, formats, path),
        mixed=mixed,
        explained=together if mixed else shares[name],
    )


def choose(
    shares: Mapping[str, float], formats: Mapping[str, Format], path: str, *, together: float
) -> str:
    """The most specific of the formats that explain most; message where none explains enough.

    Where only several together explain enough, the one of them that explains most. One that reads
    any line with a time gives way to one that says more of part of the lines: it reads the rest.
    """
    if len(formats) == 1:
        return next(iter(formats))
    close = closest(shares)
    named = [one for one in shares if one != "message"]
    if not close and together < ENOUGH:
        return "message"
    best = max(close or named, key=lambda one: (hinted(formats[one], path), formats[one].rank)
               if close else (shares[one], formats[one].rank))  # fmt: skip
    if formats[best].rank >= SPECIFIC or formats[best].unwrap:
        return best
    finer = [one for one in named if formats[one].rank >= SPECIFIC and shares[one] >= PART]
    return max(finer, key=lambda one: (shares[one], formats[one].rank), default=best)


def explained(sample: pl.Series, taken: Taken, formats: Mapping[str, Format]) -> float:
    """How much of the sample the formats explain together, with lines that go on with a record."""
    if not len(sample):
        return 1.0
    read = none_of(sample)
    for name, lines in taken.items():
        if formats[name].kind != "message":
            read |= lines
    going_on = sample.str.contains(GOING_ON)
    return int((read | going_on).sum()) / len(sample) if read.any() else 0.0


def closest(shares: Mapping[str, float]) -> list[str]:
    """The formats that explain as much as the best one; none where that is not enough."""
    named = {one: value for one, value in shares.items() if one != "message"}
    best = max(named.values(), default=0.0)
    return [one for one, value in named.items() if value >= max(best - TIE, ENOUGH)]


def hinted(form: Format, path: str) -> bool:
    return any(word in path for word in form.hints)


def explain_choice(
    name: str, shares: Mapping[str, float], formats: Mapping[str, Format], path: str
) -> str:
    """Why this format was taken, in one sentence."""
    said = f"{name} explains {shares[name]:.0%} of the sample"
    if len(formats) == 1:
        return f"{said}; no other was asked about"
    if name == "message":
        best = max((one for one in shares if one != name), key=lambda one: shares[one])
        near = f"; the nearest, {best}, explains {shares[best]:.0%}" if shares[best] else ""
        return f"no format explains {ENOUGH:.0%} of the sample{near}, so a line is its own message"
    close = closest(shares)
    rivals = ", ".join(one for one in close if one != name)
    if not rivals:
        return f"{said}, more than any other"
    if name not in close:
        return f"{said} and says more of a line than {rivals}, which would explain more"
    if hinted(formats[name], path):
        return f"{said}, as {rivals} would, and the file's path speaks for it"
    return f"{said}, as {rivals} would, and is the more specific"


def find_header(sample: pl.Series, formats: Mapping[str, Format]) -> dict[str, Header]:
    """Delimiter and column names by format, where the sample names its columns."""
    found: dict[str, Header] = {}
    for form in formats.values():
        header = None
        if form.kind == "csv" and len(sample):
            header = read_header(sample[0], form)
        if form.kind == "w3c":
            header = read_fields(sample, form)
        if header is not None:
            found[form.name] = header
    return found


def take(sample: pl.Series, formats: Iterable[Format], header: Mapping[str, Header]) -> Taken:
    """Which lines of the sample each format reads."""
    objects, look = json_objects(sample), look_of(sample)
    return {one.name: takes(sample, one, header.get(one.name), objects, look) for one in formats}


def none_of(lines: pl.Series) -> pl.Series:
    """False for each line; ``pl.repeat`` takes ten times as long, and each format asks."""
    return pl.Series(np.zeros(len(lines), np.bool_))


def json_objects(sample: pl.Series) -> pl.Series:
    """Which lines are whole JSON objects; beyond the first that were decoded, which look it."""
    looks = sample.str.contains(r"^\s*\{.*\}\s*$")
    rows = looks.arg_true().head(DECODED)
    good = [decode_one(text) is not None for text in sample.gather(rows).to_list()]
    return looks.scatter(rows, pl.Series(good, dtype=pl.Boolean)) if len(rows) else looks


@dataclass(frozen=True, slots=True)
class Look:
    """The bytes of a sample: all, and the first of each line, 256 beyond its end."""

    data: bytes
    heads: npt.NDArray[np.uint16]


def look_of(sample: pl.Series) -> Look:
    text = from_series(sample)
    at = text.offsets[:-1, None] + np.arange(HEAD)
    padded = np.append(text.data, np.uint8(0)).astype(np.uint16)
    inside = padded[np.minimum(at, len(text.data))]
    return Look(text.data.tobytes(), np.where(at < text.offsets[1:, None], inside, np.uint16(256)))


def takes(
    sample: pl.Series, form: Format, header: Header | None, objects: pl.Series, look: Look
) -> pl.Series:
    """Which lines the format reads: as ``read_kind`` would find, without reading them."""
    if form.kind in ("json", "otlp"):
        marked = form.mark and objects.any()
        return objects & sample.str.contains(form.mark) if marked else objects
    if form.kind in ("csv", "w3c") and header is None:
        return none_of(sample)
    if form.kind == "csv" and header is not None:
        return takes_rows(sample, form, header)
    if form.kind == "logfmt" and not sample.str.contains(PAIRED).any():
        return none_of(sample)
    if form.kind == "pattern":
        hits = hit(sample, form, look)
        if not form.reject or not hits.any():
            return hits
    return read_kind(sample, form, header=header)["matched"]


def takes_rows(sample: pl.Series, form: Format, header: Header) -> pl.Series:
    """Which lines of a CSV are rows, or parts of one whose quoted cells hold newlines."""
    alone = read_kind(sample, form, header=header)["matched"]
    spans, _ = pair_quotes(sample, header, max_bytes=SEEN)
    parts = [at for first, last in spans for at in range(first, last + 1)]
    return alone.clone().scatter(parts, True) if parts else alone


def hit(sample: pl.Series, form: Format, look: Look) -> pl.Series:
    """Which lines one of the patterns reads. Searching costs a tenth of taking groups out, and
    making an engine ready to search as much again, of all patterns more than polars keeps.
    """
    found = none_of(sample)
    for pattern in form.patterns:
        if found.all():
            break
        if may_fit(pattern, look):
            found |= sample.str.contains(pattern)
    return found


def may_fit(pattern: str, look: Look) -> bool:
    """Whether any line begins as the pattern's lines do, and what they all have is there."""
    signs, heads = signs_of(pattern), look.heads
    if not all(one in look.data for one in signs.literals):
        return False
    for place, known in enumerate(signs.head[:HEAD]):
        found = known[heads[:, place]]
        if (found == UNSURE).any():
            return True
        heads = heads[found == YES]
        if not len(heads):
            return False
    return True


def share(sample: pl.Series, form: Format, lines: pl.Series) -> float:
    """How much of the sample a format explains: its own lines, and lines that go on with one."""
    if not len(sample):
        return 1.0 if form.kind == "message" else 0.0
    own = int(lines.sum())
    if form.kind == "csv":
        own += own > 0
    rest = sample.filter(~lines)
    if form.aside and own:
        own += int(rest.str.contains(form.aside).sum())
    if form.continuation == "none" or not own:
        return min(1.0, own / len(sample))
    going = rest.str.contains(GOING_ON)
    for pattern in form.completes:
        going |= rest.str.contains(pattern)
    going_on = int(going.sum())
    if own < 0.2 * (len(sample) - going_on):
        return own / len(sample)
    other = len(rest) - going_on if form.continuation == "any" else 0
    return min(1.0, (own + going_on + 0.5 * other) / len(sample))


def left(sample: pl.Series, form: Format, taken: Taken) -> pl.Series:
    """Which lines the format neither reads nor takes for the rest of a record."""
    if form.kind == "message":
        return ~none_of(sample)
    return ~taken[form.name] & ~belongs(sample, form)


def belongs(lines: pl.Series, form: Format) -> pl.Series:
    """Which lines look like the rest of a record, or like none, to a format that went before."""
    if form.continuation == "none" and not form.aside:
        return none_of(lines)
    going = r"^\s" if form.continuation == "indent" else GOING_ON
    known = [going] if form.continuation != "none" else []
    known += [form.aside] if form.aside else []
    return lines.str.contains("|".join(f"(?:{one})" for one in known))


def cover(taken: Taken, formats: Mapping[str, Format], rest: pl.Series) -> tuple[str, ...]:
    """The fewest formats that read what can be read of the rest; at each step the best."""
    chosen: list[str] = []
    able = {one: lines & rest for one, lines in taken.items() if formats[one].kind not in NOT_MIXED}
    while rest.any():
        counts = {one: int((lines & rest).sum()) for one, lines in able.items()}
        best = max(counts, key=lambda one: (counts[one], formats[one].rank), default="")
        if not best or not counts[best]:
            break
        chosen.append(best)
        rest = rest & ~able.pop(best)
    return tuple(chosen)


NOT_MIXED = ("message", "csv", "w3c", "otlp")
"""Kinds that a single line in a file of another format cannot be."""


def look_inside(
    sample: pl.Series, form: Format, encoding: str, header: Header | None, path: str
) -> Detection | None:
    """What the lines are that a wrapper wraps, or that most messages of another format are."""
    if not (form.unwrap or form.carries):
        return None
    read = read_kind(sample, form, header=header)
    lines = read["content"].filter(read["matched"] & read["content"].str.contains(r"\S"))
    inside = {name: one for name, one in load_formats().items() if may_hold(form, one)}
    found = judge(lines, encoding, inside, path)
    if form.unwrap:
        return found
    return replace(found, mixed=False) if found.format != "message" else None


def may_hold(outer: Format, inner: Format) -> bool:
    if inner.unwrap:
        return False
    return outer.unwrap or inner.kind in ("json", "message") or bool(inner.status)


def first_pattern(sample: pl.Series, form: Format) -> int:
    """The first pattern that reads anything here: none before it is worth trying first."""
    for at, pattern in enumerate(form.patterns[:-1]):
        found = sample.filter(sample.str.contains(pattern))
        if len(found) and (not form.reject or read_pattern(found, pattern, form)["matched"].any()):
            return at
    return max(0, len(form.patterns) - 1)


def read_kind(
    lines: pl.Series, form: Format, *, first: int = 0, header: Header | None = None
) -> pl.DataFrame:
    """One row a line with the columns of READ, by a format of any kind."""
    if form.kind == "pattern":
        return read_patterns(lines, form, first)
    if form.kind in ("json", "otlp"):
        return read_json(lines, form)
    if form.kind == "logfmt":
        return read_logfmt(lines, form)
    if form.kind == "csv":
        return read_csv(lines, form, header) if header else unread(len(lines))
    if form.kind == "w3c":
        return read_w3c(lines, form, header) if header else unread(len(lines))
    blank = {name: pl.lit(None, kind) for name, kind in READ.items()}
    blank |= {"content": pl.col("raw"), "matched": pl.lit(True), "attached": pl.lit(False)}
    return lines.to_frame("raw").select(expr.alias(name) for name, expr in blank.items())
