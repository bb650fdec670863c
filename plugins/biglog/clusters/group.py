"""Templates' vectors in groups of like meaning, by the method that the settings name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from biglog.clusters.density import dbscan, reach
from biglog.errors import BadInput
from biglog.records import Clusterer, Clustering, Labels, Scores, TemplateVectors, Vectors
from biglog.settings import ClusterSettings

Grouped = tuple[Labels, Scores, float | None]
NOISE = -1
FEW = 10  # with fewer distinct vectors a silhouette says nothing
SHUFFLES = 9  # as good a silhouette by chance in one of ten sets without groups
TRIES = 20  # distances or numbers of groups that are compared
SAMPLE = 5000  # rows of a silhouette, whose cost is quadratic
DIMENSIONS = 50  # more cost much and change little
MANY = 5000  # from so many distinct vectors on, threads pay, and a sample settles how many groups
DENSE, DENSE_DIMENSIONS = 10_000, 10  # from so many on, so few: density in fifty is quadratic
FAR = 0.5  # where no distance tells two groups apart


def group(
    vectors: TemplateVectors, weights: Mapping[str, int], settings: ClusterSettings
) -> Clustering:
    """Equal vectors count once, weighted by the logarithm of their lines.

    Labels run from 0, the largest cluster (by distinct vectors) first; -1 is alone.
    """
    method = choose(settings)
    values = unit(vectors.values)
    distinct, back = unique_rows(values)
    lines = np.array([weights.get(one, 1) for one in vectors.template_ids], dtype=np.float64)
    mass = np.log1p(np.bincount(back, weights=lines, minlength=len(distinct)))
    labels, strengths, silhouette = method.fit_predict(distinct, mass)
    return Clustering(
        method=method.name,
        template_ids=vectors.template_ids,
        labels=labels[back],
        strengths=strengths[back],
        silhouette=silhouette,
        note=describe_choice(method.name, labels, len(vectors.template_ids), silhouette)
        + describe_error(distinct, labels),
    )


def choose(settings: ClusterSettings) -> Clusterer:
    """The clusterer of that name. Raises BadInput for a name that none has."""
    known: dict[str, Clusterer] = {
        "kmeans": KMeansBySilhouette(settings.k_min, settings.k_max, settings.seed),
        "dbscan": Dbscan(settings.eps, settings.min_samples),
        "hdbscan": Hdbscan(settings.min_cluster_size, settings.seed),
        "none": NoClusters(),
    }
    if settings.method not in known:
        names = ", ".join(known)
        raise BadInput(f"clusters: method {settings.method!r} is unknown; use one of {names}")
    return known[settings.method]


@dataclass(slots=True)
class NoClusters:
    """Does nothing: every template is alone."""

    name: str = "none"

    def fit_predict(self, vectors: Vectors, weights: Scores) -> Grouped:
        return alone(len(vectors))


@dataclass(slots=True)
class KMeansBySilhouette:
    """k-means for k in range; the best silhouette wins where it is better than chance.

    ``k_max`` 0 is ten, or the root of how many vectors where that is more; never a fifth of them.
    Beyond twenty not every k is tried.
    """

    k_min: int = 2
    k_max: int = 0
    seed: int = 42
    name: str = "kmeans"

    def fit_predict(self, vectors: Vectors, weights: Scores) -> Grouped:
        count = len(vectors)
        if count < FEW:
            return one_group(vectors, weights)
        near = project(vectors, self.seed, DIMENSIONS)
        if count <= MANY:
            return self.choose(vectors, near, weights) or one_group(vectors, weights)
        some = sample(count, MANY)
        chosen = self.choose(vectors[some], near[some], weights[some])
        if chosen is None:
            return one_group(vectors, weights)
        return self.fit(vectors, near, weights, int(chosen[0].max()) + 1)

    def choose(self, vectors: Vectors, near: Vectors, weights: Scores) -> Grouped | None:
        """The best of all k; None where it says no more than one group."""
        most = self.k_max or max(10, int(len(vectors) ** 0.5))
        least = max(2, self.k_min)
        tried = np.geomspace(least, max(least, min(most, len(vectors) // 5)), TRIES).round()
        fits = [self.fit(vectors, near, weights, int(k)) for k in np.unique(tried)]
        told = [one for one in fits if one[2] is not None]
        best = max(told, key=lambda one: one[2] or 0.0, default=None)
        return best if best and self.beats_chance(near, weights, best[0]) else None

    def beats_chance(self, near: Vectors, weights: Scores, labels: Labels) -> bool:
        """Whether as many groups are worse wherever the same coordinates are shuffled, each
        direction by itself (as the reference of Tibshirani et al., 2001).

        No fixed silhouette tells: vectors of one night have .08 without groups, others .04 with.
        """
        reached = silhouette_of(near, labels) or 0.0
        chance = np.random.default_rng(self.seed)
        for _ in range(SHUFFLES):
            mixed = chance.permuted(near, axis=0)
            if (self.fit(mixed, mixed, weights, int(labels.max()) + 1)[2] or 0.0) >= reached:
                return False
        return True

    def fit(self, vectors: Vectors, near: Vectors, weights: Scores, k: int) -> Grouped:
        from sklearn.cluster import KMeans
        from threadpoolctl import threadpool_limits

        model = KMeans(n_clusters=k, n_init=10, random_state=self.seed)
        # Hundreds of vectors: threads cost fourteen times what they save (measured on two cores).
        with threadpool_limits(1 if len(near) < MANY else None):
            labels = by_size(model.fit_predict(near, sample_weight=weights))
        return labels, closeness(vectors, labels, weights), silhouette_of(vectors, labels)


@dataclass(slots=True)
class Dbscan:
    """Density at one distance between unit vectors; what is far from all is noise.

    ``eps`` 0 is the distance that tells groups apart best.
    """

    eps: float = 0.0
    min_samples: int = 2
    name: str = "dbscan"

    def fit_predict(self, vectors: Vectors, weights: Scores) -> Grouped:
        if len(vectors) < self.min_samples:
            return alone(len(vectors))
        eps = self.eps or telling_distance(vectors, self.min_samples)
        labels = by_size(dbscan(vectors, eps, self.min_samples))
        return labels, closeness(vectors, labels, weights), silhouette_of(vectors, labels)


@dataclass(slots=True)
class Hdbscan:
    """Density at every distance, after a projection that makes density meaningful."""

    min_cluster_size: int = 3
    seed: int = 42
    name: str = "hdbscan"

    def fit_predict(self, vectors: Vectors, weights: Scores) -> Grouped:
        if len(vectors) < max(FEW, 2 * self.min_cluster_size):
            return alone(len(vectors))
        from sklearn.cluster import HDBSCAN

        model = HDBSCAN(min_cluster_size=max(2, self.min_cluster_size), copy=True)
        most = DIMENSIONS if len(vectors) <= DENSE else DENSE_DIMENSIONS
        labels = by_size(model.fit_predict(project(vectors, self.seed, most)))
        return labels, closeness(vectors, labels, weights), silhouette_of(vectors, labels)


def telling_distance(vectors: Vectors, min_samples: int) -> float:
    """The distance whose groups have the best silhouette, each that is alone counted as 0.

    Tried are those within which a twentieth, two twentieths and so on have neighbours enough (the
    sorted distances of Ester et al., 1996, whose bend alone joins nearly all log texts); of many
    vectors, those of a sample.
    """
    some = vectors[sample(len(vectors), MANY)]
    tried = np.quantile(reach(some, min_samples), np.arange(1, TRIES + 1) / TRIES)
    told = [worth(some, dbscan(some, float(eps), min_samples)) for eps in tried]
    return float(tried[int(np.argmax(told))]) if max(told) > 0 else FAR


def worth(vectors: Vectors, labels: Labels) -> float:
    """Mean silhouette over all, where what is noise has none."""
    return (silhouette_of(vectors, labels) or 0.0) * float((labels != NOISE).mean())


def unit(values: Vectors) -> Vectors:
    """Rows of length one; a zero row stays zero."""
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    out: Vectors = np.divide(values, lengths, out=np.zeros_like(values), where=lengths > 0)
    return out


def unique_rows(values: Vectors) -> tuple[Vectors, Labels]:
    """Distinct rows in sorted order, and which of them each row is."""
    if len(values) == 0:
        return values, np.zeros(0, dtype=np.int64)
    distinct, back = np.unique(values.round(6), axis=0, return_inverse=True)
    return distinct, back.reshape(-1).astype(np.int64)


def project(vectors: Vectors, seed: int, most: int) -> Vectors:
    """The directions of most variance."""
    from sklearn.decomposition import PCA

    dimensions = min(most, *vectors.shape)
    projected: Vectors = PCA(dimensions, random_state=seed).fit_transform(vectors)
    return projected


def alone(count: int) -> Grouped:
    return np.full(count, NOISE, dtype=np.int64), np.zeros(count), None


def one_group(vectors: Vectors, weights: Scores) -> Grouped:
    """All in one cluster; a single vector is alone."""
    if len(vectors) < 2:
        return alone(len(vectors))
    labels = np.zeros(len(vectors), dtype=np.int64)
    return labels, closeness(vectors, labels, weights), None


def by_size(labels: Any) -> Labels:
    """Labels renamed from 0 by falling size, ties by first member; noise stays -1."""
    out = np.full(len(labels), NOISE, dtype=np.int64)
    names, first, sizes = np.unique(labels, return_index=True, return_counts=True)
    kept = [i for i in np.lexsort((first, -sizes)) if names[i] != NOISE]
    for new, i in enumerate(kept):
        out[labels == names[i]] = new
    return out


def closeness(vectors: Vectors, labels: Labels, weights: Scores) -> Scores:
    """Strength of membership: 1 at the cluster's centre, 0 for noise and at its farthest edge."""
    out = np.zeros(len(labels))
    for label in range(int(labels.max(initial=NOISE)) + 1):
        members = labels == label
        centre = np.average(vectors[members], axis=0, weights=np.maximum(weights[members], 1e-9))
        far = np.linalg.norm(vectors[members] - centre, axis=1)
        edge = far.max()
        out[members] = 1.0 - far / edge if edge > 1e-9 else 1.0
    return np.clip(out, 0.0, 1.0)


