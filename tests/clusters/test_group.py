"""Every clusterer answers the same list of hard cases; then what each is for."""

from dataclasses import replace

import numpy as np
import pytest

from biglog.clusters.density import dbscan, reach
from biglog.clusters.group import SAMPLE, choose, group, silhouette_of
from biglog.errors import BadInput
from biglog.records import TemplateVectors
from biglog.settings import ClusterSettings

METHODS = ("kmeans", "dbscan", "hdbscan", "none")


def spread(centres, each, *, noise=0.02, seed=0):
    """Unit vectors around orthogonal centres."""
    chance = np.random.default_rng(seed)
    points = np.repeat(np.eye(8)[:centres], each, axis=0)
    points = points + chance.normal(0, noise, points.shape)
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def named(values):
    return TemplateVectors("m", tuple(f"t{i:03d}" for i in range(len(values))), values)


def run(method, values, weights=None):
    return group(named(values), weights or {}, replace(ClusterSettings(), method=method))


CASES = {
    "empty": np.zeros((0, 8), np.float32),
    "one": spread(1, 1),
    "two": spread(2, 1),
    "zero vectors": np.zeros((4, 8), np.float32),
    "all equal": np.ones((30, 8), np.float32),
    "fewer than min samples": spread(1, 4),
    "three groups": spread(3, 20),
    "two of each": np.repeat(spread(3, 8), 2, axis=0),
    "scattered": spread(8, 3, noise=0.5),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", CASES)
class TestEveryClusterer:
    def test_keeps_its_promises(self, method, case):
        found = run(method, CASES[case])
        count = len(CASES[case])
        assert found.method == method
        assert len(found.template_ids) == len(found.labels) == len(found.strengths) == count
        assert found.labels.dtype == np.int64
        assert ((found.strengths >= 0) & (found.strengths <= 1)).all()
        assert found.silhouette is None or -1 <= found.silhouette <= 1
        assert found.note

    def test_labels_are_dense_and_the_largest_is_0(self, method, case):
        found = run(method, CASES[case])
        _, first = np.unique(CASES[case].round(6), axis=0, return_index=True)
        labels = found.labels[first]
        used = sorted(set(labels.tolist()) - {-1})
        assert used == list(range(len(used)))
        sizes = [int((labels == label).sum()) for label in used]
        assert sizes == sorted(sizes, reverse=True)
        assert (found.strengths[found.labels == -1] == 0).all()

    def test_says_the_same_twice_and_in_any_order(self, method, case):
        values = CASES[case]
        first, again = run(method, values), run(method, values)
        assert first.labels.tolist() == again.labels.tolist()
        shuffled = np.random.default_rng(1).permutation(len(values))
        mixed = run(method, values[shuffled])
        assert mixed.labels.tolist() == first.labels[shuffled].tolist()

    def test_equal_vectors_share_their_label(self, method, case):
        twice = run(method, np.concatenate([CASES[case], CASES[case]]))
        half = len(CASES[case])
        assert twice.labels[:half].tolist() == twice.labels[half:].tolist()


@pytest.mark.parametrize("method", ["kmeans", "dbscan", "hdbscan"])
def test_finds_three_groups(method):
    found = run(method, spread(3, 20))
    assert [len(set(found.labels[i : i + 20].tolist())) for i in (0, 20, 40)] == [1, 1, 1]
    assert len(set(found.labels.tolist())) == 3
    assert found.silhouette is not None
    assert found.silhouette > 0.8
    assert "3 clusters" in found.note


@pytest.mark.parametrize("method", ["dbscan", "hdbscan"])
def test_a_stray_vector_is_alone(method):
    values = np.concatenate([spread(2, 20), np.eye(8, dtype=np.float32)[7:]])
    assert run(method, values).labels[-1] == -1


def test_fewer_than_ten_vectors_are_one_group():
    assert run("kmeans", spread(2, 4)).labels.tolist() == [0] * 8
    assert run("kmeans", spread(2, 4)).silhouette is None


def test_k_is_never_more_than_a_fifth_of_the_vectors():
    assert len(set(run("kmeans", spread(8, 2)).labels.tolist())) <= 3


def test_the_strongest_member_is_the_one_nearest_the_centre():
    values = spread(2, 15, noise=0.1)
    found = run("kmeans", values)
    rows = np.flatnonzero(found.labels == 0)
    centre = values[rows].mean(axis=0)
    nearest = rows[np.linalg.norm(values[rows] - centre, axis=1).argmin()]
    assert found.strengths[nearest] == found.strengths[rows].max()


def test_a_million_equal_lines_cost_one():
    values = np.concatenate([spread(2, 10)] * 2500)
    found = run("kmeans", values, {"t000": 1_000_000})
    assert "50000 templates with 20 distinct vectors" in found.note


def test_an_unknown_method_is_refused():
    with pytest.raises(BadInput, match="'meanshift' is unknown; use one of kmeans, dbscan"):
        choose(ClusterSettings(method="meanshift"))


def without_groups(count, *, wide=64, seed=0):
    """Unit vectors of one cloud, wider in some directions than in others."""
    chance = np.random.default_rng(seed)
    points = chance.normal(size=(count, wide)) * np.arange(1, wide + 1) ** -0.5
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("seed", range(3))
def test_one_cloud_is_one_group_although_halves_of_it_have_a_silhouette(seed):
    from sklearn.cluster import KMeans

    values = without_groups(150, seed=seed)
    halves = KMeans(2, n_init=10, random_state=42).fit_predict(values)
    assert silhouette_of(values, halves) > 0.05  # more than of many nights
    assert run("kmeans", values).labels.tolist() == [0] * 150


def test_more_vectors_may_have_more_than_ten_groups():
    chance = np.random.default_rng(2)
    points = np.repeat(np.eye(16), 16, axis=0) + chance.normal(0, 0.1, (256, 16))
    values = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    settings = ClusterSettings(method="kmeans")
    assert group(named(values), {}, settings).labels.max() == 15
    assert group(named(values), {}, replace(settings, k_max=10)).labels.max() == 9


@pytest.mark.parametrize("noise", [0.02, 0.1, 0.2])
def test_dbscan_finds_the_distance_however_wide_the_groups_are(noise):
    found = run("dbscan", spread(4, 40, noise=noise))
    sizes = np.bincount(found.labels[found.labels >= 0])
    assert (sizes > 30).sum() == 4


def test_dbscan_s_distance_may_be_given():
    settings = ClusterSettings(method="dbscan", min_samples=5)
    values = named(spread(3, 20, noise=0.2))
    found, given = (group(values, {}, replace(settings, eps=eps)).labels for eps in (0.0, 0.01))
    assert set(given.tolist()) == {-1}
    assert found.max() == 2


def test_reach_is_the_distance_of_the_so_manieth():
    values = np.array([[0, 0], [1, 0], [3, 0], [7, 0]], np.float32)
    assert reach(values, 2) == pytest.approx([1, 1, 2, 4], abs=1e-5)
    assert reach(values, 3) == pytest.approx([3, 2, 3, 6], abs=1e-5)


@pytest.mark.parametrize("noise", [0.05, 0.2, 0.3])
def test_dbscan_gives_the_labels_of_scikit_learn(noise):
    from sklearn.cluster import DBSCAN

    values = spread(6, 150, noise=noise, seed=3)
    wanted = DBSCAN(eps=0.4, min_samples=5).fit_predict(values)
    assert len(set(wanted.tolist())) > 1
    assert dbscan(values, 0.4, 5).tolist() == wanted.tolist()


def test_a_sample_settles_how_many_groups_and_its_error_is_told():
    values = spread(4, 1600, noise=0.2)
    found = run("kmeans", values)
    assert len(values) > SAMPLE
    assert "in 4 clusters" in found.note
    assert "of a sample of 5,000 of 6,400, ± 0.00" in found.note
    from sklearn.metrics import silhouette_score

    exact = silhouette_score(values, found.labels)
    error = float(found.note.rpartition("± ")[2])
    assert abs(silhouette_of(values, found.labels) - exact) <= 2 * error


def test_dbscan_of_nothing_and_of_what_is_all_alone():
    assert dbscan(np.zeros((0, 4), np.float32), 0.5, 5).tolist() == []
    assert dbscan(np.eye(8, dtype=np.float32), 0.5, 2).tolist() == [-1] * 8
