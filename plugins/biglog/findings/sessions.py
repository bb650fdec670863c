"""How odd each session is: the least likely thing about how often it has each template.

A session is the multiset of its templates. A template in it is unlikely where few sessions have it,
or where few that have it have it so often; a template missing from it where nearly all have it.
The worst of these decides: faults come with many templates at once, so adding them up would count
one fact many times. How often a template usually varies is taken off, so that what comes 2 to 20
times in a healthy session is not odd for coming 15 times.
"""

from __future__ import annotations

import math

import polars as pl

RARE = 0.02
"""A session is odd where its least likely fact holds for fewer sessions than this share."""
MOST_ODD = 0.2
"""Without a history, what more than this share of sessions are is how sessions are."""
PRIOR = 20.0
"""Sessions' worth of history in the share of today's sessions, so that few do not decide."""
MOST_ABSENT = 200
"""Templates that a session may be missing; the surest are kept."""
SAID = 3
TELLING = 0.6
"""Share of the worst fact's surprise above which another fact is told beside it."""
SHOWN = 160
"""Characters of a template in a reason."""


def score_sessions(
    lines: pl.DataFrame, history: pl.DataFrame | None, *, first: int = 0
) -> pl.DataFrame:
    """A row per session in order of appearance: session, score, anomalous, reason, events.

    Both frames have session, template_id and template, a row a line in order. ``first`` > 0 judges
    each session, and learns, on its first so many events only. A score of .5 is the threshold.
    """
    today = counted(lines, first)
    past = None if history is None else counted(history, first)
    facts = pl.concat([present(today, past), absent(today, past)])
    patterns = lines if history is None else pl.concat([lines, history], how="diagonal")
    worst = judged(facts, names(patterns))
    order = lines.group_by("session", maintain_order=True).agg(
        (pl.len().clip(upper_bound=first) if first else pl.len()).alias("events")
    )
    scored = order.join(worst, on="session", how="left", maintain_order="left")
    bar = threshold(scored["surprise"].fill_null(0.0), today if past is None else past, past)
    if first:
        scored = graded_by_order(scored, (lines, history), first, bar)
    return scored.select("session", *verdict(bar), "events")


def names(lines: pl.DataFrame) -> pl.DataFrame:
    """Each template's pattern, once."""
    patterns = lines.select("template_id", "template").unique("template_id")
    return patterns.with_columns(pl.col("template").cast(pl.String))


def counted(lines: pl.DataFrame, first: int) -> pl.DataFrame:
    """How often each session has each template: session, template_id, n."""
    rows = lines.select("session", "template_id")
    if first:
        rows = rows.filter(pl.int_range(pl.len()).over("session") < first)
    return rows.group_by("session", "template_id").agg(pl.len().alias("n"))


def sessions_in(cells: pl.DataFrame) -> int:
    return cells["session"].n_unique()


def present(today: pl.DataFrame, past: pl.DataFrame | None) -> pl.DataFrame:
    """For each template a session has: how unlikely it is to have it, and to have it so often."""
    learnt = today if past is None else past
    total = sessions_in(learnt)
    having = learnt.group_by("template_id").agg(pl.len().alias("having"))
    cells = today.join(having, on="template_id", how="left").with_columns(
        share=(pl.col("having").fill_null(0) - 0.5).abs() / (total + (past is not None))
    )
    both = today if past is None else pl.concat([today, past])
    return cells.join(repetitions(both), on=["template_id", "n"]).select(
        "session",
        "template_id",
        "n",
        "share",
        pl.col("median").alias("usual"),
        (pl.col("excess") - pl.col("share").log()).alias("surprise"),
    )


def repetitions(cells: pl.DataFrame) -> pl.DataFrame:
    """How unlikely each count of a template is among sessions that have it: excess and median.

    Both tails count. Twice the template's own mean surprise is taken off as its usual variation.
    """
    counts = cells.group_by("template_id", "n").agg(pl.len().alias("had")).sort("template_id", "n")
    whole = pl.col("had").sum().over("template_id")
    at_most = pl.col("had").cum_sum().over("template_id")
    tail = pl.min_horizontal(at_most, whole - at_most + pl.col("had"))
    unlikely = -(2.0 * (tail + 0.5) / (whole + 1)).clip(upper_bound=1.0).log()
    medians = cells.group_by("template_id").agg(pl.col("n").median().alias("median"))
    rated = counts.with_columns(unlikely=unlikely, whole=whole)
    mean = (pl.col("unlikely") * pl.col("had")).sum().over("template_id") / pl.col("whole")
    excess = (pl.col("unlikely") - 2.0 * mean).clip(lower_bound=0.0)
    return rated.select("template_id", "n", excess=excess).join(medians, on="template_id")


