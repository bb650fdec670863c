"""What an encoder is worth, beside TF-IDF and an untrained twin."""

from __future__ import annotations

import argparse
import csv
import json
import logging
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt

from biglog.records import Vectors
from biglog.vectors.calibrate import unit
from biglog.vectors.encoder import BertEncoder, load_encoder
from biglog.vectors.training import kinds as own
from biglog.vectors.training.heldout import label_pairs
from biglog.vectors.training.kinds import Kind, fill_places, fill_slots, is_chinese
from biglog.vectors.training.masking import mask
from biglog.vectors.training.translations import read_translations

Embed = Callable[[Sequence[str]], Vectors]
_WIDTH = 1 << 14  # hashed features of the TF-IDF baselines


@dataclass(frozen=True, slots=True)
class Figure:
    task: str
    way: str
    metric: str
    value: float
    items: int


def main(arguments: list[str] | None = None) -> None:
    """Print one row per task, way and metric."""
    logging.basicConfig(level=logging.WARNING)
    asked = _parser().parse_args(arguments)
    encoder = load_encoder(asked.model)
    ways: dict[str, Embed] = {
        encoder.directory.resolve().name: encoder.encode,
        "untrained": untrained(encoder),
        "tf-idf words": lambda texts: tf_idf(texts, words),
        "tf-idf characters": lambda texts: tf_idf(texts, characters),
    }
    figures = [f for name, embed in ways.items() for f in measure(name, embed, asked)]
    sys.stdout.write(json.dumps([asdict(f) for f in figures]) if asked.json else table(figures))
    sys.stdout.write("\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure an encoder beside simple ways.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, help="labelled logs (parsing/) and runbooks (kb/)")
    parser.add_argument("--packages", type=Path, help="folder of unpacked Debian packages")
    parser.add_argument("--json", action="store_true")
    return parser


def measure(way: str, embed: Embed, asked: argparse.Namespace) -> Iterator[Figure]:
    """Every task that the given folders allow."""
    yield from crossing_languages(way, embed)
    yield from translated_messages(way, embed, asked.packages)
    yield from telling_apart(way, embed)
    if asked.data:
        yield from same_template(way, embed, asked.data / "parsing")
        yield from runbooks(way, embed, asked.data / "kb")


def crossing_languages(way: str, embed: Embed) -> Iterator[Figure]:
    """A held-out Chinese sentence finds its kind among English ones: held-out kinds, then all."""
    rng = Random(3)
    chosen = own.choose_slots(own.read_slots(), rng)
    kinds = own.read_events()
    held = [kind for kind in kinds if own.split_of(kind) == "test"]
    questions = [(fill_slots(_one(kind, rng, chinese=True), chosen), kind.key()) for kind in held]
    for name, pool in (("held-out kinds", held), ("all kinds", kinds)):
        answers = [
            (fill_slots(_one(kind, rng, chinese=False), chosen), kind.key()) for kind in pool
        ]
        yield from _recall(
            way, f"Chinese to English, {name} ({len(pool)})", embed, questions, answers
        )


def _one(kind: Kind, rng: Random, *, chinese: bool) -> str:
    return rng.choice([text for text in kind.texts if is_chinese(text) is chinese])


def translated_messages(way: str, embed: Embed, packages: Path | None) -> Iterator[Figure]:
    """A held-out Chinese message of PostgreSQL, Tomcat or Derby finds its English original."""
    rng = Random(4)
    held = [
        tuple(fill_places(text, rng) for text in kind.texts)
        for name, _, kinds in read_translations(packages)
        for kind in kinds
        if own.split_of(kind) == "test" and not name.startswith("airflow")
    ]
    if held:
        questions = [(chinese, str(i)) for i, (_, chinese) in enumerate(held)]
        answers = [(english, str(i)) for i, (english, _) in enumerate(held)]
        task = f"Chinese to English, program messages ({len(held)})"
        yield from _recall(way, task, embed, questions, answers)


def telling_apart(way: str, embed: Embed) -> Iterator[Figure]:
    """One kind against rivals of its family: area under the ROC curve, and within one language."""
    found = label_pairs("test")
    rows = embed(found.texts)
    for name, alike in (("any language", None), ("one language", True), ("two languages", False)):
        same, hard = (
            [p for p in ps if alike in (None, _alike(found.texts, p))]
            for ps in (found.same, found.hard)
        )
        values = [_cosines(rows, same), _cosines(rows, hard)]
        yield Figure(
            f"rivals of one family, {name}", way, "AUROC", auroc(*values), len(same) + len(hard)
        )


def _alike(texts: Sequence[str], pair: tuple[int, int]) -> bool:
    return is_chinese(texts[pair[0]]) == is_chinese(texts[pair[1]])


def _cosines(rows: Vectors, pairs: Sequence[tuple[int, int]]) -> npt.NDArray[np.float64]:
    left, right = np.array(pairs).T
    return np.asarray((rows[left] * rows[right]).sum(axis=1), np.float64)


def same_template(way: str, embed: Embed, folder: Path) -> Iterator[Figure]:
    """A distinct masked content finds another of its true template, within its system; the mean."""
    scores: dict[int, list[float]] = {1: [], 10: []}
    asked = 0
    for path in sorted(folder.glob("*/*_structured_corrected.csv")):
        texts, truth = distinct_contents(path)
        cosines = (rows := embed(texts)) @ rows.T
        np.fill_diagonal(cosines, -2)
        lonely = np.array([truth.count(one) < 2 for one in truth])
        if lonely.all():  # masking alone made every template one text
            continue
        for k, found in scores.items():
            nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
            hit = [any(truth[j] == truth[i] for j in nearest[i]) for i in range(len(texts))]
            found.append(float(np.mean(np.array(hit)[~lonely])))
        asked += int((~lonely).sum())
    for k, found in scores.items():
        yield Figure(
            f"same template, mean of {len(found)} systems",
            way,
            f"R@{k}",
            float(np.mean(found)),
            asked,
        )


def distinct_contents(path: Path) -> tuple[list[str], list[str]]:
    """Distinct masked contents of a labelled log, each with its template."""
    with path.open(encoding="utf-8", newline="") as file:
        found = {mask(row["Content"]): row["EventTemplate"] for row in csv.DictReader(file)}
    return list(found), list(found.values())


def runbooks(way: str, embed: Embed, folder: Path) -> Iterator[Figure]:
    """An alert's question finds its runbook; never trained on, neither questions nor runbooks."""
    pages = sorted((folder / "prometheus_runbooks").rglob("*.md"))
    answers = [
        (page.read_text("utf-8")[:1500], str(page.relative_to(folder / "prometheus_runbooks")))
        for page in pages
        if page.name != "_index.md"
    ]
    for name, file in (
        ("English", "queries_prometheus.jsonl"),
        ("Chinese", "queries_prometheus_zh.jsonl"),
    ):
        asked = [json.loads(line) for line in (folder / file).read_text("utf-8").splitlines()]
        questions = [
            (f"{q['query_summary']} {q['query_description']}", q["relevant_doc"]) for q in asked
        ]
        yield from _recall(way, f"{name} question to runbook", embed, questions, answers)


def _recall(
    way: str,
    task: str,
    embed: Embed,
    questions: Sequence[tuple[str, str]],
    answers: Sequence[tuple[str, str]],
) -> Iterator[Figure]:
    rows = embed([text for text, _ in questions] + [text for text, _ in answers])
    order = np.argsort(-rows[: len(questions)] @ rows[len(questions) :].T, axis=1, kind="stable")
    for k in (1, 10):
        hits = [
            any(answers[j][1] == key for j in order[i, :k]) for i, (_, key) in enumerate(questions)
        ]
        yield Figure(task, way, f"R@{k}", float(np.mean(hits)), len(questions))


def auroc(same: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Chance that a pair of one kind lies above a pair of two; ties count half."""
    above = (same[:, None] > other).mean() + 0.5 * (same[:, None] == other).mean()
    return float(above)


def untrained(encoder: BertEncoder) -> Embed:
    """The same architecture with random weights, centred on its own texts."""
    import torch
    from transformers import BertModel

    torch.manual_seed(0)
    model = BertModel(encoder.model.config, add_pooling_layer=False).eval()
    twin = BertEncoder(encoder.directory, model, encoder.tokenizer, encoder.batch_size)

    def embed(texts: Sequence[str]) -> Vectors:
        rows = unit(twin.pool(texts))
        return unit(rows - rows.mean(axis=0))

    return embed


def words(text: str) -> list[str]:
    """Lower-case words, and Chinese characters one by one."""
    spaced = own.CJK.sub(lambda one: f" {one[0]} ", text.lower())
    return spaced.split()


def characters(text: str) -> list[str]:
    """Runs of two to five characters."""
    said = f" {' '.join(text.lower().split())} "
    return [said[i : i + n] for n in (2, 3, 4, 5) for i in range(len(said) - n + 1)]


def tf_idf(texts: Sequence[str], features: Callable[[str], list[str]]) -> Vectors:
    """Unit rows of hashed features, weighed by their rarity among the texts."""
    counts = np.zeros((len(texts), _WIDTH), np.float32)
    for row, text in enumerate(texts):
        for feature in features(text):
            counts[row, zlib.crc32(feature.encode("utf-8", "replace")) % _WIDTH] += 1
    rarity = np.log((1 + len(texts)) / (1 + (counts > 0).sum(axis=0))) + 1
    return unit(np.log1p(counts) * rarity.astype(np.float32))


def table(figures: Sequence[Figure]) -> str:
    """Markdown: a row per task and metric, a column per way."""
    ways = list(dict.fromkeys(figure.way for figure in figures))
    lines = ["| task | metric | " + " | ".join(ways) + " |", "|---|---|" + "---|" * len(ways)]
    for task, metric in dict.fromkeys((figure.task, figure.metric) for figure in figures):
        values = {f.way: f.value for f in figures if (f.task, f.metric) == (task, metric)}
        lines.append(
            f"| {task} | {metric} | " + " | ".join(f"{values[way]:.3f}" for way in ways) + " |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
