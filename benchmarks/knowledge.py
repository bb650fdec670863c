"""Knowledge search beside plain TF-IDF: recall and mean reciprocal rank of the runbook asked for;
then how often a suggestion is right, with that runbook in the base and without it.

Run: ``python benchmarks/knowledge.py RUNBOOKS QUERIES.jsonl…`` where each query line has
``query_summary``, ``query_description`` and ``relevant_doc`` (a path inside RUNBOOKS).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins"))
from biglog.answers import LEAST_LIKELY
from biglog.knowledge.glossary import load_glossary, wishes
from biglog.knowledge.read import read_folder
from biglog.knowledge.search import Index, build_index, by_meaning, by_words, search, telling
from biglog.records import Encoder, Entry

Ranking = Callable[[str], list[str]]


@dataclass(frozen=True, slots=True)
class First:
    """The first entry found for a question."""

    right: bool
    absent: bool  # whether the base had no right one
    score: float
    words: float  # see telling
    likelihood: float


def main() -> None:
    options = arguments()
    entries = read_folder(options.runbooks)
    rankings = {"TF-IDF": tfidf(entries), "BigLog, words": words(entries)}
    encoder = None
    if options.encoder:
        from biglog.vectors.encoder import load_encoder

        encoder = load_encoder(options.encoder)
        rankings["BigLog"] = words(entries, encoder)
        rankings["BigLog, meaning alone"] = fused(entries, encoder, words_too=False)
        rankings["BigLog, reciprocal rank fusion"] = fused(entries, encoder, words_too=True)
    print(f"{len(entries)} entries")
    for file in options.queries:
        asked = read_queries(file)
        for name, ranking in rankings.items():
            report(f"{file.stem}, {len(asked)} queries, {name}", ranking, asked)
    index = build_index(entries, encoder=encoder)
    found = {f.stem: list(firsts(read_queries(f), index, encoder)) for f in options.queries}
    for name, rows in found.items():
        report_suggestions(name, rows)
    report_likelihood([one for rows in found.values() for one in rows])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runbooks", type=Path)
    parser.add_argument("queries", type=Path, nargs="+")
    parser.add_argument("--encoder", type=Path, help="a model directory; without it, words alone")
    return parser.parse_args()


def read_queries(file: Path) -> list[tuple[str, str]]:
    rows = map(json.loads, file.read_text("utf-8").splitlines())
    return [(f"{r['query_summary']} {r['query_description']}", r["relevant_doc"]) for r in rows]


def tfidf(entries: Sequence[Entry]) -> Ranking:
    from sklearn.feature_extraction.text import TfidfVectorizer

    model = TfidfVectorizer()
    rows = model.fit_transform([f"{one.title}\n{one.content}" for one in entries])

    def rank(query: str) -> list[str]:
        scores = (rows @ model.transform([query]).T).toarray().ravel()
        return [entries[i].source for i in np.argsort(-scores, kind="stable")]

    return rank


def words(entries: Sequence[Entry], encoder: Encoder | None = None) -> Ranking:
    index = build_index(entries, encoder=encoder)

    def rank(query: str) -> list[str]:
        return [hit.entry.source for hit in search(query, index, encoder=encoder, top=50)]

    return rank


def fused(entries: Sequence[Entry], encoder: Encoder, *, words_too: bool) -> Ranking:
    """What search would do with ranks (k = 60) instead of scores."""
    index = build_index(entries, encoder=encoder)

    def rank(query: str) -> list[str]:
        lists = [by_meaning(query, index, encoder)]
        if words_too:
            lists.append(by_words(query, wishes(query, load_glossary()), index)[1])
        places = [np.argsort(np.argsort(-one, kind="stable"), kind="stable") for one in lists]
        scores = sum(1 / (61 + place) for place in places)
        return [entries[i].source for i in np.argsort(-scores, kind="stable")]

    return rank


def report(title: str, ranking: Ranking, asked: Sequence[tuple[str, str]]) -> None:
    started = time.perf_counter()
    found = [ranking(query) for query, _ in asked]
    seconds = time.perf_counter() - started
    places = zip(found, asked, strict=True)
    ranks = np.array([rows.index(doc) + 1 if doc in rows else np.inf for rows, (_, doc) in places])
    print(
        f"{title}: R@1 {np.mean(ranks == 1):.3f}  R@5 {np.mean(ranks <= 5):.3f}  "
        f"MRR {np.mean(1 / ranks):.3f}  ({1000 * seconds / len(asked):.1f} ms a query)"
    )


def firsts(
    asked: Sequence[tuple[str, str]], index: Index, encoder: Encoder | None
) -> Iterator[First]:
    """Each question asked twice: of all entries, and of all but the right one."""
    vectors = index.vectors if index.vectors is not None else []
    known = {chunk.text: row for chunk, row in zip(index.chunks, vectors, strict=False)}
    for query, doc in asked:
        others = [one for one in index.entries if one.source != doc]
        for base in (index, build_index(others, encoder=encoder, vectors=known)):
            (hit,) = search(query, base, encoder=encoder, top=1)
            said = telling(by_words(query, wishes(query, load_glossary()), base)[0], base)
            yield First(
                hit.entry.source == doc,
                base is not index,
                hit.score,
                float(said[base.entries.index(hit.entry)]),
                hit.likelihood,
            )


def report_suggestions(title: str, rows: Sequence[First]) -> None:
    shown = [one for one in rows if one.likelihood >= LEAST_LIKELY]
    right = sum(one.right for one in shown)
    absent = sum(one.absent for one in shown)
    half = len(rows) // 2
    print(
        f"{title}, suggested from {LEAST_LIKELY:.0%}: {right} right, "
        f"{len(shown) - right - absent} wrong, {half - len(shown) + absent} none; "
        f"without the right entry {absent} wrong, {half - absent} none"
    )


def report_likelihood(rows: Sequence[First]) -> None:
    """What was said beside what was so, by fifths, and the regression behind it."""
    from sklearn.linear_model import LogisticRegression

    said, was = (np.array([getattr(r, name) for r in rows]) for name in ("likelihood", "right"))
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        own = (said >= low) & (said < low + 0.2)
        if own.any():
            print(f"likelihood {said[own].mean():.2f}: {was[own].mean():.2f} of {own.sum()} right")
    facts = np.array([(one.score, np.log(max(one.words, 1e-3))) for one in rows])
    model = LogisticRegression(C=100).fit(facts, was)
    print("fitted on these:", *(f"{one:.2f}" for one in (*model.coef_[0], *model.intercept_)))


if __name__ == "__main__":
    main()
