"""Line detection without labels on many systems; labels are for measuring only.

Run: ``python benchmarks/lines_detect.py DATA`` where DATA holds ``lines/`` (first field of a line
its label, ``-`` for normal), ``parsing/`` (ten ordinary logs), ``sessions/`` and ``kb/``. Three
tables: what was labelled by others or recorded with faults; alerts planted into ordinary logs
(published ones of machines, messages of the recorded faults, texts of alerting rules); and how many
lines of ordinary logs are flagged. ``--leave-out`` chooses the constants on all systems but one and
measures them on that one. Trivial baselines beside.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from planted import MACHINES, plant
from sklearn.metrics import average_precision_score, roc_auc_score

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins"))
from biglog import offline
from biglog.findings import lines as by_kind
from biglog.findings.lines import GRAVE, SEVERE, SEVERE_LEVELS, Usual
from biglog.findings.verdicts import by_kind as judge
from biglog.incidents.bench import read_faults

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
RECORDED = ("nginx_error", "payments", "stock", "worker", "postgresql")
BEFORE_FAULTS = "2026-11-05"
ORDINARY = (
    "raw/elastic_auth/auth.log",
    "raw/linux_full/Linux.log",
    "raw/logai/HealthApp_20000.log",
)
OF_FAULTS = 0.9
"""Share of a template's lines that lie in times of faults, from which its lines there are odd."""
GRID = {
    "rare": (0.35, 0.45, 0.55),
    "severe": (0.6, 0.7, 0.8),
    "sudden": (0.45, 0.6, 0.75),
    "company": (0.15, 0.3, 0.6),
}


@dataclass(frozen=True)
class Case:
    """A log to judge; ``kinds`` has what alert each line is, empty for none."""

    system: str
    name: str
    lines: pl.DataFrame
    kinds: pl.Series | None = None
    sessions: pl.Series | None = None  # then a session is judged by its worst line
    usual: Usual | None = None


def main() -> None:
    options = arguments()
    recorded = list(recordings())
    labelled = [*published(options.data), *recorded]
    made = list(plantings(options.data, recorded))
    print(f"{'':38}  lines    odd  AUROC     AP  level  words  rarity | kinds said, lines said")
    for cases in (labelled, made):
        for one in cases:
            print(row(one), flush=True)
        print()
    print("ordinary logs: share of lines flagged")
    for one in ordinary(options.data):
        told = judge(one.lines, None)["anomalous"]
        print(f"{one.system:38}{one.lines.height:7} {int(told.sum()):5} {told.mean():.4f}")
        if options.show:
            print(one.lines.filter(told)["template"].cast(pl.String).unique().to_list())
    if options.leave_out:
        leave_out([*labelled, *made])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--leave-out", action="store_true")
    parser.add_argument(
        "--show", action="store_true", help="the templates flagged in ordinary logs"
    )
    return parser.parse_args()


def read(files: Sequence[Path], known: dict | None = None) -> pl.DataFrame:
    """What is judged of each line, with its time."""
    frames = []
    catalogue = {} if known is None else known
    for parsed in offline.parse_files(files, "auto", catalogue=catalogue):
        catalogue.update(parsed.templates)
        frame = offline.with_templates(parsed).select(offline.KEPT)
        frames.append(frame.with_columns(pl.col(offline.CODES).cast(pl.Categorical)))
    return pl.concat(frames)


def read_text(lines: Sequence[str]) -> pl.DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lines.log"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        return read([path])


def published(data: Path) -> Iterator[Case]:
    for path in sorted((data / "lines").glob("*.log")):
        text = path.read_text("utf-8", errors="replace")
        rows = [one.split(" ", 1) for one in text.split("\n") if " " in one]
        kinds = pl.Series(["" if label == "-" else label for label, _ in rows])
        yield Case(path.stem, "label taken off", read_text([rest for _, rest in rows]), kinds)
    for path in sorted((data / "sessions").glob("*.log")):
        labels = pl.read_csv(path.with_name(f"{path.stem}_labels.csv"))
        odd = set(
            labels.filter(pl.col("anomaly").cast(pl.String).str.contains("(?i)true"))["seq_id"]
        )
        named = pl.Series(path.read_text("utf-8").splitlines()).str.extract(r"(blk_-?\d+)")
        kinds = pl.Series([one if one in odd else "" for one in named])
        yield Case(path.stem, "by worst line", read([path]), kinds, named)


