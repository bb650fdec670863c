"""How odd each session is, by detectors that each look at one side of it, and why.

A session is odd where a detector says so. The odd ones, and below them the rest, are ordered by
the harmonic mean of the shares of sessions that are as odd to each detector (Wilson, 2019): one
clear sign is not drowned by detectors that see nothing, though signs depend on each other.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from biglog.findings import calibrate, counts, durations, nextevent, transitions
from biglog.findings.durations import Spans
from biglog.findings.keys import Numbering, Tally
from biglog.findings.sessionparts import Events, Kinds, Part
from biglog.findings.steps import Steps, in_context, numbering, steps

DETECTORS = ("counts", "transitions", "next event", "duration")
GRADING = ("next event",)
"""Whose verdict does not count: healthy parallel writers come in an order of their own too."""
VOTING = tuple(name for name in DETECTORS if name not in GRADING)
TOLD = 100_000
"""Sessions that are told at once."""

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def score_sessions(
    lines: pl.DataFrame, history: pl.DataFrame | None, *, first: int = 0
) -> pl.DataFrame:
    """A row per session in order of appearance: session, score, anomalous, reason, events.

    Both frames have session, template_id, template and, where known, timestamp, a row a line in
    order. ``first`` > 0 judges each session, and learns, on its first so many events only. A score
    of .5 is the threshold.
    """
    with tempfile.TemporaryDirectory(prefix="biglog-") as folder:
        night = filled(Path(folder), lines, history, first)
        return pl.concat([night.nothing(), *night.verdicts()])


def by_detector(
    lines: pl.DataFrame, history: pl.DataFrame | None, *, first: int = 0
) -> pl.DataFrame:
    """As score_sessions, before the detectors are joined: session, events, and of each detector
    "score NAME", "odd NAME" and "reason NAME" (but for the counts' null where not odd).
    """
    with tempfile.TemporaryDirectory(prefix="biglog-") as folder:
        night = filled(Path(folder), lines, history, first)
        return pl.concat(night.rated()).sort("row").drop("row")


def filled(folder: Path, lines: pl.DataFrame, history: pl.DataFrame | None, first: int) -> Sessions:
    night = Sessions(folder, first=first, with_history=history is not None)
    if history is not None:
        night.recall(history)
    night.add(lines)
    return night


class Side:
    """The sessions of tonight, or of the history, on disk, and what they teach."""

    def __init__(self, folder: Path, kinds: Kinds, numbers: Numbering, first: int) -> None:
        self.events = Events(folder, kinds, first)
        self.numbers = numbers
        self.counted = counts.Counted()
        self.taken = transitions.Taken()
        self.grams = Tally()
        self.spans = Spans(np.empty(0), np.empty(0))
        self.rows: npt.NDArray[np.int64] = np.empty(0, np.int64)  # where each session begins

    def learn(self) -> None:
        spans, rows = [], []
        for part in self.events.sort():
            taken = steps(part, self.numbers)
            self.counted.add(part)
            self.taken.add(part, taken)
            self.grams.add(in_context(part, taken))
            spans.append(durations.spans(part))
            rows.append(part.names["row"].to_numpy())
        self.grams.done()
        self.spans, self.rows = durations.joined(spans), np.concatenate(rows)

    def parts(self) -> Iterator[tuple[Part, Steps]]:
        for number in range(self.events.parts):
            part = self.events.part(number)
            yield part, steps(part, self.numbers)


@dataclass(frozen=True)
class Model:
    """What sessions are rated by."""

    counts: counts.Model
    had: npt.NDArray[np.int64]  # sessions that take each step
    logs: Floats  # log chances of the distinct events in context of those rated
    itself: bool  # whether those rated are those learnt from


class Sessions:
    """Events of sessions put on disk batch by batch, and judged when all have been seen."""

    def __init__(self, folder: Path, *, first: int = 0, with_history: bool = False) -> None:
        """``first`` as score_sessions takes it."""
        self.folder = folder
        self.kinds = Kinds()
        self.numbers = numbering()
        self.today = Side(folder / "today", self.kinds, self.numbers, first)
        self.past = Side(folder / "past", self.kinds, self.numbers, first) if with_history else None

    def add(self, lines: pl.DataFrame) -> None:
        """``lines`` as score_sessions takes them, in order."""
        self.today.events.add(lines)

    def recall(self, lines: pl.DataFrame) -> None:
        """Lines of the history."""
        assert self.past is not None
        self.past.events.add(lines)

    def verdicts(self) -> Iterator[pl.DataFrame]:
        """As score_sessions, batch by batch."""
        edges: npt.NDArray[np.int64] = np.empty(0, np.int64)
        for number, told in enumerate(self.rated()):
            if not number:
                edges = np.sort(self.today.rows)[::TOLD]
            cut = [*np.searchsorted(told["row"].to_numpy(), edges), told.height]
            said = told.select("session", *verdict(), "events", "row")
            for place, (start, end) in enumerate(pairwise(cut)):
                said.slice(start, end - start).write_ipc(self.folder / f"told {place} {number}")
        for place in range(len(edges)):
            here = [
                pl.read_ipc(self.folder / f"told {place} {number}")
                for number in range(self.today.events.parts)
            ]
            yield pl.concat(here).sort("row").drop("row")

    def nothing(self) -> pl.DataFrame:
        schema = {"session": pl.String, "score": pl.Float64, "anomalous": pl.Boolean}
        return pl.DataFrame(schema={**schema, "reason": pl.String, "events": pl.UInt32})

    def rated(self) -> Iterator[pl.DataFrame]:
        """As by_detector, part by part, with the row of each session's first event."""
        self.today.learn()
        if self.past is not None:
            self.past.learn()
        strength = self.rate(self.today, self.model(self.today, self.learnt), keep=True)
        usual = strength
        if self.past is not None:
            usual = self.rate(self.past, self.model(self.past, self.past), keep=False)
        judged = self.judged(strength, usual)
        start = 0
        for number in range(self.today.events.parts):
            kept = pl.read_ipc(self.kept(number))
            here = slice(start, start + kept.height)
            yield self.worded(
                kept, here, {name: (a[here], b[here]) for name, (a, b) in judged.items()}
            )
            start += kept.height

    def model(self, side: Side, known: Side) -> Model:
        """For rating the sessions of one side by what is known of another, or of itself."""
        itself = side is known
        patterns, ranks = side.events.patterns, self.kinds.ranks()
        if not itself:  # what is lacked may be known from the others alone
            more = known.events.patterns.join(patterns, on="code", how="anti")
            patterns = pl.concat([patterns, more])
        size = len(self.numbers.keys)
        return Model(
            counts.model(side.counted, None if itself else known.counted, patterns, ranks),
            known.taken.had(size),
            nextevent.log_chances(side.grams, known.grams, self.numbers, itself=itself),
            itself,
        )

    def rate(self, side: Side, model: Model, *, keep: bool) -> dict[str, Floats]:
        """How strong each detector's sign is of each session, part behind part.

        With ``keep`` what is needed to say so is kept on disk.
        """
        found: dict[str, list[Floats]] = {name: [] for name in DETECTORS[:3]}
        for number, (part, taken) in enumerate(side.parts()):
            unlikely = counts.facts(part, model.counts)
            worst = counts.surprises(part, unlikely)
            rare = transitions.find(part, taken, model.had, itself=model.itself)
            keys = in_context(part, taken)
            mean, place = nextevent.surprises(part, keys, side.grams.keys, model.logs)
            found["counts"].append(worst)
            found["transitions"].append(transitions.strength(rare.had, self.learnt.taken.sessions))
            found["next event"].append(mean)
            if keep:
                said = counts.told(unlikely, worst, model.counts)
                part.names.with_columns(
                    said.alias("reason counts"),
                    step=pl.Series(rare.step),
                    had=pl.Series(rare.had),
                    kind=pl.Series(part.kinds[place]),
                ).write_ipc(self.kept(number))
        joined = {name: np.concatenate(many) for name, many in found.items()}
        return {**joined, "duration": durations.strength(side.spans, self.learnt.spans)}

    @property
    def learnt(self) -> Side:
        return self.past or self.today

    def judged(
        self, here: dict[str, Floats], usual: dict[str, Floats]
    ) -> dict[str, tuple[Floats, Bools]]:
        """Of each detector the score of each session and whether it is odd."""
        others = {
            name: calibrate.judged(here[name], usual[name])
            for name in DETECTORS
            if name != "counts"
        }
        own = counts.judged(
            here["counts"],
            usual["counts"],
            self.learnt.counted.sessions,
            alone=self.past is None,
        )
        return {"counts": own, **others}

    def worded(
        self, kept: pl.DataFrame, here: slice, judged: dict[str, tuple[Floats, Bools]]
    ) -> pl.DataFrame:
        """The sessions of a part, which are ``here`` among all, with scores and reasons."""
        rare = transitions.Rarest(kept["step"].to_numpy(), kept["had"].to_numpy())
        others = self.learnt.taken.sessions - int(self.past is None)
        odd = {name: np.flatnonzero(one) for name, (_, one) in judged.items()}
        patterns = self.today.events.patterns
        some = odd["transitions"]
        went = transitions.told(
            transitions.Rarest(rare.step[some], rare.had[some]), self.numbers, patterns, others
        )
        spans = Spans(self.today.spans.took[here], self.today.spans.pause[here])
        some = odd["duration"]
        took = durations.told(
            Spans(spans.took[some], spans.pause[some]), durations.median(self.learnt.spans)
        )
        next_ = nextevent.told(kept["kind"].to_numpy()[odd["next event"]], patterns)
        columns = [kept["reason counts"]]
        for name, said in (("transitions", went), ("duration", took), ("next event", next_)):
            columns.append(placed(said, odd[name], kept.height).alias(f"reason {name}"))
        for name, (score, is_odd) in judged.items():
            columns += [pl.Series(f"score {name}", score), pl.Series(f"odd {name}", is_odd)]
        return kept.select("session", "row", "events").with_columns(columns)

    def kept(self, number: int) -> Path:
        return self.folder / f"kept {number}"


def placed(said: pl.Series, where: npt.NDArray[np.int64], height: int) -> pl.Series:
    """Texts at their places among so many, null elsewhere."""
    at = np.full(height, -1)
    at[where] = np.arange(len(where))
    return said.gather(pl.Series(at).replace(-1, None))


def verdict() -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Score, anomalous and reason from what the detectors say."""
    scores = [pl.col(f"score {name}") for name in DETECTORS]
    odd = pl.any_horizontal(f"odd {name}" for name in VOTING)
    share = len(scores) / pl.sum_horizontal(1.0 / (1.0 - one).clip(1e-9, 1.0) for one in scores)
    below = (1.0 - share) / 2
    score = pl.when(odd).then(0.5 + above(share) / 2).otherwise(below.clip(0.0, 0.4999))
    said = [pl.when(f"odd {name}").then(f"reason {name}") for name in VOTING]
    reason = pl.concat_str(said, separator="; ", ignore_nulls=True)
    usual = pl.col("reason counts").fill_null("as usual")
    return (
        score.round(4).alias("score"),
        odd.alias("anomalous"),
        pl.when(odd).then(reason).otherwise(usual).alias("reason"),
    )


def above(share: pl.Expr) -> pl.Expr:
    """Shares of sessions from 1 to 1 in a million on a line from 0 to 1."""
    return (-share.clip(1e-6, 1.0).log10() / 6.0).clip(0.0, 1.0)
