"""How odd it is of each session to have each template so often, or not at all.

A session is the multiset of its templates. A template in it is unlikely where few sessions have it,
or where few that have it have it so often; a template missing from it where nearly all have it.
The worst of these decides: faults come with many templates at once, so adding them up would count
one fact many times. How often a template usually varies is taken off, so that what comes 2 to 20
times in a healthy session is not odd for coming 15 times.

Score: 1 less the share of learnt sessions whose least likely fact is as unlikely. Odd where that
fact holds for fewer than RARE of the sessions, a threshold chosen without labels. What is learnt is
how many sessions have each template how often. Cost: a sort of each part's events.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from biglog.findings import calibrate
from biglog.findings.keys import Ints, Tally, paired, parted
from biglog.findings.sessionparts import Part

PRIOR = 20.0
"""Sessions' worth of history in the share of today's sessions, so that few do not decide."""
MOST_ABSENT = 200
"""Templates that a session may be missing; the surest are kept."""
SAID = 3
TELLING = 0.6
"""Share of the worst fact's surprise above which another fact is told beside it."""
SHOWN = 160
"""Characters of a template in a reason."""

Floats = npt.NDArray[np.float64]


class Counted:
    """How many sessions have each template so often."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.sessions = 0

    def add(self, part: Part) -> None:
        _, kind, times = cells(part)
        self.tally.add(paired(kind, times))
        self.sessions += part.height

    def table(self) -> pl.DataFrame:
        """Kind, n and had: the sessions that have it so often; sorted."""
        self.tally.done()
        kind, times = parted(self.tally.keys)
        return pl.DataFrame({"kind": kind, "n": times, "had": self.tally.counts})


def cells(part: Part) -> tuple[Ints, Ints, Ints]:
    """How often each session has each template: session, kind, times; by session."""
    keys, times = np.unique(paired(part.session, part.kinds), return_counts=True)
    return *parted(keys), times


@dataclass(frozen=True)
class Model:
    """How unlikely each fact is.

    ``kinds`` has a row a template: share and usual of having it, rank (of its id by letters) and
    pattern; ``often`` the excess of a kind and n, sorted by its key;
    ``missing`` a row a template that a session may lack: kind, share, usual and surprise.
    """

    kinds: pl.DataFrame
    often: pl.DataFrame
    missing: pl.DataFrame


def model(today: Counted, past: Counted | None, patterns: pl.DataFrame, ranks: Ints) -> Model:
    """``patterns`` has code and template, ``ranks`` are by code."""
    here = today.table()
    known, learnt = (here, today) if past is None else (past.table(), past)
    both = here if past is None else added(here, known)
    total = learnt.sessions + (past is not None)
    having = known.group_by("kind").agg(having=pl.col("had").sum())
    named = patterns.select(kind=pl.col("code").cast(pl.Int64), pattern="template")
    kinds = (
        pl.DataFrame({"kind": pl.int_range(len(ranks), eager=True), "rank": ranks})
        .join(having, on="kind", how="left", maintain_order="left")
        .join(medians(both), on="kind", how="left", maintain_order="left")
        .join(named, on="kind", how="left", maintain_order="left")
        .with_columns(share=(pl.col("having").fill_null(0) - 0.5).abs() / total)
    )
    lacked = usually_there(here, today.sessions, None if past is None else known, learnt.sessions)
    return Model(kinds, repetitions(both), surest(lacked, kinds))


def added(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    both = pl.concat([one, other]).group_by("kind", "n").agg(pl.col("had").sum())
    return both.sort("kind", "n")


def medians(table: pl.DataFrame) -> pl.DataFrame:
    """Kind, usual: the median of how often sessions have it that do."""
    whole = pl.col("had").sum()
    at_most = pl.col("had").cum_sum()
    low = pl.col("n").filter(at_most > (whole - 1) // 2).first()
    high = pl.col("n").filter(at_most > whole // 2).first()
    return table.group_by("kind", maintain_order=True).agg(usual=(low + high) / 2)


def repetitions(counts: pl.DataFrame) -> pl.DataFrame:
    """How unlikely each count of a template is among sessions that have it: kind, n and excess.

    Both tails count. Twice the template's own mean surprise is taken off as its usual variation,
    and a count is nothing within as much again of what nearly all have, by the logarithm.
    """
    whole = pl.col("had").sum().over("kind")
    at_most = pl.col("had").cum_sum().over("kind")
    tail = pl.min_horizontal(at_most, whole - at_most + pl.col("had"))
    unlikely = -(2.0 * (tail + 0.5) / (whole + 1)).clip(upper_bound=1.0).log()
    rated = counts.with_columns(unlikely=unlikely, whole=whole, beyond=beyond(at_most / whole))
    mean = (pl.col("unlikely") * pl.col("had")).sum().over("kind") / pl.col("whole")
    excess = (pl.col("unlikely") - 2.0 * mean).clip(lower_bound=0.0) * pl.col("beyond")
    return rated.select("kind", "n", excess=excess)


def beyond(at_most: pl.Expr) -> pl.Expr:
    """Whether a count is as far again from what nearly all have as that is from the median."""
    count = pl.col("n").cast(pl.Float64)
    low, middle, high = (
        count.filter(at_most >= share).min().over("kind")
        for share in (calibrate.RARE, 0.5, 1.0 - calibrate.RARE)
    )
    return (count * middle > high * high) | (count * middle < low * low)


def usually_there(
    today: pl.DataFrame, here: int, past: pl.DataFrame | None, before: int
) -> pl.DataFrame:
    """For each template that a session may lack, how unlikely that is: kind, share and surprise.

    ``here`` and ``before`` are how many sessions there are. With a history, today's own share
    weighs as much as the history's: files end while sessions are open, and what a third of them
    lack tonight is the night's habit, not each session's fault.
    """
    known = today if past is None else past
    lacking = known.group_by("kind").agg((before - pl.col("had").sum()).alias("lacking"))
    lacking = lacking.join(medians(known), on="kind")
    if past is None:
        share = (pl.col("lacking") - 0.5).clip(lower_bound=0.5) / before
    else:
        now = today.group_by("kind").agg((here - pl.col("had").sum()).alias("now"))
        lacking = lacking.join(now, on="kind", how="left")
        then = (pl.col("lacking") + 0.5) / (before + 1)
        others = (pl.col("now").fill_null(here) - 1).clip(lower_bound=0)
        share = (then + (others + PRIOR * then) / (here - 1 + PRIOR)) / 2
    return lacking.select("kind", "usual", share=share, surprise=-share.log())


def surest(lacked: pl.DataFrame, kinds: pl.DataFrame) -> pl.DataFrame:
    wanted = lacked.filter(pl.col("surprise") > math.log(2)).join(
        kinds.select("kind", "rank"), on="kind"
    )
    return wanted.sort("surprise", "rank", descending=[True, False]).head(MOST_ABSENT)


@dataclass(frozen=True)
class Facts:
    """What is unlikely of a part's sessions, in no order."""

    session: Ints
    kind: Ints
    times: Ints  # 0 where a template is missing
    surprise: Floats


