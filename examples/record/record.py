"""Recorded days: the real services under a scripted load, with faults at planned hours."""

import argparse
import csv
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import sandbox
import zstandard
from clock import Clock
from plan import BENIGN, FAULTS, FIRST, Planned
from remap import FORMATS, by_day

COLUMNS = [
    "fault_id",
    "date",
    "started_at",
    "ended_at",
    "kind",
    "service",
    "host",
    "source",
    "description",
]
GRACE = 1.0
LEVEL = 19


@dataclass
class Reader:
    """One raw log as it grows, sorted into the days its lines stand for."""

    source: str
    offset: int = 0
    day: date | None = None
    days: dict[date, list[str]] = field(default_factory=lambda: defaultdict(list))

    def read(self, clock: Clock) -> None:
        """Take in what was written since the last call; unfinished lines wait."""
        with (sandbox.RAW / f"{self.source}.log").open("rb") as raw:
            raw.seek(self.offset)
            block = raw.read()
        whole = block[: block.rfind(b"\n") + 1]
        self.offset += len(whole)
        lines = whole.decode("utf-8", "surrogateescape").split("\n")[:-1]
        for day, text in by_day(lines, FORMATS[self.source], clock, day=self.day):
            self.day = day
            self.days[day].append(text)

    def write(self, day: date, folder: Path) -> int:
        """Put a finished day on disk, whole or not at all; returns its number of lines."""
        lines = self.days.pop(day, [])
        content = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
        target = day_file(folder, self.source, day)
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_suffix(".part")
        unfinished.write_bytes(zstandard.ZstdCompressor(level=LEVEL).compress(content))
        unfinished.replace(target)
        return len(lines)


@dataclass
class Recording:
    """What one run needs: where it writes, which days, how long each lasts."""

    out: Path
    clock: Clock
    days: int
    readers: list[Reader] = field(default_factory=lambda: [Reader(name) for name in FORMATS])

    def read(self) -> None:
        for reader in self.readers:
            reader.read(self.clock)

    def finish(self, day: date) -> None:
        total = sum(reader.write(day, self.out) for reader in self.readers)
        note(f"{day}: {total} lines")


def day_file(folder: Path, source: str, day: date) -> Path:
    return folder / "recorded" / source / f"{day}.log.zst"


def main() -> None:
    options = parse_options()
    if not options.inside:
        sandbox.enter(Path(__file__).resolve(), sys.argv[1:])
    options.out.mkdir(parents=True, exist_ok=True)
    sandbox.build()
    first = first_missing(options) if options.resume else FIRST + timedelta(options.first_day - 1)
    remaining = options.days - (first - FIRST).days
    if remaining > 0:
        record(options, first, remaining)


def record(options: argparse.Namespace, first: date, days: int) -> None:
    """Bring everything up, let the days pass, take everything down."""
    from stack import Stack

    stack = Stack()
    # The first process of a namespace ignores every signal it has no handler for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        stack.up()
        clock = Clock(time.time() + 4, first, options.seconds_per_day)
        start_load(stack, clock, days, options.rate)
        keep_jobs(stack, clock)
        recording = Recording(options.out, clock, days)
        writers = [
            pass_day(recording, stack, first + timedelta(days=number)) for number in range(days)
        ]
        for writer in writers:
            writer.join()
    finally:
        stack.down()


def pass_day(recording: Recording, stack: object, day: date) -> threading.Thread:
    """Let one day pass with its faults, then write it while the next one begins."""
    threads = [
        threading.Thread(target=strike, args=(recording, stack, planned), daemon=True)
        for planned in (*FAULTS, *BENIGN)
        if planned.date() == day
    ]
    threads.append(threading.Thread(target=routine, args=(recording, stack, day), daemon=True))
    for thread in threads:
        thread.start()
    sleep_until(recording.clock.wall(day + timedelta(days=1), 0) + GRACE)
    for thread in threads:
        thread.join(10)
    recording.read()
    writer = threading.Thread(target=recording.finish, args=(day,))
    writer.start()
    return writer


def strike(recording: Recording, stack: object, planned: Planned) -> None:
    """Inject one fault at its hour, undo it, and note both times."""
    import faults

    kind = (faults.KINDS | faults.HARMLESS)[planned.kind]
    clock = recording.clock
    sleep_until(clock.wall(planned.date(), planned.hour))
    started = clock.mapped(time.time())
    try:
        with kind.entered(stack):  # type: ignore[arg-type]
            time.sleep(clock.seconds(planned.hours))
    finally:
        times = [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (started, clock.mapped(time.time()))]
        what = [planned.kind, kind.service, kind.host, kind.source, kind.description]
        append_row(recording.out, planned, [str(planned.date()), *times, *what])


def append_row(out: Path, planned: Planned, values: list[str]) -> None:
    harmless = planned in BENIGN
    path = out / ("benign.csv" if harmless else "faults.csv")
    plan = BENIGN if harmless else FAULTS
    name = f"{'B' if harmless else 'F'}{plan.index(planned) + 1:02d}"
    rows = list(csv.reader(path.open())) if path.exists() else [COLUMNS]
    rows = [row for row in rows if row[0] != name] + [[name, *values]]
    with path.open("w", newline="") as target:
        csv.writer(target, lineterminator="\n").writerows([rows[0], *sorted(rows[1:])])


def routine(recording: Recording, stack: object, day: date) -> None:
    import jobs

    plan = sorted((hour, job.__name__) for job, hours in jobs.DAILY.items() for hour in hours)
    for hour, name in plan:
        sleep_until(recording.clock.wall(day, hour))
        getattr(jobs, name)(stack)


def keep_jobs(stack: object, clock: Clock) -> None:
    import jobs

    for job, hours in jobs.EVERY_HOURS.items():
        jobs.keep(stack, job, seconds=clock.seconds(hours))  # type: ignore[arg-type]


def start_load(stack: object, clock: Clock, days: int, rate: float) -> None:
    command = f"{sandbox.PYTHON} {sandbox.SHOP}/load.py --started {clock.started:.3f}"
    command += f" --first {clock.first} --days {days} --rate {rate}"
    command += f" --seconds-per-day {clock.seconds_per_day}"
    quiet = {"PYTHONPATH": str(sandbox.SITE), "TZ": "UTC", "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.Popen(command.split(), env=quiet, start_new_session=True)


def first_missing(options: argparse.Namespace) -> date:
    day = FIRST
    while all(day_file(options.out, source, day).exists() for source in FORMATS):
        day += timedelta(days=1)
    return day


def sleep_until(wall: float) -> None:
    time.sleep(max(0.0, wall - time.time()))


def note(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the recording")
    parser.add_argument("--days", type=int, default=16)
    parser.add_argument("--seconds-per-day", type=float, default=100.0)
    parser.add_argument("--rate", type=float, default=120.0, help="mean requests a second")
    parser.add_argument("--first-day", type=int, default=1, help="begin with this day of the plan")
    parser.add_argument("--resume", action="store_true", help="go on after the last whole day")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def report_thread_failure(failed: threading.ExceptHookArgs) -> None:
    note(f"a background task failed: {failed.exc_type.__name__}: {failed.exc_value}")
    traceback.print_tb(failed.exc_traceback)


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    threading.excepthook = report_thread_failure
    main()
