"""Files that are broken, endless, hostile or still being written, and what is kept of them."""

import bz2
import gzip
import lzma
import os
import re
import subprocess
import sys
import threading
import time

import pytest
import zstandard

from biglog.errors import BadInput
from biglog.lines import unpack
from biglog.lines.archives import parts
from biglog.lines.decode import read_chunks
from biglog.lines.lake import write_partition
from biglog.lines.parts import STEP
from biglog.lines.read import read
from biglog.settings import LineSettings, SourceSettings

DATE = "2026-11-02"
GOOD = "2026-11-02 10:00:{:02} INFO [main] shop.Cart: sold {}\n"
LOG = "".join(GOOD.format(at % 60, at * 7919 % 10007) for at in range(4000)).encode()


def rows_of(path, *, joined=True, **limits):
    """Contents of the records, and (line number, reason) of what is in quarantine."""
    told = SourceSettings("s", "x")
    batches = list(read([path], told, LineSettings(**limits), joined=joined, date=DATE))
    lines = [row["content"] for batch in batches for row in batch.lines.to_pylist()]
    bad = [row for batch in batches for row in batch.bad.to_pylist()]
    assert {row["file"] for row in bad} <= {str(path)}
    return lines, [(row["line_no"], row["reason"]) for row in bad]


def chunks_of(path, **more):
    part = next(parts(path, LineSettings()))
    return read_chunks(part, max_line=1_000_000, batch=200_000, **more)


# what is no file


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"is a directory, expected a file; name its files, as"):
        rows_of(tmp_path)


def test_a_loop_of_links_is_refused(tmp_path):
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    one.symlink_to(two)
    two.symlink_to(one)
    with pytest.raises(BadInput, match="cannot be opened: Too many levels of symbolic links"):
        rows_of(one)


def test_a_link_to_nothing_is_refused(tmp_path):
    link = tmp_path / "app.log"
    link.symlink_to(tmp_path / "gone.log")
    with pytest.raises(BadInput, match="does not exist"):
        rows_of(link)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    pipe = tmp_path / "app.log"
    os.mkfifo(pipe)
    with pytest.raises(BadInput, match="is a pipe, a socket or a device, expected a file"):
        rows_of(pipe)


