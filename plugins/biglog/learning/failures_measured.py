"""Which windows come before a failure, in parts by time; and how well scores tell them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from biglog.errors import BadInput
from biglog.findings.learned import choose
from biglog.learning.failures_told import SECOND, UNITS, Ahead, spell
from biglog.records import Labels, Scores

FIT, CHOOSE, TEST = "fit", "choose", "test"
LEARNT, CHOSEN = 0.6, 0.2
"""Shares of the failures, the earliest first, to learn from and to choose by; the rest tests."""
LEADS = ("lead_quarter", "lead_median", "lead_three_quarters")
"""Quartiles of the seconds from the first warning to the failure."""

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Parts:
    """Where the part that chooses begins, and where the one that tests does, microseconds."""

    choose: int
    test: int


def label(rows: pl.DataFrame, told: pl.DataFrame, look: Ahead, until: int) -> pl.DataFrame:
    """The rows with ``odd``: 1 where a failure of the host begins ahead, 0 where none does; and
    ``next``, when it begins (microseconds).

    Left out (null): windows that end in a failure or soon after one, those with one sooner than the
    lead, and those whose time ahead is not over at ``until``.
    """
    rows = rows.sort("at")
    before = rows.join_asof(
        told, left_on="at", right_on="begins", by="host", strategy="backward",
        check_sortedness=False,
    )  # fmt: skip
    ahead = told.select("host", next="begins", begins=pl.col("begins") - 1)
    both = before.drop("begins").join_asof(
        ahead, left_on="at", right_on="begins", by="host", strategy="forward",
        check_sortedness=False,
    )  # fmt: skip
    away = (pl.col("next") - pl.col("at")) / SECOND
    failing = (pl.col("at") - pl.col("ends")).fill_null(2**62) <= look.short * SECOND
    over = pl.col("at") + look.horizon * SECOND <= until
    odd = (
        pl.when(failing | (away <= look.lead).fill_null(False))
        .then(None)
        .when((away <= look.horizon).fill_null(False))
        .then(1)
        .when(over)
        .then(0)
    )
    return both.with_columns(odd=odd.cast(pl.Int64)).drop("begins", "ends").sort("end", "host")


def cut(told: pl.DataFrame, look: Ahead) -> Parts:
    """Where the parts begin. Failures close together, of whatever host, stay in one part.

    Raises BadInput with fewer than three such waves of failures: each part needs one.
    """
    begins = told["begins"].sort()
    apart = begins.diff() > 2 * look.horizon * SECOND
    first = np.flatnonzero(apart.fill_null(True).to_numpy())  # of each wave
    if len(first) < 3:
        raise BadInput(
            f"got {len(begins)} failures at {len(first)} times more than "
            f"{spell(2 * look.horizon)} apart, expected at least 3: one to learn from, one to "
            "choose by, one to test; give failures of a longer time, or a shorter --horizon"
        )
    shares = first / len(begins)
    one = int(np.clip(np.searchsorted(shares, LEARNT), 1, len(first) - 2))
    two = int(np.clip(np.searchsorted(shares, LEARNT + CHOSEN), one + 1, len(first) - 1))
    edges = [(begins[int(first[at]) - 1] + begins[int(first[at])]) // 2 for at in (one, two)]
    return Parts(edges[0], edges[1])


def part_of(rows: pl.DataFrame, parts: Parts, look: Ahead) -> pl.Series:
    """FIT, CHOOSE or TEST; empty where the time ahead of a window reaches into the next part."""
    far = pl.col("at") + look.horizon * SECOND
    named = (
        pl.when(far <= parts.choose)
        .then(pl.lit(FIT))
        .when((pl.col("at") >= parts.choose) & (far <= parts.test))
        .then(pl.lit(CHOOSE))
        .when(pl.col("at") >= parts.test)
        .then(pl.lit(TEST))
    )
    return rows.select(part=named.otherwise(pl.lit("")))["part"]


def bar_at(odd: Labels, scores: Scores, share: float) -> float:
    """A threshold that at most this share of the rows that are not odd reach.

    Of those that find as many odd rows as this share allows, the one that flags the fewest others;
    half way to the next lower score.
    """
    worst = np.sort(scores[odd == 0])[::-1]
    limit = float(worst[int(share * len(worst))])
    found = scores[(odd == 1) & (scores > limit)]
    if not len(found):
        return choose.clip(float(np.nextafter(limit, 2.0)))
    lowest = float(found.min())
    return choose.clip((lowest + float(scores[scores < lowest].max())) / 2)


def measure(
    rows: pl.DataFrame, scores: Scores, bar: float, told: pl.DataFrame, look: Ahead, share: float
) -> dict[str, float | int | None]:
    """Figures of one part: of windows, of failures, and of the time from first warning to failure.

    ``told`` are the part's failures. A failure counts as warned of where a window before it is at
    the threshold; ``seen`` are those that had a window before them at all.
    """
    odd, said = rows["odd"].to_numpy(), scores >= bar
    hits = int((said & (odd == 1)).sum())
    warned = leads(rows, said, look)
    quarters = np.quantile(warned, (0.25, 0.5, 0.75)) if len(warned) else [None] * 3
    return {
        "rows": rows.height,
        "odd": int(odd.sum()),
        "base_rate": rounded(float(odd.mean())),
        "precision": rounded(hits / int(said.sum())) if said.any() else None,
        "recall": rounded(hits / int(odd.sum())) if odd.any() else None,
        "false_positive_rate": rounded(float(said[odd == 0].mean())) if (odd == 0).any() else None,
        "failures": told.height,
        "seen": rows.filter(pl.col("odd") == 1).select("host", "next").n_unique(),
        "warned": len(warned),
        **{name: rounded(one) for name, one in zip(LEADS, quarters, strict=True)},
        "false_alarms_a_day": rounded(false_alarms(rows, said, look)),
        **rank(odd, scores, share),
    }


def rounded(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(float(value), 4)


def leads(rows: pl.DataFrame, said: Flags, look: Ahead) -> Scores:
    """Seconds from the first warning within the horizon to the failure, of each warned of."""
    warned = rows.filter(pl.Series(said) & (pl.col("odd") == 1))
    first = warned.group_by("host", "next").agg(pl.col("at").min())
    return ((first["next"] - first["at"]) / SECOND).sort().to_numpy()


def false_alarms(rows: pl.DataFrame, said: Flags, look: Ahead) -> float:
    """Runs of warnings before no failure, of all hosts together, a day of time watched."""
    wrong = rows.filter(pl.Series(said) & (pl.col("odd") == 0)).sort("host", "at")
    gap = pl.col("at").diff().over("host") > look.step * SECOND
    runs = int(wrong.select(gap.fill_null(True).sum()).item()) if wrong.height else 0
    days = rows["at"].n_unique() * look.step / UNITS["d"]
    return runs / days


def rank(odd: Labels, scores: Scores, share: float) -> dict[str, float | None]:
    """How well the order of the scores tells, whatever the threshold: AUROC, average precision, and
    recall where at most ``share`` of the rows that are not odd are flagged, equal scores together.
    """
    from scipy.stats import rankdata

    if not 0 < odd.sum() < len(odd):
        return {"auroc": None, "average_precision": None, "recall_at_share": None}
    ranks = rankdata(scores)
    ones, zeros = int(odd.sum()), int((odd == 0).sum())
    area = (ranks[odd == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros)
    first_not = np.sort(scores[odd == 0])[::-1][int(share * zeros)]
    return {
        "auroc": rounded(area),
        "average_precision": rounded(choose.average_precision(odd, scores, np.ones(len(odd)))),
        "recall_at_share": rounded(float((scores[odd == 1] > first_not).mean())),
    }


def plain(rows: pl.DataFrame) -> Mapping[str, Scores]:
    """What needs no learning, as scores: the trivial baselines."""
    recent = (UNITS["h"] - pl.col("failed")).clip(0.0).fill_null(0.0)
    found: dict[str, Any] = {
        "always the same": pl.lit(0.0),
        "a failure in the last hour": (recent > 0).cast(pl.Float64),
        "time since the last failure": pl.col("failed").fill_null(0.0),
        "lines of trouble in the window": pl.col("trouble").cast(pl.Float64),
        "lines in the window": pl.col("lines").cast(pl.Float64),
    }
    return {
        name: rows.select(pl.repeat(0.0, pl.len()) + one).to_series().to_numpy()
        for name, one in found.items()
    }
