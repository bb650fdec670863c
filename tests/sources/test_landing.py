"""A landing folder above, the files found in it below."""

import pytest

from biglog.errors import BadInput
from biglog.settings import SourceSettings
from biglog.sources.landing import find


@pytest.fixture
def landing(tmp_path):
    folder = tmp_path / "landing"
    folder.mkdir()
    for name in ("web-2026-11-02.log", "web-2026-11-02.log.1", "web-2026-11-03.log", ".hidden"):
        (folder / name).write_text("x\n")
    return folder


def names(path, date="2026-11-02"):
    return [one.name for one in find(SourceSettings("web", str(path)), date)]


def test_the_partitions_files_oldest_first(landing):
    assert names(landing / "web-{date}.log*") == ["web-2026-11-02.log.1", "web-2026-11-02.log"]


def test_other_ways_to_write_a_date(landing):
    folder = landing / "2026" / "11"
    folder.mkdir(parents=True)
    (folder / "02-20261102.log").write_text("x\n")
    assert names(landing / "{yyyy}/{mm}/{dd}-{yyyymmdd}.log") == ["02-20261102.log"]


def test_nothing_there_is_nothing(landing):
    assert names(landing / "web-{date}.log", "2026-12-24") == []


def test_a_folder_of_a_date_without_files_is_nothing(landing):
    (landing / "2026-11-02").mkdir()
    (landing / "2026-11-02" / "a.log").write_text("x\n")
    assert names(landing / "{date}" / "*.log") == ["a.log"]
    assert names(landing / "{date}" / "*.log", "2026-12-24") == []


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"gone does not exist; create it"):
        names(tmp_path / "gone" / "*.log")


def test_a_directory_in_place_of_a_file(landing):
    (landing / "dir-2026-11-02.log").mkdir()
    with pytest.raises(BadInput, match="is a directory, expected files"):
        names(landing / "dir-{date}.log")


def test_a_link_out_of_the_folder_is_refused(landing, tmp_path):
    (tmp_path / "secret").write_text("x")
    (landing / "out-2026-11-02.log").symlink_to(tmp_path / "secret")
    with pytest.raises(BadInput, match="outside"):
        names(landing / "out-{date}.log")


def test_a_link_to_nothing_is_refused(landing):
    (landing / "dead-2026-11-02.log").symlink_to(landing / "nothing")
    with pytest.raises(BadInput, match="link to nothing"):
        names(landing / "dead-*.log")


@pytest.mark.parametrize("date", ["../../etc", "2026-11-02/../..", "2026-13-01", ""])
def test_a_date_that_is_none(landing, date):
    with pytest.raises(BadInput, match="is not a date"):
        names(landing / "web-{date}.log", date)


def test_an_unknown_place_is_named(landing):
    with pytest.raises(BadInput, match=r"path has \{hour\}; known places: \{date\}"):
        names(landing / "web-{hour}.log")
