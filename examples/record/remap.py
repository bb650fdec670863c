"""Recorded lines with their timestamps moved onto the day they stand for."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime

from clock import Clock

Match = re.Match[str]
Rewrite = Callable[[str, Clock], tuple[datetime | None, str]]

ISO = re.compile(r"(\d{4}-\d\d-\d\d)([ T])(\d\d:\d\d:\d\d)(?:([.,])(\d{3,6}))?")
ISO_START = re.compile(r'^(?:\[|\{"ts": "|ts=)?\d{4}-\d\d-\d\d[ T]')
ACCESS = re.compile(r"\[(\d{9,}\.\d{3})\]")
STAMPED = re.compile(r"^(\d{9,}\.\d{3})\t(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d)?")
REDIS = re.compile(r"^(\d+:[A-Z]) (\d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3})")
SYSLOG = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+)\S*")


def by_day(
    lines: Iterable[str], rewrite: Rewrite, clock: Clock, *, day: date | None = None
) -> Iterator[tuple[date, str]]:
    """Each line with its mapped day; one without a time follows the line before (at first: day)."""
    for line in lines:
        when, text = rewrite(line, clock)
        if when is not None:
            day = when.date()
        if day is not None:
            yield day, text


def iso(line: str, clock: Clock) -> tuple[datetime | None, str]:
    """PostgreSQL, Python logging, Celery, JSON and logfmt: every ISO time in the line."""
    text = ISO.sub(lambda found: _iso_moved(found, clock), line)
    if not ISO_START.match(line):
        return None, text
    found = ISO.search(line)
    return (clock.mapped(_iso_epoch(found)) if found else None), text


def nginx_access(line: str, clock: Clock) -> tuple[datetime | None, str]:
    found = ACCESS.search(line)
    if not found:
        return None, line
    when = clock.mapped(float(found[1]))
    stamp = f"[{when:%d/%b/%Y:%H:%M:%S} +0000]"
    return when, line[: found.start()] + stamp + line[found.end() :]


def nginx_error(line: str, clock: Clock) -> tuple[datetime | None, str]:
    found = STAMPED.match(line)
    if not found:
        return None, line
    when = clock.mapped(float(found[1]))
    return when, (f"{when:%Y/%m/%d %H:%M:%S}" if found[2] else "") + line[found.end() :]


def redis(line: str, clock: Clock) -> tuple[datetime | None, str]:
    found = REDIS.match(line)
    if not found:
        return None, line
    wall = datetime.strptime(found[2], "%d %b %Y %H:%M:%S.%f").replace(tzinfo=UTC)
    when = clock.mapped(wall.timestamp())
    stamp = f"{when:%d %b %Y %H:%M:%S}.{when.microsecond // 1000:03d}"
    return when, f"{found[1]} {stamp}{line[found.end() :]}"


def syslog(line: str, clock: Clock) -> tuple[datetime | None, str]:
    found = SYSLOG.match(line)
    if not found:
        return None, line
    when = clock.mapped(datetime.fromisoformat(found[1]).replace(tzinfo=UTC).timestamp())
    return when, f"{when:%b} {when.day:2d} {when:%H:%M:%S}{line[found.end() :]}"


def _iso_epoch(found: Match) -> float:
    fraction = f".{found[5]}" if found[5] else ""
    wall = datetime.fromisoformat(f"{found[1]} {found[3]}{fraction}")
    return wall.replace(tzinfo=UTC).timestamp()


def _iso_moved(found: Match, clock: Clock) -> str:
    when = clock.mapped(_iso_epoch(found))
    text = f"{when:%Y-%m-%d}{found[2]}{when:%H:%M:%S}"
    if not found[5]:
        return text
    return f"{text}{found[4]}{when.microsecond:06d}"[: len(text) + 1 + len(found[5])]


FORMATS: dict[str, Rewrite] = {
    "nginx_access": nginx_access,
    "nginx_error": nginx_error,
    "postgresql": iso,
    "redis": redis,
    "shop_app1": iso,
    "shop_app2": iso,
    "worker": iso,
    "payments": iso,
    "stock": iso,
    "syslog": syslog,
}
