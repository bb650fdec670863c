"""A night judged batch by batch says what one batch says, and leaves nothing on disk."""

import tempfile

import polars as pl
import pytest

from biglog import offline

LINES = [
    f"2026-11-02 10:{n // 60 % 60:02d}:{n % 60:02d},000 INFO app: request {n} took {n % 9 + 1} ms"
    for n in range(900)
]
LINES[700] = "2026-11-02 10:11:40,000 CRITICAL app: out of memory, worker killed"
LINES[720] = "2026-11-02 10:12:00,000 INFO app: request 720 took 90000 ms"


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "a.log"
    path.write_text("\n".join(LINES) + "\n", "utf-8")
    return path


@pytest.mark.parametrize("with_history", [False, True])
def test_batches_are_judged_like_one(log, monkeypatch, with_history):
    history = [log] if with_history else []
    whole = offline.detect_lines([log], history, "auto")
    monkeypatch.setattr(offline, "BATCH", 128)
    batches = list(offline.line_verdicts([log], history, "auto"))
    assert len(batches) > 2
    assert pl.concat(batches).equals(whole)
    assert with_history or {701, 721} <= set(whole.filter("anomalous")["line_no"])


@pytest.mark.parametrize("stop", [0, 1])
def test_nothing_stays_on_disk(log, tmp_path, monkeypatch, stop):
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(room))
    batches = offline.line_verdicts([log], [], "auto")
    if stop:
        next(batches)
        assert list(room.iterdir())
        batches.close()
    else:
        list(batches)
    assert not list(room.iterdir())
