"""Which places of a night's lines lie outside what earlier nights had there."""

import json
from datetime import date, timedelta

import polars as pl
import pytest

from biglog.findings.usual import suspects
from biglog.records import SUMMARIES

TONIGHT = date(2026, 3, 10)  # a Tuesday
NAMED = pl.DataFrame(
    {
        "template_id": ["took", "took", "other", "state"],
        "slot": [1, 2, 1, 1],
        "field": ["took (s)", "used (%)", "took (s)", None],
        "factor": [0.001, 1.0, 0.001, 1.0],
        "width": [2, 2, 1, 1],
    }
)


def day(ago):
    return f"{TONIGHT - timedelta(days=ago)}"


def number(ago, most, *, template="took", slot=1, width=2, unit="s", count=100, middle=1.0):
    """Summaries of one place on one night, and of the template's other places."""
    one = {
        "source": "shop", "date": day(ago), "template_id": template, "slot": slot,
        "kind": "duration", "unit": unit, "count": count, "distinct": count, "top": "",
        "numbers": count, "maximum": most, "p50": middle,
    }  # fmt: skip
    others = [slot for slot in range(1, width + 1) if slot != one["slot"]]
    plain = {"kind": "word", "unit": "", "numbers": 0, "maximum": None, "p50": None, "distinct": 99}
    return [one, *({**one, **plain, "slot": other} for other in others)]


def words(ago, *counts, kind="word"):
    """Summary of a place on one night with those values, each a text and how often it came."""
    total = sum(count for _, count in counts)
    return [
        {
            "source": "shop", "date": day(ago), "template_id": "state", "slot": 1, "kind": kind,
            "unit": "", "count": total, "distinct": len(counts), "top": json.dumps(counts),
            "numbers": 0, "maximum": None, "p50": None,
        }
    ]  # fmt: skip


def table(rows):
    return pl.DataFrame(rows, schema=dict(pl.DataFrame(SUMMARIES.empty_table()).schema))


def found(tonight, *past):
    rows = [row for night in past for row in night]
    looked_at = suspects(table(tonight), table(rows), NAMED)
    return [(one["template_id"], one["way"]) for one in looked_at.iter_rows(named=True)]


def past(nights, most=2.0, **how):
    return [number(ago, most, **how) for ago in range(1, nights + 1)]


def test_more_than_twice_the_most_of_a_week_is_outside():
    assert found(number(0, 4.1), *past(7)) == [("took", "beyond")]
    assert found(number(0, 3.9), *past(7)) == []


@pytest.mark.parametrize("nights", [1, 3, 6])
def test_with_less_than_a_week_nothing_is_said(nights):
    assert found(number(0, 400.0, middle=90.0), *past(nights)) == []
    sets = [words(ago, ("up", 500), ("down", 500)) for ago in range(1, nights + 1)]
    assert found(words(0, ("sideways", 500)), *sets) == []


def test_one_bad_night_is_set_aside_and_a_second_is_not():
    bad = number(3, 90.0)
    assert found(number(0, 50.0), *past(2), bad, *past(9)[3:]) == [("took", "beyond")]
    assert found(number(0, 50.0), *past(2), bad, number(4, 80.0), *past(9)[4:]) == []


def test_what_the_same_weekday_had_is_usual():
    weekly = [number(7, 90.0)]
    assert found(number(0, 80.0), *past(6), *weekly, *past(13)[7:]) == []


def test_a_weekday_that_was_never_seen_is_not_judged():
    others = [number(ago, 2.0) for ago in range(1, 21) if ago % 7]
    assert found(number(0, 400.0, middle=50.0), *others) == []


def test_nights_before_the_template_changed_do_not_count():
    """A third wildcard came in front: what was the first is the second now."""
    older = [number(ago, 2.0, width=1) for ago in range(3, 12)]
    assert found(number(0, 400.0), *past(2), *older) == []


def test_a_new_template_is_compared_with_what_is_called_the_same():
    others = past(7, template="other", width=1)
    assert found(number(0, 5.0), *others) == [("took", "beyond")]
    assert found(number(0, 3.0), *others) == []
    assert found(number(0, 99.0, slot=2, unit="%"), *others) == []


def test_a_number_that_rises_every_night_is_no_news_until_it_leaps():
    """The uptime of a server, and one day on which it is another server's."""
    up = [number(ago, 86400.0 * (10 - ago), middle=86400.0 * (9.5 - ago)) for ago in range(1, 9)]
    assert found(number(0, 86400.0 * 10, middle=86400.0 * 9.5), *up[:2], *up[2:]) == []
    old = 86400.0 * 300
    assert found(number(0, old, middle=old), *up) == [("took", "beyond")]


def test_a_percentage_comes_nearer_to_the_whole():
    share = {"slot": 2, "unit": "%"}
    assert found(number(0, 85.0, **share), *past(7, 60.0, **share)) == [("took", "beyond")]
    assert found(number(0, 75.0, **share), *past(7, 60.0, **share)) == []


def job(ago, took):
    """A job of one line a night."""
    return number(ago, took, count=1, middle=took)


def test_a_nightly_job_that_takes_far_longer_or_shorter():
    usual = [job(ago, 1200.0 + 40 * (ago % 4)) for ago in range(1, 15)]
    assert found(job(0, 9000.0), *usual) == [("took", "up")]
    assert found(job(0, 2.0), *usual) == [("took", "down")]
    assert found(job(0, 1500.0), *usual) == []


def test_a_job_that_is_longer_every_week_is_not_odd_on_its_day():
    usual = [job(ago, 9000.0 if ago % 7 == 0 else 1200.0 + ago) for ago in range(1, 15)]
    assert found(job(0, 8800.0), *usual) == []


def test_a_rounded_number_may_well_be_another_tomorrow():
    usual = [number(ago, 0.3, middle=0.001) for ago in range(1, 29)]
    assert found(number(0, 0.3, middle=0.002), *usual) == []
    assert found(number(0, 0.3, middle=0.02), *usual) == [("took", "up")]


def sets(*members, nights=10, kind="word"):
    return [words(ago, *((one, 50) for one in members), kind=kind) for ago in range(1, nights + 1)]


def test_a_word_that_is_none_of_the_few():
    assert found(words(0, ("up", 5), ("failed", 5)), *sets("up", "down")) == [("state", "new")]
    assert found(words(0, ("up", 5), ("down", 5)), *sets("up", "down")) == []


def test_a_member_of_ten_nights_ago_is_not_new():
    often = words(10, ("up", 50), ("paused", 12))
    assert found(words(0, ("up", 5), ("paused", 5)), *sets("up", nights=9), often) == []
    once = words(10, ("up", 50), ("paused", 1))
    assert found(words(0, ("up", 5), ("other", 5)), *sets("up", nights=9), once) == []


def test_a_status_is_a_word_and_other_numbers_are_not():
    assert found(words(0, ("500", 9)), *sets("200", "404", kind="number")) == [("state", "new")]
    assert found(words(0, ("4", 9)), *sets("1", "2", "3", kind="number")) == []


@pytest.mark.parametrize("kind", ["id", "ip", "port", "user", "host", "time"])
def test_bookkeeping_is_no_set(kind):
    assert found(words(0, ("third", 9)), *sets("first", "second", kind=kind)) == []


def test_an_open_set_is_none():
    many = [f"name {one}" for one in "abcdefghi"]
    assert found(words(0, ("name z", 9)), *sets(*many)) == []