def recordings() -> Iterator[Case]:
    """Recorded sources after the first three days, which are their history."""
    faults = read_faults(EXAMPLES / "faults.csv")
    for source in RECORDED:
        files = sorted((EXAMPLES / "recorded" / source).glob("*.log.zst"))
        known: dict = {}
        past = read([one for one in files if one.name < BEFORE_FAULTS], known)
        today = read([one for one in files if one.name >= BEFORE_FAULTS], known)
        fault, at = pl.lit(""), pl.col("timestamp").fill_null(strategy="forward")
        for one in faults:
            inside = at.is_between(one.started_at, one.ended_at)
            fault = pl.when(inside).then(pl.lit(one.fault_id)).otherwise(fault)
        share = (pl.col("fault") != "").mean().over("template_id")
        of_faults = (share >= OF_FAULTS) & (pl.len().over("template_id") >= 3)
        kinds = today.with_columns(fault=fault).select(
            pl.when(of_faults).then("fault").otherwise(pl.lit(""))
        )
        counts = dict(past.group_by("template_id").len().iter_rows())
        usual = Usual(counts, past.height)
        yield Case(source, "recorded, with history", today, kinds.to_series(), usual=usual)
        yield Case(source, "recorded, no history", today, kinds.to_series())


def plantings(data: Path, recorded: Sequence[Case]) -> Iterator[Case]:
    pools = {"machines": MACHINES, "faults": messages(recorded), "rules": rules(data)}
    for folder in sorted((data / "parsing").iterdir()):
        structured = folder / f"{folder.name}_2k.log_structured_corrected.csv"
        with structured.open(encoding="utf-8", errors="replace", newline="") as file:
            contents = [one["Content"] for one in csv.DictReader(file)]
        text = (folder / f"{folder.name}_2k.log").read_text("utf-8", errors="replace")
        lines = [one for one in text.split("\n") if one][: len(contents)]
        for seed, (name, texts) in enumerate(pools.items()):
            mixed, kinds = plant(
                lines, contents[: len(lines)], texts, 1000 * seed + len(folder.name)
            )
            yield Case(folder.name, f"planted {name}", read_text(mixed), pl.Series(kinds))


def messages(recorded: Sequence[Case]) -> tuple[str, ...]:
    """What programs said of recorded faults, at a level of their own."""
    told = {
        one
        for case in recorded
        if case.kinds is not None
        for one in case.lines.filter((case.kinds != "") & pl.col("level").is_not_null())["template"]
        .cast(pl.String)
        .unique()
        if "statement: " not in one
    }
    return tuple(one.replace("<*>", "{port}") for one in sorted(told))


def rules(data: Path) -> tuple[str, ...]:
    path = data / "kb/queries_prometheus.jsonl"
    rows = [json.loads(one) for one in path.read_text("utf-8").splitlines()]
    return tuple(sorted({one["query_summary"].strip() for one in rows} - {""}))


def ordinary(data: Path) -> Iterator[Case]:
    files = [*sorted((data / "parsing").glob("*/*_2k.log")), *(data / one for one in ORDINARY)]
    for path in files:
        yield Case(path.stem, "ordinary", read([path]))


