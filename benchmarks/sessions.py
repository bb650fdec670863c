"""Session detection without labels, beside trivial baselines; labels are for measuring only.

Run: ``python benchmarks/sessions.py FOLDER`` where FOLDER has a ``*.log`` whose lines name blocks
and a ``*_labels.csv`` with seq_id and anomaly. Three ways: no history; the earlier half of the
sessions as history, as it is; the same without its labelled anomalies. Then on first events only,
of sessions that have more. Each detector is measured alone too.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import polars as pl
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins"))
from biglog import offline
from biglog.findings.sessions import DETECTORS, by_detector, verdict

Ways = dict[str, tuple[pl.DataFrame, pl.DataFrame | None]]


def main() -> None:
    options = arguments()
    log, labels = next(options.folder.glob("*.log")), next(options.folder.glob("*_labels.csv"))
    lines = offline.event_frame([log], "auto", {}, session=options.session)
    truth = read_labels(labels)
    for first in (0, *options.first):
        said = f"first {first} events, sessions longer than {first}" if first else "whole sessions"
        print(f"\n{log.name}, {said}", flush=True)
        print(f"{'':36}sessions   odd  AUROC     AP     F1  precision recall")
        longer = lines.group_by("session").len().filter(pl.col("len") > first).select("session")
        for name, (today, past) in ways(lines, truth).items():
            told = truth.join(longer, on="session", how="semi")
            for rule, scores in judged(today, past, first).items():
                measure(f"{name}: {rule}", scores, told)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--session", default=r"blk_-?\d+")
    parser.add_argument("--first", type=int, nargs="*", default=[5, 10, 15, 20])
    return parser.parse_args()


def read_labels(path: Path) -> pl.DataFrame:
    odd = pl.col("anomaly").cast(pl.String).str.to_lowercase().is_in(["true", "1", "anomaly"])
    return pl.read_csv(path).select(session=pl.col("seq_id"), odd=odd)


def ways(lines: pl.DataFrame, truth: pl.DataFrame) -> Ways:
    """Sessions are split by when they began, never a session in two."""
    order = lines.select("session").unique(maintain_order=True).with_row_index("place")
    early = order.filter(pl.col("place") < len(order) // 2).select("session")
    before = lines.join(early, on="session", how="semi", maintain_order="left")
    after = lines.join(early, on="session", how="anti", maintain_order="left")
    healthy = before.join(
        truth.filter(~pl.col("odd")), on="session", how="semi", maintain_order="left"
    )
    return {
        "no history": (lines, None),
        "history": (after, before),
        "clean history": (after, healthy),
    }


def judged(today: pl.DataFrame, past: pl.DataFrame | None, first: int) -> dict[str, pl.DataFrame]:
    """BigLog, each detector alone, and the trivial baselines."""
    rated = by_detector(today, past, first=first)
    alone = {
        name: rated.select("session", score=f"score {name}", anomalous=f"odd {name}")
        for name in DETECTORS
    }
    whole = rated.select("session", *verdict())
    return {"BigLog": whole} | alone | baselines(today, past, first)


def baselines(
    today: pl.DataFrame, past: pl.DataFrame | None, first: int
) -> dict[str, pl.DataFrame]:
    here = vectors(today, first)
    learnt = here if past is None else vectors(past, first)
    seen = here.join(
        learnt.group_by("vector").agg(pl.len().alias("had")), on="vector", how="left"
    ).with_columns(pl.col("had").fill_null(0))
    rare = seen.select(
        "session",
        score=-pl.col("had").cast(pl.Float64),
        anomalous=pl.col("had") < 0.01 * learnt.height,
    )
    short = here.select(
        "session", score=-pl.col("events").cast(pl.Float64), anomalous=pl.lit(False)
    )
    unseen = seen.select(
        "session", score=(pl.col("had") == 0).cast(pl.Float64), anomalous=pl.col("had") == 0
    )
    rules = {"count vector's rarity": rare, "shortness": short}
    return rules if past is None else rules | {"unseen count vector": unseen}


def vectors(lines: pl.DataFrame, first: int) -> pl.DataFrame:
    rows = lines.select("session", "template_id")
    if first:
        rows = rows.filter(pl.int_range(pl.len()).over("session") < first)
    return rows.group_by("session").agg(
        pl.col("template_id").sort().str.join(" ").alias("vector"), pl.len().alias("events")
    )


def measure(name: str, scores: pl.DataFrame, truth: pl.DataFrame) -> None:
    rows = scores.join(truth, on="session")
    odd, score, said = (rows[one].to_numpy() for one in ("odd", "score", "anomalous"))
    hits, flagged = int((odd & said).sum()), int(said.sum())
    print(
        f"{name:36}{rows.height:8} {int(odd.sum()):5} {roc_auc_score(odd, score):6.3f}"
        f" {average_precision_score(odd, score):6.3f} {f1_score(odd, said):6.3f}"
        f" {hits / max(1, flagged):9.3f} {hits / max(1, int(odd.sum())):6.3f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
