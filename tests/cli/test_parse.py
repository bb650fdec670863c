"""`biglog parse`: its columns are a contract, and every physical line is a row."""

import gzip
import json

import polars as pl
import pytest

COLUMNS = "line_no,file,timestamp,level,component,content,template_id,template,parameters"
LINES = [
    "2026-11-02 10:00:00,123 INFO db.pool: connection 7 opened in 12 ms",
    "2026-11-02 10:00:01,456 ERROR db.pool: connection 8 opened in 450 ms",
    "2026-11-02 10:00:02,789 INFO db.pool: connection 9 opened in 3 ms",
]


def test_columns_and_values(biglog, log, tmp_path):
    out = tmp_path / "lines.csv"
    assert biglog("parse", log("app.log", *LINES), "--out", out)[0] == 0
    rows = pl.read_csv(out, infer_schema=False)
    assert ",".join(rows.columns) == COLUMNS
    second = rows.row(1, named=True)
    assert second["line_no"] == "2"
    assert second["timestamp"] == "2026-11-02T10:00:01.456000Z"
    assert second["level"] == "ERROR"
    assert second["content"] == "connection 8 opened in 450 ms"
    assert second["template"] == "connection <*> opened in <*> ms"
    assert json.loads(second["parameters"]) == ["8", "450"]
    assert rows["template_id"].n_unique() == 1


def test_every_suffix_says_the_same(biglog, log, tmp_path):
    readers = {
        "csv": lambda path: pl.read_csv(path, infer_schema=False),
        "parquet": pl.read_parquet,
        "jsonl": pl.read_ndjson,
    }
    path = log("app.log", *LINES)
    tables = []
    for suffix, read in readers.items():
        out = tmp_path / f"lines.{suffix}"
        assert biglog("parse", path, "--out", out)[0] == 0
        tables.append(read(out).with_columns(pl.col("line_no").cast(pl.Int64)).rows())
    assert tables[0] == tables[1] == tables[2]


def test_message_takes_each_line_whole(biglog, log, tmp_path):
    out = tmp_path / "lines.parquet"
    biglog("parse", log("app.log", *LINES), "--format", "message", "--out", out)
    rows = pl.read_parquet(out)
    assert rows["content"].to_list() == LINES
    assert rows["timestamp"].to_list() == ["", "", ""]


def test_lines_are_numbered_in_each_file(biglog, log, tmp_path):
    out = tmp_path / "lines.parquet"
    biglog("parse", log("a.log", "one", "two"), log("b.log", "three"), "--out", out)
    rows = pl.read_parquet(out)
    assert rows["line_no"].to_list() == [1, 2, 1]
    assert [one.rsplit("/", 1)[1] for one in rows["file"]] == ["a.log", "a.log", "b.log"]


HOSTILE = {
    "no last newline": (b"a 1\nb 2", 2),
    "blank lines are lines": (b"a\n\n  \n\nb\n\n", 6),
    "a newline alone": (b"\n", 1),
    "carriage returns": (b"a\r\nb\r\n", 2),
    "NUL": (b"a\0b\nc\n", 2),
    "broken UTF-8": (b"a \xff\xfe\xc3\nb\n", 2),
    "other line separators": ("x\x0by\x0cz\u2028w\u0085v\nb\n".encode(), 2),
    "quotes and commas": (b'"a,b"\n1,"2\n3",4\n', 3),
    "a line of 2 MB": (b"a\n" + b"x" * 2_000_000 + b"\nb\n", 3),
    "GBK": ("".join(f"ERROR 磁盘空间不足 {i}\n" for i in range(9)).encode("gbk"), 9),
    "UTF-16": ("one 1\ntwo 2\n".encode("utf-16"), 2),
    "compressed": (gzip.compress(b"a\nb\n"), 2),
    "bytes at random": (bytes(range(256)) * 40, 41),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_keep_a_row_a_line(biglog, tmp_path, case):
    raw, lines = HOSTILE[case]
    path = tmp_path / ("a.log.gz" if case == "compressed" else "a.log")
    path.write_bytes(raw)
    for command, suffix in (("parse", "csv"), ("parse", "parquet"), ("detect", "csv")):
        out = tmp_path / f"{command}.{suffix}"
        code, _, err = biglog(command, path, "--out", out)
        assert code == 0, err
        reads = (
            pl.read_parquet(out) if suffix == "parquet" else pl.read_csv(out, infer_schema=False)
        )
        assert reads["line_no"].cast(pl.Int64).to_list() == list(range(1, lines + 1))


def test_chinese_in_gbk_is_read(biglog, tmp_path):
    path, out = tmp_path / "a.log", tmp_path / "o.parquet"
    path.write_bytes("".join(f"磁盘空间不足 节点{i}\n" for i in range(50)).encode("gbk"))
    biglog("parse", path, "--out", out)
    assert pl.read_parquet(out)["content"][7] == "磁盘空间不足 节点7"


def test_refusals_name_what_was_got(refused, log, tmp_path):
    path, out = log("a.log", "one"), tmp_path / "o.csv"
    assert "no such file" in refused("parse", tmp_path / "none.log", "--out", out)
    assert "is a directory" in refused("parse", tmp_path, "--out", out)
    assert "is empty" in refused("parse", log("empty.log", end=""), "--out", out)
    assert "'.xlsx'" in refused("parse", path, "--out", tmp_path / "o.xlsx")
    assert "nonesuch" in refused("parse", path, "--out", out, "--format", "nonesuch")
    assert "--out" in refused("parse", path)
    assert "--colour" in refused("parse", path, "--out", out, "--colour", "red")
    assert not list(tmp_path.glob("o.*"))
    assert not list(tmp_path.glob(".*.tmp"))


def test_an_input_is_never_replaced(refused, log):
    path = log("a.csv", "one,two", "3,4")
    assert "also an input" in refused("parse", path, "--out", path)
    assert path.read_text() == "one,two\n3,4\n"


def test_nothing_is_left_where_reading_fails_midway(biglog, log, tmp_path, monkeypatch):
    from biglog import offline
    from biglog.errors import TryAgain

    real = offline.parse_files

    def fails_late(*given):
        yield from real(*given)
        raise TryAgain("the disk went away")

    out = log("o.csv", "what was there before")
    monkeypatch.setattr(offline, "parse_files", fails_late)
    code, _, err = biglog("parse", log("a.log", "one"), "--out", out)
    assert (code, err) == (1, "biglog: the disk went away\n")
    assert out.read_text() == "what was there before\n"
    assert not list(tmp_path.glob(".*.tmp"))
