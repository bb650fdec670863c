"""The words, numbers and times of one language."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, dates, numbers

from biglog.errors import BadInput

LOCALE = Path(__file__).parent / "locale"
PLURALS = frozenset({"zero", "one", "two", "few", "many", "other"})
Phrase = str | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Voice:
    """One language in one time zone."""

    name: str
    zone: ZoneInfo
    babel: Locale
    phrases: Mapping[str, Phrase]

    @property
    def tag(self) -> str:
        return self.say("language_tag")

    def knows(self, key: str) -> bool:
        return key in self.phrases

    def say(self, key: str, /, **values: str) -> str:
        """The phrase with its values in place; what is in a value is never looked at."""
        phrase = self.phrases[key]
        if not isinstance(phrase, str):
            raise TypeError(f"{key} has plural forms; ask count() for it")
        return phrase.format_map(values)

    def asks(self, key: str) -> set[str]:
        """The names of the values a phrase wants."""
        return {name for _, name, _, _ in Formatter().parse(str(self.phrases[key])) if name}

    def count(self, key: str, number: int) -> str:
        """The phrase in the plural form of the number, ``{n}`` being the number."""
        forms = self.phrases[key]
        if isinstance(forms, str):
            raise TypeError(f"{key} has no plural forms; ask say() for it")
        form = forms.get(self.babel.plural_form(number), forms["other"])
        return form.format_map({"n": self.number(number)})

    def label(self, group: str, name: str) -> str:
        """The word for a name out of a group, else the name itself, spaced."""
        key = f"{group}.{name}"
        return self.say(key) if self.knows(key) else name.replace("_", " ")

    def join(self, items: list[str]) -> str:
        return self.say("comma").join(items)

    def number(self, value: float) -> str:
        digits = "#,##0" if abs(value) >= 100 or float(value).is_integer() else "#,##0.0#"
        return numbers.format_decimal(value, format=digits, locale=self.babel)

    def compact(self, value: float) -> str:
        if abs(value) < 10_000_000:
            return self.number(round(value))
        return numbers.format_compact_decimal(value, locale=self.babel, fraction_digits=1)

    def percent(self, share: float) -> str:
        if 0 < share < 0.0001:
            return f"<{numbers.format_percent(0.0001, format='0.00%', locale=self.babel)}"
        digits = "#,##0%" if share == 0 or abs(share) >= 0.01 else "0.00%"
        return numbers.format_percent(share, format=digits, locale=self.babel)

    def whole_percent(self, share: float) -> str:
        return numbers.format_percent(share, format="#,##0%", locale=self.babel)

    def signed_percent(self, share: float) -> str:
        return ("+" if share >= 0 else "−") + self.percent(abs(share))

    def day(self, iso: str) -> str:
        return dates.format_date(date.fromisoformat(iso), "full", locale=self.babel)

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)

    def clock(self, moment: datetime, iso: str) -> str:
        """``02:14``, with the date before it where that is not the report's own."""
        here = self.local(moment)
        pattern = "%H:%M" if here.date().isoformat() == iso else "%m-%d %H:%M"
        return here.strftime(pattern)

    def span(self, start: datetime, end: datetime, iso: str) -> str:
        first, last = self.clock(start, iso), self.clock(end, self.local(start).date().isoformat())
        return first if first[-5:] == last else f"{first} – {last}"

    def duration(self, seconds: float) -> str:
        minutes = round(seconds / 60)
        if minutes < 1:
            return self.say("time.seconds", n=self.number(round(seconds)))
        if minutes < 60:
            return self.say("time.minutes", n=self.number(minutes))
        hours, rest = divmod(minutes, 60)
        key = "time.hours_minutes" if rest else "time.hours"
        return self.say(key, h=self.number(hours), m=self.number(rest))


def voice(name: str, timezone: str) -> Voice:
    """The voice of a locale. Raises BadInput for a locale or a time zone that does not exist."""
    if name not in locales():
        raise BadInput(f"locale {name!r} is not known; expected one of {', '.join(locales())}")
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise BadInput(
            f"[report] timezone {timezone!r} is not a time zone; expected a name like Asia/Shanghai"
        ) from error
    phrases = catalogue(name)
    return Voice(name, zone, Locale.parse(str(phrases["babel"])), phrases)


@lru_cache
def locales() -> tuple[str, ...]:
    return tuple(sorted(file.stem for file in LOCALE.glob("*.toml")))


@lru_cache
def catalogue(name: str) -> Mapping[str, Phrase]:
    """Phrases by dotted key; a phrase with plural forms stays a table."""
    tables = tomllib.loads((LOCALE / f"{name}.toml").read_text("utf-8"))
    return dict(flatten(tables))


def flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Phrase]]:
    for key, value in table.items():
        if isinstance(value, dict) and not PLURALS.issuperset(value):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
