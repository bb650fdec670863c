"""Where the night's templates lie on a plane: near means alike, the axes mean nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from biglog.clusters.group import FEW, project, unique_rows, unit
from biglog.errors import BadInput
from biglog.records import Clustering, Labels, Scores, Spot, TemplateVectors, Vectors
from biglog.settings import ClusterSettings

Plane = npt.NDArray[np.float32]  # (n, 2)
Known = Mapping[str, tuple[float, float]]  # template_id -> where it lay on the night before
Pairs = npt.NDArray[np.float32]  # (n, n)

EARLY, LATE = 50, 450  # steps with the neighbours drawn together, and with each in its place
EXAGGERATION = 12.0
ROWS = 256  # of the table of all pairs at a time, so that it stays in the processor's cache
SHARED = 3  # templates of the night before that settle which way the map is turned
GAIN = 1e-2
PERPLEXITY = 30.0
SHORTEST = 10.0  # step, for few templates
NEAR_START = 1e-4  # spread of places that nothing is known of
WIDE_START = 0.65  # of those of the night before, for each square root of a template: as they end


@dataclass(frozen=True, slots=True)
class Start:
    """Where distinct vectors set out, and whether that is where they lay on the night before."""

    places: Plane
    known: bool


def lay_out(
    vectors: TemplateVectors,
    clustering: Clustering,
    weights: Mapping[str, int],
    settings: ClusterSettings,
    before: Known,
) -> tuple[Spot, ...]:
    """The templates with most lines, each with its place in -1..1, by id.

    Equal vectors share a place. The map begins where ``before`` left it and is turned like it, so
    that templates of both nights stay where they were. Same input, same map, in any order.
    """
    kept = most_lines(vectors, weights, settings.map_most)
    ids = tuple(vectors.template_ids[row] for row in kept)
    distinct, back = unique_rows(unit(vectors.values[kept]))
    settled = settle(distinct, start(distinct, back, ids, before, settings.seed), settings)
    places = fit(turn(settled[back], ids, before)).round(4)
    labels = dict(zip(clustering.template_ids, clustering.labels.tolist(), strict=True))
    return tuple(
        Spot(key, x, y, labels.get(key, -1), weights.get(key, 0))
        for key, (x, y) in zip(ids, places.tolist(), strict=True)
    )


def most_lines(vectors: TemplateVectors, weights: Mapping[str, int], most: int) -> list[int]:
    """Rows of so many templates, in the order of their ids."""
    ids = vectors.template_ids
    order = sorted(range(len(ids)), key=lambda row: (-weights.get(ids[row], 0), ids[row]))
    return sorted(order[:most], key=lambda row: ids[row])


def settle(values: Vectors, first: Start, settings: ClusterSettings) -> Plane:
    """Distinct unit rows (n, d) to places, by the method that the settings name."""
    if settings.map_method not in ("neighbours", "tsne"):
        raise BadInput(
            f"clusters: map_method {settings.map_method!r} is unknown; use neighbours or tsne"
        )
    if len(values) < FEW:
        return first.places
    if settings.map_method == "tsne":
        return by_tsne(values, first, settings.seed)
    return by_neighbours(values, first)


def by_tsne(values: Vectors, first: Start, seed: int) -> Plane:
    """t-SNE as scikit-learn has it (van der Maaten, 2014), from the given start."""
    from sklearn.manifold import TSNE

    model = TSNE(
        2,
        perplexity=min(PERPLEXITY, (len(values) - 1) / 3),
        early_exaggeration=1.0 if first.known else EXAGGERATION,
        init=first.places,
        random_state=seed,
        n_jobs=1,
    )
    places: Plane = model.fit_transform(values)
    return places


def by_neighbours(values: Vectors, first: Start) -> Plane:
    """t-SNE's goal (van der Maaten and Hinton, 2008) in half the steps: only neighbours attract,
    repulsion is exact and in single precision, steps are as long as Belkina et al. (2019) found.
    """
    from threadpoolctl import threadpool_limits

    places, speed = first.places, np.zeros(first.places.shape, np.float32)
    gains = np.ones(places.shape, np.float32)
    rate = max(len(values) / EXAGGERATION, SHORTEST)
    with threadpool_limits(1):  # sums of several threads differ from run to run
        pull = affinities(values)
        hard = EXAGGERATION * pull
        for step in range(EARLY + LATE):
            early = step < EARLY and not first.known
            force = slope(places, hard if early else pull)
            against = np.sign(force) != np.sign(speed)
            gains = np.maximum(np.where(against, gains + 0.2, gains * 0.8), GAIN)
            speed = (0.5 if early else 0.8) * speed - rate * gains * force
            places = (places + speed).astype(np.float32)
    return places


def slope(places: Plane, pull: Pairs) -> Plane:
    """How the divergence between likeness there and nearness here grows with each place, (n, 2)."""
    ones = np.ones((len(places), 1), np.float32)
    norms = (places * places).sum(axis=1, keepdims=True)
    left = np.hstack([places, norms + 1, ones])
    right = np.ascontiguousarray(np.hstack([-2 * places, ones, norms]).T)
    around = np.hstack([ones, places])
    total = -float(len(places))  # each is as near to itself as can be
    drawn, pushed = np.empty_like(around), np.empty_like(around)
    for at in range(0, len(places), ROWS):
        near = np.reciprocal(np.maximum(left[at : at + ROWS] @ right, 1))
        total += float(near.sum())
        drawn[at : at + ROWS] = (near * pull[at : at + ROWS]) @ around
        near *= near
        pushed[at : at + ROWS] = near @ around
    sums = drawn - pushed / max(total, 1e-9)
    return (4 * (sums[:, :1] * places - sums[:, 1:])).astype(np.float32)


def affinities(values: Vectors) -> Pairs:
    """Each pair's share of all likeness (n, n); none where neither is the other's neighbour."""
    perplexity = min(PERPLEXITY, (len(values) - 1) / 3)
    squares = np.maximum(2 - 2 * (values @ values.T), 0).astype(np.float64)
    np.fill_diagonal(squares, np.inf)
    near = np.argsort(squares, axis=1, kind="stable")[:, : int(3 * perplexity)]
    shares = narrow(np.take_along_axis(squares, near, axis=1), perplexity)
    pairs = np.zeros(squares.shape, np.float32)
    np.put_along_axis(pairs, near, shares.astype(np.float32), axis=1)
    return ((pairs + pairs.T) / (2 * len(values))).astype(np.float32)


def narrow(squares: Scores, perplexity: float) -> Scores:
    """Each row's squared distances as likeness that sums up to one, as spread as ``perplexity``
    equals would be; the width is found by halving.
    """
    gaps = squares - squares[:, :1]
    low, high = np.zeros((len(gaps), 1)), np.full((len(gaps), 1), np.inf)
    width = np.ones((len(gaps), 1))
    for _ in range(50):
        likeness = np.exp(-width * gaps)
        total = likeness.sum(axis=1, keepdims=True)
        spread = np.log(total) + width * (gaps * likeness).sum(axis=1, keepdims=True) / total
        wide = spread > np.log(perplexity)
        low, high = np.where(wide, width, low), np.where(wide, high, width)
        width = np.where(np.isinf(high), 2 * width, (low + high) / 2)
    shares: Scores = likeness / total
    return shares


def start(values: Vectors, back: Labels, ids: Sequence[str], before: Known, seed: int) -> Start:
    """Where each distinct vector sets out: where it lay, else by those most like it that lay
    somewhere. Where too few did, or all in one place, along the directions of most variance.
    """
    known = np.array([row for row, key in enumerate(ids) if key in before], dtype=np.int64)
    places = np.array([before[ids[row]] for row in known]).reshape(-1, 2)
    if 2 * len(known) < len(ids) or len(values) < FEW or not np.ptp(places):
        return Start(spread(along(values, seed), NEAR_START), known=False)
    likeness = values @ values[back[known]].T
    nearest = np.argsort(-likeness, axis=1, kind="stable")[:, :SHARED]
    guessed = places[nearest].mean(axis=1)
    guessed[back[known]] = places
    return Start(spread(guessed, WIDE_START * len(values) ** 0.5), known=True)


def along(values: Vectors, seed: int) -> Plane:
    """The first two directions of variance, (n, 2), the middle at 0."""
    flat = np.zeros((len(values), 2))
    if len(values) > 1:
        found = project(values, seed, 2)
        flat[:, : found.shape[1]] = found[:, :2]
    flat -= flat.mean(axis=0) if len(flat) else 0.0
    return flat.astype(np.float32)


def spread(places: npt.NDArray[Any], size: float) -> Plane:
    """The places so far apart that this is their standard deviation."""
    now = float(places.std()) if len(places) else 0.0
    scaled = places * (size / now) if now else places
    return scaled.astype(np.float32)


def turn(places: Plane, ids: Sequence[str], before: Known) -> npt.NDArray[np.float64]:
    """The map turned or mirrored onto that of the night before by the templates of both
    (orthogonal Procrustes, Schoenemann, 1966); as it is where they are too few to tell.
    """
    centred = places.astype(np.float64)
    shared = [row for row, key in enumerate(ids) if key in before]
    if len(shared) < SHARED:
        return centred
    here = centred[shared] - centred[shared].mean(axis=0)
    there = np.array([before[ids[row]] for row in shared])
    left, _, right = np.linalg.svd(here.T @ (there - there.mean(axis=0)))
    turned: npt.NDArray[np.float64] = centred @ (left @ right)
    return turned


def fit(places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The map in the middle of -1..1, as large as it goes."""
    if len(places) == 0:
        return places
    middle = (places.max(axis=0) + places.min(axis=0)) / 2
    reach = np.abs(places - middle).max()
    fitted: npt.NDArray[np.float64] = (places - middle) / (reach or 1.0)
    return fitted
