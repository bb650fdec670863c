"""Anomalies of a night: odd points of a series that follow one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from biglog.metrics.judge import RARE, judge
from biglog.metrics.points import Span
from biglog.metrics.tail import WARM
from biglog.records import Curve, MetricAnomaly

PIECES = 96
"""Of a night's curve: a quarter of an hour each."""
PER_SERIES = 3
"""Anomalies of one series in one night that are told, the oddest ones."""
OFF = (pl.col("value") - pl.col("expected")).abs().fill_null(0.0)
WHOLE = 0.005
"""Share of a step by which it may be off a whole second."""
STEP = 60.0
"""Seconds between the points of a series with a single one."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One night of some series; every anomaly of theirs, the oddest first."""

    anomalies: tuple[MetricAnomaly, ...]
    judged: int  # points of the night with enough before them


def judge_night(points: pl.DataFrame, source: str, date: str, night: Span, gap: float) -> Judged:
    """Judge the night's points by those before them, in it and in earlier nights.

    ``points`` are POINTS; ``gap`` is in seconds: odd points that are no farther apart are one
    anomaly.
    """
    found = [
        verdicts(group, night)
        for _, group in on_grid(points, night).group_by(pl.col("step").round_sig_figs(2))
    ]
    if not found:
        return Judged((), 0)
    frame = pl.concat(found).sort("series", "at")
    odd = frame.filter("anomalous")
    peaks = peaks_of(odd, gap)
    curves = frame.join(peaks.select(pl.col("series").unique()), on="series", how="semi")
    pieces = {key: piece for (key,), piece in cut(curves, night).group_by("series")}
    anomalies = [
        anomaly(row, source, date, curve_of(pieces[row["series"]], row, night))
        for row in peaks.iter_rows(named=True)
    ]
    return Judged(tuple(sorted(anomalies, key=by_oddness)), int(frame["known"].sum()))


def by_oddness(one: MetricAnomaly) -> tuple[float, int, str, str, datetime]:
    """The highest score first, then the longest."""
    return -one.score, -one.points, one.source, one.series, one.at


def decades(one: MetricAnomaly) -> float:
    """How rare its oddest point is: 4 is one in ten thousand."""
    return RARE * one.score / max(1 - one.score, 1e-12)


def on_grid(points: pl.DataFrame, night: Span) -> pl.DataFrame:
    """The series that came this night, each in slots of its own step: ``slot`` and ``step``.

    The first of tonight's points is in the middle of slot 0, so that a clock that wavers leaves no
    hole. Of two points of a slot the later stays.
    """
    timed = points.with_columns(seconds=pl.col("at").dt.epoch("us") / 1e6)
    tonight = timed.filter(pl.col("seconds") >= night.start).sort("series", "at")
    slot = ((pl.col("seconds") - pl.col("first")) / pl.col("step") + 0.5).floor()
    return (
        timed.join(steps(tonight), on="series")
        .with_columns(slot=slot.cast(pl.Int64))
        .sort("series", "at")
        .unique(["series", "slot"], keep="last", maintain_order=True)
    )


def steps(tonight: pl.DataFrame) -> pl.DataFrame:
    """By series, the seconds between its points, holes aside, and the ``first`` of them.

    Over a whole night a clock that wavers evens out; what is nearly a whole second is one.
    """
    apart = tonight.with_columns(apart=pl.col("seconds").diff().over("series"))
    usual = pl.col("apart").median().over("series")
    found = (
        apart.with_columns(steps=(pl.col("apart") / usual).round().clip(lower_bound=1))
        .group_by("series")
        .agg(first=pl.col("seconds").min(), step=pl.col("apart").sum() / pl.col("steps").sum())
    )
    step = pl.when(pl.col("step") > 0).then("step").otherwise(STEP)
    whole = (step - step.round()).abs() < WHOLE * step
    return found.with_columns(step=pl.when(whole).then(step.round()).otherwise(step))


def verdicts(group: pl.DataFrame, night: Span) -> pl.DataFrame:
    """The night's points of series of about one step, with what each was expected to be."""
    slots, row = np.unique(group["slot"].to_numpy(), return_inverse=True)
    names, column = np.unique(group["series"].to_numpy(), return_inverse=True)
    values = np.full((len(slots), len(names)), np.nan)
    values[row, column] = group["value"].to_numpy()
    found = judge(slots * float(group["step"][0]), values)
    return group.select(
        "series",
        "at",
        "seconds",
        "value",
        "step",
        expected=pl.Series(found.expected[row, column]).fill_nan(None),
        score=pl.Series(found.scores[row, column]),
        anomalous=pl.Series(found.anomalous[row, column]),
        reason=pl.Series([found.reasons[c][r] for r, c in zip(row, column, strict=True)]),
        known=pl.int_range(pl.len()).over("series") >= WARM,
    ).filter(pl.col("seconds") >= night.start)


def peaks_of(odd: pl.DataFrame, gap: float) -> pl.DataFrame:
    """A row per anomaly: its point farthest from the usual, and the score of its oddest one.

    The two differ where a series stays away: what is usual follows it, and the way back is odd too.
    ``started`` and ``ended`` are the times of the first and the last of its ``points``.
    """
    apart = pl.col("seconds").diff().over("series")
    begins = apart.is_null() | (apart > pl.max_horizontal(pl.lit(gap), 1.5 * pl.col("step")))
    return (
        odd.with_columns(run=begins.cast(pl.Int64).cum_sum(), off=OFF)
        .with_columns(
            score=pl.col("score").max().over("run"),
            started=pl.col("at").min().over("run"),
            ended=pl.col("at").max().over("run"),
            points=pl.len().over("run"),
        )
        .sort(["run", "off"], descending=[False, True], maintain_order=True)
        .unique("run", keep="first", maintain_order=True)
    )


def cut(frame: pl.DataFrame, night: Span) -> pl.DataFrame:
    """Of each piece of the night the point that is farthest from what was expected."""
    return (
        frame.with_columns(piece=piece_at(pl.col("seconds"), night), off=OFF)
        .sort(["series", "piece", "off"], descending=[False, False, True], maintain_order=True)
        .unique(["series", "piece"], keep="first", maintain_order=True)
    )


def piece_at(seconds: pl.Expr, night: Span) -> pl.Expr:
    share = (seconds - night.start) / (night.end - night.start)
    return (share * PIECES).floor().cast(pl.Int64)


def curve_of(pieces: pl.DataFrame, row: dict[str, Any], night: Span) -> Curve:
    values: list[float | None] = [None] * PIECES
    usual = list(values)
    for piece, value, expected in pieces.select("piece", "value", "expected").iter_rows():
        values[piece], usual[piece] = value, expected
    ends = pl.Series([row["started"], row["ended"]]).dt.epoch("us") / 1e6
    first, last = pl.select(piece_at(pl.lit(ends), night)).to_series()
    return Curve(tuple(values), tuple(usual), int(first), int(last))


def anomaly(row: dict[str, Any], source: str, date: str, curve: Curve) -> MetricAnomaly:
    return MetricAnomaly(
        date=date,
        series=row["series"],
        at=row["at"],
        value=row["value"],
        expected=row["expected"],
        score=row["score"],
        reason=row["reason"],
        source=source,
        before=row["at"] - row["started"],
        after=row["ended"] - row["at"],
        points=row["points"],
        curve=curve,
    )


def told(found: Sequence[MetricAnomaly]) -> Iterator[MetricAnomaly]:
    """In their order, but at most PER_SERIES of one series."""
    seen: dict[tuple[str, str], int] = {}
    for one in found:
        key = one.source, one.series
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= PER_SERIES:
            yield one
