"""Where an incident's fault most likely lies, with the reasons."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from biglog.incidents.admitted import admitted
from biglog.incidents.changed import Changed
from biglog.incidents.episodes import Episode, lead
from biglog.incidents.graph import Graph
from biglog.incidents.group import Ties
from biglog.incidents.localise import LESS, MORE
from biglog.records import Cause

GRAVE = 0.5
WEIGHTS = {
    "blamed": 1.0, "silent": 0.8, "own": 0.6, "first": 0.4, "symptoms": 0.4, "blames": -0.5,
    "depended": 0.4, "depends": -0.2, MORE: 0.2, LESS: 0.2, "waits": 0.3,
}  # fmt: skip


@dataclass
class Suspect:
    """A service with the evidence for and against it, each 0 to 1."""

    service: str
    signs: dict[str, float] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    episodes: list[Episode] = field(default_factory=list)
    heard_from: list[Episode] = field(default_factory=list)
    accusers: dict[str, float] = field(default_factory=dict)

    @property
    def weight(self) -> float:
        return sum(WEIGHTS[sign] * value for sign, value in self.signs.items())

    def add(self, sign: str, value: float, words: str) -> None:
        """Keep the strongest evidence of a sign."""
        if value > self.signs.get(sign, 0.0):
            self.signs[sign] = value
            self.words[sign] = words

    def accuse(self, accuser: str, value: float, words: str) -> None:
        """Each service that names this one adds doubt about it; repeating oneself does not."""
        self.accusers[accuser] = max(value, self.accusers.get(accuser, 0.0))
        self.add("blamed", 1 - math.prod(1 - v for v in self.accusers.values()), words)


def causes(
    group: Sequence[Episode],
    known: Ties,
    texts: Mapping[str, str],
    changes: Sequence[Changed] = (),
) -> tuple[Cause, ...]:
    """Candidate services, the likeliest first."""
    suspects = gather(group, known)
    for one in suspects.values():
        weigh_own(one, texts, known.blames)
    weigh_first(list(suspects.values()))
    weigh_calls(list(suspects.values()), known.graph)
    share_silence(list(suspects.values()))
    for change in changes:
        if change.service in suspects:
            suspects[change.service].add(change.sign, change.value, change.words)
    ordered = sorted(suspects.values(), key=lambda s: (-s.weight, s.service))
    total = sum(max(0.05, s.weight) for s in ordered)
    return tuple(cause(one, max(0.05, one.weight) / total) for one in ordered)


def gather(group: Sequence[Episode], known: Ties) -> dict[str, Suspect]:
    """Suspects with who blames whom; a blamed service needs no finding of its own."""
    suspects: dict[str, Suspect] = {}
    for episode in group:
        own = suspects.setdefault(episode.finding.service, Suspect(episode.finding.service))
        own.episodes.append(episode)
    for episode in group:
        finding = episode.finding
        for at, name in enumerate(known.blames.get(finding.finding_id, ())):
            value = finding.score * episode.gravity / (1 + at)
            words = f"{finding.service or finding.source} logs trouble with {name}"
            blamed = suspects.setdefault(name, Suspect(name))
            blamed.heard_from.append(episode)
            blamed.accuse(finding.service, value, words)
            suspects[finding.service].add("blames", value, f"it blames {name}")
    return suspects


def weigh_own(
    suspect: Suspect, texts: Mapping[str, str], blames: Mapping[str, tuple[str, ...]]
) -> None:
    """What the service's own findings say of it; one that names another tells of that one."""
    for episode in suspect.episodes:
        finding = episode.finding
        if finding.kind == "silence" and not finding.template_id:
            words = f"it fell silent at {episode.started_at:%H:%M}"
            suspect.add("silent", finding.score, words)
        text = texts.get(finding.finding_id, "")
        own = finding.kind not in ("rate_down", "silence") and not blames.get(finding.finding_id)
        told = admitted(text) if own else ""
        if told and episode.gravity >= GRAVE:
            suspect.add("own", finding.score, f"it reports “{told}” itself")
        suspect.add("symptoms", finding.score * episode.gravity, "it shows trouble of its own")


def weigh_first(suspects: Sequence[Suspect]) -> None:
    """Earlier is likelier; ten minutes (one window of counts) halve it."""
    starts = {s.service: min(e.started_at for e in s.episodes) for s in suspects if s.episodes}
    if len(starts) < 2:
        return
    earliest = min(starts.values())
    for one in suspects:
        if one.service not in starts:
            continue
        late = (starts[one.service] - earliest).total_seconds() / 600
        words = f"it was odd first, from {starts[one.service]:%H:%M:%S}"
        one.add("first", 0.5**late, words if late == 0 else "it was odd soon after the first")


def weigh_calls(suspects: Sequence[Suspect], known: Graph) -> None:
    """Trouble spreads from the called to its callers, and less so through several of them."""
    by_name = {one.service: one for one in suspects}
    trouble = {name: shown(one) for name, one in by_name.items()}
    for one in suspects:
        ways = known.depending(one.service)
        feel = {name: ways[name].confidence * trouble.get(name, 0.0) for name in ways}
        names = sorted((n for n in feel if feel[n] > 0), key=lambda n: (-feel[n], n))
        if names:
            value = 1 - math.prod(1 - feel[name] for name in names)
            one.add("depended", value, dependents(names))
        for name in names:
            against = ways[name].confidence * trouble[one.service]
            words = f"it depends on {one.service}, which shows trouble too"
            by_name[name].add("depends", against, words)


def shown(suspect: Suspect) -> float:
    """How much trouble the service shows itself, 0 to 1."""
    return max(suspect.signs.get("symptoms", 0.0), suspect.signs.get("silent", 0.0))


def dependents(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"{names[0]}, which depends on it, shows trouble"
    return f"{len(names)} services that depend on it show trouble: {', '.join(names[:3])}"


def share_silence(suspects: Sequence[Suspect]) -> None:
    """When many fall silent, most of them wait for another: each is less likely the place."""
    silent = [one for one in suspects if "silent" in one.signs]
    for one in silent:
        one.signs["silent"] /= len(silent)


def cause(suspect: Suspect, confidence: float) -> Cause:
    shown = suspect.episodes or suspect.heard_from
    best = max(shown, key=lambda e: (e.finding.score * e.gravity, e.finding.finding_id))
    order = sorted(suspect.words, key=lambda sign: -WEIGHTS[sign] * suspect.signs[sign])
    text = "; ".join(suspect.words[sign] for sign in order)
    return Cause(
        service=suspect.service,
        host=best.finding.host if suspect.episodes else "",
        template_id=lead(shown).finding.template_id,
        confidence=round(min(1.0, confidence), 3),
        reason=f"{suspect.service or 'the source'}: {text}.",
    )
