"""Timestamps: the text a line carries, as UTC microseconds.

Layouts are those of ``layouts.py``. Texts of one length are read by the shape of the first of them:
by a kernel where one layout reads all, else layout by layout, and what is left by regular
expressions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import polars as pl

from biglog.lines.layouts import ALIKE, LONGEST, MONTH_OF, WIDTH, spread, tokens

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

SECOND = 1_000_000
DAY = 86_400 * SECOND
# Hours east of Greenwich. Where one name has several meanings the source's own zone decides first.
ZONES = {
    "Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "MET": 1,
    "MEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "IST": 5.5, "HKT": 8, "SGT": 8, "AWST": 8, "JST": 9,
    "KST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13, "EST": -5, "EDT": -4, "CST": -6,
    "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}  # fmt: skip
# as Db2 writes them: minutes, three digits
ZONES |= {f"{minutes:+04d}": minutes / 60 for minutes in range(-720, 841, 15)}


@dataclass(frozen=True, slots=True)
class Clock:
    """What reading a timestamp needs to know beside its text."""

    zone: str = "UTC"
    """Zone of a time that names none."""
    latest: datetime = datetime(9999, 12, 31, tzinfo=UTC)
    """A date without a year is the last such date not after this."""


@dataclass(frozen=True, slots=True)
class Instants:
    """UTC times, null where there is none; and how many lines were read by which rule."""

    utc: pl.Series
    rules: Counter[str]


@dataclass(frozen=True, slots=True)
class Moments:
    """Microseconds since 1970 by the clock on the wall, or absolute; and what is known of each."""

    micros: Ints
    absolute: Mask
    good: Mask
    yearless: Mask


def unread(size: int) -> Moments:
    return Moments(np.zeros(size, np.int64), *(np.zeros(size, bool) for _ in range(3)))


def to_utc(
    text: pl.Series, layouts: Sequence[str], *, clock: Clock, zones: pl.Series | None = None
) -> Instants:
    """Each text's instant, by the first layout that reads it."""
    from biglog.lines.fixed import read_fixed  # compiled code, which commands start without

    layouts = spread(tuple(layouts))
    latest = {"latest_year": clock.latest.year, "latest": latest_of(clock)}
    if fixed := read_fixed(text, layouts, **latest):
        every = [np.full(len(text), one) for one in (fixed.absolute, True, fixed.yearless)]
        return place_all(text, zones, Moments(fixed.micros, *every), clock)
    # Many lines are written within one tick of the clock: a text that repeats the one above is
    # read once.
    run_of, first = runs(text, zones)
    text, zones = text.gather(first), None if zones is None else zones.gather(first)
    moments = read_layouts(text, layouts, clock)
    zones = name_zones(text, zones, moments, clock, layouts=layouts)
    return place_all(text, zones, moments, clock, run_of=run_of)


def place_all(
    text: pl.Series,
    zones: pl.Series | None,
    moments: Moments,
    clock: Clock,
    *,
    run_of: Ints | None = None,
) -> Instants:
    """Moments as instants; where runs of equal texts were read as one, each text's own."""
    named = np.zeros(len(text), bool) if zones is None else shift_named(moments, zones, clock)
    local = moments.good & ~moments.absolute & ~named
    placed = localise(moments.micros, local, clock.zone)
    every = slice(None) if run_of is None else run_of
    micros, good = placed.micros[every], moments.good[every]
    used = {
        "absolute": moments.good & moments.absolute,
        "named zone": named,
        f"assumed {clock.zone}": local,
        "unreadable": ~moments.good & text.is_not_null().to_numpy(),
        "without a time": text.is_null().to_numpy(),
        "assumed year": moments.good & moments.yearless,
        "in a doubled hour": placed.doubled,
        "in a skipped hour": placed.skipped,
    }
    rules = count_used({name: mask[every] for name, mask in used.items()})
    rules["out of order"] = int((np.diff(micros[good]) < 0).sum())
    return Instants(as_utc(micros, good), +rules)


def count_used(rules: Mapping[str, Mask]) -> Counter[str]:
    return Counter({name: int(np.count_nonzero(mask)) for name, mask in rules.items()})


def runs(text: pl.Series, zones: pl.Series | None) -> tuple[Ints, Ints]:
    """Which run of equal neighbours each text belongs to, and where each run begins."""
    new = text.ne_missing(text.shift()) if len(text) else pl.Series([], dtype=pl.Boolean)
    if zones is not None:
        new |= zones.ne_missing(zones.shift())
    return number_runs(new.to_numpy().copy())


