"""Line detection without labels, beside trivial baselines; labels are for measuring only.

Run: ``python benchmarks/lines_detect.py FILE…`` where the first field of each line is its label and
``-`` means normal. The label is taken off before anything reads the line; a second reading puts
``-`` in its place for every line, as a log would come whose format has that field.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import polars as pl
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins"))
from biglog import offline
from biglog.findings.lines import GRAVE, SEVERE, SEVERE_LEVELS, score_templates


def main() -> None:
    for name in sys.argv[1:]:
        text = Path(name).read_text("utf-8", errors="replace")
        lines = [one.split(" ", 1) for one in text.split("\n") if " " in one]
        odd = pl.Series("odd", [label != "-" for label, _ in lines])
        print(f"\n{name}: {len(lines):,} lines, {int(odd.sum()):,} odd")
        for way, first in (("label taken off", ""), ("label blanked", "- ")):
            judge([first + rest for _, rest in lines], odd, way)


def judge(lines: list[str], odd: pl.Series, way: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lines.log"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        events = offline.event_frame([path], "auto", {})
    plain = events.with_columns(pl.col(pl.Categorical).cast(pl.String))
    ours = plain.join(
        score_templates(events, None),
        on=["template_id", "level"],
        nulls_equal=True,
        how="left",
        maintain_order="left",
    )
    rare = plain.select(-pl.len().over("template_id").cast(pl.Float64)).to_series()
    words = plain["template"].str.contains(GRAVE) | plain["template"].str.contains(SEVERE)
    said = f"{int(ours['anomalous'].sum()):,} said, F1 {f1_score(odd, ours['anomalous']):.3f}"
    level = plain["level"].replace_strict(SEVERE_LEVELS, default=0.0, return_dtype=pl.Float64)
    for rule, score, note in (
        ("BigLog", ours["score"], said),
        ("severity level", level, ""),
        ("template's rarity", rare, ""),
        ("words of failure", words, ""),
    ):
        auroc, ap = roc_auc_score(odd, score), average_precision_score(odd, score)
        print(f"{way:18} {rule:20} AUROC {auroc:.3f}  AP {ap:.3f}  {note}")
    kinds = (
        ours.with_columns(odd=odd)
        .group_by("template_id")
        .agg(pl.col("odd", "anomalous").any(), pl.col("score").max())
    )
    alerts = kinds.filter("odd")
    auroc = roc_auc_score(kinds["odd"], kinds["score"])
    found = f"{int(alerts['anomalous'].sum())} of {alerts.height} kinds of alert are said"
    print(f"{way:18} {'BigLog, per kind':20} AUROC {auroc:.3f}  {found}")


if __name__ == "__main__":
    main()
