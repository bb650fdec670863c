"""Groups beside what is known of their members: events, systems, sources, and the night before.

    python benchmarks/clusters_kinds.py [--data DATA]

Of the recorded nights (examples/): each night's templates beside the source that said them, and
beside the groups of the night before. With DATA (docs/benchmarks.md) also its labelled systems:
distinct masked contents beside their labelled events, for each system with more contents than
events, and all systems together beside the system. Agreement is adjusted mutual information, each
that is alone counted as a group of its own; the silhouette is of those that are in a group.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.incidents import EXAMPLES, Memory, recorded_dates, take_in
from templates import systems

from biglog.clusters.group import group
from biglog.records import Clustering, Encoder, TemplateVectors
from biglog.settings import PROJECT, ClusterSettings, Settings, load_sources
from biglog.templates.mask import MARK, WILDCARD, collapse, mask
from biglog.templates.mine import describe
from biglog.vectors.encoder import load_encoder

BASE = ClusterSettings()
WAYS = {
    "kmeans": replace(BASE, method="kmeans"),
    "kmeans 2-10": replace(BASE, method="kmeans", k_max=10),
    "dbscan": replace(BASE, method="dbscan"),
    "dbscan .5 / 5": replace(BASE, method="dbscan", eps=0.5, min_samples=5),
    "dbscan .8 / 3": replace(BASE, method="dbscan", eps=0.8, min_samples=3),
    "hdbscan": replace(BASE, method="hdbscan"),
    "each alone": replace(BASE, method="none"),
}


@dataclass(frozen=True)
class Known:
    """Vectors with lines, and what is known of each."""

    name: str
    vectors: TemplateVectors
    lines: dict[str, int]
    kinds: list[str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    data = parser.parse_args().data
    encoder = load_encoder(PROJECT / "pretrained" / "biglog-small")
    nights = list(recorded(encoder))
    others = list(labelled(data, encoder)) if data else []
    for name, settings in WAYS.items():
        found = [group(one.vectors, one.lines, settings) for one in nights]
        rows = [measures(one, labels) for one, labels in zip(nights, found, strict=True)]
        again = [kept(*pair) for pair in pairwise(found)]
        rest = f" as the night before {np.mean(again):.2f}, worst {min(again):.2f}"
        show(name, f"{len(nights)} nights", average(rows), rest)
        for one in others:
            show(name, one.name, measures(one, group(one.vectors, one.lines, settings)))


def recorded(encoder: Encoder) -> Iterator[Known]:
    sources = load_sources(EXAMPLES / "sources.toml")
    with tempfile.TemporaryDirectory() as folder:
        memory, settings = Memory(Path(folder)), Settings(home=Path(folder))
        for date in recorded_dates(EXAMPLES):
            counts = pl.DataFrame(take_in(sources, date, settings, memory)[0])
            each = counts.group_by("template_id").agg(
                pl.col("source").sort_by("count").last(), pl.col("count").sum()
            )
            ids, kinds, lines = (column.to_list() for column in each.sort("template_id"))
            texts = [memory.templates[one].model_text for one in ids]
            yield known(date, ids, texts, lines, kinds, encoder)


def labelled(data: Path, encoder: Encoder) -> Iterator[Known]:
    every = []
    for name, contents, truth in systems(data):
        table = pl.DataFrame({"text": contents, "kind": truth})
        masked = mask(collapse(pl.col("text"))).str.replace_all(MARK, WILDCARD, literal=True)
        each = table.group_by(pattern=masked).agg(
            pl.col("text", "kind").sort_by("text").first(), lines=pl.len()
        )
        every.append(each.sort("pattern").with_columns(system=pl.lit(name)))
        if each["kind"].n_unique() < len(each):
            yield of_table(name, every[-1], "kind", encoder)
    yield of_table("all, by system", pl.concat(every), "system", encoder)


def of_table(name: str, table: pl.DataFrame, kind: str, encoder: Encoder) -> Known:
    texts = describe(table["pattern"].to_list(), table["text"].to_list())
    ids = [f"{row:05d}" for row in range(len(table))]
    return known(name, ids, texts, table["lines"].to_list(), table[kind].to_list(), encoder)


def known(
    name: str,
    ids: list[str],
    texts: list[str],
    lines: list[int],
    kinds: list[str],
    encoder: Encoder,
) -> Known:
    values = encoder.encode([one or "[CODE]" for one in texts])
    vectors = TemplateVectors(encoder.model_id, tuple(ids), values)
    return Known(name, vectors, dict(zip(ids, lines, strict=True)), kinds)


def measures(one: Known, found: Clustering) -> npt.NDArray[np.float64]:
    """Share alone, groups, share of the largest, agreement, silhouette."""
    from sklearn.metrics import adjusted_mutual_info_score

    within = found.labels[found.labels >= 0]
    largest = np.bincount(within, minlength=1).max() / len(found.labels)
    agreed = adjusted_mutual_info_score(one.kinds, separate(found))
    quality = np.nan if found.silhouette is None else found.silhouette
    share = 1 - len(within) / len(found.labels)
    return np.array([share, found.labels.max() + 1, largest, agreed, quality])


def average(rows: list[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """Of each measure over the nights on which there is one."""
    return np.ma.masked_invalid(rows).mean(axis=0).filled(np.nan)


def separate(found: Clustering) -> npt.NDArray[np.int64]:
    """Labels with one of its own for each that is alone."""
    count = len(found.labels)
    return np.where(found.labels < 0, count + np.arange(count), found.labels)


def kept(first: Clustering, second: Clustering) -> float:
    """How far the templates of both nights are grouped alike."""
    from sklearn.metrics import adjusted_mutual_info_score

    before, now = (
        dict(zip(one.template_ids, separate(one), strict=True)) for one in (first, second)
    )
    both = sorted(before.keys() & now.keys())
    return float(
        adjusted_mutual_info_score([before[one] for one in both], [now[one] for one in both])
    )


def show(way: str, name: str, row: npt.NDArray[np.float64], rest: str = "") -> None:
    told = "alone {:.2f} groups {:5.1f} largest {:.2f} agreement {:.3f} silhouette {:.3f}"
    print(f"{way:14} {name:16} {told.format(*row)}{rest}", flush=True)


if __name__ == "__main__":
    main()
