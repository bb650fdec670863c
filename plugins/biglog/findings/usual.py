"""Places in lines whose values tonight lie outside what earlier nights had there.

A place is one wildcard of one template of one source. An earlier night is known by what was kept
of it: how many values, the largest, the median, and all of them where they are few. So the cost
grows with places and nights, not with lines.

Only numbers with a unit are judged (durations, sizes, percentages), and only sets of words or of
HTTP status codes: a bare number may be an id, a counter or a page, and a new one of those is no
news. A place needs a week of nights, one of them the same weekday as tonight: jobs have their days.
"""

from __future__ import annotations

from datetime import date as Date

import numpy as np
import polars as pl
from scipy import stats

LEAST_NIGHTS = 7
ENOUGH = 30  # numbers from which the reach of a place is known; a field needs three times as many
TWICE = 2.0  # times the largest of before, or of the median, from which a number is outside
SET_ASIDE_FROM = 5  # nights from which the worst one does not count: a fault hides no later one
NOISE = 0.1  # of a logarithm: nights that agree to the digit still differ by a tenth tomorrow
ROUNDED = 0.4  # where all agree, what was written may be rounded: 1 ms is up to half as much again
RISING = 0.8  # share of nights that went up, from which a number is one that grows
LEAP = 5.0  # times its largest step so far, from which a growing number is outside
FEW_WORDS = 8  # a set is closed where all its words, no more than these,
OFTEN = 10  # came so often each
CLOSED = 200  # in so many lines
WORD = r"^\p{L}[\p{L}_.\- ]{0,39}$"
STATUS = r"^[1-5][0-9][0-9]$"
BOOKKEEPING = ("id", "ip", "port", "hex", "time", "host", "user", "email", "redacted")

PLACE = ["source", "template_id", "slot"]
FIELD = ["source", "field"]
DOUBTFUL = 1e-3

SUSPECTS: dict[str, pl.DataType | type[pl.DataType]] = {
    "source": pl.String,
    "template_id": pl.String,
    "slot": pl.Int64,
    "way": pl.String,  # beyond, up, down or new
    "field": pl.String,  # what the words beside it say it is; empty where nothing
    "unit": pl.String,  # s, byte, %; empty for words
    "factor": pl.Float64,  # what a number there is to be multiplied by
    "limit": pl.Float64,  # values past it are outside; null for words
    "known": pl.List(pl.String),  # values that are not new; empty for numbers
    "usual": pl.Float64,  # the most of earlier nights, or their median; null for words
    "scope": pl.String,  # what it is compared with: place or field
    "nights": pl.Int64,
    "aside": pl.Int64,  # worse nights that were left out
    "median": pl.Float64,  # of tonight
    "numbers": pl.Int64,  # values of those nights
    "rate": pl.Float64,  # windows with such values that chance would bring tonight
    "p": pl.Float64,  # of a shifted median; null where windows decide
    "tests": pl.Int64,
}