def number_runs(changed: Mask) -> tuple[Ints, Ints]:
    """Each row's run, and where each run begins, by which rows are other than the one above."""
    changed[:1] = True
    return np.cumsum(changed) - 1, np.flatnonzero(changed)


def as_utc(micros: Ints, good: Mask) -> pl.Series:
    stamps = pl.Series(micros)
    stamps = stamps if good.all() else stamps.set(pl.Series(~good), None)
    return stamps.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


@dataclass(frozen=True, slots=True)
class Placed:
    """Absolute microseconds, and which of them the wall clock showed twice or never."""

    micros: Ints
    doubled: Mask
    skipped: Mask


def localise(micros: Ints, local: Mask, zone: str) -> Placed:
    """Wall clock to UTC. In a doubled hour the first one until the clock is seen to go back; a
    time of a skipped hour is an hour later.
    """
    none = np.zeros(len(micros), bool)
    if zone == "UTC" or not local.any():
        return Placed(micros, none, none)
    shows = micros[local]
    run_of, heads = number_runs(np.diff(shows, prepend=shows[0]) != 0)
    shows = shows[heads]
    wall = pl.Series(shows).cast(pl.Datetime("us"))
    first, last = (place(wall, zone, ambiguous=one) for one in ("earliest", "latest"))
    twice = first != last
    second = twice.copy()
    second[twice] = after_return(shows[twice])
    moved = np.where(second, last, first)
    # The wall clock that UTC gives back differs only where there never was such a time.
    shown = pl.Series(moved).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    back = shown.dt.convert_time_zone(zone).dt.replace_time_zone(None).cast(pl.Int64).to_numpy()
    placed, doubled, skipped = micros.copy(), none.copy(), none.copy()
    every = (moved, twice, back != shows)
    placed[local], doubled[local], skipped[local] = (one[run_of] for one in every)
    return Placed(placed, doubled, skipped)


def place(wall: pl.Series, zone: str, *, ambiguous: str) -> Ints:
    """Absolute microseconds of wall-clock times."""

    def at(times: pl.Series) -> pl.Series:
        return times.dt.replace_time_zone(zone, ambiguous=ambiguous, non_existent="null")  # type: ignore[arg-type]

    there = at(wall)
    if there.null_count():
        there = pl.select(pl.coalesce(there, at(wall.dt.offset_by("1h")))).to_series()
    return there.dt.convert_time_zone("UTC").cast(pl.Int64).to_numpy()


def after_return(wall: Ints) -> Mask:
    """Which times of doubled hours come after the clock went back, in the order they were written.

    Lines out of order by less than half an hour are no sign of it.
    """
    second = np.zeros(len(wall), bool)
    day = wall // DAY
    for one in np.unique(day):
        rows = np.flatnonzero(day == one)
        back = np.maximum.accumulate(wall[rows]) - wall[rows] > 1800 * SECOND
        second[rows] = np.logical_or.accumulate(back)
    return second


def name_zones(
    text: pl.Series,
    zones: pl.Series | None,
    moments: Moments,
    clock: Clock,
    *,
    layouts: Sequence[str],
) -> pl.Series | None:
    """Read again, in place, texts that no layout read for a zone's name in them; all names then."""
    rows = np.flatnonzero(~moments.good & text.is_not_null().to_numpy())
    parts = text.gather(rows).str.extract_groups(ZONE_NAMED).struct.unnest()
    rows = rows[parts["before"].is_not_null().to_numpy()]
    if not rows.size:
        return zones
    parts = parts.drop_nulls("before")
    bare = parts["before"] + parts["after"].fill_null("")
    put(moments, rows, read_layouts(bare, layouts, clock))
    zones = pl.Series([None] * len(text), dtype=pl.String) if zones is None else zones
    return zones.scatter(rows, parts["name"])


ZONE_NAMED = (
    r"^(?<before>.{6,40}?) ?(?:(?<name>[A-Z]{3,5})|\[[A-Za-z_]+/[A-Za-z_/]+\])(?<after> [0-9]{4})?$"
)
"""A time with a zone's name at its end, as ``date`` and Java write it."""


