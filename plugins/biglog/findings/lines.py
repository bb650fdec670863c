"""How odd each line of a file is, from its template and where it stands, without labels.

Signs, each between 0 and 1, are joined as independent evidence (noisy or): never seen in the
history, rare, severe by its level or words, many times on one host where others are silent, come
all at once, and come only where there is trouble. What comes at a steady rate all the time is how
lines are: its words weigh less.
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
HARMLESS = (
    r"(?i)\b(?:non|not|no|without|zero|0)[- ](?:critical|fatal|errors?|failures?|failed|exceptions?"
    r"|data loss|timeouts?)\b|\b(?:errors?|fail(?:ed|ures)?|dropped|lost)[=:] ?0\b"
)
WEIGHTS = {"new": 0.85, "rare": 0.45, "severe": 0.7, "alone": 0.6, "sudden": 0.6, "company": 0.6}
ANOMALOUS = 0.68
MOST_ODD = 0.1
"""Without a history, what more than this share of lines are all the time is how lines are."""
COMMON = 0.05
"""Likewise of the lines of one kind."""
FEW = 20.0
MIN_HOSTS = 4
"""With fewer hosts, that a template stays on one of them says nothing."""
STRETCHES = 48
"""The lines, in the order of their times, are cut into so many equal parts."""
PARTS = 10
"""And each of those into so many, to see which lines come together."""
SEVERAL = 10.0
"""Lines of a template at which half is believed of when they come."""
ROUTINE = 0.6
"""How much less the words of a template weigh that is steady through all the lines."""
TROUBLE = 0.4
"""From here a severe kind that is new, rare or sudden is trouble for the lines about it."""
MILD = 0.35
"""What it weighs that lines come all at once whose words report nothing."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What the history holds: lines per template, and lines in all."""

    counts: Mapping[str, int]
    total: int


def score_templates(lines: pl.DataFrame, usual: Usual | None) -> pl.DataFrame:
    """Score and reason per (template_id, level).

    ``lines`` has template_id, template, level and host, a row a line, and timestamp where lines
    have times; without, their order tells. Gives template_id, level, score (0 to 1, high = odd),
    anomalous and reason (empty where not anomalous).
    """
    hosts = lines["host"].drop_nulls().n_unique()
    placed = lines.select("template_id", "level", "host", part=parts(lines))
    seen = lines.group_by("template_id").agg(
        pl.col("template").first(),
        pl.len().alias("count"),
        pl.col("host").n_unique().alias("hosts"),
        pl.col("host").first().alias("host"),
    )
    seen = seen.with_columns(pl.col("template_id", "template", "host").cast(pl.String))
    seen = seen.join(spread(placed), on="template_id")
    signs = seen.with_columns(
        new=pl.lit(0.0) if usual is None else is_new(usual),
        rare=rarity(lines.height if usual is None else usual.total, usual),
        alone=loneliness(hosts),
        sudden=suddenness(),
        words=said(pl.col("template")),
    )
    kinds = lines.group_by("template_id", "level").agg(pl.len().alias("lines"))
    kinds = kinds.with_columns(pl.col("template_id", "level").cast(pl.String))
    joined = kinds.join(signs, on="template_id").with_columns(severe=severity())
    joined = joined.join(company(placed, joined, hosts), on="template_id")
    joined = joined.with_columns(
        burst=pl.col("sudden"),
        sudden=pl.col("sudden") * (MILD + (1.0 - MILD) * pl.col("severe")),
        company=pl.col("company") * pl.max_horizontal("new", "rare"),
    )
    scored = joined.with_columns(score=doubted())
    bar = ANOMALOUS if usual is not None else threshold(scored)
    anomalous = pl.col("score") >= bar
    if usual is None:
        anomalous &= ~common()
    columns = scored.with_columns(anomalous=anomalous, reason=reasons())
    return columns.select("template_id", "level", "score", "anomalous", "reason")


def parts(lines: pl.DataFrame) -> pl.Series:
    """Which of STRETCHES times PARTS equal parts each line is in, by time or else by order."""
    timed = "timestamp" in lines.columns and lines["timestamp"].null_count() < lines.height
    place = (
        lines["timestamp"].fill_null(strategy="forward").rank("min")
        if timed
        else pl.Series(range(1, lines.height + 1), dtype=pl.UInt32)
    )
    first = place.fill_null(1).cast(pl.Float64) - 1.0
    return (first * (STRETCHES * PARTS) / max(lines.height, 1)).cast(pl.Int32).alias("part")


