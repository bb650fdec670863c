"""Timestamps: the text a line carries, as UTC microseconds.

A layout is like strptime's, and reads what log writers really print: ``-`` also reads ``/`` and
``.``, a space also reads ``T`` and ``_``, ``%f`` is an optional fraction of any length with its
separator, ``%z`` an optional offset (Z, UTC, +08:00, +0800). ``iso``, ``epoch`` and ``any`` are
names of layouts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

NAMED = {
    "iso": ("%Y-%m-%d %H:%M:%S%f%z",),
    "epoch": ("%s",),
    "any": (
        "%Y-%m-%d %H:%M:%S%f%z",
        "%s",
        "%d/%b/%Y:%H:%M:%S%f%z",
        "%b %e %H:%M:%S%f",
        "%a %b %e %H:%M:%S%f %Y",
        "%a, %d %b %Y %H:%M:%S%f%z",
        "%m-%d-%Y %H:%M:%S%f%z",
        "%Y%m%d %H:%M:%S%f%z",
        "%Y-%m-%d",
    ),
}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WIDTH = {"Y": 4, "m": 2, "d": 2, "e": 2, "H": 2, "M": 2, "S": 2, "y": 2, "b": 3, "a": 3}
ALIKE = {"-": b"-/.", " ": b" T_"}
SECOND = 1_000_000
DAY = 86_400 * SECOND
# Hours east of Greenwich. Where one name has several meanings the source's own zone decides first.
ZONES = {
    "Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "MET": 1,
    "MEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "IST": 5.5, "HKT": 8, "SGT": 8, "AWST": 8, "JST": 9,
    "KST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13, "EST": -5, "EDT": -4, "CST": -6,
    "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clock:
    """What reading a timestamp needs to know beside its text."""

    zone: str = "UTC"
    """Zone of a time that names none."""
    latest: datetime = datetime(9999, 12, 31, tzinfo=UTC)
    """A date without a year is the last such date not after this."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Microseconds since 1970 by the clock on the wall, or absolute; and which could be read."""

    micros: Ints
    absolute: Mask
    good: Mask


def to_utc(
    text: pl.Series, layouts: Sequence[str], *, clock: Clock, zones: pl.Series | None = None
) -> pl.Series:
    """Each text's instant, by the first layout that reads it; null where none does."""
    moments = read_layouts(text, spread(tuple(layouts)), clock)
    local = moments.good & ~moments.absolute
    if zones is not None:
        local &= ~shift_named(moments, zones, clock)
    stamps = pl.Series(moments.micros).set(pl.Series(~moments.good), None)
    utc = stamps.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    if clock.zone == "UTC" or not local.any():
        return utc
    return pl.select(
        pl.when(pl.Series(local)).then(localise(stamps, clock.zone)).otherwise(utc)
    ).to_series()


