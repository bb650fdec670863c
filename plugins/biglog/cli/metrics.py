"""`biglog metrics`: odd points of metric series in files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import typer

from biglog import offline
from biglog.cli.console import Sheet, check_out, emit, say
from biglog.lines.times import Clock, to_utc
from biglog.metrics.read import Table, before, read_table

if TYPE_CHECKING:  # scipy takes its time, and every command loads this module
    from biglog.metrics.judge import Verdicts

app = typer.Typer(no_args_is_help=True, help="Odd points of metric series.")


@app.command()
def detect(
    file: Path = typer.Argument(..., help="CSV: timestamp,value or timestamp,m1,m2,…"),
    out: Path = typer.Option(
        ..., help="The result; .csv, .parquet or .jsonl by its suffix. Whole or not at all."
    ),
    history: Path | None = typer.Option(
        None, help="CSV of earlier points of the same series: what is usual."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print what was found as one JSON line."),
) -> None:
    """Odd points of metric series: a score from 0 to 1 (high = odd) and a reason in words.

    A point is judged by earlier points only, of which it needs 24; --history gives it some.
    Anomalous is a score from one half: some three points in ten thousand of a steady series.

    Example: `biglog metrics detect cpu.csv --history last_week.csv --out odd.csv`
    """
    inputs = [file, *([history] if history else [])]
    for path in inputs:
        offline.check_files([path])
    check_out(out, among=inputs)
    table = read_table(file, clock)
    tell(table, file)
    earlier = before(read_table(history, clock), table) if history else None
    verdicts = judge_after(earlier, table)
    rows = point_rows(table, verdicts)
    with Sheet(out) as sheet:
        sheet.write(rows)
    odd = int(rows["anomalous"].sum())
    unjudged = count_unjudged(earlier, table)
    if as_json:
        found = {"points": rows.height, "anomalous": odd, "unjudged": unjudged, "out": str(out)}
        emit(found)
        return
    note = f", {unjudged:,} not judged (no value, or too little before it)" if unjudged else ""
    say(f"{rows.height:,} points, {odd:,} anomalous{note} -> {out}")


def clock(texts: pl.Series) -> pl.Series:
    return to_utc(texts, ["any"], clock=Clock()).utc


def tell(table: Table, file: Path) -> None:
    """What of the file is no part of the result, or was read as missing."""
    if table.skipped:
        say(f"{file}: left out, as they hold no numbers: {', '.join(table.skipped)}")
    if table.unread:
        say(f"{file}: {table.unread:,} texts in columns of numbers are none; read as missing")


def judge_after(earlier: Table | None, table: Table) -> Verdicts:
    """Verdicts on the table's points; the earlier ones only teach."""
    from biglog.metrics.judge import Verdicts, judge

    if earlier is None:
        return judge(table.times, table.values)
    taught = len(earlier.times)
    found = judge(
        np.concatenate([earlier.times, table.times]), np.vstack([earlier.values, table.values])
    )
    return Verdicts(
        scores=found.scores[taught:],
        anomalous=found.anomalous[taught:],
        expected=found.expected[taught:],
        reasons=[one[taught:] for one in found.reasons],
    )


def point_rows(table: Table, verdicts: Verdicts) -> pl.DataFrame:
    """The contract's columns: row after row of the file, in each its series in the file's order."""
    width = len(table.names)
    series = {"series": list(table.names) * len(table.times)} if width > 1 else {}
    # A row's reasons beside one another, as its values are.
    reasons = [one for row in zip(*verdicts.reasons, strict=True) for one in row]
    repeated = np.repeat(np.arange(len(table.times)), width)
    return pl.DataFrame(
        {
            "timestamp": table.stamps.gather(repeated),
            "value": table.values.ravel(),
            "score": verdicts.scores.ravel(),
            "anomalous": verdicts.anomalous.ravel(),
            **series,
            "reason": reasons,
            "expected": verdicts.expected.ravel(),
        }
    ).with_columns(pl.col("value", "expected").fill_nan(None))


def count_unjudged(earlier: Table | None, table: Table) -> int:
    """Points without a value, or with fewer than WARM values at earlier times."""
    from biglog.metrics.tail import WARM

    order = np.argsort(table.times, kind="stable")
    known = ~np.isnan(table.values[order])
    taught = 0 if earlier is None else (~np.isnan(earlier.values)).sum(axis=0)
    had = np.cumsum(known, axis=0) - known + taught
    return int((~known | (had < WARM)).sum())
