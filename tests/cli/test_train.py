"""`biglog train` and `biglog predict`: what labels teach, and what is refused."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from biglog.learning import model as models
from biglog.learning import verdicts

PROJECT = Path(__file__).resolve().parents[2]
METHODS = ("auto", "lr", "svm", "tree", "knn", "head", "lstm")


def job(number, *steps):
    return [f"{step} for job_{number}" for step in steps]


def jobs(count, start=0):
    """Every fourth job is retried and then given up; the others finish."""
    lines, labels = [], ["session,label"]
    for n in range(start, start + count):
        odd = n % 4 == 0
        lines += job(n, "start", *(("retry", "abandon") if odd else ("work", "stop")))
        labels.append(f"job_{n},{int(odd)}")
    return lines, labels


def lines(count):
    """Every fifth line tells of a full disk, which is what people labelled."""
    said = [
        f"disk sda{n} full" if n % 5 == 0 else ("cache refreshed", "user login ok")[n % 2]
        for n in range(count)
    ]
    return said, ["line_no,label", *(f"{n + 1},{int(n % 5 == 0)}" for n in range(count))]


def read(path):
    return pl.read_csv(path, infer_schema=False)


@pytest.fixture
def trained(biglog, log, tmp_path, words):
    """Trains on jobs; gives the model's directory."""

    def run(method="auto", count=80, **changes):
        said, labels = jobs(count)
        model = tmp_path / f"model_{method}"
        code, out, err = biglog(
            "train", log("train.log", *said), "--labels", log("labels.csv", *labels),
            "--session", r"job_\d+", "--model", model, "--method", method,
        )  # fmt: skip
        assert (code, out) == (0, ""), err
        return model

    return run


@pytest.mark.parametrize("method", METHODS)
def test_sessions_are_judged_as_they_were_labelled(biglog, log, tmp_path, trained, method):
    model, out = trained(method), tmp_path / "odd.csv"
    said, labels = jobs(12, start=1000)
    code, _, err = biglog("predict", log("new.log", *said), "--model", model, "--out", out)
    assert code == 0, err
    rows = read(out)
    assert rows.columns == ["session", "score", "anomalous", "reason", "events"]
    assert [
        f"{name},{int(odd == 'true')}" for name, odd in rows["session", "anomalous"].rows()
    ] == (labels[1:])
    assert rows["score"].cast(float).is_between(0, 1).all()
    reasons = rows.filter(pl.col("anomalous") == "true")["reason"]
    assert reasons.str.contains("retry|abandon|work|stop").all(), reasons.to_list()
    assert set(rows.filter(pl.col("anomalous") == "false")["reason"]) <= {"", None}


@pytest.mark.parametrize("method", ["auto", "lr", "svm", "tree", "knn", "head"])
def test_lines_are_judged_as_they_were_labelled(biglog, log, tmp_path, words, method):
    said, labels = lines(100)
    model, out = tmp_path / "model", tmp_path / "odd.jsonl"
    code, _, err = biglog(
        "train", log("a.log", *said), "--labels", log("l.csv", *labels), "--lines",
        "--model", model, "--method", method,
    )  # fmt: skip
    assert code == 0, err
    assert biglog("predict", log("b.log", *said[:20]), "--model", model, "--out", out)[0] == 0
    rows = pl.read_ndjson(out)
    assert rows.columns == ["line_no", "file", "score", "anomalous", "reason", "template"]
    assert rows["line_no"].to_list() == list(range(1, 21))
    assert rows.filter(pl.col("anomalous"))["line_no"].to_list() == [1, 6, 11, 16]
    assert rows.filter(pl.col("anomalous"))["reason"].str.contains("disk|full|word").all()


def test_the_shipped_encoder_is_tuned_in_a_copy_that_is_kept(biglog, log, tmp_path):
    """The card names the shipped encoder, whose files stay as they were."""
    shipped = PROJECT / "pretrained" / "biglog-small" / "model.safetensors"
    before = hashlib.sha256(shipped.read_bytes()).hexdigest()
    said, labels = jobs(40)
    model, out = tmp_path / "model", tmp_path / "odd.csv"
    code, _, err = biglog(
        "train", log("a.log", *said), "--labels", log("l.csv", *labels),
        "--session", r"job_\d+", "--model", model, "--method", "finetune",
    )  # fmt: skip
    assert code == 0, err
    card = json.loads((model / "model.json").read_text())
    assert card["encoder"].startswith("biglog-small:")
    assert card["members"] == ["finetune"]
    new, truth = jobs(12, start=1000)
    assert biglog("predict", log("b.log", *new), "--model", model, "--out", out)[0] == 0
    found = [
        f"{name},{int(odd == 'true')}" for name, odd in read(out)["session", "anomalous"].rows()
    ]
    assert found == truth[1:]
    assert hashlib.sha256(shipped.read_bytes()).hexdigest() == before