@lru_cache
def spread(layouts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(one for name in layouts for one in NAMED.get(name, (name,)))


def localise(stamps: pl.Series, zone: str) -> pl.Series:
    """Wall clock to UTC: the first of a doubled hour, and an hour later in a skipped one."""

    def place(wall: pl.Series) -> pl.Series:
        return wall.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")

    wall = stamps.cast(pl.Datetime("us"))
    placed = place(wall)
    if placed.null_count() > wall.null_count():
        placed = pl.select(pl.coalesce(placed, place(wall.dt.offset_by("1h")))).to_series()
    return placed.dt.convert_time_zone("UTC")


def shift_named(moments: Moments, zones: pl.Series, clock: Clock) -> Mask:
    """Move times with a zone's abbreviation to UTC, in place; which ones were moved."""
    own = own_names(clock.zone)
    hours = {name: float(east) for name, east in ZONES.items() if name not in own}
    east = zones.replace_strict(hours, default=None, return_dtype=pl.Float64)
    known = east.is_not_null().to_numpy() & moments.good & ~moments.absolute
    shift = east.fill_null(0.0).to_numpy()[known] * 3600 * SECOND
    moments.micros[known] -= shift.astype(np.int64)
    return np.asarray(known)


@lru_cache
def own_names(zone: str) -> frozenset[str]:
    """What a zone calls itself in winter and in summer."""
    there = ZoneInfo(zone)
    names = {datetime(2026, month, 1, tzinfo=there).tzname() for month in (1, 7)}
    return frozenset(name for name in names if name) - {"UTC"}


def read_layouts(text: pl.Series, layouts: Sequence[str], clock: Clock) -> Moments:
    size = len(text)
    found = Moments(np.zeros(size, np.int64), np.zeros(size, bool), np.zeros(size, bool))
    rows = np.flatnonzero(text.is_not_null().to_numpy())
    for read_layout in (read_aligned, read_distinct):
        for layout in layouts:
            if not rows.size:
                return found
            read = read_layout(text.gather(rows), layout, clock)
            put(found, rows, read)
            rows = rows[~read.good]
    return found


def read_aligned(text: pl.Series, layout: str, clock: Clock) -> Moments:
    """Whole columns of bytes at a time, of texts of one length."""
    if layout == "%s":
        return read_epoch(text)
    size = len(text)
    found = Moments(np.zeros(size, np.int64), np.zeros(size, bool), np.zeros(size, bool))
    lengths = text.str.len_bytes().to_numpy()
    common = np.unique(lengths)
    for length in common if common.size <= 32 else ():
        rows = np.flatnonzero(lengths == length)
        if rows.size and length:
            put(found, rows, read_columns(byte_matrix(text.gather(rows)), layout, clock))
    return found


def put(into: Moments, rows: Ints, part: Moments) -> None:
    into.micros[rows] = part.micros
    into.absolute[rows] = part.absolute
    into.good[rows] = part.good


def read_epoch(text: pl.Series) -> Moments:
    """Seconds, milli-, micro- or nanoseconds since 1970, told apart by their size."""
    number = text.str.strip_chars().cast(pl.Float64, strict=False)
    value = np.nan_to_num(number.fill_null(0.0).to_numpy(), posinf=0.0, neginf=0.0)
    whole = text.cast(pl.Int64, strict=False)
    exact = whole.fill_null(0).to_numpy()
    micros = np.select(
        [value < 1e11, value < 1e14, value < 1e17],
        [whole_number(value, 1e11, 1e6), whole_number(value, 1e14, 1e3), exact],
        exact // 1000,
    )
    good = (value > 1e8) & (value < 4e18)
    return Moments(micros, good.copy(), good)


def whole_number(value: npt.NDArray[np.float64], below: float, factor: float) -> Ints:
    return np.round(np.where(value < below, value, 0.0) * factor).astype(np.int64)


def byte_matrix(text: pl.Series) -> Bytes:
    """Texts of one length as rows of bytes."""
    array = text.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    offsets = np.frombuffer(array.buffers()[1], np.int64)[array.offset : array.offset + 2]
    width = int(offsets[1] - offsets[0])
    data = np.frombuffer(array.buffers()[2], np.uint8, len(text) * width, int(offsets[0]))
    return data.reshape(len(text), width)


@dataclass(slots=True)
class Walk:
    """A reading of many equally long texts, column by column, led by the first row's shape."""

    rows: Bytes
    at: int
    good: Mask
    parts: dict[str, Ints]
    absolute: bool = False


def read_columns(rows: Bytes, layout: str, clock: Clock) -> Moments:
    walk = Walk(rows, 0, np.ones(len(rows), bool), {})
    for token in tokens(layout):
        step(walk, token)
        if walk.at > rows.shape[1]:
            walk.good[:] = False
            break
    walk.good &= walk.at == rows.shape[1]
    micros = assemble(walk.parts, walk.good, clock)
    return Moments(micros, walk.good & walk.absolute, walk.good)


@lru_cache
def tokens(layout: str) -> tuple[str, ...]:
    return tuple(re.findall(r"%.|.", layout))


def step(walk: Walk, token: str) -> None:
    if token == "%f":
        take_fraction(walk)
    elif token == "%z":
        take_offset(walk)
    elif token == "%b":
        take_month(walk)
    elif token == "%a":
        walk.at += 3
    elif len(token) == 2:
        take_number(walk, token[1])
    else:
        take_literal(walk, token)


def take_number(walk: Walk, name: str) -> None:
    cell = walk.rows[:, walk.at : walk.at + WIDTH[name]]
    walk.at += WIDTH[name]
    if walk.at > walk.rows.shape[1]:
        return
    if name == "e":
        cell = np.where((cell == 32) & (np.arange(2) == 0), 48, cell).astype(np.uint8)
    walk.parts["d" if name == "e" else name] = digits(cell, walk.good)


def digits(cell: Bytes, good: Mask) -> Ints:
    """The number each row of digits spells; rows that are not all digits are marked bad."""
    values = cell.astype(np.int64) - 48
    good &= ((values >= 0) & (values <= 9)).all(axis=1)
    return np.asarray(values @ (10 ** np.arange(cell.shape[1] - 1, -1, -1, dtype=np.int64)))


def take_literal(walk: Walk, literal: str) -> None:
    if walk.at < walk.rows.shape[1]:
        allowed = np.frombuffer(ALIKE.get(literal, literal.encode()), np.uint8)
        walk.good &= np.isin(walk.rows[:, walk.at], allowed)
    walk.at += 1


def take_month(walk: Walk) -> None:
    cell = walk.rows[:, walk.at : walk.at + 3].astype(np.int64) | 32
    walk.at += 3
    if walk.at > walk.rows.shape[1]:
        return
    code = cell @ np.array([65536, 256, 1])
    known = np.array([int.from_bytes(name.encode(), "big") for name in MONTHS])
    order = np.argsort(known)
    place = np.clip(np.searchsorted(known[order], code), 0, 11)
    walk.good &= known[order][place] == code
    walk.parts["m"] = order[place] + 1


def take_fraction(walk: Walk) -> None:
    first = walk.rows[0, walk.at :].tobytes()
    found = re.match(rb"[.,:]([0-9]+)", first)
    if not found:
        return
    cell = walk.rows[:, walk.at + 1 : walk.at + found.end()]
    walk.good &= np.isin(walk.rows[:, walk.at], np.frombuffer(b".,:", np.uint8))
    value = digits(cell[:, :6], walk.good)
    walk.good &= ((cell >= 48) & (cell <= 57)).all(axis=1)
    walk.parts["f"] = value * 10 ** (6 - min(6, cell.shape[1]))
    walk.at += found.end()


def take_offset(walk: Walk) -> None:
    first = walk.rows[0, walk.at :].tobytes()
    found = re.match(rb" ?(?:(Z|UTC|GMT)|([+-])(\d\d):?(\d\d)?)", first)
    if not found:
        return
    start = walk.at
    walk.at += found.end()
    walk.absolute = True
    if found.group(1):
        walk.good &= (walk.rows[:, start : walk.at] == walk.rows[0, start : walk.at]).all(axis=1)
        return
    sign = walk.rows[:, start + found.start(2)]
    walk.good &= (sign == 43) | (sign == 45)
    minutes = digits(walk.rows[:, start + found.start(3) : start + found.end(3)], walk.good) * 60
    if found.group(4):
        low = walk.rows[:, start + found.start(4) : start + found.end(4)]
        minutes = minutes + digits(low, walk.good)
    walk.parts["z"] = np.where(sign == 45, -minutes, minutes)


def assemble(parts: dict[str, Ints], good: Mask, clock: Clock) -> Ints:
    """Microseconds of the parts; rows that name no real moment are marked bad."""
    zero = np.zeros(len(good), np.int64)
    hour, minute, second = (parts.get(name, zero) for name in "HMS")
    good &= (hour < 24) & (minute < 60) & (second < 61)
    of_day = ((hour * 60 + minute - parts.get("z", zero)) * 60 + second) * SECOND
    of_day = of_day + parts.get("f", zero)
    month, day = parts.get("m", zero + 1), parts.get("d", zero + 1)
    if "Y" in parts or "y" in parts:
        year = parts["Y"] if "Y" in parts else century(parts["y"])
        good &= real_date(year, month, day)
        return days(year, month, day) * DAY + of_day
    return last_before(month, day, of_day, good=good, clock=clock)


def century(year: Ints) -> Ints:
    return np.where(year < 70, year + 2000, year + 1900)


def last_before(month: Ints, day: Ints, of_day: Ints, *, good: Mask, clock: Clock) -> Ints:
    """A date without a year as the last one not after ``clock.latest``; leap days in leap years."""
    latest = int(clock.latest.timestamp() * SECOND)
    micros = np.zeros(len(good), np.int64)
    found = np.zeros(len(good), bool)
    for back in range(9):
        year = np.full(len(good), clock.latest.year - back)
        value = days(year, month, day) * DAY + of_day
        fits = ~found & real_date(year, month, day) & (value <= latest)
        micros = np.where(fits, value, micros)
        found |= fits
        if found.all():
            break
    good &= found
    return micros


def real_date(year: Ints, month: Ints, day: Ints) -> Mask:
    lengths = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    inside = (month >= 1) & (month <= 12)
    longest = lengths[np.where(inside, month, 0)] + ((month == 2) & leap)
    return np.asarray(inside & (day >= 1) & (day <= longest) & (year >= 1))


def days(year: Ints, month: Ints, day: Ints) -> Ints:
    """Days since 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms")."""
    year = year - (month <= 2)
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (month + np.where(month > 2, -3, 9)) + 2) // 5 + day - 1
    return np.asarray(era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468)


