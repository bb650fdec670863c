"""Every command explains itself, refuses in one line, and exits with the contract's code."""

import json

import pytest
from typer.main import get_command

from biglog.cli.main import app


def commands(group=None, path=()):
    for name, one in (group or get_command(app)).commands.items():
        if hasattr(one, "commands"):
            yield from commands(one, (*path, name))
        else:
            yield (*path, name), one


@pytest.mark.parametrize("path", [" ".join(path) for path, _ in commands()])
def test_help_teaches(biglog, path):
    code, out, _ = biglog(*path.split(), "--help")
    assert code == 0
    assert "Usage" in out


OURS = "parse detect match embed doctor train predict models metrics db kb templates".split()


@pytest.mark.parametrize("path", [" ".join(p) for p, _ in commands() if p[0] in OURS])
def test_help_has_an_example(path):
    command = next(one for words, one in commands() if " ".join(words) == path)
    assert "Example" in command.help
    assert f"`biglog {path}" in command.help


def test_unknown_words(refused):
    assert "nonesuch" in refused("nonesuch")
    assert "--nonesuch" in refused("parse", "--nonesuch")


def test_alone_it_shows_its_help(biglog):
    code, out, err = biglog()
    assert code == 2
    assert "Usage" in out + err


def test_version(biglog):
    assert biglog("--version")[1].startswith("biglog ")


def test_database_away_is_a_failure_worth_a_retry(refused, monkeypatch):
    monkeypatch.setenv("BIGLOG_DB_URL", "postgresql://nobody@127.0.0.1:9/none")
    assert "does not answer" in refused("db", "status", code=1)
    assert "does not answer" in refused("kb", "drafts", code=1)
    monkeypatch.setenv("BIGLOG_DB_URL", "mysql://nobody@127.0.0.1/none")
    assert "postgresql://" in refused("db", "status")


def test_migrating_twice(biglog, database_url, monkeypatch):
    monkeypatch.setenv("BIGLOG_DB_URL", database_url)
    assert "0 applied" in biglog("db", "migrate")[2]
    states = [json.loads(one)["state"] for one in biglog("db", "status", "--json")[1].splitlines()]
    assert states
    assert set(states) == {"applied"}


def test_doctor_explains_a_file(biglog, refused, log, tmp_path):
    lines = [f"2026-11-02 10:00:{n:02d},000 INFO app: served {n}" for n in range(30)]
    code, out, _ = biglog("doctor", log("a.log", *lines), "--json")
    row = json.loads(out)
    assert (code, row["ok"]) == (0, True)
    assert "utf-8" in row["says"].lower()
    assert "tried" in row["says"]
    assert "no such file" in refused("doctor", tmp_path / "none.log")


def test_a_wrong_setting_is_one_line(refused, log, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "biglog.toml").write_text("[embed]\nmodle = 'x'\n")
    assert "modle" in refused("match", "one", "--in", log("a.log", "one"))
