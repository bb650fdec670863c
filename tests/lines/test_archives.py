"""Archives above, the files read from them below."""

import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys
import tarfile
import zipfile

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from biglog.lines import unpack
from biglog.lines.archives import parts
from biglog.lines.decode import read_chunks
from biglog.lines.names import by_age
from biglog.lines.parts import STEP
from biglog.lines.read import detect, read
from biglog.settings import LineSettings, SourceSettings

LOG = "2026-11-02 10:00:00 INFO [main] shop.Cart: {}\n"
MEMBERS = {
    "web/app.log": LOG.format("newest").encode(),
    "web/app.log.1": LOG.format("yesterday").encode(),
    "web/app.log.2.gz": gzip.compress(LOG.format("two days ago").encode()),
    "web/app.log.10.gz": gzip.compress(LOG.format("ten days ago").encode()),
}
ORDER = ["ten days ago", "two days ago", "yesterday", "newest"]


def zipped(members, method=zipfile.ZIP_DEFLATED):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return data.getvalue()


def tarred(members, **odd):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            for key, value in odd.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(text))
    return data.getvalue()


@pytest.fixture
def rows(tmp_path):
    """(file, content) of every record, and (file, reason) of every quarantined line."""

    def write(data, name="logs.zip", **limits):
        path = tmp_path / name
        path.write_bytes(data)
        told = SourceSettings("s", "x")
        batches = list(read([path], told, LineSettings(**limits), date="2026-11-02"))
        before = f"{tmp_path}/"
        kept = [row for batch in batches for row in batch.lines.to_pylist()]
        bad = [row for batch in batches for row in batch.bad.to_pylist()]
        assert [row["line_id"] for row in kept] == list(range(len(kept)))
        return (
            [(row["file"].removeprefix(before), row["content"]) for row in kept],
            [(row["file"].removeprefix(before), row["reason"]) for row in bad],
        )

    return write


# members are files


@pytest.mark.parametrize(
    "pack",
    [
        zipped,
        lambda members: zipped(members, zipfile.ZIP_STORED),
        lambda members: zipped(members, zipfile.ZIP_BZIP2),
        tarred,
        lambda members: gzip.compress(tarred(members)),
        lambda members: bz2.compress(tarred(members)),
        lambda members: lzma.compress(tarred(members)),
        lambda members: zstandard.compress(tarred(members)),
    ],
    ids=["zip", "stored", "bzip2", "tar", "tar.gz", "tar.bz2", "tar.xz", "tar.zst"],
)
def test_members_are_files_the_oldest_first(pack, rows):
    lines, bad = rows(pack(MEMBERS), "logs")
    assert [content for _, content in lines] == ORDER
    assert [file for file, _ in lines] == [
        "logs/web/app.log.10.gz",
        "logs/web/app.log.2.gz",
        "logs/web/app.log.1",
        "logs/web/app.log",
    ]
    assert bad == []


def test_rotated_sets_are_sorted_by_age():
    names = [
        "api.log",
        "app.log-20261030.gz",
        "app.log-20261101",
        "app.log",
        "node2/db.log.3",
        "node2/db.log.1.zst",
        "node2/db.log",
        "node10/db.log.2026-11-01-07",
        "node10/db.log.2026-11-01-08",
        "node10/db.log",
    ]
    assert sorted(reversed(names), key=by_age) == names


def test_each_member_is_detected_for_itself(rows):
    lines, _ = rows(
        zipped({"a.log": LOG.format("one"), "b.json": '{"msg": "two", "level": "info"}\n'})
    )
    assert lines == [("logs.zip/a.log", "one"), ("logs.zip/b.json", "two")]


def test_detection_of_an_archive_is_that_of_its_oldest_member(tmp_path):
    path = tmp_path / "logs.zip"
    path.write_bytes(zipped(MEMBERS))
    assert detect(path).format == detect_member(tmp_path).format


