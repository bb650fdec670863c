"""The features of sessions and of lines: what a row has, how it stands out, and what it means."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, hstack

from biglog.findings.learned import usual as usually
from biglog.findings.learned.usual import Usual
from biglog.findings.lines import GRAVE, SEVERE, SEVERE_LEVELS, WEIGHTS
from biglog.records import Labels, Scores
from biglog.samples import Kinds, Samples

MOST_STEPS = 400
"""Transitions that are features of their own: those in the most sessions."""
MOST_WORDS = 2_000
ALIKE = 0.5
"""From this likeness on, a template that came later counts towards the known one it is like."""
STANDING = {
    True: ("unseen", "rarity", "level", "words"),
    False: ("unseen", "present", "repeated", "missing", "vector", "worst", "length", "distinct"),
}
"""Columns that say how a row stands out, of lines and of sessions."""
START, END = -1, -2
Block = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Space:
    """What the columns are, as learnt from the training rows."""

    of_lines: bool
    known: int  # templates
    idf: Scores
    had: Scores  # lines of each known template, or sessions
    total: float
    steps: tuple[tuple[int, int], ...]  # of sessions: from a template to the next
    words: tuple[str, ...]  # of lines: words of templates, and levels as "level:ERROR"
    centre: Scores  # of the standing columns
    spread: Scores
    usual: Usual | None  # of sessions

    @property
    def standing(self) -> tuple[str, ...]:
        return STANDING[self.of_lines]

    @property
    def blocks(self) -> dict[str, slice]:
        """Where each block's columns lie; ``meaning`` goes to the end."""
        marks = len(self.steps) + len(self.words)
        ends = np.cumsum([0, self.known, marks, len(self.standing)]).tolist()
        names = ("kinds", "marks", "standing")
        found = {name: slice(ends[i], ends[i + 1]) for i, name in enumerate(names)}
        return found | {"meaning": slice(ends[-1], None)}


@dataclass(frozen=True, slots=True)
class Table:
    """Features, a row a sample; ``worst`` is the label-free surprise, ``unseen`` the share of the
    row that is new and unlike anything known, 0 to 1.
    """

    cells: csr_matrix
    worst: Scores
    unseen: Scores
    weights: Scores

    def __len__(self) -> int:
        return int(self.cells.shape[0])

    def take(self, rows: Labels) -> Table:
        return Table(self.cells[rows], self.worst[rows], self.unseen[rows], self.weights[rows])


def count(samples: Samples, columns: int) -> csr_matrix:
    """How often each row has each template."""
    parts = np.ones(len(samples.events)), samples.events, samples.starts
    # A copy: summing sorts the columns in place, and the events' order is theirs.
    counts = csr_matrix(parts, shape=(len(samples), columns), copy=True)
    counts.sum_duplicates()
    return counts


def learn_space(samples: Samples, kinds: Kinds, reference: Labels) -> Space:
    """The columns of these training rows; ``reference`` are the rows not known to be odd."""
    counts = count(samples, kinds.known)
    weigh = samples.weights if samples.of_lines else np.ones(len(samples))
    had = np.asarray((counts > 0).T @ weigh)
    total = float(weigh.sum())
    steps = () if samples.of_lines else common_steps(samples)
    words = common_words(samples, kinds) if samples.of_lines else ()
    idf = np.log((1.0 + total) / (1.0 + had)) + 1.0
    blank = np.zeros(len(STANDING[samples.of_lines]))
    usual = None if samples.of_lines else usually.learn_usual(counts[reference])
    draft = Space(
        samples.of_lines, kinds.known, idf, had, total, steps, words, blank, blank + 1.0, usual
    )
    standing = stand(draft, samples, kinds, counts, owned(len(samples), reference))
    spread = standing.std(axis=0)
    return replace(draft, centre=standing.mean(axis=0), spread=np.where(spread > 1e-9, spread, 1.0))


