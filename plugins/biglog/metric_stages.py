"""The stages of a night of metrics: read, judge and publish, each replacing its partition whole.

Points lie in the lake beside the lines, and earlier nights are read from there as the past. What
the files held and what was odd in them is left beside the points, a source at a time; the night is
published once all its sources are known, as they share one rate of false anomalies and one budget.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date as Date
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from biglog import lake
from biglog.errors import BadInput
from biglog.installation import Site
from biglog.records import POINTS, MetricAnomaly, MetricCoverage, MetricNight, StageInfo
from biglog.settings import MetricSettings, MetricSource, SourceSettings

if TYPE_CHECKING:
    import polars as pl

    from biglog.metrics.points import Arrived

AT_A_TIME = 1_000_000
"""Points in memory at a time, those of earlier nights included."""
ROWS = 200_000
"""Of a row group, so that a portion of the series is read without the others."""
UNFINISHED = "the night's files were not read to their end; the reason is in the task's log"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was odd in one source's night."""

    coverage: MetricCoverage
    decades: tuple[float, ...]  # how rare each anomaly is, those that are not told included
    told: tuple[MetricAnomaly, ...]  # the oddest, with their curves


def points_path(base: Path, source: str, date: str) -> Path:
    return base / "metrics" / f"source={source}" / f"date={date}" / "part-0.parquet"


def arrived_path(base: Path, source: str, date: str) -> Path:
    return points_path(base, source, date).with_name("arrived.json")


def verdict_path(base: Path, source: str, date: str) -> Path:
    return points_path(base, source, date).with_name("verdict.json")


def read_metrics(site: Site, date: str, source: str) -> StageInfo:
    """Files to points of the night; what arrived is noted whatever happens."""
    from biglog.sources.collect import collect

    one = site.settings.metric_source(source)
    target = points_path(site.settings.lake, source, date)
    lake.sweep(target.parent)
    try:
        files = collect(as_files(one), date, site.settings.home, site.connect)
        if not files:
            reason = f"no file matches {Path(one.path).name} for {date}"
            note(site, MetricCoverage(date, source, "missing", reason=reason))
            return StageInfo("read_metrics", source, date, 0, 0, note=reason)
        found = read_files(files, one, date)
        series = found.points["series"].n_unique()
        check_width(series, one, site.settings.metrics)
    except BadInput as error:
        note(site, MetricCoverage(date, source, "failed", reason=str(error)))
        raise
    with (
        lake.replacing(target) as draft,
        pq.ParquetWriter(draft, POINTS, compression="zstd") as writer,
    ):
        for piece in found.points.iter_slices(ROWS):
            writer.write_table(piece.to_arrow().cast(POINTS))
    rows, said = found.points.height, said_of(found)
    if rows:
        note(site, MetricCoverage(date, source, "complete", series, rows))
    else:
        note(site, MetricCoverage(date, source, "empty", reason=said))
    return StageInfo("read_metrics", source, date, found.read, rows, found.read - rows, note=said)


def as_files(one: MetricSource) -> SourceSettings:
    """The source as those of logs are found: on this machine, or wherever fsspec reaches."""
    return SourceSettings(one.name, one.path, connection=one.connection)


def read_files(files: Sequence[Path], one: MetricSource, date: str) -> Arrived:
    from biglog.lines.times import Clock, to_utc
    from biglog.metrics.points import read_night

    def clock(texts: pl.Series) -> pl.Series:
        return to_utc(texts, ["any"], clock=Clock(zone=one.timezone)).utc

    return read_night(files, one, date, clock)


def check_width(series: int, one: MetricSource, wanted: MetricSettings) -> None:
    if series > wanted.max_series:
        raise BadInput(
            f"metrics {one.name}: {series:,} series, expected {wanted.max_series:,} at most; "
            "export fewer, as by a narrower query, or raise max_series under [metrics] of "
            "biglog.toml"
        )


def said_of(found: Arrived) -> str:
    """Why values of the files are no points of the night."""
    counts = {"of other nights": found.others, "without a number": found.unread}
    return ", ".join(f"{count:,} values {why}" for why, count in counts.items() if count)


def note(site: Site, coverage: MetricCoverage) -> None:
    path = arrived_path(site.settings.lake, coverage.source, coverage.date)
    lake.write_json(path, MetricCoverage, coverage)


