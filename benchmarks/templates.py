"""Accuracy of template mining per system, and its throughput, beside Drain3 with its defaults.

    python benchmarks/templates.py DATA [--speed] [--show SYSTEM]

DATA is the folder that holds ``parsing/<System>/<System>_2k.log_structured_corrected.csv``.
"""

from __future__ import annotations

import argparse
import logging
import random
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple
from pathlib import Path

import polars as pl
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins"))

from biglog.settings import TemplateSettings
from biglog.templates.evaluate import Accuracy, accuracy
from biglog.templates.mine import mine

MEASURES = ("GA", "FGA", "PA", "FTA")
Miner = Callable[[Sequence[str]], list[str]]


def ours(contents: Sequence[str]) -> list[str]:
    mined = mine(pa.array(contents), (), TemplateSettings())
    patterns = {one.template_id: one.pattern for one in mined.templates}
    return [patterns[one] for one in mined.template_ids.to_pylist()]


def drain3(contents: Sequence[str]) -> list[str]:
    from drain3 import TemplateMiner
    from drain3.template_miner_config import TemplateMinerConfig

    logging.getLogger("drain3").setLevel(logging.ERROR)
    miner = TemplateMiner(config=TemplateMinerConfig())
    clusters = [miner.add_log_message(one)["cluster_id"] for one in contents]
    texts = {one.cluster_id: one.get_template() for one in miner.drain.clusters}
    return [texts[one] for one in clusters]


def masks_alone(contents: Sequence[str]) -> list[str]:
    """The trivial baseline: every token with a digit is a variable."""
    return [" ".join("<*>" if re.search(r"\d", t) else t for t in one.split()) for one in contents]


MINERS: dict[str, Miner] = {"biglog": ours, "drain3": drain3, "digit tokens": masks_alone}


def systems(data: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    for path in sorted((data / "parsing").glob("*/*_2k.log_structured_corrected.csv")):
        table = pl.read_csv(path, infer_schema_length=0)
        yield path.parent.name, table["Content"].to_list(), table["EventTemplate"].to_list()


def print_accuracy(data: Path) -> None:
    for name, miner in MINERS.items():
        print(f"\n{name:14s}" + "".join(f"{m:>7s}" for m in MEASURES))
        rows: list[Accuracy] = []
        for system, contents, truth in systems(data):
            rows.append(accuracy(truth, miner(contents)))
            print(f"{system:14s}" + "".join(f"{v:7.3f}" for v in astuple(rows[-1])))
        columns = list(zip(*map(astuple, rows), strict=True))
        print(f"{'mean':14s}" + "".join(f"{statistics.mean(c):7.3f}" for c in columns))
        print(f"{'worst':14s}" + "".join(f"{min(c):7.3f}" for c in columns))


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
    arguments.add_argument("--speed", action="store_true", help="throughput instead of accuracy")
    arguments.add_argument("--show", default="", help="differences of one system")
    given = arguments.parse_args()
    if given.show:
        show(given.data, given.show)
    elif given.speed:
        print_speed(given.data)
    else:
        print_accuracy(given.data)


if __name__ == "__main__":
    main()
