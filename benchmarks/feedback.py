"""What verdicts on earlier nights change: the recorded nights judged with and without them.

Run: ``python benchmarks/feedback.py [FOLDER]``. The person is SIMULATED: each morning it looks at
the night's first ten findings (or at its incidents, which is what the pages offer), confirms what
belongs to a planted fault and dismisses the rest; some of its verdicts may be wrong, by a seeded
coin. The nights are in order, each judged by the verdicts of the mornings before it. A finding
belongs to a fault where half of its time or more lies in the fault's, give or take 15 minutes:
symptoms elsewhere belong too, and so does, wrongly, what happens by chance at that time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.incidents import EXAMPLES, Result, default_encoder, nights, unlike

from biglog.findings.heeding import heed, plain
from biglog.findings.judge import heard, judge
from biglog.incidents.bench import (
    SLACK,
    Fault,
    FaultScores,
    names,
    overlaps,
    read_faults,
    score_faults,
)
from biglog.incidents.correlate import correlate
from biglog.records import Encoder, Finding, Incident, Verdict
from biglog.settings import PROJECT, Settings

TOP = 10
JUDGED_FROM = 9  # the first night whose figures count
SEEDS = (0, 1, 2)
SERVICES = ("postgresql", "worker", "shop", "nginx")  # those with the most planted faults


@dataclass(frozen=True)
class SimulatedPerson:
    """Judges by the planted faults; ``wrong`` of its verdicts are the other way round."""

    looks_at: str  # "", findings or incidents
    wrong: float = 0.0
    seed: int = 0
    not_theirs: str = ""  # a service whose findings it dismisses too, whatever they are of


@dataclass(frozen=True)
class Morning:
    """One night as it was told, and by which way of heeding."""

    date: str
    findings: tuple[Finding, ...]
    incidents: tuple[Incident, ...]
    method: str


def belongs(one: Finding, faults: Sequence[Fault]) -> list[Fault]:
    """The faults in whose time at least half of the finding's lies."""
    return [f for f in faults if f.date == one.date and 2 * shared(one, f) >= lasted(one)]


def wanted(one: Finding, person: SimulatedPerson, faults: Sequence[Fault]) -> bool:
    """Whether this person would confirm it, were none of its verdicts wrong."""
    return one.service != person.not_theirs and bool(belongs(one, faults))


def lasted(one: Finding) -> timedelta:
    return max(one.ended_at - one.started_at, timedelta(minutes=1))


def shared(one: Finding, fault: Fault) -> timedelta:
    ended = min(one.started_at + lasted(one), fault.ended_at + SLACK)
    return max(ended - max(one.started_at, fault.started_at - SLACK), timedelta())


def live(
    results: Sequence[Result],
    person: SimulatedPerson,
    faults: Sequence[Fault],
    settings: Settings,
    encoder: Encoder | None,
) -> Iterator[Morning]:
    """The nights in order, each with the verdicts of the mornings before it."""
    rng = np.random.default_rng(person.seed)
    verdicts: list[Verdict] = []
    incidents: list[Incident] = []
    similarity = encoder.similarity if encoder else unlike
    for result in results:
        history = replace(result.history, verdicts=tuple(verdicts), incidents=tuple(incidents))
        listened = heard(result.findings, result.day, history, similarity)
        found = heed(result.findings, listened)
        grouped = correlate(found, result.day, history, settings.incidents)
        morning = Morning(result.day.date, found, grouped, listened.method)
        yield morning
        incidents += grouped
        verdicts += said(morning, person, faults, rng, len(verdicts))


def said(
    morning: Morning,
    person: SimulatedPerson,
    faults: Sequence[Fault],
    rng: np.random.Generator,
    count: int,
) -> list[Verdict]:
    """The verdicts of one morning, at eight o'clock."""
    at = datetime.fromisoformat(morning.date).replace(tzinfo=UTC) + timedelta(hours=32)
    return [
        Verdict(number, "confirm" if true != (rng.random() < person.wrong) else "dismiss",
                at, morning.date, own)
        for number, (true, own) in enumerate(seen(morning, person, faults), start=count + 1)
    ]  # fmt: skip


def seen(
    morning: Morning, person: SimulatedPerson, faults: Sequence[Fault]
) -> list[tuple[bool, tuple[Finding, ...]]]:
    """What the person looks at: whether it is of a fault, and its findings."""
    if person.looks_at == "findings":
        return [(wanted(one, person, faults), (one,)) for one in morning.findings[:TOP]]
    if person.looks_at == "incidents":
        tonight = [f for f in faults if f.date == morning.date]
        by_id = {one.finding_id: one for one in morning.findings}
        return [
            (
                any(overlaps(one, f) and names(one, f) for f in tonight),
                tuple(by_id[key] for key in one.finding_ids),
            )
            for one in morning.incidents
            if one.state not in ("muted", "resolved")
        ]
    return []


@dataclass(frozen=True)
class Figures:
    """Of the nights that count."""

    precision: float  # of the first ten findings, over all those nights together
    recall: float  # of what belongs to a fault, among the first ten
    faults: int  # with one of their findings among the first ten
    planted: int
    order: float  # mean average precision of the nights' whole lists
    pooled: float  # average precision of all those nights' findings as one list
    lowered: tuple[float, float]  # mean change of score of what is of no fault, and of what is
    scores: FaultScores
    methods: str


