"""Files on a shelf above, their copies below."""

import os
import time
from dataclasses import dataclass, field

import fsspec
import pytest

from biglog.errors import BadInput, TryAgain
from biglog.settings import SourceSettings
from biglog.sources.collect import collect
from biglog.sources.staging import Remote, place, stage, staging

DATE = "2026-11-02"


@dataclass
class Shelf:
    files: dict[str, bytes]
    read_names: list[str] = field(default_factory=list)

    def find(self):
        return tuple(Remote(name, len(data), str(data)) for name, data in self.files.items())

    def read(self, remote):
        self.read_names.append(remote.name)
        data = self.files[remote.name]
        yield data[:3]
        yield data[3:]


def contents(paths):
    return {one.name: one.read_bytes() for one in paths}


def test_copies_oldest_lines_first(tmp_path):
    shelf = Shelf({"logs/app.log": b"new\n", "logs/app.log.2.gz": b"old\n", "logs/app.log.1": b"x"})
    found = stage(shelf, tmp_path)
    assert [one.name for one in found] == ["app.log.2.gz", "app.log.1", "app.log"]
    assert contents(found)["app.log"] == b"new\n"


def test_what_is_here_unchanged_is_not_read_again(tmp_path):
    shelf = Shelf({"a.log": b"one\n", "b.log": b"two\n"})
    stage(shelf, tmp_path)
    shelf.files["b.log"] = b"two!\n"
    found = stage(shelf, tmp_path)
    assert shelf.read_names == ["a.log", "b.log", "b.log"]
    assert contents(found) == shelf.files


class Unmarked(Shelf):
    def find(self):
        return tuple(Remote(name, len(data), "") for name, data in self.files.items())


def test_what_does_not_tell_whether_it_changed_is_read_again(tmp_path):
    shelf = Unmarked({"a.log": b"one\n"})
    stage(shelf, tmp_path)
    shelf.files["a.log"] = b"two\n"
    assert contents(stage(shelf, tmp_path)) == shelf.files


def test_a_copy_that_was_lost_is_read_again(tmp_path):
    shelf = Shelf({"a.log": b"one\n"})
    stage(shelf, tmp_path)[0].unlink()
    assert contents(stage(shelf, tmp_path)) == shelf.files


def test_what_is_gone_there_goes_here(tmp_path):
    shelf = Shelf({"a.log": b"one\n", "b.log": b"two\n"})
    (copy, _) = stage(shelf, tmp_path)
    del shelf.files["a.log"]
    assert contents(stage(shelf, tmp_path)) == {"b.log": b"two\n"}
    assert not copy.exists()


class Growing(Shelf):
    def read(self, remote):
        yield self.files[remote.name] + b"more"
        yield b"and more"


class Cut(Shelf):
    def read(self, remote):
        yield self.files[remote.name][:2]


def test_a_file_that_grows_is_read_as_far_as_it_was_listed(tmp_path):
    assert contents(stage(Growing({"a.log": b"line\n"}), tmp_path)) == {"a.log": b"line\n"}


def test_half_a_file_is_none(tmp_path):
    with pytest.raises(TryAgain, match="ended after 2 of its 5 bytes"):
        stage(Cut({"a.log": b"line\n"}), tmp_path)
    assert not list(tmp_path.rglob("*a.log*"))


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/etc/passwd", "a/../../b", "a\0b", "x" * 999, "日志" * 99, "a\nb", "..."],
)
def test_no_name_leads_out_of_the_folder(tmp_path, name):
    target = place(tmp_path, name)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("x")
    assert target.resolve().is_relative_to(tmp_path.resolve())
    assert target.is_file()


def test_other_names_have_other_places(tmp_path):
    names = ["a b", "a%20b", "a_b", "..", "%2E%2E", "x" * 999, "x" * 998, "日志", "日誌", "a/b"]
    assert len({place(tmp_path, name) for name in names}) == len(names)


def test_one_process_at_a_time(tmp_path):
    with (
        staging(tmp_path, "web", DATE),
        pytest.raises(TryAgain, match="is being filled by another run"),
        staging(tmp_path, "web", DATE),
    ):
        pass
    with staging(tmp_path, "web", DATE) as folder:
        assert folder.is_dir()


def test_copies_that_nobody_asks_for_are_removed(tmp_path):
    for date, days in (("2026-10-01", 8), ("2026-10-02", 6)):
        with staging(tmp_path, "web", date) as folder:
            (folder / "a.log").write_text("x")
        past = time.time() - days * 86_400
        os.utime(folder, (past, past))
    with staging(tmp_path, "web", DATE) as folder:
        assert sorted(one.name for one in folder.parent.iterdir()) == [
            "date=2026-10-02", "date=2026-11-02",
        ]  # fmt: skip


@pytest.fixture
def memory():
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()


def test_any_file_system_that_fsspec_knows(tmp_path, memory):
    for name in ("web-2026-11-02.log", "web-2026-11-02.log.1", "web-2026-11-03.log", ".hidden"):
        memory.pipe(f"/logs/{name}", name.encode())
    source = SourceSettings("web", "memory://logs/web-{date}.log*")
    found = collect(source, DATE, tmp_path)
    assert [one.name for one in found] == ["web-2026-11-02.log.1", "web-2026-11-02.log"]
    assert found[0].read_text() == "web-2026-11-02.log.1"


def test_a_file_url_is_a_path(tmp_path):
    (tmp_path / "a.log").write_text("x\n")
    source = SourceSettings("web", f"file://{tmp_path}/*.log")
    assert collect(source, DATE, tmp_path) == (tmp_path / "a.log",)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("s3://key:s3cret@bucket/*.log", "path holds a password; move it to a connection"),
        ("gopher://host/*.log", "Protocol not known: gopher"),
        ("loki://host:port/{app='x'}", "Port could not be cast"),
        ("loki:///{app='x'}", "no host; write kind://host:port"),
    ],
)
def test_a_url_that_is_none(tmp_path, path, said):
    with pytest.raises(BadInput, match=said) as refused:
        collect(SourceSettings("web", path), DATE, tmp_path)
    assert "s3cret" not in str(refused.value)
