"""Which lines rose while a metric was odd, and how rarely that is said of mere chance."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from biglog.metrics.meanwhile import meanwhile
from biglog.records import COUNTS, MetricAnomaly

NIGHTS = ("2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04")
BUCKETS = 144
START = datetime(2026, 11, 1, tzinfo=UTC)


def at(night, bucket):
    return START + timedelta(days=night, minutes=10 * int(bucket))


def counts(lines):
    """COUNTS of [templates, buckets of all nights]."""
    template, place = np.nonzero(lines)
    times = [START + timedelta(minutes=10 * int(one)) for one in place]
    rows = {
        "source": ["app"] * len(times),
        "date": [f"{one:%Y-%m-%d}" for one in times],
        "bucket": times,
        "template_id": [f"t{one:03}" for one in template],
        "count": lines[template, place],
        "first_at": times,
        "last_at": times,
    }
    table = pl.DataFrame(rows | dict.fromkeys(("service", "host", "level"), ""))
    return table.select(COUNTS.names).to_arrow().cast(COUNTS)


def quiet(templates):
    """Each template at its own rate, some of its times far louder than others."""
    random = np.random.default_rng(0)
    shape = (templates, BUCKETS * len(NIGHTS))
    rates = random.uniform(1, 40, (templates, 1)) * random.gamma(1, 1, shape)
    return 1 + random.poisson(rates)


def odd(night, bucket, series="cpu", buckets=3):
    peak = at(night, bucket + 1)
    return MetricAnomaly(
        NIGHTS[night], series, peak, 9.0, 1.0, 0.9, "far above what is usual", source="node",
        before=timedelta(minutes=10), after=timedelta(minutes=10 * (buckets - 2)),
    )  # fmt: skip


def test_lines_that_rise_in_each_spell_of_a_series_are_told():
    lines = quiet(40)
    spells = [odd(0, 30), odd(1, 70), odd(3, 100)]
    for one in (30, 144 + 70, 3 * 144 + 100):
        lines[5, one : one + 3] += 900
    lines[9, 3 * 144 + 100] += 4
    found = meanwhile(spells[2:], spells[:2], counts(lines), NIGHTS[3], 0.1)
    [(one, [said])] = found
    assert one is spells[2]
    assert (said.template_id, said.spells, said.rises) == ("t005", 3, 3)
    assert said.lines >= 2700 > 20 * said.usual > 0
    assert said.chance < 1e-5


def test_one_spell_in_a_short_history_proves_little():
    lines = quiet(120)
    lines[5, 3 * 144 + 100] += 900
    assert meanwhile([odd(3, 100)], [], counts(lines), NIGHTS[3], 0.1) == []
    lines[10:30, 3 * 144 + 100] += 900
    [(_, told)] = meanwhile([odd(3, 100)], [], counts(lines), NIGHTS[3], 0.1)
    assert len(told) == 3
    assert all(one.spells == one.rises == 1 for one in told)


def test_a_rise_in_earlier_spells_alone_is_not_said_of_tonight():
    lines = quiet(40)
    for one in (30, 144 + 70):
        lines[5, one : one + 3] += 900
    lines[5, 3 * 144 + 100 : 3 * 144 + 103] = 0
    lines[5, 3 * 144] = 1
    assert meanwhile([odd(3, 100)], [odd(0, 30), odd(1, 70)], counts(lines), NIGHTS[3], 0.1) == []


def test_spells_that_lie_anywhere_are_seldom_said_to_have_such_lines():
    random = np.random.default_rng(3)
    table = counts(quiet(60))
    wrong = 0
    for _ in range(200):
        places = random.integers(0, BUCKETS - 6, 5)
        tonight = [odd(3, one, f"s{n}", 5) for n, one in enumerate(places[:3])]
        earlier = [odd(1, places[3], "s0", 5), odd(2, places[4], "s1", 5)]
        wrong += bool(meanwhile(tonight, earlier, table, NIGHTS[3], 0.1))
    assert wrong <= 30  # one in ten may be, and chance moves that a little


def test_time_that_no_night_covers_is_neither_a_spell_nor_a_place_to_compare_with():
    lines = quiet(10)
    lines[:, : 3 * 144 + 50] = 0
    gap = [odd(3, 20)]
    assert meanwhile(gap, [odd(1, 20)], counts(lines), NIGHTS[3], 0.1) == []
    lines[:, 3 * 144 + 60 :] = 0
    assert meanwhile([odd(3, 52)], [], counts(lines), NIGHTS[3], 0.9) == []


def test_a_night_without_lines_or_without_anomalies_has_nothing_to_tell():
    empty = counts(np.zeros((1, 4 * 144), dtype=np.int64))
    assert meanwhile([odd(3, 20)], [], empty, NIGHTS[3], 0.1) == []
    assert meanwhile([], [], counts(quiet(3)), NIGHTS[3], 0.1) == []
