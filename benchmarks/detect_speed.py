"""Seconds and peak memory of detection without labels, from mined lines to a verdict on each.

Run: ``python benchmarks/detect_speed.py [--sizes N …]``: 100,000, 1,000,000 and 10,000,000 events,
each size in a process of its own. Events are made: 60 templates, Zipf-distributed, of
12 hosts, with durations, sizes, words and ids as parameters; reading and mining are not in it.
Lines: what ``detect`` does; sessions, of ten events each: what ``detect --session`` does; requests:
what ``detect`` does with access logs. These are made too: 20,000 pages and 50,000 clients,
Zipf-distributed, 3 % of the answers errors, one login form tried and refused, one scanner.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins"))
from biglog import offline
from biglog.findings.sessions import Sessions
from biglog.records import LINES, Template

SIZES = (100_000, 1_000_000, 10_000_000)
BATCH = 1_000_000
KINDS, HOSTS, SESSION = 60, 12, 10
PAGES, CLIENTS = 20_000, 50_000
PATTERN = "step {n} of <*> took <*> ms, read <*> bytes, state <*>"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--measure", nargs=2, metavar=("WHAT", "EVENTS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure[0], int(options.measure[1]))))
        return
    print(f"{'':10}    events  seconds  of processor  peak MiB  seconds by ten times the events")
    for what in ("lines", "sessions", "requests"):
        before = 0.0
        for size in options.sizes:
            told = alone(what, size)
            ratio = f"{told['seconds'] / before:.1f}" if before else ""
            before = told["seconds"]
            print(
                f"{what:10}{size:10,} {told['seconds']:8.2f} {told['processor']:13.2f}"
                f" {told['peak']:9.0f}  {ratio}",
                flush=True,
            )


def alone(what: str, size: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", what, str(size)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def measure(what: str, size: int) -> dict[str, float]:
    """Seconds by the clock and of the processor, without those of making; and the peak in MiB."""
    spent = [0.0, 0.0]
    batches = stopped(made_requests(size) if what == "requests" else made(size), spent)
    start, worked = time.perf_counter(), time.process_time()
    judged = sessions(batches) if what == "sessions" else offline.judge_batches(batches, {}, None)
    for told in judged:
        assert told["score"].is_between(0.0, 1.0).all()
    return {
        "seconds": time.perf_counter() - start - spent[0],
        "processor": time.process_time() - worked - spent[1],
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def sessions(batches: Iterator[offline.Parsed]) -> Iterator[pl.DataFrame]:
    kept = ["session", "timestamp", "template_id", "template"]
    with tempfile.TemporaryDirectory(prefix="biglog-") as folder:
        night = Sessions(Path(folder))
        for one in batches:
            lines = offline.with_templates(one)
            night.add(lines.with_columns(session=pl.col("component")).select(kept))
            del one, lines
        yield from night.verdicts()


def stopped(batches: Iterator[offline.Parsed], spent: list[float]) -> Iterator[offline.Parsed]:
    """The batches; the time that making them took is added up in ``spent``."""
    while True:
        start, worked = time.perf_counter(), time.process_time()
        one = next(batches, None)
        spent[0] += time.perf_counter() - start
        spent[1] += time.process_time() - worked
        if one is None:
            return
        yield one
        del one


def made(size: int) -> Iterator[offline.Parsed]:
    rng = np.random.default_rng(7)
    ids = np.array([f"t{n:02d}" for n in range(KINDS)])
    templates = {
        f"t{n:02d}": Template(f"t{n:02d}", PATTERN.replace("{n}", "ab"[n % 2] * (n + 1)), "")
        for n in range(KINDS)
    }
    weights = 1.0 / np.arange(1, KINDS + 1)
    for start in range(0, size, BATCH):
        height = min(BATCH, size - start)
        kinds = rng.choice(KINDS, height, p=weights / weights.sum())
        yield offline.Parsed(
            made_lines(start, height, rng),
            pa.array(ids[kinds]),
            made_values(height, rng),
            templates,
        )


def made_lines(start: int, height: int, rng: np.random.Generator) -> pa.Table:
    place = pl.int_range(start, start + height, eager=True)
    at = pl.Series(1_700_000_000_000_000 + place * 50_000).cast(pl.Datetime("us", "UTC"))
    hosts = pl.Series([f"node{n}" for n in range(HOSTS)])
    frame = pl.DataFrame(
        {
            "line_id": place,
            "file": pl.Series(["made.log"]).new_from_index(0, height),
            "line_no": place + 1,
            "timestamp": at,
            "level": pl.Series(["INFO", "WARNING"])[rng.integers(0, 40, height) // 39],
            "host": hosts[rng.integers(0, HOSTS, height)],
            "component": (place // SESSION).cast(pl.String),
            "content": pl.Series(["step of work took some time"]).new_from_index(0, height),
        }
    )
    missing = [name for name in LINES.names if name not in frame.columns]
    empty = [
        pl.lit(1 if name == "count" else None, pl.Int64 if name == "count" else pl.String).alias(
            name
        )
        for name in missing
    ]
    return frame.with_columns(empty).select(LINES.names).to_arrow().cast(LINES)


def made_requests(size: int) -> Iterator[offline.Parsed]:
    rng = np.random.default_rng(7)
    template = Template("t", "<*> <*> HTTP/1.1 <*> <*>", "")
    for start in range(0, size, BATCH):
        height = min(BATCH, size - start)
        lines = pl.DataFrame(pl.from_arrow(made_lines(start, height, rng)))
        lines = lines.with_columns(host=None, component=None, **asked(height, rng))
        yield offline.Parsed(
            lines.to_arrow().cast(LINES),
            pa.array(np.full(height, "t")),
            pa.array([[]], pa.list_(pa.string())).take(pa.array(np.zeros(height, np.int64))),
            {"t": template},
        )


def asked(height: int, rng: np.random.Generator) -> dict[str, pl.Series]:
    """Content and fields of so many requests."""
    page, client = ((rng.zipf(1.3, height) % most).astype(str) for most in (PAGES, CLIENTS))
    failed, who = rng.random(height) < 0.03, rng.random(height)
    login, scan = who < 0.001, (who > 0.999)
    rows = pl.DataFrame(
        {"page": page, "client": client, "failed": failed, "n": rng.integers(0, 1000, height)}
    )
    path = (
        pl.when(pl.Series(login))
        .then(pl.lit("POST /login"))
        .when(pl.Series(scan))
        .then(pl.format("GET /absent/{}/x.php", "page"))
        .otherwise(pl.format("GET /shop{}/item/{}", pl.col("n") % 20, "page"))
    )
    status = (
        pl.when(pl.Series(login))
        .then(pl.lit("401 Unauthorized"))
        .when(pl.Series(scan) | pl.col("failed"))
        .then(pl.lit("404 Not Found"))
        .otherwise(pl.lit("200 OK"))
    )
    who = (
        pl.when(pl.Series(scan)).then(pl.lit("scanner")).otherwise(pl.format("client-{}", "client"))
    )
    told = rows.select(
        content=pl.format("{} HTTP/1.1 {}", path, status),
        fields=pl.concat_str(pl.lit('{"client":"'), who, pl.lit('"}')),
    )
    return dict(told.to_dict())


def made_values(height: int, rng: np.random.Generator) -> pa.Array:
    words = np.array(["ready", "busy", "closed"])
    frame = pl.DataFrame(
        {
            "id": pl.Series(rng.integers(0, 2**40, height)).cast(pl.String),
            "took": pl.Series(rng.lognormal(3.0, 1.0, height).round(2)).cast(pl.String),
            "bytes": pl.Series(rng.integers(0, 5000, height)).cast(pl.String),
            "state": words[rng.integers(0, 3, height)],
        }
    )
    return frame.select(pl.concat_list(pl.all())).to_series().to_arrow()


if __name__ == "__main__":
    main()
