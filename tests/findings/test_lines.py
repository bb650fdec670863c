"""Lines judged from their template alone: new, rare, grave, and alone on one host."""

import polars as pl
import pytest

from biglog.findings.lines import Usual, score_templates

SCHEMA = {"template_id": pl.String, "template": pl.String, "level": pl.String, "host": pl.String}


def frame(*kinds):
    """Each kind is (template, level, host, times)."""
    rows = [(text, text, level, host) for text, level, host, times in kinds for _ in range(times)]
    return pl.DataFrame(rows, SCHEMA, orient="row")


def judged(*kinds, usual=None):
    past = Usual(usual, sum(usual.values())) if usual else None
    rows = score_templates(frame(*kinds), past)
    return {row["template_id"]: row for row in rows.iter_rows(named=True)}


SERVED = ("request <*> served", "INFO", None, 900)


def test_rare_and_grave_wins():
    """rare and grave > rare and severe > often and severe > rare > often"""
    rows = judged(
        ("configuration read", "INFO", None, 1),
        SERVED,
        ("disk <*> is corrupt", "CRITICAL", None, 1),
        ("cannot read <*>", "ERROR", None, 1),
        ("retry of <*> failed", "ERROR", None, 99),
    )
    scores = [row["score"] for row in rows.values()]
    order = sorted(rows, key=lambda one: -rows[one]["score"])
    assert order[:3] == ["disk <*> is corrupt", "cannot read <*>", "retry of <*> failed"]
    assert order[-1] == "request <*> served"
    assert all(0.0 <= one <= 1.0 for one in scores)
    assert rows["disk <*> is corrupt"]["anomalous"]
    assert not rows["configuration read"]["anomalous"]


@pytest.mark.parametrize("text", ["OutOfMemoryError: heap", "磁盘空间不足", "Fatal error (<*>)"])
def test_words_speak_where_there_is_no_level(text):
    row = judged(SERVED, (text, None, None, 1))[text]
    assert row["anomalous"]
    assert "its words report a failure" in row["reason"]


def test_what_the_history_never_had():
    rows = judged(SERVED, ("hello <*>", "INFO", None, 5), usual={"request <*> served": 1000})
    assert not rows["request <*> served"]["anomalous"]
    assert rows["hello <*>"]["anomalous"]
    assert "never had" in rows["hello <*>"]["reason"]


def test_a_flood_from_one_host_of_many():
    everywhere = [("link <*> up", "INFO", f"n{n}", 20) for n in range(10)]
    spread = [("link <*> failed", "ERROR", f"n{n}", 10) for n in range(10)]
    alone = ("bus <*> failed", "ERROR", "n3", 100)
    rows = judged(*everywhere, *spread, alone)
    assert rows["bus <*> failed"]["score"] > rows["link <*> failed"]["score"]
    assert "100 times on n3 alone" in rows["bus <*> failed"]["reason"]


def test_hosts_that_always_speak_alone_say_nothing():
    """Each host runs a program of its own: being alone is how lines are there."""
    kinds = [(f"program {n} works", "INFO", f"n{n}", 50) for n in range(10)]
    assert not any(row["anomalous"] for row in judged(*kinds).values())


def test_without_a_history_the_many_are_never_odd():
    kinds = [(f"step {n} failed", "ERROR", None, 3) for n in range(400)]
    assert sum(row["anomalous"] for row in judged(*kinds).values()) <= 40


def test_codes_and_text_are_judged_alike():
    plain = frame(SERVED, ("cannot read <*>", "ERROR", "a", 1))
    coded = plain.cast(pl.Categorical)
    assert (
        score_templates(plain, None)
        .sort("level")
        .equals(score_templates(coded, None).sort("level"))
    )
