"""The same stages over plain files, with no database: what the file commands run."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa

from biglog.errors import BadInput
from biglog.records import Encoder, Match, Template
from biglog.settings import LineSettings, SourceSettings, TemplateSettings

if TYPE_CHECKING:
    from biglog.findings.values import Reach
    from biglog.templates.catalogue import Catalogue

BATCH = 1_000_000
A_FEW = 3
"""Matching lines of one template that come before another template's."""
CODES = ("file", "level", "host", "template_id", "template")
NO_LINE = "the files hold no line; give at least one line to judge"
KEPT = ("line_no", "timestamp", *CODES)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A batch of lines with the template of each; ids and parameters are parallel to lines."""

    lines: pa.Table  # LINES
    template_ids: pa.Array
    parameters: pa.Array
    templates: dict[str, Template]


def check_files(files: Sequence[Path]) -> None:
    """Raises BadInput for the first file that is not there or is not a file."""
    for path in files:
        if not path.exists():
            raise BadInput(f"{path}: no such file; give the path of a log file")
        if path.is_dir():
            raise BadInput(f"{path} is a directory, expected a file; try {path}/*.log")
        if not os.access(path, os.R_OK):
            raise BadInput(f"{path}: no permission to read it; ask its owner, or copy it")
    if files and not any(path.stat().st_size for path in files if path.is_file()):
        raise BadInput(f"{files[0]} is empty, expected at least one line; check what writes it")


def line_batches(files: Sequence[Path], format_name: str) -> Iterator[pa.Table]:
    """LINES, one row per physical line, in batches of at most BATCH lines."""
    from biglog.lines.read import read

    check_files(files)
    source = SourceSettings(name="files", path="", format=format_name)
    for batch in read(files, source, LineSettings(batch_lines=BATCH), joined=False):
        yield batch.lines


def parse_files(
    files: Sequence[Path], format_name: str, *, catalogue: dict[str, Template] | None = None
) -> Iterator[Parsed]:
    """Every line with its template, under the patterns that held at the end.

    What fits one batch is mined once. More is read twice: first to learn the templates, then to
    match them, so that a pattern which widened late still covers the earliest line.
    """
    from biglog.templates.catalogue import Catalogue

    known = Catalogue((catalogue or {}).values())
    batches = line_batches(files, format_name)
    first = next(batches, None)
    if first is None:
        return
    parsed = parse_batch(first, known)
    second = next(batches, None)
    if second is None:
        yield parsed
        return
    parse_batch(second, known)
    del first, parsed, second
    for lines in batches:
        parse_batch(lines, known)
    for lines in line_batches(files, format_name):
        yield parse_batch(lines, known)


def parse_batch(lines: pa.Table, known: Catalogue) -> Parsed:
    """Templates of a batch; ``known`` gains what is new."""
    from biglog.templates.mine import mine

    mined = mine(lines["content"], known, TemplateSettings())
    known.add(mined.templates)
    used = {one.template_id: one for one in mined.templates}
    return Parsed(lines, mined.template_ids, mined.parameters, used)


@dataclass(frozen=True, slots=True)
class Alike:
    """A matching line, and how many lines of its template there are in all."""

    match: Match
    count: int


def match_files(
    query: str,
    files: Sequence[Path],
    model: Encoder,
    *,
    format_name: str = "auto",
    threshold: float = 0.0,
    top: int = 10,
) -> list[Alike]:
    """Lines of the files that say the same kind of thing as the query, best first.

    At most A_FEW lines a template, unless the templates alike have fewer than ``top`` together.
    """
    vector = model.encode([mask_query(query)])[0]
    likeness: dict[str, float] = {}
    counts: Counter[str] = Counter()
    lines: dict[str, list[Match]] = {}
    for parsed in parse_files(files, format_name):
        fresh = [one for key, one in parsed.templates.items() if key not in likeness]
        likeness |= similarities(model, fresh, vector)
        wanted = {key: likeness[key] for key in parsed.templates if likeness[key] >= threshold}
        counts.update(one for one in parsed.template_ids.to_pylist() if one in wanted)
        for one in matching_lines(parsed, wanted, top):
            kept = lines.setdefault(one.template_id, [])
            kept.extend([one] if len(kept) < top else [])
    chosen = spread_over(lines, top)
    return [Alike(one, counts[one.template_id]) for one in chosen]


def spread_over(lines: Mapping[str, list[Match]], top: int) -> list[Match]:
    """The best ``top``: a few of each template first, then more of the best."""
    few = sorted((one for kept in lines.values() for one in kept[:A_FEW]), key=best_first)[:top]
    more = sorted((one for kept in lines.values() for one in kept[A_FEW:]), key=best_first)
    return sorted([*few, *more[: top - len(few)]], key=best_first)


def best_first(one: Match) -> tuple[float, str, int]:
    return (-one.similarity, one.file, one.line_no)


def similarities(
    model: Encoder, templates: Sequence[Template], vector: np.ndarray
) -> dict[str, float]:
    """How alike each template is to the vector; 0 for one with no word that the model knows."""
    known = readable(model, [one.model_text for one in templates])
    texts = list(known)
    scores = model.similarity(np.array([known[text] @ vector for text in texts]))
    likeness = dict(zip(texts, scores.tolist(), strict=True))
    return {one.template_id: likeness.get(one.model_text, 0.0) for one in templates}


def readable(model: Encoder, texts: Sequence[str]) -> dict[str, np.ndarray]:
    """The vectors of the distinct texts; without those that have no word the model knows."""
    distinct = sorted(set(texts))
    known = [one for one, ok in zip(distinct, model.readable(distinct), strict=True) if ok]
    return dict(zip(known, model.encode(known), strict=True))


def mask_query(query: str) -> str:
    """The query as a template would be written for the encoder."""
    from biglog.templates.mine import mine

    text = query.strip()
    if not text:
        raise BadInput("the query is empty; give the text of a line or of an error")
    return mine(pa.array([text]), (), TemplateSettings()).templates[0].model_text


def matching_lines(parsed: Parsed, wanted: Mapping[str, float], most: int) -> Iterator[Match]:
    """The first lines of each wanted template; ranks are given after sorting."""
    ids = pl.Series("key", parsed.template_ids)
    frame = ids.to_frame().with_row_index("row").filter(pl.col("key").is_in(list(wanted)))
    first = frame.group_by("key", maintain_order=True).head(most)
    rows = parsed.lines.take(first["row"].to_arrow()).to_pylist()
    for row, key in zip(rows, first["key"].to_list(), strict=True):
        yield Match(
            rank=0,
            similarity=round(float(wanted[key]), 4),
            content=row["content"],
            file=row["file"],
            line_no=row["line_no"],
            timestamp=row["timestamp"],
            template=parsed.templates[key].pattern,
            template_id=key,
        )


@dataclass(frozen=True, slots=True)
class Past:
    """What earlier lines were: lines per template, the templates, and how far values went."""

    counts: dict[str, int]
    templates: dict[str, Template]
    reach: Reach | None = None


def detect_lines(files: Sequence[Path], history: Sequence[Path], format_name: str) -> pl.DataFrame:
    """A row per line: line_no, file, score, anomalous, reason, template."""
    return pl.concat(line_verdicts(files, history, format_name))


def line_verdicts(
    files: Sequence[Path], history: Sequence[Path], format_name: str
) -> Iterator[pl.DataFrame]:
    """As detect_lines, batch by batch, so that a night of any size needs no more memory."""
    past = recall(history, format_name) if history else None
    known = dict(past.templates) if past else {}
    return judge_batches(parse_files(files, format_name, catalogue=known), known, past)


def judge_lines(files: Sequence[Path], format_name: str, past: Past | None) -> pl.DataFrame:
    """As detect_lines, against a past that is already counted."""
    known = dict(past.templates) if past else {}
    batches = parse_files(files, format_name, catalogue=known)
    return pl.concat(judge_batches(batches, known, past))


def recall(files: Sequence[Path], format_name: str) -> Past:
    """What earlier lines were."""
    from biglog.findings.values import Numbers, count_words

    known: dict[str, Template] = {}
    counts: Counter[str] = Counter()
    words: list[pl.DataFrame] = []
    with tempfile.TemporaryDirectory(prefix="biglog-") as folder:
        numbers = Numbers(Path(folder))
        for parsed in parse_files(files, format_name, catalogue=known):
            known.update(parsed.templates)
            ids = pl.Series("id", parsed.template_ids)
            counts.update(dict(ids.value_counts().iter_rows()))
            values = values_of(parsed, words=True)
            numbers.add(values)
            words.append(count_words(values))
        if not words:
            raise BadInput(NO_LINE)
        counted = pl.concat(words).group_by("place", "text").agg(pl.col("count").sum())
        return Past(dict(counts), known, numbers.reach(counted))


def judge_batches(
    batches: Iterable[Parsed], known: dict[str, Template], past: Past | None
) -> Iterator[pl.DataFrame]:
    """A row per line of the batches; ``known`` gains their templates.

    Lines wait in a temporary folder until all have been counted; it is gone at the end and on an
    error.
    """
    from biglog.findings.lines import Usual
    from biglog.findings.verdicts import Night

    usual = Usual(past.counts, sum(past.counts.values())) if past else None
    reached = past.reach if past else None
    with tempfile.TemporaryDirectory(prefix="biglog-") as folder:
        night = Night(Path(folder), reached)
        for parsed in batches:
            known.update(parsed.templates)
            night.add(kept_of(with_templates(parsed)), values_of(parsed, words=reached is not None))
            del parsed  # the next batch is made while this name holds it
        if not night.starts:
            raise BadInput(NO_LINE)
        yield from night.verdicts(usual)


def values_of(parsed: Parsed, *, words: bool) -> pl.DataFrame:
    """Without ``words`` only numbers, which is all that a log is judged against itself by."""
    from biglog.parameters import read_values

    patterns = {key: one.pattern for key, one in parsed.templates.items()}
    return read_values(parsed.template_ids, parsed.parameters, patterns, words=words)


def kept_of(frame: pl.DataFrame) -> pl.DataFrame:
    """What is kept of each line; and where lines are requests, what is looked at in those."""
    from biglog.findings.webattacks import read_requests

    kept = frame.select(KEPT).with_columns(pl.col(CODES).cast(pl.Categorical))
    if not frame["fields"].str.contains('"client":', literal=True).any():
        return kept
    asked = read_requests(frame["content"], frame["fields"])
    return kept if asked is None else pl.concat([kept, asked], how="horizontal")


def detect_sessions(
    files: Sequence[Path],
    history: Sequence[Path],
    format_name: str,
    *,
    session: str,
    first: int = 0,
) -> Iterator[pl.DataFrame]:
    """A row per session: session, score, anomalous, reason, events; batch by batch, and the events
    wait on disk, so that a night of any size needs no more memory.
    """
    from biglog.findings.sessions import Sessions

    known: dict[str, Template] = {}
    with tempfile.TemporaryDirectory(prefix="biglog-") as folder:
        night = Sessions(Path(folder), first=first, with_history=bool(history))
        for frame in event_frames(history, format_name, known, session=session) if history else ():
            night.recall(frame)
        for frame in event_frames(files, format_name, known, session=session):
            night.add(frame)
        yield from night.verdicts()


def event_frames(
    files: Sequence[Path], format_name: str, known: dict[str, Template], *, session: str = ""
) -> Iterator[pl.DataFrame]:
    """What detectors need of each line; with ``session`` only lines that name one, and its id.

    What repeats is kept as codes and no content is kept.
    """
    kept = ["line_no", *CODES, *(["session", "timestamp"] if session else [])]
    example: str | None = None
    rows = 0
    for parsed in parse_files(files, format_name, catalogue=known):
        known.update(parsed.templates)
        frame = with_templates(parsed)
        example = example or str(frame["content"][0])[:200]
        named = with_session(frame, session) if session else frame
        rows += named.height
        yield named.select(kept).with_columns(pl.col(CODES).cast(pl.Categorical))
    if example is None:
        raise BadInput(NO_LINE)
    if not rows:
        raise BadInput(f"--session {session!r} matches no line; the first line says: {example!r}")


def event_frame(
    files: Sequence[Path], format_name: str, known: dict[str, Template], *, session: str = ""
) -> pl.DataFrame:
    """As event_frames, of one night at once."""
    return pl.concat(event_frames(files, format_name, known, session=session))


def with_templates(parsed: Parsed) -> pl.DataFrame:
    """The lines with the id and the pattern of their template."""
    patterns = {key: one.pattern for key, one in parsed.templates.items()}
    ids = pl.Series("template_id", parsed.template_ids)
    return pl.DataFrame(pl.from_arrow(parsed.lines)).with_columns(
        ids, ids.replace_strict(patterns, return_dtype=pl.String).alias("template")
    )


def with_session(frame: pl.DataFrame, pattern: str) -> pl.DataFrame:
    """Lines that name a session, with its id: the pattern's first group, else its whole match."""
    try:
        groups = pl.Series([""]).str.extract_groups(pattern).struct.fields
        wanted = 1 if groups else 0
        text = pl.concat_str("content", "component", separator=" ", ignore_nulls=True)
        named = frame.with_columns(text.str.extract(pattern, wanted).alias("session"))
    except pl.exceptions.ComputeError as error:
        words = " ".join(str(error).split())
        raise BadInput(
            f"--session {pattern!r} is not a regular expression ({words}); "
            "look-around and backreferences are not supported"
        ) from error
    return named.filter(pl.col("session").is_not_null())
