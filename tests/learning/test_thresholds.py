"""Which threshold a training takes, by what is labelled and what is not."""

import numpy as np

from biglog.learning.training import unvalidated

RNG = np.random.default_rng(2)
SCORES = np.concatenate([RNG.uniform(0.0, 0.3, 970), RNG.uniform(0.8, 1.0, 30)])


def chosen(odd):
    """The share that is flagged, and how the threshold was chosen."""
    bar, figures = unvalidated(odd, SCORES, np.ones(len(SCORES)))
    assert figures["rows"] == 0
    return float(np.mean(bar.value <= SCORES)), bar.chosen_by


def labels(normal, odd):
    """So many of each kind labelled, of those that score like it."""
    found = np.full(len(SCORES), -1)
    found[:normal], found[970 : 970 + odd] = 0, 1
    return found


def test_picked_labels_are_not_taken_for_the_share_of_odd_rows():
    share, words = chosen(labels(4, 4))
    assert 0.015 <= share <= 0.03
    assert "expected" in words


def test_labels_as_they_come_are():
    share, words = chosen(labels(97, 3))
    assert 0.028 <= share <= 0.036
    assert "as many" in words


def test_labels_of_one_class_or_of_every_row_leave_what_is_usual():
    assert "quantile" in chosen(labels(5, 0))[1]
    assert "quantile" in chosen(np.where(SCORES > 0.5, 1, 0))[1]