def shift_named(moments: Moments, zones: pl.Series, clock: Clock) -> Mask:
    """Move times with a zone's abbreviation to UTC, in place; which ones were moved."""
    hours = {name: float(east) for name, east in ZONES.items()} | own_hours(clock.zone)
    east = zones.replace_strict(hours, default=None, return_dtype=pl.Float64)
    known = east.is_not_null().to_numpy() & moments.good & ~moments.absolute
    shift = east.fill_null(0.0).to_numpy()[known] * 3600 * SECOND
    moments.micros[known] -= shift.astype(np.int64)
    return np.asarray(known)


@lru_cache
def own_hours(zone: str) -> dict[str, float]:
    """What a zone calls itself in winter and in summer, with the hours east of Greenwich."""
    there = ZoneInfo(zone)
    seasons = [datetime(2026, month, 1, tzinfo=there) for month in (1, 7)]
    return {
        one.strftime("%Z"): (one.utcoffset() or timedelta()) / timedelta(hours=1) for one in seasons
    }


def read_layouts(text: pl.Series, layouts: Sequence[str], clock: Clock) -> Moments:
    found = unread(len(text))
    rows = np.flatnonzero(text.is_not_null().to_numpy())
    for read_layout in (read_aligned, read_loose):
        for layout in layouts:
            if not rows.size:
                return found
            read = read_layout(pick(text, rows), layout, clock)
            put(found, rows, read)
            rows = rows[~read.good]
    return found


def read_aligned(text: pl.Series, layout: str, clock: Clock) -> Moments:
    """Whole columns of bytes at a time, of texts of one length."""
    if layout in WHOLE_TEXT:
        return WHOLE_TEXT[layout](text)
    found = unread(len(text))
    lengths = text.str.len_bytes().to_numpy()
    common = np.flatnonzero(np.bincount(np.minimum(lengths, LONGEST)))
    for length in common[(common > 0) & (common < LONGEST)]:
        rows = np.flatnonzero(lengths == length)
        put(found, rows, read_columns(byte_columns(pick(text, rows)), layout, clock))
    return found


def pick(text: pl.Series, rows: Ints) -> pl.Series:
    """Some of the texts; most often it is all of them."""
    return text if rows.size == len(text) else text.gather(rows)


def put(into: Moments, rows: Ints, part: Moments) -> None:
    at = slice(None) if rows.size == into.good.size else rows
    for one in fields(Moments):
        getattr(into, one.name)[at] = getattr(part, one.name)


def read_epoch(text: pl.Series) -> Moments:
    """Seconds, milli-, micro- or nanoseconds since 1970, told apart by their size."""
    number = text.str.strip_chars().cast(pl.Float64, strict=False)
    value = np.nan_to_num(number.fill_null(0.0).to_numpy(), posinf=0.0, neginf=0.0)
    good = (value > 1e8) & (value < 4e18)
    if not good.any():
        return unread(len(text))
    # A whole number is read as one: a float has no room for microseconds beside the nanoseconds.
    whole = text.str.strip_chars().str.extract(r"^([0-9]+)").cast(pl.Int64, strict=False)
    exact = whole.fill_null(0).to_numpy()
    micros = np.select(
        [value < 1e11, value < 1e14, value < 1e17],
        [whole_number(value, 1e11, 1e6), whole_number(value, 1e14, 1e3), exact],
        exact // 1000,
    )
    return Moments(micros, good.copy(), good, np.zeros(len(text), bool))


TAI = (1 << 62) + 10
"""TAI64 labels' seconds at 1970: what writes them counts no leap seconds since."""


def read_tai(text: pl.Series) -> Moments:
    """Labels as multilog, svlogd and s6-log write them: ``@4000000067…``, nanoseconds or none."""
    parts = text.str.extract_groups(r"^@(4[0-9a-f]{15})([0-9a-f]{8})?$").struct.unnest()
    second, nano = (one.str.to_integer(base=16, strict=False) for one in parts.iter_columns())
    good = second.is_not_null().to_numpy() & (nano.fill_null(0) < 10**9).to_numpy()
    since = second.fill_null(TAI).cast(pl.Int64).to_numpy() - TAI
    good &= (since >= 0) & (since < 1 << 36)
    micros = np.where(good, since, 0) * SECOND + nano.fill_null(0).cast(pl.Int64).to_numpy() // 1000
    return Moments(micros, good.copy(), good, np.zeros(len(text), bool))


WHOLE_TEXT = {"%s": read_epoch, "%@": read_tai}
"""Layouts of texts that are one number."""


