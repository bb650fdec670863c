"""Clusters as people see them: a title, the template nearest the centre, the lines they hold."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from biglog.records import Cluster, Clustering, Template, TemplateVectors

TITLE_WORDS = 4
PLACEHOLDER = re.compile(r"<\*>|\[(?:NUM|TIMESTAMP|IP|CODE|FILE)\]|\[[A-Z_]+:[0-9a-f]+\]")
CJK = r"[\u3400-\u4dbf\u4e00-\u9fff]"
TERM = re.compile(rf"{CJK}+|[A-Za-z][A-Za-z0-9_'\-]+")
STOP = frozenset(
    re.findall(
        r"\w+",
        """a an and are as at be been by can did do does for from had has have in into is it its no
    not of on or so than that the their then there these this to was were which will with you your
    的 了 在 是 和 与 为 已 被""",
    )
)


def describe(
    clustering: Clustering,
    vectors: TemplateVectors,
    templates: Mapping[str, Template],
    weights: Mapping[str, int],
    date: str,
) -> tuple[Cluster, ...]:
    """A description per cluster in order of label; what is alone has none."""
    members = members_of(clustering)
    titles = title([[pattern_of(templates, i) for i in ids] for ids in members])
    row_of = {one: row for row, one in enumerate(vectors.template_ids)}
    return tuple(
        Cluster(
            date=date,
            label=label,
            title=words or pattern_of(templates, ids[0])[:80],
            medoid_id=medoid(ids, vectors, row_of, weights),
            template_ids=tuple(ids),
            lines=sum(weights.get(one, 0) for one in ids),
        )
        for label, (ids, words) in enumerate(zip(members, titles, strict=True))
    )


def members_of(clustering: Clustering) -> list[list[str]]:
    """The template ids of each label from 0, the strongest member first."""
    count = int(clustering.labels.max(initial=-1)) + 1
    out: list[list[str]] = [[] for _ in range(count)]
    rows = zip(-clustering.strengths, clustering.template_ids, clustering.labels, strict=True)
    for _, template_id, label in sorted(rows):
        if label >= 0:
            out[label].append(template_id)
    return out


def pattern_of(templates: Mapping[str, Template], template_id: str) -> str:
    one = templates.get(template_id)
    return one.pattern if one else template_id


def medoid(
    ids: Sequence[str],
    vectors: TemplateVectors,
    row_of: Mapping[str, int],
    weights: Mapping[str, int],
) -> str:
    """The member nearest the weighted centre; of equals the smallest id."""
    ordered = sorted(ids)
    rows = vectors.values[[row_of[one] for one in ordered]]
    mass = np.log1p([max(1, weights.get(one, 1)) for one in ordered])
    centre = np.average(rows, axis=0, weights=mass)
    return ordered[int(np.linalg.norm(rows - centre, axis=1).round(6).argmin())]


def title(clusters: Sequence[Sequence[str]]) -> list[str]:
    """The words that tell each cluster's patterns from the other clusters', best first."""
    counts = [Counter(word for text in texts for word in set(terms(text))) for texts in clusters]
    total: Counter[str] = sum(counts, Counter())
    mean = total.total() / max(1, len(counts))
    return [" ".join(best(count, total, mean)) for count in counts]


def best(count: Counter[str], total: Counter[str], mean: float) -> list[str]:
    """Class-TF-IDF: frequent in the cluster, rare in all of them (BERTopic's weighting)."""
    size = max(1, count.total())
    score = {word: n / size * math.log1p(mean / total[word]) for word, n in count.items()}
    return sorted(score, key=lambda word: (-score[word], word))[:TITLE_WORDS]


def terms(pattern: str) -> list[str]:
    """Words in lower case, Chinese as pairs of characters; no placeholders, no little words."""
    out: list[str] = []
    for run in TERM.findall(PLACEHOLDER.sub(" ", pattern)):
        if re.match(CJK, run):
            out += [a + b for a, b in pairwise(run)] or [run]
        else:
            out.append(run.lower())
    return [word for word in out if word not in STOP]
