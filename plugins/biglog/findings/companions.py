"""Lines that always came with another kind of line, and now do not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from biglog.findings.chance import at_most, strength
from biglog.findings.novelty import shorten
from biglog.findings.tally import finding, nights, seasoned, tally
from biglog.records import Day, Finding, History

Counts = npt.NDArray[np.float64]

KEY = ["source", "service", "template_id"]
FEWEST_DAYS = 4
FEWEST = 10.0  # lines a night from which a kind of line has companions
MOST = 150  # kinds per source that are compared, the most frequent: the cost is their square
TIGHT = 0.5  # variance over mean around the companion's count; independent lines have 1
EXPECTED = 8.0  # lines beside the companion from which their absence is judged
LEFT = 0.5  # share of them up to which they are missing
DOUBTFUL = 1e-4


@dataclass(frozen=True, slots=True)
class Grid:
    """Lines of one source per kind, night and hour; the last night is tonight."""

    keys: list[tuple[str, str, str]]
    cells: Counts  # (kinds, nights, 24)
    days: int


@dataclass(frozen=True, slots=True)
class Companions:
    """A step that stopped while the steps around it went on."""

    min_history_days: int = 2
    name: str = "companions"

    def find(self, day: Day, history: History) -> list[Finding]:
        counted = seasoned(tally(day, history), max(FEWEST_DAYS, self.min_history_days))
        tonight = counted.tonight.with_columns(date=pl.lit(day.date))
        wanted = [*KEY, "date", "slot", "count"]
        both = pl.concat([counted.past.select(wanted), tonight.select(wanted)])
        days = dict(counted.days.iter_rows())
        found = []
        for source in sorted(days):
            lines = grid(both.filter(pl.col("source") == source), days[source], day.date)
            found += [missing(one, lines, day, tonight) for one in lone(lines)]
        return found


def grid(rows: pl.DataFrame, days: int, date: str) -> Grid:
    """Kinds of lines that every earlier night had in number, as a dense array."""
    nightly = (
        rows.filter(pl.col("date") != date)
        .group_by(KEY)
        .agg(pl.col("count").sum(), nights=pl.col("date").n_unique())
    )
    steady = nightly.filter((pl.col("nights") == days) & (pl.col("count") >= FEWEST * days))
    keys = sorted(steady.sort("count", *KEY, descending=True).head(MOST).select(KEY).iter_rows())
    dates = sorted({*rows["date"].unique(), date})
    cells = np.zeros((len(keys), len(dates), 24))
    at = {key: i for i, key in enumerate(keys)}
    night = {one: i for i, one in enumerate(dates)}
    hourly = rows.with_columns(hour=pl.col("slot") // 6).group_by([*KEY, "date", "hour"])
    for *key, one, hour, count in hourly.agg(pl.col("count").sum()).iter_rows():
        if tuple(key) in at:
            cells[at[tuple(key)], night[one], hour] = count
    return Grid(keys, cells, days)


def lone(lines: Grid) -> Iterator[dict[str, Any]]:
    """Kinds that fell behind their tightest companion in some hours of tonight."""
    past, tonight = lines.cells[:, :-1], lines.cells[:, -1]
    for i in range(len(lines.keys)):
        leader, ratio, scatter = companion(past, i)
        if scatter > TIGHT:
            continue
        due = ratio * tonight[leader]
        short = (due >= EXPECTED) & (tonight[i] <= LEFT * due)
        for start, stop in stretches(short):
            count, mean = tonight[i, start:stop].sum(), due[start:stop].sum()
            tight = max(scatter, 0.25)  # counted in units of its own scatter
            p = float(at_most(count / tight, mean / tight, mean / tight))
            if p < DOUBTFUL:
                yield {"at": i, "leader": leader, "start": start, "stop": stop, "p": p,
                       "count": int(count), "mean": float(mean), "scatter": scatter}  # fmt: skip
                break


def companion(past: Counts, i: int) -> tuple[int, float, float]:
    """The kind whose count tells the most of kind i's: its row, the ratio, the scatter left."""
    ratio = past[i].sum() / np.maximum(past.sum(axis=(1, 2)), 1.0)
    due = ratio[:, None, None] * past
    nightly = ((past[i] - due) ** 2).sum(axis=2) / np.maximum(due.sum(axis=2), 1.0)
    scatter = np.median(nightly, axis=1)  # one bad night does not count
    scatter[i] = np.inf
    best = int(scatter.argmin())
    return best, float(ratio[best]), float(scatter[best])


def stretches(marks: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Runs of true, the longest first."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marks.astype(np.int8), [0]])))
    runs = [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return sorted(runs, key=lambda run: (run[0] - run[1], run[0]))


def span(row: dict[str, Any], lines: Grid, tonight: pl.DataFrame) -> tuple[datetime, datetime]:
    """From the first to the last line of the companion that came alone, to ten minutes."""
    hours = pl.col("slot").is_between(row["start"] * 6, row["stop"] * 6 - 1)
    own, other = (of_kind(lines.keys[row[k]]) for k in ("at", "leader"))
    alone = tonight.filter(hours & other).join(tonight.filter(own), on="slot", how="anti")
    seen = alone if alone.height else tonight.filter(hours & other)
    started, ended = seen.select(pl.col("first_at").min(), pl.col("last_at").max()).row(0)
    return started, ended


def of_kind(key: tuple[str, str, str]) -> pl.Expr:
    return pl.all_horizontal(pl.col(name) == part for name, part in zip(KEY, key, strict=True))


def missing(row: dict[str, Any], lines: Grid, day: Day, tonight: pl.DataFrame) -> Finding:
    source, service, template_id = lines.keys[row["at"]]
    other = lines.keys[row["leader"]][2]
    started, ended = span(row, lines, tonight)
    change = row["mean"] / max(row["count"], 1)
    name = shorten(day.templates[other].pattern) if other in day.templates else other
    said = {
        "source": source,
        "service": service,
        "template_id": template_id,
        "started_at": started,
        "ended_at": ended,
        "count": row["count"],
        "expected": row["mean"],
        "score": 0.75 * strength(row["p"]) * (1 - 1 / change),
        "reason": f"Seen {row['count']:,} times between {started:%H:%M} and {ended:%H:%M}, where "
        f"“{name}” came and {nights(lines.days)} always had the two together: "
        f"{row['mean']:,.3g} were due.",
    }
    proof = {
        "detector": "companions",
        "observed": row["count"],
        "expected": round(row["mean"], 3),
        "change": round(change, 2),
        "p": row["p"],
        "tests": 24 * len(lines.keys),
        "family": source,
        "companion": other,
        "scatter": round(row["scatter"], 3),
        "gravity": 0.5,
        "history_days": lines.days,
    }
    return finding(day, "rate_down", said, proof)
