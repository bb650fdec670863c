"""Scanners' requests against ordinary traffic, beside trivial baselines; labels only measure.

Run: ``python benchmarks/web_attacks.py FOLDER`` where FOLDER holds ``apache_logs`` (ordinary) and
``scans/*.txt`` (every line a scanner's). The two come from different sites with different hosts,
so whatever knows a host, a date or a client would tell them apart at once: none of these is looked
at. That a scanned folder is nothing but scanned is a help of the same kind: figures are also given
without that sign.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
from sklearn.metrics import average_precision_score, roc_auc_score

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins"))
from biglog import offline
from biglog.findings import webattacks
from biglog.findings.lines import GRAVE, SEVERE

LEVELS = {"WARNING": 0.5, "ERROR": 0.8, "CRITICAL": 1.0}


def main() -> None:
    folder = Path(sys.argv[1])
    ordinary = read(folder / "apache_logs")
    scans = {one.stem: read(one) for one in sorted((folder / "scans").glob("*.txt"))}
    print(f"{'':22}{'':28}   odd  AUROC     AP  said of odd, of ordinary")
    for name, odd in {"all": pl.concat(scans.values()), **scans}.items():
        measure(name, ordinary, odd)


def read(path: Path) -> pl.DataFrame:
    frames = []
    for batch in offline.line_batches([path], "auto"):
        lines = pl.DataFrame(pl.from_arrow(batch))
        asked = webattacks.read_requests(lines["content"], lines["fields"])
        if asked is None:
            raise SystemExit(f"{path}: no request in it; give an access log")
        frames.append(pl.concat([lines.select("content", "level"), asked], how="horizontal"))
    return pl.concat(frames)


def measure(name: str, ordinary: pl.DataFrame, odd: pl.DataFrame) -> None:
    lines = pl.concat([ordinary, odd])
    truth = [False] * len(ordinary) + [True] * len(odd)
    ours = webattacks.score_requests(lines, clients=False)
    alone = webattacks.score_requests(lines, clients=False, folders=False)["score"]
    said = ours["anomalous"]
    note = f"{said[len(ordinary) :].mean():.3f}, {said[: len(ordinary)].mean():.4f}"
    level = lines["level"].replace_strict(LEVELS, default=0.0, return_dtype=pl.Float64)
    words = lines["content"].str.contains(GRAVE) | lines["content"].str.contains(SEVERE)
    rare = -lines.select(pl.len().over("page")).to_series().cast(pl.Float64)
    rules = lines["attack"].fill_null(0.0)
    for rule, score, end in (
        ("BigLog", ours["score"], note),
        ("without the folder's sign", alone, ""),
        ("rules alone", rules, ""),
        ("rarity of the page", rare, ""),
        ("severity level", level, ""),
        ("words of failure", words, ""),
    ):
        auroc, ap = roc_auc_score(truth, score), average_precision_score(truth, score)
        print(f"{name:22}{rule:28}{sum(truth):6}  {auroc:.3f}  {ap:.3f}  {end}")


if __name__ == "__main__":
    main()
