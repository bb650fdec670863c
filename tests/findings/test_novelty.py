"""What is new, what came back, and what only looks new; counts are synthetic."""

import numpy as np
import pytest

from biglog.findings.distance import Distance
from biglog.findings.novelty import Novelty
from biglog.records import TemplateVectors

from . import synthetic as made

PATTERNS = {
    "ok": "request <*> served",
    "lost": "could not connect to <*>",
    "lost2": "could not connect to host <*>",
    "note": "cache warmed in <*> ms",
}
USUAL = made.every(60, 5, "web", "INFO", "ok")
LOST = ("02:10", "web", "app1", "ERROR", "lost", 1)


def find(tonight, nights, vectors=(made.NO_VECTORS, made.NO_VECTORS)):
    day = made.night([*USUAL, *tonight], PATTERNS, vectors=vectors[0])
    return Novelty(made.as_cosine).find(day, made.past(nights, vectors=vectors[1]))


def calm(count=9, **extra):
    """So many usual nights; ``extra`` are rows of the nth night."""
    return {d: [*USUAL, *extra.get(f"n{n}", [])] for n, d in enumerate(made.dates(count))}


def test_never_before():
    (one,) = find([LOST], calm())
    assert one.kind == "new_template"
    assert one.reason == "Seen once at 02:11 on app1, never in the 9 earlier nights."
    assert one.evidence["days_absent"] == 9


def test_graver_more_and_wider_scores_higher():
    info = ("02:10", "web", "app1", "INFO", "note", 1)
    many = [(f"02:{m}0", "web", f"app{m}", "ERROR", "lost", 90) for m in range(5)]
    mild, single, loud = (find(rows, calm())[0].score for rows in ([info], [LOST], many))
    assert mild < 0.5 < single < loud


def test_longer_history_makes_new_mean_more():
    scores = [find([LOST], calm(n))[0].score for n in (1, 3, 9)]
    assert scores == sorted(scores)
    assert len(set(scores)) == 3


def test_back_after_three_nights():
    (one,) = find([LOST], calm(n2=[LOST]))
    assert one.kind == "returned_template"
    assert one.evidence["days_absent"] == 6
    assert "on only 1 of the 9 earlier nights, last 7 days ago (2026-03-03)" in one.reason


def test_what_most_nights_have_is_not_new():
    assert find([LOST], calm(**{f"n{n}": [LOST] for n in range(4, 9)})) == []


def test_known_in_another_service_counts_less():
    other = ("02:10", "worker", "app1", "ERROR", "lost", 1)
    (here,) = find([LOST], calm(**{f"n{n}": [other] for n in range(9)}))
    assert "never in web of the 9 earlier nights" in here.reason
    assert here.score < find([LOST], calm())[0].score


def test_like_a_common_line_is_mild_like_a_rare_one_is_not():
    like = ("02:10", "web", "app1", "ERROR", "lost2", 1)
    (alone,) = find([like], calm())
    (common,) = find([like], calm(**{f"n{n}": [LOST] for n in range(9)}))
    (rare,) = find([like], calm(n1=[LOST]))
    assert "it resembles the known “could not connect to <*>”" in common.reason
    assert common.score < rare.score <= alone.score


def test_a_failure_is_no_kin_of_an_ordinary_line():
    quiet = ("02:10", "web", "app1", "INFO", "note", 3)
    same = np.array([[1.0, 0, 0]], dtype=np.float32)
    vectors = (TemplateVectors("m", ("lost",), same), TemplateVectors("m", ("note",), same))
    (one,) = find([LOST], calm(**{f"n{n}": [quiet] for n in range(9)}), vectors)
    assert "kin" not in one.evidence


def test_two_bursts_hours_apart_are_two_episodes():
    (one,) = find([LOST, ("09:10", "web", "app1", "ERROR", "lost", 40)], calm())
    assert (one.started_at.hour, one.count) == (9, 40)
    assert sorted(count for _, _, count in one.evidence["episodes"]) == [1, 40]
    assert "(41 in the whole night)" in one.reason


def test_a_source_that_always_brings_new_lines_surprises_less():
    churn = {f"n{n}": [("05:00", "web", "app1", "ERROR", f"e{n}{k}", 1) for k in range(9)]
             for n in range(9)}  # fmt: skip
    assert find([LOST], calm(**churn))[0].score < find([LOST], calm())[0].score


@pytest.mark.parametrize(("known", "far"), [([0, 1, 0], True), ([1, 0, 0], False)])
def test_far_from_everything_known(known, far):
    def vector(key, value):
        return TemplateVectors("m", (key,), np.array([value], dtype=np.float32))

    day = made.night([*USUAL, LOST], PATTERNS, vectors=vector("lost", [1, 0, 0]))
    history = made.past(calm(), vectors=vector("ok", known))
    found = Distance(made.as_cosine).find(day, history)
    assert [f.kind for f in found] == (["distant"] if far else [])
