"""When hosts failed, as people told it in a CSV, and how far ahead a failure is looked for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from biglog.errors import BadInput
from biglog.learning.labels import read_csv

FAILURES = ("--failures", "host,time")
"""The option that names the CSV, and its columns."""
ALL = "all"
"""The one host of a CSV without hosts: everything that the files say."""
UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
STEPS, SHORT, LONG = 6, 2, 12
"""Steps in a horizon, in the window just past, and in the longer past beside it."""
MOST_DAYS = 366
SHOWN = 40
SECOND = 1_000_000
"""Microseconds, in which times are counted here."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """A failure is looked for between ``lead`` and ``horizon`` seconds ahead, every ``step``."""

    horizon: int
    lead: int = 0

    @property
    def step(self) -> int:
        return self.horizon // STEPS

    @property
    def short(self) -> int:
        """Seconds of the window just past; windows so soon after a failure are left out, too."""
        return SHORT * self.step

    @property
    def long(self) -> int:
        return LONG * self.step


def ahead(horizon: str, lead: str) -> Ahead:
    """Raises BadInput for what is no length of time, and where no time is left after the lead."""
    made = Ahead(seconds("--horizon", horizon), seconds("--lead", lead))
    if not STEPS <= made.horizon <= MOST_DAYS * UNITS["d"]:
        raise BadInput(f"--horizon {horizon}: expected {STEPS}s to {MOST_DAYS}d, such as 30m")
    if made.lead >= made.horizon:
        raise BadInput(
            f"--lead {lead} leaves nothing of --horizon {horizon}: a failure is looked for between "
            "the two; give a shorter lead"
        )
    return made


def seconds(option: str, text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,8})([smhd])", text.strip())
    if not found:
        raise BadInput(
            f"{option} {text[:SHOWN]!r}: expected a length of time as 90s, 30m, 6h or 1d"
        )
    return int(found[1]) * UNITS[found[2]]


def spell(length: float) -> str:
    """Seconds as a person says them: 90s, 30m, 2.5h."""
    unit = next((one for one in ("d", "h", "m") if length >= UNITS[one]), "s")
    return f"{length / UNITS[unit]:.3g}{unit}"


def read_failures(path: Path) -> pl.DataFrame:
    """Rows of host and time (microseconds since 1970, UTC), sorted; each once.

    Without a column ``host`` every row is of ``ALL``. A time without a zone is UTC; plain numbers
    are Unix seconds. Raises BadInput for anything else.
    """
    table = read_csv(path, *FAILURES)
    if "time" not in table.columns:
        raise BadInput(
            f"--failures {path}: got the columns {', '.join(table.columns)[:200]}, expected "
            "host,time (or time alone, where all lines are of one host); rename them"
        )
    times = [moment(path, one) for one in table["time"].to_list()]
    hosts = table["host"].fill_null("").to_list() if "host" in table.columns else [ALL] * len(times)
    if "" in hosts:
        raise BadInput(f"--failures {path}: row {hosts.index('') + 1} names no host; fill it in")
    rows = pl.DataFrame({"host": hosts, "time": times}, {"host": pl.String, "time": pl.Int64})
    return rows.unique().sort("time", "host")


def names_hosts(path: Path) -> bool:
    return "host" in read_csv(path, *FAILURES).columns


def moment(path: Path, text: str | None) -> int:
    """Microseconds since 1970."""
    said = (text or "").strip()
    try:
        if re.fullmatch(r"[0-9]{1,11}(\.[0-9]+)?", said):
            return round(float(said) * SECOND)
        at = datetime.fromisoformat(said)
        since = (at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput(
            f"--failures {path}: got the time {said[:SHOWN]!r}, expected one as "
            "2026-03-01T12:30:00Z or Unix seconds; mend the CSV"
        ) from error
    return (since.days * UNITS["d"] + since.seconds) * SECOND + since.microseconds


def episodes(failures: pl.DataFrame, look: Ahead) -> pl.DataFrame:
    """Failures of a host, each from ``begins`` to ``ends``, sorted by when they begin.

    Times of one host that are no further apart than the horizon are one failure, however often its
    log or its operators said so.
    """
    gap = pl.col("time").diff().over("host") > look.horizon * SECOND
    rows = failures.sort("host", "time").with_columns(
        number=gap.fill_null(True).cum_sum().over("host")
    )
    grouped = rows.group_by("host", "number").agg(
        begins=pl.col("time").min(), ends=pl.col("time").max()
    )
    return grouped.drop("number").sort("begins", "host")
