"""Findings of values inside lines: numbers far outside their usual range, new words of closed sets.

Numbers past the limit, and new words, are counted in ten-minute windows, for the lines of one
moment are one event. How likely so many windows are follows from nights that had none: with the
rate unknown, their number is negative binomial (a Poisson rate with Jeffreys' prior, Gelman et al.,
"Bayesian Data Analysis", 2.6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from biglog.findings.chance import at_least, strength
from biglog.findings.gravity import BY_LEVEL, gravity
from biglog.findings.novelty import shorten
from biglog.findings.tally import finding, nights, span, times
from biglog.findings.usual import DOUBTFUL, FEW_WORDS
from biglog.records import Day, Finding, FindingKind, History

KINDS: dict[str, FindingKind] = {
    "beyond": "value_up",
    "up": "value_up",
    "down": "value_down",
    "new": "new_value",
}
MOST = 5  # findings of one kind of a service; more say the same
SLOW = 0.4  # gravity of what takes longer: people wait for it, but it was done
CLOCK = 0.05  # share by which a number may differ from the time that passed and be a clock
PAUSE = timedelta(hours=1)
PLACE = ["source", "template_id", "slot", "way"]
NAMES = {"s": "duration", "byte": "size", "%": "percentage"}
SCALES = {
    "s": ((3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms")),
    "byte": ((1024.0**3, "GB"), (1024.0**2, "MB"), (1024.0, "KB"), (1.0, "bytes")),
}


@dataclass(frozen=True, slots=True)
class OddValues:
    """One finding per kind of line and way in which its values are odd: its most odd place.

    Where all that a service does takes longer, a few kinds of lines tell it and count the others.
    """

    name: str = "values"

    def find(self, day: Day, _: History) -> list[Finding]:
        rows = pl.from_arrow(day.values)
        assert isinstance(rows, pl.DataFrame)
        found = [judged(place, day) for _, place in rows.group_by(PLACE, maintain_order=True)]
        best: dict[str, Finding] = {}
        for one in sorted(filter(None, found), key=strongest_first):
            best.setdefault(one.finding_id, one)
        return few(list(best.values()))


def strongest_first(one: Finding) -> tuple[float, str, int]:
    return (-one.score, one.finding_id, one.evidence["slot"])


def few(found: Sequence[Finding]) -> list[Finding]:
    """The strongest MOST of each service and kind; the first of them counts those left out."""
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for one in found:
        groups.setdefault((one.source, one.service, one.kind), []).append(one)
    kept = []
    for first, *rest in groups.values():
        left = len(rest) + 1 - MOST
        counted = {**first.evidence, "likewise": left} if left > 0 else first.evidence
        kept += [replace(first, evidence=counted), *rest[: MOST - 1]]
    return sorted(kept, key=lambda one: one.finding_id)


def judged(place: pl.DataFrame, day: Day) -> Finding | None:
    """The finding of one place, None where chance may well bring it or it is no set any more."""
    first = place.row(0, named=True)
    words = sorted(set(place["texts"].explode().drop_nulls()))
    windows = place["bucket"].n_unique()
    p = chance(first, windows)
    if p >= DOUBTFUL or len(words) > FEW_WORDS or is_clock(place, first["unit"]):
        return None
    row = {**first, "p": p, "words": words, "windows": windows, **extent(place, first["way"])}
    row["gravity"] = weight(row, day)
    row |= {
        "score": strength(p) * (0.8 + 0.2 * row["gravity"]),
        "expected": 0.0,
        "reason": sentence(row),
    }
    found = finding(day, KINDS[row["way"]], row, evidence(row))
    return replace(found, example=row["example"])


def is_clock(place: pl.DataFrame, unit: str) -> bool:
    """Whether the numbers only tell how long something has been running, as an uptime does."""
    series = place.sort("last_at").partition_by("service", "host")
    return unit == "s" and all(one.height > 1 and grows_with_time(one) for one in series)


def grows_with_time(ordered: pl.DataFrame) -> bool:
    passed = (ordered["last_at"] - ordered["last_at"][0]).dt.total_seconds()
    grown = ordered["number"] - ordered["number"][0]
    return bool(((grown - passed).abs() <= 1 + CLOCK * passed[-1]).all())


def chance(first: Mapping[str, Any], windows: int) -> float:
    """Of a shifted median its own p-value; else that of so many windows or more."""
    if first["p"] is not None:
        return float(first["p"])
    return float(at_least(windows, first["rate"], first["rate"] + 2 * first["rate"] ** 2))


def extent(place: pl.DataFrame, way: str) -> dict[str, Any]:
    """When and where it was, how often, and the value that is farthest out with its line."""
    ordered = place.sort("bucket", "service", "host", "level")
    numbers = ordered["number"].fill_null(0.0)
    far = ordered.row(
        int((numbers.arg_min() if way == "down" else numbers.arg_max()) or 0), named=True
    )
    told = episodes(ordered)
    main = max(told, key=lambda one: one[2])
    hosts = sorted(set(ordered["host"]) - {""})
    return {
        "service": far["service"],
        "host": hosts[0] if len(hosts) == 1 else "",
        "hosts": hosts,
        "level": max(ordered["level"], key=lambda level: BY_LEVEL.get(level, 0.2)),
        "value": far["number"],
        "example": far["example"],
        "started_at": main[0],
        "ended_at": main[1],
        "count": main[2],
        "total": int(ordered["count"].sum()),
        "episodes": told,
    }


def episodes(ordered: pl.DataFrame) -> list[tuple[datetime, datetime, int]]:
    """Stretches without an hour's pause: begin, end, lines."""
    pause = pl.col("first_at") - pl.col("last_at").cum_max().shift() > PAUSE
    spans = (
        ordered.sort("first_at")
        .with_columns(episode=pause.fill_null(value=False).cum_sum())
        .group_by("episode", maintain_order=True)
        .agg(pl.col("first_at").min(), pl.col("last_at").max(), pl.col("count").sum())
    )
    return list(spans.drop("episode").iter_rows())


