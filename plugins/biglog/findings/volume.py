"""Rates that rose or fell against the same hours of earlier nights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl

from biglog.findings.chance import at_least, at_most, strength
from biglog.findings.expect import HOUR, NIGHT, TEN_MINUTES, Scale, expected, sums
from biglog.findings.gravity import GRAVE
from biglog.findings.tally import Tally, finding, nights, seasoned, span, tally
from biglog.records import BUCKET_MINUTES, Day, Finding, FindingKind, History

RAISED = 2.0  # times the expected rate from which a rise is worth a line
FEWEST = 5  # lines in a window below which a rise is not judged (novelty sees those)
LOWERED = 0.5  # share of the expected rate up to which a fall is worth a line
ENOUGH = 20.0  # expected lines in a window from which a fall is judged
DOUBTFUL = 1e-3  # p-values above this are not kept
COMMON = 0.6  # what a rise is worth when two earlier nights had windows as busy, at some hour
REST = 5.0  # lines added to both sides when comparing the rest of a source's traffic

TEMPLATE = ["source", "service", "template_id"]
HOST = ["source", "service", "host", "template_id"]
SERVICE = ["source", "service", "grave"]


@dataclass(frozen=True, slots=True)
class Volume:
    """Bursts and falls per (service, template, host) and per (service, grave or not)."""

    min_history_days: int = 2
    name: str = "volume"

    def find(self, day: Day, history: History) -> list[Finding]:
        counted = seasoned(tally(day, history), self.min_history_days)
        if counted.tonight.is_empty() or counted.past.is_empty():
            return []
        counted = marked(counted)
        found = [
            finding(day, row["kind"], row, evidence(row))
            for key in keys(counted)
            for row in moved(counted, key)
        ]
        return sorted(found, key=lambda f: (f.finding_id, -f.score))


def marked(counted: Tally) -> Tally:
    grave = pl.col("gravity") >= GRAVE
    return Tally(
        tonight=counted.tonight.with_columns(grave=grave),
        past=counted.past.with_columns(grave=grave),
        days=counted.days,
    )


def keys(counted: Tally) -> list[list[str]]:
    """Hosts are looked at one by one only where a service has several."""
    hosts = counted.tonight.group_by("source", "service").agg(pl.col("host").n_unique())
    several = bool((hosts["host"] > 1).any())
    return [TEMPLATE, SERVICE, *([HOST] if several else [])]


def moved(counted: Tally, key: list[str]) -> Iterator[dict[str, Any]]:
    """Rises and falls of one kind of key; each key once per direction, at its finest scale."""
    done: set[tuple[Any, ...]] = set()
    for scale in (TEN_MINUTES, HOUR, NIGHT):
        compared = compare(counted, key, scale)
        tests = compared.select(key).unique().height * scale.windows
        ways: tuple[tuple[FindingKind, pl.DataFrame], ...] = (
            ("rate_up", raised(compared)),
            ("rate_down", lowered(compared)),
        )
        for kind, rows in ways:
            for row in merged(rows, key, scale, kind):
                mark = (kind, *(row[k] for k in key))
                if mark not in done:
                    done.add(mark)
                    family = f"{key[-1]} per {scale.slots * BUCKET_MINUTES} minutes"
                    yield {**described(row, kind, scale), "tests": tests, "family": family}


def compare(counted: Tally, key: list[str], scale: Scale) -> pl.DataFrame:
    """Observed beside expected, per key and window, with how the source's ordinary lines moved."""
    seen = sums(counted.tonight, key, scale)
    loud = worthwhile(counted, seen, key)
    known = expected(seen.join(loud, on=key, how="semi"), among(counted, loud, key), key, scale)
    both = known.join(seen, on=[*key, "window"], how="left").join(about(counted, key), on=key)
    both = both.join(load(counted, scale), on=["source", "window"], how="left")
    own = pl.when(pl.col("grave")).then(0.0).otherwise(1.0)
    count = pl.col("count").fill_null(0)
    rest = (pl.col("load").fill_null(0) - own * count).clip(0) + REST
    usual = (pl.col("usual_load").fill_null(0.0) - own * pl.col("mean")).clip(0) + REST
    shared = pl.col("grave") | ("template_id" in key)
    return both.with_columns(
        count=count, load_ratio=pl.when(shared).then(rest / usual).otherwise(1.0)
    )