def whole_number(value: npt.NDArray[np.float64], below: float, factor: float) -> Ints:
    return np.round(np.where(value < below, value, 0.0) * factor).astype(np.int64)


def byte_columns(text: pl.Series) -> Bytes:
    """Texts of one length as columns of bytes: row i holds the i-th byte of every text."""
    array = text.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    offsets = np.frombuffer(array.buffers()[1], np.int64)[array.offset : array.offset + 2]
    width = int(offsets[1] - offsets[0])
    data = np.frombuffer(array.buffers()[2], np.uint8, len(text) * width, int(offsets[0]))
    return np.ascontiguousarray(data.reshape(len(text), width).T)


@dataclass(slots=True)
class Walk:
    """A reading of many equally long texts, byte by byte, led by the first one's shape."""

    columns: Bytes
    at: int
    good: Mask
    parts: dict[str, Ints]
    absolute: bool = False

    @property
    def first(self) -> bytes:
        """What is left of the first text."""
        return self.columns[self.at :, 0].tobytes()

    def take(self, width: int) -> Bytes:
        self.at += width
        return self.columns[self.at - width : self.at]


def read_columns(columns: Bytes, layout: str, clock: Clock) -> Moments:
    width, size = columns.shape
    walk = Walk(columns, 0, np.ones(size, bool), {})
    for token in tokens(layout):
        step(walk, token)
        if walk.at > width or not walk.good.any():
            return unread(size)
    walk.good &= walk.at == width
    micros = assemble(walk.parts, walk.good, clock)
    absolute = walk.good & walk.absolute
    return Moments(micros, absolute, walk.good, walk.good & is_yearless(walk.parts))


def is_yearless(parts: dict[str, Ints]) -> bool:
    return not parts.keys() & {"Y", "y"}


def step(walk: Walk, token: str) -> None:
    special = {
        "%f": take_fraction, "%z": take_offset, "%b": take_month, "%a": take_letters,
        "%p": take_half,
    }  # fmt: skip
    if token in special:
        special[token](walk)
    elif len(token) == 2:
        take_number(walk, token[1])
    else:
        take_literal(walk, token)


def take_number(walk: Walk, name: str) -> None:
    cell = walk.take(WIDTH[name])
    if name == "e" and len(cell):
        cell = np.vstack([np.where(cell[0] == 32, 48, cell[0]).astype(np.uint8), cell[1:]])
    walk.parts["d" if name == "e" else name] = digits(cell, walk.good)


def digits(cell: Bytes, good: Mask) -> Ints:
    """The number that each text's digits spell; texts with anything else are marked bad."""
    number = np.zeros(cell.shape[1], np.int32)  # six digits at most
    for column in cell - 48:  # unsigned: what is no digit comes out above 9
        good &= column <= 9
        number *= 10
        number += column
    return number.astype(np.int64)


def take_literal(walk: Walk, literal: str) -> None:
    alike = ALIKE.get(literal)
    if alike is None:
        for byte, column in zip(literal.encode(), walk.take(len(literal.encode())), strict=False):
            walk.good &= column == byte
        return
    for column in walk.take(1):
        walk.good &= np.logical_or.reduce([column == byte for byte in alike])


def take_letters(walk: Walk) -> None:
    """A name of a day, which says nothing that the date does not."""
    found = re.match(rb"[A-Za-z]{3,9}", walk.first)
    for column in walk.take(found.end() if found else LONGEST):
        walk.good &= (column | 32 >= 97) & (column | 32 <= 122)


def take_month(walk: Walk) -> None:
    found = re.match(rb"[A-Za-z]{3,9}", walk.first)
    if not found:
        walk.at += LONGEST
        return
    cell = walk.take(found.end()) | 32
    month = np.zeros(cell.shape[1], np.int64)
    for name, number in MONTH_OF.items():
        if len(name) == found.end():
            spelt = [column == byte for column, byte in zip(cell, name.encode(), strict=True)]
            month[np.logical_and.reduce(spelt)] = number
    walk.good &= month > 0
    walk.parts["m"] = month


def take_half(walk: Walk) -> None:
    """AM or PM."""
    for column in (half := walk.take(2) | 32)[1:]:
        walk.good &= (column == ord("m")) & ((half[0] == ord("a")) | (half[0] == ord("p")))
        walk.parts["p"] = (half[0] == ord("p")).astype(np.int64)


