"""The four measures, worked out by hand."""

import pytest

from biglog.errors import BadInput
from biglog.templates.evaluate import Accuracy, accuracy


def test_by_hand():
    #         truth predicted
    lines = [
        ("up <*>", "up <*>"),  # group exact, text right
        ("up <*>", "up <*>"),
        ("down <*>", "down 1"),  # group exact, text wrong
        ("left", "left"),  # split in two: text right on one line
        ("left", "left <*>"),
        ("ok a", "ok"),  # two true groups in one
        ("ok", "ok"),
    ]
    truth, predicted = zip(*lines, strict=True)
    found = accuracy(truth, predicted)
    # Exact groups: "up <*>" and "down <*>", 3 lines of 7; 5 true groups, 5 predicted.
    assert found.ga == pytest.approx(3 / 7)
    assert found.fga == pytest.approx(2 * 2 / (5 + 5))
    # Texts: up, up, left and the last ok.
    assert found.pa == pytest.approx(4 / 7)
    # Right texts whose lines all belong there: "up <*>" and "left"; "ok" holds a line of "ok a".
    assert found.fta == pytest.approx(2 * 2 / (5 + 5))


def test_a_template_of_another_group_is_not_right():
    """Loghub-2.0: a predicted template counts when all its lines have that very text in truth.

    That some lines of the true group went elsewhere does not count against it, but the template
    that they went to counts among the predicted ones.
    """
    #         truth predicted
    lines = [
        ("got <*>", "got <*>"),  # right: all lines of this prediction belong there
        ("got <*>", "got a"),
        ("put <*>", "put <*>"),  # wrong: a line of "put a" is under it as well
        ("put a", "put <*>"),
    ]
    truth, predicted = zip(*lines, strict=True)
    precision, recall = 1 / 3, 1 / 3
    assert accuracy(truth, predicted).fta == pytest.approx(
        2 * precision * recall / (precision + recall)
    )


def test_perfect_and_empty():
    assert accuracy(["a", "b"], ["a", "b"]) == Accuracy(1.0, 1.0, 1.0, 1.0)
    assert accuracy([], []) == Accuracy(1.0, 1.0, 1.0, 1.0)


def test_renamed_groups_are_right_as_groups_only():
    assert accuracy(["a", "a", "b"], ["x", "x", "y"]) == Accuracy(1.0, 1.0, 0.0, 0.0)


def test_lengths_must_agree():
    with pytest.raises(BadInput, match="1 predictions for 2 lines"):
        accuracy(["a", "b"], ["a"])
