"""`biglog match` and `biglog embed`: what is like a text, and its vector."""

import json

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("words")

BUSY = [
    f"2026-11-02 10:00:{n % 60:02d},000 INFO net: connection {n} refused by peer"
    for n in range(500)
]
OTHERS = [
    "2026-11-02 11:00:00,000 INFO net: connection refused by the peer",
    "2026-11-02 11:00:01,000 INFO disk: volume full",
]


def found(out):
    return [json.loads(line) for line in out.splitlines()]


def test_one_template_never_crowds_the_others_out(biglog, log):
    code, out, err = biglog(
        "match",
        "connection refused by peer",
        "--in",
        log("a.log", *BUSY, *OTHERS),
        "--json",
        "--threshold",
        0.7,
    )
    rows = found(out)
    assert code == 0, err
    assert [row["rank"] for row in rows] == list(range(1, 11))
    assert list(rows[0]) == [
        "rank",
        "similarity",
        "content",
        "file",
        "line_no",
        "timestamp",
        "template",
        "count",
    ]
    assert {row["count"] for row in rows} == {500, 1}
    assert sum(row["content"] == "connection refused by the peer" for row in rows) == 1
    assert rows == sorted(rows, key=lambda row: -row["similarity"])


def test_files_are_a_list(biglog, log, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    log("a.log", "volume full")
    log("b.log", "volume full", "other thing")
    for given in (
        ["volume full", "--in", "a.log", "b.log"],
        ["--in", "a.log", "b.log", "--json", "volume full"],
        ["--in", "a.log", "b.log", "volume full"],
        ["volume full", "--in", "a.log", "--in", "b.log"],
    ):
        rows = found(biglog("match", *given, "--json")[1])
        assert [(row["file"], row["line_no"]) for row in rows] == [("a.log", 1), ("b.log", 1)]


def test_nothing_alike_says_so(biglog, log):
    code, out, err = biglog("match", "error", "--in", log("a.log", *OTHERS))
    assert (code, out) == (0, "")
    assert "--threshold" in err


def test_a_query_the_encoder_cannot_read_says_why(biglog, log):
    code, out, err = biglog("match", "错误", "--in", log("a.log", *OTHERS))
    assert (code, out) == (0, "")
    assert "错误" in err
    assert "words:1" in err


def test_lines_the_encoder_cannot_read_are_left_out(biglog, log):
    path = log("a.log", "错误 发生", "12345", "", "volume full")
    rows = found(biglog("match", "volume full", "--in", path, "--json")[1])
    assert [row["line_no"] for row in rows] == [4]


def test_refusals(refused, log, tmp_path):
    path = log("a.log", "one")
    assert "empty" in refused("match", "  ", "--in", path)
    assert "threshold" in refused("match", "one", "--in", path, "--threshold", 1.5)
    assert "top" in refused("match", "one", "--in", path, "--top", 0)
    assert "no such file" in refused("match", "one", "--in", tmp_path / "none.log")
    assert "'.csv'" in refused("embed", path, "--out", tmp_path / "o.csv")
    assert "no such file" in refused("embed", tmp_path / "none", "--out", tmp_path / "o.npy")


def test_embed_gives_a_row_a_line(biglog, log, tmp_path):
    out = tmp_path / "v.npy"
    path = log("t.txt", "volume full", "connection refused\r", "", "volume full", end="")
    code, _, err = biglog("embed", path, "--out", out)
    rows = np.load(out)
    assert code == 0, err
    assert (rows.dtype, rows.shape) == (np.float32, (4, 384))
    assert np.array_equal(rows[0], rows[3])
    assert np.allclose(np.linalg.norm(rows[[0, 1, 3]], axis=1), 1.0)
    assert np.isnan(rows[2]).all()
    assert "1 lines without a known word" in err
