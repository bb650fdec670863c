"""What people said of earlier findings, put to those of tonight: raised or lowered, never hidden.

A verdict counts for findings like its own (Cover and Hart, 1967: nearest neighbours), the surer the
more of them agree. With enough verdicts a regression is fitted, and the later verdicts decide what
is used: it, the neighbours, or the plain score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import Any, Literal

import numpy as np

from biglog.findings.learned.choose import TIE, average_precision
from biglog.findings.likeness import Meaning, likeness
from biglog.findings.taught import COLUMNS, Taught, columns, learn
from biglog.records import Finding, Labels, Scores, Verdict

Method = Literal["nothing", "neighbours", "regression"]
BOUND = 0.5
"""A score is at most lowered to this share, or raised by this share of what it lacks to STRONG."""
STRONG = 0.8
"""What is as strong as this by itself is not raised: known troubles would hide what is new."""
ALIKE = 0.5
"""Likeness from which a verdict has something to say of a finding."""
SURE = 2.0
"""So many like verdicts on one side are as strong as no opinion (a beta prior, half and half)."""
ENOUGH, EACH = 30, 5
"""Verdicts in all, and of each side in either part, before one is held against another."""
LATER = 0.4
"""Share of the verdicts, the latest, on which is decided what helps."""
MOST_VERDICTS, MOST_OF_ONE = 400, 5
"""The latest verdicts, and of each the strongest findings, are heeded: a bound on the cost."""
SHOWN = 10
"""Like verdicts that are kept with a finding, the nearest first."""


@dataclass(frozen=True, slots=True)
class Said:
    """The verdicts' findings as parallel rows, by the time the verdicts were given."""

    verdicts: tuple[Verdict, ...] = ()
    findings: tuple[Finding, ...] = ()
    of: Labels = field(default_factory=lambda: np.zeros(0, np.int64))  # verdict of each row
    true: Labels = field(default_factory=lambda: np.zeros(0, np.int64))  # 1 a verdict confirmed

    @property
    def weights(self) -> Scores:
        """Of the rows: each verdict weighs 1."""
        return 1.0 / np.bincount(self.of)[self.of]

    @property
    def nights(self) -> np.ndarray[Any, Any]:
        return np.array([self.verdicts[one].night for one in self.of.tolist()], str)


@dataclass(frozen=True, slots=True)
class Heard:
    """What is used of the verdicts tonight, and why."""

    method: Method
    note: str
    said: Said
    known: Meaning
    taught: Taught | None = None


def heed(findings: Sequence[Finding], heard: Heard) -> tuple[Finding, ...]:
    """The same findings with their scores by what was said, the strongest first.

    None is added or left out. What moved a score is in its evidence, under ``verdicts``.
    """
    if heard.method == "nothing" or not findings:
        return tuple(findings)
    near = nearest(likeness(findings, heard.said.findings, heard.known), heard.said)
    beliefs, parts = believe(findings, near, heard)
    told = [
        moved(one, float(beliefs[at]), near[at], parts[at], heard)
        for at, one in enumerate(findings)
    ]
    return tuple(sorted(told, key=lambda f: (-f.score, f.finding_id)))


def listen(verdicts: Sequence[Verdict], known: Meaning) -> Heard:
    """What the verdicts teach: by themselves while few, else by what would have helped so far."""
    said = gather(verdicts)
    count = len(said.verdicts)
    if not count:
        return Heard("nothing", "", said, known)
    counted = "1 verdict" if count == 1 else f"{count} verdicts"
    few = Heard("neighbours", f"{counted} heeded by likeness", said, known)
    later = last_part(said)
    return few if count < ENOUGH or not testable(said, later) else compared(few, later)


def gather(verdicts: Sequence[Verdict]) -> Said:
    """In the order of time, whatever the order given; those without findings say nothing."""
    ordered = sorted(
        (one for one in verdicts if one.findings), key=lambda v: (v.given_at, v.feedback_id)
    )[-MOST_VERDICTS:]
    strong = [
        sorted(one.findings, key=lambda f: (-plain(f), f.finding_id))[:MOST_OF_ONE]
        for one in ordered
    ]
    lengths = [len(one) for one in strong]
    confirmed = np.array([one.said == "confirm" for one in ordered], np.int64)
    of = np.repeat(np.arange(len(ordered)), lengths).astype(np.int64)
    return Said(tuple(ordered), tuple(f for one in strong for f in one), of, confirmed[of])


def plain(finding: Finding) -> float:
    """Its score before any verdict was heeded."""
    return float(finding.evidence.get("verdicts", {}).get("plain", finding.score))


def last_part(said: Said) -> np.ndarray[Any, Any]:
    """Which rows are of the later verdicts; a night is never in both parts."""
    nights = np.sort([one.night for one in said.verdicts])
    first = nights[int(len(nights) * (1 - LATER))]
    return np.asarray(said.nights >= first)


def testable(said: Said, later: np.ndarray[Any, Any]) -> bool:
    """Whether both parts have enough verdicts of both kinds."""
    return all(
        len(np.unique(said.of[part & (said.true == kind)])) >= EACH
        for part in (later, ~later)
        for kind in (0, 1)
    )


def nearest(alike: Scores, said: Said) -> Scores:
    """One row a finding, one column a verdict: the likeness of its nearest finding, 0 if not."""
    starts = np.flatnonzero(np.diff(said.of, prepend=-1))
    best = np.maximum.reduceat(alike, starts, axis=1)
    return np.where(best >= ALIKE, best, 0.0)


