"""The map keeps neighbours together, is the same on every run and stays put from night to night."""

from dataclasses import replace

import numpy as np
import pytest

from biglog.clusters.map import affinities, along, lay_out, slope, spread, turn
from biglog.errors import BadInput
from biglog.records import Clustering, TemplateVectors
from biglog.settings import ClusterSettings

METHODS = ("neighbours", "tsne")


def groups(count=5, each=24, *, wide=16, noise=0.12, seed=0):
    """Unit vectors around orthogonal centres, group by group."""
    chance = np.random.default_rng(seed)
    points = np.repeat(np.eye(wide)[:count], each, axis=0)
    points = points + chance.normal(0, noise, points.shape)
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def ids_of(count):
    return tuple(f"t{i:03d}" for i in range(count))


def drawn(values, *, method="neighbours", before=None, weights=None, ids=None, most=2000):
    ids = ids or ids_of(len(values))
    vectors = TemplateVectors("m", ids, values)
    labels = np.arange(len(ids), dtype=np.int64) % 3 - 1
    clustering = Clustering("kmeans", ids, labels, np.zeros(len(ids)), None)
    settings = replace(ClusterSettings(), map_method=method, map_most=most)
    return lay_out(vectors, clustering, weights or {}, settings, before or {})


def trust(values, spots):
    from sklearn.manifold import trustworthiness

    return trustworthiness(values, spots, n_neighbors=10)


def places(spots):
    return np.array([(one.x, one.y) for one in spots]).reshape(-1, 2)


def known(spots):
    return {one.template_id: (one.x, one.y) for one in spots}


@pytest.mark.parametrize("method", METHODS)
def test_a_known_structure_is_kept(method):
    values = groups()
    found = places(drawn(values, method=method))
    assert trust(values, found) > 0.93
    group = np.repeat(np.arange(5), 24)
    far = np.linalg.norm(found[:, None] - found[None], axis=2) + 9 * np.eye(len(found))
    assert (group[far.argmin(axis=1)] == group).mean() > 0.99


def test_it_is_as_faithful_as_scikit_learn_s_and_more_than_two_directions():
    values = groups(8, 30, noise=0.2)
    ours, theirs = (trust(values, places(drawn(values, method=one))) for one in METHODS)
    assert ours > theirs - 0.01
    assert ours > trust(values, along(values, 0)) + 0.05


@pytest.mark.parametrize("method", METHODS)
def test_the_same_input_gives_the_same_map_in_any_order(method):
    values = groups(3, 10)
    first = drawn(values, method=method)
    assert drawn(values, method=method) == first
    mixed = np.random.default_rng(1).permutation(len(values))
    ids = tuple(np.array(ids_of(len(values)))[mixed].tolist())
    again = drawn(values[mixed], method=method, ids=ids)
    assert known(again) == known(first)


def test_templates_of_both_nights_stay_where_they_were():
    values, ids = groups(5, 30), np.array(ids_of(150))
    first, second = (np.flatnonzero(np.arange(150) % 10 != gone) for gone in (3, 6))
    yesterday = known(drawn(values[first], ids=tuple(ids[first].tolist())))
    tonight = drawn(values[second], ids=tuple(ids[second].tolist()), before=yesterday)
    both = known(tonight).keys() & yesterday.keys()
    moved = [np.subtract(known(tonight)[key], yesterday[key]) for key in sorted(both)]
    assert len(both) == 120
    assert np.linalg.norm(moved, axis=1).mean() < 0.15
    assert trust(values[second], places(tonight)) > 0.9


def test_a_map_that_was_turned_and_mirrored_is_turned_back():
    chance = np.random.default_rng(3)
    was = chance.normal(size=(40, 2))
    turned = was @ np.array([[0.6, 0.8], [0.8, -0.6]])
    ids = ids_of(40)
    before = dict(zip(ids, was.tolist(), strict=True))
    assert np.allclose(turn(turned, ids, before), was)
    assert np.allclose(turn(turned, ids, dict(list(before.items())[:2])), turned)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 9, 10, 11])
def test_a_few_templates(method, count):
    found = places(drawn(groups(3, 4)[:count], method=method))
    assert found.shape == (count, 2)
    assert np.isfinite(found).all()
    assert np.abs(found).max(initial=0.0) <= 1.0
    if count > 1:
        assert np.abs(found).max() == pytest.approx(1.0, abs=1e-3)


def test_a_night_before_that_was_a_single_place_does_not_hold_the_map_together():
    values = groups(3, 10)
    before = dict.fromkeys(ids_of(30), (0.0, 0.0))
    assert trust(values, places(drawn(values, before=before))) > 0.9


def test_one_is_in_the_middle():
    assert places(drawn(groups(1, 1))).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_all_equal_lie_in_one_place(method, value):
    values = np.full((30, 4), value, np.float32)
    assert places(drawn(values, method=method)).tolist() == [[0.0, 0.0]] * 30


def test_equal_vectors_share_a_place():
    found = places(drawn(np.concatenate([groups(3, 10)] * 2)))
    assert found[:30].tolist() == found[30:].tolist()


def test_those_with_most_lines_are_on_the_map():
    weights = {f"t{i:03d}": i for i in range(60)}
    found = drawn(groups(3, 20), weights=weights, most=20)
    assert [one.template_id for one in found] == [f"t{i:03d}" for i in range(40, 60)]
    assert [one.lines for one in found] == list(range(40, 60))
    assert {one.label for one in found} == {-1, 0, 1}


def test_an_unknown_method_is_refused():
    with pytest.raises(BadInput, match="map_method 'umap' is unknown; use neighbours or tsne"):
        drawn(groups(), method="umap")


def test_the_slope_is_that_of_the_divergence():
    """Against differences of the divergence itself, in double precision."""
    values = groups(3, 8)
    pull = affinities(values)
    at = spread(along(values, 0), 1.0).astype(np.float64)
    pairs = pull.astype(np.float64) / pull.sum()

    def divergence(flat):
        far = ((flat[:, None] - flat[None]) ** 2).sum(axis=2)
        near = 1 / (1 + far)
        np.fill_diagonal(near, 0)
        kept = pairs > 0
        return (pairs[kept] * np.log(pairs[kept] / (near / near.sum())[kept])).sum()

    found = slope(at.astype(np.float32), pairs.astype(np.float32))
    for row, column in ((0, 0), (7, 1), (20, 0)):
        step = np.zeros_like(at)
        step[row, column] = 1e-5
        wanted = (divergence(at + step) - divergence(at - step)) / 2e-5
        assert found[row, column] == pytest.approx(wanted, rel=2e-3, abs=2e-5)
