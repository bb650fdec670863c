"""Which service calls which, how sure that is, and who depends on whom through others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from biglog.records import Dependency, Depending, Way

TRUST: Mapping[Way, float] = {"trace": 1.0, "upstream": 0.95, "shared_id": 0.9, "named": 0.6}
"""How far each way of knowing is to be believed however often it is seen: a trace states a call,
shared ids only imply one, and a name may be said for another reason."""
DOUBT = 1.28
"""Standard normal deviate of the bound: nine in ten of such shares are truly higher."""
SURE = 0.5
"""From this confidence on, a call is part of the graph."""
DAMPED = 0.5
"""What each further service on the way leaves of a dependency: callers can do without, or wait."""
HOPS = 4


@dataclass(frozen=True, slots=True)
class Graph:
    """The calls that are sure enough: of each service, who calls it, and how sure that is."""

    callers: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def depending(self, service: str) -> dict[str, Depending]:
        """Every service that calls it, directly or through others, by its strongest way there."""
        found: dict[str, Depending] = {}
        edge = {service: Depending(service, "", 1.0)}
        for hop in range(HOPS):
            ahead: dict[str, Depending] = {}
            for by, reached in edge.items():
                for caller, sure in self.callers.get(by, {}).items():
                    strength = reached.confidence * sure * (DAMPED if hop else 1.0)
                    best = ahead.get(caller) or found.get(caller)
                    if caller != service and (best is None or strength > best.confidence):
                        ahead[caller] = Depending(caller, by if hop else "", strength)
            found.update(ahead)
            edge = ahead
        return found


def graph(found: Iterable[Dependency]) -> Graph:
    callers: dict[str, dict[str, float]] = {}
    for one in weighed(found):
        if one.confidence >= SURE:
            callers.setdefault(one.callee, {})[one.caller] = one.confidence
    return Graph(callers)


def weighed(found: Iterable[Dependency]) -> tuple[Dependency, ...]:
    """Each call once, with all that is known of it, the surest first.

    Each way gives the lower bound of the share of its chances in which it was seen, times how far
    the way is trusted; ways that agree leave only the doubt that they share: the product of theirs.
    """
    merged: dict[tuple[str, str], list[Dependency]] = {}
    for one in found:
        if one.caller and one.callee and one.caller != one.callee:
            merged.setdefault((one.caller, one.callee), []).append(one)
    every = [summed(caller, callee, parts) for (caller, callee), parts in merged.items()]
    return tuple(sorted(every, key=lambda one: (-one.confidence, one.caller, one.callee)))


def summed(caller: str, callee: str, parts: Iterable[Dependency]) -> Dependency:
    ways: dict[Way, tuple[int, int]] = {}
    times = []
    for one in parts:
        for way, (seen, of) in one.ways.items():
            before = ways.get(way, (0, 0))
            ways[way] = (before[0] + seen, before[1] + of)
        times += [at for at in (one.first_at, one.last_at) if at]
    doubts = (1 - TRUST[way] * at_least(seen, of) for way, (seen, of) in ways.items())
    return Dependency(
        caller,
        callee,
        dict(sorted(ways.items())),
        confidence=round(1 - math.prod(doubts), 3),
        first_at=min(times, default=None),
        last_at=max(times, default=None),
    )


def at_least(seen: int, of: int) -> float:
    """Lower bound of a share, 0 to 1 (Wilson 1927); few chances give a low one."""
    if of <= 0:
        return 0.0
    share, z2 = min(1.0, seen / of), DOUBT**2
    spread = DOUBT * math.sqrt(share * (1 - share) / of + z2 / (4 * of**2))
    return max(0.0, (share + z2 / (2 * of) - spread) / (1 + z2 / of))


def reach(services: Iterable[str], known: Graph, most: int = 10) -> tuple[Depending, ...]:
    """Who else depends on any of the services: those who call one first, then by confidence."""
    own = set(services)
    best: dict[str, Depending] = {}
    for service in sorted(own):
        for name, one in known.depending(service).items():
            if name not in own and (name not in best or one.confidence > best[name].confidence):
                best[name] = one
    ordered = sorted(
        best.values(), key=lambda one: (one.through != "", -one.confidence, one.service)
    )
    return tuple(ordered[:most])
