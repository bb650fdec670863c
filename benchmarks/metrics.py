"""Odd points of metric series without labels, beside trivial baselines; labels only measure.

Run: ``python benchmarks/metrics.py DATA`` where DATA holds ``metrics/nab`` (series with windows in
which something was wrong) and ``rca/<system>`` (a row per pod and minute, and when faults were
injected into which pod). Every score of a point is by earlier points of its series only.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score, roc_auc_score

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins"))
from biglog.metrics.judge import judge
from biglog.metrics.tail import blocks
from biglog.metrics.windows import later

Values = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
MINUTES = 3
"""How long after its injection a fault is looked for."""
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Labelled:
    """One series with windows in which something was wrong."""

    name: str
    times: Values
    values: Values
    windows: list[Mask]

    @property
    def odd(self) -> Mask:
        return np.any(self.windows, axis=0) if self.windows else np.zeros(len(self.times), bool)


@dataclass(frozen=True, slots=True)
class Day:
    """A day of pods: values are pod by minute by metric, seconds pod by minute."""

    name: str
    pods: list[str]
    metrics: list[str]
    seconds: Values
    values: Values
    faults: list[tuple[float, str, str]]  # second, pod, kind

    def odd(self, kind: str = "") -> Mask:
        found = np.zeros(self.seconds.shape, bool)
        for second, pod, one in self.faults:
            row = self.pods.index(pod)
            if kind in ("", one):
                past = self.seconds[row] - second
                found[row] |= (past >= 0) & (past < 60 * MINUTES)
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    measure_series(list(read_series(data / "metrics" / "nab")))
    for system in sorted((data / "rca").glob("*/rca_data")):
        measure_pods(list(read_days(system)), system.parent.name)


# Baselines: rows are times, columns series; by earlier rows only.


def by_scores(times: Values, values: Values) -> Values:
    return judge(times, values).scores


def robust_z(_: Values, values: Values) -> Values:
    """Distance to the median of all that came before, in median absolute deviations."""
    found = np.zeros(values.shape)
    for start, end in blocks(len(values)):
        past = values[:start]
        middle = np.nanmedian(past, axis=0)
        deviation = 1.4826 * np.nanmedian(np.abs(past - middle), axis=0)
        found[start:end] = scaled(values[start:end] - middle, deviation)
    return found


def rolling_z(_: Values, values: Values, rows: int = 288) -> Values:
    frame = pl.from_numpy(values).with_columns(pl.all().fill_nan(None))
    means = frame.select(pl.all().rolling_mean(rows, min_samples=24)).to_numpy()
    spreads = frame.select(pl.all().rolling_std(rows, min_samples=24)).to_numpy()
    return scaled(values - later(means.astype(float)), later(spreads.astype(float)))


def difference(_: Values, values: Values) -> Values:
    return np.nan_to_num(np.abs(values - later(values)))


def scaled(off: Values, spread: Values) -> Values:
    return np.nan_to_num(np.abs(off) / np.where(spread > 0, spread, np.nan))


WAYS: dict[str, Callable[[Values, Values], Values]] = {
    "BigLog": by_scores,
    "robust z of the past": robust_z,
    "rolling z, 288 points": rolling_z,
    "difference to the point before": difference,
}


# Series with windows.


def read_series(folder: Path) -> Iterator[Labelled]:
    windows = json.loads((folder / "labels" / "combined_windows.json").read_text("utf-8"))
    for name, spans in sorted(windows.items()):
        if not name.startswith("real"):
            continue
        rows = pl.read_csv(folder / "data" / name)
        times = seconds(rows["timestamp"])
        ends = [seconds(pl.Series(span)) for span in spans]
        inside = [(times >= start) & (times <= end) for start, end in ends]
        values = rows["value"].cast(pl.Float64).to_numpy()
        yield Labelled(name, times, values, inside)


def seconds(texts: pl.Series) -> Values:
    at = texts.str.slice(0, 19).str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us")
    return at.cast(pl.Int64).to_numpy() / 1e6


def measure_series(every: list[Labelled]) -> None:
    points, events = sum(len(one.times) for one in every), sum(len(one.windows) for one in every)
    print(f"\n{len(every)} real series, {points:,} points, {events} events; means over series")
    print("alarm: anomalous points in a row; false: outside all windows; recall: of events, by one")
    print(
        "anomalous point; the baselines at the threshold with as many false alarms as BigLog's own"
    )
    print(f"{'':32}AUROC worst    AP worst recall  false alarms/day  false points/1,000")
    wanted = 0.0
    for name, way in WAYS.items():
        scores = [way(one.times, one.values[:, None])[:, 0] for one in every]
        bar = bar_for(wanted, every, scores) if wanted else 0.5
        wanted = wanted or false_alarms(every, scores, bar)
        print_series(name, every, scores, bar)


def bar_for(wanted: float, every: list[Labelled], scores: list[Values]) -> float:
    """The threshold with that many false alarms a day, by halving the share of points above it."""
    pooled = np.sort(np.concatenate(scores))
    low, high = 0.5, 1.0
    for _ in range(20):
        middle = (low + high) / 2
        bar = pooled[int(middle * (len(pooled) - 1))]
        low, high = (middle, high) if false_alarms(every, scores, bar) > wanted else (low, middle)
    return float(pooled[int(high * (len(pooled) - 1))])


def false_alarms(every: list[Labelled], scores: list[Values], bar: float) -> float:
    """A day and series."""
    false = [(score >= bar) & ~one.odd for one, score in zip(every, scores, strict=True)]
    begun = sum(int((one & ~np.r_[False, one[:-1]]).sum()) for one in false)
    return begun / sum((one.times.max() - one.times.min()) / DAY for one in every)


def print_series(name: str, every: list[Labelled], scores: list[Values], bar: float) -> None:
    both = list(zip(every, scores, strict=True))
    with_events = [(one.odd, score) for one, score in both if one.windows]
    areas = [roc_auc_score(odd, score) for odd, score in with_events]
    precisions = [average_precision_score(odd, score) for odd, score in with_events]
    hit = [(score[window] >= bar).any() for one, score in both for window in one.windows]
    quiet = sum(int((~one.odd).sum()) for one in every)
    points = sum(int(((score >= bar) & ~one.odd).sum()) for one, score in both)
    print(
        f"{name:32}{np.mean(areas):5.3f}  {min(areas):.3f} {np.mean(precisions):.3f}  "
        f"{min(precisions):.3f}  {np.mean(hit):.3f}  {false_alarms(every, scores, bar):16.3f}"
        f"  {1000 * points / quiet:18.2f}",
        flush=True,
    )


# Pods and minutes.


def read_days(system: Path) -> Iterator[Day]:
    for folder in sorted(one for one in system.iterdir() if one.is_dir()):
        frames = [
            pl.read_csv(one, infer_schema_length=None)
            for one in sorted((folder / "metric").glob("*_metric.csv"))
        ]
        rows = pl.concat(frames, how="vertical_relaxed").sort("PodName", "Time")
        names = [one for one in rows.columns if one not in ("Time", "TimeStamp", "PodName")]
        pods = rows["PodName"].unique(maintain_order=True).to_list()
        values = rows.select(pl.col(names).cast(pl.Float64)).to_numpy()
        values = values.reshape(len(pods), -1, len(names))
        at = seconds(rows["Time"]).reshape(len(pods), -1)
        yield Day(folder.name, pods, names, at, values, list(read_faults(folder)))


def read_faults(folder: Path) -> Iterator[tuple[float, str, str]]:
    hours = json.loads(next(folder.glob("*fault_list.json")).read_text("utf-8"))
    for one in (fault for hour in hours.values() for fault in hour):
        at = float(seconds(pl.Series([one["inject_time"]]))[0])
        yield at, one["inject_pod"], one["inject_type"]


def measure_pods(days: list[Day], system: str) -> None:
    odd = stacked([one.odd() for one in days])
    kinds = sorted({kind for day in days for *_, kind in day.faults})
    print(f"\n{system}: {odd.size:,} pod-minutes, of which {int(odd.sum())} are {MINUTES} minutes")
    print("after a fault was injected into that pod; AUROC / AP, all faults and each kind alone")
    print(f"{'':44}{'all':>14}" + "".join(f"{one:>16}" for one in kinds))
    found = {name: [pod_scores(day, way) for day in days] for name, way in WAYS.items()}
    for name, scores in found.items():
        for how, over in (("highest metric", np.max), ("mean of metrics", np.mean)):
            print_pods(f"{name}, {how}", [over(one, axis=2) for one in scores], days, kinds)
    measure_after(days, kinds)
    print_pods("labels: boosted trees, other hours'", learned(days, found["BigLog"]), days, kinds)
    cpu = [np.nan_to_num(one.values[:, :, one.metrics.index("CpuUsage(m)")]) for one in days]
    print_pods("CPU used, as it is", cpu, days, kinds)
    tell_unlisted(days, cpu)


def measure_after(days: list[Day], kinds: list[str]) -> None:
    """The later days only, each with the day before it as history, by service."""
    for name, way in WAYS.items():
        scores = []
        for earlier, day in pairwise(days):
            joined = after(earlier, day)
            scores.append(pod_scores(joined, way)[:, -day.seconds.shape[1] :].mean(axis=2))
        known = [kind for kind in kinds if any(one.odd(kind).any() for one in days[1:])]
        print_pods(f"{name}, mean, after a day", scores, days[1:], known)
    print("(the four rows above: later days alone, kinds: " + ", ".join(known) + ")")


def after(earlier: Day, day: Day) -> Day:
    """The day with the minutes of the same services on the day before it in front."""
    services = [service(pod) for pod in earlier.pods]
    rows = [services.index(service(pod)) for pod in day.pods]
    seconds = np.hstack([earlier.seconds[rows], day.seconds])
    values = np.concatenate([earlier.values[rows], day.values], axis=1)
    return replace(day, seconds=seconds, values=values)


def service(pod: str) -> str:
    """A pod's name without the parts that a deployment adds."""
    return re.sub(r"-[0-9a-f]+-\w+$", "", pod)