def weight(row: Mapping[str, Any], day: Day) -> float:
    """As the line itself sounds, with its new words; slowness counts for a little of its own."""
    pattern = (
        day.templates[row["template_id"]].pattern if row["template_id"] in day.templates else ""
    )
    spoken = [f"status {word}" if word.isdigit() else word for word in row["words"]]
    own = max(gravity(row["level"], text) for text in (pattern, *spoken))
    slow = row["unit"] == "s" and KINDS[row["way"]] == "value_up"
    return max(own, SLOW) if slow else own


def sentence(row: Mapping[str, Any]) -> str:
    seen = f"{times(row['count'])} {span(row['started_at'], row['ended_at'])}"
    if row["way"] == "new":
        before = join([f"“{shorten(one, 40)}”" for one in row["known"]])
        new = join([f"“{shorten(one, 40)}”" for one in row["words"]])
        return (
            f"{new} stood here {seen}, where {row['numbers']:,} lines of {nights(row['nights'])} "
            f"had only {before}."
        )
    what, usual = NAMES[row["unit"]], amount(row["usual"], row["unit"])
    if row["way"] == "beyond":
        lines = "such lines" if row["scope"] == "place" else "all lines of the source"
        aside = f", {row['aside']} worse set aside" if row["aside"] else ""
        return (
            f"A {what} went up to {amount(row['value'], row['unit'])}, out of range {seen}; in "
            f"{lines} the highest of {row['numbers']:,} on {row['nights']} earlier nights was "
            f"{usual}{aside}."
        )
    side = "higher" if row["way"] == "up" else "lower"
    return (
        f"Half of the values are {amount(row['median'], row['unit'])} or {side}, where the median "
        f"{what} of {nights(row['nights'])} was {usual}."
    )


def join(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def amount(value: float, unit: str) -> str:
    """A value in a unit that people say it in: 0.698 (s) is 698 ms."""
    if unit == "%":
        return f"{value:,.3g} %"
    scale = SCALES[unit]
    size, name = next((one for one in scale if value >= one[0]), scale[-1])
    return f"{value / size:,.3g} {name}"


def evidence(row: Mapping[str, Any]) -> dict[str, Any]:
    measured = {"value": row["value"], "usual": row["usual"], "unit": row["unit"]}
    shifted = {"median": row["median"]} if row["way"] in ("up", "down") else {}
    words = {"new": row["words"], "known": list(row["known"])}
    return {
        "detector": "values",
        "slot": row["slot"],
        **({"name": row["field"]} if row["field"] else {}),
        **(words if row["way"] == "new" else {**measured, **shifted}),
        "observed": row["count"],
        "total": row["total"],
        "windows": row["windows"],
        "values_seen": row["numbers"],
        "history_days": row["nights"],
        **({"nights_set_aside": row["aside"]} if row["aside"] else {}),
        "scope": row["scope"],
        "p": row["p"],
        "tests": row["tests"],
        "family": {"up": "median", "down": "median"}.get(row["way"], row["way"]),
        "gravity": row["gravity"],
        "hosts": row["hosts"],
        "episodes": [[a.isoformat(), b.isoformat(), n] for a, b, n in row["episodes"]],
    }
