"""The same cluster on two nights: which of tonight's carries on which of before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from biglog.records import Cluster, identify

SURVIVES = 0.5  # of a cluster's templates that were seen tonight, those that stayed together


def carry_on(clusters: Sequence[Cluster], earlier: Sequence[Cluster]) -> tuple[Cluster, ...]:
    """Tonight's clusters with the identity of the earlier ones that they carry on, in their order.

    ``earlier`` has each identity once, as it was last seen. A cluster survives in the one that
    holds at least half of its templates seen tonight (MONIC, Spiliopoulou et al., KDD 2006); of
    several claims the one that shares most templates wins, then the older. What carries on nothing
    gets an identity of its own, the same on every run of its night.
    """
    holder = {key: row for row, one in enumerate(clusters) for key in one.template_ids}
    taken: dict[int, Cluster] = {}
    for _, _, row, old in sorted(claims(earlier, holder), key=lambda one: one[:3]):
        taken.setdefault(row, old)
    return tuple(
        carried(one, taken[row]) if row in taken else founded(one)
        for row, one in enumerate(clusters)
    )


def claims(
    earlier: Sequence[Cluster], holder: dict[str, int]
) -> list[tuple[int, str, int, Cluster]]:
    """(templates shared, less than none; since; tonight's row; earlier cluster), one a survivor."""
    found = []
    for old in earlier:
        shared: dict[int, int] = defaultdict(int)
        seen = [holder[key] for key in old.template_ids if key in holder]
        for row in seen:
            shared[row] += 1
        row = max(shared, key=lambda one: (shared[one], -one), default=-1)
        if seen and shared[row] >= SURVIVES * len(seen):
            found.append((-shared[row], old.since, row, old))
    return found


def carried(one: Cluster, old: Cluster) -> Cluster:
    """The cluster with the older one's name for good, and who joined and left meanwhile."""
    now, before = set(one.template_ids), set(old.template_ids)
    return replace(
        one,
        identity=old.identity,
        since=old.since,
        joined_ids=tuple(key for key in one.template_ids if key not in before),
        left_ids=tuple(key for key in old.template_ids if key not in now),
    )


def founded(one: Cluster) -> Cluster:
    return replace(one, identity=identify("cluster", one.date, one.medoid_id), since=one.date)
