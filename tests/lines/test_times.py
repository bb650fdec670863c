"""Texts on the left, instants on the right."""

from datetime import UTC, datetime
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from biglog.lines.fixed import read_fixed
from biglog.lines.layouts import NAMED
from biglog.lines.times import Clock, end_of_reach, to_utc


def read(text, layout, clock=None, zone=None):
    zones = pl.Series([zone]) if zone else None
    return to_utc(pl.Series([text]), [layout], clock=clock or Clock(), zones=zones).utc[0]


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
        ("1793613600.123456789", "epoch", "2026-11-02 10:00:00.123457"),
        (" 1793613600123 ", "epoch", "2026-11-02 10:00:00.123000"),
        ("2026-11-02 10:00:00.1", "iso", "2026-11-02 10:00:00.100000"),
        ("2026-11-02T10:00:00.123456789012Z", "iso", "2026-11-02 10:00:00.123456"),
        ("2026-306 10:00:00.5", "any", "2026-11-02 10:00:00.500000"),
        ("2026/001T10:00:00+01:00", "%Y-%j %H:%M:%S%f%z", "2026-01-01 09:00:00"),
        ("2024-366 10:00:00", "any", "2024-12-31 10:00:00"),
        ("26306 10:00:00.12", "%y%j %H:%M:%S%f", "2026-11-02 10:00:00.120000"),
        ("@400000006ae85f2a0773593c", "tai64n", "2026-11-02 10:00:00.124999"),
        ("@400000006ae85f2a", "tai64n", "2026-11-02 10:00:00"),
    ],
)
def test_layouts(text, layout, wanted):
    assert read(text, layout) == at(wanted)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("02 Nov 2026 10:00:00.123", "2026-11-02 10:00:00.123000"),  # Redis
        ("2 Nov 2026 10:00:00 +0100", "2026-11-02 09:00:00"),
        ("261102 100000", "2026-11-02 10:00:00"),  # HDFS
        ("261102  9:00:00", "2026-11-02 09:00:00"),  # MySQL before 5.7
        ("26/11/02 10:00:00", "2026-11-02 10:00:00"),  # Spark
        ("2026-11-02-10.00.00.123456", "2026-11-02 10:00:00.123456"),  # DB2, Blue Gene
        ("20261102T100000Z", "2026-11-02 10:00:00"),
        ("20261102T100000.5+0100", "2026-11-02 09:00:00.500000"),
        ("20261102100000", "2026-11-02 10:00:00"),
        ("Mon Nov 02 10:00:00.123456 2026", "2026-11-02 10:00:00.123456"),  # Apache, error log
        ("Nov 02, 2026 10:00:00 AM", "2026-11-02 10:00:00"),  # java.util.logging
        ("Nov 2, 2026 12:00:00 AM", "2026-11-02 00:00:00"),
        ("Nov 2, 2026, 12:05:00 PM", "2026-11-02 12:05:00"),  # the same, from Java 9 on
        ("Nov 2, 2026 1:05:00\u202fPM", "2026-11-02 13:05:00"),  # the same, from Java 20 on
        ("11/02/2026 01:05:00 PM", "2026-11-02 13:05:00"),  # Windows
        ("11/2/2026 1:05:00 PM", "2026-11-02 13:05:00"),
        ("2026/11/2 下午1:05:00", "2026-11-02 13:05:00"),
        ("2026年11月02日 13:05:00", "2026-11-02 13:05:00"),
        ("2026年11月2日 9时05分00秒", "2026-11-02 09:05:00"),
        ("November 2, 2026 10:00:00", "2026-11-02 10:00:00"),
        ("Monday, 02 November 2026 10:00:00", "2026-11-02 10:00:00"),
        ("Sept 2 2026 10:00:00", "2026-09-02 10:00:00"),
        ("2026 Nov  2 10:00:00", "2026-11-02 10:00:00"),
        ("02.11.2026 10:00:00", "2026-11-02 10:00:00"),  # day first wherever dots are written
        ("Mon Nov  2 10:00:00 CET 2026", "2026-11-02 09:00:00"),  # date
        ("2026-11-02 10:00:00.123 PST", "2026-11-02 18:00:00.123000"),
        ("2026-11-02T10:00:00.123+08:00[Asia/Shanghai]", "2026-11-02 02:00:00.123000"),  # Java
        ("2026-11-02 10:00", "2026-11-02 10:00:00"),
        ("2026-11-02 13:05:00 PM", None),
        ("Octember 2, 2026 10:00:00", None),
    ],
)
def test_what_log_writers_print_is_read_without_being_told_how(text, wanted):
    assert read(text, "any") == (at(wanted) if wanted else None)