def facts(part: Part, known: Model) -> Facts:
    session, kind, times = cells(part)
    often = paired(known.often["kind"].to_numpy(), known.often["n"].to_numpy())
    excess = known.often["excess"].to_numpy()[np.searchsorted(often, paired(kind, times))]
    having = known.kinds["share"].log().to_numpy()
    lacks, what = np.nonzero(~has(part.height, session, kind, known))
    lacked = known.missing["kind"].to_numpy()[what]
    return Facts(
        np.concatenate([session, lacks]),
        np.concatenate([kind, lacked]),
        np.concatenate([times, np.zeros_like(lacked)]),
        np.concatenate([excess - having[kind], known.missing["surprise"].to_numpy()[what]]),
    )


def has(height: int, session: Ints, kind: Ints, known: Model) -> npt.NDArray[np.bool_]:
    """Which session has which of the templates that it may be missing."""
    place = np.full(known.kinds.height, -1)
    place[known.missing["kind"].to_numpy()] = np.arange(known.missing.height)
    wanted = place[kind] >= 0
    found = np.zeros((height, known.missing.height), np.bool_)
    found[session[wanted], place[kind[wanted]]] = True
    return found


def surprises(part: Part, found: Facts) -> Floats:
    """Of each session that of its least likely fact."""
    worst = np.full(part.height, -np.inf)
    np.maximum.at(worst, found.session, found.surprise)
    return np.where(np.isneginf(worst), 0.0, worst)


