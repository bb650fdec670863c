"""Which service calls which, learned from logs alone, beside the calls that are known.

Run: ``python benchmarks/dependencies.py DATA/rca``. Each folder of it holds logs of pods
(``*/*/log/*_log.csv``); the truth is in its traces (``*/*/trace/*_trace.csv``) or, where these are
not at hand, in ``calls/<folder>.csv`` beside this script, which says of each call whether it was
seen in the published traces of the same recording or stands in the system's source.

The logs are read as a night's are: mined to templates, the ids among the parameters. Nothing is
told of which of them is a trace's. Precision is of all known calls, recall of those seen.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Set
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from incidents import ALONE, counted
from metrics import service

from biglog.calls import night_calls, shared_lines
from biglog.incidents.graph import SURE
from biglog.incidents.places import named, places
from biglog.incidents.sharing import occasions
from biglog.records import EVENTS, Day, History, Template, TemplateVectors
from biglog.settings import TemplateSettings
from biglog.templates.mine import mine

Pairs = Set[tuple[str, str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    for folder in sorted(one.parent for one in parser.parse_args().data.glob("*/rca_data")):
        measure(folder)


def measure(folder: Path) -> None:
    lines = read_logs(folder)
    known, seen = true_calls(folder)
    spoken = set(lines["service"].unique())
    asked = {pair for pair in seen if set(pair) <= spoken}
    print(f"\n{folder.name}: {lines.height:,} lines of {len(spoken)} services; {len(known)} calls")
    print(f"are known, {len(seen)} of them seen in traces, {len(asked)} between services that log")
    print(f"{'':46}{'calls':>6}{'precision':>11}{'recall':>8}")
    with tempfile.TemporaryDirectory() as place:
        ways = learned(lines, Path(place) / "events.parquet")
    for way, pairs in {**ways, "each with each, same minute": in_a_minute(lines)}.items():
        right, met = len(pairs & known) / max(1, len(pairs)), len(pairs & asked) / len(asked)
        print(f"{way:46}{len(pairs):>6}{right:>11.2f}{met:>8.2f}")
    for title, pairs in (("not known", ways[OURS] - known), ("missed", asked - ways[OURS])):
        print(f"{title}: {', '.join(f'{a} > {b}' for a, b in sorted(pairs)) or 'none'}")


OURS = f"BigLog, confidence {SURE} or more"


def read_logs(folder: Path) -> pl.DataFrame:
    """Every line once: timestamp, service and content."""
    frames = []
    for path in sorted(folder.glob("*/*/log/*_log.csv")):
        rows = pl.read_csv(path, infer_schema=False, truncate_ragged_lines=True)
        nanoseconds = pl.col("TimeUnixNano").cast(pl.Int64)
        frames.append(
            rows.select(
                timestamp=(nanoseconds // 1000).cast(pl.Datetime("us", "UTC")),
                service=pl.col("PodName").map_elements(service, return_dtype=pl.String),
                host=pl.col("PodName"),
                content=pl.col("Log").str.json_path_match("$.log").str.strip_chars_end(),
            )
        )
    # Minutes of one fault are listed again with the next.
    return pl.concat(frames).drop_nulls().unique(maintain_order=True).sort("timestamp")


def true_calls(folder: Path) -> tuple[Pairs, Pairs]:
    """Calls that are known at all, and those that were seen in traces."""
    traces = sorted(folder.glob("*/*/trace/*_trace.csv"))
    if traces:
        seen = {pair for path in traces for pair in calls_of(path)}
        return seen, seen
    path = Path(__file__).parent / "calls" / f"{folder.name}.csv"
    rows = pl.read_csv(path, comment_prefix="#")
    pairs = rows.select("caller", "callee")
    traced = pairs.filter(rows["known_from"] == "trace")
    return set(pairs.iter_rows()), set(traced.iter_rows())


def calls_of(path: Path) -> Pairs:
    """Pairs of services of which one's span is the parent of the other's."""
    spans = pl.read_csv(path, infer_schema=False).with_columns(
        callee=pl.col("PodName").map_elements(service, return_dtype=pl.String)
    )
    parents = spans.select("TraceID", ParentID="SpanID", caller="callee")
    pairs = spans.join(parents, on=["TraceID", "ParentID"]).select("caller", "callee").unique()
    return {(a, b) for a, b in pairs.iter_rows() if a != b}


def learned(lines: pl.DataFrame, path: Path) -> Mapping[str, Pairs]:
    mined = mine(lines["content"].to_arrow(), (), TemplateSettings())
    rows = lines.with_columns(
        line_id=pl.int_range(pl.len()), level=pl.lit(None, pl.String), count=pl.lit(1, pl.Int64)
    ).to_arrow()
    events = rows.append_column("template_id", mined.template_ids)
    events = events.append_column("parameters", mined.parameters).select(EVENTS.names).cast(EVENTS)
    pq.write_table(events, path)
    templates = {one.template_id: one for one in mined.templates}
    day, history = night(rows, mined.template_ids, templates)
    found = night_calls(day, history, [path])
    return {
        OURS: {(one.caller, one.callee) for one in found if one.confidence >= SURE},
        "BigLog, any confidence": {(one.caller, one.callee) for one in found},
        "named only": {(one.caller, one.callee) for one in named(day, places(day, history))},
        "same id, the first to speak with each other": first_speakers(shared_lines([path])),
    }


def night(
    rows: pa.Table, template_ids: pa.Array, templates: Mapping[str, Template]
) -> tuple[Day, History]:
    counts = counted(rows, template_ids, "all", "2023-01-29")
    none = TemplateVectors("none", (), np.zeros((0, 1), np.float32))
    day = Day("2023-01-29", counts, templates, none, ALONE, ())
    return day, History((), counts.slice(0, 0), {}, none, {})


def first_speakers(lines: pl.DataFrame) -> Pairs:
    """Whoever is first to speak of an id calls all others that do: three ids or more, mostly."""
    heard = occasions(lines)
    first = heard.group_by("occasion").agg(caller=pl.col("service").first())
    return mostly(heard.select("occasion", callee="service").unique().join(first, on="occasion"))


def in_a_minute(lines: pl.DataFrame) -> Pairs:
    """Services that speak in the same minutes: the one that is first in most of them calls."""
    heard = lines.group_by(
        "service", occasion=pl.col("timestamp").dt.truncate("1m")
    ).agg(at=pl.col("timestamp").min())  # fmt: skip
    others = heard.select("occasion", callee="service", after="at")
    pairs = heard.rename({"service": "caller"}).join(others, on="occasion")
    return mostly(pairs.filter(pl.col("at") < pl.col("after")))


def mostly(pairs: pl.DataFrame) -> Pairs:
    """Pairs that come three times or more, and more often so than the other way round."""
    counts = pairs.filter(pl.col("caller") != pl.col("callee")).group_by("caller", "callee").len()
    found = dict(((a, b), n) for a, b, n in counts.iter_rows())
    return {(a, b) for (a, b), n in found.items() if n >= 3 and n > found.get((b, a), 0)}


if __name__ == "__main__":
    main()
