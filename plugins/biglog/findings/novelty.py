"""Templates that this night shows for the first time, for the first time here, or once more."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date as Date
from typing import Any

import numpy as np
import polars as pl

from biglog.findings.gravity import GRAVE
from biglog.findings.kinship import Kin, kinship
from biglog.findings.tally import Tally, finding, nights, span, tally, times
from biglog.records import Day, Finding, FindingKind, History, Scores

KEY = ["source", "service", "template_id"]
PAUSE_SLOTS = 6  # an hour without the template ends an episode
AWAY_DAYS = 3  # covered nights of absence after which a template "returns"
RARE_SHARE = 0.34  # grave templates seen on fewer nights than this are worth a look every time


@dataclass(frozen=True, slots=True)
class Novelty:
    """New, returned and rare templates; the night's first is worth more than its hundredth."""

    similarity: Callable[[np.ndarray[Any, Any]], Scores]
    name: str = "novelty"

    def find(self, day: Day, history: History) -> list[Finding]:
        counted = tally(day, history)
        rows = unfamiliar(counted, history, day.date)
        if rows.is_empty():
            return []
        churn = newcomers(counted)
        kin = kinship(rows, counted.past, (day, history), self.similarity)
        return [judged(row, day, churn, kin) for row in rows.iter_rows(named=True)]


def unfamiliar(counted: Tally, history: History, date: str) -> pl.DataFrame:
    """Tonight's (source, service, template) that history knows little of, with what it knows."""
    seen = met(counted.past)
    elsewhere = {key for key, first in history.first_seen.items() if first < date}
    elsewhere |= set(counted.past["template_id"].unique())
    rows = tonight(counted.tonight).join(counted.days, on="source", how="inner")
    rows = rows.join(seen, on=KEY, how="left").with_columns(
        pl.col("days_seen").fill_null(0),
        known=pl.col("template_id").is_in(sorted(elsewhere)),
    )
    rows = rows.join(absence(counted.past), on=["source", "last_date"], how="left")
    rows = rows.with_columns(company=company())
    rare = (pl.col("gravity") >= GRAVE) & (pl.col("days_seen") < RARE_SHARE * pl.col("days"))
    away = pl.col("days_away").fill_null(0) >= AWAY_DAYS
    return rows.filter((pl.col("days_seen") == 0) | away | rare).sort(KEY)


def company() -> pl.Expr:
    """How many of the service's templates were first met tonight in the same hour."""
    fresh = (pl.col("days_seen") == 0).cast(pl.Int64)
    return fresh.sum().over("source", "service", pl.col("started_at").dt.truncate("1h"))


