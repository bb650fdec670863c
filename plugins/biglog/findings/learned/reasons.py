"""Why a row is odd, in words: the columns that pushed its score, as what they stand for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_matrix

from biglog.findings.learned import usual as usually
from biglog.findings.learned.features import END, START, Space, count, new_cells
from biglog.records import Labels, Scores
from biglog.samples import Kinds, Samples

SAID = 3
TELLING = 0.2
"""Share of the strongest push from which another one is told beside it."""
SHOWN = 160
STANDS = {
    "unseen": "a kind of line that training did not have",
    "rarity": "a kind of line that is rare",
    "level": "a severe level",
    "words": "words of failure",
}
COMBINED = {
    "vector": "a rare combination of counts, above all",
    "length": "a length that is rare, above all",
    "distinct": "a rare number of kinds of lines, above all",
}


def tell(
    space: Space, pushes: Scores, row: csr_matrix, samples: Samples, kinds: Kinds
) -> list[str]:
    """What pushed the one row of ``samples`` towards odd, the strongest first; may be empty."""
    parts = blocks_of(space, pushes)
    order = np.argsort(-parts, kind="stable")[:SAID]
    strong = [int(at) for at in order if parts[at] > 0 and parts[at] >= TELLING * parts[order[0]]]
    said = [one for at in strong if (one := phrase(space, at, row, samples, kinds))]
    return list(dict.fromkeys(said))


def blocks_of(space: Space, pushes: Scores) -> Scores:
    """The pushes with those of the meaning columns added up as one, the last."""
    start = space.blocks["meaning"].start
    return np.append(pushes[:start], pushes[start:].sum())


def phrase(space: Space, at: int, row: csr_matrix, samples: Samples, kinds: Kinds) -> str:
    blocks = space.blocks
    if at < blocks["kinds"].stop:
        return say_kind(space, at, samples, kinds)
    if at < blocks["marks"].stop:
        return say_mark(space, at - blocks["marks"].start, row[0, at] > 0, kinds)
    if at < blocks["standing"].stop:
        return say_standing(space, at - blocks["standing"].start, samples, kinds)
    return f"says what rows labelled odd say: {shown(kinds.patterns[rarest(space, samples)])}"


def say_kind(space: Space, template: int, samples: Samples, kinds: Kinds) -> str:
    times = int((samples.events == template).sum())
    like = [
        at
        for at in set(samples.events.tolist())
        if at >= space.known and kinds.nearest[at] == template
    ]
    pattern = shown(kinds.patterns[template])
    if not times and like:
        return f"like one of training: {shown(kinds.patterns[like[0]])} (training: {pattern})"
    if space.of_lines:
        return f"a kind of line labelled odd: {pattern}"
    if not times:
        return f"missing: {pattern}"
    return f"{times} times: {pattern}" if times > 1 else f"once: {pattern}"


def say_mark(space: Space, at: int, there: bool, kinds: Kinds) -> str:
    if space.of_lines:
        word = space.words[at]
        named = f"level {word[6:]}" if word.startswith("level:") else f"the word {word!r}"
        return named if there else f"without {named}"
    ends = {START: "the beginning", END: "the end"}
    before, after = (ends.get(one) or shown(kinds.patterns[one]) for one in space.steps[at])
    return f"{'comes' if there else 'never comes'} after {before}: {after}"


def say_standing(space: Space, at: int, samples: Samples, kinds: Kinds) -> str:
    name = space.standing[at]
    if space.usual is None or name == "unseen":
        return STANDS.get(name, "")
    counts = csr_matrix(count(samples, len(kinds.ids))[:, : space.known])
    none = np.zeros(1, np.int64)
    found = usually.facts(space.usual, counts, none, none)
    said = {
        "present": have(int(found.present_of[0]), counts, kinds, "few sessions have it"),
        "repeated": have(int(found.repeated_of[0]), counts, kinds, "a rare count"),
        "missing": have(int(found.missing_of[0]), counts, kinds, "missing, though most have it"),
    }
    size = {name: float(getattr(found, name)[0]) for name in said}
    worst = said[max(size, key=lambda one: size[one])]
    if name in said:
        return said[name]
    return f"{COMBINED[name]} {worst}" if worst and name in COMBINED else worst


def have(template: int, counts: csr_matrix, kinds: Kinds, words: str) -> str:
    if template < 0:
        return ""
    times = int(counts[0, template])
    often = f"{times} times, " if times > 1 else ""
    return f"{often}{words}: {shown(kinds.patterns[template])}"


def unseen(space: Space, samples: Samples, kinds: Kinds) -> Iterator[str]:
    """The templates of the row that training did not have."""
    wide = count(samples, len(kinds.ids))
    strange = new_cells(space, wide, kinds, np.zeros(wide.nnz, np.int64))
    for at in np.argsort(-strange, kind="stable")[:SAID]:
        if strange[at] > 0:
            yield f"not in training: {shown(kinds.patterns[int(wide.indices[at])])}"


def rarest(space: Space, samples: Samples) -> int:
    """The row's template that the fewest training rows have."""
    events: Labels = np.unique(samples.events)
    had = [space.had[one] if one < space.known else 0.0 for one in events.tolist()]
    return int(events[int(np.argmin(had))])


def shown(pattern: str) -> str:
    return pattern if len(pattern) <= SHOWN else pattern[: SHOWN - 1] + "…"
