"""`biglog metrics detect`: odd points of series in a CSV file."""

import json

import numpy as np
import polars as pl
import pytest


def minutes(count, start="2026-11-02T00:00:00", text="%Y-%m-%d %H:%M:%S"):
    at = np.datetime64(start, "m") + np.arange(count)
    return [one.strftime(text) for one in at.astype("datetime64[s]").tolist()]


def series(count, seed=0, odd=()):
    values = 100 + np.random.default_rng(seed).normal(0, 1, count)
    values[list(odd)] += 60
    return [f"{one:.3f}" for one in values]


@pytest.fixture
def table(log):
    """Writes columns to a CSV file of that name."""

    def write(name, **columns):
        rows = zip(*columns.values(), strict=True)
        return log(name, ",".join(columns), *[",".join(map(str, row)) for row in rows])

    return write


@pytest.fixture
def detect(biglog, tmp_path):
    """Runs the command; gives the rows as text and what was said."""

    def run(*given):
        out = tmp_path / "odd.csv"
        code, said, err = biglog("metrics", "detect", *given, "--out", out)
        assert code == 0, err
        return pl.read_csv(out, infer_schema=False), said + err

    return run


def anomalous(rows):
    return rows.with_row_index("row").filter(pl.col("anomalous") == "true")["row"].to_list()


def test_one_odd_point(detect, table):
    path = table("cpu.csv", timestamp=minutes(200), value=series(200, odd=[150]))
    rows, said = detect(path)
    assert rows.columns == ["timestamp", "value", "score", "anomalous", "reason", "expected"]
    assert rows["timestamp"].to_list() == minutes(200)
    assert anomalous(rows) == [150]
    assert "far above" in rows["reason"][150]
    assert float(rows["expected"][150]) == pytest.approx(100, abs=1)
    assert rows["score"].cast(float).is_between(0, 1).all()
    assert "200 points, 1 anomalous" in said


def test_wide_files_have_a_row_for_each_series(detect, table):
    path = table(
        "wide.csv",
        timestamp=minutes(200),
        cpu=series(200, seed=1),
        host=["web1"] * 200,
        memory=series(200, seed=2, odd=[150]),
    )
    rows, said = detect(path)
    assert rows.columns[:5] == ["timestamp", "value", "score", "anomalous", "series"]
    assert rows["series"].to_list() == ["cpu", "memory"] * 200
    assert anomalous(rows) == [2 * 150 + 1]
    assert "left out, as they hold no numbers: host" in said


@pytest.mark.parametrize(
    "text",
    ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.000+08:00", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M",
     "%s", "%s000"],
)  # fmt: skip
def test_times_of_every_kind(detect, table, text):
    path = table("a.csv", time=minutes(200, text=text), value=series(200, odd=[150]))
    rows, _ = detect(path)
    assert anomalous(rows) == [150]
    assert rows["timestamp"].to_list() == minutes(200, text=text)


def test_rows_keep_their_order_where_times_do_not(detect, table):
    order = np.random.default_rng(3).permutation(200)
    times, values = np.array(minutes(200)), np.array(series(200, odd=[150]))
    rows, _ = detect(table("mixed.csv", timestamp=times[order], value=values[order]))
    assert rows["timestamp"].to_list() == times[order].tolist()
    assert anomalous(rows) == [order.tolist().index(150)]


def test_what_is_missing_stays_missing(detect, table):
    values = series(200, odd=[150])
    values[100:105] = ["", "NaN", "null", "-", "broken"]
    rows, said = detect(table("a.csv", timestamp=minutes(200), value=values))
    assert anomalous(rows) == [150]
    assert rows["value"][100:105].to_list() == [None] * 5
    assert "1 texts" in said
    assert "29 not judged" in said


def test_a_history_teaches(detect, table):
    today = table(
        "today.csv", timestamp=minutes(5, "2026-11-03T00:00"), value=[100, 101, 200, 99, 100]
    )
    past = table("past.csv", timestamp=minutes(500), value=series(500))
    assert anomalous(detect(today)[0]) == []
    rows, _ = detect(today, "--history", past)
    assert rows.height == 5
    assert anomalous(rows) == [2]


def test_a_series_without_a_history_is_not_judged_by_another(detect, table):
    today = table(
        "now.csv", timestamp=minutes(3, "2026-11-03T00:00"), old=[100, 900, 100], new=[5, 900, 5]
    )
    past = table("past.csv", timestamp=minutes(300), old=series(300))
    rows, _ = detect(today, "--history", past)
    odd = rows.filter(pl.col("anomalous") == "true")
    assert odd.select("value", "series").rows() == [("900.0", "old")]


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
def test_other_formats(biglog, table, tmp_path, suffix):
    path = table("a.csv", timestamp=minutes(60), value=series(60))
    out = tmp_path / f"o{suffix}"
    code, said, _ = biglog("metrics", "detect", path, "--out", out, "--json")
    rows = pl.read_parquet(out) if suffix == ".parquet" else pl.read_ndjson(out)
    assert code == 0
    assert rows.height == 60
    assert rows["anomalous"].dtype == pl.Boolean
    assert json.loads(said)["points"] == 60


def test_a_file_without_names_and_one_of_a_single_point(detect, log):
    rows, _ = detect(log("bare.csv", *[f"{at},1.5" for at in minutes(30)]))
    assert rows.height == 30
    rows, said = detect(log("one.csv", "timestamp,value", "2026-11-02 10:00:00,3"))
    assert rows.row(0)[:4] == ("2026-11-02 10:00:00", "3.0", "0.0", "false")
    assert "1 not judged" in said


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["timestamp,value", "soon,1"], "line 2: got 'soon'"),
        (["timestamp,value", "2026-11-02 10:00:00,1", ",2"], "line 3: got None"),
        (["timestamp,value"], "timestamp,value"),
        (["timestamp", "2026-11-02 10:00:00"], "1 columns"),
        (["timestamp,host", "2026-11-02 10:00:00,web"], "no column but 'timestamp' holds numbers"),
        (["timestamp,a,a", "2026-11-02 10:00:00,1,2"], "named 'a'"),
        (["timestamp,value", "2026-11-02 10:00:00,1,2,3"], "no CSV"),
        (["\x00\x01", "\x02"], "expected a CSV"),
    ],
)
def test_what_is_no_table_of_series_is_refused(refused, log, tmp_path, lines, said):
    path = log("bad.csv", *lines)
    assert said in refused("metrics", "detect", path, "--out", tmp_path / "o.csv")
    assert not (tmp_path / "o.csv").exists()


def test_a_history_that_does_not_fit_is_refused(refused, table, tmp_path):
    now = table("now.csv", timestamp=minutes(3), a=[1, 2, 3], b=[1, 2, 3])
    later = table("later.csv", timestamp=minutes(3, "2026-12-01T00:00"), a=[1, 2, 3], b=[1, 2, 3])
    other = table("other.csv", timestamp=minutes(3, "2026-10-01T00:00"), c=[1, 2, 3], d=[1, 2, 3])
    out = ("--out", tmp_path / "o.csv")
    assert "no row before" in refused("metrics", "detect", now, "--history", later, *out)
    assert "none of FILE's series" in refused("metrics", "detect", now, "--history", other, *out)
    assert "no such file" in refused("metrics", "detect", tmp_path / "none.csv", *out)
    assert "suffix" in refused("metrics", "detect", now, "--out", tmp_path / "o.txt")
