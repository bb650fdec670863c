"""Which service a fault was injected into, by its logs and metrics; labels only measure.

Run: ``python benchmarks/rca.py DATA/rca`` where each folder holds ``rca_data`` (days with logs and
metrics of pods, and a list of faults) and ``construct_data`` (logs of a minute without faults a
day). A fault's three minutes are compared with the fault-free minute of its day and with what of
the day was logged before, without the four minutes after each earlier fault.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from metrics import Day, read_days, service

from biglog.incidents.localise import (
    Suspected,
    excesses,
    localise,
    long_waits,
    rank,
    shares,
    tally,
    unusual_words,
)
from biglog.settings import TemplateSettings
from biglog.templates.mine import mine

Signs = Mapping[str, Mapping[str, float]]
WINDOW = timedelta(minutes=3)
AFTERMATH = timedelta(minutes=4)
COMBINED = "combined by"
POWERS = {"shares": 1.0, "squares": 2.0, "cubes": 3.0}
BEFORE = 60
"""Earlier minutes that metrics are compared with."""


@dataclass(frozen=True, slots=True)
class Fault:
    day: Day
    second: float
    place: str
    kind: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    for system in sorted(parser.parse_args().data.glob("*/rca_data")):
        days = list(read_days(system))
        lines = read_lines(system.parent)
        faults = [
            Fault(day, at, service(pod), kind) for day in days for at, pod, kind in day.faults
        ]
        measure(system.parent.name, faults, lines)


def read_lines(folder: Path) -> pl.DataFrame:
    """LINES of all files, with ``day`` and ``clean`` (of a fault-free minute)."""
    frames = []
    for path in sorted(folder.glob("*/*/log/*_log.csv")):
        rows = pl.read_csv(path, infer_schema=False, truncate_ragged_lines=True)
        said = pl.col("Log").str.json_path_match("$.log").fill_null(pl.col("Log"))
        frames.append(
            rows.select(
                day=pl.lit(path.parts[-3]),
                clean=pl.lit(path.parts[-4] == "construct_data"),
                at=pl.col("TimeUnixNano").cast(pl.Int64).cast(pl.Datetime("ns")),
                place=pl.col("PodName").map_elements(service, return_dtype=pl.String),
                trace=pl.when(pl.col("TraceID").str.len_chars() > 8).then("TraceID"),
                said=said.str.replace(r"TraceID: \w+ SpanID: \w+ ?", "").str.strip_chars(),
            )
        )
    # Minutes of one fault are listed again with the next.
    every = pl.concat(frames).unique(maintain_order=True)
    mined = mine(every["said"].to_arrow(), (), TemplateSettings())
    ids = pl.Series("template_id", mined.template_ids)
    return every.with_columns(ids, bad=pl.col("said").str.contains(r"\b(?:ERROR|WARN)\b")).sort(
        "at", maintain_order=True
    )


def measure(system: str, faults: list[Fault], lines: pl.DataFrame) -> None:
    kinds = sorted({one.kind for one in faults})
    found: dict[str, list[int]] = {}
    for fault in faults:
        for way, places in ranked(fault, faults, lines).items():
            at = places.index(fault.place) + 1 if fault.place in places else len(places) + 1
            found.setdefault(way, []).append(at)
    print(f"\n{system}: {len(faults)} faults; the faulty service first / among the first three")
    print(f"{'':32}{'all':>14}" + "".join(f"{one:>16}" for one in kinds))
    for way, places in found.items():
        show(way, places, faults, kinds)
    show("combined as best on other types", left_out(found, faults, kinds), faults, kinds)


def show(way: str, places: list[int], faults: list[Fault], kinds: list[str]) -> None:
    cells = [found_shares(places, faults, kind) for kind in ("", *kinds)]
    print(f"{way:32}{cells[0]:>14}" + "".join(f"{one:>16}" for one in cells[1:]))


def left_out(found: Mapping[str, list[int]], faults: list[Fault], kinds: list[str]) -> list[int]:
    """Each type of fault by the combination that finds most of the other types, first three first.

    Equals go to the one that is listed first.
    """
    ways = {way: np.array(places) for way, places in found.items() if way.startswith(COMBINED)}
    kind = np.array([one.kind for one in faults])
    best = {
        one: max(
            ways.values(),
            key=lambda at, one=one: (np.sum(at[kind != one] <= 3), np.sum(at[kind != one] <= 1)),
        )
        for one in kinds
    }
    return [int(best[fault.kind][at]) for at, fault in enumerate(faults)]


def found_shares(places: list[int], faults: list[Fault], kind: str) -> str:
    mine = [at for at, one in zip(places, faults, strict=True) if kind in ("", one.kind)]
    return " / ".join(f"{np.mean([at <= most for at in mine]):.2f}" for most in (1, 3))


def ranked(fault: Fault, faults: list[Fault], lines: pl.DataFrame) -> dict[str, list[str]]:
    """Places in order, by each way."""
    now, past = around(fault, faults, lines)
    metrics = metric_rises(fault)
    words = unusual_words(tally(now), tally(past))
    alone: Signs = {**words, "waits": long_waits(now, past), "metrics": metrics}
    ends = waits_at_ends(now, past)
    bad = dict(now.filter("bad").group_by("place").len().iter_rows())
    ways = {
        "BigLog": localise(now, past, {"metrics": metrics}),
        "BigLog, logs only": localise(now, past, {}),
        **{f"{name} alone": rank({name: alone[name]}) for name in alone},
        **{f"waits at {end} alone": rank({"waits": ends[end]}) for end in ends},
        **{
            f"{COMBINED} {name}, {where}": by_power({**words, "waits": waits}, power)
            for where, waits in {"explained": alone["waits"], **ends}.items()
            for name, power in POWERS.items()
        },
        "robust z, metrics": rank({"z": robust_z(fault)}),
        "most errors and warnings": rank({"bad": bad}),
    }
    return {way: [one.place for one in places] for way, places in ways.items()}


def by_power(signs: Signs, power: float) -> list[Suspected]:
    """Places by the sum of a power of their shares."""
    weights: dict[str, float] = {}
    for strengths in signs.values():
        for place, share in shares(strengths).items():
            weights[place] = weights.get(place, 0.0) + share**power
    found = [Suspected(place, weight, {}) for place, weight in weights.items()]
    return sorted(found, key=lambda one: (-one.weight, one.place))


def waits_at_ends(now: pl.DataFrame, past: pl.DataFrame) -> dict[str, dict[str, float]]:
    """Two simpler ways: a slow step between two places counts for both, or for the called one."""
    taken = excesses(now, past)
    entered = now.group_by("trace", "place").agg(entered=pl.col("at").min())
    taken = taken.join(entered, on=["trace", "place"]).join(
        entered.rename({"place": "to", "entered": "to_entered"}), on=["trace", "to"]
    )
    called = pl.when(pl.col("entered") >= pl.col("to_entered")).then("place").otherwise("to")
    crossing = taken.filter(pl.col("place") != pl.col("to")).select("excess", place="to")
    ways = {
        "both ends": pl.concat([taken.select("excess", "place"), crossing]),
        "the called": taken.select("excess", place=called),
    }
    summed = pl.col("excess").sum() / pl.len().sqrt()
    return {way: dict(one.group_by("place").agg(summed).iter_rows()) for way, one in ways.items()}


def around(
    fault: Fault, faults: list[Fault], lines: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lines of the fault's minutes, and the earlier ones."""
    start = moment(fault)
    today = lines.filter(pl.col("day") == fault.day.name)
    logged = today.filter(~pl.col("clean"))
    now = logged.filter(pl.col("at").is_between(start, start + WINDOW, closed="left"))
    past = logged.filter(pl.col("at") < start - timedelta(seconds=5))
    for one in faults:
        if one.day is fault.day and one.second < fault.second:
            near = pl.col("at").is_between(
                moment(one) - timedelta(seconds=5), moment(one) + AFTERMATH
            )
            past = past.filter(~near)
    return now, pl.concat([today.filter("clean"), past]).sort("at", maintain_order=True)


