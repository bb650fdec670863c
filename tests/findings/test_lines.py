"""Lines judged from their template alone: new, rare, grave, and alone on one host."""

import numpy as np
import polars as pl
import pytest

from biglog.findings.lines import Usual, score_templates, tally_all
from biglog.findings.verdicts import by_kind

SCHEMA = {"template_id": pl.String, "template": pl.String, "level": pl.String, "host": pl.String}


def frame(*kinds):
    """Each kind is (template, level, host, times)."""
    rows = [(text, text, level, host) for text, level, host, times in kinds for _ in range(times)]
    return pl.DataFrame(rows, SCHEMA, orient="row")


def judged(*kinds, usual=None, mixed=False):
    past = Usual(usual, sum(usual.values())) if usual else None
    lines = frame(*kinds)
    order = np.random.default_rng(3).permutation(lines.height) if mixed else range(lines.height)
    rows = score_templates(tally_all(lines[list(order)]), past)
    return {row["template_id"]: row for row in rows.iter_rows(named=True)}


SERVED = ("request <*> served", "INFO", None, 900)


def test_rare_and_grave_wins():
    """rare and grave > rare and severe > often and severe > rare > often"""
    rows = judged(
        ("configuration read", "INFO", None, 1),
        SERVED,
        ("disk <*> is corrupt", "CRITICAL", None, 1),
        ("cannot read <*>", "ERROR", None, 1),
        ("retry of <*> failed", "ERROR", None, 20),
        mixed=True,
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


def test_what_is_new_is_odd_however_often_it_comes_today():
    rows = judged(
        SERVED,
        ("hello <*>", "INFO", None, 300),
        usual={"request <*> served": 1000},
        mixed=True,
    )
    assert rows["hello <*>"]["anomalous"]
    assert not rows["hello <*>"]["whole"]


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


def test_a_word_that_the_log_says_all_the_time_loses_its_weight():
    """Half of an ssh server's lines say failed: one more that says so is nothing, a fault is."""
    rows = judged(
        ("Failed password for <*>", None, None, 450),
        ("Accepted password for <*>", None, None, 450),
        ("Failed none for <*>", None, None, 1),
        ("fatal: buffer is corrupt", None, None, 1),
        mixed=True,
    )
    assert rows["fatal: buffer is corrupt"]["anomalous"]
    assert not rows["Failed none for <*>"]["anomalous"]
    assert rows["Failed none for <*>"]["score"] < rows["fatal: buffer is corrupt"]["score"] - 0.2


def test_a_burst_does_not_make_its_own_words_usual():
    kinds = (SERVED, ("disk <*> failed", None, None, 300))
    assert judged(*kinds)["disk <*> failed"]["score"] > 0.6
    assert judged(*kinds, mixed=True)["disk <*> failed"]["score"] < 0.5


def flagged(*kinds):
    lines = frame(*kinds)
    return lines.with_columns(by_kind(lines, None)).filter("anomalous")


def test_many_lines_of_an_odd_kind_are_flagged_by_one():
    """A budget of 20 lines: the two rare ones whole, one of the 120 refusals for all of them."""
    rows = flagged(
        ("request <*> served", "INFO", None, 1500),
        ("peer <*> refused", "ERROR", None, 120),
        ("request <*> answered", "INFO", None, 300),
        ("disk <*> is corrupt", "CRITICAL", None, 2),
    )
    told = dict(rows.group_by("template").len().iter_rows())
    assert told == {"peer <*> refused": 1, "disk <*> is corrupt": 2}
    refused = rows.filter(pl.col("template") == "peer <*> refused")["reason"].item()
    assert "one of 120 such lines" in refused


def test_few_lines_are_flagged_however_many_kinds_fail():
    kinds = [(f"step {n} failed", "ERROR", None, 3) for n in range(400)]
    assert 0 < flagged(*kinds, ("served <*>", "INFO", None, 3000)).height <= 42


def test_what_a_changing_log_brings_anew_is_less_news():
    """A history in which every other kind came once expects as many new ones today."""
    today = [SERVED, *[(f"job {n} began", "INFO", None, 1) for n in range(20)]]
    steady = {"request <*> served": 1000}
    changing = {"request <*> served": 980, **{f"old job {n} began": 1 for n in range(20)}}
    assert judged(*today, usual=steady)["job 3 began"]["anomalous"]
    assert (
        judged(*today, usual=changing)["job 3 began"]["score"]
        < judged(*today, usual=steady)["job 3 began"]["score"] - 0.1
    )


def test_codes_and_text_are_judged_alike():
    plain = frame(SERVED, ("cannot read <*>", "ERROR", "a", 1))
    coded = plain.cast(pl.Categorical)
    assert (
        score_templates(tally_all(plain), None)
        .sort("level")
        .equals(score_templates(tally_all(coded), None).sort("level"))
    )
