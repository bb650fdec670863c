"""The recorded days: whole, small, and labelled as they say."""

import csv
import io
import re
import tomllib
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
import zstandard

EXAMPLES = Path(__file__).parents[2] / "examples"
DAYS = [date(2026, 11, 2) + timedelta(days=number) for number in range(16)]
SOURCES = {
    source["name"]: source
    for source in tomllib.loads((EXAMPLES / "sources.toml").read_text())["source"]
}
# format -> where its time is in the line, and how it is written
TIMES = {
    "nginx_access": (r"\[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d) \+0000\]", "%d/%b/%Y:%H:%M:%S"),
    "nginx_error": (r"^(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[", "%Y/%m/%d %H:%M:%S"),
    "python_logging": (r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d{3} ", "%Y-%m-%d %H:%M:%S"),
    "postgresql": (r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\.\d{3} UTC ", "%Y-%m-%d %H:%M:%S"),
    "redis": (r"^\d+:\w (\d\d \w{3} \d{4} \d\d:\d\d:\d\d)\.\d{3} ", "%d %b %Y %H:%M:%S"),
    "celery": (r"^\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),\d{3}: ", "%Y-%m-%d %H:%M:%S"),
    "json_lines": (r'^\{"ts": "(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.', "%Y-%m-%dT%H:%M:%S"),
    "logfmt": (r"^ts=(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.", "%Y-%m-%dT%H:%M:%S"),
    "syslog_rfc3164": (r"^(\w{3} [ \d]\d \d\d:\d\d:\d\d) web1 ", "%b %d %H:%M:%S"),
}


def file_of(source: str, day: date) -> Path:
    return EXAMPLES / SOURCES[source]["path"].format(date=day)


@cache
def lines_of(source: str, day: date) -> tuple[str, ...]:
    with zstandard.open(file_of(source, day), "rb") as packed:
        return tuple(io.TextIOWrapper(packed, errors="surrogateescape").read().splitlines())


def times_of(source: str, day: date) -> list[datetime]:
    pattern, form = TIMES[SOURCES[source]["format"]]
    found = (re.search(pattern, line) for line in lines_of(source, day))
    return [_when(match[1], form) for match in found if match]


def _when(text: str, form: str) -> datetime:
    if "%Y" not in form:
        text, form = f"2026 {text}", f"%Y {form}"
    return datetime.strptime(text, form).replace(tzinfo=UTC)


def rows_of(name: str) -> list[dict[str, str]]:
    with (EXAMPLES / name).open(newline="") as table:
        return list(csv.DictReader(table))


def test_enough_lines_in_few_bytes():
    total = sum(len(lines_of(source, day)) for source in SOURCES for day in DAYS)
    packed = sum(file_of(source, day).stat().st_size for source in SOURCES for day in DAYS)

    assert total >= 500_000
    assert packed <= 12_000_000


@pytest.mark.parametrize("source", SOURCES)
def test_every_day_is_there_and_keeps_to_itself(source):
    for day in DAYS:
        times = times_of(source, day)
        assert times, f"{source} {day}: no line with a time"
        assert {when.date() for when in times} == {day}


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_speaks_all_day(source):
    hours = {when.hour for when in times_of(source, DAYS[1])}

    assert len(hours) >= 20


def test_faults_are_well_formed():
    faults = rows_of("faults.csv")

    assert len(faults) >= 20
    assert len({row["fault_id"] for row in faults}) == len(faults)
    assert len({row["kind"] for row in faults}) >= 12
    for row in faults + rows_of("benign.csv"):
        check_row(row)


def check_row(row):
    day = date.fromisoformat(row["date"])
    started, ended = (datetime.fromisoformat(row[name]) for name in ("started_at", "ended_at"))

    assert day in DAYS
    assert started.date() == day == ended.date()
    assert started < ended <= started + timedelta(hours=3)
    assert row["source"] in SOURCES
    assert row["service"] in {source["service"] for source in SOURCES.values()}
    assert row["description"]


def test_three_days_have_no_fault():
    faulty = {row["date"] for row in rows_of("faults.csv")}

    assert len([day for day in DAYS if str(day) not in faulty]) >= 3


# kind -> what the named source says during the fault, and hardly ever outside of one
SAID = {
    "connections_exhausted": "remaining connection slots are reserved|too many clients",
    "deadlock": "deadlock detected",
    "backend_killed": "was terminated by signal 9",
    "worker_killed": r"signal 9 \(SIGKILL\)",
    "upstream_down": r"connect\(\) failed \(111",
    "upstream_timeout": "upstream timed out",
    "slow_query": "FROM orders a JOIN orders b",
    "lock_wait": "still waiting for",
    "statement_timeout": "canceling statement due to statement timeout",
    "disk_full": "No space left on device",
    "redis_disk_full": "MISCONF",
    "redis_memory_full": "used memory > 'maxmemory'",
    "redis_down": "Cannot connect to redis|Connection refused",
    "password_burst": "Failed password|authentication failure",
    "database_password_burst": "password authentication failed",
    "path_scan": "path-probe",
    "oversize_upload": "too large body",
    "configuration_typo": "configuration refused",
    "memory_limit": "MemoryError",
    "queue_backlog": "campaign letter",
    "certificate_expired": "certificate has expired",
    "dependency_timeout": "timed out",
    "name_resolution": "name resolution|Name or service not known",
    "mail_refused": "not sent: .*Connection refused",
    "permission_denied": "permission denied for table coupons",
    "bad_migration": 'column "percent" does not exist',
    "invalid_json": "JSONDecodeError",
}
SILENT = {"component_silent", "missing_step"}


@pytest.mark.parametrize("row", rows_of("faults.csv"), ids=lambda row: row["fault_id"])
def test_a_fault_shows_in_its_source_while_it_lasts(row):
    if row["kind"] in SILENT:
        assert is_silent(row)
        return
    said = re.compile(SAID[row["kind"]])
    lines = lines_of(row["source"], date.fromisoformat(row["date"]))
    during = [line for line in lines_during(row) if said.search(line)]

    assert len(during) >= 3
    assert len(during) >= 0.6 * sum(bool(said.search(line)) for line in lines)


def test_a_calm_day_says_nothing_of_the_kind():
    heard = {
        row["kind"]: line
        for row in rows_of("faults.csv")
        if row["kind"] not in SILENT | {"password_burst"}
        for line in lines_of(row["source"], DAYS[1])
        if re.search(SAID[row["kind"]], line)
    }

    assert not heard


def lines_during(row):
    """The lines of the fault's source from its start to half an hour after its end."""
    started, ended = (datetime.fromisoformat(row[name]) for name in ("started_at", "ended_at"))
    pattern, form = TIMES[SOURCES[row["source"]]["format"]]
    inside = False
    for line in lines_of(row["source"], date.fromisoformat(row["date"])):
        if match := re.search(pattern, line):
            inside = started <= _when(match[1], form) <= ended + timedelta(minutes=30)
        if inside:
            yield line


def is_silent(row):
    """The lines that cease: all of them, or those of mails sent; they are many on that day."""
    said = "" if row["kind"] == "component_silent" else "mail for order"
    started, ended = (datetime.fromisoformat(row[name]) for name in ("started_at", "ended_at"))
    lines = lines_of(row["source"], date.fromisoformat(row["date"]))
    pattern, form = TIMES["celery"]
    times = [
        _when(match[1], form)
        for line in lines
        if said in line and (match := re.search(pattern, line))
    ]
    inside = [when for when in times if started + timedelta(minutes=5) < when < ended]
    return len(inside) <= 3 and len(times) > 100


def test_nothing_tells_of_the_recording_machine():
    leaks = re.compile(r"/root/|/home/|/tmp/|\.venv|pyenv|site-packages/\.")
    seen = defaultdict(list)
    for source in SOURCES:
        for day in DAYS:
            seen[source] += [line for line in lines_of(source, day) if leaks.search(line)]

    assert not {source: lines[:2] for source, lines in seen.items() if lines}
