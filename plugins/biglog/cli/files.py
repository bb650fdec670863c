"""Commands over plain files, none of which needs a database: parse, detect, match, embed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import typer

from biglog import offline, settings
from biglog.cli.console import Sheet, check_out, emit, progress, say, table
from biglog.errors import BadInput
from biglog.records import Match

FILES = typer.Argument(..., help="Log files; .gz and .zst are read as they are.")
FORMAT = typer.Option("auto", help="A format's name, auto, or message (a line is its message).")


def register(app: typer.Typer) -> None:
    for command in (parse, detect, match, embed):
        app.command()(command)


def parse(
    files: list[Path] = FILES,
    out: Path = typer.Option(..., help="One row a line; .csv, .parquet or .jsonl."),
    format: str = FORMAT,
) -> None:
    """Raw lines to typed lines with their template and parameters.

    Example: `biglog parse app.log --out lines.csv`
    """
    with Sheet(out) as sheet, progress() as bar:
        task = bar.add_task("lines", total=None)
        seen: set[str] = set()
        for parsed in offline.parse_files(files, format):
            sheet.write(parse_rows(parsed))
            seen.update(parsed.templates)
            bar.advance(task, parsed.lines.num_rows)
    say(f"{sheet.rows:,} lines, {len(seen):,} templates -> {out}")


def parse_rows(parsed: offline.Parsed) -> pl.DataFrame:
    """The contract's columns; times as ISO text, absent values as empty text."""
    patterns = {key: one.pattern for key, one in parsed.templates.items()}
    lines = pl.from_arrow(parsed.lines)
    assert isinstance(lines, pl.DataFrame)
    ids = pl.Series("template_id", parsed.template_ids)
    parameters = pl.Series("parameters", parsed.parameters, dtype=pl.List(pl.String))
    return lines.select(
        "line_no",
        "file",
        iso(pl.col("timestamp")),
        *(pl.col(name).fill_null("") for name in ("level", "component", "content")),
    ).with_columns(
        ids,
        ids.replace_strict(patterns, default="", return_dtype=pl.String).alias("template"),
        json_list(parameters),
    )


def iso(column: pl.Expr) -> pl.Expr:
    """UTC times as text like 2026-11-02T10:00:00.123000Z; empty where there is none."""
    return column.dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").fill_null("")


def json_list(lists: pl.Series) -> pl.Series:
    """Lists of text as JSON arrays, distinct lists once."""
    frame = pl.DataFrame({"parameters": lists})
    wrapped = frame.select(pl.struct("parameters").struct.json_encode().alias("parameters"))
    # The struct encodes as {"parameters":[…]}: 14 characters before the list, one after.
    text = wrapped["parameters"]
    return text.str.slice(14, text.str.len_chars() - 15)


def detect(
    files: list[Path] = FILES,
    out: Path = typer.Option(..., help="One row a line or session; .csv, .parquet or .jsonl."),
    history: list[Path] = typer.Option([], help="Earlier files: what is usual."),
    format: str = FORMAT,
    session: str = typer.Option("", help="Regular expression; its first group is the session."),
    first: int = typer.Option(0, min=0, help="Judge each session on its first K events only."),
) -> None:
    """Odd lines, or odd sessions, with a score from 0 to 1 and a reason.

    Examples: `biglog detect today.log --history yesterday.log --out odd.csv`;
    `biglog detect hdfs.log --session 'blk_-?\\d+' --out blocks.csv`
    """
    check_out(out)
    if first and not session:
        raise BadInput("--first K judges sessions: give --session REGEX too")
    if session:
        rows = offline.detect_sessions(files, history, format, session=session, first=first)
    else:
        rows = offline.detect_lines(files, history, format)
    with Sheet(out) as sheet:
        sheet.write(rows)
    odd = int(rows["anomalous"].sum())
    say(f"{rows.height:,} judged, {odd:,} anomalous -> {out}")


def match(
    text: str = typer.Argument(..., help="A line, or an error in your own words."),
    within: list[Path] = typer.Option([], "--in", help="Search these files, not the history."),
    top: int = typer.Option(10, min=1, help="At most this many."),
    threshold: float = typer.Option(0.85, min=0.0, max=1.0, help="Calibrated similarity."),
    format: str = FORMAT,
    as_json: bool = typer.Option(False, "--json", help="One JSON line a match."),
) -> None:
    """Every past event like this one.

    Examples: `biglog match "connection refused" --in app.log`; `biglog match "磁盘空间不足"`
    """
    from biglog import answers, pipeline

    if within:
        model = pipeline.encoder(settings.load().encoder)
        found = offline.match_files(text, within, model, format_name=format, threshold=threshold)
    else:
        found = answers.match(pipeline.open_site(), text, threshold=threshold, limit=top)
    show_matches(found[:top], as_json=as_json)


def show_matches(found: list[Match], *, as_json: bool) -> None:
    rows = [match_row(replace(one, rank=rank)) for rank, one in enumerate(found, 1)]
    if as_json:
        for row in rows:
            emit(row)
        return
    if not rows:
        say("nothing alike; try a lower --threshold, or more of the line's own words")
        return
    shown = ("rank", "similarity", "timestamp", "file", "line_no", "content")
    table([{**row, "content": str(row["content"])[:120]} for row in rows], {k: k for k in shown})


def match_row(one: Match) -> dict[str, Any]:
    at = one.timestamp.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if one.timestamp else ""
    return {
        "rank": one.rank,
        "similarity": one.similarity,
        "content": one.content,
        "file": one.file,
        "line_no": one.line_no,
        "timestamp": at,
        "template": one.template,
    }


def embed(
    file: Path = typer.Argument(..., help="A text a line."),
    out: Path = typer.Option(..., help="A .npy file: one float32 row a line."),
    model: Path | None = typer.Option(None, help="A model's directory; else the settings' own."),
) -> None:
    """Lines to vectors, one row a line, equal lines embedded once."""
    import numpy as np

    from biglog import pipeline

    if out.suffix != ".npy":
        raise BadInput(f"--out {out}: got suffix {out.suffix!r}, expected .npy")
    offline.check_files([file])
    texts = file.read_text("utf-8", errors="replace").splitlines()
    encoder = pipeline.encoder(model or settings.load().encoder)
    distinct, places = np.unique(np.array(texts, dtype=object), return_inverse=True)
    rows = encoder.encode(distinct.tolist())[places] if texts else np.zeros((0, encoder.dim))
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("wb") as handle:
        np.save(handle, rows.astype(np.float32))
    say(f"{len(texts):,} lines, {len(distinct):,} distinct, model {encoder.model_id} -> {out}")
