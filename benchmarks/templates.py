"""Accuracy of template mining per system, and its throughput, beside other miners.

    python benchmarks/templates.py DATA [--leave-out | --statements | --speed | --show SYSTEM]

DATA is the folder that holds ``parsing/<System>/<System>_2k.log_structured_corrected.csv``. These
ten systems were in sight while the rules were written. How the rules do elsewhere is measured by
``--leave-out``, which fits the constants on half of the systems, and by ``--statements``, on the
log statements of installed packages with simulated parameters, half of which no rule was made for.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple
from pathlib import Path

import polars as pl
import pyarrow as pa
from statements import DEVELOPED, HELD_OUT
from statements import systems as simulated
from templates_leave_out import System, leave_out
from templates_peers import Miner, drain3, ours, peers

from biglog.settings import TemplateSettings
from biglog.templates.evaluate import Accuracy, accuracy
from biglog.templates.mine import mine

MEASURES = ("GA", "FGA", "PA", "FTA")


def systems(data: Path) -> Iterator[System]:
    for path in sorted((data / "parsing").glob("*/*_2k.log_structured_corrected.csv")):
        table = pl.read_csv(path, infer_schema_length=0)
        yield path.parent.name, table["Content"].to_list(), table["EventTemplate"].to_list()


def print_accuracy(measured: Iterable[System], miners: dict[str, Miner]) -> None:
    """The measures per system, and lines per second: short runs, see ``--speed`` for long ones."""
    chosen = list(measured)
    for name, miner in miners.items():
        miner(chosen[0][1])  # what is compiled or imported once is not counted
        print(f"\n{name:16s}" + "".join(f"{m:>7s}" for m in MEASURES) + "  k lines/s")
        rows, speeds = [], []
        for system, contents, truth in chosen:
            start = time.perf_counter()
            found = miner(contents)
            speeds.append(len(contents) / (time.perf_counter() - start) / 1e3)
            rows.append(accuracy(truth, found))
            print_row(system, astuple(rows[-1]), f"{speeds[-1]:11.1f}")
        print_summary(rows, f"{statistics.mean(speeds):11.1f}")


def print_row(name: str, values: Iterable[float], rest: str = "") -> None:
    print(f"{name:16s}" + "".join(f"{v:7.3f}" for v in values) + rest)


def print_summary(rows: list[Accuracy], rest: str = "") -> None:
    columns = list(zip(*map(astuple, rows), strict=True))
    print_row("mean", map(statistics.mean, columns), rest)
    print_row("worst", map(min, columns))


def print_leave_out(data: Path) -> None:
    for name, rows in leave_out(list(systems(data))).items():
        print(f"\n{name:16s}" + "".join(f"{m:>7s}" for m in MEASURES) + "  on systems left out")
        print_summary(rows)


def print_statements() -> None:
    for title, names in (("rules were made for", DEVELOPED), ("held out", HELD_OUT)):
        print(f"\n== simulated lines of real log statements, packages {title}")
        print_accuracy(simulated(names, seed=1), peers())


def mixed(data: Path, lines: int = 200_000) -> list[str]:
    """Lines of all systems in random order, their digits jittered so that few are equal."""
    chance = random.Random(42)
    pool = [one for _, contents, _ in systems(data) for one in contents]

    def jitter(found: re.Match[str]) -> str:
        return "".join(chance.choice("0123456789") for _ in found.group())

    return [re.sub(r"\d{2,}", jitter, chance.choice(pool)) for _ in range(lines)]


def hdfs(data: Path) -> list[str]:
    text = (data / "sessions" / "hdfs_2pct.log").read_text("utf-8", "replace")
    return [line.split(": ", 1)[-1] for line in text.splitlines()]


def print_speed(data: Path) -> None:
    """Seconds by the clock and of the processor; the second holds on a shared machine too."""
    print(f"{'':8s}{'':16s}{'k lines/s':>10s}{'k lines/cpu-s':>14s}{'templates':>10s}")
    for name, contents in (("mixed", mixed(data)), ("HDFS", hdfs(data))):
        arrow, first = pa.array(contents), mine(pa.array(contents), (), TemplateSettings())
        works: dict[str, Callable[[], int]] = {
            "biglog": lambda a=arrow: len(mine(a, (), TemplateSettings()).templates),
            "second night": lambda a=arrow, f=first: len(
                mine(a, f.templates, TemplateSettings()).templates
            ),
            "drain3": lambda c=contents: len(set(drain3(c))),
        }
        peer = timed(works["drain3"])
        for work in works:
            found = peer if work == "drain3" else timed(works[work], runs=3)
            wall, processor = (len(contents) / one / 1e3 for one in found[:2])
            print(
                f"{name:8s}{work:16s}{wall:10.0f}{processor:14.0f}{found[2]:10d}"
                f"   {peer[0] / found[0]:.1f} x drain3, by processor {peer[1] / found[1]:.1f} x"
            )


def timed(work: Callable[[], int], runs: int = 1) -> tuple[float, float, int]:
    """The best of some runs: seconds, processor seconds, and what the work answers."""
    walls, processors = [], []
    for _ in range(runs):
        wall, processor = time.perf_counter(), time.process_time()
        answer = work()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return min(walls), min(processors), answer


def show(data: Path, wanted: str) -> None:
    """Where the system's groups differ from the truth."""
    for system, contents, truth in systems(data):
        if system != wanted:
            continue
        pairs = pl.DataFrame({"truth": truth, "ours": ours(contents)})
        counts = pairs.group_by("truth", "ours").len().sort("truth", "ours")
        for one, other, count in counts.filter(pl.col("truth") != pl.col("ours")).rows():
            print(f"{count:5d} {one}\n      {other}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data", type=Path)
    arguments.add_argument("--leave-out", action="store_true", help="constants fitted elsewhere")
    arguments.add_argument("--statements", action="store_true", help="statements of packages")
    arguments.add_argument("--speed", action="store_true", help="throughput instead of accuracy")
    arguments.add_argument("--show", default="", help="differences of one system")
    given = arguments.parse_args()
    if given.show:
        show(given.data, given.show)
    elif given.speed:
        print_speed(given.data)
    elif given.leave_out:
        print_leave_out(given.data)
    elif given.statements:
        print_statements()
    else:
        print_accuracy(systems(given.data), peers())


if __name__ == "__main__":
    main()
