"""Titles tell clusters apart by words; the medoid is the member nearest the centre."""

import numpy as np
import pytest

from biglog.clusters.describe import describe, terms
from biglog.records import Clustering, Template, TemplateVectors

PATTERNS = {
    "a1": "Failed password for <*> from <*>",
    "a2": "Failed password for invalid user <*>",
    "a3": "Too many password failures for <*>",
    "b1": "Disk <*> is full, <*> bytes left",
    "b2": "Disk usage of <*> above <*>",
    "x": "Something else <*>",
}
ANGLES = {"a1": 0.0, "a2": 0.1, "a3": 0.25, "b1": 1.5, "b2": 1.6, "x": 3.0}
LABELS = {"a1": 0, "a2": 0, "a3": 0, "b1": 1, "b2": 1, "x": -1}


def described(patterns=PATTERNS, weights=None):
    ids = tuple(LABELS)
    templates = {i: Template(i, text, text) for i, text in patterns.items()}
    values = np.array([[np.cos(a), np.sin(a)] for a in ANGLES.values()], np.float32)
    labels = np.array(list(LABELS.values()))
    clustering = Clustering("kmeans", ids, labels, np.array([0.5, 1, 0, 1, 0.9, 0]), 0.7)
    weights = weights or {"a1": 5, "a2": 5, "a3": 5, "b1": 7}
    vectors = TemplateVectors("m", ids, values)
    return describe(clustering, vectors, templates, weights, "2024-05-01")


def test_clusters_come_in_order_with_their_lines_and_members():
    first, second = described()
    assert (first.label, first.lines, first.date) == (0, 15, "2024-05-01")
    assert first.template_ids == ("a2", "a1", "a3")
    assert (second.label, second.lines, second.template_ids) == (1, 7, ("b1", "b2"))


def test_the_title_is_made_of_the_cluster_s_own_words():
    first, second = described()
    assert first.title.split()[0] == "password"
    assert second.title.split()[0] == "disk"
    assert "<*>" not in first.title


def test_the_medoid_is_nearest_the_centre():
    assert described()[0].medoid_id == "a2"


def test_a_cluster_without_words_is_titled_by_its_pattern():
    assert described({**PATTERNS, "b1": "<*> <*>", "b2": "<*>"})[1].title == "<*> <*>"


def test_a_template_that_is_not_known_is_titled_by_its_id():
    assert described({})[1].title


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("Failed password for <*>", ["failed", "password"]),
        ("连接超时，耗时<*>", ["连接", "接超", "超时", "耗时"]),
        ("[IP] said [NUM] to [EMAIL:7f3a]", ["said"]),
        ("<*> <*>", []),
    ],
)
def test_terms(pattern, words):
    assert terms(pattern) == words


def test_nothing_to_describe():
    empty = Clustering("none", (), np.zeros(0, np.int64), np.zeros(0), None)
    vectors = TemplateVectors("m", (), np.zeros((0, 2), np.float32))
    assert describe(empty, vectors, {}, {}, "2024-05-01") == ()