def moment(fault: Fault) -> pl.Expr:
    return pl.lit(int(fault.second * 1e9), dtype=pl.Int64).cast(pl.Datetime("ns"))


def minutes(fault: Fault) -> tuple[np.ndarray, np.ndarray]:
    """Metrics of the minutes that the fault shows in, and of those before: pod by minute."""
    at = fault.day.seconds[0]
    shown = (at >= fault.second) & (at < fault.second + 240)
    return fault.day.values[:, shown], fault.day.values[:, at < fault.second][:, -BEFORE:]


def metric_rises(fault: Fault) -> dict[str, float]:
    """The largest share that each place has of the rise of a metric over all places."""
    now, before = minutes(fault)
    usual = np.nan_to_num(np.nanmedian(before, axis=1))
    rise = np.maximum(np.nan_to_num(np.nanmean(now, axis=1)) - usual, 0.0)
    share = (rise / np.maximum(rise.sum(axis=0), 1e-12)).max(axis=1)
    return by_place(fault, share)


def robust_z(fault: Fault) -> dict[str, float]:
    """The largest distance to the median of the hour before, in median absolute deviations."""
    now, before = minutes(fault)
    middle = np.nanmedian(before, axis=1, keepdims=True)
    spread = 1.4826 * np.nanmedian(np.abs(before - middle), axis=1, keepdims=True)
    far = np.nan_to_num(np.abs(now - middle) / np.where(spread > 0, spread, np.nan))
    return by_place(fault, far.max(axis=(1, 2)))


def by_place(fault: Fault, strengths: np.ndarray) -> dict[str, float]:
    return dict(zip(map(service, fault.day.pods), strengths.tolist(), strict=True))


if __name__ == "__main__":
    main()