def pod_scores(day: Day, way: Callable[[Values, Values], Values]) -> Values:
    pods, minutes, metrics = day.values.shape
    flat = day.values.transpose(1, 0, 2).reshape(minutes, pods * metrics)
    return way(day.seconds[0], flat).reshape(minutes, pods, metrics).transpose(1, 0, 2)


def print_pods(name: str, scores: list[Values], days: list[Day], kinds: list[str]) -> None:
    cells = []
    for kind in ("", *kinds):
        odd, score = stacked([one.odd(kind) for one in days]), stacked(scores)
        cells.append(f"{roc_auc_score(odd, score):.3f} / {average_precision_score(odd, score):.3f}")
    print(f"{name:44}{cells[0]:>14}" + "".join(f"{one:>16}" for one in cells[1:]))


def stacked(arrays: list[npt.NDArray[np.generic]]) -> Values:
    return np.concatenate([one.ravel() for one in arrays])


def learned(days: list[Day], scores: list[Values]) -> list[Values]:
    """What labels could teach: trees on every score and robust z, tested on hours left out."""
    distances = [pod_scores(one, robust_z) for one in days]
    seen = [np.concatenate(both, axis=2) for both in zip(distances, scores, strict=True)]
    rows = np.concatenate([one.reshape(-1, one.shape[2]) for one in seen])
    odd = stacked([one.odd() for one in days])
    fold = stacked([one.seconds // 3600 for one in days]).astype(int) % 5
    found = np.zeros(len(odd))
    for left_out in range(5):
        trees = HistGradientBoostingClassifier(max_iter=60, random_state=0)
        train, test = fold != left_out, fold == left_out
        found[test] = trees.fit(rows[train], odd[train]).predict_proba(rows[test])[:, 1]
    cuts = np.cumsum([one.seconds.size for one in days])[:-1]
    return [
        part.reshape(day.seconds.shape)
        for part, day in zip(np.split(found, cuts), days, strict=True)
    ]


def tell_unlisted(days: list[Day], cpu: list[Values]) -> None:
    """How many episodes look like a listed CPU fault and are in no list."""
    listed, unlisted = 0, 0
    for day, used in zip(days, cpu, strict=True):
        near = np.zeros(used.shape, bool)
        for second, pod, _ in day.faults:
            row = day.pods.index(pod)
            near[row] |= np.abs(day.seconds[row] - second - 150) <= 150
        high = used > 350
        begun = high & ~np.hstack([np.zeros((len(used), 1), bool), high[:, :-1]])
        listed += int((begun & near).sum())
        unlisted += int((begun & ~near).sum())
    print(f"episodes of a pod at more than 350 m of CPU: {listed} listed as faults, {unlisted} not")


if __name__ == "__main__":
    main()
