"""Sources, services, hosts and templates that fell silent within the night."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from biglog.findings.chance import at_most, strength
from biglog.findings.expect import TEN_MINUTES, expected, sums
from biglog.findings.gravity import GRAVE
from biglog.findings.tally import SLOTS, Tally, finding, nights, seasoned, tally
from biglog.records import BUCKET_MINUTES, Day, Finding, History

ALWAYS = 0.85  # share of the earlier nights that had lines in the same hours
FEWEST = 5.0  # expected lines in the silent time
DOUBTFUL = 1e-3

SOURCE = ["source"]
HOST = ["source", "host"]
SERVICE = ["source", "service"]
TEMPLATE = ["source", "service", "template_id"]
CARRIED = 0.8  # share of the usual lines from which the other hosts of a service go on
WORTH = {1: 0.95, 2: 0.95, 3: 0.55}  # by the length of the key; a template says least


@dataclass(frozen=True, slots=True)
class Silence:
    """Intervals without a line where the same hours of earlier nights had many."""

    min_history_days: int = 2
    name: str = "silence"

    def find(self, day: Day, history: History) -> list[Finding]:
        counted = seasoned(tally(day, history), self.min_history_days)
        counted = arrived(counted)
        if counted.past.is_empty():
            return []
        rows = [row for key in (SOURCE, SERVICE, HOST, TEMPLATE) for row in gaps(counted, key, day)]
        return [finding(day, "silence", row, evidence(row)) for row in outermost(rows)]


def arrived(counted: Tally) -> Tally:
    """Only sources that sent something tonight; the others are the coverage's to tell."""
    here = counted.tonight.select("source").unique()
    return Tally(
        tonight=counted.tonight,
        past=counted.past.join(here, on="source", how="semi"),
        days=counted.days.join(here, on="source", how="semi"),
    )


def gaps(counted: Tally, key: list[str], day: Day) -> list[dict[str, Any]]:
    """The least likely silence of each key."""
    named = named_only(counted, key)
    seen = sums(named.tonight, key, TEN_MINUTES)
    known = expected(seen, named, key, TEN_MINUTES)
    if known.is_empty():
        return []
    runs = empty_runs(known.join(seen, on=[*key, "window"], how="left"), key)
    runs = runs.filter(pl.col("mean") >= FEWEST)
    p = at_most(pl.repeat(0, runs.height, eager=True), runs["mean"], runs["variance"])
    runs = runs.with_columns(p=pl.Series("p", p, dtype=pl.Float64)).filter(pl.col("p") < DOUBTFUL)
    runs = steady(runs, named.past, key).join(longest_gap(named.past, key), on=key)
    runs = runs.filter(pl.col("slots") > pl.col("longest"))
    runs = timed(runs, day).with_columns(
        pl.struct("started_at", "ended_at").implode().over(key).alias("all")
    )
    best = runs.sort([*key, "p", "window"]).unique(subset=key, keep="first", maintain_order=True)
    tests = known.select(key).unique().height * SLOTS
    rows = best.join(about(named.past, key), on=key).iter_rows(named=True)
    return [
        described({**row, "carried": carried(row, named, key)}, key, tests)
        for row in rows
        if not absent(row, named, key)
    ]


def carried(row: Mapping[str, Any], counted: Tally, key: list[str]) -> bool:
    """Whether the service's other hosts went on as usual: then one of several was away."""
    if "template_id" in key or not row["service"] or not row["host"]:
        return False
    others = (
        (pl.col("service") == row["service"])
        & (pl.col("host") != row["host"])
        & pl.col("slot").is_between(row["window"], row["window"] + row["slots"] - 1)
    )
    usual = counted.past.filter(others)["count"].sum() / row["days"]
    return bool(usual > 0 and counted.tonight.filter(others)["count"].sum() >= CARRIED * usual)


def timed(runs: pl.DataFrame, day: Day) -> pl.DataFrame:
    midnight = datetime.fromisoformat(day.date).replace(tzinfo=UTC)
    minutes = pl.duration(minutes=pl.col("window") * BUCKET_MINUTES)
    started = pl.lit(midnight).cast(pl.Datetime("us", "UTC")) + minutes
    return runs.sort("window").with_columns(
        started_at=started,
        ended_at=started + pl.duration(minutes=pl.col("slots") * BUCKET_MINUTES),
    )


def named_only(counted: Tally, key: list[str]) -> Tally:
    known = pl.all_horizontal(pl.col(k) != "" for k in key)
    return Tally(counted.tonight.filter(known), counted.past.filter(known), counted.days)


def absent(row: Mapping[str, Any], counted: Tally, key: list[str]) -> bool:
    """Templates without any line tonight have stopped, which is another finding."""
    if "template_id" not in key:
        return False
    same = pl.all_horizontal(pl.col(k) == row[k] for k in key)
    return counted.tonight.filter(same).is_empty()


