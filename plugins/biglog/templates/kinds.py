"""Kinds of values: what a value looks like, and what the words around its wildcard say of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

import polars as pl

from biglog.templates.lexicon import PERSON
from biglog.templates.mask import WILDCARD

MAJORITY = 0.9
"""Share of the distinct values that must be of one kind; else they are mixed."""
CORE = 0.5
"""Share that must be of a kind itself where plainer ones may count for it."""

NUMBER = r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?"
SECONDS = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "msec": 1e-3, "millis": 1e-3,
    "milliseconds": 1e-3, "毫秒": 1e-3, "微秒": 1e-6, "s": 1.0, "sec": 1.0, "secs": 1.0,
    "second": 1.0, "seconds": 1.0, "秒": 1.0, "min": 60.0, "mins": 60.0, "minute": 60.0,
    "minutes": 60.0, "分钟": 60.0, "h": 3600.0, "hour": 3600.0, "hours": 3600.0, "小时": 3600.0,
    "d": 86400.0, "day": 86400.0, "days": 86400.0, "天": 86400.0,
}  # fmt: skip
BYTES = {
    "B": 1.0, "b": 1.0, "byte": 1.0, "bytes": 1.0, "字节": 1.0,
    **{f"{p}{end}": 1024.0**n for n, p in enumerate("KMGTP", 1) for end in ("", "B", "iB")},
    "kB": 1024.0, "k": 1024.0, "kb": 1024.0, "mb": 1024.0**2, "gb": 1024.0**3,
}  # fmt: skip
UNIT = "|".join(sorted(map(re.escape, [*SECONDS, *BYTES]), key=len, reverse=True))
DURATION = "|".join(sorted(SECONDS, key=len, reverse=True))
SIZE = "|".join(sorted(BYTES, key=len, reverse=True))
COMPOUND = r"^(?:([0-9]+)h)?([0-9]+)m([0-9.]+)s$"  # 1h2m3.5s
OCTETS = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
CLOCK = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?:[.,][0-9]+)?"
MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"

# The first that fits says what a value looks like.
LOOKS: tuple[tuple[str, str], ...] = (
    ("email", r"^[A-Za-z0-9_.+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+$"),
    ("redacted", r"^\[[A-Z][A-Z_]+:[0-9a-f]+\]$"),
    ("boolean", r"^(?i:true|false|yes|no|on|off)$"),
    ("number", rf"^{NUMBER}%?$"),
    ("duration", rf"^{NUMBER} ?(?:{DURATION})$|{COMPOUND}"),
    ("size", rf"^{NUMBER} ?(?:{SIZE})$"),
    ("ip", rf"^/?(?:[A-Za-z0-9.\-]*/)?{OCTETS}(?::[0-9]+)?(?:/[0-9]+)?$"),
    ("ip", r"^\[?[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?:%[a-z0-9]+)?\]?(?::[0-9]+)?$"),
    ("time", rf"(?:^|[ T]){CLOCK}|^[0-9]{{4}}[-/][0-9]{{1,2}}[-/][0-9]{{1,2}}$"),
    ("time", rf"{MONTH} +[0-9]{{1,2}}|^[0-9]+年[0-9]+月"),
    ("url", r"^[A-Za-z][A-Za-z0-9+.\-]*://"),
    ("path", r"^(?:~|\.{1,2})?/[^ ]*$|^[A-Za-z]:\\|^[\w.\-]+(?:/[\w.\-]+){2,}/?$"),
    ("json", r"^(?s:\{.*\}|\[.*\])$"),
    ("quoted", r"""^(?s:".*"|'.*')$"""),
    ("hex", r"^(?:0x[0-9a-fA-F]+|[0-9a-f]{4,}|[0-9A-F]{4,})$"),
    ("host", r"^[A-Za-z0-9][A-Za-z0-9\-]*(?:\.[A-Za-z0-9\-]+)+(?::[0-9]+)?$"),
    ("word", r"^\p{L}[\p{L}_\-]*$"),
    ("id", r"^[^ ]*[0-9][^ ]*$"),
)
# Plainer looks that count for a kind once it has half of the values.
COUNTS_FOR = {
    "duration": ("number",),
    "size": ("number",),
    "hex": ("number",),
    "host": ("word", "ip"),
    "id": ("number", "hex", "word", "host"),
    "path": ("word",),
}
NUMERIC = ("number", "duration", "size")

WORD_BEFORE = re.compile(r"([^\W\d_][\w.\-]{0,40}|[\u4e00-\u9fff]{1,6})[^\w<>]{0,3}$")
UNIT_AFTER = re.compile(rf" ?({UNIT}|%)(?![A-Za-z0-9])")
UNIT_IN_KEY = re.compile(r"(?:_|(?<=[a-z]))(ns|us|[mM]s|[sS]ec|[sS]econds|[bB]ytes|kb|mb)$")
SAYS = {
    "port": {"port", "端口", "sport", "dport", "dpt", "spt"},
    "id": {"pid", "tid", "sid", "uid", "gid", "euid", "ppid", "id", "session", "编号"},
    "duration": {
        "took", "elapsed", "duration", "latency", "耗时", "用时", "cost", "rt", "delay", "uptime",
    },
    "size": {"size", "bytes", "length", "大小"},
    "user": PERSON | {"用户"},
    "host": {"host", "hostname", "rhost", "server", "node", "主机"},
}  # fmt: skip
# What a value may look like for the words before it to be believed.
MAY_BE = {
    "port": ("number",),
    "id": ("number", "hex", "word", "id"),
    "duration": ("number",),
    "size": ("number",),
    "user": ("word", "id", "hex", "mixed", "host"),
    "host": ("word", "id"),
}


@dataclass(frozen=True, slots=True)
class Slot:
    """One wildcard of a template and what its surroundings say."""

    place: int
    template_id: str
    slot: int  # from 1
    said: str  # the kind that the word before it names
    unit: str  # "s" or "byte" or "%", where the words beside it name one
    factor: float  # what a bare number is to be multiplied by
    is_quoted: bool


def slots(template_id: str, pattern: str, place: int) -> Iterator[Slot]:
    parts = pattern.split(WILDCARD)
    for at, (before, after) in enumerate(pairwise(parts)):
        word = WORD_BEFORE.search(before[-60:])
        key = word.group(1) if word else ""
        unit, factor = unit_of(key, after[:20])
        quoted = before[-1:] in ('"', "'") and before[-1:] == after[:1]
        yield Slot(place + at, template_id, at + 1, said_by(key.lower()), unit, factor, quoted)


def unit_of(key: str, after: str) -> tuple[str, float]:
    """The base unit that a number has here, and how much of it a one is."""
    named = UNIT_AFTER.match(after) or UNIT_IN_KEY.search(key)
    word = named.group(1) if named else ""
    for unit, sizes in (("s", SECONDS), ("byte", BYTES)):
        for spelling in (word, word.lower()):
            if spelling in sizes:
                return unit, sizes[spelling]
    return ("%" if word == "%" else ""), 1.0


def said_by(key: str) -> str:
    last = re.split(r"[_.\-]", key)[-1]
    return next((kind for kind, words in SAYS.items() if key in words or last in words), "")


def look(values: pl.Expr) -> pl.Expr:
    """What each value looks like."""
    fits = [pl.when(values.str.contains(one)).then(pl.lit(name)) for name, one in LOOKS]
    return pl.coalesce(*fits, pl.lit("mixed"))


def judge(values: pl.DataFrame, where: Sequence[Slot]) -> pl.DataFrame:
    """The kind of each place, by a majority of its distinct values and the words around it."""
    looks = values.with_columns(look(pl.col("value")).alias("look"))
    votes = looks.group_by("place", "look").len().rows()
    shares: dict[int, dict[str, int]] = {}
    for place, kind, count in votes:
        shares.setdefault(place, {})[kind] = count
    rows = []
    for one in where:
        kind, unit = kind_of(elect(shares.get(one.place, {})), one)
        row = {**asdict(one), "kind": kind, "unit": unit, "is_number": kind in NUMERIC}
        rows.append(row)
    types = {"place": pl.UInt64, "factor": pl.Float64}
    return pl.DataFrame(rows, schema_overrides=types).drop("said", "is_quoted")


def elect(votes: dict[str, int]) -> str:
    every = sum(votes.values())
    for kind, own in sorted(votes.items(), key=lambda pair: (-pair[1], pair[0])):
        others = sum(votes.get(one, 0) for one in COUNTS_FOR.get(kind, ()))
        if own >= MAJORITY * every or (own >= CORE * every and own + others >= MAJORITY * every):
            return kind
    return "mixed"


def kind_of(looks: str, slot: Slot) -> tuple[str, str]:
    """The kind, and the base unit of its numbers."""
    if looks == "number" and slot.unit in ("s", "byte"):
        return ("duration" if slot.unit == "s" else "size"), slot.unit
    kind = slot.said if looks in MAY_BE.get(slot.said, ()) else looks
    if slot.is_quoted and kind in ("mixed", "word"):
        kind = "quoted"
    own = {"duration": "s", "size": "byte"} if looks == kind else {}
    return kind, own.get(kind, slot.unit if kind in NUMERIC else "")


def magnitude(values: pl.Expr) -> pl.Expr:
    """Values as numbers, those with a unit in seconds or bytes; null for what is no number."""
    parts = values.str.extract_groups(rf"^({NUMBER}) ?({UNIT})$").struct
    scale = parts.field("2").replace_strict({**BYTES, **SECONDS}, default=None)
    clock = values.str.extract_groups(COMPOUND).struct
    hours, minutes, seconds = (number(clock.field(one)) for one in ("1", "2", "3"))
    together = hours.fill_null(0) * 3600 + minutes * 60 + seconds
    return pl.coalesce(
        number(values.str.strip_suffix("%")), number(parts.field("1")) * scale, together
    )


def number(values: pl.Expr) -> pl.Expr:
    return values.str.replace_all(",", "", literal=True).cast(pl.Float64, strict=False)
