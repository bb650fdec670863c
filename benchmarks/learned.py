"""What labels buy: learning curves on HDFS sessions, and lines of one system judged by another's.

Run: ``python benchmarks/learned.py DATA [--seeds 5]``. Sessions are split by when they begin: the
first 80 % may be labelled, the rest is judged. Of 5, 20 and 100 labels half are of odd sessions
(people label what they look for), shares are of all sessions, drawn as they come. Mean average
precision over the draws, ± half of a 95 % interval of that mean; then F1 at the threshold found in
training.
A method that was given one class only scores as chance: all rows alike.

The encoder, the templates and the rule that too few labels mean trees and neighbours together were
chosen with this log at hand; draws and split were not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, f1_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins"))
from biglog import installation, offline
from biglog.findings.sessions import score_sessions
from biglog.learning import model as models
from biglog.learning import rows as reading
from biglog.learning import training, verdicts
from biglog.learning.rows import Task
from biglog.records import Encoder, Template

ROOT = Path(__file__).resolve().parents[1]
SESSION = r"blk_-?\d+"
TRAINED = 0.8
COUNTS = (5, 20, 100)
SHARES = (0.001, 0.01, 0.1, 0.8)
LINES = Task()


@dataclass(frozen=True)
class Log:
    """Events of all sessions, split, with what is true of each; rows are sessions in order."""

    before: pl.DataFrame
    after: pl.DataFrame
    known: dict[str, Template]
    names: list[str]  # of sessions before, then after
    odd: np.ndarray
    cut: int
    counts: csr_matrix  # log(1 + n) of each template, as the plain methods see it
    vectors: np.ndarray  # mean vector of each session's templates

    @property
    def truth(self) -> np.ndarray:
        return self.odd[self.cut :]


def read_log(folder: Path, model: Encoder) -> Log:
    known: dict[str, Template] = {}
    task = Task(session=SESSION)
    path = next(folder.glob("*.log"))
    events = reading.read_events(offline.parse_files([path], "auto", catalogue=known), known, task)
    sessions = reading.session_rows(events, 0)
    said = pl.read_csv(next(folder.glob("*_labels.csv")), infer_schema=False).select(
        session="seq_id", odd=pl.col("anomaly") == "True"
    )
    odd = sessions.join(said, on="session", how="left", maintain_order="left")["odd"].to_numpy()
    cut = int(TRAINED * len(odd))
    early = sessions[:cut].select("session")
    templates, numbers = reading.number(sessions["events"].explode(), known)
    starts = np.concatenate([[0], sessions["events"].list.len().to_numpy().cumsum()])
    parts = np.ones(len(numbers)), numbers, starts
    counts = csr_matrix(parts, shape=(len(odd), len(templates)), copy=True)
    counts.sum_duplicates()
    counts.data = np.log1p(counts.data)
    weigh = counts.multiply(1 / counts.sum(axis=1)).tocsr()
    return Log(
        before=events.join(early, on="session", how="semi", maintain_order="left"),
        after=events.join(early, on="session", how="anti", maintain_order="left"),
        known=known,
        names=sessions["session"].to_list(),
        odd=odd.astype(int),
        cut=cut,
        counts=counts,
        vectors=weigh @ reading.embed_templates(templates, model),
    )


def draw(log: Log, wanted: float, seed: int) -> np.ndarray:
    """Which of the early sessions are labelled."""
    rng = np.random.default_rng(seed)
    if wanted >= 1:
        odd, normal = (np.flatnonzero(log.odd[: log.cut] == one) for one in (1, 0))
        half = (int(wanted) + 1) // 2
        parts = rng.choice(odd, half, False), rng.choice(normal, int(wanted) - half, False)
        return np.sort(np.concatenate(parts))
    size = min(round(wanted * len(log.odd)), log.cut)
    return np.sort(rng.choice(log.cut, size, False))


def plain(log: Log, rows: np.ndarray, seed: int) -> Iterator[tuple[str, np.ndarray, float]]:
    """Methods as libraries have them, on counts of the labelled sessions alone."""
    said = log.odd[rows]
    near = {"n_neighbors": min(5, len(rows)), "weights": "distance"}
    methods = {
        "lr on counts": LogisticRegression(class_weight="balanced", max_iter=1000),
        "svm on counts": LinearSVC(class_weight="balanced", random_state=seed),
        "tree on counts": DecisionTreeClassifier(class_weight="balanced", random_state=seed),
        "forest on counts": RandomForestClassifier(class_weight="balanced", random_state=seed),
        "knn on counts": KNeighborsClassifier(**near),
        "knn on vectors": KNeighborsClassifier(**near, metric="cosine"),
    }
    for name, method in methods.items():
        cells: Any = log.vectors if name.endswith("vectors") else log.counts
        if not 0 < said.sum() < len(said):
            yield name, np.zeros(len(log.truth)), 1.0
            continue
        method.fit(cells[rows], said)
        if hasattr(method, "predict_proba"):
            yield name, method.predict_proba(cells[log.cut :])[:, 1], 0.5
        else:
            yield name, method.decision_function(cells[log.cut :]), 0.0


def unseen_vector(log: Log, rows: np.ndarray) -> np.ndarray:
    """1 where no early session, those labelled odd aside, has the same count vector."""
    kept = np.setdiff1d(np.arange(log.cut), rows[log.odd[rows] == 1])
    seen = {row_key(log.counts, row) for row in kept.tolist()}
    late = range(log.cut, len(log.odd))
    return np.array([row_key(log.counts, row) not in seen for row in late], float)


def row_key(counts: csr_matrix, row: int) -> bytes:
    start, end = counts.indptr[row], counts.indptr[row + 1]
    return counts.indices[start:end].tobytes() + counts.data[start:end].tobytes()


def ours(log: Log, rows: np.ndarray, method: str, model: Encoder, seed: int) -> pl.DataFrame:
    names = [log.names[row] for row in rows.tolist()]
    labels = pl.DataFrame({"session": names, "odd": log.odd[rows] == 1})
    task = Task(session=SESSION)
    made = training.learn(log.before, labels, log.known, task, model, method=method, seed=seed)
    loaded = models.assemble(Path("benchmark"), *made, model)
    judged = verdicts.judge_events(log.after, log.known, loaded)
    late = pl.DataFrame({"session": log.names[log.cut :]})
    return late.join(judged, on="session", how="left", maintain_order="left")


def curves(log: Log, model: Encoder, seeds: int) -> None:
    after, before = (with_patterns(one, log.known) for one in (log.after, log.before))
    first = score_sessions(after, before)
    late = pl.DataFrame({"session": log.names[log.cut :]})
    zero = late.join(first, on="session", how="left", maintain_order="left")
    show(
        "0 labels",
        {
            "detect, no label": [figures(log.truth, zero["score"], zero["anomalous"])],
            "unseen count vector": [
                figures(log.truth, unseen_vector(log, np.array([], int)), None)
            ],
        },
    )
    for wanted in (*COUNTS, *SHARES):
        found: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for seed in range(seeds if wanted < 0.5 or wanted >= 1 else 2):
            rows = draw(log, wanted, seed)
            found["unseen count vector"].append(figures(log.truth, unseen_vector(log, rows), None))
            for name, scores, bar in plain(log, rows, seed):
                found[name].append(figures(log.truth, scores, scores >= bar))
            if 0 < log.odd[rows].sum() < len(rows):
                head = ours(log, rows, "head", model, seed)
                found["head (ours)"].append(figures(log.truth, head["score"], head["anomalous"]))
            auto = ours(log, rows, "auto", model, seed)
            found["auto (ours)"].append(figures(log.truth, auto["score"], auto["anomalous"]))
        size = f"{wanted:.0f} labels" if wanted >= 1 else f"{100 * wanted:g} % labelled"
        show(size, found)


def with_patterns(events: pl.DataFrame, known: dict[str, Template]) -> pl.DataFrame:
    patterns = {key: one.pattern for key, one in known.items()}
    return events.with_columns(template=pl.col("template_id").replace_strict(patterns))


def figures(truth: np.ndarray, scores: Any, said: Any) -> tuple[float, float]:
    flagged = np.asarray(scores) > 0 if said is None else np.asarray(said)
    return float(average_precision_score(truth, scores)), float(f1_score(truth, flagged))


def show(size: str, found: dict[str, list[tuple[float, float]]]) -> None:
    print(f"\n{size:28} {'AP':>6}  ±      F1     draws")
    for name, runs in sorted(found.items(), key=lambda it: np.mean(it[1], axis=0)[0]):
        values = np.array(runs)
        half = 1.96 * values[:, 0].std(ddof=1) / len(runs) ** 0.5 if len(runs) > 1 else np.nan
        mean = values.mean(axis=0)
        print(f"{name:28} {mean[0]:6.3f}  {half:5.3f}  {mean[1]:5.3f}  {len(runs):4}", flush=True)


def transfer(data: Path, log: Log, model: Encoder) -> None:
    """Lines of one system judged by what the other taught. HDFS labels sessions, so all lines of an
    odd session count as odd there, and a session is as odd as its oddest line.
    """
    with tempfile.TemporaryDirectory() as folder:
        alerts, odd = thunderbird(data, Path(folder))
        hdfs = next((data / "sessions").glob("*.log"))
        free = offline.detect_lines([alerts], [], "auto")
        print("\nlines of Thunderbird, learnt from HDFS alone: AP")
        print(f"{'base rate':28} {odd.mean():6.3f}")
        print(f"{'detect, no label':28} {average_precision_score(odd, free['score']):6.3f}")
        for method in ("lr", "knn", "head", "auto"):
            rows = across(hdfs, hdfs_lines(log), alerts, method, model)
            print(f"{method + ' (ours)':28} {average_precision_score(odd, rows['score']):6.3f}")
        print("\nsessions of HDFS (the late ones), learnt from Thunderbird's lines alone: AP")
        print(f"{'base rate':28} {log.truth.mean():6.3f}")
        labels = pl.DataFrame({"line_no": np.arange(1, len(odd) + 1), "odd": odd == 1})
        for method in ("lr", "knn", "head", "auto"):
            rows = across(alerts, labels, hdfs, method, model)
            print(f"{method + ' (ours)':28} {oddest(log, rows):6.3f}", flush=True)


def thunderbird(data: Path, folder: Path) -> tuple[Path, np.ndarray]:
    """The log without its labels, and the labels."""
    text = (data / "lines" / "thunderbird_19k.log").read_text("utf-8", errors="replace")
    lines = [one.split(" ", 1) for one in text.split("\n") if " " in one]
    path = folder / "thunderbird.log"
    path.write_text("".join(f"{rest}\n" for _, rest in lines), "utf-8")
    return path, np.array([label != "-" for label, _ in lines], int)


def hdfs_lines(log: Log) -> pl.DataFrame:
    odd = pl.DataFrame({"session": log.names, "odd": log.odd == 1})
    events = pl.concat([log.before, log.after])
    return events.join(odd, on="session").select(pl.col("line_no"), "odd")


def across(
    taught: Path, labels: pl.DataFrame, judged: Path, method: str, model: Encoder
) -> pl.DataFrame:
    made = training.train([taught], labels, LINES, model, method=method)
    return verdicts.predict([judged], models.assemble(Path("benchmark"), *made, model))


def oddest(log: Log, rows: pl.DataFrame) -> float:
    of = log.after.select("line_no", "session").join(rows, on="line_no")
    worst = of.group_by("session").agg(pl.col("score").max())
    late = pl.DataFrame({"session": log.names[log.cut :]}).join(
        worst, on="session", how="left", maintain_order="left"
    )
    return float(average_precision_score(log.truth, late["score"].fill_null(0.0)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--transfer-only", action="store_true")
    parser.add_argument("--encoder", type=Path, default=ROOT / "pretrained" / "biglog-small")
    options = parser.parse_args()
    started = time.process_time()
    model = installation.encoder(options.encoder)
    log = read_log(options.data / "sessions", model)
    print(f"HDFS: {len(log.odd):,} sessions, {log.odd[: log.cut].sum()} odd among the first "
          f"{log.cut:,}, {log.truth.sum()} among the rest")  # fmt: skip
    if not options.transfer_only:
        curves(log, model, options.seeds)
    transfer(options.data, log, model)
    print(f"\n{time.process_time() - started:.0f} s of processor")


if __name__ == "__main__":
    main()
