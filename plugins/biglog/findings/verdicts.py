"""One verdict on each line, from all that judges lines: its kind, its request, its values."""

from __future__ import annotations

import polars as pl

from biglog.findings.lines import Usual, score_templates
from biglog.findings.values import Reach, score_values
from biglog.findings.webattacks import SCHEMA, score_requests


def judge(
    lines: pl.DataFrame, values: pl.DataFrame, usual: Usual | None, past: Reach | None
) -> pl.DataFrame:
    """Score (0 to 1), anomalous and reason of each line, in the order of ``lines``.

    ``lines`` has what score_templates takes and, where some are requests, what score_requests
    takes; ``values`` is what score_values takes.
    """
    verdicts = [by_kind(lines, usual), by_value(lines.height, values, past)]
    if set(SCHEMA) <= set(lines.columns):
        verdicts.append(score_requests(lines))
    return strongest(verdicts)


def by_kind(lines: pl.DataFrame, usual: Usual | None) -> pl.DataFrame:
    """A kind that is not flagged whole is flagged at its first line."""
    key = ["template_id", "level"]
    judged = score_templates(lines, usual).with_columns(
        pl.col(name).cast(lines.schema[name]) for name in key
    )
    kinds = judged.select(*key, kind=pl.int_range(pl.len(), dtype=pl.UInt32))
    rows = lines.select(key)
    kind = rows.join(kinds, on=key, how="left", nulls_equal=True, maintain_order="left")["kind"]
    told = judged.select("score", "anomalous", "whole", "reason")[kind]
    return told.select(
        "score",
        pl.col("anomalous") & (pl.col("whole") | pl.Series(kind.is_first_distinct())),
        "reason",
    )


def by_value(height: int, values: pl.DataFrame, past: Reach | None) -> pl.DataFrame:
    every = pl.DataFrame({"line": pl.Series(range(height), dtype=pl.UInt32)})
    found = every.join(score_values(values, past), on="line", how="left", maintain_order="left")
    return found.select(
        pl.col("score").fill_null(0.0),
        pl.col("anomalous").fill_null(value=False),
        pl.col("reason").fill_null(""),
    )


def strongest(verdicts: list[pl.DataFrame]) -> pl.DataFrame:
    """The highest score of each line; odd where one says so, with the reasons of those that do.

    Where none says so, the reason is the highest one's.
    """
    named = [
        one.rename({name: f"{name}{n}" for name in one.columns}) for n, one in enumerate(verdicts)
    ]
    joined = pl.concat(named, how="horizontal")
    score = pl.max_horizontal(pl.col("^score\\d+$"))
    told = [
        pl.when(pl.col(f"anomalous{n}")).then(f"reason{n}") for n in reversed(range(len(verdicts)))
    ]
    spoken = pl.concat_str(told, separator="; ", ignore_nulls=True)
    return joined.select(
        score=score,
        anomalous=pl.any_horizontal(pl.col("^anomalous\\d+$")),
        reason=pl.when(spoken == "").then("reason0").otherwise(spoken),
    )