def told(found: Facts, worst: Floats, known: Model) -> pl.Series:
    """Of each session its least likely facts in words; null where none is worth telling."""
    telling = np.flatnonzero(
        found.surprise >= np.maximum(TELLING * worst[found.session], math.log(4))
    )
    rank = known.kinds["rank"].to_numpy()[found.kind[telling]]
    order = telling[np.lexsort((rank, -found.surprise[telling], found.session[telling]))]
    session = found.session[order]
    place = np.arange(len(order)) - np.searchsorted(session, session)
    keys, where = np.unique(paired(found.kind[order], found.times[order]), return_inverse=True)
    said = words(*parted(keys), known)
    columns = []
    for n in range(SAID):
        at = place == n
        row = np.full(len(worst), -1)
        row[session[at]] = where[at]
        columns.append(said.gather(pl.Series(row).replace(-1, None)).alias(str(n)))
    joined = pl.DataFrame(columns).select(
        pl.concat_str(pl.all(), separator="; ", ignore_nulls=True).alias("said")
    )["said"]
    some = np.zeros(len(worst), np.bool_)
    some[session] = True
    return joined.to_frame().select(pl.when(pl.Series(some)).then("said")).to_series()


def words(kind: Ints, times: Ints, known: Model) -> pl.Series:
    """Facts, each by its template and how often it comes."""
    lacked = known.missing.select("kind", lacked="share", wont="usual")
    rows = pl.DataFrame({"kind": kind, "n": times}).join(
        known.kinds, on="kind", how="left", maintain_order="left"
    ).join(lacked, on="kind", how="left", maintain_order="left")  # fmt: skip
    none = pl.col("n") == 0
    rows = rows.with_columns(
        share=pl.when(none).then("lacked").otherwise("share"),
        usual=pl.when(none).then("wont").otherwise("usual"),
    )
    pattern = pl.col("pattern").str.head(SHOWN)
    percent = (100 * pl.col("share")).round(2)
    often = pl.when(pl.col("n") == 1).then(pl.lit("once")).otherwise(pl.format("{} times", "n"))
    usual = pl.col("usual").round(0).cast(pl.Int64)
    return rows.select(
        pl.when(none)
        .then(
            pl.format(
                "missing, though {} % of sessions have it: {}", (100 - percent).round(2), pattern
            )
        )
        .when((pl.col("share") < calibrate.RARE) | (pl.col("n") == usual))
        .then(pl.format("{}, and only {} % of sessions have it: {}", often, percent, pattern))
        .otherwise(pl.format("{} (usually {}): {}", often, usual, pattern))
    ).to_series()


def judged(
    here: Floats, learnt: Floats, sessions: int, *, alone: bool
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Score and whether odd, of surprises among those of so many learnt sessions."""
    return 1.0 - calibrate.tail(here, learnt), here >= threshold(here, sessions, alone=alone)


def threshold(surprise: Floats, sessions: int, *, alone: bool) -> float:
    """The surprise from which a session is odd."""
    least = calibrate.bar(sessions)
    if alone and len(surprise):
        common = float(np.quantile(surprise, 1.0 - calibrate.MOST_ODD, method="lower"))
        least = max(least, math.nextafter(common, math.inf))
    return least
