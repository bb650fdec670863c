"""Bytes above, rows below."""

import bz2
import gzip
import json
import lzma
import os
import subprocess
import sys

import pytest
import zstandard

from biglog.errors import BadInput
from biglog.lines import decode, unpack
from biglog.lines.read import detect, read
from biglog.records import LEVELS, LINES, QUARANTINE
from biglog.settings import LineSettings, SourceSettings

LOG = "".join(f"2026-11-02 10:00:{at:02} ERROR [main] shop.Cart: failed {at}\n" for at in range(30))
PLAIN = "2026-11-02 10:00:00 INFO [main] shop.Cart: started\n"


def rows_of(path, form="auto", *, joined=True, settings=None, **source):
    told = SourceSettings("s", "x", format=form, **source)
    batches = list(read([path], told, settings or LineSettings(), joined=joined, date="2026-11-02"))
    for batch in batches:
        assert batch.lines.schema == LINES
        assert batch.bad.schema == QUARANTINE
    lines = [row for batch in batches for row in batch.lines.to_pylist()]
    assert [row["line_id"] for row in lines] == list(range(len(lines)))
    assert {row["level"] for row in lines} <= {None, *LEVELS}
    return lines, [row for batch in batches for row in batch.bad.to_pylist()]


def contents(path, form="auto", **more):
    return [row["content"] for row in rows_of(path, form, **more)[0]]


# packing and damage


@pytest.mark.parametrize(
    "pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress, bytes]
)
def test_packed_files_are_known_by_their_first_bytes(pack, landed):
    assert len(contents(landed(pack(LOG.encode()), "misnamed.txt"))) == 30


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_files_packed_one_after_the_other_are_one(pack, landed):
    assert len(contents(landed(pack(LOG.encode()) + pack(LOG.encode())))) == 60