def read_distinct(text: pl.Series, layout: str, clock: Clock) -> Moments:
    """Numbers of any width, one distinct text at a time."""
    if layout == "%s":
        return read_epoch(text)
    distinct = text.unique()
    shape = layout_regex(layout)
    read = [read_one(shape.fullmatch(one), clock) for one in distinct.to_list()]
    table = pl.DataFrame(
        {"text": distinct, "micros": [r[0] for r in read], "absolute": [r[1] for r in read]},
        schema_overrides={"micros": pl.Int64, "absolute": pl.Boolean},
    )
    rows = text.to_frame("text").join(table, on="text", how="left", maintain_order="left")
    good = rows["micros"].is_not_null().to_numpy()
    absolute = rows["absolute"].fill_null(False).to_numpy()
    return Moments(rows["micros"].fill_null(0).to_numpy().copy(), absolute.copy(), good.copy())


@lru_cache
def layout_regex(layout: str) -> re.Pattern[str]:
    """The layout as a regex that takes numbers of any width."""
    known = {
        "%Y": r"(?P<Y>\d{4})", "%y": r"(?P<y>\d\d)", "%a": r"\w{3,9}", "%b": r"(?P<b>[A-Za-z]{3})",
        "%f": r"(?::(?P<ms>\d{1,2})|[.,:](?P<f>\d+))?",
        "%z": r" ?(?P<z>Z|UTC|GMT|[+-]\d\d:?(?:\d\d)?)?",
        "-": "[-/.]", " ": "[ T_]+",
    }  # fmt: skip
    number = {f"%{name}": rf"\s?(?P<{name}>\d{{1,2}})" for name in "meHMS"}
    number["%d"] = r"(?P<d>\d{1,2})"
    return re.compile("".join((known | number).get(t, re.escape(t)) for t in tokens(layout)))


