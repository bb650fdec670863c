"""Files that are replaced whole or not at all, and drafts of the dead that are swept away."""

import os
import socket
import subprocess
import sys

import pytest

from biglog import lake
from biglog.errors import BadInput, TryAgain


def drafts(folder):
    return sorted(path.name for path in folder.glob(".*.tmp"))


def write_half(target, error):
    with lake.replacing(target) as draft:
        draft.write_text("new")
        raise error


def test_a_failure_leaves_the_old_file(tmp_path):
    target = tmp_path / "part.parquet"
    target.write_text("old")
    with pytest.raises(ValueError, match="half way"):
        write_half(target, ValueError("half way"))
    assert target.read_text() == "old"
    assert drafts(tmp_path) == []


def test_two_writers_do_not_share_a_draft(tmp_path):
    target = tmp_path / "part.parquet"
    with lake.replacing(target) as one, lake.replacing(target) as other:
        assert one != other
        one.write_text("one")
        other.write_text("other")
    assert target.read_text() == "one"


def test_sweeping_takes_the_drafts_of_the_dead_only(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    host = socket.gethostname()
    gone = tmp_path / f".part-0.parquet.{host}.{dead.pid}.ab12cd34.tmp"
    alive = tmp_path / f".part-0.parquet.{host}.{os.getpid()}.ab12cd34.tmp"
    elsewhere = tmp_path / f".part-0.parquet.other.host.{dead.pid}.ab12cd34.tmp"
    old = tmp_path / f".part-0.parquet.other.host.{dead.pid}.ffffffff.tmp"
    for path in (gone, alive, elsewhere, old):
        path.touch()
    os.utime(old, (0, 0))
    lake.sweep(tmp_path)
    assert drafts(tmp_path) == sorted([alive.name, elsewhere.name])


def test_a_full_disk_is_said_and_the_old_file_stays(tmp_path):
    target = tmp_path / "part.parquet"
    target.write_text("old")
    with pytest.raises(TryAgain, match="free space"):
        write_half(target, OSError(28, "No space left on device"))
    assert target.read_text() == "old"


def test_a_stage_that_has_not_run_is_named(tmp_path):
    with pytest.raises(BadInput, match="run the stage that writes it"):
        lake.read_json(tmp_path / "findings.json", list[int])