def test_a_truncated_gzip_keeps_its_good_lines(landed):
    many = "".join(
        f"2026-11-02 10:00:00 INFO [main] shop.Cart: {at} {at**7}\n" for at in range(5000)
    )
    data = gzip.compress(many.encode())
    lines, bad = rows_of(landed(data[: len(data) // 2]))
    assert 1000 < len(lines) < 5000
    assert [row for row in bad if "truncated" in row["reason"]] == bad[-1:]


def test_damaged_gzip_keeps_what_came_before(landed):
    data = bytearray(gzip.compress(LOG.encode()))
    data[-6] ^= 0xFF  # the checksum
    lines, bad = rows_of(landed(bytes(data)))
    assert len(lines) == 30
    assert "damaged" in bad[-1]["reason"]


def test_a_bomb_is_stopped(landed, monkeypatch):
    monkeypatch.setattr(unpack, "RATIO_FROM", 1 << 20)
    path = landed(gzip.compress((b"x" * 99 + b"\n") * 300_000))
    _, bad = rows_of(path, "message")
    assert "bomb" in bad[-1]["reason"]


# encodings

CHINESE = "2026-11-02 10:00:00 ERROR [main] shop.Cart: 数据库连接超时，请稍后重试\n" * 3


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("gbk", "gb18030"),
        ("gb18030", "gb18030"),
        ("utf-16", "utf-16-le"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
def test_chinese_in_any_encoding(encoding, named, landed):
    path = landed((PLAIN + CHINESE).encode(encoding))
    assert detect(path).encoding == named
    assert contents(path) == ["started"] + ["数据库连接超时，请稍后重试"] * 3


def test_an_encoding_that_shows_only_later(landed, monkeypatch):
    monkeypatch.setattr(decode, "SNIFF", 64)
    monkeypatch.setattr(decode, "BLOCK", 128)
    path = landed((PLAIN * 10 + CHINESE).encode("gbk"))
    assert contents(path)[-1] == "数据库连接超时，请稍后重试"


def test_latin_text(landed):
    path = landed("2026-11-02 10:00:00 INFO caf\xe9 ouvert \xe0 Orl\xe9ans\n".encode("latin-1"))
    assert contents(path) == ["café ouvert à Orléans"]


def test_broken_bytes_are_replaced_and_noted(landed):
    good = "2026-11-02 10:00:00 INFO [main] shop.Cart: 启动完成，一切正常\n".encode()
    lines, bad = rows_of(landed(good * 9 + PLAIN.encode().replace(b"started", b"st\xffrted")))
    assert lines[-1]["content"] == "st\ufffdrted"
    assert "kept: 1 bytes here and below are not utf-8" in bad[-1]["reason"]
    assert bad[-1]["line_no"] == 10


def test_nul_bytes_colours_and_other_controls_go(landed):
    path = landed(b"2026-11-02 10:00:00 INFO \x1b[31mred\x1b[0m \x00wa\x07rning\n")
    assert contents(path) == ["red warning"]


# lines


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends(end, last, landed):
    text = end.join(["one", "two", "three"]) + (end if last else "")
    assert contents(landed(text), "message") == ["one", "two", "three"]


def test_an_empty_file_is_nothing(landed):
    assert rows_of(landed(b"")) == ([], [])


def test_a_huge_line_is_cut_and_noted(landed):
    path = landed(
        PLAIN + "2026-11-02 10:00:01 INFO [main] shop.Cart: " + "x" * 2_000_000 + "\n" + PLAIN
    )
    lines, bad = rows_of(path)
    assert [len(row["content"]) for row in lines] == [7, 1_000_000 - 43, 7]
    assert [(row["line_no"], "cut" in row["reason"]) for row in bad] == [(2, True)]
    assert len(bad[0]["sample"]) <= 500


def test_a_line_larger_than_memory_would_like_is_held_in_part(landed, monkeypatch):
    monkeypatch.setattr(decode, "BLOCK", 1000)
    path = landed("short\n" + "y" * 50_000 + "\nlast\n")
    lines, bad = rows_of(path, "message", settings=LineSettings(max_line_bytes=300))
    assert [len(row["content"]) for row in lines] == [5, 300, 4]
    assert [row["line_no"] for row in lines] == [1, 2, 3]
    assert len(bad) == 1


def test_a_traceback_is_the_body_of_its_record(landed):
    path = landed(
        "2026-11-02 10:00:00,123 ERROR shop.cart could not add\n"
        "Traceback (most recent call last):\n"
        '  File "cart.py", line 17, in add\n'
        "KeyError: 17\n"
        "\n"
        "2026-11-02 10:00:01,000 INFO shop.cart next\n"
    )
    lines, bad = rows_of(path)
    assert [(row["line_no"], row["content"]) for row in lines] == [
        (1, "could not add"),
        (6, "next"),
    ]
    assert lines[0]["body"].splitlines()[-1] == "KeyError: 17"
    assert bad == []


def test_details_of_interleaved_processes_go_to_their_own_record(landed):
    path = landed(
        "2026-11-02 10:00:00.000 UTC [11] ERROR:  deadlock detected\n"
        "2026-11-02 10:00:00.000 UTC [22] ERROR:  duplicate key\n"
        "2026-11-02 10:00:00.001 UTC [11] DETAIL:  Process 11 waits\n"
        "2026-11-02 10:00:00.001 UTC [11] STATEMENT:  UPDATE a\n"
        "\tSET b = 1\n"
        "2026-11-02 10:00:00.001 UTC [22] DETAIL:  Key (id)=(1) exists.\n"
    )
    lines, bad = rows_of(path)
    assert [(row["content"], row["body"]) for row in lines] == [
        ("deadlock detected", "DETAIL:  Process 11 waits\nSTATEMENT:  UPDATE a\n\tSET b = 1"),
        ("duplicate key", "DETAIL:  Key (id)=(1) exists."),
    ]
    assert bad == []


def test_a_record_may_go_on_in_the_next_batch(landed):
    text = "2026-11-02 10:00:00,000 ERROR shop.cart boom\n" + "  at frame\n" * 7
    lines, _ = rows_of(landed(text * 4), settings=LineSettings(batch_lines=5))
    assert [row["body"].count("frame") for row in lines] == [7, 7, 7, 7]


def test_a_line_of_no_format_is_quarantined_with_its_place(landed):
    path = landed("Nov  2 10:00:00 web1 sshd[1]: ok\n" * 5 + "<<< what is this password=hunter2\n")
    lines, bad = rows_of(path)
    assert len(lines) == 5
    assert bad[0]["line_no"] == 6
    assert bad[0]["reason"].startswith("not syslog_rfc3164: reads up to column 1")
    assert "hunter2" not in bad[0]["sample"]
    assert bad[0]["file"] == str(path)


def test_rubbish_between_records_is_not_their_body(landed):
    lines, bad = rows_of(
        landed(PLAIN.encode() + b"\x00\x01\x02\xff\xfe rubbish\n" + PLAIN.encode())
    )
    assert [row["body"] for row in lines] == [None, None]
    assert [row["line_no"] for row in bad if not row["reason"].startswith("kept")] == [2]


def test_every_physical_line_is_a_row_where_asked(landed):
    path = landed("2026-11-02 10:00:00,100 ERROR shop.cart no\n  at x\n\nrubbish\n")
    lines, _ = rows_of(path, joined=False)
    assert [(row["line_no"], row["content"]) for row in lines] == [
        (1, "no"), (2, "  at x"), (3, ""), (4, "rubbish")]  # fmt: skip
    assert [row["timestamp"] is None for row in lines] == [False, True, True, True]


def test_a_time_that_is_none_costs_only_itself(landed):
    path = landed("Feb 31 10:00:00 web1 sshd[1]: ok\nNov  2 10:00:00 web1 sshd[1]: ok\n")
    lines, bad = rows_of(path)
    assert [row["timestamp"] is None for row in lines] == [True, False]
    assert bad == []


def test_what_a_line_does_not_say_the_source_does(landed):
    path = landed('10.0.0.7 - - [02/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-"\n')
    (row,), _ = rows_of(path, service="web", host="edge1")
    assert (row["service"], row["host"]) == ("web", "edge1")


def test_a_level_is_not_a_host(landed):
    assert detect(landed("2026-11-02T10:00:00Z ERROR main: broken\n" * 3)).format == "iso_level"


# objects


def test_json_of_two_minds_about_a_key(landed):
    path = landed('{"msg":"a","code":1}\n{"msg":"b","code":{"x":[1,"y"]}}\n{"msg":"c"}\n{"msg": \n')
    lines, bad = rows_of(path)
    assert [row["content"] for row in lines] == ["a", "b", "c"]
    assert [json.loads(row["fields"] or "{}") for row in lines] == [
        {"code": 1}, {"code.x": [1, "y"]}, {}]  # fmt: skip
    assert [row["line_no"] for row in bad] == [4]


MANY_KEYS = {f"key{at * 37 % 60:02}": at for at in range(60)}
WRITE = """
import sys
from pathlib import Path
import pyarrow.parquet as pq
from biglog.lines.read import read
from biglog.settings import LineSettings, SourceSettings
(batch,) = read([Path(sys.argv[1])], SourceSettings("s", "x"), LineSettings())
pq.write_table(batch.lines, sys.argv[2])
"""


def test_an_object_of_many_keys_gives_the_same_bytes_in_every_process(landed, tmp_path):
    path = landed(json.dumps({"msg": "a", "y": {"z": 1}, **MANY_KEYS}) + "\n")
    outs = [tmp_path / f"{seed}.parquet" for seed in (1, 2)]
    for seed, out in enumerate(outs, 1):
        hashed = os.environ | {"PYTHONHASHSEED": str(seed)}
        subprocess.run([sys.executable, "-c", WRITE, str(path), str(out)], env=hashed, check=True)
    assert outs[0].read_bytes() == outs[1].read_bytes()
    (row,), _ = rows_of(path)
    assert list(json.loads(row["fields"])) == ["y.z", *MANY_KEYS]


def test_csv_with_quotes_and_a_short_row(landed):
    path = landed('time,level,message\n2026-11-02 10:00:00,warn,"a, ""b"""\nonly one\n')
    lines, bad = rows_of(path)
    assert [(row["line_no"], row["content"], row["level"]) for row in lines] == [
        (2, 'a, "b"', "WARNING")]  # fmt: skip
    assert [row["line_no"] for row in bad] == [3]
    assert contents(path, joined=False)[0] == "time,level,message"


# what cannot be read at all


def test_a_directory_is_refused_in_words(tmp_path):
    with pytest.raises(BadInput, match="is a directory, expected a file"):
        rows_of(tmp_path)


def test_a_missing_file_is_refused_in_words(tmp_path):
    with pytest.raises(BadInput, match="does not exist"):
        rows_of(tmp_path / "gone.log")


@pytest.mark.parametrize("seed", range(20))
def test_any_bytes_give_one_row_a_line(seed, landed):
    import random

    chance = random.Random(seed)
    data = bytes(chance.choice([10, chance.randrange(256)]) for _ in range(3000))
    path = landed(b"plain start\n" + data)
    lines, _ = rows_of(path, "message", joined=False)
    text = path.read_bytes()
    assert len(lines) == text.count(b"\n") + (not text.endswith(b"\n"))
