"""`biglog metrics`: odd points of metric series in files, and the metrics of a night."""

from __future__ import annotations

from datetime import date as Date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import typer

from biglog import installation, offline, pipeline, settings
from biglog.cli.console import Sheet, check_out, emit, say, table
from biglog.errors import BadInput
from biglog.lines.times import Clock, to_utc
from biglog.metrics.read import Table, before, read_table
from biglog.records import MetricAnomaly
from biglog.settings import PROJECT

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
    given = read_table(file, clock)
    tell(given, file)
    earlier = before(read_table(history, clock), given) if history else None
    verdicts = judge_after(earlier, given)
    rows = point_rows(given, verdicts)
    with Sheet(out) as sheet:
        sheet.write(rows)
    odd = int(rows["anomalous"].sum())
    unjudged = count_unjudged(earlier, given)
    if as_json:
        found = {"points": rows.height, "anomalous": odd, "unjudged": unjudged, "out": str(out)}
        emit(found)
        return
    note = f", {unjudged:,} not judged (no value, or too little before it)" if unjudged else ""
    say(f"{rows.height:,} points, {odd:,} anomalous{note} -> {out}")


@app.command()
def run(
    date: str = typer.Option(..., help="The night, YYYY-MM-DD."),
    source: list[str] = typer.Option([], help="Read only this source; may be given several times."),
    as_json: bool = typer.Option(False, "--json", help="Print each anomaly as a JSON line."),
) -> None:
    """The metrics of one night, as the DAG analyse_metrics does: read, judge, publish.

    Earlier nights that were run before are what it is judged by. A report of the night that is
    there already is written again.

    Example: `biglog metrics run --date 2026-11-20`
    """
    from biglog.store import migrate
    from biglog.store.metrics import metric_anomalies

    if not is_date(date):
        raise BadInput(f"--date {date}: expected a date like 2026-11-20")
    site = installation.open_site()
    known = site.settings
    if not known.metric_sources:
        raise BadInput(
            f"{settings.sources_file(known.home)} names no metrics; add a [[metrics]] table with "
            "name and path (see docs/metrics.md)"
        )
    names = [known.metric_source(one).name for one in source]
    migrate.migrate(site.engine, PROJECT / "sql")
    failed = run_stages(site, date, names or [one.name for one in known.metric_sources])
    found = metric_anomalies(site.engine, date)
    show(found, as_json=as_json)
    say(f"{date}: {len(found)} anomalies of metrics")
    if failed:
        raise BadInput(f"{len(failed)} sources could not be read; the first: {failed[0]}")


def is_date(text: str) -> bool:
    """Whether it is a date as partitions are named: 20261120 is none."""
    try:
        return Date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def run_stages(site: installation.Site, date: str, names: list[str]) -> list[str]:
    """Every stage of the night; what was said of the sources that could not be read."""
    failed = []
    for stage in pipeline.METRIC_STAGES:
        for name in names if stage.scope == "source" else [""]:
            try:
                done = pipeline.run(stage.name, site, date, name)
            except BadInput as error:
                if stage.scope != "source":
                    raise
                failed.append(str(error))
                continue
            note = f" ({done.note})" if done.note else ""
            say(f"{stage.name} {name}: {done.rows_in:,} -> {done.rows_out:,}{note}")
    return failed


def show(found: tuple[MetricAnomaly, ...], *, as_json: bool) -> None:
    columns = ("rank", "source", "series", "started_at", "ended_at", "value", "expected", "reason")
    rows = [{name: getattr(one, name) for name in columns} for one in found]
    if as_json:
        for row in rows:
            emit(row)
    elif rows:
        shown = [{**row, "started_at": f"{row['started_at']:%H:%M}"} for row in rows]
        table(shown, SHOWN)


SHOWN = {
    "rank": "rank",
    "source": "source",
    "started_at": "from",
    "series": "series",
    "reason": "why",
}


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
