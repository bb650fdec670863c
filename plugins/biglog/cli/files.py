"""Commands over plain files, none of which needs a database: parse, detect, match, embed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import typer

from biglog import offline, settings
from biglog.cli.console import Lists, Sheet, check_out, emit, progress, say, table
from biglog.errors import BadInput
from biglog.records import Match

NPY = (".npy",)
FILES = typer.Argument(..., help="Log files; .gz and .zst are read as they are.")
FORMAT = typer.Option(
    "auto", help="A format's name, auto (by sampling), or message (each line is a bare message)."
)
ROWS = "The result; .csv, .parquet or .jsonl by its suffix. Whole or not at all."


def register(app: typer.Typer) -> None:
    for command in (parse, detect, match, embed):
        app.command(cls=Lists)(command)


def parse(
    files: list[Path] = FILES,
    out: Path = typer.Option(..., help=ROWS),
    format: str = FORMAT,
) -> None:
    """Raw lines to typed lines with their template and parameters, one row a physical line.

    A line that the format cannot read keeps its whole text as content; a blank line is a row too.

    Example: `biglog parse app.log --out lines.csv`
    """
    offline.check_files(files)
    check_out(out, among=files)
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
    out: Path = typer.Option(..., help=ROWS),
    history: list[Path] = typer.Option(
        [], help="Earlier files: what is usual. A list, or given several times."
    ),
    format: str = FORMAT,
    session: str = typer.Option(
        "", help="Judge sessions: a regular expression whose first group (or match) names one."
    ),
    first: int = typer.Option(
        0, min=0, help="With --session: judge each session on its first K events only. 0: on all."
    ),
) -> None:
    """Odd lines, or odd sessions, with a score from 0 to 1 (high = odd) and a reason in words.

    Without --history a file is compared with itself. Nothing needs labels. Of a kind of line that
    is odd one line is marked and says how many there are, within about 1 % of the lines; kinds
    beyond doubt are marked whole. All lines of a kind have its score.

    Examples: `biglog detect today.log --history a.log b.log --out odd.csv`;
    `biglog detect hdfs.log --session 'blk_-?\\d+' --out blocks.csv`
    """
    if first and not session:
        raise BadInput("--first K judges sessions, got no --session; give --session REGEX too")
    offline.check_files(files)
    offline.check_files(history)
    check_out(out, among=[*files, *history])
    if session:
        told = offline.detect_sessions(files, history, format, session=session, first=first)
    else:
        told = offline.line_verdicts(files, history, format)
    odd = 0
    with Sheet(out) as sheet:
        for rows in told:
            sheet.write(rows)
            odd += int(rows["anomalous"].sum())
    say(f"{sheet.rows:,} judged, {odd:,} anomalous -> {out}")


def match(
    text: str = typer.Argument(..., help="A line, or an error in your own words."),
    within: list[Path] = typer.Option(
        [], "--in", help="Search these files, not the history. A list, or given several times."
    ),
    top: int = typer.Option(10, min=1, help="At most this many lines."),
    threshold: float = typer.Option(
        0.85, min=0.0, max=1.0, help="Least calibrated similarity, 0 to 1."
    ),
    format: str = FORMAT,
    as_json: bool = typer.Option(
        False, "--json", help="One JSON line a match, with the count of lines of its template."
    ),
) -> None:
    """Every past event like this one: lines that say the same kind of thing, best first.

    At most three lines a template are shown, unless the templates alike have fewer than --top
    lines together: ten copies of one line say no more than one. `count` says how many there are.

    Examples: `biglog match "connection refused" --in a.log b.log`; `biglog match "磁盘空间不足"`
    """
    from biglog import answers, installation

    if not text.strip():
        raise BadInput("the query is empty; give the text of a line or of an error")
    offline.check_files(within)
    model = installation.encoder(settings.load().encoder)
    if not offline.readable(model, [offline.mask_query(text)]):
        say(f"no word of {text!r} is known to {model.model_id}, so nothing is like it to the model")
        return
    if within:
        found = offline.match_files(
            text, within, model, format_name=format, threshold=threshold, top=top
        )
        rows = [match_row(one.match, one.count, rank) for rank, one in enumerate(found, 1)]
    else:
        stored = answers.match(installation.open_site(), text, threshold=threshold, limit=top)
        rows = [match_row(one, None, rank) for rank, one in enumerate(stored, 1)]
    show_matches(rows, threshold, as_json=as_json)


def show_matches(rows: list[dict[str, Any]], threshold: float, *, as_json: bool) -> None:
    if not rows:
        say(f"nothing as alike as {threshold}; lower --threshold, or give more of the line's words")
    elif as_json:
        for row in rows:
            emit(row)
    else:
        shown = ("rank", "similarity", "timestamp", "file", "line_no", "content")
        short = [{**row, "content": str(row["content"])[:120]} for row in rows]
        table(short, {key: key for key in shown})


def match_row(one: Match, count: int | None, rank: int) -> dict[str, Any]:
    at = one.timestamp.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if one.timestamp else ""
    row = {
        "rank": rank,
        "similarity": one.similarity,
        "content": one.content,
        "file": one.file,
        "line_no": one.line_no,
        "timestamp": at,
        "template": one.template,
    }
    return row if count is None else {**row, "count": count}


def embed(
    file: Path = typer.Argument(..., help="A text a line."),
    out: Path = typer.Option(..., help="A .npy file: one float32 row a line."),
    model: Path | None = typer.Option(None, help="A model's directory; else the settings' own."),
) -> None:
    """Texts to unit vectors, one row a line; each distinct text is embedded once.

    A line without a word that the model knows (a blank one) is a row of NaN: it is like nothing.

    Example: `biglog embed texts.txt --out texts.npy`
    """
    import numpy as np

    from biglog import installation, lake

    offline.check_files([file])
    check_out(out, among=[file], suffixes=NPY)
    texts = text_lines(file)
    encoder = installation.encoder(model or settings.load().encoder)
    known = offline.readable(encoder, texts)
    unknown = np.full(encoder.dim, np.nan, np.float32)
    rows = np.stack([known.get(text, unknown) for text in texts]).astype(np.float32)
    with lake.replacing(out) as draft, draft.open("wb") as handle:
        np.save(handle, rows)
    blind = sum(text not in known for text in texts)
    note = f", {blind:,} lines without a known word (NaN)" if blind else ""
    say(f"{len(texts):,} lines, {len(set(texts)):,} distinct{note}, model {encoder.model_id}")


def text_lines(file: Path) -> list[str]:
    """The lines as a line counter sees them: only a newline ends one."""
    texts = file.read_bytes().decode("utf-8-sig", errors="replace").split("\n")
    return [text.removesuffix("\r") for text in (texts if texts[-1] else texts[:-1])]