def take_fraction(walk: Walk) -> None:
    found = re.match(rb"[.,:]([0-9]+)", walk.first)
    if not found:
        return
    mark, cell = walk.take(1)[0], walk.take(found.end() - 1)
    walk.good &= np.logical_or.reduce([mark == byte for byte in b".,:"])
    walk.parts["f"] = digits(cell[:6], walk.good) * 10 ** max(0, 6 - len(cell))
    walk.good &= ((cell[6:] >= 48) & (cell[6:] <= 57)).all(axis=0)


def take_offset(walk: Walk) -> None:
    found = re.match(rb" ?(?:(Z|UTC|GMT)|([+-])(\d\d):?(\d\d)?)", walk.first)
    if not found:
        return
    cell = walk.take(found.end())
    walk.absolute = True
    if found.group(1):
        walk.good &= (cell == cell[:, :1]).all(axis=0)
        return
    sign = cell[found.start(2)]
    walk.good &= (sign == 43) | (sign == 45)
    minutes = digits(cell[found.start(3) : found.end(3)], walk.good) * 60
    if found.group(4):
        minutes = minutes + digits(cell[found.start(4) : found.end(4)], walk.good)
    walk.parts["z"] = np.where(sign == 45, -minutes, minutes)


def assemble(parts: dict[str, Ints], good: Mask, clock: Clock) -> Ints:
    """Microseconds of the parts; rows that name no real moment are marked bad."""
    zero = np.zeros(len(good), np.int64)
    minute, second = (parts.get(name, zero) for name in "MS")
    hour = hour_of(parts, good)
    good &= (hour < 24) & (minute < 60) & (second < 61)
    of_day = ((hour * 60 + minute - parts.get("z", zero)) * 60 + second) * SECOND
    of_day = of_day + parts.get("f", zero)
    month, day = parts.get("m", zero + 1), parts.get("d", zero + 1)
    if is_yearless(parts):
        return last_before(month, day, of_day, good=good, clock=clock)
    year = parts["Y"] if "Y" in parts else century(parts["y"])
    if "j" in parts:
        return ordinal_days(year, parts["j"], good) * DAY + of_day
    return real_days(year, month, day, good) * DAY + of_day


def ordinal_days(year: Ints, nth: Ints, good: Mask) -> Ints:
    """Days since 1970-01-01 of the nth days of years; days that no year has are marked bad."""
    one = np.ones_like(year)
    start, after = (real_days(which, one, one, good) for which in (year, year + 1))
    good &= (nth >= 1) & (nth <= after - start)
    return np.asarray(start + nth - 1)


def hour_of(parts: dict[str, Ints], good: Mask) -> Ints:
    if "I" not in parts:
        return parts.get("H", np.zeros(len(good), np.int64))
    hour = parts["I"]
    good &= (hour >= 1) & (hour <= 12)
    return np.asarray(hour % 12 + 12 * parts.get("p", 0))


def century(year: Ints) -> Ints:
    return np.where(year < 70, year + 2000, year + 1900)


def latest_of(clock: Clock) -> int:
    return int(clock.latest.timestamp() * SECOND)


def last_before(month: Ints, day: Ints, of_day: Ints, *, good: Mask, clock: Clock) -> Ints:
    """A date without a year as the last one not after ``clock.latest``; leap days in leap years."""
    latest = latest_of(clock)
    micros = np.zeros(len(good), np.int64)
    found = np.zeros(len(good), bool)
    for back in range(9):
        real = good.copy()
        year = np.full(len(good), clock.latest.year - back)
        value = real_days(year, month, day, real) * DAY + of_day
        fits = ~found & real & (value <= latest)
        micros = np.where(fits, value, micros)
        found |= fits
        if found[good].all():
            break
    good &= found
    return micros


def real_days(year: Ints, month: Ints, day: Ints, good: Mask) -> Ints:
    """Days since 1970-01-01; dates that no calendar has are marked bad. Lines of a log share few
    dates, so each is worked out once.
    """
    good &= (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (year >= 1)
    if not good.any():
        return np.zeros(len(good), np.int64)
    code = (year * 13 + month) * 32 + day
    low, high = int(code[good].min()), int(code[good].max())
    code = np.where(good, code, low)
    if high - low < CENTURIES:
        every, place = np.arange(low, high + 1), code - low
    else:
        every, place = np.unique(code, return_inverse=True)
    year, month, day = every // 416, every // 32 % 13, every % 32
    good &= real_date(year, month, day)[place]
    return np.asarray(days(year, month, day)[place])


CENTURIES = 100_000
"""Codes of dates that are worked out without sorting; more only where a clock was wrong."""


def real_date(year: Ints, month: Ints, day: Ints) -> Mask:
    lengths = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    longest = lengths[month] + ((month == 2) & leap)
    return np.asarray((day >= 1) & (day <= longest))


def days(year: Ints, month: Ints, day: Ints) -> Ints:
    """Days since 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms")."""
    year = year - (month <= 2)
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (month + np.where(month > 2, -3, 9)) + 2) // 5 + day - 1
    return np.asarray(era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468)


