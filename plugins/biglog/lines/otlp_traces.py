"""Spans of OpenTelemetry traces as JSON lines, read for which service called which.

Each line is an export request, as the OpenTelemetry Collector's file exporter writes them:
``{"resourceSpans": [{"resource": …, "scopeSpans": [{"spans": [{"traceId", "spanId", …}]}]}]}``
(opentelemetry-proto 1.x, JSON encoding). A span whose parent is of another service is a call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from pydantic_core import from_json

from biglog.errors import BadInput
from biglog.lines.archives import parts
from biglog.lines.parts import Part, Reading, read_bytes
from biglog.records import Dependency
from biglog.settings import LineSettings

LONGEST = 16 << 20
"""Bytes of a line; a longer one is left out."""
AT_A_TIME = 200_000
SPANS = 4_000_000
"""Held at a time; of a larger night half of the traces are let go of, then half of those."""
LATEST = 4_102_444_800 * 10**9
"""Nanoseconds since 1970 of the year 2100: a later start is no time."""
NAME = 200
EXPECTED = (
    'expected a JSON object a line with "resourceSpans", as the OpenTelemetry Collector\'s file '
    "exporter writes it (format: json)"
)
SPAN = {
    "trace": pl.String, "span": pl.String, "parent": pl.String, "service": pl.String,
    "at": pl.Int64,
}  # fmt: skip
HELD = {
    "trace": pl.UInt64, "span": pl.UInt64, "parent": pl.UInt64, "service": pl.String,
    "at": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Traces:
    """What a night's traces say of calls, and how much of them could be read."""

    calls: tuple[Dependency, ...]
    spans: int
    skipped: int  # lines that are no export request, and spans without ids or service
    reason: str = ""  # why the first of these was skipped, with file and line


@dataclass(slots=True)
class Heap:
    """Spans so far; of the traces, one in ``share`` is kept, whole."""

    frame: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=HELD))
    share: int = 1
    spans: int = 0
    skipped: int = 0
    reason: str = ""
    new: list[tuple[str, str, str, str, int]] = field(default_factory=list)

    def skip(self, reason: str) -> None:
        self.skipped += 1
        self.reason = self.reason or reason

    def settle(self) -> None:
        """Move the new spans into the frame, and keep that within its size."""
        rows = pl.DataFrame(self.new, schema=SPAN, orient="row").with_columns(
            pl.col("trace", "span").hash(), parent=pl.col("parent").replace("", None).hash()
        )
        self.spans, self.new = self.spans + len(rows), []
        self.frame = pl.concat([self.frame, rows.filter(self.kept)])
        while len(self.frame) > SPANS:
            self.share *= 2
            self.frame = self.frame.filter(self.kept)

    @property
    def kept(self) -> pl.Expr:
        return pl.col("trace") % self.share == 0


def read_traces(files: Iterable[Path], limits: LineSettings) -> Traces:
    """The calls in files of export requests, plain or packed.

    What is no export request is counted and left out. Raises BadInput where a file cannot be
    opened, or where nothing in the files is a span though they are not empty.
    """
    heap = Heap()
    for part in (one for path in files for one in parts(path, limits)):
        read_part(part, heap)
    heap.settle()
    if heap.skipped and not heap.spans:
        raise BadInput(f"{heap.reason}; {EXPECTED}")
    return Traces(calls_of(heap.frame), heap.spans, heap.skipped, heap.reason)


def read_part(part: Part, heap: Heap) -> None:
    reading = Reading(part)
    for number, text in enumerate(cut_lines(read_bytes(reading)), 1):
        where = f"{part.name} line {number}"
        if len(text) > LONGEST:
            heap.skip(f"{where} is longer than {LONGEST:,} bytes")
        elif text.strip(b"\xef\xbb\xbf \t\r\0"):
            take(text, where, heap)
        if len(heap.new) >= AT_A_TIME:
            heap.settle()
    if reading.damage:
        heap.skip(f"{part.name} {reading.damage}")


def cut_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Lines without their ends; of one that is too long no more is held than shows that it is."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        *ended, rest = piece.split(b"\n")
        for one in ended:
            yield b"".join([*held, one])
            held, size = [], 0
        if size <= LONGEST:
            held.append(rest)
            size += len(rest)
    if held:
        yield b"".join(held)


def take(text: bytes, where: str, heap: Heap) -> None:
    """The spans of a line into the heap."""
    try:
        request = from_json(text.strip(b"\xef\xbb\xbf \t\r\0"))
    except ValueError as error:
        heap.skip(f"{where} is no JSON ({str(error)[:100]})")
        return
    if not isinstance(request, dict) or not isinstance(request.get("resourceSpans"), list):
        heap.skip(f"{where} has no list of resourceSpans")
        return
    for resource in objects(request, "resourceSpans"):
        service = service_of(resource)
        for scope in objects(resource, "scopeSpans"):
            for span in objects(scope, "spans"):
                row = row_of(span, service)
                if row:
                    heap.new.append(row)
                else:
                    heap.skip(f"{where} has a span without traceId, spanId or service.name")


def objects(whole: dict[str, Any], key: str) -> Iterator[dict[str, Any]]:
    found = whole.get(key)
    return (one for one in found if isinstance(one, dict)) if isinstance(found, list) else iter(())


def service_of(resource: dict[str, Any]) -> str:
    """service.name of the resource, made safe to show; empty where there is none."""
    about = resource.get("resource")
    for one in objects(about, "attributes") if isinstance(about, dict) else ():
        value = one.get("value")
        name = value.get("stringValue") if isinstance(value, dict) else None
        if one.get("key") == "service.name" and isinstance(name, str):
            return "".join(c for c in name.strip() if c.isprintable())[:NAME]
    return ""


def row_of(span: dict[str, Any], service: str) -> tuple[str, str, str, str, int] | None:
    trace, own, parent = (text_of(span, key) for key in ("traceId", "spanId", "parentSpanId"))
    if not (trace and own and service):
        return None
    return trace, own, parent, service, moment(span.get("startTimeUnixNano"))


def text_of(span: dict[str, Any], key: str) -> str:
    found = span.get(key)
    return found.lower() if isinstance(found, str) and len(found) <= 64 else ""


def moment(given: Any) -> int:
    """Nanoseconds since 1970; 0 for what is no time."""
    text = str(given) if isinstance(given, (str, int)) else ""
    at = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    return at if at < LATEST else 0


def calls_of(spans: pl.DataFrame) -> tuple[Dependency, ...]:
    """A call per pair of services of which one's span is the parent of the other's."""
    parents = spans.select("trace", parent="span", caller="service").unique(["trace", "parent"])
    at = pl.col("at").replace(0, None)
    found = (
        spans.join(parents, on=["trace", "parent"])
        .filter(pl.col("caller") != pl.col("service"))
        .group_by("caller", callee="service")
        .agg(pl.len(), first=at.min(), last=at.max())
        .with_columns(pl.from_epoch("first", "ns"), pl.from_epoch("last", "ns"))
        .with_columns(pl.col("first", "last").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"))
        .sort("caller", "callee")
    )
    return tuple(
        Dependency(caller, callee, {"trace": (count, count)}, 0.0, first, last)
        for caller, callee, count, first, last in found.iter_rows()
    )
