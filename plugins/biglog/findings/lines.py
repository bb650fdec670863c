"""How odd each line of a file is, from its template alone, without labels.

Four signs, each between 0 and 1, are joined as independent evidence (noisy or): never seen in the
history, rare, severe by its level or words, and many times on one host where others are silent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

SEVERE_LEVELS = {"WARNING": 0.35, "ERROR": 0.7, "CRITICAL": 0.95}
GRAVE = (
    r"(?i)\b(fatal|panic|catastrophic|critical|emerg\w*|corrupt\w*|crash\w*|segfault|oom|deadlock"
    r"|out of memory|machine check|data loss|core dumped|unrecoverable|uncorrectable)\b"
    r"|致命|严重|崩溃|损坏|内存溢出|死锁|宕机"
)
SEVERE = (
    r"(?i)\b(error|errors|fail|fails|failed|failure|failures|failing|exception|abort\w*|killed|timeout"
    r"|timed out|unreachable|unable|cannot|refused|denied|overflow|illegal|lost|dropped)\b"
    r"|\b\w+(Error|Exception)\b|错误|失败|异常|超时|拒绝|中断|丢失|无法|不足|告警"
)
"""Words that report a failure in any system's log. A template is judged by them, never a value."""
WEIGHTS = {"new": 0.85, "rare": 0.45, "severe": 0.7, "alone": 0.6}
ANOMALOUS = 0.68
MOST_ODD = 0.1
"""Without a history, what more than this share of lines are is how lines are."""
FEW = 20.0
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
    seen = seen.with_columns(pl.col("template_id", "template", "host").cast(pl.String))
    signs = seen.with_columns(
        new=pl.lit(0.0) if usual is None else is_new(usual),
        rare=rarity(lines.height if usual is None else usual.total, usual),
        alone=loneliness(hosts),
        words=said(pl.col("template")),
    )
    kinds = lines.group_by("template_id", "level").agg(pl.len().alias("lines"))
    kinds = kinds.with_columns(pl.col("template_id", "level").cast(pl.String))
    joined = kinds.join(signs, on="template_id").with_columns(severe=severity())
    scored = joined.with_columns(score=doubted())
    bar = ANOMALOUS if usual is not None else threshold(scored)
    anomalous = pl.col("score") >= bar
    columns = scored.with_columns(anomalous=anomalous, reason=reasons())
    return columns.select("template_id", "level", "score", "anomalous", "reason")


def said(template: pl.Expr) -> pl.Expr:
    """How grave the words of a template are, 0 to 1."""
    severe = pl.when(template.str.contains(SEVERE)).then(SEVERE_LEVELS["ERROR"]).otherwise(0.0)
    return pl.when(template.str.contains(GRAVE)).then(0.95).otherwise(severe)


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
    """Near 1 where a template comes many times from one host of many, if few templates do."""
    if hosts < MIN_HOSTS:
        return pl.lit(0.0)
    count = pl.col("count").cast(pl.Float64)
    confined = (pl.col("hosts") == 1) & (count > 1)
    usual = confined.sum().cast(pl.Float64) / (count > 1).sum().clip(lower_bound=1)
    repeated = (1.0 - 1.0 / count) * (1.0 - 1.0 / hosts) * (1.0 - usual)
    return pl.when(confined).then(repeated).otherwise(0.0)


def severity() -> pl.Expr:
    level = pl.col("level").replace_strict(SEVERE_LEVELS, default=0.0, return_dtype=pl.Float64)
    return pl.max_horizontal(level, "words")


def doubted() -> pl.Expr:
    """The signs as independent evidence: 1 less the product of each one's doubt."""
    doubt = pl.lit(1.0)
    for name, weight in WEIGHTS.items():
        doubt = doubt * (1.0 - weight * pl.col(name))
    return (1.0 - doubt).round(4)


def threshold(scored: pl.DataFrame) -> float:
    """The score from which a line is odd in a file that is compared with itself.

    At most MOST_ODD of the lines are at or above it, or FEW lines in a short file.
    """
    ordered = scored.group_by("score").agg(pl.col("lines").sum()).sort("score", descending=True)
    most = max(FEW, MOST_ODD * float(ordered["lines"].sum()))
    within = ordered.filter(pl.col("lines").cum_sum() <= most)["score"]
    least = float(within[-1]) if len(within) else math.nextafter(float(ordered["score"][0]), 2.0)
    return max(ANOMALOUS, least)


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
