"""Sessions judged by their least likely fact: pictures of healthy and odd ones."""

import polars as pl
import pytest

from biglog.findings.sessions import score_sessions

USUAL = "open read close"


def frame(*sessions):
    """A session is its steps; sessions are named by their place."""
    rows = [(str(place), step, step) for place, one in enumerate(sessions) for step in one.split()]
    return pl.DataFrame(rows, ["session", "template_id", "template"], orient="row")


def judged(*sessions, history=None, first=0):
    past = frame(*history) if history else None
    return score_sessions(frame(*sessions), past, first=first)


def odd(rows):
    return rows.filter("anomalous")["session"].to_list()


@pytest.mark.parametrize(
    ("strange", "reason"),
    [
        ("open read", "missing"),
        ("open read close explode", "explode"),
        ("open open open open read close", "6 times"),
    ],
)
def test_one_strange_session(strange, reason):
    strange = strange if "6" not in reason else "open " * 6 + "read close"
    rows = judged(*[USUAL] * 150, strange, *[USUAL] * 150)
    assert odd(rows) == ["150"]
    assert reason in rows["reason"][150]
    assert rows["score"][150] >= 0.5 > rows["score"][0]


def test_what_usually_varies_is_not_odd():
    """`retry` comes 1 to 30 times in half of the sessions: 25 times is nothing special."""
    varied = [USUAL + " retry" * (1 + n % 30) for n in range(300)]
    rows = judged(*varied, *[USUAL] * 300)
    assert odd(rows) == []


def test_a_fault_in_the_history_stays_odd():
    """A history nobody has cleaned holds the same fault, as rarely."""
    history = [*[USUAL] * 396, *["open read explode"] * 4]
    rows = judged(*[USUAL] * 99, "open read explode", history=history)
    assert odd(rows) == ["99"]


def test_a_new_kind_of_event_is_odd_however_often_it_comes_today():
    rows = judged(*["open explode close"] * 40, *[USUAL] * 60, history=[USUAL] * 300)
    assert odd(rows) == [str(n) for n in range(40)]


def test_sessions_still_open_when_the_file_ends_are_not_odd():
    """A third of today's sessions have not closed yet: that is the file's end, not a fault."""
    rows = judged(*[USUAL] * 200, *["open read"] * 100, history=[USUAL] * 300)
    assert odd(rows) == []


def test_one_session_against_a_history():
    assert odd(judged(USUAL, history=[USUAL] * 100)) == []
    assert odd(judged("open read", history=[USUAL] * 100)) == ["0"]


def test_without_a_history_the_many_are_never_odd():
    different = [f"kind{n} kind{n}" for n in range(50)]
    assert len(odd(judged(*different))) <= 10


def test_first_judges_and_counts_beginnings_only():
    rows = judged(*[USUAL + " write"] * 150, "read open close close", first=2)
    assert rows["events"].unique().to_list() == [2]
    rows = judged(*[USUAL + " write"] * 150, "explode open read close", first=2)
    assert odd(rows) == ["150"]


def test_early_on_an_unusual_order_scores_higher():
    rows = judged(*[USUAL] * 150, "read open close", first=3)
    assert rows["score"][150] > rows["score"][0]


@pytest.mark.parametrize("sessions", [[USUAL], ["a"], [USUAL] * 3, ["a b", "c d"]])
@pytest.mark.parametrize("history", [None, [USUAL], ["a"]])
def test_edges(sessions, history):
    rows = judged(*sessions, history=history)
    assert rows.columns == ["session", "score", "anomalous", "reason", "events"]
    assert rows["session"].to_list() == [str(n) for n in range(len(sessions))]
    assert rows["score"].is_between(0, 1).all()
    assert (rows["reason"] != "").all()
    assert rows.null_count().sum_horizontal().item() == 0
    assert rows.filter("anomalous").filter(pl.col("reason") == "as usual").is_empty()


def test_order_of_lines_of_other_sessions_does_not_matter():
    lines = frame(*[USUAL] * 50, "open read", *[USUAL] * 50)
    steps = pl.int_range(pl.len()).over("session")
    mixed = lines.with_columns(step=steps).sort("step", "session").drop("step")
    here, there = (score_sessions(one, None).sort("session") for one in (lines, mixed))
    assert here.equals(there)


def test_what_no_session_of_tonight_has_is_told_in_the_words_of_the_history():
    rows = judged("open", history=[USUAL] * 500)
    assert "missing, though" in rows["reason"][0]
    assert rows["reason"][0].split(": ")[1].startswith("close")
