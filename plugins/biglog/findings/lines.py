"""How odd each line of a file is, from its template and where it stands, without labels.

Signs, each between 0 and 1, are joined as independent evidence (noisy or): never seen in the
history, rare, severe by its level or words, many times on one host where others are silent, come
all at once, and come only where there is trouble. What comes at a steady rate all the time is how
lines are: its words weigh less, and so do words that the log says all the time.

What is flagged keeps within what people can read: a line for each odd kind, the oddest first.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from biglog.findings.clock import Clock, part_of
from biglog.findings.failurewords import GRAVE, SEVERE, said

__all__ = [
    "GRAVE",
    "SEVERE",
    "SEVERE_LEVELS",
    "WEIGHTS",
    "Usual",
    "score_templates",
    "tally",
    "tally_all",
]

SEVERE_LEVELS = {"WARNING": 0.35, "ERROR": 0.7, "CRITICAL": 0.95}
WEIGHTS = {"new": 0.85, "rare": 0.45, "severe": 0.7, "alone": 0.6, "sudden": 0.6, "company": 0.3}
ANOMALOUS = 0.5
SURE = 0.95
"""From here all lines of a kind are flagged, however many."""
BUDGET = 0.01
"""Share of the lines that is flagged at most, but for what is sure."""
FEW = 20
"""Lines that may be flagged in a short file."""
COMMON = 0.05
"""What more than this share of lines are all the time is how lines are."""
LEAST_NEW = 0.5
"""What remains of the news of a template in a log that brings new ones all the time."""
MIN_HOSTS = 4
"""With fewer hosts, that a template stays on one of them says nothing."""
KIND = ("template_id", "template", "level")
STRETCHES = 48
"""The lines, in the order of their times, are cut into so many equal parts."""
PARTS = 10
"""And each of those into so many, to see which lines come together."""
SEVERAL = 10.0
"""Lines of a template at which half is believed of when they come."""
DAILY = 8.0
"""How fast a word that the log says all the time loses its weight with its share of lines."""
ROUTINE = 0.6
"""How much less the words of a template weigh that is steady through all the lines."""
TROUBLE = 0.4
"""From here a severe kind that is new, rare or sudden is trouble for the lines about it."""
MILD = 0.5
"""What it weighs that lines come all at once whose words report nothing."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What the history holds: lines per template, and lines in all."""

    counts: Mapping[str, int]
    total: int


def score_templates(cells: pl.DataFrame, usual: Usual | None) -> pl.DataFrame:
    """Score and reason per (template_id, level).

    ``cells`` is as ``tally`` gives it. Gives template_id, level, score (0 to 1, high = odd),
    anomalous, whole (all lines of the kind are worth a word, else one stands for them) and reason.
    """
    scored = signs(cells, usual).with_columns(score=doubted())
    return flagged(scored).select(
        "template_id", "level", "score", "anomalous", "whole", reason=reasons()
    )


def tally(lines: pl.DataFrame, kind: Sequence[str] = KIND) -> pl.DataFrame:
    """Lines per kind, host and part: template_id, template, level, host, part, lines, first.

    ``lines`` has these but the last two, and row, a row a line. Part is of STRETCHES times PARTS,
    first the first row. ``kind`` names other columns that say what kind a line is.
    """
    return lines.group_by(*kind, "host", "part").agg(
        pl.len().cast(pl.Int64).alias("lines"), pl.col("row").min().alias("first")
    )


def tally_all(lines: pl.DataFrame) -> pl.DataFrame:
    """As ``tally``, of all lines at once: template_id, template, level, host and, where lines have
    times, timestamp.
    """
    with tempfile.TemporaryDirectory(prefix="biglog-") as folder:
        clock = Clock(Path(folder) / "times")
        stamps = lines["timestamp"] if "timestamp" in lines.columns else None
        places = clock.places(clock.add(stamps, lines.height), 0)
        part = pl.Series("part", part_of(places, clock.edges(STRETCHES * PARTS)))
    return tally(lines.with_columns(part, row=pl.int_range(pl.len())))


def merge(tallies: Sequence[pl.DataFrame], kind: Sequence[str] = KIND) -> pl.DataFrame:
    return (
        pl.concat(tallies)
        .group_by(*kind, "host", "part")
        .agg(pl.col("lines").sum(), pl.col("first").min())
    )


