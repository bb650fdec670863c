"""`biglog detect`: odd lines and odd sessions, against a history or the file itself."""

import polars as pl
import pytest

USUAL = [f"2026-11-02 10:00:{n % 60:02d},000 INFO app: request {n} served" for n in range(300)]
FATAL = "2026-11-02 10:05:00,000 CRITICAL app: out of memory, worker killed"


def session(name, *steps):
    return [f"{step} for job_{name}" for step in steps]


def jobs(count, start=0):
    return [
        line for n in range(start, start + count) for line in session(n, "start", "work", "stop")
    ]


def read(path):
    return pl.read_csv(path, infer_schema=False)


def test_one_odd_line_among_usual_ones(biglog, log, tmp_path):
    out = tmp_path / "odd.csv"
    code, _, err = biglog("detect", log("a.log", *USUAL, FATAL), "--out", out)
    rows = read(out)
    assert code == 0
    assert "301 judged, 1 anomalous" in err
    assert rows.columns == ["line_no", "file", "score", "anomalous", "reason", "template"]
    odd = rows.filter(pl.col("anomalous") == "true").row(0, named=True)
    assert odd["line_no"] == "301"
    assert "severe" in odd["reason"]
    assert rows["score"].cast(float).is_between(0, 1).all()


@pytest.mark.parametrize(
    "history",
    [
        ["--history", "h1.log", "h2.log"],
        ["--history", "h1.log", "--history", "h2.log"],
        ["--history=h1.log", "--history=h2.log"],
    ],
)
@pytest.mark.parametrize("place", ["before", "after"])
def test_history_is_a_list_or_repeated(biglog, log, tmp_path, monkeypatch, history, place):
    """Only both files together know both kinds of line."""
    monkeypatch.chdir(tmp_path)
    log("today.log", "apple 1 eaten", "pear 2 peeled", "plum 3 picked")
    log("h1.log", *[f"apple {n} eaten" for n in range(50)])
    log("h2.log", *[f"pear {n} peeled" for n in range(50)])
    given = ["today.log", *history] if place == "before" else [*history, "--", "today.log"]
    assert biglog("detect", "--out", "o.csv", *given)[0] == 0
    assert read("o.csv")["anomalous"].to_list() == ["false", "false", "true"]


def test_the_last_of_a_list_is_the_file_where_none_is_left(biglog, log, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    log("today.log", "apple 1 eaten")
    log("h1.log", *["apple 2 eaten"] * 9)
    assert biglog("detect", "--out", "o.csv", "--history", "h1.log", "today.log")[0] == 0
    assert read("o.csv")["file"].to_list() == ["today.log"]


def test_a_history_given_twice_is_never_taken_for_the_file(refused, log, tmp_path):
    path = log("h.log", "apple 1 eaten")
    out = tmp_path / "o.csv"
    assert "files" in refused("detect", "--history", path, "--history", path, "--out", out)


def test_a_session_that_lacks_its_end(biglog, log, tmp_path):
    out = tmp_path / "s.csv"
    lines = [*jobs(100), *session(100, "start", "work"), *jobs(50, start=101)]
    code, _, err = biglog("detect", log("a.log", *lines), "--session", r"job_(\d+)", "--out", out)
    rows = read(out)
    assert code == 0, err
    assert rows.columns == ["session", "score", "anomalous", "reason", "events"]
    assert rows["session"].to_list() == [str(n) for n in range(151)]
    odd = rows.filter(pl.col("anomalous") == "true")
    assert odd["session"].to_list() == ["100"]
    assert odd["reason"][0].startswith("missing")
    assert "stop" in odd["reason"][0]
    assert odd["events"].to_list() == ["2"]


def test_first_judges_beginnings_only(biglog, log, tmp_path):
    out = tmp_path / "s.csv"
    lines = [*jobs(100), *session(100, "start", "work", "crash"), *session(101, "crash", "stop")]
    path = log("a.log", *lines)
    biglog("detect", path, "--session", r"job_\d+", "--first", 2, "--out", out)
    rows = read(out)
    assert rows.filter(pl.col("anomalous") == "true")["session"].to_list() == ["job_101"]
    assert rows["events"].unique().to_list() == ["2"]


def test_sessions_against_a_history(biglog, log, tmp_path):
    """Half of today's jobs crash: nothing of the kind was in the history."""
    out = tmp_path / "s.csv"
    today = [line for n in range(20) for line in session(n, "start", "crash" if n % 2 else "work")]
    biglog(
        "detect",
        log("today.log", *today),
        "--history",
        log("h.log", *jobs(200)),
        "--session",
        r"job_\d+",
        "--out",
        out,
    )
    rows = read(out)
    odd = rows.filter(pl.col("reason").str.contains("crash"))
    assert odd.height == 10
    assert set(odd["anomalous"]) == {"true"}


def test_refusals(refused, log, tmp_path):
    path, out = log("a.log", "one job_1"), tmp_path / "o.csv"
    assert "--session" in refused("detect", path, "--first", 5, "--out", out)
    assert "regular expression" in refused("detect", path, "--session", "job_(", "--out", out)
    assert "regular expression" in refused("detect", path, "--session", "(?=a)b", "--out", out)
    assert "matches no line" in refused("detect", path, "--session", "blk_1", "--out", out)
    assert "no such file" in refused("detect", path, "--history", "none.log", "--out", out)
    assert "'.txt'" in refused("detect", path, "--out", tmp_path / "o.txt")
    assert "is empty" in refused("detect", log("e.log", end=""), "--out", out)
    assert "first" in refused("detect", path, "--first", -1, "--session", "a", "--out", out)
    assert not out.exists()