def absent(today: pl.DataFrame, past: pl.DataFrame | None) -> pl.DataFrame:
    """For each template a session lacks: how unlikely that is.

    With a history, today's own share weighs as much as the history's: files end while sessions are
    open, and what a third of them lack tonight is the night's habit, not each session's fault.
    """
    usual = usually_there(today, past).filter(pl.col("surprise") > math.log(2))
    wanted = usual.sort("surprise", "template_id", descending=[True, False]).head(MOST_ABSENT)
    every = today.select("session").unique().join(wanted, how="cross")
    return every.join(today, on=["session", "template_id"], how="anti").select(
        "session",
        "template_id",
        pl.lit(0, pl.get_index_type()).alias("n"),
        "share",
        "usual",
        "surprise",
    )


def usually_there(today: pl.DataFrame, past: pl.DataFrame | None) -> pl.DataFrame:
    here = sessions_in(today)
    known = today if past is None else past
    total = sessions_in(known)
    lacking = known.group_by("template_id").agg(
        (total - pl.len()).alias("lacking"), pl.col("n").median().alias("usual")
    )
    if past is None:
        share = (pl.col("lacking") - 0.5).clip(lower_bound=0.5) / total
    else:
        now = today.group_by("template_id").agg((here - pl.len()).alias("now"))
        lacking = lacking.join(now, on="template_id", how="left")
        before = (pl.col("lacking") + 0.5) / (total + 1)
        others = (pl.col("now").fill_null(here) - 1).clip(lower_bound=0)
        share = (before + (others + PRIOR * before) / (here - 1 + PRIOR)) / 2
    return lacking.select("template_id", "usual", share=share, surprise=-share.log())


def judged(facts: pl.DataFrame, patterns: pl.DataFrame) -> pl.DataFrame:
    """The worst fact of each session, and in words those that come near it."""
    worst = facts.group_by("session").agg(pl.col("surprise").max().alias("worst"))
    telling = facts.join(worst, on="session").filter(
        pl.col("surprise") >= pl.max_horizontal(TELLING * pl.col("worst"), math.log(4))
    )
    ordered = telling.sort("surprise", "template_id", descending=[True, False])
    first = ordered.group_by("session", maintain_order=True).head(SAID)
    spoken = first.join(patterns, on="template_id", how="left", maintain_order="left")
    said = spoken.group_by("session", maintain_order=True).agg(words().str.join("; ").alias("said"))
    return worst.rename({"worst": "surprise"}).join(said, on="session", how="left")


def words() -> pl.Expr:
    pattern = pl.col("template").str.head(SHOWN)
    percent = (100 * pl.col("share")).round(2)
    times = pl.when(pl.col("n") == 1).then(pl.lit("once")).otherwise(pl.format("{} times", "n"))
    usual = pl.col("usual").round(0).cast(pl.Int64)
    return (
        pl.when(pl.col("n") == 0)
        .then(
            pl.format(
                "missing, though {} % of sessions have it: {}", (100 - percent).round(2), pattern
            )
        )
        .when((pl.col("share") < RARE) | (pl.col("n") == usual))
        .then(pl.format("{}, and only {} % of sessions have it: {}", times, percent, pattern))
        .otherwise(pl.format("{} (usually {}): {}", times, usual, pattern))
    )


def threshold(surprises: pl.Series, learnt: pl.DataFrame, past: pl.DataFrame | None) -> float:
    """The surprise from which a session is odd; few sessions cannot show that a fact is rare."""
    bar = -math.log(min(max(RARE, 0.6 / max(1, sessions_in(learnt))), MOST_ODD))
    if past is None and len(surprises):
        common = float(surprises.quantile(1.0 - MOST_ODD, "lower") or 0.0)
        bar = max(bar, math.nextafter(common, math.inf))
    return bar


def graded_by_order(
    scored: pl.DataFrame, frames: tuple[pl.DataFrame, pl.DataFrame | None], first: int, bar: float
) -> pl.DataFrame:
    """Early on counts say little: below the threshold the order of the events grades sessions."""
    lines, history = frames
    here = beginnings(lines, first)
    learnt = here if history is None else beginnings(history, first)
    had = learnt.group_by("begins").agg(pl.len().alias("had"))
    rated = here.join(had, on="begins", how="left").select(
        "session", order=-((pl.col("had").fill_null(0) + 0.5) / (learnt.height + 1)).log()
    )
    joined = scored.join(rated, on="session", how="left", maintain_order="left")
    most = bar + math.log(2.0 * (learnt.height + 1))
    below = bar * (pl.col("surprise") + pl.col("order")).clip(0.0, most) / most
    odd = pl.col("surprise") >= bar
    return joined.with_columns(surprise=pl.when(odd).then("surprise").otherwise(below * 0.99))


def beginnings(lines: pl.DataFrame, first: int) -> pl.DataFrame:
    """The first templates of each session, in order."""
    return lines.group_by("session").agg(
        pl.col("template_id").head(first).cast(pl.String).str.join(" ").alias("begins")
    )


def verdict(bar: float) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    surprise = pl.col("surprise").fill_null(0.0)
    score = (1.0 - (-math.log(2) * surprise / bar).exp()).clip(0.0, 1.0).round(4)
    said = pl.col("said").fill_null("as usual")
    return score.alias("score"), (surprise >= bar).alias("anomalous"), said.alias("reason")