def detect_member(tmp_path):
    path = tmp_path / "app.log"
    path.write_bytes(MEMBERS["web/app.log"])
    return detect(path)


def test_folders_links_and_hidden_files_are_no_logs(rows):
    members = {
        "web/": b"",
        "web/a.log": LOG.format("one"),
        "__MACOSX/web/._a.log": b"\0\5",
        ".env": b"x",
    }
    assert rows(zipped(members)) == ([("logs.zip/web/a.log", "one")], [])
    lines, bad = rows(tarred({"link.log": b""}, type=tarfile.SYMTYPE, linkname="/etc/passwd"))
    assert (lines, bad) == ([], [("logs.zip", "holds no file to read; check what packs it")])


def test_line_numbers_begin_anew_in_each_member(tmp_path):
    path = tmp_path / "logs.tar"
    path.write_bytes(tarred({"a.log": LOG.encode() * 2, "b.log": LOG.encode()}))
    batches = read([path], SourceSettings("s", "x"), LineSettings(), date="2026-11-02")
    assert [row["line_no"] for one in batches for row in one.lines.to_pylist()] == [1, 2, 1]


def test_members_of_a_packed_tar_may_be_read_in_turns(tmp_path):
    path = tmp_path / "logs.tgz"
    texts = {f"{name}.log": (f"{name * 99}\n" * 20_000).encode() for name in "ab"}
    path.write_bytes(gzip.compress(tarred(texts)))
    pair = [
        read_chunks(one, max_line=1000, batch=1000, block=STEP)
        for one in parts(path, LineSettings())
    ]
    for first, second in zip(*pair, strict=True):
        assert set(first.lines) == {"a" * 99}
        assert set(second.lines) == {"b" * 99}


# names are not paths


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/cron.d/x.log", "logs/etc/cron.d/x.log"),
        ("/etc/passwd", "logs/etc/passwd"),
        ("..\\..\\windows\\x.log", "logs/windows/x.log"),
        ("a\nb\x1b[31m.log", "logs/a\ufffdb\ufffd[31m.log"),
        ("夜间/日志.log", "logs/夜间/日志.log"),
        ("x" * 3000 + ".log", "logs/" + "x" * 1024),
    ],
)
def test_a_hostile_name_is_shown_and_never_written(pack, name, shown, rows, tmp_path):
    lines, _ = rows(pack({name: LOG.format("one").encode()}), "logs")
    assert lines == [(shown, "one")]
    assert [path.name for path in tmp_path.rglob("*")] == ["logs"]


def test_a_name_with_a_nul_ends_there(rows):
    data = zipped({"aXb.log": LOG.format("one")}).replace(b"aXb.log", b"a\0b.log")
    assert rows(data)[0] == [("logs.zip/a\ufffdb.log", "one")]


def test_a_name_in_gbk_is_read_as_such(rows):
    raw = "夜间日志".encode("gbk")
    data = zipped({"x" * len(raw): LOG.format("one")}).replace(b"x" * len(raw), raw)
    assert rows(data)[0] == [("logs.zip/夜间日志", "one")]


# damage


