"""Failures of hosts predicted from their logs: a simulated case with a known answer, and real ones.

Run: ``python benchmarks/predict_failures.py DATA [--seeds 3] [--only NAME]``. Every case is split
by time: the first failures are learnt from, later ones choose the method and the threshold (1 %
false positives), the last ones are measured on. Beside the model is what needs no learning, on the
same windows. The failures of the real cases are what the logs themselves name as such:

- oom: one Linux host over eight months; a failure is a series of processes killed for want of
  memory, no two further apart than the horizon;
- logrotate: the same host; a failure is a rotation that exited abnormally, once on most nights;
- thunderbird: the alerts of lines/thunderbird_19k, all of one node within minutes;
- trainticket: the injected faults of rca/nezha_trainticket.

The simulated hosts say three kinds of warnings 18 to 22 minutes before all, half or none of their
failures, among noise that has each of the three alone, too. With 30 minutes ahead, 5 of lead and a
window every 5, three of the five windows before a failure come after its warnings. So the best
there is where all are announced is a recall of .6 of windows and of all failures, half of it where
half are, and chance where none is.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins"))
from biglog import offline
from biglog.errors import BadInput
from biglog.learning import failures
from biglog.learning.failures_measured import LEADS
from biglog.learning.failures_told import ahead, read_failures, spell

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
NOISE = [
    ("session opened for user {n}", 40.0),
    ("request {n} served in {n} ms", 120.0),
    ("cache refreshed, {n} entries", 12.0),
    ("backup of volume {n} finished", 1.0),
    ("retrying connection to peer {n}", 4.0),
    ("fan speed set to {n} rpm", 6.0),
]  # lines an hour
WARNINGS = [
    "correctable memory error on bank {n}",
    "I/O latency {n} ms above limit on sda",
    "watchdog late by {n} ms",
]


@dataclass(frozen=True)
class Case:
    name: str
    files: list[Path]
    told: Path
    horizon: str
    lead: str


def simulate(folder: Path, *, warned: float, seed: int) -> Case:
    """Eight hosts for twenty days; ``warned`` is the share of failures that announce themselves."""
    rng = np.random.default_rng(seed)
    lines: list[tuple[float, str, str]] = []
    told = ["host,time"]
    hours = 24.0 * 20
    for host in (f"node{n:02}" for n in range(8)):
        fails = np.sort(rng.uniform(1, hours - 1, 10))
        for at in fails.tolist():
            told.append(f"{host},{(BEGIN + timedelta(hours=at)).isoformat()}")
            if rng.random() < warned:
                when = at - rng.uniform(18, 22, len(WARNINGS)) / 60
                lines += [(one, host, text) for one, text in zip(when, WARNINGS, strict=True)]
            lines.append((at, host, "system halted"))
        rates = [*NOISE, *((text, 0.03) for text in WARNINGS)]
        for text, rate in rates:
            count = rng.poisson(rate * hours)
            lines += [(one, host, text) for one in rng.uniform(0, hours, count).tolist()]
    log = folder / f"simulated_{warned}_{seed}.log"
    numbers = iter(rng.integers(1, 9999, len(lines)).tolist())
    said = [
        f"{(BEGIN + timedelta(hours=at)).isoformat(timespec='seconds')} {host} app[1]: "
        + text.replace("{n}", str(next(numbers)))
        for at, host, text in sorted(lines)
    ]
    log.write_text("\n".join(said) + "\n", "utf-8")
    csv = folder / f"simulated_{warned}_{seed}.csv"
    csv.write_text("\n".join(told) + "\n", "utf-8")
    words = f"simulated, {warned:.0%} of failures announced"
    return Case(words, [log], csv, "30m", "5m")


def linux(data: Path, folder: Path) -> Iterator[Case]:
    """Two kinds of failures that the log of one host names."""
    log = data / "raw" / "linux_full" / "Linux.log"
    lines = pl.concat(
        [pl.DataFrame(pl.from_arrow(one)) for one in offline.line_batches([log], "auto")]
    )
    kinds = {"oom": "Out of Memory: Killed process", "logrotate": "ALERT exited abnormally"}
    for name, words in kinds.items():
        hits = lines.filter(pl.col("content").str.contains(words, literal=True))
        times = hits.select("host", time=pl.col("timestamp").dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
        csv = folder / f"{name}.csv"
        times.drop_nulls().write_csv(csv)
        for horizon, lead in (("30m", "0s"), ("2h", "10m"), ("6h", "1h")):
            yield Case(f"{name}, {horizon} ahead", [log], csv, horizon, lead)


def thunderbird(data: Path, folder: Path) -> Case:
    """The log without its labels; failures are the alerts by node and time."""
    text = (data / "lines" / "thunderbird_19k.log").read_text("utf-8", errors="replace")
    parts = [one.split(" ", 4) for one in text.split("\n") if one.count(" ") > 3]
    log, csv = folder / "thunderbird.log", folder / "thunderbird.csv"
    log.write_text("".join(f"{' '.join(one[1:])}\n" for one in parts), "utf-8")
    rows = [f"{one[3]},{one[1]}" for one in parts if one[0] != "-"]
    csv.write_text("\n".join(["host,time", *rows]) + "\n", "utf-8")
    return Case("thunderbird", [log], csv, "5m", "0s")


def trainticket(data: Path) -> None:
    """How long before each injected fault the log that was kept around it begins."""
    room = data / "rca" / "nezha_trainticket" / "rca_data"
    faults: list[float] = []
    for path in sorted(room.glob("*/*fault_list.json")):
        logs = sorted((path.parent / "log").glob("*"))
        seen = pl.concat([times_of(one) for one in logs])
        for fault in (one for hour in json.loads(path.read_text()).values() for one in hour):
            at = datetime.fromisoformat(fault["inject_time"]).replace(tzinfo=UTC)
            just = pl.col("time").is_between(at - timedelta(minutes=3), at, closed="left")
            begins = seen.filter(just)["time"].min() or at
            faults.append((at - begins).total_seconds())
    print(
        f"\n== trainticket: no figures. {len(faults)} faults were injected, so nothing comes "
        f"before them; the log kept of each begins {min(faults):.0f} to {max(faults):.0f} s before "
        f"it (median {np.median(faults):.0f}), so that having any log would give the fault away"
    )


def times_of(path: Path) -> pl.DataFrame:
    table = pl.read_csv(path, infer_schema=False, truncate_ragged_lines=True, ignore_errors=True)
    time = pl.col("Timestamp").str.head(19).str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False)
    return table.select(pod="PodName", time=time.dt.replace_time_zone("UTC"))


def run(case: Case, seed: int) -> None:
    look = ahead(case.horizon, case.lead)
    print(f"\n== {case.name}: horizon {case.horizon}, lead {case.lead}, seed {seed}")
    plan = failures.Plan(look.horizon, look.lead, "", False, 0.01)
    started = time.process_time()
    try:
        card, _ = failures.train(case.files, read_failures(case.told), plan, seed=seed, say=print)
    except BadInput as error:
        print(f"no figures: {error}")
        return
    show(card, time.process_time() - started)


def show(card: failures.Card, seconds: float) -> None:
    seen, plan = card.figures, failures.read_plan(card)
    print(
        f"chosen by AP on the second part: {dict(card.candidates)} ({seconds:.0f} s of processor)"
    )
    print(
        f"{'on the last failures':36} {'AUROC':>6} {'AP':>6} {'recall at 1 % false positives':>30}"
    )
    for name, one in {**plan.plain, f"ours ({card.members[0]})": seen}.items():
        print(
            f"{name:36} {figure(one['auroc']):>6} {figure(one['average_precision']):>6} "
            f"{figure(one['recall_at_share']):>30}"
        )
    print(
        f"windows {seen['rows']:,}, before a failure {figure(seen['base_rate'])}; at the "
        f"threshold: precision {figure(seen['precision'])}, recall {figure(seen['recall'])}, "
        f"false positives {figure(seen['false_positive_rate'])}, false alarms a day "
        f"{figure(seen['false_alarms_a_day'])}"
    )
    times = [spell(float(seen[name] or 0)) for name in LEADS]
    print(
        f"failures {seen['failures']}, with windows before them {seen['seen']}, warned of "
        f"{seen['warned']}, time ahead (quartiles) {' / '.join(times) if seen['warned'] else '-'}"
    )


def figure(value: object) -> str:
    return "-" if value is None else f"{float(str(value)):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed in range(options.seeds):
            for warned in (1.0, 0.5, 0.0):
                case = simulate(folder, warned=warned, seed=seed)
                if case.name.startswith(options.only):
                    run(case, seed)
        real = [*linux(options.data, folder), thunderbird(options.data, folder)]
        for case in (one for one in real if one.name.startswith(options.only)):
            run(case, failures.SEED)
        if "trainticket".startswith(options.only):
            trainticket(options.data)


if __name__ == "__main__":
    main()