def test_a_kind_of_line_that_training_did_not_have_is_not_silently_normal(
    biglog, log, tmp_path, trained
):
    out = tmp_path / "o.csv"
    new = log("new.log", *job(1, "start", "work", "stop"), *job(2, "start", "meltdown", "stop"))
    assert biglog("predict", new, "--model", trained(), "--out", out)[0] == 0
    usual, odd = read(out).rows(named=True)
    assert usual["anomalous"] == "false"
    assert odd["anomalous"] == "true"
    assert "not in training: meltdown" in odd["reason"]


@pytest.mark.parametrize(
    "labels",
    [
        ["session,label", *(f"job_{n},1" for n in (0, 4, 8, 12, 16))],
        ["session,label", *(f"job_{n},0" for n in (1, 2, 3))],
        ["session,label", "job_0,1", "job_1,0"],
        ["seq_id,anomaly", "job_0,True", "job_1,False", "job_4,true", "job_5,false"],
    ],
)
def test_few_labels_are_enough_to_begin_with(biglog, log, tmp_path, words, labels):
    said, _ = jobs(60)
    path, model, out = log("a.log", *said), tmp_path / "m", tmp_path / "o.csv"
    code, _, err = biglog(
        "train", path, "--labels", log("l.csv", *labels), "--session", r"job_\d+", "--model", model
    )
    assert code == 0, err
    assert "too few" in err
    assert biglog("predict", path, "--model", model, "--out", out)[0] == 0
    odd = read(out).filter(pl.col("anomalous") == "true")
    assert (odd["reason"] != "").all()
    if "job_0,1" in labels and "job_1,0" in labels:
        assert odd["session"].to_list() == [f"job_{n}" for n in range(0, 60, 4)]


def test_tokens_that_carry_a_line_s_score(trained, log, tmp_path, words, biglog):
    said, labels = lines(100)
    model = tmp_path / "model"
    given = ("--labels", log("l.csv", *labels), "--lines", "--model", model, "--method", "lr")
    assert biglog("train", log("a.log", *said), *given)[0] == 0
    told = verdicts.explain_line("disk sda9 full", models.open_model(model, words))
    weights = dict(told)
    assert [token for token, _ in told][::2] == ["disk", "full"]
    assert weights["disk"] > 0
    assert weights["full"] > 0


def test_the_same_training_gives_the_same_model(trained):
    model = trained()
    first = [(model / name).read_bytes() for name in ("model.json", "weights.safetensors")]
    assert [(trained() / name).read_bytes() for name in ("model.json", "weights.safetensors")] == (
        first
    )


def test_the_model_says_what_it_is(trained):
    card = json.loads((trained() / "model.json").read_text())
    assert card["encoder"] == "words:1"
    assert card["threshold_by"]
    assert set(card["candidates"]) <= {"usual", "lr", "svm", "knn", "tree", "tree+knn"}
    assert len(card["data"]["sha256"]) == 64
    assert card["biglog"]