def owned(rows: int, reference: Labels) -> Labels:
    """1 for the rows that are part of the reference."""
    own = np.zeros(rows, np.int64)
    own[reference] = 1
    return own


def make_table(space: Space, samples: Samples, kinds: Kinds, own: Labels) -> Table:
    """The features of the rows; ``own`` is 1 for training rows that are part of the reference."""
    wide = count(samples, len(kinds.ids))
    standing = stand(space, samples, kinds, wide, own)
    blocks = [
        weigh_kinds(space, wide, kinds),
        mark(space, samples, kinds),
        csr_matrix((standing - space.centre) / space.spread),
        csr_matrix(pool(space, wide, kinds)),
    ]
    worst = standing[:, space.standing.index("worst")] if not space.of_lines else doubt(standing)
    fresh = strangeness(space, wide, kinds, own)
    return Table(csr_matrix(hstack(blocks, format="csr")), worst, fresh, samples.weights)


def weigh_kinds(space: Space, wide: csr_matrix, kinds: Kinds) -> csr_matrix:
    """log(1 + count); a later template counts as the known one it is like, as far as it is."""
    places = np.arange(len(kinds.ids))
    like = np.where(places < space.known, 1.0, np.where(kinds.likeness >= ALIKE, kinds.likeness, 0))
    shape = (len(places), space.known)
    move = csr_matrix((like, (places, kinds.nearest)), shape=shape) if space.known else None
    damped = wide.copy()
    damped.data = np.log1p(damped.data)
    if move is None:
        return csr_matrix((wide.shape[0], 0))
    return csr_matrix(damped @ move)


def strangeness(space: Space, wide: csr_matrix, kinds: Kinds, own: Labels) -> Scores:
    """How unlike anything known a row's strangest template is: 0 known, 1 nothing like it.

    In training a template that only this row has is as new as one that comes later.
    """
    row_of = np.repeat(np.arange(wide.shape[0]), np.diff(wide.indptr))
    return usually.largest(new_cells(space, wide, kinds, own[row_of]), wide)


def new_cells(space: Space, wide: csr_matrix, kinds: Kinds, own: Labels) -> Scores:
    """As strangeness, of each cell."""
    later = wide.indices >= space.known
    strange = np.where(later, 1.0 - kinds.likeness[wide.indices], 0.0)
    if not space.known:
        return strange
    alone = ~later & (space.had[np.where(later, 0, wide.indices)] <= own) & (own > 0)
    return np.where(alone, 1.0, strange)


def stand(space: Space, samples: Samples, kinds: Kinds, wide: csr_matrix, own: Labels) -> Block:
    """The standing columns, not yet centred."""
    row_of = np.repeat(np.arange(wide.shape[0]), np.diff(wide.indptr))
    strange = new_cells(space, wide, kinds, own[row_of])
    if space.of_lines:
        return stand_lines(space, samples, kinds, strange)
    fresh = (strange > 1.0 - ALIKE).astype(float)
    new = np.bincount(row_of, fresh, minlength=wide.shape[0])
    assert space.usual is not None
    facts = usually.facts(space.usual, known_part(wide, space.known), new.astype(np.int64), own)
    length = np.diff(samples.starts)
    distinct = np.diff(wide.indptr)
    share = new / np.maximum(distinct, 1)
    columns = (
        share, facts.present, facts.repeated, facts.missing, facts.vector, facts.worst,
        np.log1p(length), np.log1p(distinct),
    )  # fmt: skip
    return np.stack(columns, axis=1)


def known_part(wide: csr_matrix, known: int) -> csr_matrix:
    return csr_matrix(wide[:, :known])


def stand_lines(space: Space, samples: Samples, kinds: Kinds, strange: Scores) -> Block:
    template = samples.events[samples.starts[:-1]]
    later = template >= space.known
    had = np.where(later, 1.0, space.had[np.where(later, 0, template)] if space.known else 1.0)
    rarity = np.clip(1.0 - np.log(np.maximum(had, 1.0)) / math.log(max(space.total, 3.0)), 0.0, 1.0)
    level = np.array([SEVERE_LEVELS.get(one, 0.0) for one in samples.levels])
    severe = np.array([severity(pattern) for pattern in kinds.patterns])[template]
    return np.stack([strange, rarity, level, severe], axis=1)