def earlier(said: Said, known: Meaning) -> Scores:
    """``nearest`` of the verdicts' own findings to the verdicts known when each was found: on
    nights before its own, given before that one ended.
    """
    near = nearest(likeness(said.findings, said.findings, known), said)
    nights = np.array([one.night for one in said.verdicts], str)
    given = np.array([f"{one.given_at.astimezone(UTC):%Y-%m-%d}" for one in said.verdicts], str)
    own = said.nights[:, None]
    return np.where((nights[None, :] < own) & (given[None, :] <= own), near, 0.0)


def votes(near: Scores, said: Said) -> tuple[Scores, Scores]:
    """How much like verdicts weigh, those that confirmed and those that dismissed."""
    true = np.array([one.said == "confirm" for one in said.verdicts], bool)
    return near[:, true].sum(axis=1), near[:, ~true].sum(axis=1)


def by_neighbours(near: Scores, said: Said) -> Scores:
    """The belief, 0 to 1, that people would confirm it; one half where nothing like it was said."""
    confirmed, dismissed = votes(near, said)
    return (confirmed + SURE / 2) / (confirmed + dismissed + SURE)


def believe(
    findings: Sequence[Finding], near: Scores, heard: Heard
) -> tuple[Scores, Sequence[dict[str, float]]]:
    """The belief in each finding and, of a regression, what its columns add to it."""
    if heard.taught is None:
        return by_neighbours(near, heard.said), [{}] * len(findings)
    cells = columns(findings, [plain(one) for one in findings], *votes(near, heard.said))
    parts = heard.taught.parts(cells)
    named = [dict(zip(COLUMNS, map(float, row), strict=True)) for row in parts]
    return heard.taught.belief(cells), named


def bounded(scores: Scores, beliefs: Scores) -> Scores:
    """Lowered below one half, raised above it, never by more than BOUND."""
    lean = 2.0 * beliefs - 1.0
    lowered = scores * (1.0 + BOUND * lean)
    raised = scores + BOUND * lean * np.maximum(STRONG - scores, 0.0)
    return np.where(lean < 0, lowered, raised)


def compared(few: Heard, later: np.ndarray[Any, Any]) -> Heard:
    """What ranks the later verdicts best, learned from the earlier ones; the simpler on a tie."""
    said = few.said
    near = earlier(said, few.known)
    scores = np.array([plain(one) for one in said.findings])
    cells = columns(said.findings, scores, *votes(near, said))
    taught = learn(cells, said.true, said.weights, later)
    ways: dict[Method, Scores] = {
        "nothing": scores,
        "neighbours": bounded(scores, by_neighbours(near, said)),
    }
    if taught:
        ways["regression"] = bounded(scores, taught.tested.belief(cells))
    part = said.true[later], said.weights[later]
    found = {way: average_precision(part[0], s[later], part[1]) for way, s in ways.items()}
    best = max(found.values())
    method = next(way for way, one in found.items() if one >= best - TIE)
    figures = ", ".join(f"{NAMES[way]} {one:.2f}" for way, one in found.items())
    note = f"{len(said.verdicts)} verdicts, {USED[method]} (average precision: {figures})"
    return replace(few, method=method, note=note, taught=taught if method == "regression" else None)


NAMES: dict[Method, str] = {
    "nothing": "plain score",
    "neighbours": "likeness",
    "regression": "regression",
}
USED: dict[Method, str] = {
    "nothing": "not used: they would not have helped",
    "neighbours": "heeded by likeness",
    "regression": "heeded by a regression",
}


def moved(
    one: Finding, belief: float, near: Scores, parts: dict[str, float], heard: Heard
) -> Finding:
    """The finding with its new score and all that led to it; as it was where nothing was said."""
    before = plain(one)
    score = float(bounded(np.array([before]), np.array([belief]))[0])
    if score == before and not near.any():
        return one
    order = np.argsort(-near, kind="stable")
    like = [as_like(heard.said.verdicts[at], float(near[at])) for at in order.tolist() if near[at]]
    proof = {
        "plain": before,
        "score": score,
        "method": heard.method,
        "belief": round(belief, 4),
        "verdicts": len(heard.said.verdicts),
        "confirmed": sum(v["said"] == "confirm" for v in like),
        "dismissed": sum(v["said"] == "dismiss" for v in like),
        "like": like[:SHOWN],
        **({"parts": {k: round(v, 4) for k, v in parts.items()}} if parts else {}),
    }
    told = {**one.evidence, "verdicts": {**proof, "says": why(proof)}}
    return replace(one, score=score, evidence=told)


def as_like(verdict: Verdict, alike: float) -> dict[str, Any]:
    return {
        "said": verdict.said,
        "feedback_id": verdict.feedback_id,
        "night": verdict.night,
        "likeness": round(alike, 4),
    }


def why(proof: dict[str, Any]) -> str:
    """What moved a score, in one English sentence: from, to, and by which verdicts."""
    before, after = proof["plain"], proof["score"]
    way = "Lowered from" if after < before else "Raised from"
    change = f"{way} {before:.2f} to {after:.2f}" if after != before else f"Kept at {before:.2f}"
    sides = [f"{proof[side]} {side}" for side in ("dismissed", "confirmed") if proof[side]]
    nights = ", ".join(sorted({one["night"] for one in proof["like"]}))
    said = [f"like {' and '.join(sides)} before ({nights})"] if sides else []
    if "parts" in proof:
        choose = min if after < before else max
        most = choose(proof["parts"], key=proof["parts"].get).replace("_", " ")
        said.insert(0, f"by what {proof['verdicts']} verdicts taught, above all of its {most}")
    return f"{change}: {'; '.join(said)}."
