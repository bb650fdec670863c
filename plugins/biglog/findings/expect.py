"""What the same hours of earlier nights lead one to expect of each key."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from biglog.findings.tally import SLOTS, Tally

DAY_TO_DAY = 0.04  # squared coefficient of variation that days have even when counts look calm
WEAK = 3.0  # windows of the key's own daily mean that an hour without history borrows


@dataclass(frozen=True, slots=True)
class Scale:
    """Windows of so many ten-minute slots; ``reach`` neighbours count as the same time of day."""

    slots: int
    reach: int

    @property
    def windows(self) -> int:
        return SLOTS // self.slots


TEN_MINUTES = Scale(slots=1, reach=3)
HOUR = Scale(slots=6, reach=1)
NIGHT = Scale(slots=SLOTS, reach=0)


def sums(rows: pl.DataFrame, key: list[str], scale: Scale) -> pl.DataFrame:
    """Tonight's lines per key and window, with the first and last moment."""
    return (
        rows.with_columns(window=pl.col("slot") // scale.slots)
        .group_by([*key, "window"])
        .agg(
            count=pl.col("count").sum(),
            started_at=pl.col("first_at").min(),
            ended_at=pl.col("last_at").max(),
            bucket=pl.col("bucket").min(),
        )
    )


def expected(seen: pl.DataFrame, counted: Tally, key: list[str], scale: Scale) -> pl.DataFrame:
    """Per key of history and window, mean and variance of the window's count.

    Windows are those near which history has lines, and those in which ``seen`` has.
    """
    past, days = counted.past, counted.days
    daily = (
        past.with_columns(window=pl.col("slot") // scale.slots)
        .group_by([*key, "date", "window"])
        .agg(pl.col("count").sum())
    )
    near = neighbours(daily, key, scale)
    near = near.join(seen.select(*key, "window"), on=[*key, "window"], how="full", coalesce=True)
    near = near.with_columns(pl.col("total", "squares").fill_null(0.0))
    near = near.join(days, on="source").join(habits(daily, days, key, scale), on=key)
    samples = pl.col("days") * (2 * scale.reach + 1)
    mean = (pl.col("total") + WEAK * pl.col("usual")) / (samples + WEAK)
    local = pl.col("squares") / samples - (pl.col("total") / samples) ** 2
    burst = pl.max_horizontal(
        pl.lit(1.0), local / pl.max_horizontal(mean, pl.lit(1e-9)), pl.col("burst")
    )
    doubt = DAY_TO_DAY + 1 / (pl.col("total") + 1)
    return near.with_columns(mean=mean).with_columns(
        variance=burst * pl.col("mean") + doubt * pl.col("mean") ** 2
    )


def neighbours(daily: pl.DataFrame, key: list[str], scale: Scale) -> pl.DataFrame:
    """Sums and squares over each window and its neighbours, all days together, round the clock."""
    reach = pl.DataFrame(
        {"shift": range(-scale.reach, scale.reach + 1)}, schema={"shift": pl.Int64}
    )
    moved = daily.join(reach, how="cross").with_columns(
        window=(pl.col("window") + pl.col("shift")) % scale.windows
    )
    return moved.group_by([*key, "window"]).agg(
        total=pl.col("count").sum().cast(pl.Float64),
        squares=(pl.col("count").cast(pl.Float64) ** 2).sum(),
    )


def habits(daily: pl.DataFrame, days: pl.DataFrame, key: list[str], scale: Scale) -> pl.DataFrame:
    """How a key behaves at any hour: its usual window, how bursty, on how many days.

    The burstiest day is left out, so that one bad night does not teach that bad nights are normal.
    """
    squares = (pl.col("count").cast(pl.Float64) ** 2).sum()
    per_day = daily.group_by([*key, "date"]).agg(
        lines=pl.col("count").sum().cast(pl.Float64), squares=squares, peak=pl.col("count").max()
    )
    kept = per_day.with_columns(
        worst=(pl.col("squares").rank("ordinal", descending=True).over(key) == 1)
        & (pl.len().over(key) > 2)
    )
    calm = pl.col("worst").not_()
    summed = kept.group_by(key).agg(
        lines=pl.col("lines").filter(calm).sum(),
        squared=pl.col("squares").filter(calm).sum(),
        trimmed=pl.col("worst").sum().cast(pl.Int64),
        days_seen=pl.len().cast(pl.Int64),
        peak=pl.col("peak").max(),
        second_peak=pl.col("peak").top_k(2).min(),
    )
    windows = pl.max_horizontal((pl.col("days") - pl.col("trimmed")), pl.lit(1)) * scale.windows
    usual = pl.col("lines") / windows
    return (
        summed.join(days, on="source", how="inner")
        .with_columns(usual=usual)
        .with_columns(
            burst=(pl.col("squared") / windows - usual**2)
            / pl.max_horizontal(pl.col("usual"), pl.lit(1e-9))
        )
        .drop("days", "lines", "squared", "trimmed")
    )