def spread(placed: pl.DataFrame) -> pl.DataFrame:
    """Template_id, spread: in how many stretches it is, of those where chance would put it."""
    stretch = (pl.col("part") // PARTS).n_unique().cast(pl.Float64)
    likely = STRETCHES * (1.0 - (1.0 - 1.0 / STRETCHES) ** pl.len().cast(pl.Float64))
    most = max(1, placed.select((pl.col("part") // PARTS).n_unique()).item())
    expected = pl.min_horizontal(likely, pl.lit(float(most)))
    found = placed.group_by("template_id").agg(spread=(stretch / expected).clip(0.0, 1.0))
    return found.with_columns(pl.col("template_id").cast(pl.String))


def suddenness() -> pl.Expr:
    """Near 1 where many lines of a template come at once, 0 where they come all the time."""
    count = pl.col("count").cast(pl.Float64)
    return (1.0 - pl.col("spread")) * count / (count + SEVERAL)


def said(template: pl.Expr) -> pl.Expr:
    """How grave the words of a template are, 0 to 1: each word that reports a failure counts."""
    text = template.str.replace_all(HARMLESS, " ")
    doubt = pl.lit(1.0)
    for words, level in ((GRAVE, "CRITICAL"), (SEVERE, "ERROR")):
        each = text.str.extract_all(words).list.eval(pl.element().str.to_lowercase())
        count = each.list.n_unique().fill_null(0)
        doubt = doubt * (1.0 - SEVERE_LEVELS[level]) ** count
    return 1.0 - doubt


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
    """By level or words; words that come at a steady rate through all the lines weigh less."""
    level = pl.col("level").replace_strict(SEVERE_LEVELS, default=0.0, return_dtype=pl.Float64)
    count = pl.col("count").cast(pl.Float64)
    steady = (2.0 * pl.col("spread") - 1.0).clip(0.0, 1.0) * count / (count + 3.0 * SEVERAL)
    return pl.max_horizontal(level, "words") * (1.0 - ROUTINE * steady)


def company(placed: pl.DataFrame, kinds: pl.DataFrame, hosts: int) -> pl.DataFrame:
    """Template_id, company: how far its lines stand among others that are severe and not steady.

    1 where all lines around it, on its host and in its part of the file, are such.
    """
    ordinary = (1.0 - pl.col("new")) * (1.0 - pl.col("rare")) * (1.0 - pl.col("sudden"))
    weight = (1.0 - ordinary) * pl.col("severe")
    bad = kinds.group_by("template_id").agg(bad=(weight.max() >= TROUBLE).cast(pl.Float64))
    key = ["host", "part"] if hosts >= MIN_HOSTS else ["part"]
    cells = placed.group_by("template_id", *key).agg(lines=pl.len().cast(pl.Float64))
    cells = cells.with_columns(pl.col("template_id").cast(pl.String)).join(bad, on="template_id")
    own = pl.col("lines") * pl.col("bad")
    others = pl.col("lines").sum().over(key) - pl.col("lines")
    severe = own.sum().over(key) - own
    share = pl.when(others > 0).then(severe / others * severe / (severe + 2.0)).otherwise(0.0)
    return (
        cells.with_columns(share=share)
        .group_by("template_id")
        .agg(company=(pl.col("share") * pl.col("lines")).sum() / pl.col("lines").sum())
    )


def doubted() -> pl.Expr:
    """The signs as independent evidence: 1 less the product of each one's doubt."""
    doubt = pl.lit(1.0)
    for name, weight in WEIGHTS.items():
        doubt = doubt * (1.0 - weight * pl.col(name))
    return (1.0 - doubt).round(4)


def threshold(scored: pl.DataFrame) -> float:
    """The score from which a line is odd in a file that is compared with itself.

    At most MOST_ODD of the lines are at or above it, or FEW lines in a short file; what came all
    at once is not how lines are and counts for less.
    """
    most = max(FEW, MOST_ODD * float(scored["lines"].sum()))
    kinds = scored.filter(~common()).group_by("score").agg(steady_lines().sum().alias("lines"))
    ordered = kinds.sort("score", descending=True)
    within = ordered.filter(pl.col("lines").cum_sum() <= most)["score"]
    least = float(within[-1]) if len(within) else math.nextafter(1.0, 2.0)
    return max(ANOMALOUS, least)


def steady_lines() -> pl.Expr:
    return pl.col("lines") * (1.0 - pl.col("burst"))


def common() -> pl.Expr:
    """Kinds so frequent all the time that they are how lines are, whatever their words."""
    return steady_lines() > pl.max_horizontal(FEW, COMMON * pl.col("lines").sum())


def reasons() -> pl.Expr:
    """The signs that weigh, in words; never empty."""
    often = (
        pl.when(pl.col("count") == 1).then(pl.lit("once")).otherwise(pl.format("{} times", "count"))
    )
    by_level = pl.col("level").replace_strict(SEVERE_LEVELS, default=0.0, return_dtype=pl.Float64)
    said_so = pl.when(by_level >= pl.col("words")).then("level")
    spoken = [
        pl.when(pl.col("new") > 0).then(pl.lit("a kind of line the history has never had")),
        pl.when(pl.col("rare") > 0.5).then(pl.format("rare: {} here", often)),
        pl.when(pl.col("severe") >= 0.35).then(
            pl.format("severe: {}", said_so.fill_null("its words report a failure"))
        ),
        pl.when(pl.col("alone") > 0.5).then(
            pl.format("{} on {} alone", often, pl.col("host").fill_null("one host"))
        ),
        pl.when(pl.col("burst") > 0.3).then(pl.format("{}, all in a part of the time", often)),
        pl.when(pl.col("company") > 0.5).then(pl.lit("amid lines that report failures")),
    ]
    text = pl.concat_str(spoken, separator="; ", ignore_nulls=True)
    return pl.when(text == "").then(pl.lit("unremarkable")).otherwise(text)
