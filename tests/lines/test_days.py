"""Times of day in a file on the left, the dates they are read with on the right."""

import json
import os
from datetime import UTC, datetime

import pytest

from biglog.lines import days
from biglog.lines.days import BY_AGE, BY_NAME, date_in
from biglog.lines.read import read
from biglog.records import TIMES
from biglog.settings import LineSettings, SourceSettings

LOG = """\
23:59:58 INFO a
23:59:59.5 INFO b
00:00:01 WARN c
23:59:59.9 WARN late
00:00:02 ERROR d
  at frame
12:00:00 INFO e
11:59:00 INFO disorder
08:00:00 INFO f
"""
DAYS = [0, 0, 1, 0, 1, 1, 1, 2]


def moment(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def landed(tmp_path):
    def write(text, name, changed):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        os.utime(path, (moment(changed).timestamp(),) * 2)
        return path

    return write


def read_all(path, batch=200_000, *, joined=True, **source):
    told = SourceSettings("s", "x", **source)
    batches = list(read([path], told, LineSettings(batch_lines=batch), joined=joined))
    rules = [json.loads(one.lines.schema.metadata[TIMES.encode()]) for one in batches]
    return [row for batch in batches for row in batch.lines.to_pylist()], rules


@pytest.mark.parametrize("batch", [1, 2, 200_000])
@pytest.mark.parametrize(
    ("name", "changed", "first", "rule"),
    [
        ("app.log", "2026-11-04 09:00:00", 2, BY_AGE),
        ("app.log", "2026-11-04 05:00:00", 1, BY_AGE),  # written the day before 08:00
        ("app-2026-11-02.log", "2027-01-01 00:00:00", 2, BY_NAME),
        ("app.20261102.log", "2027-01-01 00:00:00", 2, BY_NAME),
        ("date=2026-11-02/app.log", "2027-01-01 00:00:00", 2, BY_NAME),
        ("app.log-20261105", "2026-11-04 09:00:00", 2, BY_AGE),  # rotated the day after
        ("app.2026-13-45.log", "2026-11-04 09:00:00", 2, BY_AGE),
    ],
)
def test_dates_come_from_the_name_or_the_age_and_turn_at_midnight(
    name, changed, first, rule, batch, landed
):
    lines, rules = read_all(landed(LOG, name, changed), batch)
    assert [row["timestamp"].day - first for row in lines] == DAYS
    assert lines[1]["timestamp"] == moment(f"2026-11-0{first} 23:59:59.5")
    assert lines[4]["body"] == "  at frame"
    assert sum(one.get(rule, 0) for one in rules) == 8


def test_a_time_of_day_is_one_of_the_sources_own_zone(landed):
    path = landed("10:00:00 INFO a\n", "app-2026-11-02.log", "2026-11-02 12:00:00")
    lines, _ = read_all(path, timezone="Asia/Shanghai")
    assert lines[0]["timestamp"] == moment("2026-11-02 02:00:00")


def test_lines_without_a_level_are_dated_too(landed):
    path = landed("[10:00:00] up\n[10:00:01] down\n", "app.log", "2026-11-02 12:00:00")
    assert [str(row["timestamp"])[:19] for row in read_all(path)[0]] == [
        "2026-11-02 10:00:00", "2026-11-02 10:00:01"]  # fmt: skip
    assert len(read_all(path, joined=False)[0]) == 2


def test_lines_with_a_level_and_without_one_are_dated_alike(landed):
    text = "23:59:59 INFO a\n00:00:00 plain\n[00:00:01] other\n00:00:02 WARN b\n"
    lines, rules = read_all(landed(text, "app.log", "2026-11-03 00:00:05"))
    assert [(row["timestamp"].day, row["content"]) for row in lines] == [
        (2, "a"), (3, "plain"), (3, "other"), (3, "b")]  # fmt: skip
    assert sum(one[BY_AGE] for one in rules) == 4


def test_times_in_no_order_are_given_no_date(landed, monkeypatch):
    monkeypatch.setattr(days, "MOST_TURNS", 3)
    path = landed("10:00:00 INFO a\n01:00:00 INFO b\n" * 5, "app.log", "2026-11-02 12:00:00")
    assert {row["timestamp"] for row in read_all(path)[0]} == {None}


def test_a_time_of_day_in_a_wrapper_leaves_the_wrappers_own_time(landed):
    text = "2026-11-02T10:00:07.5Z stdout F 10:00:00.123 [main] ERROR shop.Cart - boom\n"
    lines, _ = read_all(landed(text, "app.log", "2027-01-01 00:00:00"))
    assert lines[0]["timestamp"] == moment("2026-11-02 10:00:07.5")
    assert lines[0]["content"] == "boom"


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("/var/log/app-2026-11-02.log", "2026-11-02"),
        ("/var/log/2025-01-01/app_2026.11.02_10.log", "2026-11-02"),
        ("/var/log/app-20261102103000.log", "2026-11-02"),
        ("/var/log/app-1793613600.log", None),
        ("/var/log/app-20261301.log", None),
        ("/var/log/app.log", None),
    ],
)
def test_the_last_whole_date_of_a_path_is_its_own(name, wanted):
    found = date_in(name)
    assert (found.isoformat() if found else None) == wanted