def test_labels_that_cannot_be_meant(refused, log, tmp_path, words):
    path = log("a.log", *jobs(8)[0])

    def train(labels, *how):
        given = log("l.csv", *labels)
        return refused("train", path, "--labels", given, "--model", tmp_path / "m", *how)

    sessions, by_line = ("--session", r"job_\d+"), ("--lines",)
    assert "'maybe'" in train(["session,label", "job_1,maybe"], *sessions)
    assert "both 0 and 1" in train(["session,label", "job_1,0", "job_1,1"], *sessions)
    assert "is of a session" in train(["session,label", "job_77,1"], *sessions)
    assert "is of a line" in train(["line_no,label", "999,1"], *by_line)
    assert "whole number" in train(["line_no,label", "one,1"], *by_line)
    assert "line_no" in train(["line_no,label", "1,1"], *sessions)
    assert "expected" in train(["a,b,c", "1,2,3"], *by_line)
    assert "no row" in train(["session,label"], *sessions)
    assert "neither" in train(["session,label", "job_1,1"])
    assert "both" in train(["session,label", "job_1,1"], *sessions, *by_line)
    assert "--method" in train(["session,label", "job_1,1"], *sessions, "--method", "magic")
    assert "lstm" in train(["line_no,label", "1,1"], *by_line, "--method", "lstm")
    assert "every labelled row" in train(["session,label", "job_1,1"], *sessions, "--method", "lr")
    two = log("b.log", "start for job_1")
    labels = log("l.csv", "line_no,label", "1,1")
    said = refused("train", path, two, "--labels", labels, "--lines", "--model", tmp_path / "m")
    assert "several files" in said
    assert not (tmp_path / "m").exists()


def test_directories_that_are_no_model(refused, log, tmp_path, trained):
    path, out = log("new.log", *jobs(4)[0]), tmp_path / "o.csv"
    one, other = trained(), trained("tree")

    def predict(model):
        return refused("predict", path, "--model", model, "--out", out)

    (tmp_path / "empty").mkdir()
    assert "model.json" in predict(tmp_path / "empty")
    assert "neither a directory" in predict("nonesuch")
    card = (one / "model.json").read_text()
    (one / "model.json").write_text((other / "model.json").read_text())
    assert "mixed" in predict(one)
    (one / "model.json").write_text(card.replace("words:1", "other:2"))
    assert "other:2" in predict(one)
    (one / "model.json").write_text('{"biglog": []}')
    assert "train again" in predict(one)
    (one / "model.json").write_text("no json")
    assert "train again" in predict(one)
    (other / "weights.safetensors").unlink()
    assert "weights.safetensors" in predict(other)
    assert not out.exists()


def test_a_directory_of_other_things_is_not_replaced(refused, log, tmp_path, words):
    said, labels = jobs(8)
    given = ("--labels", log("l.csv", *labels), "--session", r"job_\d+")
    assert "holds files" in refused("train", log("a.log", *said), *given, "--model", tmp_path)


def test_versions_are_kept_used_and_rolled_back(biglog, refused, log, tmp_path, trained):
    one, two = trained("tree"), trained("knn")
    assert biglog("models", "add", "jobs", one)[0] == 0
    assert "v0002" in biglog("models", "add", "jobs", two)[2]
    assert in_use(biglog) == {1: False, 2: True}
    assert "v0001" in biglog("models", "rollback", "jobs")[2]
    assert in_use(biglog) == {1: True, 2: False}
    out = tmp_path / "o.csv"
    new = log("new.log", *jobs(4)[0])
    assert biglog("predict", new, "--model", "jobs", "--out", out)[0] == 0
    assert biglog("models", "use", "jobs", 2)[0] == 0
    assert in_use(biglog) == {1: False, 2: True}
    assert "no version 7" in refused("models", "use", "jobs", 7)
    assert "nonesuch" in refused("models", "rollback", "nonesuch")
    assert "must be letters" in refused("models", "add", "../up", one)


def in_use(biglog):
    rows = [json.loads(one) for one in biglog("models", "list", "--json")[1].splitlines()]
    return {row["version"]: row["used"] for row in sorted(rows, key=lambda row: row["version"])}


def test_versions_are_in_the_register_too(biglog, database_url, monkeypatch, trained):
    monkeypatch.setenv("BIGLOG_DB_URL", database_url)
    for method in ("tree", "knn"):
        assert biglog("models", "add", "jobs", trained(method))[0] == 0
    assert biglog("models", "rollback", "jobs")[0] == 0
    from biglog.store.connect import engine
    from biglog.store.models import models

    kept = {one.model_id: one.is_active for one in models(engine(database_url))}
    assert kept["jobs@1"] is True
    assert kept["jobs@2"] is False


def test_the_command_line_starts_without_heavy_libraries():
    heavy = "('torch', 'transformers', 'sklearn', 'scipy')"
    code = f"import sys, biglog.cli.main; print([n for n in {heavy} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT,
        env={"PYTHONPATH": str(PROJECT / "plugins"), "PATH": ""},
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
