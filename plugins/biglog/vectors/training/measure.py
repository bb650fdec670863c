"""What an encoder is worth, beside TF-IDF and an untrained twin."""

from __future__ import annotations

import argparse
import csv
import json
import logging
import sys
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt

from biglog.records import Vectors
from biglog.vectors.calibrate import unit
from biglog.vectors.encoder import BertEncoder, load_encoder
from biglog.vectors.training import kinds as own
from biglog.vectors.training.held_out_texts import HeldPair, read_crossing, read_pairs
from biglog.vectors.training.heldout import label_pairs
from biglog.vectors.training.kinds import Kind, fill_places, fill_slots, is_chinese
from biglog.vectors.training.masking import mask
from biglog.vectors.training.translations import read_translations

Embed = Callable[[Sequence[str]], Vectors]
_WIDTH = 1 << 14  # hashed features of the TF-IDF baselines
_HELD_TASKS = {
    "misleading": ("same", "differ"),
    "nearly": ("reworded", "differ"),
    "pairs": ("same", "reworded", "differ"),
}


@dataclass(frozen=True, slots=True)
class Figure:
    task: str  # reports have its words in both languages
    way: str
    metric: str
    value: float
    items: int


@dataclass(frozen=True, slots=True)
class Window:
    """What the logs said that they usually do not, while something was up: a fault, a restart.

    ``weights`` say how unusual each text is; ``place`` is the source, empty for all together.
    """

    name: str
    at: str
    place: str
    texts: tuple[str, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Bench:
    """What to measure on besides the texts in this package; each may be left out."""

    data: Path | None = None
    """Folder of labelled logs (parsing/) and runbooks (kb/)."""
    packages: Path | None = None
    """Folder of unpacked Debian packages, for messages in two languages."""
    nights: Sequence[Window] = ()
    """Of all sources together, oldest first."""
    programs: Sequence[Window] = ()
    """Of one source each, oldest first."""


def main(arguments: list[str] | None = None) -> None:
    """Print one row per task, way and metric."""
    logging.basicConfig(level=logging.WARNING)
    asked = _parser().parse_args(arguments)
    figures = compare(asked.model, Bench(asked.data, asked.packages), peers=asked.peer)
    sys.stdout.write(json.dumps([asdict(f) for f in figures]) if asked.json else table(figures))
    sys.stdout.write("\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure an encoder beside simple ways.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, help="labelled logs (parsing/) and runbooks (kb/)")
    parser.add_argument("--packages", type=Path, help="folder of unpacked Debian packages")
    parser.add_argument(
        "--peer", type=Path, action="append", default=[], help="another model's directory"
    )
    parser.add_argument("--json", action="store_true")
    return parser


def compare(model: Path, bench: Bench, *, peers: Sequence[Path] = ()) -> list[Figure]:
    """Every figure of the model, of the simple ways beside it, and of each peer."""
    return [
        figure
        for way, embed in ways_of(model, peers).items()
        for figure in measure(way, embed, bench)
    ]


def ways_of(model: Path, peers: Sequence[Path]) -> dict[str, Embed]:
    """By name: the model, its first token's state, its untrained twin, TF-IDF, and the peers."""
    encoder = load_encoder(model)
    return {
        encoder.directory.resolve().name: readable_only(encoder, encoder.encode),
        **{f"peer {peer.resolve().name}": as_published(peer) for peer in peers},
        "raw CLS": readable_only(encoder, raw_cls(encoder)),
        "untrained": readable_only(encoder, untrained(encoder)),
        "tf-idf words": lambda texts: tf_idf(texts, words),
        "tf-idf characters": lambda texts: tf_idf(texts, characters),
    }


def readable_only(encoder: BertEncoder, embed: Embed) -> Embed:
    """The way, with a zero row, like to nothing, for a text of which the model knows no word."""

    def embed_all(texts: Sequence[str]) -> Vectors:
        known = encoder.readable(texts)
        rows = np.zeros((len(texts), encoder.dim), np.float32)
        if known.any():
            rows[known] = embed([text for text, ok in zip(texts, known, strict=True) if ok])
        return rows

    return embed_all


def as_published(directory: Path) -> Embed:
    """A peer pooled as its directory says, neither centred nor calibrated by us."""
    encoder = load_encoder(directory)
    return readable_only(encoder, lambda texts: unit(encoder.pool(texts)))


def measure(way: str, embed: Embed, bench: Bench) -> Iterator[Figure]:
    """Every task that the given folders allow."""
    yield from crossing_languages(way, embed)
    yield from translated_messages(way, embed, bench.packages)
    yield from telling_apart(way, embed)
    yield from held_pairs(way, embed)
    yield from held_crossing(way, embed)
    if bench.data:
        yield from same_template(way, embed, bench.data / "parsing")
        yield from runbooks(way, embed, bench.data / "kb")
    if bench.nights:
        yield from same_kind(way, embed, bench.nights)
    if bench.programs:
        yield from same_fault(way, embed, bench.programs)


def crossing_languages(way: str, embed: Embed) -> Iterator[Figure]:
    """A held-out Chinese sentence finds its kind among English ones: held-out kinds, then all."""
    rng = Random(3)
    chosen = own.choose_slots(own.read_slots(), rng)
    kinds = own.read_events()
    held = [kind for kind in kinds if own.split_of(kind) == "test"]
    questions = [(fill_slots(_one(kind, rng, chinese=True), chosen), kind.key()) for kind in held]
    for name, pool in (("held", held), ("all", kinds)):
        answers = [
            (fill_slots(_one(kind, rng, chinese=False), chosen), kind.key()) for kind in pool
        ]
        yield from _recall(way, f"crossing_{name}", embed, questions, answers)


def _one(kind: Kind, rng: Random, *, chinese: bool) -> str:
    return rng.choice([text for text in kind.texts if is_chinese(text) is chinese])


def translated_messages(way: str, embed: Embed, packages: Path | None) -> Iterator[Figure]:
    """A held-out Chinese message of a program finds its English original."""
    if held := held_messages(packages):
        questions = [(chinese, str(i)) for i, (_, chinese) in enumerate(held)]
        answers = [(english, str(i)) for i, (english, _) in enumerate(held)]
        yield from _recall(way, "crossing_messages", embed, questions, answers)


@cache
def held_messages(packages: Path | None) -> list[tuple[str, ...]]:
    """English and Chinese of each; every package's files are looked through, so once only."""
    rng = Random(4)
    return [
        tuple(fill_places(text, rng) for text in kind.texts)
        for name, _, kinds in read_translations(packages)
        for kind in kinds
        if own.split_of(kind) == "test" and not name.startswith("airflow")
    ]


def telling_apart(way: str, embed: Embed) -> Iterator[Figure]:
    """One kind against rivals of its family: area under the ROC curve, and within one language."""
    found = label_pairs("test")
    rows = embed(found.texts)
    for name, alike in (("any", None), ("one", True), ("two", False)):
        same, hard = (
            [p for p in ps if alike in (None, _alike(found.texts, p))]
            for ps in (found.same, found.hard)
        )
        values = [_cosines(rows, same), _cosines(rows, hard)]
        yield Figure(f"rivals_{name}", way, "AUROC", auroc(*values), len(same) + len(hard))


def held_pairs(way: str, embed: Embed) -> Iterator[Figure]:
    """One event in other words, in nearly the same ones, or in either, against two events in nearly
    the same words.

    The first alone is won by whatever holds like words for two events; the second is not.
    """
    pairs = read_pairs()
    for task, labels in _HELD_TASKS.items():
        # Apart, since TF-IDF weighs words, and the twin centres, by all texts it is given.
        yield from _one_or_two(way, task, embed, [p for p in pairs if p.label in labels])


def _one_or_two(way: str, task: str, embed: Embed, pairs: Sequence[HeldPair]) -> Iterator[Figure]:
    rows = embed([pair.left for pair in pairs] + [pair.right for pair in pairs])
    cosines = (rows[: len(pairs)] * rows[len(pairs) :]).sum(axis=1)
    one = np.array([pair.label != "differ" for pair in pairs])
    chinese = np.array([is_chinese(pair.left) + is_chinese(pair.right) for pair in pairs])
    for name, number in (("english", 0), ("chinese", 2), ("two", 1)):
        mine = chinese == number
        value = auroc(cosines[mine & one], cosines[mine & ~one])
        yield Figure(f"{task}_{name}", way, "AUROC", value, int(mine.sum()))


def held_crossing(way: str, embed: Embed) -> Iterator[Figure]:
    """A Chinese engineer's words find the English line that software logged."""
    lines = read_crossing()
    questions = [(chinese, str(place)) for place, (chinese, _) in enumerate(lines)]
    answers = [(english, str(place)) for place, (_, english) in enumerate(lines)]
    yield from _recall(way, "crossing_engineer", embed, questions, answers)


def _alike(texts: Sequence[str], pair: tuple[int, int]) -> bool:
    return is_chinese(texts[pair[0]]) == is_chinese(texts[pair[1]])


def _cosines(rows: Vectors, pairs: Sequence[tuple[int, int]]) -> npt.NDArray[np.float64]:
    left, right = np.array(pairs).T
    return np.asarray((rows[left] * rows[right]).sum(axis=1), np.float64)


def same_template(way: str, embed: Embed, folder: Path) -> Iterator[Figure]:
    """A distinct masked content finds the others of its true template, within its system: mean
    over the systems."""
    scores: dict[str, list[float]] = {}
    asked = 0
    for path in sorted(folder.glob("*/*_structured_corrected.csv")):
        texts, truth = distinct_contents(path)
        codes = np.unique(truth, return_inverse=True)[1]
        found, questions = _rank_among(embed(texts), codes)
        asked += questions
        for metric, value in found.items():
            scores.setdefault(metric, []).append(value)
    for metric, values in scores.items():
        yield Figure("same_template", way, metric, float(np.mean(values)), asked)


def _rank_among(
    rows: Vectors, codes: npt.NDArray[np.int64], *, block: int = 500
) -> tuple[dict[str, float], int]:
    """How each row finds the others of its code, and how many have others; blocks bound memory."""
    sums: dict[str, float] = defaultdict(float)
    asked = 0
    for start in range(0, len(rows), block):
        mine = np.arange(start, min(start + block, len(rows)))
        cosines = rows[mine] @ rows.T
        cosines[np.arange(len(mine)), mine] = -2
        order = np.argsort(-cosines, axis=1, kind="stable")[:, :-1]
        alike = codes[order] == codes[mine][:, None]
        alike = alike[alike.any(axis=1)]
        asked += len(alike)
        for metric, value in ranking(alike).items() if len(alike) else ():
            sums[metric] += value * len(alike)
    return {metric: value / asked for metric, value in sums.items()}, asked


def ranking(alike: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Recall at 1 and at 10 (one of the kind is enough) and mean average precision.

    A row per question, its candidates from the nearest on; True where one is of its kind.
    """
    places = np.arange(1, alike.shape[1] + 1)
    precision = np.where(alike, alike.cumsum(axis=1) / places, 0).sum(axis=1) / alike.sum(axis=1)
    return {
        "R@1": float(alike[:, 0].mean()),
        "R@10": float(alike[:, :10].any(axis=1).mean()),
        "mAP": float(precision.mean()),
    }


def same_kind(way: str, embed: Embed, windows: Sequence[Window]) -> Iterator[Figure]:
    """What a fault, or a restart, makes the logs say finds the same kind of an earlier night."""
    asked = [
        (place, range(place))
        for place, window in enumerate(windows)
        if any(one.name == window.name for one in windows[:place])
    ]
    yield from _nearest(way, "same_kind", embed, windows, asked)


def same_fault(way: str, embed: Embed, windows: Sequence[Window]) -> Iterator[Figure]:
    """What one program says of a fault finds what other programs say of it, among all faults so
    far."""
    asked = []
    for place, window in enumerate(windows):
        others = [
            other
            for other, one in enumerate(windows)
            if one.place != window.place and one.at <= window.at
        ]
        mine = (windows[other] for other in others)
        if any((one.name, one.at) == (window.name, window.at) for one in mine):
            asked.append((place, others))
    yield from _nearest(way, "same_fault", embed, windows, asked)


def _nearest(
    way: str,
    task: str,
    embed: Embed,
    windows: Sequence[Window],
    asked: Sequence[tuple[int, Sequence[int]]],
) -> Iterator[Figure]:
    """Recall at 1 and mean average precision of windows that are asked among others."""
    rows = embed_windows(embed, windows)
    found = []
    for place, others in asked:
        order = np.argsort(-rows[list(others)] @ rows[place], kind="stable")
        hits = [windows[others[i]].name == windows[place].name for i in order]
        found.append(ranking(np.array([hits])))
    for metric in ("R@1", "mAP") if found else ():
        value = float(np.mean([one[metric] for one in found]))
        yield Figure(task, way, metric, value, len(found))


def embed_windows(embed: Embed, windows: Sequence[Window]) -> Vectors:
    """A unit row per window: its texts' rows, summed by their weights."""
    texts = list(dict.fromkeys(text for window in windows for text in window.texts))
    place = {text: row for row, text in enumerate(texts)}
    rows = embed(texts)
    sums = [
        np.array(window.weights, np.float32) @ rows[[place[text] for text in window.texts]]
        for window in windows
    ]
    return unit(np.stack(sums))


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
        ("english", "queries_prometheus.jsonl"),
        ("chinese", "queries_prometheus_zh.jsonl"),
    ):
        asked = [json.loads(line) for line in (folder / file).read_text("utf-8").splitlines()]
        questions = [
            (f"{q['query_summary']} {q['query_description']}", q["relevant_doc"]) for q in asked
        ]
        yield from _recall(way, f"runbooks_{name}", embed, questions, answers)


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
    twin = BertEncoder(encoder.layout, model, encoder.tokenizer)

    def embed(texts: Sequence[str]) -> Vectors:
        rows = unit(twin.pool(texts))
        return unit(rows - rows.mean(axis=0))

    return embed


def raw_cls(encoder: BertEncoder) -> Embed:
    """The same weights as published recipes use them: the first token's state, as it is."""
    layout = replace(encoder.layout, pooling="cls")
    twin = BertEncoder(layout, encoder.model, encoder.tokenizer)
    return lambda texts: unit(twin.pool(texts))


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
