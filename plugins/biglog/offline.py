"""The same stages over plain files, with no database: what the file commands run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from biglog.errors import BadInput
from biglog.records import Encoder, Match, Scores, Template
from biglog.settings import LineSettings, SourceSettings, TemplateSettings

BATCH = 1_000_000


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
    known = dict(catalogue or {})
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
    for lines in batches:
        parse_batch(lines, known)
    for lines in line_batches(files, format_name):
        yield parse_batch(lines, known)


def parse_batch(lines: pa.Table, known: dict[str, Template]) -> Parsed:
    """Templates of a batch; ``known`` gains what is new."""
    from biglog.templates.mine import mine

    mined = mine(lines["content"], known.values(), TemplateSettings())
    used = {one.template_id: one for one in mined.templates}
    known.update(used)
    return Parsed(lines, mined.template_ids, mined.parameters, used)


def match_files(
    query: str, files: Sequence[Path], model: Encoder, *, format_name: str, threshold: float
) -> list[Match]:
    """Lines of the files that say the same kind of thing as the query, best first."""
    vector = model.encode([mask_query(query)])[0]
    alike: list[Match] = []
    for parsed in parse_files(files, format_name):
        keys = list(parsed.templates)
        if not keys:
            continue
        texts = [parsed.templates[key].model_text for key in keys]
        scores = dict(zip(keys, similarities(model, texts, vector), strict=True))
        wanted = {key: score for key, score in scores.items() if score >= threshold}
        alike.extend(matching_lines(parsed, wanted))
    ordered = sorted(alike, key=lambda one: (-one.similarity, one.file, one.line_no))
    return ordered


def similarities(model: Encoder, texts: list[str], vector: np.ndarray) -> Scores:
    return model.similarity(model.encode(texts) @ vector)


def mask_query(query: str) -> str:
    """The query as a template would be written for the encoder."""
    from biglog.templates.mine import mine

    text = query.strip()
    if not text:
        raise BadInput("the query is empty; give the text of a line or of an error")
    return mine(pa.array([text]), (), TemplateSettings()).templates[0].model_text


def matching_lines(parsed: Parsed, wanted: dict[str, float]) -> Iterator[Match]:
    """Lines of the wanted templates; ranks are given after sorting."""
    import pyarrow.compute as pc

    rows = pc.is_in(parsed.template_ids, value_set=pa.array(list(wanted), pa.string()))
    ids = parsed.template_ids.filter(rows).to_pylist()
    for row, key in zip(parsed.lines.filter(rows).to_pylist(), ids, strict=True):
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
    """What earlier lines were: lines per template, and the templates."""

    counts: dict[str, int]
    templates: dict[str, Template]


def detect_lines(files: Sequence[Path], history: Sequence[Path], format_name: str) -> pl.DataFrame:
    """A row per line: line_no, file, score, anomalous, reason, template."""
    if not history:
        return judge_lines(files, format_name, None)
    known: dict[str, Template] = {}
    past = event_frame(history, format_name, known)
    counts = dict(past.group_by("template_id").len().iter_rows())
    return judge_lines(files, format_name, Past(counts, known))


def judge_lines(files: Sequence[Path], format_name: str, past: Past | None) -> pl.DataFrame:
    """As detect_lines, against a past that is already counted."""
    from biglog.findings.lines import Usual, score_templates

    usual = Usual(past.counts, sum(past.counts.values())) if past else None
    lines = event_frame(files, format_name, dict(past.templates) if past else {})
    judged = score_templates(lines, usual)
    joined = lines.join(
        judged, on=["template_id", "level"], how="left", nulls_equal=True, maintain_order="left"
    )
    return joined.select("line_no", "file", "score", "anomalous", "reason", "template")


def detect_sessions(
    files: Sequence[Path],
    history: Sequence[Path],
    format_name: str,
    *,
    session: str,
    first: int = 0,
) -> pl.DataFrame:
    """A row per session: session, score, anomalous, reason, events."""
    from biglog.findings.sessions import score_sessions

    known: dict[str, Template] = {}
    past = None
    if history:
        past = event_frame(history, format_name, known, session=session)
    return score_sessions(
        event_frame(files, format_name, known, session=session), past, first=first
    )


def event_frame(
    files: Sequence[Path], format_name: str, known: dict[str, Template], *, session: str = ""
) -> pl.DataFrame:
    """What detectors need of each line; with ``session`` only lines that name one, and its id."""
    frames = []
    for parsed in parse_files(files, format_name, catalogue=known):
        known.update(parsed.templates)
        patterns = {key: one.pattern for key, one in parsed.templates.items()}
        ids = pl.Series("template_id", parsed.template_ids)
        frame = pl.DataFrame(pl.from_arrow(parsed.lines)).with_columns(
            ids, ids.replace_strict(patterns, return_dtype=pl.String).alias("template")
        )
        frames.append(with_session(frame, session) if session else frame)
    if not frames:
        raise BadInput("the files hold no line; give at least one line to judge")
    kept = ["line_no", "file", "level", "host", "template_id", "template"]
    return pl.concat(frames).select(*kept, *(["session"] if session else []))


def with_session(frame: pl.DataFrame, pattern: str) -> pl.DataFrame:
    """Lines that name a session, with its id: the pattern's first group, else its whole match."""
    try:
        groups = pl.Series([""]).str.extract_groups(pattern).struct.fields
        wanted = 1 if groups else 0
        text = pl.concat_str("content", "component", separator=" ", ignore_nulls=True)
        named = frame.with_columns(text.str.extract(pattern, wanted).alias("session"))
    except pl.exceptions.ComputeError as error:
        raise BadInput(f"--session {pattern!r} is not a regular expression: {error}") from error
    found = named.filter(pl.col("session").is_not_null())
    if found.is_empty():
        raise BadInput(
            f"--session {pattern!r} matches no line; the first line says: "
            f"{frame['content'].first()!r}"
        )
    return found