def signs(cells: pl.DataFrame, usual: Usual | None) -> pl.DataFrame:
    """Per (template_id, level): lines, how often and where, and each of WEIGHTS between 0 and 1."""
    hosts = cells["host"].drop_nulls().n_unique()
    placed = cells.select("template_id", "level", "host", "part", "lines")
    seen = cells.group_by("template_id").agg(
        pl.col("template").sort_by("first").first(),
        pl.col("lines").sum().alias("count"),
        pl.col("host").n_unique().alias("hosts"),
        pl.col("host").sort_by("first").first().alias("host"),
    )
    seen = seen.with_columns(pl.col("template_id", "template", "host").cast(pl.String))
    total = int(cells["lines"].sum())
    seen = seen.join(spread(placed), on="template_id").with_columns(
        new=pl.lit(0.0) if usual is None else newness(usual),
        rare=rarity(total if usual is None else usual.total, usual),
        alone=loneliness(hosts),
        burst=suddenness(),
    )
    kinds = cells.group_by("template_id", "level").agg(pl.col("lines").sum())
    kinds = kinds.with_columns(pl.col("template_id", "level").cast(pl.String))
    joined = with_severity(kinds.join(seen, on="template_id"), placed)
    joined = joined.join(company(placed, joined, hosts), on="template_id")
    return joined.with_columns(
        sudden=pl.col("burst") * (MILD + (1.0 - MILD) * pl.col("severe")),
        company=pl.col("company") * pl.max_horizontal("new", "rare"),
    )