def measure(
    mornings: Sequence[Morning],
    person: SimulatedPerson,
    faults: Sequence[Fault],
    benign: Sequence[Fault],
) -> Figures:
    counted = mornings[JUDGED_FROM - 1 :]
    top = [one for m in counted for one in m.findings[:TOP]]
    true = [one for m in counted for one in m.findings if wanted(one, person, faults)]
    hit = sum(wanted(one, person, faults) for one in top)
    every = sorted((one for m in counted for one in m.findings), key=lambda f: -f.score)
    of_fault = [wanted(one, person, faults) for one in every]
    orders = [order([wanted(one, person, faults) for one in m.findings]) for m in counted]
    ways = [m.method for m in counted]
    return Figures(
        precision=hit / max(1, len(top)),
        recall=hit / max(1, len(true)),
        faults=len({f.fault_id for one in top for f in belongs(one, faults)}),
        planted=sum(f.date in {m.date for m in counted} for f in faults),
        order=float(np.mean([one for one in orders if one is not None])),
        pooled=order(of_fault) or 0.0,
        lowered=changes(every, of_fault),
        scores=score_faults({m.date: m.incidents for m in counted}, faults, benign),
        methods=", ".join(f"{way} {ways.count(way)}" for way in dict.fromkeys(ways)),
    )


def changes(found: Sequence[Finding], of_fault: Sequence[bool]) -> tuple[float, float]:
    moved = np.array([one.score - plain(one) for one in found])
    true = np.array(of_fault, bool)
    return tuple(float(moved[part].mean()) if part.any() else 0.0 for part in (~true, true))  # type: ignore[return-value]


def order(true: Sequence[bool]) -> float | None:
    """Average precision of a ranking; None where nothing in it is true."""
    hits = np.flatnonzero(true)
    return float(np.mean(np.arange(1, len(hits) + 1) / (hits + 1))) if len(hits) else None


def people() -> dict[str, tuple[SimulatedPerson, ...]]:
    """The conditions by name; where there is chance, one person a seed."""
    named = {"no verdicts": (SimulatedPerson(""),)}
    for what in ("findings", "incidents"):
        named[f"on {what}, all right"] = (SimulatedPerson(what),)
        named[f"on {what}, 10 % wrong"] = tuple(SimulatedPerson(what, 0.1, s) for s in SEEDS)
    return named


def owners() -> dict[str, tuple[SimulatedPerson, ...]]:
    """People who mind one service not at all, one a service; the same judged without verdicts."""
    return {
        "no verdicts": tuple(SimulatedPerson("", not_theirs=one) for one in SERVICES),
        "on findings, all right": tuple(
            SimulatedPerson("findings", not_theirs=one) for one in SERVICES
        ),
        "on findings, 10 % wrong": tuple(
            SimulatedPerson("findings", 0.1, seed, one) for seed, one in enumerate(SERVICES)
        ),
    }


def picture(rows: Sequence[tuple[str, Sequence[Figures]]], title: str) -> Table:
    table = Table(title=title)
    for name in ("verdicts", "precision", "recall", "faults", "order", "pooled", "false by",
                 "true by", "top 3", "clear", "cause", "named", "false", "nights by"):  # fmt: skip
        table.add_column(name)
    for name, found in rows:
        mean = [
            f"{np.mean([one.precision for one in found]):.3f}",
            f"{np.mean([one.recall for one in found]):.3f}",
            f"{np.mean([one.faults for one in found]):.1f} of {found[0].planted}",
            f"{np.mean([one.order for one in found]):.3f}",
            f"{np.mean([one.pooled for one in found]):.3f}",
            *(f"{np.mean([one.lowered[side] for one in found]):+.3f}" for side in (0, 1)),
            *(f"{np.mean([part(one.scores) for one in found]):.3f}" for part in PARTS),
        ]
        table.add_row(name, *mean, found[0].methods)
    return table


PARTS = (
    lambda scores: scores.named(3),
    lambda scores: scores.named_clear(3),
    lambda scores: scores.caused,
    lambda scores: scores.named(1_000),
    lambda scores: scores.false_per_night,
)


def louder(results: Sequence[Result], settings: Settings, encoder: Encoder | None) -> list[Result]:
    """The same nights with every weak sign kept, most of which are of no fault."""
    every = replace(settings.detect, min_score=0.0)
    similarity = encoder.similarity if encoder else unlike
    return [
        replace(one, findings=judge(one.day, one.history, every, similarity)) for one in results
    ]


def main(recorded: Path = EXAMPLES) -> None:
    """Print a table of the nights by default and one with every weak sign, a line a condition."""
    settings = Settings(home=PROJECT / ".biglog")
    encoder = default_encoder(settings)
    results = list(nights(recorded, settings, encoder))
    report("defaults", results, recorded, settings, encoder)
    title = "defaults, one service not theirs"
    report(title, results, recorded, settings, encoder, owners())
    loud = louder(results, settings, encoder)
    report("every weak sign (min_score 0)", loud, recorded, settings, encoder)


def report(
    name: str,
    results: Sequence[Result],
    recorded: Path,
    settings: Settings,
    encoder: Encoder | None,
    persons: dict[str, tuple[SimulatedPerson, ...]] | None = None,
) -> None:
    faults = read_faults(recorded / "faults.csv")
    benign = recorded / "benign.csv"
    harmless = read_faults(benign) if benign.exists() else ()
    rows = [
        (
            way,
            [
                measure(list(live(results, one, faults, settings, encoder)), one, faults, harmless)
                for one in some
            ],
        )
        for way, some in (persons or people()).items()
    ]
    console = Console(width=None if sys.stdout.isatty() else 200)
    title = f"{name}: nights {JUDGED_FROM} to {len(results)}, verdicts of a SIMULATED person"
    console.print(picture(rows, title))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else EXAMPLES)