def encrypted(data):
    """Sets the flag of encryption of the first member, in its header and in the directory."""
    changed = bytearray(data)
    changed[6] |= 1
    changed[changed.index(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


def test_an_encrypted_member_is_named_and_the_rest_is_read(rows):
    data = encrypted(zipped({"secret.log": b"x", "web.log": LOG.format("one")}))
    assert rows(data) == (
        [("logs.zip/web.log", "one")],
        [("logs.zip/secret.log", "is encrypted; unpack it with its password first")],
    )


def many(name):
    return "".join(LOG.format(f"{name} {at} {at**5}") for at in range(3000)).encode()


@pytest.mark.parametrize("pack", [zipped, tarred, lambda members: gzip.compress(tarred(members))])
def test_what_lies_before_the_cut_of_a_truncated_archive_is_read(pack, rows):
    data = pack({"a.log": many("a"), "b.log": many("b")})
    lines, bad = rows(data[: len(data) * 3 // 4], "logs")
    names = [content.split()[0] for _, content in lines]
    assert names.count("a") == 3000
    assert 500 < names.count("b") < 3000
    assert {file for file, _ in bad} == {"logs", "logs/b.log"}
    assert all("truncated" in reason or "damaged" in reason for _, reason in bad[:2])


SOUND = [zipped(MEMBERS), tarred(MEMBERS), gzip.compress(tarred(MEMBERS), mtime=0)]


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory):
    return tmp_path_factory.mktemp("spoilt") / "logs"


@given(data=st.data(), sound=st.sampled_from(SOUND))
@settings(max_examples=200, deadline=None)
def test_no_spoilt_byte_stops_the_reading(data, sound, spoilt):
    changed = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(sound) - 1))] = data.draw(st.integers(0, 255))
    spoilt.write_bytes(changed[: data.draw(st.integers(1, len(sound)))])
    for part in parts(spoilt, LineSettings()):
        for chunk in read_chunks(part, max_line=1000, batch=1000):
            assert len(chunk.lines.to_list()) == len(chunk.lines)