@pytest.mark.parametrize("text", ["10-30 16:49:06.5", "10.30 16:49:06.5", "Oct 30 16:49:06.5"])
def test_a_date_without_a_year_is_the_last_such_date(text):
    clock = Clock(latest=end_of_reach("2026-11-02", 0))
    assert read(text, "any", clock) == at("2026-10-30 16:49:06.5")


def test_one_column_may_hold_many_widths_and_shapes():
    texts = ["May  2 2026 10:00:00", "April 2 2026 10:00:00", None, "x", "Apr  2 2026 10:00:00.25"]
    times = to_utc(pl.Series(texts), ["any"], clock=Clock())
    assert times.utc.to_list() == [
        at("2026-05-02 10:00:00"), at("2026-04-02 10:00:00"), None, None,
        at("2026-04-02 10:00:00.25"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["", "soon", "2026-13-01 00:00:00", "2026-02-30 00:00:00", "2026-11-02 25:00:00", "NaN",
     "2026-000 10:00:00", "2026-366 10:00:00"],
)  # fmt: skip
def test_what_is_no_moment_is_null(text):
    assert read(text, "any") is None


@pytest.mark.parametrize(
    "text", ["@400000006ae85f2affffffff", "@4fffffffffffffff", "400000006ae85f2a", "@4x"]
)
def test_what_is_no_label_is_null(text):
    assert read(text, "tai64n") is None


def test_minutes_east_as_db2_writes_them_are_a_zone():
    assert read("2026-11-02 10:00:00", "iso", zone="-330") == at("2026-11-02 15:30:00")


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
    assert times.utc.to_list() == [at("2025-12-31 10:00:00"), at("2026-01-01 10:00:00")]


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


def test_a_doubled_hour_is_the_first_until_the_clock_goes_back():
    wall = ["01:59:59", "02:10:00", "02:50:00", "02:49:59", "02:00:30", "02:40:00", "03:00:00"]
    texts = pl.Series([f"2026-10-25 {time}" for time in wall])
    times = to_utc(texts, ["iso"], clock=Clock("Europe/Berlin"))
    assert [f"{time:%H:%M:%S}" for time in times.utc] == [
        "23:59:59", "00:10:00", "00:50:00", "00:49:59", "01:00:30", "01:40:00", "02:00:00"
    ]  # fmt: skip
    assert times.rules["in a doubled hour"] == 5


def test_the_rules_used_are_counted_line_by_line():
    shown = pl.Series(
        ["2026-03-29 02:30:00", "2026-03-29 02:30:00", "2026-03-29T00:00:00Z", "soon", None,
         "Mar 29 12:00:00", "2026-03-29 12:00:00"]
    )  # fmt: skip
    zones = pl.Series([None] * 6 + ["EST"], dtype=pl.String)
    clock = Clock("Europe/Berlin", end_of_reach("2026-03-29", 0))
    times = to_utc(shown, ["iso", "%b %e %H:%M:%S"], clock=clock, zones=zones)
    assert dict(times.rules) == {
        "absolute": 1, "assumed Europe/Berlin": 3, "named zone": 1, "unreadable": 1,
        "without a time": 1, "assumed year": 1, "in a skipped hour": 2, "out of order": 1,
    }  # fmt: skip


def test_a_text_that_repeats_the_one_above_has_its_time():
    texts = pl.Series(["2026-11-02 10:00:00"] * 3 + ["2026-11-02 10:00:01"] * 2)
    zones = pl.Series(["CET", "CET", "PST", "PST", None])
    times = to_utc(texts, ["iso"], clock=Clock(), zones=zones)
    assert [time.hour for time in times.utc] == [9, 9, 18, 18, 10]


def test_dates_centuries_apart_are_each_their_own():
    texts = [f"{year}-11-02 10:00:00" for year in ("0001", "2026", "9999")]
    times = to_utc(pl.Series(texts), ["iso"], clock=Clock())
    assert times.utc.to_list() == [at(text) for text in texts]


def test_no_text_has_no_time():
    assert to_utc(pl.Series([], dtype=pl.String), ["any"], clock=Clock()).utc.len() == 0


def test_a_zones_name_counts_and_the_sources_own_meaning_first():
    assert read("2026-11-02 10:00:00", "iso", zone="CET") == at("2026-11-02 09:00:00")
    assert read("2026-11-02 10:00:00", "iso", zone="CST") == at("2026-11-02 16:00:00")
    berlin = Clock("Europe/Berlin")  # both in the doubled hour
    assert read("2026-10-25 02:30:00", "iso", berlin, "CEST") == at("2026-10-25 00:30:00")
    assert read("2026-10-25 02:30:00", "iso", berlin, "CET") == at("2026-10-25 01:30:00")
    shanghai = Clock("Asia/Shanghai")
    assert read("2026-11-02 10:00:00", "iso", shanghai, "CST") == at("2026-11-02 02:00:00")


def write(layout, fraction, offset, moment):
    """A time as a log writer with that layout prints it."""
    plain = layout.replace("%f", fraction).replace("%z", offset).replace("%e", f"{moment.day:2}")
    return moment.strftime(plain)


LAYOUTS = [one for one in NAMED["any"] if one != "%s"]
MOMENTS = st.datetimes(datetime(1969, 1, 1), datetime(2071, 1, 1))
WRITTEN = st.tuples(
    st.sampled_from(LAYOUTS),
    st.sampled_from(["", ".5", ",123", ":07", ".123456789", "." + "9" * 30]),
    st.sampled_from(["", "Z", " UTC", "+08:00", " -0330", "+01"]),
    st.lists(MOMENTS, min_size=1, max_size=6),
)
CHANGED = st.tuples(st.integers(0, 30), st.sampled_from("0159 ,:-+/TZaM."))


@settings(max_examples=200, deadline=None)
@given(WRITTEN, st.lists(CHANGED, max_size=2), st.sampled_from(["UTC", "Europe/Berlin"]))
@example(("%b %e %H:%M:%S%f", "", "", [datetime(2024, 2, 29), datetime(2026, 2, 28)]), [], "UTC")
@example(("%y%m%d %H%M%S", "", "", [datetime(1970, 1, 1), datetime(2069, 12, 31)]), [], "UTC")
@example(("%Y-%m-%d %H:%M:%S%f%z", "", " -0330", [datetime(2026, 11, 2)]), [(19, "T")], "UTC")
def test_the_kernel_reads_what_columns_of_bytes_would(written, changed, zone):
    layout, fraction, offset, moments = written
    texts = [write(layout, fraction, offset, one) for one in moments]
    for at, letter in changed:  # in the last text: the first one gives the shape
        texts[-1] = texts[-1][:at] + letter + texts[-1][at + 1 :]
    shown = pl.Series(texts + texts[:2])
    clock = Clock(zone, datetime(2026, 3, 1, 12, tzinfo=UTC))
    by_kernel = to_utc(shown, ["iso", layout], clock=clock)
    with patch("biglog.lines.fixed.read_fixed", lambda *_, **__: None):
        plainly = to_utc(shown, ["iso", layout], clock=clock)
    assert by_kernel.utc.to_list() == plainly.utc.to_list()
    assert by_kernel.rules == plainly.rules


@pytest.mark.parametrize(
    ("texts", "layouts", "all_at_once"),
    [
        (["2026-11-02 10:00:00,123", "2026-11-02 10:00:00,124"], ["iso"], True),
        (["2026-11-02T10:00:00.5Z", "2026-11-02T10:00:00Z"], ["iso"], True),
        (["Nov  2 10:00:00", "Nov 12 10:00:00"], ["iso", "%b %e %H:%M:%S%f"], True),
        (["2026-11-02 10:00:00", "2026-11-02 10:00:00Z"], ["iso"], False),
        (["2026-11-02 10:00:00", "soon"], ["iso"], False),
        (["2026-11-02 10:00:00", None], ["iso"], False),
        (["Nov 2 10:00:00"], ["%b %e %H:%M:%S"], False),
        (["1793613600"], ["epoch"], False),
        ([], ["iso"], False),
    ],
)  # fmt: skip
def test_what_the_kernel_is_for(texts, layouts, all_at_once):
    spread = [one for name in layouts for one in NAMED.get(name, (name,))]
    read = read_fixed(pl.Series(texts, dtype=pl.String), spread, latest_year=2026, latest=1 << 60)
    assert (read is not None) == all_at_once
