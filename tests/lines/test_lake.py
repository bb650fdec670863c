"""Batches in, one partition on disk, whole or not at all."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest

from biglog import lake
from biglog.errors import BadInput
from biglog.lines.lake import write_partition
from biglog.lines.read import read
from biglog.records import LINES, QUARANTINE, TIMES
from biglog.settings import LineSettings, SourceSettings

DATE = "2026-11-02"
GOOD = "2026-11-02 10:00:00 ERROR [main] shop.Cart: failed {}\n"
SOURCE = SourceSettings("web", "{date}.log", format="log4j")


@pytest.fixture
def store(tmp_path):
    def write(text, source=SOURCE, date=DATE):
        path = tmp_path / "app.log"
        path.write_text(text)
        batches = read([path], source, LineSettings(), date=date)
        return write_partition(batches, tmp_path / "lake", source, date)

    return write


def stored(tmp_path, where=lake.lines):
    return pq.read_table(where(tmp_path / "lake", "web", DATE), partitioning=None)


def leftovers(tmp_path):
    return [path.name for path in (tmp_path / "lake").rglob("*") if path.name.endswith(".tmp")]


def test_lines_and_quarantine_are_written(store, tmp_path):
    info = store("stray\n" + "".join(GOOD.format(at) for at in range(9)))
    assert (info.lines, info.quarantined, info.late, info.format) == (9, 1, {}, "log4j")
    assert info.first_at == datetime(2026, 11, 2, 10, tzinfo=UTC)
    assert stored(tmp_path).schema == LINES
    bad = stored(tmp_path, lake.quarantine)
    assert bad.schema == QUARANTINE
    assert bad["line_no"].to_pylist() == [1]


def test_twice_leaves_the_same_rows(store, tmp_path):
    text = "".join(GOOD.format(at) for at in range(9))
    store(text)
    first = stored(tmp_path)
    store(text)
    assert stored(tmp_path).equals(first)


def test_an_empty_partition_is_a_file_without_rows(store, tmp_path):
    info = store("")
    assert (info.lines, info.first_at) == (0, None)
    assert stored(tmp_path).num_rows == 0
    assert stored(tmp_path, lake.quarantine).num_rows == 0


def on(date, number):
    return GOOD.format(number).replace(DATE, date)


def shelves(tmp_path):
    """Every file of lines in the lake, and what it holds."""
    return {
        str(path.relative_to(tmp_path / "lake/lines/source=web")): pq.read_table(
            path, partitioning=None
        )["content"].to_pylist()
        for path in sorted((tmp_path / "lake" / "lines").rglob("*.parquet"))
    }


def test_lines_of_another_date_go_to_its_partition(store, tmp_path):
    info = store(on("2026-11-02", 1) + on("2026-11-01", 2) + on("2026-11-03", 3) + "\n")
    assert (info.lines, info.late) == (1, {"2026-11-01": 1, "2026-11-03": 1})
    assert info.first_at == info.last_at == datetime(2026, 11, 2, 10, tzinfo=UTC)
    store(on("2026-11-01", 4), date="2026-11-01")
    assert shelves(tmp_path) == {
        "date=2026-11-01/late-2026-11-02.parquet": ["failed 2"],
        "date=2026-11-01/part-0.parquet": ["failed 4"],
        "date=2026-11-02/part-0.parquet": ["failed 1"],
        "date=2026-11-03/late-2026-11-02.parquet": ["failed 3"],
    }
    own, late = lake.parts(tmp_path / "lake", "web", "2026-11-01")
    ids = [pq.read_table(one, partitioning=None)["line_id"].to_pylist() for one in (own, late)]
    assert ids == [[0], [(20759 << 32) + 1]]  # 2026-11-02 is 20,759 days after 1970-01-01


def test_late_lines_are_replaced_by_the_night_that_brought_them(store, tmp_path):
    text = on("2026-11-01", 1) + on("2026-11-02", 2) + on("2026-11-03", 3)
    store(text)
    digests = lake.late_digests(tmp_path / "lake", "2026-11-01", ["web"])
    store(text)
    assert lake.late_digests(tmp_path / "lake", "2026-11-01", ["web"]) == digests
    store(on("2026-11-03", 4), date="2026-11-04")
    store(on("2026-11-01", 5) + on("2026-11-02", 6))
    assert shelves(tmp_path) == {
        "date=2026-11-01/late-2026-11-02.parquet": ["failed 5"],
        "date=2026-11-02/part-0.parquet": ["failed 6"],
        "date=2026-11-03/late-2026-11-04.parquet": ["failed 4"],
        "date=2026-11-04/part-0.parquet": [],
    }
    assert lake.late_digests(tmp_path / "lake", "2026-11-01", ["web"]) != digests


def test_a_clock_that_jumped_moves_no_line(store, tmp_path):
    text = on("2026-11-02", 1) + on("1970-01-01", 2) + on("2026-10-26", 3) + on("2026-10-25", 4)
    info = store(text, replace(SOURCE, late_days=7))
    assert (info.lines, info.jumps, info.late) == (3, 2, {"2026-10-26": 1})
    assert info.first_at == info.last_at == datetime(2026, 11, 2, 10, tzinfo=UTC)
    assert shelves(tmp_path)["date=2026-11-02/part-0.parquet"] == [
        "failed 1", "failed 2", "failed 4"
    ]  # fmt: skip


def test_of_files_that_all_nights_read_each_takes_its_own_lines(store, tmp_path):
    days = ("2026-09-01", "2026-11-01", "2026-11-02", "2026-11-03", "1970-01-01")
    text = "".join(on(day, number) for number, day in enumerate(days))
    lasting = replace(SOURCE, path="app.log*")
    found = [store(text, lasting, date) for date in days[1:4]]
    assert [(one.lines, one.left, one.jumps, one.late) for one in found] == [(2, 3, 1, {})] * 3
    assert shelves(tmp_path) == {
        f"date={day}/part-0.parquet": [f"failed {number}", "failed 4"]
        for number, day in enumerate(days[1:4], 1)
    }


@pytest.mark.parametrize("path", ["{date}.log", "app.log*"])
def test_without_a_reach_every_line_stays(store, path):
    text = on("2026-11-01", 1) + on("2026-11-02", 2) + on("2026-11-03", 3)
    info = store(text, replace(SOURCE, path=path, late_days=0))
    assert (info.lines, info.left, info.late) == (3, 0, {})


def test_the_zone_of_the_source_says_which_date_a_line_is_of(store):
    text = "".join(
        f"2026-11-0{time}Z INFO [main] shop.Cart: ok\n"
        for time in ("1T15:59:59", "1T16:00:00", "2T15:59:59", "2T16:00:00")
    )
    info = store(text, replace(SOURCE, timezone="Asia/Shanghai"))
    assert (info.lines, info.late) == (2, {"2026-11-01": 1, "2026-11-03": 1})


def test_the_rules_that_gave_the_times_are_kept_with_the_lines(store, tmp_path):
    info = store(GOOD.format(1) + GOOD.format(2).replace("10:00:00", "10:00:00Z"))
    assert info.times == {"absolute": 1, "assumed UTC": 1}
    path = lake.lines(tmp_path / "lake", "web", DATE)
    assert json.loads(pq.read_metadata(path).metadata[TIMES.encode()]) == info.times


def test_mostly_bad_input_is_refused_and_the_old_partition_stays(store, tmp_path):
    store(GOOD.format(1))
    with pytest.raises(BadInput, match=r"3 of 4 lines \(75%\).*line 1: 'junk' .*Name the right"):
        store("junk\n" * 3 + GOOD.format(2))
    assert stored(tmp_path)["content"].to_pylist() == ["failed 1"]
    assert leftovers(tmp_path) == []


def test_lines_of_other_dates_are_no_bad_lines(store):
    info = store("junk\n" * 3 + on("2026-11-01", 1) + on("2026-11-01", 2) + on("2026-11-01", 3))
    assert (info.lines, info.quarantined) == (0, 3)


def test_a_stop_before_the_swap_leaves_the_old_partition(store, tmp_path):
    store(GOOD.format(1))

    def cut_off(path):
        yield from read([path], SOURCE, LineSettings())
        raise KeyboardInterrupt

    path = tmp_path / "app.log"
    path.write_text(GOOD.format(2))
    with pytest.raises(KeyboardInterrupt):
        write_partition(cut_off(path), tmp_path / "lake", SOURCE, DATE)
    assert stored(tmp_path)["content"].to_pylist() == ["failed 1"]


def test_a_stop_before_the_swap_leaves_late_lines_too(store, tmp_path):
    store(on("2026-11-01", 1) + on("2026-11-02", 2))
    before = shelves(tmp_path)
    with pytest.raises(BadInput):
        store("junk\n" * 9 + on("2026-11-03", 3))
    assert shelves(tmp_path) == before
    assert leftovers(tmp_path) == []


def test_drafts_of_a_killed_run_are_swept(store, tmp_path):
    store(GOOD.format(1))
    draft = lake.lines(tmp_path / "lake", "web", DATE).with_name(".part-0.parquet.web9.99.ab.tmp")
    draft.write_bytes(b"half")
    os.utime(draft, (0, 0))
    store(GOOD.format(2))
    assert leftovers(tmp_path) == []
