"""Points of series: what is odd beside the points before it, and what is not."""

import numpy as np
import pytest

from biglog.metrics.judge import judge

STEP = 300.0
DAY = 288  # points


def noise(count, seed=0):
    return np.random.default_rng(seed).normal(0.0, 1.0, count)


def daily(count, seed=0):
    return 50 + 20 * np.sin(2 * np.pi * np.arange(count) / DAY) + 2 * noise(count, seed)


def odd(values, step=STEP):
    """Places of anomalous points, and the verdicts."""
    values = np.asarray(values, float)[:, None]
    found = judge(1.7e9 + step * np.arange(len(values)), values)
    return np.flatnonzero(found.anomalous[:, 0]).tolist(), found


@pytest.mark.parametrize(
    "values",
    [
        100 + noise(2000),
        daily(7 * DAY),
        0.1 * np.arange(2000) + noise(2000),  # it grows as it always did
        np.full(2000, 7.0),
        np.random.default_rng(1).poisson(5, 2000),
        np.random.default_rng(1).poisson(0.2, 2000),
    ],
    ids=["noise", "daily", "trend", "constant", "counts", "rare counts"],
)
def test_what_goes_on_as_before_is_not_odd(values):
    assert len([one for one in odd(values)[0] if one >= DAY]) <= 2


def changed(values, start, end, change):
    values = np.array(values, float)
    values[start:end] = change(values[start:end])
    return values


@pytest.mark.parametrize(
    ("values", "start", "end", "said"),
    [
        (changed(100 + noise(200), 150, 151, lambda v: v + 30), 150, 150, "above"),
        (changed(daily(7 * DAY), 1500, 1501, lambda v: v - 30), 1500, 1500, "below"),
        (changed(100 + noise(2000), 1000, 1300, lambda v: v + 8), 1000, 1048, "above"),
        (changed(100 + noise(2000), 1000, 1300, lambda v: v * 0), 1000, 1300, "below"),
        (changed(daily(7 * DAY), 1500, 1600, lambda v: v * 0 + v[0]), 1504, 1600, "no longer"),
        (changed(noise(2000), 1000, 1100, lambda v: 5 * v), 1000, 1100, "vary"),
        (changed(np.full(500, 7.0), 300, 301, lambda v: v + 2), 300, 300, "above"),
        (changed(np.zeros(500), 300, 301, lambda v: v + 1), 300, 300, "above"),
    ],
    ids=["spike", "dip", "shift", "silence", "flat line", "spread", "constant", "first error"],
)
def test_what_changes_is_odd_and_says_why(values, start, end, said):
    places, found = odd(values)
    inside = [one for one in places if start <= one <= end]
    assert inside
    assert said in " ".join(found.reasons[0][one] for one in inside)
    assert len([one for one in places if DAY <= one < start]) <= 2


def test_a_dip_that_only_the_time_of_day_makes_odd():
    """42 is usual at night and odd at noon."""
    values = daily(7 * DAY)
    noon = 6 * DAY + DAY // 4
    assert noon in odd(changed(values, noon, noon + 3, lambda v: v * 0 + 42))[0]
    assert values.min() < 35


def test_a_period_that_no_calendar_knows():
    wave = 50 + 20 * np.sin(2 * np.pi * np.arange(2000) / 97) + noise(2000)
    peak = 97 * 15 + 24
    assert peak in odd(changed(wave, peak, peak + 2, lambda v: v * 0 + 50))[0]
    assert len([one for one in odd(wave)[0] if one > 300]) <= 2


def test_only_earlier_points_matter():
    values = changed(daily(4 * DAY), 700, 701, lambda v: v + 40)
    whole, part = odd(values)[1], odd(values[:800])[1]
    np.testing.assert_array_equal(whole.scores[:800], part.scores)
    np.testing.assert_array_equal(whole.expected[:800], part.expected)


def test_rows_in_any_order_get_the_same_verdicts():
    values, times = changed(daily(900), 700, 701, lambda v: v + 40), STEP * np.arange(900.0)
    order = np.random.default_rng(0).permutation(900)
    straight, mixed = (judge(times[o], values[o][:, None]) for o in (np.arange(900), order))
    np.testing.assert_array_equal(straight.scores[order], mixed.scores)
    assert [straight.reasons[0][one] for one in order] == mixed.reasons[0]


def test_a_series_is_judged_alike_alone_and_beside_others():
    beside = np.column_stack([daily(600), 100 + noise(600), np.full(600, 3.0)])
    times = STEP * np.arange(600.0)
    together = judge(times, beside)
    for column in range(3):
        alone = judge(times, beside[:, [column]])
        np.testing.assert_allclose(together.scores[:, [column]], alone.scores)


def test_what_is_missing_is_never_odd_and_does_not_spoil_the_rest():
    values = changed(100 + noise(1000), 500, 540, lambda v: v * np.nan)
    values[[700, 710]] = np.inf, 140
    places, found = odd(values)
    assert places[:1] == [710]
    assert (found.scores[500:540] == 0).all()
    assert np.isfinite(found.scores).all()


def test_points_far_apart_and_at_the_same_time():
    times = np.repeat(np.cumsum(np.random.default_rng(0).exponential(1e5, 300)), 2)
    values = changed(100 + noise(600), 400, 401, lambda v: v + 40)
    found = judge(times, values[:, None])
    assert found.anomalous[400, 0]
    assert found.anomalous.sum() <= 3


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0], [np.nan] * 40, [5.0] * 30])
def test_too_little_to_judge_by(values):
    places, found = odd(values)
    assert places == []
    assert (found.scores < 0.5).all()
    assert found.scores.shape == (len(values), 1)


def test_scores_order_points_by_how_odd_they_are():
    rise = [5, 10, 20, 80]
    scores = [
        odd(changed(100 + noise(500), 400, 401, lambda v, by=by: v + by))[1].scores[400, 0]
        for by in rise
    ]
    assert scores == sorted(scores)
    assert scores[0] < scores[-1] <= 1
