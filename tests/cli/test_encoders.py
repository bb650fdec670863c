"""`biglog pretrain` and `biglog evaluate`, on a model of seconds."""

import json

import pytest
from releases import write_release

from biglog import encoders
from biglog.registry import InUse


@pytest.fixture
def log_file(log):
    words = ("connection refused by server", "job failed", "user login closed", "disk full")
    lines = [
        f"{one} : {two} at {three}"
        for one in words
        for two in words
        for three in ("server", "job", "user", "memory")
    ]
    return log("app.log", *lines)


def test_a_model_is_made_of_a_log_and_the_figures_are_told(biglog, log_file, tmp_path):
    begin, out = write_release(tmp_path / "begin"), tmp_path / "mine"
    given = ["--from", begin, "--steps", 12, "--pair-steps", 0, "--texts", 8]
    code, said, err = biglog("pretrain", log_file, "--format", "message", "--out", out, *given)
    assert code == 0, err
    assert [line.split()[1] for line in said.splitlines()[1:]] == ["by", "before", "after"]
    report = json.loads((out / "training.json").read_text("utf-8"))
    assert report["stages"]["masked"]["steps"] == 12
    assert report["sources"][0]["name"] == "this site's own lines"

    page = tmp_path / "figures.html"
    code, said, err = biglog("evaluate", out, "--no-faults", "--json", "--out", page)
    assert code == 0, err
    rows = [json.loads(line) for line in said.splitlines()]
    assert {row["way"] for row in rows} == {
        "mine", "raw CLS", "untrained", "tf-idf words", "tf-idf characters",
    }  # fmt: skip
    assert {row["task"] for row in rows} >= {"misleading_english", "crossing_all", "rivals_any"}
    assert "tf-idf" in page.read_text("utf-8").lower()


def test_an_encoder_is_taken_into_use_and_back(biglog, refused, tmp_path):
    first, second = (write_release(tmp_path / name) for name in ("first", "second"))
    assert "no encoder was taken into use" in refused("encoders", "rollback")
    for one in (first, second):
        assert biglog("encoders", "use", one)[0] == 0
    home = tmp_path / "home"
    assert encoders.in_use(home).now == str(second)
    assert biglog("encoders", "rollback")[0] == 0
    assert encoders.in_use(home) == InUse(str(first), ("",))
    assert biglog("encoders", "rollback")[0] == 0
    assert encoders.in_use(home).now == ""


def test_smaller_models_are_told_beside_the_one_they_were_made_of(biglog, log_file, tmp_path):
    whole = write_release(tmp_path / "whole")
    code, said, err = biglog("encoders", "quantize", whole, "--out", tmp_path / "int8")
    assert code == 0, err
    assert [line.split()[0] for line in said.splitlines()] == ["model", "whole", "int8"]
    given = ("--out", tmp_path / "fast", "--steps", 3, "--format", "message", "--json")
    code, said, err = biglog("encoders", "distil", whole, log_file, *given)
    assert code == 0, err
    before, after = (json.loads(line) for line in said.splitlines())
    assert (before["model"], after["model"]) == ("whole", "fast")
    assert before["cosine_mean"] > after["cosine_mean"]
    assert err.strip().splitlines()[-1].startswith("fast ")


def test_a_choice_that_biglog_toml_would_overrule_is_refused(refused, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "biglog.toml").write_text('[embed]\nmodel = "biglog-small"\n')
    one = write_release(tmp_path / "one")
    assert "names the model 'biglog-small'" in refused("encoders", "use", one)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "no data to learn from"),
        (["--corpus", "--rehearsal", "0.5"], "got the corpus alone"),
        (["--source", "nginx"], "the lake has no lines of 'nginx'"),
        (["--corpus", "--recipe", "large"], "expected one of small, biglog"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_at_once(refused, tmp_path, given, words):
    assert words in refused("pretrain", "--out", tmp_path / "out", "--pair-steps", 0, *given)


def test_a_model_that_is_not_there_is_refused(refused, tmp_path):
    assert "not a directory" in refused("evaluate", tmp_path / "none", "--no-faults")
    assert "one of .html" in refused("evaluate", tmp_path, "--out", tmp_path / "page.pdf")
