"""Raw text to typed Parquet: ours beside a plain polars regex reader and a Python ``re`` one.

    python benchmarks/lines.py HDFS.log [--rounds 3]

Each reader runs in a process of its own. The two peers do less: no detection, no UTC, no levels, no
redaction, no quarantine, no check of encodings. The file must be in HDFS's log4j layout.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl

from biglog.lines.lake import write_partition
from biglog.lines.read import read
from biglog.settings import LineSettings, SourceSettings

HEADER = (
    r"^(?P<time>\d{6} \d{6}) (?P<pid>\d+) (?P<level>[A-Z]+) (?P<component>[^ :]+): (?P<content>.*)$"
)


def ours(path: Path, out: Path) -> int:
    source = SourceSettings("bench", str(path))
    return write_partition(read([path], source, LineSettings()), out, source, "2008-11-10").lines


def polars_regex(path: Path, out: Path) -> int:
    raw = pl.DataFrame({"raw": path.read_text("utf-8", "replace").splitlines()})
    groups = raw.select(pl.col("raw").str.extract_groups(HEADER)).unnest("raw")
    typed = groups.with_columns(pl.col("time").str.to_datetime("%y%m%d %H%M%S"))
    typed.write_parquet(out / "lines.parquet")
    return len(typed)


def python_re(path: Path, out: Path) -> int:
    header, rows = re.compile(HEADER), []
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if found := header.match(line.rstrip("\n")):
                moment = datetime.strptime(found["time"], "%y%m%d %H%M%S")
                rows.append((moment, *found.groups()[1:]))
    pl.DataFrame(rows, orient="row").write_parquet(out / "lines.parquet")
    return len(rows)


def measure(reader: Callable[[Path, Path], int], path: Path, rounds: int) -> tuple[int, float, int]:
    """Lines, best seconds, and peak MB of a fresh process; the first round warms up."""
    best, lines = float("inf"), 0
    with tempfile.TemporaryDirectory() as out:
        for _ in range(rounds + 1):
            started = time.perf_counter()
            lines = reader(path, Path(out))
            best = min(best, time.perf_counter() - started)
    return lines, best, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    told = parser.parse_args()
    print(f"{'reader':14} {'lines':>9} {'seconds':>8} {'lines/s':>10} {'peak MB':>8} {'ratio':>6}")
    base = 0.0
    for reader in (polars_regex, ours, python_re):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            lines, seconds, peak = pool.apply(measure, (reader, told.file, told.rounds))
        speed = lines / seconds
        base = base or speed
        print(
            f"{reader.__name__:14} {lines:9,} {seconds:8.2f} {speed:10,.0f} {peak:8} "
            f"{speed / base:6.2f}"
        )


if __name__ == "__main__":
    main()