def tonight(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per key: its worst level, how often in its main episode and in all, and where."""
    main = episodes(rows).sort("lines", "started_at", descending=[True, False])
    whole = rows.sort("gravity", "level", descending=True).group_by(KEY, maintain_order=True)
    return whole.agg(
        pl.col("level").first(),
        pl.col("gravity").first(),
        total=pl.col("count").sum(),
        hosts=pl.col("host").filter(pl.col("host") != "").unique().sort(),
        first_at=pl.col("first_at").min(),
    ).join(
        main.group_by(KEY, maintain_order=True).agg(
            pl.col("started_at").first(),
            pl.col("ended_at").first(),
            count=pl.col("lines").first(),
            episodes=pl.struct("started_at", "ended_at", "lines"),
        ),
        on=KEY,
    )


def episodes(rows: pl.DataFrame) -> pl.DataFrame:
    """Stretches of a template without an hour's pause: started_at, ended_at, lines."""
    ordered = rows.sort([*KEY, "bucket"])
    pause = pl.col("bucket").diff().dt.total_minutes().over(KEY) > PAUSE_SLOTS * 10
    return (
        ordered.with_columns(episode=pause.fill_null(value=False).cum_sum().over(KEY))
        .group_by([*KEY, "episode"])
        .agg(
            started_at=pl.col("first_at").min(),
            ended_at=pl.col("last_at").max(),
            lines=pl.col("count").sum(),
        )
    )


def met(past: pl.DataFrame) -> pl.DataFrame:
    """On how many earlier nights each key was seen, and when last."""
    return past.group_by(KEY).agg(
        days_seen=pl.col("date").n_unique().cast(pl.Int64),
        last_date=pl.col("date").max(),
        lines_seen=pl.col("count").sum(),
    )


def absence(past: pl.DataFrame) -> pl.DataFrame:
    """Source, last_date: how many covered nights came after that date."""
    dates = past.select("source", "date").unique().sort("source", "date")
    after = pl.len().over("source") - 1 - pl.int_range(pl.len()).over("source")
    return dates.with_columns(days_away=after.cast(pl.Int64)).rename({"date": "last_date"})


def newcomers(counted: Tally) -> dict[tuple[str, bool], float]:
    """(source, grave): how many new templates an ordinary night of the later half brings."""
    firsts = counted.past.group_by("source", "template_id").agg(
        first=pl.col("date").min(), grave=pl.col("gravity").max() >= GRAVE
    )
    order = counted.past.select("source", "date").unique().sort("source", "date")
    order = order.with_columns(
        rank=pl.int_range(pl.len()).over("source"), all=pl.len().over("source")
    ).filter((pl.col("all") >= 4) & (pl.col("rank") >= pl.col("all") // 2))
    late = order.join(firsts, left_on=["source", "date"], right_on=["source", "first"], how="left")
    nightly = late.group_by("source", "date").agg(
        grave=pl.col("grave").fill_null(value=False).sum(),
        mild=(~pl.col("grave").fill_null(value=True)).sum(),
    )
    middle = nightly.group_by("source").agg(pl.col("grave").median(), pl.col("mild").median())
    return {
        (row["source"], grave): float(row["grave" if grave else "mild"])
        for row in middle.iter_rows(named=True)
        for grave in (True, False)
    }


def judged(
    row: Mapping[str, Any],
    day: Day,
    churn: Mapping[tuple[str, bool], float],
    kin: Mapping[str, Kin],
) -> Finding:
    near = kin.get(row["template_id"]) if row["days_seen"] == 0 else None
    usual = churn.get((row["source"], row["gravity"] >= GRAVE), 0.0)
    kind: FindingKind = "new_template" if row["days_seen"] == 0 else "returned_template"
    said = {
        **row,
        "host": row["hosts"][0] if len(row["hosts"]) == 1 else "",
        "score": surprise(row, usual, near) * weight(row),
        "expected": 0.0 if row["days_seen"] == 0 else row["lines_seen"] / row["days"],
        "reason": sentence(row, near, day.date),
    }
    return finding(day, kind, said, evidence(row, usual, near))


def surprise(row: Mapping[str, Any], usual: float, near: Kin | None) -> float:
    """How unfamiliar, 0 to 1: history's length, how rare new templates are, kin that is known."""
    trust = row["days"] / (row["days"] + 0.7)
    rarity = 1 / (1 + usual / (10 if row["gravity"] >= GRAVE else 4))
    here = 0.7 if row["known"] and row["days_seen"] == 0 else 1.0
    kin = 1 - 0.5 * near.likeness * near.common if near else 1.0
    return float(trust * rarity * here * kin * forgotten(row))


def forgotten(row: Mapping[str, Any]) -> float:
    """1 for what was never seen; what people saw often or lately surprises less."""
    seen = 1 / (1 + row["days_seen"] / 2)
    return max(seen, min(0.75, (row["days_away"] or 0) / 14)) if row["days_seen"] else 1.0


def weight(row: Mapping[str, Any]) -> float:
    """What it matters, 0 to 1: gravity first, then how often, how long and on how many hosts."""
    often = min(1.0, math.log10(1 + row["total"]) / 3)
    long = min(1.0, (row["ended_at"] - row["started_at"]).total_seconds() / 3600)
    wide = min(1.0, max(0, len(row["hosts"]) - 1) / 4)
    crowd = min(1.0, max(0, row["company"] - 1) / 4)
    return float(
        min(
            1.0,
            0.42 + 0.5 * row["gravity"] + 0.1 * often + 0.04 * long + 0.04 * wide + 0.08 * crowd,
        )
    )


def sentence(row: Mapping[str, Any], near: Kin | None, date: str) -> str:
    where = f" on {row['hosts'][0]}" if len(row["hosts"]) == 1 else ""
    if len(row["hosts"]) > 1:
        where = f" on {len(row['hosts'])} hosts"
    seen = f"Seen {times(row['count'])} {span(row['started_at'], row['ended_at'])}{where}"
    if row["total"] > row["count"]:
        seen += f" ({row['total']:,} in the whole night)"
    return f"{seen}, {before(row, date)}{beside(near)}."


def before(row: Mapping[str, Any], date: str) -> str:
    if row["days_seen"] == 0:
        place = f"{row['service'] or row['source']} of " if row["known"] else ""
        return f"never in {place}{nights(row['days'])}"
    ago = (Date.fromisoformat(date) - Date.fromisoformat(row["last_date"])).days
    last = f"last {ago} day{'s' if ago > 1 else ''} ago ({row['last_date']})"
    return f"on only {row['days_seen']} of {nights(row['days'])}, {last}"


def beside(near: Kin | None) -> str:
    return f"; it resembles the known “{shorten(near.pattern)}”" if near else ""


def shorten(pattern: str, most: int = 80) -> str:
    line = re.sub(r"\s+", " ", pattern).strip()
    return line if len(line) <= most else line[: most - 1] + "…"


def evidence(row: Mapping[str, Any], usual: float, near: Kin | None) -> dict[str, Any]:
    return {
        "detector": "novelty",
        "observed": row["count"],
        "total": row["total"],
        "gravity": row["gravity"],
        "history_days": row["days"],
        "days_seen": row["days_seen"],
        "days_absent": row["days"] if row["days_seen"] == 0 else row["days_away"],
        "last_date": row["last_date"] or "",
        "known_elsewhere": bool(row["known"]) and row["days_seen"] == 0,
        "new_per_night": usual,
        "new_that_hour": row["company"],
        "hosts": list(row["hosts"]),
        "episodes": [
            [e["started_at"].isoformat(), e["ended_at"].isoformat(), e["lines"]]
            for e in row["episodes"]
        ],
        **(
            {
                "kin": near.template_id,
                "kin_likeness": round(near.likeness, 3),
                "kin_share": near.common,
            }
            if near
            else {}
        ),
    }
