"""Anomalies of a night: which points they are of, and how many are there by chance."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from biglog import metric_stages
from biglog.metrics.episodes import PER_SERIES, decades, judge_night, told
from biglog.metrics.points import night_of
from biglog.records import MetricCoverage
from biglog.settings import MetricSettings, MetricSource

DATE = "2026-11-08"
NIGHT = night_of(MetricSource("node", "x"), DATE)
MIDNIGHT = datetime(2026, 11, 8, tzinfo=UTC)
STEP = 300
DAY = 288
GAP = 1200.0


def points(nights=2, *, offset=0.0, **series):
    """POINTS of series given as arrays, the last of which belong to the night."""
    frames = []
    for name, values in series.items():
        first = MIDNIGHT - timedelta(days=nights) + timedelta(seconds=offset)
        at = [first + timedelta(seconds=STEP * row) for row in range(len(values))]
        frames.append(pl.DataFrame({"series": name, "at": at, "value": values}))
    return pl.concat(frames).with_columns(pl.col("at").cast(pl.Datetime("us", "UTC")))


def noise(count, seed=0):
    return 100 + np.random.default_rng(seed).normal(0, 1, count)


def judged(frame):
    return judge_night(frame, "node", DATE, NIGHT, GAP)


def at(clock):
    return datetime.fromisoformat(f"{DATE}T{clock}+00:00")


def test_points_that_follow_one_another_are_one_anomaly_told_by_the_farthest_off():
    values = noise(3 * DAY)
    values[2 * DAY + 24 : 2 * DAY + 36] += [40, 50, 60, 70, 80, 90, 80, 70, 60, 50, 40, 30]
    found = judged(points(cpu=values))
    (one,) = [each for each in found.anomalies if each.score > 0.6]
    assert (one.started_at, one.at) == (at("02:00"), at("02:25"))
    assert at("02:55") <= one.ended_at <= at("04:00")
    assert one.value == pytest.approx(190, abs=4)
    assert one.expected == pytest.approx(100, abs=2)
    assert "far above" in one.reason
    assert one.points >= 12
    assert found.judged == DAY


def test_the_curve_shows_the_night_and_where_it_is_odd():
    values = noise(3 * DAY)
    values[2 * DAY + 24] += 60
    curve = judged(points(cpu=values)).anomalies[0].curve
    assert max(curve.values) == curve.values[8] == values[2 * DAY + 24]
    assert (len(curve.values), len(curve.usual)) == (96, 96)
    assert curve.first == curve.last == 8
    assert curve.usual[8] == pytest.approx(100, abs=2)


def test_what_is_farther_apart_than_the_gap_is_two_anomalies():
    values = noise(3 * DAY)
    values[[2 * DAY + 24, 2 * DAY + 27, 2 * DAY + 72]] += [60, 90, 1000]
    starts = sorted(one.started_at for one in judged(points(cpu=values)).anomalies)
    assert starts[:2] == [at("02:00"), at("06:00")]


def test_a_series_is_told_a_few_times_only():
    values = noise(3 * DAY)
    values[2 * DAY + 12 :: 24] += 60 * 1.5 ** np.arange(12)
    found = judged(points(cpu=values)).anomalies
    assert len(found) > PER_SERIES
    assert tuple(told(found)) == found[:PER_SERIES]


def test_earlier_nights_teach_and_are_not_told():
    values = noise(2 * DAY + 12)
    values[DAY] += 60
    values[2 * DAY + 5] += 200
    (one,) = judged(points(cpu=values)).anomalies
    assert one.at == at("00:25")
    alone = judged(points(nights=0, cpu=values[-12:]))
    assert (alone.anomalies, alone.judged) == ((), 0)


def test_a_clock_that_wavers_leaves_no_hole_and_steps_may_differ():
    values = noise(3 * DAY)
    values[2 * DAY + 24] += 60
    waver = np.random.default_rng(1).integers(-60, 60, 3 * DAY)
    frame = points(cpu=values).with_columns(pl.col("at") + pl.duration(seconds=pl.Series(waver)))
    slow = points(nights=2, disk=noise(3 * DAY, 2)).gather_every(12)
    found = judged(pl.concat([frame, slow]))
    assert [one.series for one in found.anomalies if one.score > 0.6] == ["cpu"]
    assert found.judged == pytest.approx(DAY + DAY // 12, abs=2)


def test_a_series_that_did_not_come_tonight_is_not_judged():
    assert judged(points(cpu=noise(2 * DAY))).anomalies == ()


KINDS = {
    "normal": lambda rng, n: 100 + rng.normal(0, 1, n),
    "daily": lambda rng, n: 50 + 20 * np.sin(2 * np.pi * np.arange(n) / DAY) + rng.normal(0, 2, n),
    "skewed": lambda rng, n: np.exp(rng.normal(0, 0.5, n)),
    "counts": lambda rng, n: rng.poisson(5, n).astype(float),
    "walk": lambda rng, n: 1000 + np.cumsum(rng.normal(0, 1, n)),
}


def site(seed, *, faults=()):
    """Forty series of five kinds over four nights; faults are ones of an hour in the last."""
    rng = np.random.default_rng(seed)
    every = {
        f"{kind}{copy}": make(rng, 4 * DAY) for kind, make in KINDS.items() for copy in range(8)
    }
    for name in faults:
        start = 3 * DAY + 100
        every[name][start : start + 12] += 12 * np.std(np.diff(every[name]))
    return points(nights=3, **every)


def chosen(frame):
    found = judged(frame)
    coverage = MetricCoverage(DATE, "node", "complete", judged=found.judged)
    rare = tuple(map(decades, found.anomalies))
    verdict = metric_stages.Verdict(coverage, rare, tuple(told(found.anomalies)))
    return found, metric_stages.choose(DATE, [verdict], MetricSettings())


def test_on_quiet_nights_next_to_nothing_is_told():
    nights = [chosen(site(seed)) for seed in range(8)]
    assert sum(len(found.anomalies) for found, _ in nights) >= 5  # each point judged alone
    assert sum(len(night.anomalies) for _, night in nights) == 0


def test_faults_are_told_and_few_others():
    faults = ["normal0", "daily1", "skewed2", "counts3", "normal4"]
    _, night = chosen(site(0, faults=faults))
    names = [one.series for one in night.anomalies]
    assert set(faults) <= set(names)
    assert len(set(names) - set(faults)) <= 1
    assert [one.rank for one in night.anomalies] == list(range(1, len(names) + 1))


def test_the_budget_keeps_the_oddest_and_counts_the_rest():
    faults = ["normal0", "daily1", "skewed2", "counts3", "normal4"]
    found = judged(site(0, faults=faults))
    coverage = MetricCoverage(DATE, "node", "complete", judged=found.judged)
    verdict = metric_stages.Verdict(
        coverage, tuple(map(decades, found.anomalies)), tuple(told(found.anomalies))
    )
    every = metric_stages.choose(DATE, [verdict], MetricSettings())
    two = metric_stages.choose(DATE, [verdict], MetricSettings(max_anomalies=2))
    assert two.anomalies == every.anomalies[:2]
    assert two.coverage[0].anomalies == every.coverage[0].anomalies >= 5