def row(case: Case) -> str:
    assert case.kinds is not None
    told = judge(case.lines, case.usual)
    level = case.lines["level"].cast(pl.String)
    by_level = level.replace_strict(SEVERE_LEVELS, default=0.0, return_dtype=pl.Float64)
    template = case.lines["template"].cast(pl.String)
    words = (template.str.contains(GRAVE) | template.str.contains(SEVERE)).cast(pl.Float64)
    rare = -case.lines.select(pl.len().over("template_id").cast(pl.Float64)).to_series()
    auroc, ap = measured(case, told["score"])
    others = "  ".join(f"{measured(case, one)[1]:.3f}" for one in (by_level, words, rare))
    kinds = pl.DataFrame({"kind": case.kinds, "said": told["anomalous"]})
    found = kinds.filter(pl.col("kind") != "").group_by("kind").agg(pl.col("said").any())
    said = f"{int(found['said'].sum())} of {found.height}, {told['anomalous'].mean():.4f}"
    return (
        f"{case.system + ', ' + case.name:38}{case.lines.height:7}"
        f" {int((case.kinds != '').sum()):6}  {auroc:.3f}  {ap:.3f}  {others}  | {said}"
    )


def measured(case: Case, score: pl.Series) -> tuple[float, float]:
    """AUROC and AP; of sessions where the case has them."""
    rows = pl.DataFrame({"score": score, "odd": case.kinds != ""})
    if case.sessions is not None:
        sessions = rows.with_columns(session=case.sessions).group_by("session")
        rows = sessions.agg(pl.col("score").max(), pl.col("odd").any())
    return (
        float(roc_auc_score(rows["odd"], rows["score"])),
        float(average_precision_score(rows["odd"], rows["score"])),
    )


def leave_out(cases: Sequence[Case]) -> None:
    """AP of each system with the weights that are best on the others, mean and worst."""
    systems = sorted({one.system for one in cases})
    settings = [
        by_kind.WEIGHTS | dict(zip(GRID, values, strict=True))
        for values in itertools.product(*GRID.values())
    ]
    table = np.zeros((len(settings), len(systems)))
    shipped = np.zeros(len(systems))
    for one in cases:
        column = systems.index(one.system)
        scores = curves(one, [by_kind.WEIGHTS, *settings])
        many = sum(other.system == one.system for other in cases)
        shipped[column] += scores[0] / many
        table[:, column] += scores[1:] / many
    print(f"\n{'AP by system':24} shipped  chosen on the others")
    chosen = []
    for column, system in enumerate(systems):
        others = np.delete(table, column, axis=1)
        best = int(np.argmax(others.mean(axis=1) + others.min(axis=1)))
        chosen.append(table[best, column])
        weights = " ".join(f"{name} {settings[best][name]}" for name in GRID)
        print(f"{system:24} {shipped[column]:.3f}    {chosen[-1]:.3f}   {weights}")
    means = f"{shipped.mean():.3f} ({shipped.min():.3f})  {np.mean(chosen):.3f} ({min(chosen):.3f})"
    print(f"{'mean (worst)':24} {means}")


def curves(case: Case, settings: Sequence[dict[str, float]]) -> np.ndarray:
    """AP for each setting; the signs are read once, and lines of a kind are counted, not scored."""
    key = ["template_id", "level"]
    signs = by_kind.signs(by_kind.tally_all(case.lines), case.usual)
    kinds = signs.select(key).with_row_index("kind")
    rows = case.lines.select(pl.col(key).cast(pl.String), odd=case.kinds != "").with_columns(
        session=pl.lit("") if case.sessions is None else case.sessions
    )
    joined = rows.join(kinds, on=key, how="left", nulls_equal=True)
    cells = joined.group_by("session", "kind", "odd").agg(lines=pl.len())
    kept, found = by_kind.WEIGHTS.copy(), []
    for one in settings:
        by_kind.WEIGHTS.update(one)
        scores = signs.select(by_kind.doubted()).to_series()
        scored = cells.with_columns(score=scores.gather(cells["kind"]))
        if case.sessions is not None:
            worst = scored.group_by("session").agg(pl.col("score").max(), pl.col("odd").any())
            scored = worst.with_columns(lines=1)
        columns = (scored[name].to_numpy() for name in ("odd", "score", "lines"))
        odd, score, lines = columns
        found.append(average_precision_score(odd, score, sample_weight=lines))
    by_kind.WEIGHTS.update(kept)
    return np.array(found)


if __name__ == "__main__":
    main()
