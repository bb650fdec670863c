"""How odd it is of each session to have each template so often, or not at all.

A session is the multiset of its templates. A template in it is unlikely where few sessions have it,
or where few that have it have it so often; a template missing from it where nearly all have it.
The worst of these decides: faults come with many templates at once, so adding them up would count
one fact many times. How often a template usually varies is taken off, so that what comes 2 to 20
times in a healthy session is not odd for coming 15 times.

Score: 1 less the share of learnt sessions whose least likely fact is as unlikely. Odd where that
fact holds for fewer than RARE of the sessions, a threshold chosen without labels. Cost: group-bys
over distinct (session, template) pairs.
"""

from __future__ import annotations

import math

import polars as pl

from biglog.findings import calibrate

PRIOR = 20.0
"""Sessions' worth of history in the share of today's sessions, so that few do not decide."""
MOST_ABSENT = 200
"""Templates that a session may be missing; the surest are kept."""
SAID = 3
TELLING = 0.6
"""Share of the worst fact's surprise above which another fact is told beside it."""
SHOWN = 160
"""Characters of a template in a reason."""


def judge(here: pl.DataFrame, past: pl.DataFrame | None) -> pl.DataFrame:
    """Per session: session, score, odd and reason (null where no fact is worth telling).

    Both frames have session, template_id and template, a row an event.
    """
    today, learnt = counted(here), None if past is None else counted(past)
    rated = worst_facts(here, today, learnt)
    usual = rated if past is None or learnt is None else worst_facts(past, learnt, None)
    surprise, surprises = rated["surprise"], usual["surprise"].to_numpy()
    least = threshold(surprise, today if learnt is None else learnt, learnt)
    return rated.select(
        "session",
        pl.Series("score", 1.0 - calibrate.tail(surprise.to_numpy(), surprises)),
        (pl.col("surprise") >= least).alias("odd"),
        pl.col("said").alias("reason"),
    )


def worst_facts(
    lines: pl.DataFrame, today: pl.DataFrame, past: pl.DataFrame | None
) -> pl.DataFrame:
    """Session, surprise and said, in order of appearance."""
    facts = pl.concat([present(today, past), absent(today, past)])
    worst = judged(facts, names(lines))
    order = lines.select("session").unique(maintain_order=True)
    return order.join(worst, on="session", how="left", maintain_order="left").with_columns(
        pl.col("surprise").fill_null(0.0)
    )


def names(lines: pl.DataFrame) -> pl.DataFrame:
    """Each template's pattern, once."""
    patterns = lines.select("template_id", "template").unique("template_id")
    return patterns.with_columns(pl.col("template").cast(pl.String))


def counted(lines: pl.DataFrame) -> pl.DataFrame:
    """How often each session has each template: session, template_id, n."""
    return lines.group_by("session", "template_id").agg(pl.len().alias("n"))


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

    Both tails count. Twice the template's own mean surprise is taken off as its usual variation,
    and a count is nothing within as much again of what nearly all have, by the logarithm.
    """
    counts = cells.group_by("template_id", "n").agg(pl.len().alias("had")).sort("template_id", "n")
    whole = pl.col("had").sum().over("template_id")
    at_most = pl.col("had").cum_sum().over("template_id")
    tail = pl.min_horizontal(at_most, whole - at_most + pl.col("had"))
    unlikely = -(2.0 * (tail + 0.5) / (whole + 1)).clip(upper_bound=1.0).log()
    medians = cells.group_by("template_id").agg(pl.col("n").median().alias("median"))
    rated = counts.with_columns(unlikely=unlikely, whole=whole, beyond=beyond(at_most / whole))
    mean = (pl.col("unlikely") * pl.col("had")).sum().over("template_id") / pl.col("whole")
    excess = (pl.col("unlikely") - 2.0 * mean).clip(lower_bound=0.0) * pl.col("beyond")
    return rated.select("template_id", "n", excess=excess).join(medians, on="template_id")


def beyond(at_most: pl.Expr) -> pl.Expr:
    """Whether a count is as far again from what nearly all have as that is from the median."""
    count = pl.col("n").cast(pl.Float64)
    low, middle, high = (
        count.filter(at_most >= share).min().over("template_id")
        for share in (calibrate.RARE, 0.5, 1.0 - calibrate.RARE)
    )
    return (count * middle > high * high) | (count * middle < low * low)


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
        .when((pl.col("share") < calibrate.RARE) | (pl.col("n") == usual))
        .then(pl.format("{}, and only {} % of sessions have it: {}", times, percent, pattern))
        .otherwise(pl.format("{} (usually {}): {}", times, usual, pattern))
    )


def threshold(surprises: pl.Series, learnt: pl.DataFrame, past: pl.DataFrame | None) -> float:
    """The surprise from which a session is odd."""
    least = calibrate.bar(sessions_in(learnt))
    if past is None and len(surprises):
        common = float(surprises.quantile(1.0 - calibrate.MOST_ODD, "lower") or 0.0)
        least = max(least, math.nextafter(common, math.inf))
    return least
