"""Layouts of timestamps.

A layout is like strptime's, and reads what log writers really print: ``-`` also reads ``/`` and
``.``, a space also reads ``T`` and ``_``, ``%a`` and ``%b`` read full names too, ``%f`` is an
optional fraction of any length with its separator, ``%z`` an optional offset (Z, UTC, +08:00,
+0800), ``%p`` AM or PM, ``%j`` the day of the year, ``%@`` a whole TAI64 or TAI64N label. ``iso``,
``epoch``, ``tai64n`` and ``any`` are names of layouts.
"""

from __future__ import annotations

import re
from functools import lru_cache

NAMED = {
    "iso": ("%Y-%m-%d %H:%M:%S%f%z",),
    "epoch": ("%s",),
    "tai64n": ("%@",),
    "any": (
        "%Y-%m-%d %H:%M:%S%f%z",
        "%Y%m%d%H%M%S",
        "%s",
        "%d/%b/%Y:%H:%M:%S%f%z",
        "%b %e %H:%M:%S%f",
        "%a %b %e %H:%M:%S%f %Y",
        "%a, %d %b %Y %H:%M:%S%f%z",
        "%e %b %Y %H:%M:%S%f%z",
        "%b %e %Y %H:%M:%S%f%z",
        "%b %e, %Y %H:%M:%S%f%z",
        "%b %e, %Y %I:%M:%S%f %p",
        "%b %e, %Y, %I:%M:%S%f %p",
        "%Y %b %e %H:%M:%S%f%z",
        "%d.%m.%Y %H:%M:%S%f%z",
        "%m-%d-%Y %I:%M:%S%f %p",
        "%m-%d-%Y %H:%M:%S%f%z",
        "%Y-%m-%d %I:%M:%S%f %p",
        "%Y-%m-%d %p%I:%M:%S%f",
        "%Y-%m-%d-%H.%M.%S%f",
        "%Y%m%d %H:%M:%S%f%z",
        "%Y%m%d %H%M%S%f%z",
        "%Y年%m月%d日 %H:%M:%S%f",
        "%Y年%m月%d日 %H时%M分%S秒",
        "%y-%m-%d %H:%M:%S%f",
        "%y%m%d %H:%M:%S%f",
        "%y%m%d %H%M%S",
        "%m-%d %H:%M:%S%f",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%d",
        "%Y-%j %H:%M:%S%f%z",
    ),
}
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
MONTH_OF = {name[:width]: at for at, name in enumerate(MONTHS, 1) for width in (3, 4, len(name))}
WIDTH = {"Y": 4, "m": 2, "d": 2, "e": 2, "H": 2, "I": 2, "M": 2, "S": 2, "y": 2, "j": 3}
ALIKE = {"-": b"-/.", " ": b" T_"}
LONGEST = 64
"""Bytes of a text from which it is no timestamp."""


@lru_cache
def spread(layouts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(one for name in layouts for one in NAMED.get(name, (name,)))


@lru_cache
def tokens(layout: str) -> tuple[str, ...]:
    return tuple(re.findall(r"%.|.", layout))
