"""The night's findings: every detector's, merged, held to one rate of false discovery, ranked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from biglog.findings.chance import discoveries
from biglog.findings.companions import Companions
from biglog.findings.distance import Distance
from biglog.findings.heeding import Heard, heed, listen
from biglog.findings.likeness import meaning
from biglog.findings.novelty import Novelty
from biglog.findings.oddvalues import OddValues
from biglog.findings.silence import Silence
from biglog.findings.stopped import Stopped
from biglog.findings.volume import Volume
from biglog.records import Day, Detector, Finding, History, Scores
from biglog.settings import DetectSettings

FALSE_RATE = 0.01  # share of the night's rate and silence findings that may be chance
EXPLAINED = 0.6  # a service's change mostly due to one template is that template's


def detectors(
    settings: DetectSettings, similarity: Callable[[np.ndarray[Any, Any]], Scores]
) -> tuple[Detector, ...]:
    """The detectors of the night, in the order in which they are run."""
    least = settings.min_history_days
    return (
        Novelty(similarity),
        Distance(similarity),
        Volume(least),
        Silence(least),
        Stopped(least),
        Companions(least),
        OddValues(),
    )


def judge(
    day: Day,
    history: History,
    settings: DetectSettings,
    similarity: Callable[[np.ndarray[Any, Any]], Scores],
) -> tuple[Finding, ...]:
    """The night's findings, the strongest first; equal scores in the order of their ids.

    Which they are, their own scores decide; verdicts on earlier nights only move them.
    """
    found = [
        one for detector in detectors(settings, similarity) for one in detector.find(day, history)
    ]
    merged = [merge(group) for group in same_subject(believed(found))]
    kept = [one for one in unexplained(merged) if one.score >= settings.min_score]
    strong = sorted(kept, key=lambda f: (-f.score, f.finding_id))[: settings.max_findings]
    return heed(strong, heard(strong, day, history, similarity))


def heard(
    found: Sequence[Finding],
    day: Day,
    history: History,
    similarity: Callable[[np.ndarray[Any, Any]], Scores],
) -> Heard:
    """What the verdicts on earlier nights mean for these findings."""
    judged = [one for verdict in history.verdicts for one in verdict.findings]
    subjects = {one.template_id for one in (*found, *judged)} - {""}
    return listen(history.verdicts, meaning(subjects, day, history, similarity))


def believed(found: Sequence[Finding]) -> list[Finding]:
    """Findings without a p-value, and those whose p-value stands in its family of tests.

    A family is what one detector tested about one kind of thing in windows of one length.
    """
    families: dict[tuple[str, str], list[Finding]] = {}
    for one in found:
        if "p" in one.evidence:
            key = one.evidence["detector"], one.evidence.get("family", "")
            families.setdefault(key, []).append(one)
    chance: set[int] = set()
    for family in families.values():
        tests = max(one.evidence["tests"] for one in family)
        stands = discoveries([one.evidence["p"] for one in family], tests, FALSE_RATE)
        chance |= {id(one) for one, ok in zip(family, stands, strict=True) if not ok}
    return [one for one in found if id(one) not in chance]


def same_subject(found: Iterable[Finding]) -> list[list[Finding]]:
    """Findings about one template of one service together; others by kind and place."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for one in found:
        whole = () if one.template_id else (one.kind, one.host)
        groups.setdefault((one.source, one.service, one.template_id, *whole), []).append(one)
    return list(groups.values())


def merge(group: list[Finding]) -> Finding:
    """The strongest of the group, raised a little by those that agree with it."""
    first, *rest = sorted(group, key=lambda f: (-f.score, f.finding_id))
    others = {one.kind: one for one in reversed(rest) if one.kind != first.kind}
    doubt = 1 - first.score
    for one in others.values():
        doubt *= 1 - 0.3 * one.score
    also = [{"kind": k, "reason": others[k].reason} for k in sorted(others)]
    proof = {**first.evidence, **({"also": also} if also else {})}
    return replace(first, score=1 - doubt, evidence=proof)


def unexplained(found: Sequence[Finding]) -> list[Finding]:
    """Without what another finding accounts for: a whole by its part, missing lines by silence."""
    parts = [one for one in found if one.template_id]
    silent = [one for one in found if one.kind == "silence" and not one.template_id]
    return [
        one
        for one in found
        if not (one.template_id and any(hushes(s, one) for s in silent))
        and (one.template_id or not any(explains(p, one) for p in parts))
    ]


def explains(part: Finding, whole: Finding) -> bool:
    if whole.kind != "rate_up" or part.kind not in ("rate_up", "new_template", "returned_template"):
        return False
    same = (part.source, part.service) == (whole.source, whole.service)
    nearby = part.started_at <= whole.ended_at and whole.started_at <= part.ended_at
    excess = whole.count - whole.expected
    return same and nearby and part.count - part.expected >= EXPLAINED * excess


def hushes(silence: Finding, part: Finding) -> bool:
    """Fewer lines of one kind where their whole service (or source) was silent."""
    if part.kind not in ("rate_down", "silence") or part.source != silence.source:
        return False
    shared = min(part.ended_at, silence.ended_at) - max(part.started_at, silence.started_at)
    return part.service == silence.service and 2 * shared >= part.ended_at - part.started_at
