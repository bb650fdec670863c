"""What every detector of sessions keeps to, whatever it looks for."""

from datetime import UTC, datetime, timedelta
from functools import partial

import polars as pl
import pytest

from biglog.findings import nextevent
from biglog.findings.sessions import DETECTORS, by_detector
from biglog.findings.steps import EDGE

USUAL = "open read write close"
START = datetime(2026, 3, 10, tzinfo=UTC)
# each with what it is made to see: steps, and seconds between them
STRANGE = {
    "counts": ("open read explode write close", 1),
    "transitions": ("open write read close", 1),
    "next event": ("close write read open", 1),
    "duration": (USUAL, 5000),
}
KEYS = {name: pl.UInt32 for name in ("c1", "c2", "c3", "event")}
SCHEMA = {
    "session": pl.String,
    "template_id": pl.String,
    "template": pl.String,
    "timestamp": pl.Datetime("us", "UTC"),
}


def frame(*sessions, shift=0.0):
    """A session is its steps and the seconds between them; sessions are named by their place."""
    rows = []
    for place, one in enumerate(sessions):
        steps, gap = one if isinstance(one, tuple) else (one, 1)
        at = START + timedelta(seconds=10 * place + shift)
        names = enumerate(steps.split())
        rows += [(str(place), s, s, at + timedelta(seconds=gap * n)) for n, s in names]
    return pl.DataFrame(rows, SCHEMA, orient="row")


def judged(name, lines, past):
    """What one detector says of each session."""
    said = {one: f"{one} {name}" for one in ("score", "odd", "reason")}
    return by_detector(lines, past).select("session", **said)


def odd(rows):
    return rows.filter("odd")["session"].to_list()


@pytest.fixture(params=DETECTORS)
def name(request):
    return request.param


@pytest.fixture
def judge(name):
    return partial(judged, name)


@pytest.fixture
def strange(name):
    return STRANGE[name]


class TestEveryDetector:
    def test_it_finds_what_it_is_for_in_words(self, judge, strange):
        rows = judge(frame(*[USUAL] * 150, strange, *[USUAL] * 150), None)
        assert odd(rows) == ["150"]
        assert rows["score"][150] > 0.98
        assert len(rows["reason"][150]) > 10

    def test_it_finds_it_against_a_history(self, judge, strange):
        rows = judge(frame(*[USUAL] * 20, strange), frame(*[USUAL] * 300))
        assert odd(rows) == ["20"]

    def test_empty_input(self, judge):
        assert judge(frame(), None).is_empty()
        assert judge(frame(), frame(USUAL)).is_empty()

    def test_an_empty_history_shows_nothing(self, judge, strange):
        assert odd(judge(frame(USUAL, strange), frame())) == []

    def test_one_line(self, judge):
        assert odd(judge(frame("open"), None)) == []

    def test_all_equal(self, judge):
        rows = judge(frame(*[USUAL] * 200), None)
        assert odd(rows) == []
        assert rows["score"].n_unique() == 1

    def test_constant_counts_like_the_history(self, judge):
        assert odd(judge(frame(*[USUAL] * 100), frame(*[USUAL] * 100))) == []

    def test_sessions_of_other_lines_between(self, judge, strange):
        lines = frame(*[USUAL] * 150, strange)
        mixed = lines.sort("timestamp", maintain_order=True)
        assert odd(judge(mixed, None)) == odd(judge(lines, None))

    def test_shuffled_sessions(self, judge, strange):
        there = judge(frame(strange, *[USUAL] * 150), None)
        assert odd(there) == ["0"]

    def test_same_input_gives_same_rows(self, judge, strange):
        lines = frame(*[USUAL] * 150, strange)
        assert judge(lines, None).equals(judge(lines.clone(), None))

    def test_a_history_with_the_same_fault(self, judge, strange):
        """Nobody has cleaned the history: 1 in 100 of it has the fault, which stays odd."""
        history = frame(*[USUAL] * 396, *[strange] * 4)
        assert odd(judge(frame(*[USUAL] * 99, strange), history)) == ["99"]

    def test_a_tenth_of_the_history_missing(self, judge, strange):
        past = frame(*[USUAL] * 300)
        thinner = past.filter(pl.col("session").cast(pl.Int64) % 10 != 4)
        today = frame(*[USUAL] * 50, strange)
        assert odd(judge(today, thinner)) == odd(judge(today, past)) == ["50"]

    def test_a_clock_gap_between_sessions(self, judge, strange):
        past = frame(*[USUAL] * 300)
        later = frame(*[USUAL] * 50, strange, shift=-90 * 86400.0)
        assert odd(judge(later, past)) == ["50"]

    def test_what_varies_is_not_odd(self, judge):
        """Steps come one to nine times, 1 to 9 s apart: nothing in it is special."""
        varied = [("open " + "read " * (1 + n % 9) + "close", 1 + (n * 7) % 9) for n in range(450)]
        assert odd(judge(frame(*varied), None)) == []

    def test_rows_are_well_formed(self, judge, strange):
        rows = judge(frame(*[USUAL] * 30, strange), frame(*[USUAL] * 30))
        assert rows.columns == ["session", "score", "odd", "reason"]
        assert rows["session"].to_list() == [str(n) for n in range(31)]
        assert rows["score"].is_between(0, 1).all()
        assert rows["score"].is_not_nan().all()
        assert rows.filter("odd")["reason"].null_count() == 0


def test_durations_need_no_times():
    rows = judged("duration", frame(*[USUAL] * 9).drop("timestamp"), None)
    assert odd(rows) == []


def test_a_session_that_ends_early_is_told_by_its_end():
    rows = judged("transitions", frame(*[USUAL] * 150, "open read"), None)
    assert odd(rows) == ["150"]
    assert "from read to their end" in rows["reason"][150]


def test_chances_of_next_events_sum_to_one():
    """After an "a" that begins a session there were 7 "b" and 3 "c" (of 20 events, 10 "a")."""
    a, b, c = range(3)
    rows = [(EDGE, EDGE, EDGE, a, 10), (a, EDGE, EDGE, b, 7), (a, EDGE, EDGE, c, 3)]
    events = pl.DataFrame(rows, {**KEYS, "had": pl.Int64}, orient="row")
    model = [nextevent.continuations(events, n) for n in range(nextevent.CONTEXT + 1)]
    after = pl.DataFrame([(a, EDGE, EDGE, one) for one in (a, b, c)], KEYS, orient="row")
    known = nextevent.chances(after, model, itself=False)["chance"].sum()
    assert 0.9 < known < 1.0
