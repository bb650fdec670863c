"""How odd each line of a file is, from its template alone, without labels.

Four signs, each between 0 and 1, are joined as independent evidence (noisy or): never seen in the
history, rare, severe by its level or words, and many times on one host where others are silent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

SEVERE_LEVELS = {"WARNING": 0.35, "ERROR": 0.7, "CRITICAL": 0.9}
SEVERE_WORDS = (
    r"(?i)\b(error|errors|fail|failed|failure|failing|fatal|panic|exception|refused|denied|corrupt\w*"
    r"|abort\w*|timeout|timed out|unreachable|crash\w*|killed|overflow|invalid|illegal|critical)\b"
    r"|错误|失败|异常|超时|拒绝|崩溃|告警|不足"
)
WEIGHTS = {"new": 0.85, "rare": 0.6, "severe": 0.6, "alone": 0.6}
ANOMALOUS = 0.7
MIN_HOSTS = 4
"""With fewer hosts, that a template stays on one of them says nothing."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What the history holds: lines per template, and lines in all."""

    counts: Mapping[str, int]
    total: int


def score_templates(lines: pl.DataFrame, usual: Usual | None) -> pl.DataFrame:
    """Score and reason per (template_id, level).

    ``lines`` has template_id, template, level and host, a row a line. Gives template_id, level,
    score (0 to 1, high = odd), anomalous and reason (empty where not anomalous).
    """
    hosts = lines["host"].drop_nulls().n_unique()
    seen = lines.group_by("template_id").agg(
        pl.col("template").first(),
        pl.len().alias("count"),
        pl.col("host").n_unique().alias("hosts"),
        pl.col("host").first().alias("host"),
    )
    signs = seen.with_columns(
        new=pl.lit(0.0) if usual is None else is_new(usual),
        rare=rarity(lines.height if usual is None else usual.total, usual),
        alone=loneliness(hosts),
        words=pl.col("template").str.contains(SEVERE_WORDS).cast(pl.Float64) * 0.6,
    )
    kinds = lines.group_by("template_id", "level").agg(pl.len().alias("at_level"))
    joined = kinds.join(signs, on="template_id").with_columns(severe=severity())
    return judged(joined).select("template_id", "level", "score", "anomalous", "reason")


def is_new(usual: Usual) -> pl.Expr:
    return (~pl.col("template_id").is_in(list(usual.counts))).cast(pl.Float64)


def rarity(total: int, usual: Usual | None) -> pl.Expr:
    """1 for a template seen once in all, falling with the logarithm of its count to 0."""
    count = pl.col("count").cast(pl.Float64)
    if usual is not None:
        known = pl.DataFrame({"id": list(usual.counts), "n": list(usual.counts.values())})
        count = pl.col("template_id").replace_strict(
            known["id"], known["n"], default=0, return_dtype=pl.Float64
        ) + pl.lit(1.0)
    return (1.0 - count.log() / math.log(max(total, 3))).clip(0.0, 1.0)


def loneliness(hosts: int) -> pl.Expr:
    """Near 1 where a template comes many times from one host of many."""
    if hosts < MIN_HOSTS:
        return pl.lit(0.0)
    repeated = 1.0 - 1.0 / pl.col("count").cast(pl.Float64)
    return pl.when(pl.col("hosts") == 1).then(repeated * (1.0 - 1.0 / hosts)).otherwise(0.0)


def severity() -> pl.Expr:
    level = pl.col("level").replace_strict(SEVERE_LEVELS, default=0.0, return_dtype=pl.Float64)
    return pl.max_horizontal(level, "words")


def judged(signs: pl.DataFrame) -> pl.DataFrame:
    doubt = pl.lit(1.0)
    for name, weight in WEIGHTS.items():
        doubt = doubt * (1.0 - weight * pl.col(name))
    return signs.with_columns(score=(1.0 - doubt).round(4)).with_columns(
        anomalous=pl.col("score") >= ANOMALOUS, reason=reasons()
    )


def reasons() -> pl.Expr:
    """The signs that weigh, in words; never empty."""
    spoken = [
        pl.when(pl.col("new") > 0).then(pl.lit("a kind of line the history has never had")),
        pl.when(pl.col("rare") > 0.5).then(pl.format("rare: {} times here", "count")),
        pl.when(pl.col("severe") >= 0.35).then(
            pl.format("severe: {}", pl.coalesce("level", pl.lit("its words report a failure")))
        ),
        pl.when(pl.col("alone") > 0.5).then(
            pl.format("{} times on {} alone", "count", pl.col("host").fill_null("one host"))
        ),
    ]
    text = pl.concat_str(spoken, separator="; ", ignore_nulls=True)
    return pl.when(text == "").then(pl.lit("unremarkable")).otherwise(text)
