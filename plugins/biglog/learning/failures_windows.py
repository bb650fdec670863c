"""What each host said in windows of the past, as sparse rows; nothing after a window's end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix, hstack

from biglog import offline
from biglog.errors import BadInput
from biglog.findings.gravity import GRAVE, weigh
from biglog.learning.failures_told import ALL, LONG, SECOND, SHORT, Ahead
from biglog.offline import Parsed
from biglog.records import Template

SIGNS = (
    "lines", "lines_long", "trouble", "trouble_long", "kinds", "fresh", "new", "burst", "silence",
    "failed",
)  # fmt: skip
"""Columns beside the counts of templates; see ``measure_signs``."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What the lines of each host were in each step of time; a slot is a whole number of steps."""

    cells: pl.DataFrame  # host, slot, template_id, lines
    sums: pl.DataFrame  # host, slot, lines, trouble, first, last (both microseconds)
    lines: int
    untimed: int  # lines without a time, or without a host: not counted

    @property
    def since(self) -> int:
        """Microseconds of the first line."""
        return int(self.sums["first"].min() or 0)  # type: ignore[arg-type]

    @property
    def until(self) -> int:
        """Microseconds of the last line."""
        return int(self.sums["last"].max() or 0)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Windows:
    """A row per host and end of a window, in order of time, and what the window holds."""

    rows: (
        pl.DataFrame
    )  # host, end (slot that begins there), at (microseconds), and SIGNS as they are
    kinds: pl.DataFrame  # row, template_id, short, long: lines of the template in the two windows


def tally(
    batches: Iterable[Parsed], known: dict[str, Template], look: Ahead, *, by: str, one_host: bool
) -> Tally:
    """Lines counted by host, step and template, batch by batch; ``known`` gains the templates.

    A host is the first group of ``by`` in a line; without it what the line's format calls host,
    else component; ``ALL`` with ``one_host``. Raises BadInput where no line has a time and a host.
    """
    cells, sums = pl.DataFrame(), pl.DataFrame()
    lines = counted = 0
    for parsed in batches:
        known.update(parsed.templates)
        lines += parsed.lines.num_rows
        said = weigh(placed(parsed, look, by=by, one_host=one_host), parsed.templates)
        counted += said.height
        fresh = said.group_by("host", "slot", "template_id").agg(lines=pl.len().cast(pl.Int64))
        cells = folded(cells, fresh, [*fresh.columns[:3]], pl.col("lines").sum())
        part = said.group_by("host", "slot").agg(
            lines=pl.len().cast(pl.Int64),
            trouble=(pl.col("gravity") >= GRAVE).sum().cast(pl.Int64),
            first=pl.col("time").min(),
            last=pl.col("time").max(),
        )
        added = pl.col("lines", "trouble").sum(), pl.col("first").min(), pl.col("last").max()
        sums = folded(sums, part, ["host", "slot"], *added)
    if sums.is_empty():
        raise BadInput(
            f"none of the {lines:,} lines has both a time and a host: give --by REGEX whose first "
            "group names the host, or failures without a column host; check --format"
        )
    return Tally(cells, sums, lines, lines - counted)


