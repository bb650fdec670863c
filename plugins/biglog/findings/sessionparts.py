"""Events of sessions on disk, in parts by the session's name: a part holds sessions as a whole.

A night is split as it comes. A part is then read at once, its events sorted into their sessions, so
that memory holds one part of many, and what is counted over all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from biglog.findings.keys import Ints

PARTS = 64
FULL = 150_000
"""Events from which a part is not read together with the next."""
NAMED = {"session": pl.String, "row": pl.Int64, "events": pl.UInt32}


@dataclass(frozen=True)
class Part:
    """Sessions in order of appearance, and their events, one session's behind the other's."""

    names: pl.DataFrame  # of NAMED: the row of the first event, how many there are
    kinds: npt.NDArray[np.uint32]  # of each event its template's code
    times: npt.NDArray[np.float64]  # in seconds, NaN where unknown

    @property
    def height(self) -> int:
        return self.names.height

    @cached_property
    def lengths(self) -> Ints:
        return self.names["events"].to_numpy().astype(np.int64)

    @cached_property
    def starts(self) -> Ints:
        """The place of each session's first event."""
        return np.cumsum(self.lengths) - self.lengths

    @cached_property
    def session(self) -> Ints:
        """Of each event the place of its session."""
        return np.repeat(np.arange(self.height), self.lengths)


class Kinds:
    """The codes of templates from 0, in the order in which they come."""

    def __init__(self) -> None:
        self.table = pl.DataFrame(schema={"template_id": pl.String, "code": pl.UInt32})

    def codes(self, ids: pl.Series) -> pl.Series:
        rows = ids.cast(pl.String).alias("template_id").to_frame()
        new = rows.unique(maintain_order=True).join(
            self.table, on="template_id", how="anti", maintain_order="left"
        )
        code = pl.int_range(self.table.height, self.table.height + new.height, dtype=pl.UInt32)
        self.table = pl.concat([self.table, new.with_columns(code=code)])
        return rows.join(self.table, on="template_id", how="left", maintain_order="left")["code"]

    def ranks(self) -> Ints:
        """The place of each code's id among all in the order of letters."""
        return self.table["template_id"].rank("ordinal").to_numpy().astype(np.int64)


class Events:
    """The events of sessions, added batch by batch and read part by part."""

    def __init__(self, folder: Path, kinds: Kinds, first: int = 0) -> None:
        """``first`` > 0 keeps so many events of each session only."""
        folder.mkdir()
        self.folder = folder
        self.kinds = kinds
        self.first = first
        self.cuts: list[list[int]] = []
        self.rows = 0
        self.patterns = pl.DataFrame(schema={"code": pl.UInt32, "template": pl.String})
        self.parts = 0

    def add(self, lines: pl.DataFrame) -> None:
        """``lines``: session, template_id, template and, where known, timestamp, in order."""
        session = lines["session"].cast(pl.String)
        part = (session.hash() % PARTS).to_numpy().astype(np.uint8)
        kind = self.kinds.codes(lines["template_id"])
        self.know(kind, lines["template"])
        at = pl.lit(None, pl.Float64)
        if "timestamp" in lines.columns:
            at = pl.col("timestamp").dt.epoch("us") / 1e6
        rows = lines.select(
            session,
            kind.alias("kind"),
            at.alias("at"),
            pl.int_range(self.rows, self.rows + lines.height).alias("row"),
        )
        rows[np.argsort(part, kind="stable")].write_ipc(self.folder / f"batch {len(self.cuts)}")
        self.cuts.append([0, *np.cumsum(np.bincount(part, minlength=PARTS)).tolist()])
        self.rows += lines.height

    def know(self, kind: pl.Series, template: pl.Series) -> None:
        here = pl.DataFrame([kind.alias("code"), template.alias("template")])
        new = here.unique("code", maintain_order=True).join(self.patterns, on="code", how="anti")
        named = new.with_columns(pl.col("template").cast(pl.String))
        self.patterns = pl.concat([self.patterns, named])

    def spans(self) -> list[tuple[int, int]]:
        """From and to (not with it): parts that are read as one, as they are small."""
        sizes = np.diff(np.array(self.cuts, np.int64).reshape(-1, PARTS + 1).sum(axis=0))
        made, begin = [], 0
        for end in range(1, PARTS + 1):
            if sizes[begin:end].sum() >= FULL or end == PARTS:
                made.append((begin, end))
                begin = end
        return made

    def sort(self) -> Iterator[Part]:
        """The parts of what was added, which stay on disk sorted."""
        spans = self.spans()
        self.parts = len(spans)
        for number, (begin, end) in enumerate(spans):
            yield self.sorted(number, begin, end)
        for number in range(len(self.cuts)):
            (self.folder / f"batch {number}").unlink()

    def sorted(self, number: int, begin: int, end: int) -> Part:
        found = [
            pl.read_ipc(self.folder / f"batch {n}").slice(cut[begin], cut[end] - cut[begin])
            for n, cut in enumerate(self.cuts)
        ]
        empty = {"session": pl.String, "kind": pl.UInt32, "at": pl.Float64, "row": pl.Int64}
        rows = pl.concat([pl.DataFrame(schema=empty), *found]).sort("row")
        most = self.first or rows.height
        sessions = rows.group_by("session", maintain_order=True).agg(
            pl.col("row").first(), pl.col("kind", "at").head(most)
        )
        names = sessions.select("session", "row", events=pl.col("kind").list.len().cast(pl.UInt32))
        events = sessions.select("kind", "at").explode("kind", "at")
        names.write_ipc(self.folder / f"names {number}")
        events.write_ipc(self.folder / f"events {number}")
        return self.part(number)

    def part(self, number: int) -> Part:
        events = pl.read_ipc(self.folder / f"events {number}")
        names = pl.read_ipc(self.folder / f"names {number}")
        at = events["at"].fill_null(float("nan")).to_numpy()
        return Part(names, events["kind"].to_numpy(), at)
