"""Raw text to typed Parquet: ours beside polars, pyarrow, DuckDB, pandas and plain ``re`` readers.

    python benchmarks/lines.py [DATA] [--lines 1000000] [--rounds 3] [--only NAME]
    python benchmarks/lines.py --gigabytes 10

The files are one day of a recorded source each, repeated up to ``--lines``; with DATA (see
docs/benchmarks.md) public ones too. Each reader runs in a process of its own, one after the other,
and is given the header's regex and time layout. They do less than ours: no detection of the format,
no levels, no redaction, no quarantine, no check of encodings, no records of several lines.

``biglog, redaction off`` is ours without the search for secrets; ``biglog events`` is ours from raw
text to template and parameters of every line, written as Parquet.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import zstandard

from biglog.lines.lake import write_partition
from biglog.lines.read import read
from biglog.records import EVENTS
from biglog.settings import LineSettings, SourceSettings, TemplateSettings
from biglog.templates.catalogue import Catalogue
from biglog.templates.mine import mine
from biglog.threads import behind

ROOT = Path(__file__).resolve().parents[1]
RECORDED = ROOT / "examples" / "recorded"
ACCESS = (
    r'^(?P<client>[^ ]+) [^ ]+ (?P<user>[^ ]+) \[(?P<time>[^\]]+)\] "(?P<content>[^"]*)" '
    r'(?P<status>\d{3}) (?P<bytes>\d+|-) "(?P<referer>[^"]*)" "(?P<agent>[^"]*)"'
)


@dataclass(frozen=True, slots=True)
class Log:
    """A file to read, and what the peers need to be told of it."""

    name: str
    path: str
    date: str
    header: str
    layout: str
    """Of the group ``time``, as strptime has it."""


LOGS = (
    Log("nginx access", "nginx_access/2026-11-02.log.zst", "2026-11-02", ACCESS,
        "%d/%b/%Y:%H:%M:%S %z"),
    Log("Python logging", "shop_app1/2026-11-02.log.zst", "2026-11-02",
        r"^(?P<time>[\d-]+ [\d:]+,\d{3}) (?P<level>[A-Z]+) (?P<component>[^ :]+): (?P<content>.*)$",
        "%Y-%m-%d %H:%M:%S,%f"),
    Log("PostgreSQL", "postgresql/2026-11-02.log.zst", "2026-11-02",
        r"^(?P<time>[\d-]+ [\d:.]+) UTC \[(?P<pid>\d+)\] (?:(?P<user>[^@ ]+)@(?P<database>[^ ]+) )?"
        r"(?P<level>[A-Z]+): +(?P<content>.*)$", "%Y-%m-%d %H:%M:%S.%f"),
)  # fmt: skip
PUBLIC = (
    Log("HDFS", "sessions/hdfs_2pct.log", "2008-11-10",
        r"^(?P<time>\d{6} \d{6}) (?P<pid>\d+) (?P<level>[A-Z]+) (?P<component>[^ :]+): "
        r"(?P<content>.*)$", "%y%m%d %H%M%S"),
    Log("IoTDB", "raw/multilog_iotdb_sample/*/label?.log", "2023-11-18",
        r"^(?P<time>[\d-]+ [\d:]+,\d{3}) \[(?P<thread>.*?)\] (?P<level>[A-Z]+) +"
        r"(?P<component>[^ :]+):\d+ - (?P<content>.*)$", "%Y-%m-%d %H:%M:%S,%f"),
    Log("Linux syslog", "raw/linux_full/Linux.log", "2026-02-01",
        r"^(?P<time>[A-Z][a-z]{2} +\d+ [\d:]+) (?P<host>[^ ]+) (?P<component>[^ \[:]+)"
        r"(?:\[(?P<pid>\d+)\])?: (?P<content>.*)$", "%Y %b %d %H:%M:%S"),
)  # fmt: skip


def prepare(log: Log, source: Path, lines: int, folder: Path) -> Path:
    """The file, unpacked and repeated up to so many lines."""
    raw = b"".join(map(text_of, sorted(source.glob(log.path))))
    if log.name == "IoTDB":
        raw = re.sub(rb"(?m)^- ", b"", raw)  # a label, not the log's
    raw = raw.rstrip(b"\n") + b"\n"
    path = folder / "raw.log"
    with path.open("wb") as out:
        for _ in range(max(1, round(lines / raw.count(b"\n")))):
            out.write(raw)
    return path


def text_of(path: Path) -> bytes:
    raw = path.read_bytes()
    return zstandard.ZstdDecompressor().stream_reader(raw).read() if path.suffix == ".zst" else raw


def ours(log: Log, path: Path, out: Path, redact: str = "on") -> int:
    # Public files hold more than one date; all of it stays in the one partition that is timed.
    source = SourceSettings("bench", str(path), late_days=0, redact=redact)
    batches = read([path], source, LineSettings(), date=log.date)
    return write_partition(batches, out, source, log.date).lines


def unredacted(log: Log, path: Path, out: Path) -> int:
    return ours(log, path, out, redact="off")


def events(log: Log, path: Path, out: Path) -> int:
    source = SourceSettings("bench", str(path), late_days=0)
    write_partition(read([path], source, LineSettings(), date=log.date), out, source, log.date)
    partition = pq.ParquetFile(next(out.glob("lines/*/*/part-0.parquet")))
    names = ("line_id", "timestamp", "template_id", "parameters")
    wanted = ["line_id", "timestamp", "content"]
    schema = pa.schema([EVENTS.field(one) for one in names])
    catalogue, rows = Catalogue(()), 0
    with (
        pq.ParquetWriter(out / "events.parquet", schema, compression="zstd") as writer,
        behind(writer.write_table) as write,
    ):
        for batch in partition.iter_batches(LineSettings().batch_lines, columns=wanted):
            mined = mine(batch["content"], catalogue, TemplateSettings())
            catalogue.add(mined.templates)
            columns = [batch["line_id"], batch["timestamp"], mined.template_ids, mined.parameters]
            write(pa.table(columns, schema=schema))
            rows += len(batch)
    return rows


def year_first(log: Log, texts: pl.Expr) -> pl.Expr:
    return pl.lit("2026 ") + texts if "%Y %b" in log.layout else texts


def by_polars(log: Log, path: Path, out: Path) -> int:
    raw = pl.DataFrame({"raw": path.read_text("utf-8", "replace").splitlines()})
    groups = raw.select(pl.col("raw").str.extract_groups(log.header)).unnest("raw")
    layout = log.layout.replace(",%f", ",%3f").replace(".%f", ".%3f")
    moment = year_first(log, pl.col("time")).str.to_datetime(layout, strict=False)
    typed = groups.with_columns(time=moment)
    typed.write_parquet(out / "lines.parquet", compression="zstd")
    return len(typed)


def by_pyarrow(log: Log, path: Path, out: Path) -> int:
    raw = pa.array(path.read_text("utf-8", "replace").splitlines(), pa.large_string())
    names = "|".join(re.findall(r"\?P<(\w+)>", log.header))
    struct = pc.extract_regex(raw, log.header)
    columns = dict(zip(names.split("|"), struct.flatten(), strict=True))
    texts = columns["time"]
    if "%Y %b" in log.layout:
        year, gap = (pa.scalar(text, pa.large_string()) for text in ("2026", " "))
        texts = pc.binary_join_element_wise(year, texts, gap)
    whole = pc.replace_substring_regex(texts, r"[,.]\d+$", "")
    layout = log.layout.replace(",%f", "").replace(".%f", "")
    columns["time"] = pc.strptime(whole, layout, "s", error_is_null=True)
    pq.write_table(pa.table(columns), out / "lines.parquet", compression="zstd")
    return len(raw)


def by_duckdb(log: Log, path: Path, out: Path) -> int:
    import duckdb

    names = re.findall(r"\?P<(\w+)>", log.header)
    pattern = log.header.replace("'", "''")
    keys = ", ".join(f"'{name}'" for name in names)
    layout = log.layout.replace("%f", "%g")
    text = "'2026 ' || g.time" if "%Y %b" in layout else "g.time"
    moment = f"try_strptime({text}, '{layout}')"
    rest = ", ".join(f"g.{name}" for name in names if name != "time")
    duckdb.sql(
        f"COPY (SELECT {moment} AS time, {rest} FROM (SELECT regexp_extract(raw, '{pattern}', "
        f"[{keys}]) AS g FROM read_csv('{path}', columns={{'raw': 'VARCHAR'}}, delim=chr(1), "
        f"quote='', escape='', header=false, auto_detect=false, max_line_size=2000000, "
        f"null_padding=true))) TO '{out / 'lines.parquet'}' (FORMAT parquet, COMPRESSION zstd)"
    )
    return pq.read_metadata(out / "lines.parquet").num_rows


def by_pandas(log: Log, path: Path, out: Path) -> int:
    import pandas as pd

    raw = pd.Series(path.read_text("utf-8", "replace").splitlines(), dtype="string[pyarrow]")
    frame = raw.str.extract(log.header)
    texts = ("2026 " + frame["time"]) if "%Y %b" in log.layout else frame["time"]
    frame["time"] = pd.to_datetime(texts, format=log.layout, errors="coerce")
    frame.to_parquet(out / "lines.parquet", compression="zstd")
    return len(frame)


def by_re(log: Log, path: Path, out: Path) -> int:
    header, rows = re.compile(log.header), []
    year = "2026 " if "%Y %b" in log.layout else ""
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if found := header.match(line.rstrip("\n")):
                named = found.groupdict()
                moment = datetime.strptime(year + named.pop("time"), log.layout)
                rows.append((moment.replace(tzinfo=None), *named.values()))
    frame = pl.DataFrame(rows, orient="row", infer_schema_length=None)
    frame.write_parquet(out / "lines.parquet", compression="zstd")
    return len(rows)


Reader = Callable[[Log, Path, Path], int]
READERS: dict[str, Reader] = {
    "biglog": ours,
    "biglog, redaction off": unredacted,
    "polars": by_polars,
    "pyarrow": by_pyarrow,
    "duckdb": by_duckdb,
    "pandas": by_pandas,
    "re": by_re,
    "biglog events": events,
}
SLOW = ("pandas", "re")
"""Timed once; their ratio is not in doubt."""


@dataclass(frozen=True, slots=True)
class Measured:
    lines: int
    seconds: float
    peak: int
    """Most memory of the process, in MB."""


def measure(name: str, log: Log, path: Path, rounds: int) -> Measured:
    """The best of some rounds in a fresh process, after one that warms up."""
    seconds, lines = [], 0
    for _ in range(1 if name in SLOW else rounds + 1):
        with tempfile.TemporaryDirectory() as out:
            started = time.perf_counter()
            lines = READERS[name](log, path, Path(out))
            seconds.append(time.perf_counter() - started)
    best = min(seconds[1:] or seconds)
    return Measured(lines, best, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def unpack_and_count(path: Path) -> float:
    """Seconds of ``zstd -dc FILE | wc -l``, the least that any reader of packed files must do."""
    if not shutil.which("zstd"):
        return float("nan")
    packed = path.with_suffix(".zst")
    subprocess.run(["zstd", "-q", "-f", str(path), "-o", str(packed)], check=True)
    started = time.perf_counter()
    subprocess.run(f"zstd -dc '{packed}' | wc -l", shell=True, check=True, capture_output=True)
    return time.perf_counter() - started


def alone(name: str, log: Log, path: Path, rounds: int) -> Measured:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, (name, log, path, rounds))


def compare(log: Log, path: Path, rounds: int) -> None:
    size = path.stat().st_size / 1e6
    least = unpack_and_count(path)
    found = {name: alone(name, log, path, rounds) for name in READERS}
    peers = [one.seconds for name, one in found.items() if not name.startswith("biglog")]
    print(f"\n{log.name}: {found['biglog'].lines:,} records, {size:.0f} MB")
    print(
        f"{'reader':21} {'lines/s':>10} {'MB/s':>6} {'peak MB':>8} {'x best peer':>12} {'x wc':>6}"
    )
    rows = found["polars"].lines
    for name, one in found.items():
        print(
            f"{name:21} {rows / one.seconds:10,.0f} {size / one.seconds:6.0f} {one.peak:8} "
            f"{min(peers) / one.seconds:12.2f} {one.seconds / least:6.1f}",
            flush=True,
        )


def tall(gigabytes: int) -> None:
    """Peak memory while a file of that size is read: it must not grow with the file."""
    for size in sorted({1, gigabytes}):
        with tempfile.TemporaryDirectory() as folder:
            log, lines = LOGS[0], size * 1_000_000_000 // 190
            path = prepare(log, RECORDED, lines, Path(folder))
            one = alone("biglog", log, path, rounds=0)
            print(
                f"{path.stat().st_size / 1e9:5.1f} GB {one.lines:12,} lines {one.seconds:7.1f} s "
                f"{one.lines / one.seconds:10,.0f} lines/s, peak {one.peak:,} MB",
                flush=True,
            )


def chosen(data: Path | None, only: str) -> Iterator[tuple[Log, Path]]:
    for log, source in [(one, RECORDED) for one in LOGS] + [(one, data) for one in PUBLIC]:
        if source is not None and only in ("", log.name):
            yield log, source


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="one log, by its name in the tables")
    parser.add_argument("--gigabytes", type=int, default=0, help="memory at this size instead")
    told = parser.parse_args()
    if told.gigabytes:
        tall(told.gigabytes)
        return
    for log, source in chosen(told.data, told.only):
        with tempfile.TemporaryDirectory() as folder:
            compare(log, prepare(log, source, told.lines, Path(folder)), told.rounds)


if __name__ == "__main__":
    main()