def spread(placed: pl.DataFrame) -> pl.DataFrame:
    """Template_id, spread: in how many stretches it is, of those where chance would put it."""
    stretch = (pl.col("part") // PARTS).n_unique().cast(pl.Float64)
    count = pl.col("lines").sum().cast(pl.Float64)
    likely = STRETCHES * (1.0 - (1.0 - 1.0 / STRETCHES) ** count)
    most = max(1, placed.select((pl.col("part") // PARTS).n_unique()).item())
    expected = pl.min_horizontal(likely, pl.lit(float(most)))
    found = placed.group_by("template_id").agg(spread=(stretch / expected).clip(0.0, 1.0))
    return found.with_columns(pl.col("template_id").cast(pl.String))


def suddenness() -> pl.Expr:
    """Near 1 where many lines of a template come at once, 0 where they come all the time."""
    count = pl.col("count").cast(pl.Float64)
    return (1.0 - pl.col("spread")) * count / (count + SEVERAL)


def newness(usual: Usual) -> pl.Expr:
    """1 for a template that the history never had, less where it had as many of that kind itself.

    Templates that it had once, of all its lines, are how likely the next line is one never seen
    (Good, 1953); what so many lines are expected to bring anew is no news.
    """
    once = sum(1 for count in usual.counts.values() if count == 1)
    new = ~pl.col("template_id").is_in(list(usual.counts))
    expected = once / max(usual.total, 1) * pl.col("count").sum()
    share = (1.0 - expected / new.sum().clip(lower_bound=1)).clip(LEAST_NEW, 1.0)
    return pl.when(new).then(share).otherwise(0.0)


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


def marked(kinds: pl.DataFrame) -> pl.DataFrame:
    """What each kind says of trouble: template_id, level, mark and degree (0 to 1).

    A mark is a word of its template, or its level.
    """
    key = ["template_id", "level"]
    words = said(kinds.select("template_id", "template").unique("template_id"))
    spoken = kinds.select(key).join(words, on="template_id")
    degree = pl.col("level").replace_strict(SEVERE_LEVELS, default=None, return_dtype=pl.Float64)
    levels = kinds.select(*key, mark=pl.concat_str(pl.lit("level "), "level"), degree=degree)
    return pl.concat([spoken, levels.drop_nulls("degree")])


def usually(placed: pl.DataFrame, marks: pl.DataFrame) -> pl.DataFrame:
    """Mark, usual: the share of lines with it in the median stretch.

    Half of the stretches may be full of a fault without making its words usual.
    """
    key = ["template_id", "level"]
    stretches = placed.with_columns(
        pl.col(key).cast(pl.String), stretch=pl.col("part") // PARTS
    ).select(*key, "stretch", "lines")
    cells = stretches.group_by(*key, "stretch").agg(len=pl.col("lines").sum().cast(pl.Float64))
    whole = cells.group_by("stretch").agg(whole=pl.col("len").sum())
    having = cells.join(marks.select(*key, "mark"), on=key, nulls_equal=True)
    had = having.group_by("mark", "stretch").agg(had=pl.col("len").sum())
    every = marks.select("mark").unique().join(whole, how="cross")
    shares = every.join(had, on=["mark", "stretch"], how="left").with_columns(
        share=pl.col("had").fill_null(0.0) / pl.col("whole")
    )
    return shares.group_by("mark").agg(usual=pl.col("share").median())


def gravity(marks: pl.DataFrame) -> pl.DataFrame:
    """Template_id, level: words and degree (of the level), less where a mark is usual here."""
    by_level = pl.col("mark").str.starts_with("level ")
    worth = pl.col("degree") * (1.0 - pl.col("usual")) ** DAILY
    return (
        marks.with_columns(worth=worth)
        .group_by("template_id", "level")
        .agg(
            words=1.0 - (1.0 - pl.col("worth").filter(~by_level)).product(),
            degree=pl.col("worth").filter(by_level).sum(),
        )
    )


def with_severity(kinds: pl.DataFrame, placed: pl.DataFrame) -> pl.DataFrame:
    """Adds severe, by level or words; what comes at a steady rate all the time weighs less."""
    key = ["template_id", "level"]
    marks = marked(kinds)
    told = gravity(marks.join(usually(placed, marks), on="mark"))
    told = kinds.join(told, on=key, how="left", nulls_equal=True, maintain_order="left")
    count = pl.col("count").cast(pl.Float64)
    steady = (2.0 * pl.col("spread") - 1.0).clip(0.0, 1.0) * count / (count + 3.0 * SEVERAL)
    return told.with_columns(pl.col("degree", "words").fill_null(0.0)).with_columns(
        severe=pl.max_horizontal("degree", "words") * (1.0 - ROUTINE * steady)
    )


def company(placed: pl.DataFrame, kinds: pl.DataFrame, hosts: int) -> pl.DataFrame:
    """Template_id, company: how far its lines stand among others that are severe and not steady.

    1 where all lines around it, on its host and in its part of the file, are such.
    """
    ordinary = (1.0 - pl.col("new")) * (1.0 - pl.col("rare")) * (1.0 - pl.col("burst"))
    weight = (1.0 - ordinary) * pl.col("severe")
    bad = kinds.group_by("template_id").agg(bad=(weight.max() >= TROUBLE).cast(pl.Float64))
    key = ["host", "part"] if hosts >= MIN_HOSTS else ["part"]
    cells = placed.group_by("template_id", *key).agg(pl.col("lines").sum().cast(pl.Float64))
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


def flagged(scored: pl.DataFrame) -> pl.DataFrame:
    """Adds anomalous and whole: what is flagged of each kind, within what people can read.

    The odd kinds, the oddest first, are flagged by a line each until BUDGET of the lines is spent;
    what is left of it goes to all lines of a kind. Kinds that are sure are flagged whole beside it.
    """
    ordered = scored.sort(
        "score", "lines", "template_id", "level", descending=[True, False, False, False]
    )
    left = max(FEW, int(BUDGET * float(scored["lines"].sum())))
    odd = (pl.col("score") >= ANOMALOUS) & ((pl.col("new") > 0) | ~common())
    said = odd & (odd.cum_sum() <= left)
    ordered = ordered.with_columns(anomalous=said | (pl.col("score") >= SURE) & odd)
    free = left - int(ordered["anomalous"].sum())
    rest = pl.when("anomalous").then(pl.col("lines").cast(pl.Int64) - 1).otherwise(0)
    return ordered.with_columns(
        whole=pl.col("anomalous") & ((rest.cum_sum() <= free) | (pl.col("score") >= SURE))
    )


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
    said_so = pl.when(pl.col("degree") >= pl.col("words")).then("level")
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
        pl.when(pl.col("anomalous") & ~pl.col("whole")).then(
            pl.format("one of {} such lines", "lines")
        ),
    ]
    text = pl.concat_str(spoken, separator="; ", ignore_nulls=True)
    return pl.when(text == "").then(pl.lit("unremarkable")).otherwise(text)