def test_an_endless_device_is_refused():
    from pathlib import Path

    with pytest.raises(BadInput, match="is a pipe, a socket or a device, expected a file"):
        rows_of(Path("/dev/zero"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_refused(landed):
    path = landed(LOG)
    path.chmod(0)
    with pytest.raises(BadInput, match="may not be read by this user; grant it read permission"):
        rows_of(path)


def test_a_name_that_is_no_text_is_shown_all_the_same(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.log")
    path.write_bytes(GOOD.format(1, 1).encode())
    (batch,) = read([path], SourceSettings("s", "x"), LineSettings(), date=DATE)
    assert batch.lines["file"].to_pylist() == [f"{tmp_path}/caf\ufffd.log"]


# nothing, or nothing but line ends


@pytest.mark.parametrize("data", [b"", b"\n" * 999, b"\r\n" * 999, b"\r" * 99, b"\0"])
def test_nothing_to_read_is_no_error(data, landed):
    lines, _ = rows_of(landed(data))
    assert [line for line in lines if line] == []


# rubbish


@pytest.mark.parametrize(
    "rubbish",
    [b"\0" * 500, b"\x01\x02\x07\x08\x1b", bytes(range(256)).replace(b"\n", b""), b"\xff" * 99],
    ids=["nul", "controls", "every byte", "no text"],
)
def test_rubbish_among_good_lines_costs_only_its_own(rubbish, landed):
    lines, bad = rows_of(landed(LOG + rubbish + b"\n" + LOG))
    assert len(lines) == 8000
    assert {number for number, _ in bad} == {4001}


def test_rubbish_at_the_end_of_a_crash_is_one_line(landed):
    """What a power cut leaves: a file grown, its last blocks never written."""
    lines, bad = rows_of(landed(LOG + b"\0" * 4096))
    assert len(lines) == 4000
    assert [number for number, _ in bad] == [4001]


def test_mostly_rubbish_fails_the_partition_and_says_what_to_do(landed, tmp_path):
    path = landed(b"\0\xff\n" * 60 + GOOD.format(1, 1).encode() * 40)
    source = SourceSettings("web", "x", format="log4j", max_bad_share=0.5)
    batches = read([path], source, LineSettings(), date=DATE)
    said = (
        r"source web: 60 of 100 lines \(60%\) could not be read as log4j, more than max_bad_share "
        r"= 50%; for example .*app\.log line 1: .*Name the right format in sources\.toml"
    )
    with pytest.raises(BadInput, match=said):
        write_partition(batches, tmp_path / "lake", source, DATE)
    tolerant = SourceSettings("web", "x", format="log4j", max_bad_share=0.7)
    batches = read([path], tolerant, LineSettings(), date=DATE)
    info = write_partition(batches, tmp_path / "lake", tolerant, DATE)
    assert (info.lines, info.quarantined) == (40, 60)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (gzip.compress(LOG)[:9], r"1 of 1 lines .* \(compressed data is truncated"),
        (b"Rar!\x1a\x07", r"1 of 1 lines .* \(is packed as rar, which is not read; unpack it"),
    ],
    ids=["cut", "rar"],
)
def test_a_partition_that_cannot_be_unpacked_is_not_an_empty_one(data, said, landed, tmp_path):
    source = SourceSettings("web", "x")
    batches = read([landed(data)], source, LineSettings(), date=DATE)
    with pytest.raises(BadInput, match=said):
        write_partition(batches, tmp_path / "lake", source, DATE)


# lines without an end


def test_a_megabyte_of_one_character(landed):
    path = landed(LOG + b"x" * (1 << 20) + b"\n" + LOG)
    lines, bad = rows_of(path, joined=False, max_line_bytes=1 << 16)
    assert [len(lines), len(lines[4000])] == [8001, 1 << 16]
    assert (4001, "kept, but cut: a line longer than max_line_bytes (65,536 bytes)") in bad


MEASURE = """
import resource, sys
from pathlib import Path
from biglog.lines.decode import read_chunks
from biglog.lines.archives import parts
from biglog.settings import LineSettings

def read(path):
    part = next(parts(Path(path), LineSettings()))
    return [(one.lines.str.len_bytes().to_list(), [n.line_no for n in one.notes])
            for one in read_chunks(part, max_line=1_000_000, batch=200_000)]

read(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = read(sys.argv[2])
print(found)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_a_line_of_100_megabytes_is_cut_in_bounded_memory(landed):
    short, long = landed(b"short\n"), landed(b"", "long.log")
    with long.open("wb") as file:
        file.write(b"begin\n")
        for _ in range(100):
            file.write(b"y" * 1_000_000)
        file.write(b"\nend\n")
    told = [sys.executable, "-c", MEASURE, str(short), str(long)]
    done = subprocess.run(
        told, capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    found, megabytes = done.stdout.splitlines()
    assert found == "[([5, 1000000, 3], [2])]"
    assert int(megabytes) < 60


# packed files


def checked_zstd(data):
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_packed_file_says_so_and_keeps_what_it_gives(pack, share, landed):
    data = pack(LOG)
    lines, bad = rows_of(landed(data[: max(8, int(share * len(data)))]))
    assert lines[:-1] == [f"sold {at * 7919 % 10007}" for at in range(len(lines[:-1]))]
    assert [reason for _, reason in bad][-1:] == [
        "compressed data is truncated; what came before is kept"
    ]
    if pack is gzip.compress and share >= 0.5:
        assert len(lines) > 1000


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, checked_zstd])
@pytest.mark.parametrize("at", [9, 500, -9])
def test_a_damaged_packed_file_never_stops_the_reading(pack, at, landed):
    data = bytearray(pack(LOG))
    data[at : at + 8] = bytes(value ^ 0x55 for value in data[at : at + 8])
    _, bad = rows_of(landed(bytes(data)))
    assert any("damaged" in reason or "truncated" in reason for _, reason in bad)


@pytest.mark.parametrize(
    ("begin", "name"),
    [(b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\x07\x01", "rar"), (b"\x04\x22\x4d\x18", "lz4")],
)
def test_a_packing_that_is_not_read_is_named(begin, name, landed):
    lines, bad = rows_of(landed(begin + bytes(range(256)) * 9))
    assert lines == []
    assert [reason.split(",")[0] for _, reason in bad] == [f"is packed as {name}"]


def test_what_is_packed_twice_is_not_read_as_text(landed):
    lines, bad = rows_of(landed(gzip.compress(zstandard.compress(LOG))))
    assert lines == []
    assert "packed twice" in bad[0][1]


def test_zstd_that_begins_with_a_frame_to_skip(landed):
    frame = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"size"
    assert len(rows_of(landed(frame + zstandard.compress(LOG)))[0]) == 4000


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
def test_a_bomb_is_stopped_by_its_ratio(pack, landed, monkeypatch):
    monkeypatch.setattr(unpack, "RATIO_FROM", 1 << 20)
    lines, bad = rows_of(landed(pack((b"x" * 99 + b"\n") * 60_000) * 5))
    assert len(lines) < 300_000
    assert "taken for a decompression bomb" in bad[-1][1]


def test_a_bomb_is_stopped_by_its_size(landed):
    path = landed(gzip.compress(LOG * 20))
    lines, bad = rows_of(path, max_unpacked_bytes=len(LOG))
    assert 4000 <= len(lines) < 80_000
    assert "unpacks to more than" in bad[-1][1]
    assert "raise max_unpacked_bytes" in bad[-1][1]


def test_a_packed_file_may_ask_for_no_more_memory_than_its_kind_needs(landed):
    """An xz header that claims a dictionary of 1.5 GB."""
    huge = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 20}]
    data = bytearray(lzma.compress(b"x", filters=huge))
    data[16] = 39  # (2 | 1) << (39 // 2 + 11) bytes
    data[20:24] = zlib_crc(data[12:20])
    lines, bad = rows_of(landed(bytes(data)))
    assert lines == []
    assert "damaged compressed data" in bad[0][1]


def zlib_crc(data):
    import zlib

    return zlib.crc32(bytes(data)).to_bytes(4, "little")


# files that change while they are read


def test_what_is_appended_while_reading_is_left_but_for_the_last_line(landed):
    path = landed(b"one\ntwo\nthr")
    found = chunks_of(path)
    with path.open("ab") as file:
        assert next(found).lines.to_list() == ["one", "two", "thr"]  # stable so far: it is a line
        file.write(b"ee\nfour\n")
    assert [line for one in chunks_of(path) for line in one.lines.to_list()][2:] == [
        "three",
        "four",
    ]


def test_a_line_that_is_finished_while_reading_is_read_to_its_end(landed):
    line = b"x" * 99 + b"\n"
    path = landed(line * 10_000 + b"half a li")
    found = chunks_of(path, block=STEP)
    read_before = next(found)
    with path.open("ab") as file:
        file.write(b"ne\nof the next night\n")
    lines = [*read_before.lines.to_list(), *(x for one in found for x in one.lines.to_list())]
    assert len(lines) == 10_001
    assert lines[-1] == "half a line"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_wide_line_that_is_finished_while_reading_ends_with_a_whole_character(encoding, landed):
    path = landed(("10:00:00 日志\n" * 20_000 + "10:00:01 写到一").encode(encoding)[:-1])
    found = chunks_of(path, block=STEP)
    lines = next(found).lines.to_list()
    with path.open("ab") as file:
        file.write("一半\nof the next night\n".encode(encoding)[1:])
    rest = list(found)
    lines += [line for one in rest for line in one.lines.to_list()]
    assert lines == ["10:00:00 日志"] * 20_000 + ["10:00:01 写到一半"]
    assert [note for one in rest for note in one.notes] == []


def test_a_line_that_is_still_without_an_end_is_kept_and_noted(landed):
    path = landed(b"x" * 99 + b"\n" + b"y" * 500_000)
    found = chunks_of(path, block=STEP)
    pieces = [next(found)]
    with path.open("ab") as file:
        file.write(b"going on")
    pieces += found
    notes = [note.reason for one in pieces for note in one.notes]
    assert pieces[-2].lines.to_list()[-1].endswith("going on") or len(pieces) == 1
    assert any("being written" in one for one in notes)


def test_a_file_that_shrinks_while_reading_gives_a_note(landed):
    path = landed(LOG * 20)
    found = chunks_of(path, block=STEP)
    first = next(found)
    os.truncate(path, 0)
    rest = list(found)
    assert len(first.lines) > 1000
    assert "the file shrank to 0 bytes while it was read" in rest[-1].notes[0].reason


def test_lines_of_a_busy_writer_are_whole(landed):
    """Another thread writes half lines all the while; every line that is read is one it wrote."""
    path, stop = landed(b"line 0 end\n"), threading.Event()

    def write():
        with path.open("ab", buffering=0) as file:
            for number in range(1, 200_000):
                file.write(f"line {number} ".encode())
                file.write(b"end\n")
                if stop.is_set():
                    return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(20):
            found = list(chunks_of(path))
            lines = [line for one in found for line in one.lines.to_list()]
            noted = any(one.notes for one in found)
            whole = lines[:-1] if noted or not lines[-1].endswith(" end") else lines
            assert len(lines) - len(whole) <= 1
            assert all(re.fullmatch(r"line \d+ end", line) for line in whole)
            assert [int(line.split()[1]) for line in whole] == list(range(len(whole)))
            time.sleep(0.001)
    finally:
        stop.set()
        writer.join()


def test_a_log_rotated_by_copying_again_and_again_never_stops_the_reading(landed):
    path, stop = landed(LOG * 4), threading.Event()

    def rotate():
        while not stop.is_set():
            os.truncate(path, 0)
            with path.open("ab") as file:
                file.write(LOG * 4)

    writer = threading.Thread(target=rotate)
    writer.start()
    try:
        for _ in range(20):
            for one in chunks_of(path, block=STEP):
                assert all("shrank" in note.reason or "being" in note.reason for note in one.notes)
    finally:
        stop.set()
        writer.join()