def suspects(tonight: pl.DataFrame, past: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    """Places to look at closely: SUSPECTS, by source, template, slot and way.

    ``tonight`` and ``past`` are SUMMARIES; ``named`` has template_id, slot, field, factor and
    width (the wildcards of the template as it is now) of the places that are no ids.
    """
    here, before = (comparable(one, named) for one in (tonight, past))
    if here.is_empty() or before.is_empty():
        return pl.DataFrame(schema=SUSPECTS)
    date = str(here["date"][0])
    found = [beyond(here, before, date), shifted(here, before, date), opened(here, before, date)]
    return pl.concat(found).sort(*PLACE, "way")


def comparable(rows: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    """Without nights on which the template had another number of wildcards: its places moved."""
    width = pl.col("slot").max().over("source", "date", "template_id")
    found = rows.with_columns(width=width).join(named, on=["template_id", "slot", "width"])
    return found.with_columns(pl.col("field").fill_null(""))


def measured(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter((pl.col("unit") != "") & (pl.col("numbers") > 0) & (pl.col("maximum") > 0))


def beyond(here: pl.DataFrame, before: pl.DataFrame, date: str) -> pl.DataFrame:
    """Numbers past twice the most that their place had; of a place without a past, its field."""
    now, then = measured(here), measured(before)
    own = reach(then, [*PLACE, "unit"], date).filter(pl.col("numbers") >= ENOUGH)
    shared = then.filter(pl.col("field") != "").group_by(*FIELD, "unit", "date")
    fields = shared.agg(pl.col("numbers").sum(), pl.col("maximum").max())
    whole = reach(fields, [*FIELD, "unit"], date).filter(pl.col("numbers") >= 3 * ENOUGH)
    busy = now.group_by(*FIELD).agg(pl.col("numbers").sum().alias("field_now"))
    known = now.join(own, on=[*PLACE, "unit"], how="left", suffix="_own")
    known = known.join(whole, on=[*FIELD, "unit"], how="left", suffix="_field")
    known = known.join(busy, on=FIELD)
    mine = pl.col("most").is_not_null()
    known = known.with_columns(
        scope=pl.when(mine).then(pl.lit("place")).otherwise(pl.lit("field")),
        usual=pl.when(mine).then("most").otherwise("most_field"),
        nights=pl.when(mine).then("nights").otherwise("nights_field"),
        aside=pl.when(mine).then("aside").otherwise("aside_field"),
        seen=pl.when(mine).then("numbers_own").otherwise("numbers_field"),
        due=pl.when(mine).then("numbers").otherwise("field_now"),
    ).filter(pl.col("usual").is_not_null())
    outside = known.with_columns(limit=twice("usual"), tests=pl.len().cast(pl.Int64))
    outside = outside.filter(pl.col("maximum") > pl.col("limit"))
    outside = outside.join(growing(then, date), on=PLACE, how="left")
    leap = pl.col("maximum") - pl.col("usual") > LEAP * pl.col("step")
    outside = outside.filter(~pl.col("grows").fill_null(value=False) | leap)
    return as_suspects(outside, "beyond", rate=chance_windows())


def reach(rows: pl.DataFrame, key: list[str], date: str) -> pl.DataFrame:
    """The most of each key, and the nights and numbers behind it.

    One night in ten, at least one of five, is set aside, unless it was the same weekday.
    """
    same = same_weekday(date)
    sized = rows.with_columns(size=pl.len().over(key)).filter(same.any().over(key))
    size = pl.col("size")
    aside = pl.when(size >= SET_ASIDE_FROM).then(pl.max_horizontal(1, size // 10)).otherwise(0)
    rank = pl.col("maximum").rank("ordinal", descending=True)
    believed = pl.col("maximum").filter(rank > aside).max().over(key)
    kept = sized.filter((size >= LEAST_NIGHTS) & ((pl.col("maximum") <= believed) | same))
    return kept.group_by(key).agg(
        most=pl.col("maximum").max(),
        nights=pl.len().cast(pl.Int64),
        aside=(pl.col("size").first() - pl.len()).cast(pl.Int64),
        numbers=pl.col("numbers").sum(),
    )


def same_weekday(date: str) -> pl.Expr:
    weekday = Date.fromisoformat(date).isoweekday()
    return pl.col("date").str.to_date().dt.weekday() == weekday


def twice(usual: str) -> pl.Expr:
    """Twice as much; of a percentage no more than half of what is left to the whole."""
    doubled = TWICE * pl.col(usual)
    share = (pl.col("unit") == "%") & (pl.col(usual) <= 100)
    return (
        pl.when(share).then(pl.min_horizontal(doubled, 50 + pl.col(usual) / 2)).otherwise(doubled)
    )


def chance_windows() -> pl.Expr:
    """Windows past the limit to expect of a place that had none so far (Jeffreys: half a one)."""
    return 0.5 * pl.max_horizontal(1 / pl.col("nights"), pl.col("due") / pl.col("seen"))


def growing(rows: pl.DataFrame, date: str) -> pl.DataFrame:
    """Places whose numbers rise from night to night, with their largest step: uptimes, totals."""
    steps = pl.col("p50").diff().drop_nulls()
    return (
        rows.filter(pl.col("date") < date)
        .sort(*PLACE, "date")
        .group_by(PLACE, maintain_order=True)
        .agg(grows=(steps > 0).mean() >= RISING, step=steps.max())
    )


def shifted(here: pl.DataFrame, before: pl.DataFrame, date: str) -> pl.DataFrame:
    """Medians of a night far from those of earlier nights: a predictive t-test of logarithms."""
    same = same_weekday(date)
    log = pl.col("p50").log()
    then = measured(before).filter(pl.col("p50") > 0)
    noise = pl.when(pl.col("p50").n_unique() == 1).then(ROUNDED).otherwise(NOISE)
    usual = then.group_by(*PLACE, "unit").agg(
        middle=log.mean(),
        spread=pl.max_horizontal(log.std(), noise),
        likewise=log.filter(same).mean(),
        nights=pl.len().cast(pl.Int64),
        seen=pl.col("numbers").sum(),
    )
    usual = usual.filter((pl.col("nights") >= LEAST_NIGHTS) & pl.col("likewise").is_not_null())
    now = measured(here).filter(pl.col("p50") > 0).join(usual, on=[*PLACE, "unit"])
    now = now.with_columns(tests=pl.len().cast(pl.Int64), off=log - pl.col("middle"))
    today = log - pl.col("likewise")
    both = (pl.col("off") > 0) == (today > 0)
    least = pl.min_horizontal(pl.col("off").abs(), today.abs())
    moved = now.filter(both & (least >= np.log(TWICE))).join(growing(then, date), on=PLACE)
    moved = moved.filter(~pl.col("grows").fill_null(value=False))
    t = moved["off"].abs() / (moved["spread"] * (1 + 1 / moved["nights"]).sqrt())
    p = 2 * stats.t.sf(t.to_numpy(), moved["nights"].to_numpy() - 1)
    moved = moved.with_columns(
        p=pl.Series("p", p, dtype=pl.Float64),
        usual=pl.col("middle").exp(),
        limit=((pl.col("middle") + log) / 2).exp(),
        aside=pl.lit(0),
        scope=pl.lit("place"),
    ).filter(pl.col("p") < DOUBTFUL)
    rising = moved.filter(pl.col("off") > 0), moved.filter(pl.col("off") < 0)
    ways = zip(rising, ("up", "down"), strict=True)
    return pl.concat([as_suspects(rows, way, p=pl.col("p")) for rows, way in ways])


def opened(here: pl.DataFrame, before: pl.DataFrame, date: str) -> pl.DataFrame:
    """Places with a value tonight that is none of the few that stood there on all nights."""
    words = (pl.col("unit") == "") & ~pl.col("kind").is_in(BOOKKEEPING)
    told = before.with_columns(full=words & (pl.col("top") != ""))
    known = closed_sets(told, date).join(members(told), on=PLACE)
    now = here.filter(words).join(known, on=PLACE).with_columns(tests=pl.len().cast(pl.Int64))
    listed = known.explode("known").rename({"known": "value"})
    strangers = values_of(now).join(listed, on=[*PLACE, "value"], how="anti").select(PLACE).unique()
    more = now.filter(pl.col("distinct") > pl.col("known").list.len()).select(PLACE)
    fresh = now.join(pl.concat([strangers, more]).unique(), on=PLACE, how="semi")
    fresh = fresh.with_columns(due=pl.col("count"), scope=pl.lit("place"), aside=pl.lit(0))
    return as_suspects(fresh, "new", rate=chance_windows(), known=pl.col("known"))


def closed_sets(told: pl.DataFrame, date: str) -> pl.DataFrame:
    """Places of which all values of all nights are known: nights and lines (seen)."""
    sets = told.group_by(PLACE).agg(
        nights=pl.len().cast(pl.Int64),
        closed=pl.col("full").all() & same_weekday(date).any(),
        seen=pl.col("count").sum(),
    )
    return sets.filter(
        pl.col("closed") & (pl.col("nights") >= LEAST_NIGHTS) & (pl.col("seen") >= CLOSED)
    )


def members(told: pl.DataFrame) -> pl.DataFrame:
    """Places whose few values all came often, and are all words or all HTTP statuses: known."""
    counts = values_of(told).group_by(*PLACE, "value").agg(pl.col("times").sum())
    value = pl.col("value")
    statuses = value.str.contains(STATUS).all() & (value == "200").any()
    sets = counts.group_by(PLACE).agg(
        known=value.sort(),
        least=pl.col("times").min(),
        sorted=value.str.contains(WORD).all() | statuses,
    )
    few = pl.col("known").list.len() <= FEW_WORDS
    return sets.filter(few & (pl.col("least") >= OFTEN) & pl.col("sorted")).select(*PLACE, "known")


def values_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Place, value and times, a row for each value that was kept of a night."""
    pairs = pl.col("top").str.json_decode(pl.List(pl.List(pl.String)))
    listed = rows.filter(pl.col("top") != "").select(*PLACE, pair=pairs).explode("pair")
    return listed.select(
        *PLACE,
        value=pl.col("pair").list.get(0),
        times=pl.col("pair").list.get(1).cast(pl.Int64),
    )


def as_suspects(rows: pl.DataFrame, way: str, **columns: pl.Expr) -> pl.DataFrame:
    """The rows as SUSPECTS; what is not given is null, of the known values empty."""
    given = {
        "way": pl.lit(way),
        "numbers": pl.col("seen"),
        "median": pl.col("p50"),
        "known": pl.lit([], dtype=pl.List(pl.String)),
        "rate": pl.lit(None),
        "p": pl.lit(None),
        **columns,
    }
    plain = [name for name in SUSPECTS if name not in given and name in rows.columns]
    absent = [pl.lit(None).alias(name) for name in SUSPECTS if name not in {*given, *plain}]
    named = [one.alias(name) for name, one in given.items()]
    return rows.select(*plain, *named, *absent).select(list(SUSPECTS)).cast(SUSPECTS)  # type: ignore[arg-type]