def read_one(found: re.Match[str] | None, clock: Clock) -> tuple[int | None, bool]:
    if found is None:
        return None, False
    named = {name: text for name, text in found.groupdict().items() if text}
    zone = named.pop("z", None)
    fraction = named.pop("ms", "").rjust(3, "0") if "ms" in named else named.pop("f", "")
    month = named.pop("b", "").lower()
    if month and month not in MONTHS:
        return None, False
    parts = {"d" if k == "e" else k: np.array([int(v)]) for k, v in named.items()}
    if month:
        parts["m"] = np.array([MONTHS.index(month) + 1])
    parts["f"] = np.array([int(fraction[:6].ljust(6, "0"))])
    parts["z"] = np.array([offset_minutes(zone or "Z")])
    good = np.ones(1, bool)
    micros = assemble(parts, good, clock)
    return (int(micros[0]), zone is not None) if good[0] else (None, False)


def offset_minutes(zone: str) -> int:
    if zone in ("Z", "UTC", "GMT"):
        return 0
    number = zone[1:].replace(":", "").ljust(4, "0")
    minutes = int(number[:2]) * 60 + int(number[2:])
    return -minutes if zone[0] == "-" else minutes


def end_of_reach(date: str | None, modified: float) -> datetime:
    """The latest moment a line of a partition, or of a file of that age, can speak of."""
    if date is not None:
        return datetime.fromisoformat(date[:10]).replace(tzinfo=UTC) + timedelta(days=183)
    return datetime.fromtimestamp(modified, UTC) + timedelta(days=1)