def judge_metrics(site: Site, date: str, source: str) -> StageInfo:
    """Points of the night that are odd beside those before them, in it and in earlier nights."""
    from biglog.metrics.episodes import by_oddness, decades, judge_night, told
    from biglog.metrics.points import night_of

    one, wanted = site.settings.metric_source(source), site.settings.metrics
    night = night_of(one, date)
    own = points_path(site.settings.lake, source, date)
    arrived = arrived_path(site.settings.lake, source, date)
    coverage = MetricCoverage(date, source, "failed", reason=UNFINISHED)
    if arrived.exists():
        coverage = lake.read_json(arrived, MetricCoverage)
    past, gap = history(site, date, source), 60.0 * wanted.gap_minutes
    parts = [judge_night(each, source, date, night, gap) for each in portions(past, own)]
    found = sorted((one for part in parts for one in part.anomalies), key=by_oddness)
    judged = sum(part.judged for part in parts)
    coverage = replace(coverage, judged=judged, gone=gone(past, own))
    most = tuple(told(found))[: wanted.max_anomalies]
    verdict = Verdict(coverage, tuple(map(decades, found)), most)
    lake.write_json(verdict_path(site.settings.lake, source, date), Verdict, verdict)
    said = f"against {len(past)} earlier nights"
    return StageInfo("judge_metrics", source, date, judged, len(found), note=said)


def history(site: Site, date: str, source: str) -> list[Path]:
    """Points of the nights before, as far back as the settings say; oldest first."""
    day = Date.fromisoformat(date)
    back = range(site.settings.metrics.history_nights, 0, -1)
    dates = (f"{day - timedelta(days=one)}" for one in back)
    paths = (points_path(site.settings.lake, source, one) for one in dates)
    return [path for path in paths if path.exists()]


def portions(past: Sequence[Path], own: Path) -> Iterator[pl.DataFrame]:
    """POINTS of some of tonight's series at a time, with their past."""
    import polars as pl

    if not own.exists():
        return
    counts = pl.scan_parquet([*past, own]).group_by("series").len()
    here = pl.scan_parquet(own).select("series").unique()
    sizes = here.join(counts, on="series").sort("series").collect()
    portion = (sizes["len"].cum_sum() - 1) // AT_A_TIME
    for number in portion.unique(maintain_order=True):
        names = sizes.filter(portion == number)["series"]
        yield (
            pl.scan_parquet([*past, own]).filter(pl.col("series").is_in(names.implode())).collect()
        )


def gone(past: Sequence[Path], own: Path) -> int:
    """Series that came on every earlier night, of two or more, but not on this one."""
    import polars as pl

    if len(past) < 2 or not own.exists():
        return 0
    first, *others = (pl.scan_parquet(one).select("series").unique() for one in past)
    for one in others:
        first = first.join(one, on="series", how="semi")
    left = first.join(pl.scan_parquet(own), on="series", how="anti")
    return int(left.select(pl.len()).collect().item())


def publish_metrics(site: Site, date: str, _: str) -> StageInfo:
    """The night's anomalies into the database, in one transaction: few, and hardly by chance."""
    from biglog.store.metrics import replace_metric_anomalies

    verdicts = [verdict_of(site, one.name, date) for one in site.settings.metric_sources]
    night = choose(date, verdicts, site.settings.metrics)
    replace_metric_anomalies(site.engine, date, night.anomalies, night.coverage)
    found = sum(len(one.decades) for one in verdicts)
    kept = len(night.anomalies)
    return StageInfo("publish_metrics", "", date, found, kept, found - kept)


def verdict_of(site: Site, source: str, date: str) -> Verdict:
    path = verdict_path(site.settings.lake, source, date)
    if path.exists():
        return lake.read_json(path, Verdict)
    return Verdict(MetricCoverage(date, source, "failed", reason=UNFINISHED), (), ())


def choose(date: str, verdicts: Sequence[Verdict], wanted: MetricSettings) -> MetricNight:
    """The anomalies that stand together at the rate of false ones, the oddest of them.

    Every point that was judged, of whatever source, is one test, and an anomaly is as likely by
    chance as its oddest point.
    """
    from biglog.findings.chance import discoveries
    from biglog.metrics.episodes import by_oddness, decades

    every = [depth for one in verdicts for depth in one.decades]
    tests = sum(one.coverage.judged for one in verdicts)
    stands = discoveries([10.0**-depth for depth in every], tests, wanted.false_share)
    least = min((d for d, ok in zip(every, stands, strict=True) if ok), default=float("inf"))
    kept = sorted(
        (one for each in verdicts for one in each.told if decades(one) >= least), key=by_oddness
    )[: wanted.max_anomalies]
    return MetricNight(
        date=date,
        coverage=tuple(
            replace(one.coverage, anomalies=sum(depth >= least for depth in one.decades))
            for one in verdicts
        ),
        anomalies=tuple(replace(one, rank=rank) for rank, one in enumerate(kept, 1)),
    )