def severity(pattern: str) -> float:
    if re.search(GRAVE, pattern):
        return 0.95
    return SEVERE_LEVELS["ERROR"] if re.search(SEVERE, pattern) else 0.0


def doubt(standing: Block) -> Scores:
    """The surprise of a line by itself: new, rare and severe as independent evidence."""
    strange, rarity, level, words = standing.T
    left = (1.0 - WEIGHTS["new"] * strange) * (1.0 - WEIGHTS["rare"] * rarity)
    left = left * (1.0 - WEIGHTS["severe"] * np.maximum(level, words))
    surprise: Scores = -np.log(np.clip(left, 1e-9, 1.0))
    return surprise


def pool(space: Space, wide: csr_matrix, kinds: Kinds) -> Block:
    """The mean vector of a row's templates, rare ones heavier; later ones keep their own."""
    idf = np.concatenate(
        [space.idf, np.full(len(kinds.ids) - space.known, space.idf.max(initial=1))]
    )
    weighed = wide.copy()
    weighed.data = np.log1p(weighed.data) * idf[wide.indices]
    whole = np.maximum(np.asarray(weighed.sum(axis=1)).ravel(), 1e-9)
    mean: Block = (weighed @ kinds.vectors.astype(float)) / whole[:, None]
    return mean


def common_steps(samples: Samples) -> tuple[tuple[int, int], ...]:
    found: Counter[tuple[int, int]] = Counter()
    for row in rows_of(samples):
        found.update(set(pairwise(row)))
    return tuple(
        step for step, _ in sorted(found.items(), key=lambda it: (-it[1], it[0]))[:MOST_STEPS]
    )


def rows_of(samples: Samples) -> list[list[int]]:
    events, starts = samples.events.tolist(), samples.starts.tolist()
    return [[START, *events[a:b], END] for a, b in pairwise(starts)]


def common_words(samples: Samples, kinds: Kinds) -> tuple[str, ...]:
    found: Counter[str] = Counter()
    for words in words_of(samples, kinds):
        found.update(words)
    ordered = sorted(found.items(), key=lambda it: (-it[1], it[0]))
    return tuple(word for word, _ in ordered[:MOST_WORDS])


def words_of(samples: Samples, kinds: Kinds) -> list[set[str]]:
    said = [split_words(pattern) for pattern in kinds.patterns]
    first = samples.events[samples.starts[:-1]].tolist()
    return [
        said[template] | ({f"level:{level}"} if level else set())
        for template, level in zip(first, samples.levels, strict=True)
    ]


def split_words(pattern: str) -> set[str]:
    """Lower-case words of a template; of Chinese, pairs of characters."""
    latin = re.findall(r"[a-z][a-z_]{2,}", pattern.lower())
    chinese = re.findall(r"(?=([\u4e00-\u9fff]{2}))", pattern)
    return {*latin, *chinese}


def mark(space: Space, samples: Samples, kinds: Kinds) -> csr_matrix:
    """Transitions of sessions, or words of lines, as 0 or log counts."""
    marks: Mapping[Any, int] = {one: i for i, one in enumerate((*space.steps, *space.words))}
    rows: Sequence[Any] = words_of(samples, kinds) if space.of_lines else rows_of(samples)
    data: list[float] = []
    indices: list[int] = []
    ends = [0]
    for row in rows:
        found = Counter(
            marks[one] for one in (row if space.of_lines else pairwise(row)) if one in marks
        )
        indices.extend(found)
        data.extend(math.log1p(n) for n in found.values())
        ends.append(len(indices))
    return csr_matrix((data, indices, ends), shape=(len(samples), len(marks)), dtype=float)
