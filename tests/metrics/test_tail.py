"""How rare a value is beside the values before it."""

from itertools import pairwise

import numpy as np
import pytest

from biglog.metrics.tail import WARM, blocks, rarity


def decades(values, floor=0.0):
    values = np.asarray(values, float)[:, None]
    return rarity(values, np.full(values.shape, floor))[:, 0]


@pytest.mark.parametrize("draw", ["normal", "exponential", "lognormal"])
def test_one_in_a_thousand_is_about_one_in_a_thousand(draw):
    values = getattr(np.random.default_rng(0), draw)(size=40_000)
    assert 0.0003 < (decades(values)[5000:] >= 3).mean() < 0.003


def test_beyond_all_that_was_seen_it_goes_on_rising():
    usual = np.random.default_rng(0).normal(size=2000)
    found = [decades([*usual, far])[-1] for far in (4, 8, 16)]
    assert 3 < found[0] < found[1] < found[2]


def test_a_floor_makes_small_differences_small():
    constant = [5.0] * 100
    assert decades([*constant, 5.01])[-1] > 5
    assert decades([*constant, 5.01], floor=0.05)[-1] < 2.5


def test_nothing_is_rare_before_there_is_enough_to_compare_with():
    values = [0.0] * (WARM - 1) + [9.0, 9.0]
    assert decades(values)[:WARM].tolist() == [0.0] * WARM


def test_blocks_cover_all_but_the_warm_rows_once():
    spans = list(blocks(100_000))
    assert spans[0][0] == WARM
    assert spans[-1][1] == 100_000
    assert all(one[1] == other[0] for one, other in pairwise(spans))
    assert list(blocks(WARM)) == []