def empty_runs(both: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Stretches of neighbouring windows without a line, with what was expected there."""
    ordered = both.sort([*key, "window"])
    skips = (pl.col("window").diff().over(key) != 1).fill_null(value=True)
    heard = pl.col("count").is_not_null()
    ordered = ordered.with_columns(run=(heard | skips | heard.shift(1).over(key)).cum_sum())
    return (
        ordered.filter(pl.col("count").is_null())
        .group_by([*key, "run"], maintain_order=True)
        .agg(
            window=pl.col("window").first(),
            slots=pl.len().cast(pl.Int64),
            mean=pl.col("mean").sum(),
            variance=pl.col("variance").sum(),
            days=pl.col("days").first(),
        )
    )


def steady(runs: pl.DataFrame, past: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Only silences in hours in which nearly every earlier night had lines; how many had."""
    inside = (pl.col("slot") >= pl.col("window")) & (
        pl.col("slot") < pl.col("window") + pl.col("slots")
    )
    had = (
        runs.join(past.select([*key, "date", "slot"]).unique(), on=key)
        .filter(inside)
        .group_by([*key, "run"])
        .agg(days_with=pl.col("date").n_unique().cast(pl.Int64))
    )
    both = runs.join(had, on=[*key, "run"])
    return both.filter(pl.col("days_with") >= ALWAYS * pl.col("days"))


def longest_gap(past: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """The longest pause within a night so far, in slots; the worst night is left out of many."""
    slots = past.select([*key, "date", "slot"]).unique().sort([*key, "date", "slot"])
    pauses = slots.with_columns(pause=pl.col("slot").diff().over([*key, "date"]) - 1)
    nightly = pauses.group_by([*key, "date"]).agg(pl.col("pause").max().fill_null(0))
    ranked = pl.col("pause").sort(descending=True)
    return nightly.group_by(key).agg(
        longest=pl.when(pl.len() >= 4)
        .then(ranked.get(1, null_on_oob=True))
        .otherwise(ranked.get(0))
    )


def about(past: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """What else to name: the host of a service that has one, the service of a host that has one."""
    lone = [
        pl.when(pl.col(c).n_unique() == 1).then(pl.col(c).first()).otherwise(pl.lit("")).alias(c)
        for c in ("service", "host")
        if c not in key
    ]
    return past.group_by(key).agg(*lone, gravity=pl.col("gravity").max())


def described(row: dict[str, Any], key: list[str], tests: int) -> dict[str, Any]:
    minutes = row["slots"] * BUCKET_MINUTES
    what = {1: f"Source {row['source']}", 3: "This line"}.get(len(key))
    what = what or (f"Service {row['service']}" if "service" in key else f"Host {row['host']}")
    return {
        **row,
        "key": key,
        "count": 0,
        "expected": row["mean"],
        "score": strength(row["p"]) * WORTH[len(key)] * (0.7 if row["carried"] else 1.0) + 0.05,
        "tests": tests,
        "reason": f"{what} was silent for {minutes} minutes from {row['started_at']:%H:%M}, where "
        f"{row['days_with']} of {nights(row['days'])} had lines and about {row['mean']:,.3g} "
        f"were expected; its longest pause so far was {row['longest'] * BUCKET_MINUTES} minutes"
        f"{'; its other hosts went on' if row['carried'] else ''}.",
    }


def outermost(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A silent source hides its silent services, hosts and templates, and so on down."""
    kept: list[dict[str, Any]] = []
    for row in rows:
        if not any(hides(outer, row) for outer in kept):
            kept.append(row)
    return kept


def hides(outer: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    same = all(outer[k] == row[k] for k in outer["key"] if k in row)
    slack = timedelta(minutes=BUCKET_MINUTES)
    overlap = min(outer["ended_at"], row["ended_at"]) - max(outer["started_at"], row["started_at"])
    own = row["ended_at"] - row["started_at"]
    return same and overlap >= min(own / 2, own - 2 * slack)


def evidence(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "detector": "silence",
        "scope": "template" if len(row["key"]) == 3 else row["key"][-1],
        "observed": 0,
        "expected": round(row["mean"], 3),
        "p": row["p"],
        "tests": row["tests"],
        "family": row["key"][-1],
        "episodes": [
            [e["started_at"].isoformat(), e["ended_at"].isoformat(), 0] for e in row["all"]
        ],
        "gravity": weight(row),
        "other_hosts_went_on": row["carried"],
        "history_days": row["days"],
        "days_seen": row["days_with"],
        "minutes": row["slots"] * BUCKET_MINUTES,
        "longest_pause_minutes": row["longest"] * BUCKET_MINUTES,
    }


def weight(row: Mapping[str, Any]) -> float:
    """A silent service is grave, one of its hosts less so, a single kind of line least."""
    if len(row["key"]) == 3:
        return float(min(row["gravity"], GRAVE))
    return 0.4 if row["carried"] else 0.8
