"""Texts on the left, instants on the right."""

from datetime import UTC, datetime

import polars as pl
import pytest

from biglog.lines.times import Clock, end_of_reach, to_utc


def read(text, layout, clock=None, zone=None):
    zones = pl.Series([zone]) if zone else None
    return to_utc(pl.Series([text]), [layout], clock=clock or Clock(), zones=zones)[0]


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "layout", "wanted"),
    [
        ("2026-11-02 10:00:00", "iso", "2026-11-02 10:00:00"),
        ("2026-11-02T10:00:00Z", "iso", "2026-11-02 10:00:00"),
        ("2026/11/02 10:00:00,5", "iso", "2026-11-02 10:00:00.500000"),
        ("2026-11-02T10:00:00.123456789+08:00", "iso", "2026-11-02 02:00:00.123456"),
        ("2026-11-02 10:00:00.123 -0330", "iso", "2026-11-02 13:30:00.123000"),
        ("1793613600", "epoch", "2026-11-02 10:00:00"),
        ("1793613600123", "epoch", "2026-11-02 10:00:00.123000"),
        ("1793613600123456", "epoch", "2026-11-02 10:00:00.123456"),
        ("1793613600123456789", "epoch", "2026-11-02 10:00:00.123456"),
        ("1793613600.25", "epoch", "2026-11-02 10:00:00.250000"),
        ("02/Nov/2026:10:00:00 +0100", "any", "2026-11-02 09:00:00"),
        ("081109 203615", "%y%m%d %H%M%S", "2008-11-09 20:36:15"),
        ("20171223-22:5:9:6", "%Y%m%d-%H:%M:%S%f", "2017-12-23 22:05:09.006000"),
        ("Mon Nov  2 10:00:00 2026", "any", "2026-11-02 10:00:00"),
    ],
)
def test_layouts(text, layout, wanted):
    assert read(text, layout) == at(wanted)


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-13-01 00:00:00", "2026-02-30 00:00:00", "2026-11-02 25:00:00", "NaN"]
)
def test_what_is_no_moment_is_null(text):
    assert read(text, "any") is None


@pytest.mark.parametrize(
    ("text", "date", "wanted"),
    [
        ("Dec 31 23:59:59", "2026-12-31", "2026-12-31 23:59:59"),
        ("Jan  1 00:00:03", "2026-12-31", "2027-01-01 00:00:03"),
        ("Dec 31 23:59:59", "2027-01-01", "2026-12-31 23:59:59"),
        ("Feb 29 12:00:00", "2028-02-29", "2028-02-29 12:00:00"),
        ("Feb 29 12:00:00", "2027-03-01", "2024-02-29 12:00:00"),
    ],
)
def test_a_year_is_found_near_the_partition(text, date, wanted):
    clock = Clock(latest=end_of_reach(date, 0))
    assert read(text, "%b %e %H:%M:%S", clock) == at(wanted)


def test_without_a_partition_the_files_age_gives_the_year():
    clock = Clock(latest=end_of_reach(None, at("2026-01-02 00:00:00").timestamp()))
    times = to_utc(
        pl.Series(["Dec 31 10:00:00", "Jan  1 10:00:00"]), ["%b %e %H:%M:%S"], clock=clock
    )
    assert times.to_list() == [at("2025-12-31 10:00:00"), at("2026-01-01 10:00:00")]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-07-01 12:00:00", "2026-07-01 10:00:00"),
        ("2026-12-01 12:00:00", "2026-12-01 11:00:00"),
        ("2026-10-25 02:30:00", "2026-10-25 00:30:00"),  # twice that night: the first
        ("2026-03-29 02:30:00", "2026-03-29 01:30:00"),  # never that night: an hour on
        ("2026-07-01T12:00:00Z", "2026-07-01 12:00:00"),  # says itself what it is
    ],
)
def test_a_zone_with_summer_time(text, wanted):
    assert read(text, "iso", Clock("Europe/Berlin")) == at(wanted)


def test_a_zones_name_counts_and_the_sources_own_meaning_first():
    assert read("2026-11-02 10:00:00", "iso", zone="CET") == at("2026-11-02 09:00:00")
    assert read("2026-11-02 10:00:00", "iso", zone="CST") == at("2026-11-02 16:00:00")
    shanghai = Clock("Asia/Shanghai")
    assert read("2026-11-02 10:00:00", "iso", shanghai, "CST") == at("2026-11-02 02:00:00")
