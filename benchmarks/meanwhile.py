"""Lines beside odd metrics: told where a fault raised both, seldom where chance put them together.

Run: ``python benchmarks/meanwhile.py [FOLDER]``. The recorded nights have no metrics, so the odd
spells are SIMULATED: for each planted fault a series that is odd exactly while it lasts; and, many
times, spells of the same lengths thrown anywhere into the nights where nothing was planted. A
template told beside a fault is right where it belongs to the fault's service.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.incidents import EXAMPLES, nights

from biglog.incidents.bench import SLACK, Fault, read_faults
from biglog.metrics.meanwhile import meanwhile
from biglog.records import Meanwhile, MetricAnomaly
from biglog.settings import Settings

HISTORY = 14
RATE = 0.1
THROWS = 20


def spell(fault: Fault, series: str, started_at: datetime) -> MetricAnomaly:
    """A series that is odd for as long as the fault lasts, told by its first point."""
    lasts = fault.ended_at - fault.started_at
    return MetricAnomaly(
        f"{started_at:%Y-%m-%d}", series, started_at, 1.0, 0.0, 1.0, "simulated", after=lasts
    )


def told(
    spells: Sequence[MetricAnomaly], counts: Sequence[pa.Table], dates: Sequence[str]
) -> dict[str, tuple[Meanwhile, ...]]:
    """What is said beside each spell of the last night, by its series; () where nothing is."""
    date, kept = dates[-1], dates[-HISTORY - 1 :]
    tonight = [one for one in spells if one.date == date]
    earlier = [one for one in spells if one.date in kept[:-1]]
    table = pa.concat_tables(counts[-HISTORY - 1 :])
    found = meanwhile(tonight, earlier, table, date, RATE)
    said = {one.series: beside for one, beside in found}
    return {one.series: said.get(one.series, ()) for one in tonight}


def services(counts: pa.Table) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    pairs = zip(counts["template_id"].to_pylist(), counts["service"].to_pylist(), strict=True)
    for template_id, service in set(pairs):
        found.setdefault(template_id, set()).add(service)
    return found


def thrown(
    faults: Sequence[Fault], planned: Sequence[Fault], date: str, rng: np.random.Generator
) -> list[MetricAnomaly]:
    """Two spells of faults' lengths, anywhere in the night; not where something was planted."""
    first = datetime.fromisoformat(date).replace(tzinfo=UTC)
    spells = [
        spell(faults[n], f"s{n}", first + timedelta(minutes=int(rng.integers(60, 1_200))))
        for n in rng.choice(len(faults), 2, replace=False)
    ]
    return [one for one in spells if not any(overlap(one, each) for each in planned)]


def overlap(one: MetricAnomaly, fault: Fault) -> bool:
    return one.started_at <= fault.ended_at + SLACK and one.ended_at >= fault.started_at - SLACK


def main(recorded: Path = EXAMPLES) -> None:
    faults = read_faults(recorded / "faults.csv")
    planned = (*faults, *read_faults(recorded / "benign.csv"))
    planted = [spell(one, one.fault_id, one.started_at) for one in faults]
    by_id = {one.fault_id: one for one in faults}
    rng = np.random.default_rng(0)
    counts, dates = [], []
    rows: list[tuple[str, int, int]] = []
    by_chance: list[bool] = []
    for result in nights(recorded, Settings(home=recorded), None):
        counts.append(result.day.counts)
        dates.append(result.day.date)
        owners = services(result.day.counts)
        for series, beside in told(planted, counts, dates).items():
            right = sum(by_id[series].service in owners[one.template_id] for one in beside)
            rows.append((series, right, len(beside)))
        for _ in range(THROWS):
            found = told(thrown(faults, planned, result.day.date, rng), counts, dates)
            by_chance += [bool(beside) for beside in found.values()]
    table = Table(title="Templates told beside a simulated metric, by planted fault")
    for name in ("fault", "kind", "service", "told", "of its service"):
        table.add_column(name)
    for series, right, told_of in rows:
        fault = by_id[series]
        table.add_row(series, fault.kind, fault.service, str(told_of), str(right))
    console = Console()
    console.print(table)
    some = [one for one in rows if one[2]]
    console.print(
        f"faults with a template beside them {len(some)} of {len(rows)}, "
        f"one of the fault's service among them {sum(bool(one[1]) for one in some)}; "
        f"of {len(by_chance):,} spells thrown anywhere {np.mean(by_chance):.3f} have one"
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
