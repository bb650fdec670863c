"""Values inside lines: too large for their place and their field, or not of a closed set."""

import numpy as np
import polars as pl
import pytest

from biglog.findings.values import SCHEMA, score_values
from findings.values_past import judged_alone, reach


def frame(numbers=(), texts=(), *, place=1, field="duration (s)", start=0):
    size = max(len(numbers), len(texts))
    rows = {
        "line": range(start, start + size),
        "place": [place] * size,
        "field": [field] * size,
        "number": numbers or [None] * size,
        "text": texts or [None] * size,
    }
    return pl.DataFrame(rows).cast(SCHEMA)


def draw(count, seed=1):
    return np.random.default_rng(seed).lognormal(0.0, 0.5, count).tolist()


def test_far_beyond_the_history():
    found = score_values(frame([1.0, 300.0]), reach(frame(draw(500))))
    assert found["line"].to_list() == [1]
    assert found["anomalous"].all()
    assert found["reason"][0].startswith("duration (s) is 300, where 500 in such lines before went")


def test_a_new_template_is_compared_with_its_field():
    found = score_values(frame([300.0], place=2), reach(frame(draw(500))))
    assert found["anomalous"].all()
    assert "in all lines before" in found["reason"][0]


def test_without_name_or_history_of_its_place_nothing_is_said():
    assert score_values(frame([300.0], place=2, field=None), reach(frame(draw(500)))).is_empty()


def test_large_for_its_place_but_not_for_its_field():
    """One kind of statement is always quick; that it once took as long as others is no news."""
    past = pl.concat([frame(draw(500)), frame([100 * one for one in draw(500)], place=2)])
    assert score_values(frame([30.0]), reach(past)).is_empty()


def test_a_past_fault_does_not_hide_the_next():
    past = frame([*draw(5000), 900.0, 950.0])
    assert score_values(frame([800.0]), reach(past))["anomalous"].all()


def test_without_a_history_the_file_is_compared_with_itself():
    found = judged_alone(frame([*draw(500), 5000.0]))
    assert found["line"].to_list() == [500]
    assert judged_alone(frame(draw(500))).is_empty()


def test_a_word_that_was_never_seen_where_the_same_few_were():
    past = reach(frame(texts=["up", "down"] * 200, field=None))
    found = score_values(frame(texts=["up", "sideways"], field=None), past)
    assert found["line"].to_list() == [1]
    assert "“sideways” was never seen" in found["reason"][0]


@pytest.mark.parametrize("texts", [["up", "down"] * 20, [f"job {n}" for n in range(400)]])
def test_a_short_or_an_open_set_is_none(texts):
    past = reach(frame(texts=texts, field=None))
    assert score_values(frame(texts=["other"], field=None), past).is_empty()
