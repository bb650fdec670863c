"""How many planted faults the nights' incidents name, at what rank, and how many name none."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rich.table import Table
from rich.text import Text

from biglog.errors import BadInput
from biglog.records import Incident

SLACK = timedelta(minutes=15)
TOP = 3


@dataclass(frozen=True, slots=True)
class Fault:
    """One planted fault, or one planned harmless event."""

    fault_id: str
    date: str
    started_at: datetime
    ended_at: datetime
    kind: str
    service: str
    host: str
    source: str
    description: str


@dataclass(frozen=True, slots=True)
class FaultScore:
    """What the night's incidents say of one fault."""

    fault: Fault
    rank: int | None  # of the first incident that overlaps it and names its service
    clear_rank: int | None  # the same, not counting incidents that name the night's other faults
    overlapped: int | None  # of the first incident that overlaps it at all
    cause_first: bool  # the likeliest place named is the fault's service
    title: str = ""

    @property
    def found(self) -> bool:
        return self.rank is not None


@dataclass(frozen=True, slots=True)
class FaultScores:
    """All faults, and the incidents that no fault explains."""

    rows: tuple[FaultScore, ...]
    false: tuple[Incident, ...]  # overlap no fault and no harmless event
    benign: tuple[Incident, ...]  # overlap a harmless event only
    nights: int

    def named(self, top: int) -> float:
        """Share of the faults named within so many incidents of their night."""
        return self.share([r.rank is not None and r.rank <= top for r in self.rows])

    def named_clear(self, top: int) -> float:
        """The same where a night's other planted faults do not push a fault down."""
        return self.share([r.clear_rank is not None and r.clear_rank <= top for r in self.rows])

    @property
    def caused(self) -> float:
        """Share of the named faults whose service is the first cause."""
        return self.share([r.cause_first for r in self.rows if r.found])

    @property
    def false_per_night(self) -> float:
        return (len(self.false) + len(self.benign)) / max(1, self.nights)

    @staticmethod
    def share(hits: Sequence[bool]) -> float:
        return sum(hits) / len(hits) if hits else 0.0


def read_faults(path: Path) -> tuple[Fault, ...]:
    """Rows of ``faults.csv`` or ``benign.csv``. Raises BadInput where a column is missing."""
    if not path.exists():
        raise BadInput(f"{path} does not exist; give a folder with recordings and faults.csv")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    try:
        return tuple(fault(row) for row in rows)
    except (KeyError, ValueError) as error:
        raise BadInput(f"{path}: expected {', '.join(Fault.__slots__)}; got {error}") from error


def fault(row: Mapping[str, str]) -> Fault:
    words = {key: row[key] for key in Fault.__slots__ if not key.endswith("_at")}
    started, ended = (datetime.fromisoformat(row[key]) for key in ("started_at", "ended_at"))
    return Fault(**words, started_at=started, ended_at=ended)


def score_faults(
    incidents: Mapping[str, Sequence[Incident]],
    faults: Sequence[Fault],
    benign: Sequence[Fault] = (),
) -> FaultScores:
    """Each fault beside its night's incidents; resolved ones are yesterday's and do not count."""
    nights = {
        date: [one for one in found if one.state not in ("muted", "resolved")]
        for date, found in incidents.items()
    }
    judged = [one for one in faults if one.date in nights]
    unexplained = [
        one
        for date, found in nights.items()
        for one in found
        if not any(overlaps(one, f) for f in faults if f.date == date)
    ]
    harmless = [one for one in unexplained if any(overlaps(one, b) for b in benign)]
    return FaultScores(
        rows=tuple(score(one, nights[one.date], judged) for one in judged),
        false=tuple(one for one in unexplained if one not in harmless),
        benign=tuple(harmless),
        nights=len(nights),
    )


def score(fault: Fault, found: Sequence[Incident], faults: Sequence[Fault]) -> FaultScore:
    near = [one for one in found if overlaps(one, fault)]
    named = [one for one in near if names(one, fault)]
    best = named[0] if named else None
    others = [f for f in faults if f.date == fault.date and f != fault]
    above = [one for one in found if best and one.rank < best.rank]
    clear = [one for one in above if not any(overlaps(one, f) and names(one, f) for f in others)]
    return FaultScore(
        fault=fault,
        rank=best.rank if best else None,
        clear_rank=len(clear) + 1 if best else None,
        overlapped=near[0].rank if near else None,
        cause_first=bool(best and same(best.services[:1], fault)),
        title=best.title if best else (near[0].title if near else ""),
    )


def overlaps(one: Incident, fault: Fault) -> bool:
    return one.started_at <= fault.ended_at + SLACK and one.ended_at >= fault.started_at - SLACK


def names(one: Incident, fault: Fault) -> bool:
    return same((*one.services, *(c.service for c in one.causes)), fault)


def same(services: Sequence[str], fault: Fault) -> bool:
    return fault.service.lower() in {s.lower() for s in services}


def picture(scores: FaultScores) -> Table:
    """The scores as a table: one line per fault, the sums below."""
    table = Table(title="Planted faults and the incidents that name them", show_footer=True)
    table.add_column("fault", footer=f"{len(scores.rows)} in {scores.nights} nights")
    table.add_column("night")
    table.add_column("kind")
    table.add_column("service")
    table.add_column("rank", footer=f"top {TOP}: {scores.named(TOP):.0%}")
    table.add_column("clear", footer=f"{scores.named_clear(TOP):.0%}")
    table.add_column("cause first", footer=f"{scores.caused:.0%}")
    table.add_column("incident", footer=f"false incidents a night: {scores.false_per_night:.2f}")
    for row in scores.rows:
        table.add_row(
            row.fault.fault_id,
            row.fault.date,
            row.fault.kind,
            row.fault.service,
            str(row.rank or ("other" if row.overlapped else "-")),
            str(row.clear_rank or "-"),
            "yes" if row.cause_first else "no",
            Text(row.title),
        )
    return table
