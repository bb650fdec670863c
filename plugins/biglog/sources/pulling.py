"""Lines that a store is asked for, page by page, and how far a pull has come."""

from __future__ import annotations

import hashlib
import heapq
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from datetime import date as Date
from pathlib import Path
from time import time as wall_clock
from zoneinfo import ZoneInfo

from biglog import lake
from biglog.errors import BadInput, TryAgain
from biglog.sources.asking import Patience

SECOND = 1_000_000_000
SETTLED = 120
"""Seconds after which a store finds what was said: shippers and indexes lag behind."""
SOON = 900
GOES_ON_SECONDS = 86_400
"""A pull that stopped longer ago is begun anew: more may have arrived since."""


@dataclass(frozen=True, slots=True)
class Page:
    """Keyed lines, and the moment before which nothing is missing any more."""

    lines: Sequence[bytes]
    until: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a part has come; nanoseconds since 1970, and bytes of its file."""

    plan: str
    until: int
    size: int = 0


Pages = Callable[[int], Iterator[Page]]


def span(date: str, zone: str) -> tuple[int, int]:
    """The date's first nanosecond in a zone, and the first of the next date."""
    day = Date.fromisoformat(date)
    try:
        place = ZoneInfo(zone)
    except (KeyError, ValueError) as error:
        raise BadInput(
            f"timezone {zone!r} is unknown; expected a name like Asia/Shanghai"
        ) from error
    ends = (datetime.combine(one, time(), place) for one in (day, day + timedelta(1)))
    start, end = (int(one.timestamp()) * SECOND for one in ends)
    return start, end


def await_end(end: int, patience: Patience) -> None:
    """Wait until a date is over and its last lines can be found, where that is soon.

    Raises TryAgain where it is not: what a store has of a date that goes on is never the whole.
    """
    left = end / SECOND + SETTLED - patience.now()
    if left > SOON:
        raise TryAgain(
            f"the date is not over before {iso(end)} in the source's zone; run it after that, or "
            "schedule ingest_logs later"
        )
    if left > 0:
        patience.sleep(left)


def iso(moment: int) -> str:
    """RFC 3339 with all nine digits."""
    whole = datetime.fromtimestamp(moment // SECOND, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{moment % SECOND:09d}Z"


def keyed(moment: int, order: str, record: object) -> bytes:
    """A line with what it is sorted by before it, so that the same lines give the same file."""
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return b"%020d\t%b\t%b\n" % (moment, encode(order), encode(text))


def encode(text: str) -> bytes:
    # A lone surrogate is legal in JSON and not in UTF-8.
    return text.encode("utf-8", "replace").replace(b"\n", b" ").replace(b"\t", b" ")


def moment(line: bytes) -> int:
    return int(line[:20])


def plan_of(*asked: object) -> str:
    """Names what is asked for: a part that was pulled for another question is begun anew."""
    return hashlib.sha256(repr(asked).encode()).hexdigest()


def pull(part: Path, plan: str, start: int, pages: Pages) -> None:
    """All pages into the part's file, going on where a killed pull stopped.

    A page is on the disk before it is counted, so a kill at any moment neither loses nor doubles.
    """
    done = read_progress(part, Progress(plan, start))
    with part.open("ab") as out:
        out.truncate(done.size)
        for page in pages(done.until):
            out.writelines(page.lines)
            out.flush()
            os.fsync(out.fileno())
            done = Progress(plan, page.until, out.tell())
            lake.write_json(state(part), Progress, done)


def read_progress(part: Path, fresh: Progress) -> Progress:
    try:
        known: Progress = lake.read_json(state(part), Progress)
    except BadInput:  # the first pull, or a state file of another version
        return fresh
    recent = wall_clock() - state(part).stat().st_mtime < GOES_ON_SECONDS
    whole = part.exists() and part.stat().st_size >= known.size
    return known if known.plan == fresh.plan and recent and whole else fresh


def state(part: Path) -> Path:
    return part.with_name(f"{part.name}.state")


def merge(parts: Sequence[Path], target: Path) -> Path:
    """One file of the parts' lines in order, in their place."""
    files = [part.open("rb") for part in parts]
    try:
        with lake.replacing(target) as draft, draft.open("wb") as out:
            out.writelines(without_keys(heapq.merge(*files)))
    finally:
        for file in files:
            file.close()
    for part in parts:
        part.unlink()
        state(part).unlink()
    return target


def without_keys(lines: Iterable[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield line.split(b"\t", 2)[2]