def silhouette_of(vectors: Vectors, labels: Labels) -> float | None:
    """Mean silhouette of what is not noise; None where there are not two clusters to compare."""
    each = silhouettes(vectors, labels)
    return None if each is None else float(each.mean())


def silhouettes(vectors: Vectors, labels: Labels) -> Scores | None:
    """Silhouette of each vector that is not noise, of a sample where they are many."""
    rows = np.flatnonzero(labels != NOISE)
    rows = rows[sample(len(rows), SAMPLE)]
    groups = len(np.unique(labels[rows]))
    if groups < 2 or len(rows) <= groups:
        return None
    from sklearn.metrics import silhouette_samples

    each: Scores = silhouette_samples(vectors[rows], labels[rows])
    return each


def sample(count: int, most: int) -> Labels:
    """So many of the rows at most, in order, always the same ones."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, most, replace=False))


def describe_error(vectors: Vectors, labels: Labels) -> str:
    """How far a sample's silhouette may be from that of all, at 95 %; "" where it is of all."""
    clustered = int((labels != NOISE).sum())
    each = silhouettes(vectors, labels) if clustered > SAMPLE else None
    if each is None:
        return ""
    error = 1.96 * float(each.std()) / len(each) ** 0.5
    return f"; silhouette of a sample of {len(each):,} of {clustered:,}, ± {error:.3f}"


def describe_choice(name: str, labels: Labels, templates: int, silhouette: float | None) -> str:
    """What was chosen, in one sentence."""
    groups = int(labels.max(initial=NOISE)) + 1
    noise = int((labels == NOISE).sum())
    shape = f"{templates} templates with {len(labels)} distinct vectors"
    if groups == 0:
        return f"{name}: {shape}; no clusters, each is alone"
    quality = "" if silhouette is None else f", silhouette {silhouette:.2f}"
    rest = f", {noise} alone" if noise else ""
    return f"{name}: {shape} in {groups} clusters{quality}{rest}"