def read_loose(text: pl.Series, layout: str, clock: Clock) -> Moments:
    """Numbers and names of any width, by the layout as a regular expression."""
    if layout in WHOLE_TEXT:
        return unread(len(text))
    groups = text.str.extract_groups(layout_regex(layout)).struct.unnest()
    good = groups["all"].is_not_null().to_numpy().copy()
    if not good.any():
        return unread(len(text))
    has_zone = "z" in groups.columns
    absolute = groups["z"].is_not_null().to_numpy().copy() if has_zone else np.zeros_like(good)
    named = groups.select(number_of(name) for name in groups.columns if name in NUMBERS)
    parts = {name: named[name].fill_null(0).to_numpy() for name in named.columns}
    if "b" in parts:
        parts["m"] = parts.pop("b")
    micros = assemble(parts, good, clock)
    return Moments(micros, absolute & good, good, good & is_yearless(parts))


NUMBERS = frozenset("YymdjHIMSbfzp")


def number_of(name: str) -> pl.Expr:
    """A group of ``layout_regex`` as the number that it means."""
    text = pl.col(name)
    meant = {
        "b": text.str.to_lowercase().replace_strict(MONTH_OF, default=0, return_dtype=pl.Int64),
        "p": text.str.to_lowercase().is_in(["pm", "p.m.", "下午"]).cast(pl.Int64),
        "f": fraction_micros(text),
        "z": offset_minutes(text),
    }
    return meant.get(name, text.cast(pl.Int64, strict=False)).alias(name)


def fraction_micros(text: pl.Expr) -> pl.Expr:
    """``.5`` is half a second; ``:5`` and ``:50``, as some phones write it, are milliseconds."""
    number = text.str.slice(1)
    short = text.str.starts_with(":") & (number.str.len_bytes() < 3)
    padded = pl.when(short).then(number.str.pad_start(3, "0")).otherwise(number)
    return padded.str.slice(0, 6).str.pad_end(6, "0").cast(pl.Int64, strict=False)


def offset_minutes(text: pl.Expr) -> pl.Expr:
    number = text.str.replace_all("[^0-9]", "").str.pad_end(4, "0").cast(pl.Int64, strict=False)
    minutes = number // 100 * 60 + number % 100
    return pl.when(text.str.starts_with("-")).then(-minutes).otherwise(minutes)


@lru_cache
def layout_regex(layout: str) -> str:
    """The layout as a regex that takes numbers of any width."""
    known = {
        "%Y": "(?<Y>[0-9]{4})", "%y": "(?<y>[0-9]{2})", "%d": "(?<d>[0-9]{1,2})",
        "%j": "(?<j>[0-9]{3})", "%a": "[A-Za-z]{3,9}", "%b": "(?<b>[A-Za-z]{3,9})",
        "%f": "(?<f>[.,:][0-9]+)?",
        "%z": " ?(?<z>Z|UTC|GMT|[+-][0-9]{2}:?(?:[0-9]{2})?)?",
        "%p": r"(?<p>[AaPp][Mm]|[ap]\.m\.|上午|下午)",
        "-": "[-/.]", " ": "[ T_\u00a0\u202f]+",
    }  # fmt: skip
    number = {f"%{name}": rf"[ \t]?(?<{name}>[0-9]{{1,2}})" for name in "mHIMS"}
    number["%e"] = r"[ \t]?(?<d>[0-9]{1,2})"
    body = "".join((known | number).get(t, re.escape(t)) for t in tokens(layout))
    return f"^(?<all>{body})$"


def end_of_reach(date: str | None, modified: float) -> datetime:
    """The latest moment a line of a partition, or of a file of that age, can speak of."""
    if date is not None:
        return datetime.fromisoformat(date[:10]).replace(tzinfo=UTC) + timedelta(days=183)
    return datetime.fromtimestamp(modified, UTC) + timedelta(days=1)