def worthwhile(counted: Tally, seen: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Keys with enough lines, tonight or on some earlier night, for a rise or fall to be judged."""
    risen = seen.filter(pl.col("count") >= FEWEST).select(key)
    nightly = counted.past.group_by([*key, "date"]).agg(pl.col("count").sum())
    return pl.concat([risen, nightly.filter(pl.col("count") >= ENOUGH).select(key)]).unique()


def among(counted: Tally, chosen: pl.DataFrame, key: list[str]) -> Tally:
    return Tally(counted.tonight, counted.past.join(chosen, on=key, how="semi"), counted.days)


def about(counted: Tally, key: list[str]) -> pl.DataFrame:
    """Per key: its worst level and gravity, tonight or before."""
    kept = ["level", "gravity", "grave"]
    both = pl.concat(
        [
            rows.select(*dict.fromkeys([*key, *kept])).unique()
            for rows in (counted.past, counted.tonight)
        ]
    )
    worst = [pl.col("level").first(), pl.col("gravity").first()]
    if "grave" not in key:
        worst.append(pl.col("grave").any())
    ordered = both.sort("gravity", "level", descending=True)
    return ordered.group_by(key, maintain_order=True).agg(worst)


def load(counted: Tally, scale: Scale) -> pl.DataFrame:
    """Ordinary lines of each source and window, tonight and as expected."""
    calm = Tally(
        tonight=counted.tonight.filter(~pl.col("grave")),
        past=counted.past.filter(~pl.col("grave")),
        days=counted.days,
    )
    now = sums(calm.tonight, ["source"], scale)
    then = expected(now, calm, ["source"], scale)
    return then.join(now, on=["source", "window"], how="left").select(
        "source", "window", load="count", usual_load="mean"
    )


def raised(compared: pl.DataFrame) -> pl.DataFrame:
    """Windows well above both the expected rate and the expected share of the source's lines."""
    moved = pl.max_horizontal(pl.lit(1.0), pl.col("load_ratio"))
    rows = adjusted(compared.filter(pl.col("count") >= FEWEST), moved)
    rows = rows.filter(pl.col("count") >= RAISED * pl.col("mean"))
    return judged(rows, at_least(rows["count"], rows["mean"], rows["variance"]))


def lowered(compared: pl.DataFrame) -> pl.DataFrame:
    """Windows well below both; windows without any line are silence's to judge."""
    moved = pl.min_horizontal(pl.lit(1.0), pl.col("load_ratio"))
    rows = adjusted(compared.filter((pl.col("count") > 0) & (pl.col("mean") >= ENOUGH)), moved)
    rows = rows.filter(pl.col("count") <= LOWERED * pl.col("mean"))
    return judged(rows, at_most(rows["count"], rows["mean"], rows["variance"]))


def adjusted(rows: pl.DataFrame, moved: pl.Expr) -> pl.DataFrame:
    """Expectations scaled by how far the source's whole traffic moved."""
    return rows.with_columns(
        mean=pl.col("mean") * moved, variance=pl.col("variance") * moved**2
    ).filter(pl.col("mean") > 0)


def judged(rows: pl.DataFrame, p: np.ndarray[Any, Any]) -> pl.DataFrame:
    return rows.with_columns(p=pl.Series("p", p, dtype=pl.Float64)).filter(pl.col("p") < DOUBTFUL)


def whole(spans: pl.DataFrame, kind: FindingKind) -> pl.DataFrame:
    """The p-value of several windows together, paid for by their number; or the best one's."""
    tail = at_least if kind == "rate_up" else at_most
    together = pl.Series("p", tail(spans["count"], spans["mean"], spans["variance"]))
    paid = pl.when(pl.col("windows") > 1).then(together * pl.col("windows")).otherwise(1.0)
    return spans.with_columns(p=pl.min_horizontal(pl.col("p"), paid))


def merged(
    rows: pl.DataFrame, key: list[str], scale: Scale, kind: FindingKind
) -> list[dict[str, Any]]:
    """Flagged windows of a key no further than one window apart as one interval; the worst kept."""
    if rows.is_empty():
        return []
    gap = timedelta(minutes=2 * scale.slots * BUCKET_MINUTES)
    ordered = rows.sort([*key, "bucket"])
    breaks = (pl.col("bucket").diff().over(key) > gap).fill_null(value=False)
    spans = (
        ordered.with_columns(episode=breaks.cum_sum().over(key))
        .group_by([*key, "episode"], maintain_order=True)
        .agg(
            pl.col("started_at").min(),
            pl.col("ended_at").max(),
            pl.col("count").sum(),
            pl.col("mean").sum(),
            pl.col("variance").sum(),
            pl.col("p").min(),
            pl.len().alias("windows"),
            pl.col("load_ratio").mean(),
            pl.col("count").max().alias("peak_tonight"),
            *(
                pl.col(c).first()
                for c in ("level", "gravity", "days", "days_seen", "peak", "second_peak")
                if c not in key
            ),
            *([pl.col("grave").first()] if "grave" not in key else []),
        )
        .pipe(whole, kind)
        .with_columns(pl.struct("started_at", "ended_at", "count").implode().over(key).alias("all"))
        .sort([*key, "p", "started_at"])
    )
    return list(spans.unique(subset=key, keep="first", maintain_order=True).iter_rows(named=True))


def described(row: dict[str, Any], kind: FindingKind, scale: Scale) -> dict[str, Any]:
    likely = max(row["mean"], 1.0)  # fractions of a line are below what counting can tell
    change = row["count"] / likely if kind == "rate_up" else likely / row["count"]
    score = strength(row["p"]) * (1 - 1 / max(change, 1.0)) * (0.5 + 0.5 * row["gravity"])
    if kind == "rate_up" and row["peak_tonight"] <= row["second_peak"]:
        score *= COMMON
    what = {TEN_MINUTES: "ten minutes", HOUR: "hour", NIGHT: "night"}[scale]
    verb = "above" if kind == "rate_up" else "below"
    usual = f"the {row['mean']:,.3g}" if row["mean"] >= 1 else "the less than one"
    reason = (
        f"Seen {row['count']:,} times {span(row['started_at'], row['ended_at'])}"
        f"{' on ' + row['host'] if row.get('host') else ''}, {amount(change)} {verb} {usual} "
        f"that these hours of {nights(row['days'])} lead to expect "
        f"(busiest {what}: {row['peak_tonight']:,} tonight, {row['peak']:,} before)."
    )
    return {
        **row,
        "kind": kind,
        "score": score,
        "expected": row["mean"],
        "reason": reason,
        "change": change,
        "window_minutes": scale.slots * BUCKET_MINUTES,
    }


def amount(change: float) -> str:
    return f"{change:,.1f} times" if change < 10 else f"{change:,.0f} times"


def evidence(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "detector": "volume",
        "observed": row["count"],
        "expected": round(row["mean"], 3),
        "spread": round(float(np.sqrt(row["variance"])), 3),
        "change": round(row["change"], 2),
        "p": row["p"],
        "tests": row["tests"],
        "family": row["family"],
        "gravity": row["gravity"],
        "history_days": row["days"],
        "days_seen": row["days_seen"],
        "busiest_window": row["peak"],
        "window_minutes": row["window_minutes"],
        "load_ratio": round(row["load_ratio"], 3),
        "episodes": [
            [e["started_at"].isoformat(), e["ended_at"].isoformat(), e["count"]] for e in row["all"]
        ],
    }
