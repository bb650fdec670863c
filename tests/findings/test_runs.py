"""Ranks among sorted runs, parts of the night and extents of numbers, beside the slow way."""

import numpy as np
import polars as pl
import pytest

from biglog.findings.clock import Clock, part_of
from biglog.findings.runs import ranked
from biglog.findings.values import SCHEMA, Numbers

PARTS = 480


def test_any_rank_among_runs():
    rng = np.random.default_rng(3)
    runs = [np.sort(rng.integers(-50, 50, size)) for size in (1, 7, 300, 2)]
    start = np.cumsum([0, *map(len, runs)])[:-1]
    data, whole = np.concatenate(runs), np.sort(np.concatenate(runs))
    lengths, group = np.array([len(one) for one in runs]), np.zeros(4, np.int64)
    for rank in (0, 1, 150, 309):
        found = ranked(lambda run, at: data[start[run] + at], lengths, group, np.array([rank]))
        assert found.tolist() == [whole[rank]]


def slow_parts(stamps):
    first = stamps.fill_null(strategy="forward").rank("min").fill_null(1).cast(pl.Float64) - 1.0
    return (first * PARTS / len(stamps)).cast(pl.Int32).to_list()


@pytest.mark.parametrize("width", [3, 400, 100_000])
@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_parts_of_batches_are_those_of_the_whole(tmp_path, width, gaps):
    rng = np.random.default_rng(width)
    times = pl.Series(rng.integers(-width, width, 2500)).cast(pl.Datetime("us", "UTC"))
    hidden = pl.Series(rng.random(2500) < gaps) | (pl.int_range(2500, eager=True) < 40 * (gaps > 0))
    stamps = pl.select(pl.when(~hidden).then(times)).to_series()
    clock = Clock(tmp_path / "times")
    at = [clock.add(one, len(one)) for one in (stamps[:30], stamps[30:1000], stamps[1000:])]
    places = np.concatenate([clock.places(at[0], 0), clock.places(at[1], 30), at[2]])
    assert part_of(places, clock.edges(PARTS)).tolist() == slow_parts(stamps)


def test_without_times_the_order_of_lines_tells(tmp_path):
    clock = Clock(tmp_path / "times")
    at = clock.add(None, 1000)
    found = part_of(clock.places(at, 0), clock.edges(PARTS))
    assert found.tolist() == [n * PARTS // 1000 for n in range(1000)]


@pytest.mark.parametrize("batches", [1, 4])
def test_extents_are_those_of_all_numbers_at_once(tmp_path, batches):
    rng = np.random.default_rng(5)
    size = 4001
    values = pl.DataFrame(
        {
            "line": range(size),
            "place": rng.integers(1, 4, size),
            "field": ["took (s)"] * size,
            "number": rng.lognormal(0.0, 1.0, size).round(1),
        }
    ).with_columns(text=pl.lit(None))
    values = values.select(list(SCHEMA)).cast(SCHEMA)
    numbers = Numbers(tmp_path)
    for part in np.array_split(np.arange(size), batches):
        numbers.add(values[part.tolist()])
    for key in ("place", "field"):
        found = {row[key]: row for row in numbers.extent(key).iter_rows(named=True)}
        for (name,), rows in values.filter(pl.col("number") > 0).group_by(key):
            all_, log = rows["number"], rows["number"].log()
            row = found[name]
            assert row["count"] == rows.height
            assert row["top"] == all_.top_k(1 + rows.height // 1000).min()
            assert row["most"] == all_.quantile(0.99, "higher")
            assert row["middle"] == pytest.approx(log.median(), abs=1e-12)
            assert row["spread"] == pytest.approx(
                1.4826 * (log - log.median()).abs().median(), abs=1e-12
            )
