"""What comes in batches, and is read back in parts, is judged as if it came at once."""

import numpy as np
import polars as pl
import pytest

from biglog.findings import sessionparts
from biglog.findings.keys import Numbering, Tally
from biglog.findings.sessions import Sessions, score_sessions
from biglog.findings.webattacks import Requests, read_requests, score_requests


def events(size, seed):
    rng = np.random.default_rng(seed)
    kinds = pl.Series([f"step {n}" for n in np.minimum(rng.zipf(1.5, size), 30)])
    at = pl.Series(np.cumsum(rng.integers(0, 10**6, size))).cast(pl.Datetime("us", "UTC"))
    names = pl.Series([f"session {n}" for n in rng.integers(0, size // 8, size)])
    rows = {"session": names, "template_id": kinds, "template": kinds, "timestamp": at}
    return pl.DataFrame(rows)


def pieces(frame, count):
    return [frame[part.tolist()] for part in np.array_split(np.arange(frame.height), count)]


@pytest.mark.parametrize("with_history", [False, True])
def test_sessions(tmp_path, monkeypatch, with_history):
    today, past = events(3000, 1), events(2000, 2) if with_history else None
    whole = score_sessions(today, past)
    monkeypatch.setattr(sessionparts, "FULL", 100)
    night = Sessions(tmp_path, with_history=with_history)
    for one in pieces(past, 3) if past is not None else []:
        night.recall(one)
    for one in pieces(today, 7):
        night.add(one)
    assert pl.concat(night.verdicts()).equals(whole)
    assert night.today.events.parts > 5


def test_requests():
    rng = np.random.default_rng(3)
    scan = [f"GET /old/{n}x{chr(97 + n % 26)} HTTP/1.1 404 Not Found" for n in range(60)]
    login = ["POST /login HTTP/1.1 401 Unauthorized"] * 90
    pages = [f"GET /shop/{n % 9} HTTP/1.1 200 OK" for n in range(400)]
    attack = ["GET /shop/1?f=../../etc/passwd HTTP/1.1 200 OK"]
    texts = [*scan, *login, *pages, *attack, *["no request"] * 9]
    fields = ['{"client":"192.0.2.66"}'] * 60 + ['{"client":"192.0.2.7"}'] * (len(texts) - 60)
    order = rng.permutation(len(texts)).tolist()
    rows = read_requests(pl.Series(texts)[order], pl.Series(fields)[order])
    whole = score_requests(rows)
    together = Requests()
    for one in pieces(rows, 6):
        together.add(one)
    weighed = [together.weigh(one) for one in pieces(rows, 6)]
    assert pl.concat(map(together.score, weighed)).equals(whole)
    assert whole["anomalous"].sum() >= 90


def test_counts_and_numbers_of_keys():
    rng = np.random.default_rng(5)
    keys = rng.integers(0, 2**63, 50, dtype=np.uint64)[rng.integers(0, 50, 900)]
    tally, numbering = Tally(), Numbering()
    numbers = [numbering.number(one) for one in np.split(keys, 9)]
    for one in np.split(keys, 9):
        tally.add(one)
        tally.done()
    distinct, counts = np.unique(keys, return_counts=True)
    assert tally.keys.tolist() == distinct.tolist()
    assert tally.counts.tolist() == counts.tolist()
    assert numbering.keys[np.concatenate(numbers)].tolist() == keys.tolist()