def placed(parsed: Parsed, look: Ahead, *, by: str, one_host: bool) -> pl.DataFrame:
    """The lines that have a time and a host: host, slot, time, level, template_id."""
    ids = pl.Series("template_id", parsed.template_ids)
    frame = pl.DataFrame(pl.from_arrow(parsed.lines)).with_columns(ids)
    host = pl.lit(ALL) if one_host else pl.coalesce("host", "component")
    if by:
        frame, host = by_pattern(frame, by), pl.col("session")
    time = pl.col("timestamp").dt.epoch("us")
    timed = frame.select(
        "template_id", pl.col("level").fill_null(""), host=host.cast(pl.String), time=time
    ).filter(pl.col("time").is_not_null() & (pl.col("host").fill_null("") != ""))
    return timed.with_columns(slot=pl.col("time") // (look.step * SECOND))


def by_pattern(frame: pl.DataFrame, by: str) -> pl.DataFrame:
    try:
        return offline.with_session(frame, by)
    except BadInput as error:
        raise BadInput(str(error).replace("--session", "--by", 1)) from error


def folded(kept: pl.DataFrame, part: pl.DataFrame, on: list[str], *sums: pl.Expr) -> pl.DataFrame:
    return pl.concat([kept, part]).group_by(on).agg(*sums) if kept.height else part


def see(told: Tally, failures: pl.DataFrame, look: Ahead, *, usual: Iterable[str] = ()) -> Windows:
    """Windows of every host, from its first step on, as long as it spoke within the longer past.

    ``failures`` are host and time; of them each window knows those up to its end. Templates of
    ``usual`` are old; another one is new where its first line of all hosts is in the window.
    """
    cut = int(told.sums["slot"].max() or 0) + 1  # type: ignore[arg-type]
    kinds = count_kinds(told, cut)
    born = told.cells.group_by("template_id").agg(born=pl.col("slot").min())
    kinds = kinds.join(born, on="template_id").with_columns(
        fresh=(pl.col("short") > 0) & (pl.col("short") == pl.col("long")),
        new=(pl.col("born") >= pl.col("end") - SHORT)
        & ~pl.col("template_id").is_in(pl.Series(list(usual), dtype=pl.String).implode()),
    )
    of_kinds = kinds.group_by("host", "end").agg(
        kinds=(pl.col("short") > 0).sum(),
        fresh=pl.col("fresh").sum(),
        new=pl.when("new").then("short").otherwise(0).sum(),
    )
    sums = count_lines(told, cut).join(of_kinds, on=["host", "end"], how="left")
    rows = with_failures(measure_signs(sums, look), failures).sort("end", "host")
    rows = rows.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    at = kinds.join(rows.select("row", "host", "end"), on=["host", "end"])
    return Windows(
        rows, at.select("row", "template_id", "short", "long").sort("row", "template_id")
    )


def spread(frame: pl.DataFrame, cut: int) -> pl.DataFrame:
    """Each row once for every window that it falls into: ``end``, and whether it is ``near``."""
    ago = pl.lit(pl.Series("ago", [list(range(1, LONG + 1))])).first()
    rows = (
        frame.with_columns(ago=ago).explode("ago").with_columns(end=pl.col("slot") + pl.col("ago"))
    )
    return rows.filter(pl.col("end") <= cut).with_columns(near=pl.col("ago") <= SHORT)


def count_kinds(told: Tally, cut: int) -> pl.DataFrame:
    near = pl.when("near").then("lines").otherwise(0)
    return (
        spread(told.cells, cut)
        .group_by("host", "end", "template_id")
        .agg(short=near.sum(), long=pl.col("lines").sum())
    )


def count_lines(told: Tally, cut: int) -> pl.DataFrame:
    near = [
        pl.when("near").then(name).otherwise(0).sum().alias(name) for name in ("lines", "trouble")
    ]
    return (
        spread(told.sums, cut)
        .group_by("host", "end")
        .agg(
            *near,
            lines_long=pl.col("lines").sum(),
            trouble_long=pl.col("trouble").sum(),
            last=pl.col("last").max(),
        )
    )


def measure_signs(sums: pl.DataFrame, look: Ahead) -> pl.DataFrame:
    """burst: the rate of the window just past over that of the time before it; silence: seconds
    since the host's last line; kinds, fresh and new: templates in the window, those of them that
    the longer past did not have before it, and lines of templates never seen before it.
    """
    before = (pl.col("lines_long") - pl.col("lines")) * (SHORT / (LONG - SHORT))
    at = pl.col("end") * (look.step * SECOND)
    return sums.with_columns(
        at=at,
        burst=(pl.col("lines") + 1.0) / (before + 1.0),
        silence=(at - pl.col("last")) / SECOND,
    ).drop("last")


def with_failures(rows: pl.DataFrame, failures: pl.DataFrame) -> pl.DataFrame:
    """failed: seconds since the host's last failure up to the window's end; null where none."""
    times = failures.sort("time").select("host", "time")
    found = rows.sort("at").join_asof(
        times, left_on="at", right_on="time", by="host", strategy="backward", check_sortedness=False
    )
    return found.with_columns(failed=(pl.col("at") - pl.col("time")) / SECOND).drop("time")


def cells_of(
    windows: Windows, templates: Sequence[str], look: Ahead, *, unknown: float
) -> csr_matrix:
    """Columns: the templates' lines in the window just past, the same in the longer past, SIGNS.

    ``unknown`` is the nearness of a host's last failure where none is known.
    """
    numbers = pl.Series(np.arange(len(templates), dtype=np.int64))
    places: Mapping[str, pl.Series] = {"template_id": pl.Series(templates, dtype=pl.String)}
    kinds = windows.kinds.join(pl.DataFrame({**places, "column": numbers}), on="template_id")
    shape = windows.rows.height, len(templates)
    at = kinds["row"].to_numpy(), kinds["column"].to_numpy()
    blocks = [
        csr_matrix((np.log1p(kinds[name].to_numpy().astype(float)), at), shape=shape)
        for name in ("short", "long")
    ]
    return hstack([*blocks, csr_matrix(signs_of(windows.rows, look, unknown))], format="csr")


def signs_of(rows: pl.DataFrame, look: Ahead, unknown: float) -> npt.NDArray[np.float64]:
    """The signs on scales on which models compare them: logarithms, and nearness of a failure."""
    scaled = {name: pl.col(name).log1p() for name in SIGNS}
    scaled["burst"] = pl.col("burst").log()
    scaled["silence"] = (pl.col("silence") / look.step).log1p()
    scaled["failed"] = nearness(look).fill_null(unknown)
    return rows.select(**scaled).to_numpy().astype(np.float64)


def nearness(look: Ahead) -> pl.Expr:
    """1 at a failure, one half a horizon after it, 0 long after it; null where none is known."""
    return look.horizon / (look.horizon + pl.col("failed"))


def usual_nearness(rows: pl.DataFrame, look: Ahead) -> float:
    """What no known failure is taken for, so that it neither warns nor reassures."""
    return float(rows.select(nearness(look).mean().fill_null(0.0)).item())


def usual_templates(windows: Windows, rows: pl.Series, most: int) -> list[str]:
    """The templates that most of these windows have, ``most`` at most; in a settled order."""
    among = windows.kinds.filter(pl.col("row").is_in(rows.implode()))
    had = among.group_by("template_id").len().sort("len", "template_id", descending=[True, False])
    return had["template_id"].head(most).to_list()
