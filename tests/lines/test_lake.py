"""Batches in, one partition on disk, whole or not at all."""

import os
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest

from biglog import lake
from biglog.errors import BadInput
from biglog.lines.lake import write_partition
from biglog.lines.read import read
from biglog.records import LINES, QUARANTINE
from biglog.settings import LineSettings, SourceSettings

DATE = "2026-11-02"
GOOD = "2026-11-02 10:00:00 ERROR [main] shop.Cart: failed {}\n"
SOURCE = SourceSettings("web", "x", format="log4j")


@pytest.fixture
def store(tmp_path):
    def write(text, source=SOURCE):
        path = tmp_path / "app.log"
        path.write_text(text)
        batches = read([path], source, LineSettings(), date=DATE)
        return write_partition(batches, tmp_path / "lake", source, DATE)

    return write


def stored(tmp_path, where=lake.lines):
    return pq.read_table(where(tmp_path / "lake", "web", DATE), partitioning=None)


def leftovers(tmp_path):
    return [path.name for path in (tmp_path / "lake").rglob("*") if path.name.endswith(".tmp")]


def test_lines_and_quarantine_are_written(store, tmp_path):
    info = store("stray\n" + "".join(GOOD.format(at) for at in range(9)))
    assert (info.lines, info.quarantined, info.late, info.format) == (9, 1, 0, "log4j")
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


def test_lines_of_another_date_are_kept_and_counted(store):
    info = store(GOOD.format(1) + GOOD.format(2).replace("-02 ", "-03 "))
    assert (info.lines, info.late) == (2, 1)


def test_mostly_bad_input_is_refused_and_the_old_partition_stays(store, tmp_path):
    store(GOOD.format(1))
    with pytest.raises(BadInput, match=r"3 of 4 lines \(75%\).*line 1: 'junk' .*Name the right"):
        store("junk\n" * 3 + GOOD.format(2))
    assert stored(tmp_path)["content"].to_pylist() == ["failed 1"]
    assert leftovers(tmp_path) == []


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


def test_drafts_of_a_killed_run_are_swept(store, tmp_path):
    store(GOOD.format(1))
    draft = lake.lines(tmp_path / "lake", "web", DATE).with_name(".part-0.parquet.web9.99.ab.tmp")
    draft.write_bytes(b"half")
    os.utime(draft, (0, 0))
    store(GOOD.format(2))
    assert leftovers(tmp_path) == []