def test_a_streamed_zip_that_was_cut_is_read_too(rows):
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    data = Pipe()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a", "b"):
            with archive.open(f"{name}.log", "w") as member:
                member.write(many(name))
    whole = data.getvalue()
    lines, _ = rows(whole[: len(whole) * 3 // 4])
    assert sum(content.startswith("a ") for _, content in lines) == 3000
    assert sum(content.startswith("b ") for _, content in lines) > 500


def test_an_archive_within_an_archive_is_left(rows):
    inner = zipped(MEMBERS)
    lines, bad = rows(
        zipped(
            {
                "a.zip": inner,
                "b.tar": tarred(MEMBERS),
                "c.tar.gz": gzip.compress(tarred(MEMBERS)),
                "d.log.gz.gz": gzip.compress(gzip.compress(MEMBERS["web/app.log"])),
                "e.log": LOG.format("one"),
            }
        )
    )
    assert lines == [("logs.zip/e.log", "one")]
    refused = [file for file, reason in bad if "within an archive" in reason]
    assert [file[-8:] for file in refused] == ["ip/a.zip", "ip/b.tar", "c.tar.gz", "og.gz.gz"]


def test_an_empty_archive_says_so(rows):
    for data in (zipped({}), tarred({"web/": b""}, type=tarfile.DIRTYPE)):
        assert rows(data) == ([], [("logs.zip", "holds no file to read; check what packs it")])


def test_a_packing_that_is_not_known_is_named(rows):
    data = zipped({"a.log": b"x" * 99}, zipfile.ZIP_LZMA)
    assert "zip method 14" in rows(data)[1][0][1]


# limits


@pytest.mark.parametrize("pack", [zipped, tarred, lambda members: gzip.compress(tarred(members))])
def test_too_many_members_are_not_read(pack, rows):
    lines, bad = rows(
        pack({f"{at}.log": LOG.format(at).encode() for at in range(9)}), max_members=3
    )
    assert len(lines) == 3
    assert [reason for _, reason in bad] == [
        "holds more than 3 files; raise max_members if so many are due"
    ]


def test_members_count_together_against_the_size_limit(rows):
    part = LOG.encode() * 1000
    lines, bad = rows(
        zipped({f"{at}.log": part for at in range(9)}), max_unpacked_bytes=3 * len(part) + 1
    )
    assert 3000 <= len(lines) <= 4000
    assert [file for file, _ in bad] == ["logs.zip/3.log", "logs.zip"]
    assert all("raise max_unpacked_bytes" in reason for _, reason in bad)


def test_members_of_one_name_are_counted_one_by_one(rows):
    text = LOG.encode() * 1000
    lines, bad = rows(
        zipped({f"{'./' * at}x/a.log": text for at in range(9)}),
        max_unpacked_bytes=2 * len(text),
    )
    assert 2000 <= len(lines) <= 3000
    assert "raise max_unpacked_bytes" in bad[0][1]


def test_a_full_disk_is_worth_another_try(tmp_path):
    """A packed tar is unpacked beside; here no file may grow beyond 1 kB."""
    path = tmp_path / "logs.tgz"
    path.write_bytes(gzip.compress(tarred({"a.log": LOG.encode() * 1000})))
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from biglog.errors import TryAgain; from biglog.lines.archives import parts\n"
        "from biglog.settings import LineSettings\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))\n"
        "try: list(parts(Path(sys.argv[1]), LineSettings()))\n"
        "except TryAgain as error: print(error)\n"
    )
    told = [sys.executable, "-c", code, str(path)]
    known = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    said = subprocess.run(told, capture_output=True, text=True, check=True, env=known).stdout
    assert "could not be unpacked into" in said
    assert "make room there, or name another folder in TMPDIR" in said


def test_a_zip_bomb_is_stopped_by_its_ratio(rows, monkeypatch):
    monkeypatch.setattr(unpack, "RATIO_FROM", 1 << 20)
    bomb = (b"x" * 99 + b"\n") * 100_000
    for data in (zipped({"a.log": bomb, "b.log": bomb}), gzip.compress(tarred({"a.log": bomb}))):
        lines, bad = rows(data)
        assert len(lines) * 100 < 200 * len(data) + (8 << 20)
        assert "decompression bomb" in bad[0][1]


def test_many_names_for_the_same_bytes_are_no_way_round(rows, monkeypatch):
    """Members that overlap: each is small, all of them together are not."""
    monkeypatch.setattr(unpack, "RATIO_FROM", 1 << 20)
    data = zipped({f"{at:02}.log": (b"x" * 99 + b"\n") * 9000 for at in range(60)})
    first = 0
    directory = data.index(b"PK\x01\x02")
    entries = bytearray(data[directory:])
    at = 0
    while (at := entries.find(b"PK\x01\x02", at)) >= 0:
        entries[at + 42 : at + 46] = first.to_bytes(4, "little")
        at += 46
    shared = data[: data.index(b"PK\x03\x04", 4)]
    end = entries.rindex(b"PK\x05\x06")
    entries[end + 16 : end + 20] = len(shared).to_bytes(4, "little")
    lines, bad = rows(shared + bytes(entries))
    assert len(lines) < 20 * 9000
    assert "decompression bomb" in bad[0][1]


def test_a_tar_header_of_gigabytes_is_not_believed(rows):
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 7 << 30
    good = tarred({"a.log": LOG.format("one").encode()})[:1024]
    lines, bad = rows(good + info.tobuf() + bytes(5000))
    assert lines == [("logs.zip/a.log", "one")]
    assert "a header of 7,516,192,768 bytes" in bad[0][1]


def test_a_zip_directory_of_gigabytes_is_not_read(rows):
    data = bytearray(zipped({"a.log": LOG.format("one")}))
    end = data.rindex(b"PK\x05\x06")
    data[end + 12 : end + 16] = (1 << 31).to_bytes(4, "little")
    lines, bad = rows(bytes(data))
    assert lines == [("logs.zip/a.log", "one")]
    assert "a directory of 2,147,483,648 bytes" in bad[0][1]


def test_times_of_members_that_are_none_do_not_stop_the_reading(rows):
    text = {"a.log": b"Nov  2 10:00:00 web1 sshd[1]: ok\n"}
    for age in (-5, 0, 1 << 60):
        assert len(rows(tarred(text, mtime=age) if age >= 0 else tarred(text))[0]) == 1
    undated = bytearray(zipped(text))
    at = undated.index(b"PK\x01\x02")
    undated[at + 12 : at + 16] = b"\xff\xff\xff\xff"
    assert len(rows(bytes(undated))[0]) == 1
