"""What services say otherwise than usual, and how long they take, while an incident lasts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl
import pyarrow as pa

from biglog.incidents.episodes import Episode
from biglog.incidents.localise import LESS, LINES, MORE, long_waits, oddest, shares
from biglog.records import BUCKET_MINUTES, Day, History, Template

Traced = Callable[[datetime, datetime], tuple[pl.DataFrame, pl.DataFrame]]
"""Start and end of a window to LINES of its requests, and of earlier ones to judge them by."""
BUCKET = timedelta(minutes=BUCKET_MINUTES)
DAY = timedelta(days=1)
LONGEST = timedelta(hours=1)
"""An incident is looked at from its start; what follows later is rather its consequences."""
AROUND = timedelta(hours=1)
"""So much earlier and later on other nights still counts as the same time of night."""
HERE = 0.5
"""Share of all oddness of a sign from which it is the service's own."""
FAR = 3.0
"""Times as often, or as rarely, as usual."""
FEWEST = 5
"""Lines that have come, or should have, before any share of them is told."""
SLOW = 3.0
"""Strength of a service's long waits from which they are told, in standard errors."""
QUOTED = 60


@dataclass(frozen=True, slots=True)
class Changed:
    """One sign of a service that changed more than all others; value is its share, 0 to 1."""

    service: str
    sign: str
    value: float
    words: str


def nothing(_start: datetime, _end: datetime) -> tuple[pl.DataFrame, pl.DataFrame]:
    """No requests are known."""
    return pl.DataFrame(schema=LINES), pl.DataFrame(schema=LINES)


def changed(
    group: Sequence[Episode], day: Day, history: History, traced: Traced
) -> tuple[Changed, ...]:
    """The service that each sign speaks of, where it speaks of one far more than of others."""
    start = min(e.started_at for e in group)
    end = max(e.ended_at for e in group)
    end = min(max(end, start + BUCKET), start + LONGEST)
    return (*said_otherwise(day, history, start, end), *waited(*traced(start, end)))


def said_otherwise(day: Day, history: History, start: datetime, end: datetime) -> list[Changed]:
    """By counts of the same time on earlier nights; on the first night, by those before."""
    start = start - (start - datetime.min.replace(tzinfo=start.tzinfo)) % BUCKET
    tonight, window = frame(day.counts), end - start
    now = tonight.filter(pl.col("bucket").is_between(start, end, closed="left"))
    if history.dates:
        since = (pl.col("bucket") - (start - AROUND)).dt.total_seconds() % DAY.total_seconds()
        past = frame(history.counts).filter(since < (window + 2 * AROUND).total_seconds())
        part, nights = window / (window + 2 * AROUND), len(history.dates)
    else:
        past = tonight.filter(pl.col("bucket") < start)
        part, nights = window / BUCKET / max(1, past["bucket"].n_unique()), 1
    key = ["place", "template_id"]
    judged = oddest(counted(now), counted(past)).join(nightly(past, nights), on=key, how="left")
    often = pl.when("more").then(pl.col("was") / nights).otherwise(pl.col("middle").fill_null(0))
    judged = judged.with_columns(often=often * part)
    return [
        *told(judged.filter("more"), far_more, MORE, "often", day.templates),
        *told(judged.filter(~pl.col("more")), far_less, LESS, "rarely", day.templates),
    ]


def nightly(past: pl.DataFrame, nights: int) -> pl.DataFrame:
    """The median of a template's lines over the nights on which it came, if it came on most.

    What one bad night had many of is not missing on all others.
    """
    each = past.group_by("date", "template_id", place="service").agg(lines=pl.col("count").sum())
    found = each.group_by("place", "template_id").agg(pl.len(), middle=pl.col("lines").median())
    return found.filter(2 * pl.col("len") > nights).drop("len")


def frame(counts: pa.Table) -> pl.DataFrame:
    found = pl.from_arrow(counts)
    assert isinstance(found, pl.DataFrame)
    return found.filter(pl.col("service") != "")


def counted(counts: pl.DataFrame) -> pl.DataFrame:
    """As of ``localise.tally``: services are the places."""
    return counts.group_by("template_id", place="service").agg(lines=pl.col("count").sum())


# By its share of the service's lines and by the clock alike: the one rises when others are missing,
# the other when there is simply more to do.


def far_more(now: float, mean: float, often: float) -> bool:
    return now >= max(FEWEST, FAR * mean, FAR * often)


def far_less(now: float, mean: float, often: float) -> bool:
    return min(mean, often) >= max(FEWEST, FAR * now)


def told(
    judged: pl.DataFrame,
    is_far: Callable[[float, float, float], bool],
    sign: str,
    rate: str,
    templates: Mapping[str, Template],
) -> list[Changed]:
    """The service that shows most of the sign, if it is most, and if it is far off."""
    share = shares(dict(judged.select("place", "deviance").iter_rows()))
    found = []
    for place, key, now, mean, often in judged.select(
        "place", "template_id", "now", "mean", "often"
    ).iter_rows():
        if share[place] >= HERE and key in templates and is_far(now, mean, often):
            words = f"it says “{quoted(templates[key].pattern)}” far more {rate} than usual"
            words += ", and no other service is as odd in that"
            found.append(Changed(place, sign, share[place], words))
    return found


def quoted(pattern: str) -> str:
    """A template in short, without what divides the clauses of a reason."""
    line = re.sub(r"\s+", " ", pattern.replace("<*>", "…")).strip()
    line = line.translate(str.maketrans(";“”", ',""'))
    return line if len(line) <= QUOTED else line[: QUOTED - 1] + "…"


def waited(now: pl.DataFrame, past: pl.DataFrame) -> list[Changed]:
    """The service at which requests wait longest, against the usual, where several take part."""
    strengths = long_waits(now, past)
    share = shares(strengths)
    return [
        Changed(place, "waits", share[place], "requests wait longest at it, against their usual")
        for place, strength in strengths.items()
        if len(strengths) > 1 and share[place] >= HERE and strength >= SLOW
    ]
