"""Groups and map of many distinct vectors: seconds, memory and faithfulness, plain ways beside.

    python benchmarks/clusters.py [--sizes 1000 10000 50000 100000] [--plain 10000] [--data DATA]

Vectors are made: 40 directions of unequal popularity, each with a spread of its own, in 256
dimensions, and 1,000,000 lines among them. Each row is a process of its own, so that its peak
memory is its own; making the vectors is not in its seconds. ``plain`` is scikit-learn's way on all
vectors and dimensions at once; beyond ``--plain`` vectors it is left out, but for the exact
silhouette, which shows what the sample's is worth. Maps are of the 2,000 vectors with most lines,
by our method and by scikit-learn's t-SNE; their trustworthiness is over ten neighbours.

With DATA (docs/benchmarks.md), first 1,000,000 contents drawn from its logs, other digits in each,
go to templates, to vectors with counts, to groups; reading and drawing are not in those seconds.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins"))
from biglog.clusters.group import describe_error, group, silhouette_of
from biglog.clusters.map import lay_out
from biglog.records import Clustering, TemplateVectors
from biglog.settings import ClusterSettings

SIZES = (1_000, 10_000, 50_000, 100_000)
EXACT = 50_000  # beyond, the exact silhouette is left out
DIMENSIONS, DIRECTIONS, LINES = 256, 40, 1_000_000
SMALL = Path(__file__).resolve().parents[1] / "pretrained" / "biglog-small"
WAYS = ("kmeans", "dbscan", "hdbscan", "map neighbours", "map tsne")
PLAIN = ("plain kmeans", "plain dbscan", "plain hdbscan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--plain", type=int, default=10_000)
    parser.add_argument("--data", type=Path, help="labelled logs, for the row of 1,000,000 lines")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        way, size = options.measure
        told = end_to_end(options.data, way) if options.data else measure(way, int(size))
        print(json.dumps(told))
        return
    for way in WAYS[:3] if options.data else ():
        print(f"{LINES:7,} lines to {way:7} {alone(way, LINES, options.data)}", flush=True)
    for size in options.sizes:
        for way in (*WAYS, *(PLAIN if size <= options.plain else ())):
            print(f"{size:7,} {way:15} {alone(way, size)}", flush=True)


def alone(way: str, size: int, data: Path | None = None) -> str:
    command = [sys.executable, __file__, "--measure", way, str(size)]
    command += ["--data", str(data)] if data else []
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        return f"failed: {done.stderr.strip().rpartition(chr(10))[2] or done.returncode}"
    told = json.loads(done.stdout)
    return f"{told['seconds']:7.1f} s of processor {told['peak']:6.0f} MiB  {told['said']}"


def measure(way: str, size: int) -> dict[str, float | str]:
    vectors, weights = made(size)
    work = chosen(way, vectors, weights)
    start = time.process_time()
    say = work()
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "peak": peak, "said": say()}


def end_to_end(data: Path, way: str) -> dict[str, float | str]:
    """Contents of all systems with other digits in each, templates, vectors with counts, groups."""
    import pyarrow as pa
    from templates import mixed

    from biglog.settings import TemplateSettings
    from biglog.templates.mine import mine
    from biglog.vectors.encoder import load_encoder

    lines = pa.array(mixed(data, LINES))
    start = time.process_time()
    mined = mine(lines, (), TemplateSettings())
    counted = mined.template_ids.value_counts().to_pylist()
    weights = {one["values"]: one["counts"] for one in counted}
    ids = tuple(one.template_id for one in mined.templates)
    values = load_encoder(SMALL).encode([one.model_text for one in mined.templates])
    found = group(
        TemplateVectors("small", ids, values), weights, replace(ClusterSettings(), method=way)
    )
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "peak": peak, "said": found.note}


def made(size: int) -> tuple[TemplateVectors, dict[str, int]]:
    rng = np.random.default_rng(11)
    centres = rng.normal(size=(DIRECTIONS, DIMENSIONS))
    kinds = rng.choice(DIRECTIONS, size, p=rng.dirichlet(np.ones(DIRECTIONS)))
    own = rng.normal(size=(size, 12)) @ rng.normal(size=(12, DIMENSIONS))
    values = centres[kinds] + 0.25 * own + 0.1 * rng.normal(size=(size, DIMENSIONS))
    values = (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)
    ids = tuple(f"t{row:06d}" for row in range(size))
    lines = 1 + rng.multinomial(LINES - size, rng.dirichlet(np.full(size, 0.05)))
    return TemplateVectors("made", ids, values), dict(zip(ids, lines.tolist(), strict=True))


def chosen(
    way: str, vectors: TemplateVectors, weights: dict[str, int]
) -> Callable[[], Callable[[], str]]:
    """What is timed; it gives what is said of its result, which is not."""
    first, _, name = way.partition(" ")
    if first == "plain":
        return lambda: plain(name, vectors)
    if first == "map":
        return lambda: drawn(name, vectors, weights)
    return lambda: grouped(way, vectors, weights)


def grouped(way: str, vectors: TemplateVectors, weights: dict[str, int]) -> Callable[[], str]:
    found = group(vectors, weights, replace(ClusterSettings(), method=way))
    return lambda: f"{found.note}; exact {exact(vectors, found)}"


def exact(vectors: TemplateVectors, found: Clustering) -> str:
    from sklearn.metrics import silhouette_score

    kept = found.labels >= 0
    if len(kept) > EXACT or len(np.unique(found.labels[kept])) < 2:
        return "none"
    return f"{silhouette_score(vectors.values[kept], found.labels[kept]):.3f}"


def drawn(method: str, vectors: TemplateVectors, weights: dict[str, int]) -> Callable[[], str]:
    count = len(vectors.template_ids)
    alike = Clustering("", vectors.template_ids, np.zeros(count, np.int64), np.zeros(count), None)
    settings = replace(ClusterSettings(), map_method=method)
    spots = lay_out(vectors, alike, weights, settings, {})
    row_of = {key: row for row, key in enumerate(vectors.template_ids)}
    values = vectors.values[[row_of[one.template_id] for one in spots]]
    places = np.array([(one.x, one.y) for one in spots])
    return lambda: f"{len(spots)} templates, trustworthiness {trust(values, places):.4f}"


def trust(values: npt.NDArray[np.float32], places: npt.NDArray[np.float64]) -> float:
    """Trustworthiness (Venna and Kaski, 2001): 1 where the ten nearest there are so in truth."""
    from sklearn.manifold import trustworthiness

    return float(trustworthiness(values, places, n_neighbors=10))


def plain(name: str, vectors: TemplateVectors) -> Callable[[], str]:
    """k-means of every k on all dimensions, each with the exact silhouette; or density on all."""
    from sklearn.cluster import DBSCAN, HDBSCAN, KMeans
    from sklearn.metrics import silhouette_score

    values = vectors.values
    if name == "kmeans":
        fits = [KMeans(k, n_init=10, random_state=42).fit_predict(values) for k in range(2, 11)]
        labels = max(fits, key=lambda one: silhouette_score(values, one))
    else:
        model = DBSCAN(eps=0.5) if name == "dbscan" else HDBSCAN(min_cluster_size=3, copy=True)
        labels = model.fit_predict(values)
    quality = silhouette_of(values, labels)
    said = "" if quality is None else f", silhouette {quality:.3f}{describe_error(values, labels)}"
    return lambda: f"{labels.max() + 1} clusters, {(labels < 0).sum()} alone{said}"


if __name__ == "__main__":
    main()
