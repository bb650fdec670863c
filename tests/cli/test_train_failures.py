"""`biglog train --failures` and `biglog predict`: warnings of hosts, and what is refused."""

import json
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

PROJECT = Path(__file__).resolve().parents[2]
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def night(days, seed):
    """One host: chatter, and three kinds of lines some twenty minutes before it fails."""
    rng = random.Random(seed)
    said, told = [], ["host,time"]
    for minute in range(0, days * 1440, 4):
        said.append((minute + rng.random(), f"request {rng.randrange(999)} served"))
    for start in range(0, days * 1440 - 400, 400):
        at = start + rng.randrange(100, 380)
        told.append(f"db1,{(BEGIN + timedelta(minutes=at)).isoformat()}")
        said += [(at - 20 + n / 9, text) for n, text in enumerate(
            ("bank 3 corrected", "disk sda is slow", "watchdog late"))]  # fmt: skip
    return [
        f"{(BEGIN + timedelta(minutes=at)).isoformat(timespec='seconds')} db1 app: {text}"
        for at, text in sorted(said)
    ], told


@pytest.fixture
def model(biglog, log, tmp_path):
    lines, told = night(6, seed=2)
    code, out, err = biglog(
        "train", log("a.log", *lines), "--failures", log("f.csv", *told), "--horizon", "30m",
        "--lead", "5m", "--model", tmp_path / "model",
    )  # fmt: skip
    assert (code, out) == (0, ""), err
    assert "warned of" in err
    assert "base rate" in err
    assert "best without learning" in err
    return tmp_path / "model"


def test_a_host_is_warned_of_before_it_fails(biglog, log, tmp_path, model):
    lines, told = night(1, seed=9)
    out, failed = tmp_path / "w.csv", log("since.csv", *told)
    path = log("b.log", *lines)
    code, _, err = biglog("predict", path, "--model", model, "--failures", failed, "--out", out)
    assert code == 0, err
    rows = pl.read_csv(out, infer_schema=False)
    assert rows.columns == ["host", "at", "score", "warning", "reason"]
    assert set(rows["host"]) == {"db1"}
    warned = rows.filter(pl.col("warning") == "true")
    assert warned["reason"].str.contains("corrected|slow|late|watchdog").any()
    assert (warned["reason"].fill_null("") != "").all()
    for one in told[1:]:
        begins = datetime.fromisoformat(one.split(",")[1])
        span = [(begins - timedelta(minutes=m)).strftime("%Y-%m-%dT%H:%M:%SZ") for m in (20, 5)]
        assert warned.filter(pl.col("at").is_between(*map(pl.lit, span))).height, one
    assert warned.height < rows.height / 5


def test_the_model_is_plain_kept_and_listed(biglog, model):
    card = json.loads((model / "model.json").read_text())
    assert card["of"] == "hosts"
    assert card["plan"]["horizon"] == 1800
    assert set(card["plan"]["plain"]) >= {"always the same", "a failure in the last hour"}
    assert sorted(one.name for one in model.iterdir()) == ["model.json", "weights.safetensors"]
    assert biglog("models", "add", "down", model)[0] == 0
    assert json.loads(biglog("models", "list", "--json")[1])["of"] == "hosts"


def test_the_encoder_is_not_needed(model, log, tmp_path):
    """A model of failures loads no network library."""
    path = log("b.log", *night(1, seed=9)[0])
    code = (
        "import sys; from biglog.cli.main import main\n"
        f"sys.argv = ['biglog', 'predict', {str(path)!r}, '--model', {str(model)!r}, "
        f"'--out', {str(tmp_path / 'o.csv')!r}]\n"
        "try: main()\n"
        "except SystemExit as left: print(left.code, 'torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT,
        env={"PYTHONPATH": str(PROJECT / "plugins"), "PATH": "", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.stdout.strip() == "0 False", done.stderr


def test_what_does_not_go_together_is_refused(refused, log, tmp_path, words):
    path, made = log("a.log", *night(1, seed=1)[0]), tmp_path / "m"
    told = log("f.csv", "host,time", "db1,2026-03-01T05:00:00Z")
    times = log("t.csv", "time", "2026-03-01T05:00:00Z")
    given = ("train", path, "--model", made)
    assert "neither --labels nor --failures" in refused(*given)
    assert "--method" in refused(*given, "--failures", told, "--method", "lr")
    assert "--lines" in refused(*given, "--failures", told, "--labels", told, "--lines")
    assert "--horizon 'soon'" in refused(*given, "--failures", told, "--horizon", "soon")
    assert "1 failures at 1 times" in refused(*given, "--failures", told)
    assert "without a column host" in refused(*given, "--failures", times, "--by", "(db.)")
    assert "--by '('" in refused(*given, "--failures", told, "--by", "(")
    assert "no such file" in refused(*given, "--failures", tmp_path / "none.csv")
    assert not made.exists()


def test_failures_are_no_part_of_a_model_of_lines(biglog, refused, log, tmp_path, words):
    said = [f"disk sda{n} full" if n % 5 == 0 else "cache refreshed" for n in range(60)]
    labels = ["line_no,label", *(f"{n + 1},{int(n % 5 == 0)}" for n in range(60))]
    path, made = log("a.log", *said), tmp_path / "m"
    given = ("--labels", log("l.csv", *labels), "--lines", "--model", made, "--method", "lr")
    assert biglog("train", path, *given)[0] == 0
    told = log("f.csv", "host,time", "db1,2026-03-01T05:00:00Z")
    out = tmp_path / "o.csv"
    assert "model of failures" in refused(
        "predict", path, "--model", made, "--failures", told, "--out", out
    )
    assert not out.exists()
