"""Models of features that judge rows: what one method learnt, or several together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from biglog.findings.learned import methods, reasons
from biglog.findings.learned import usual as usually
from biglog.findings.learned.features import Space, Table, learn_space, make_table, owned
from biglog.findings.learned.methods import Model
from biglog.records import Labels, Scores
from biglog.samples import Kinds, Samples

USUAL = "usual"
"""The method that needs no label: how far a row is from what is usual."""
TOGETHER = ("tree", "knn")
"""What is averaged where too few rows are labelled to choose one method."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Features, and the models whose mean score decides; without a model the label-free surprise.

    ``new_is_odd`` is the share of training rows with a template of their own that were odd, from
    one half where there was none.
    """

    space: Space
    models: Mapping[str, Model]
    new_is_odd: float

    def table(self, samples: Samples, kinds: Kinds) -> Table:
        return make_table(self.space, samples, kinds, np.zeros(len(samples), np.int64))

    def score(self, table: Table) -> Scores:
        """0 to 1, high = odd."""
        if not self.models:
            scores: Scores = 1.0 - np.exp(-table.worst / SOFT)
            return scores
        every = [one.score(table.cells) for one in self.models.values()]
        return np.asarray(np.mean(every, axis=0), float)

    def tell(self, row: csr_matrix, samples: Samples, kinds: Kinds) -> list[str]:
        """Why the one row is odd, in words."""
        pushes = self._push(row)
        said = [*reasons.unseen(self.space, samples, kinds)] if self.new_is_odd >= 0.5 else []
        return [*said, *reasons.tell(self.space, pushes, row, samples, kinds)][: reasons.SAID]

    def _push(self, row: csr_matrix) -> Scores:
        """The models' pushes, each brought to the same size; without a model how a row stands."""
        if not self.models:
            pushes = np.zeros(row.shape[1])
            standing = self.space.blocks["standing"]
            pushes[standing] = row[:, standing].toarray().ravel()
            return pushes
        every = [one.push(row) for one in self.models.values()]
        sized = [one / max(float(np.maximum(one, 0.0).sum()), 1e-12) for one in every]
        return np.asarray(np.mean(sized, axis=0), float)


SOFT = 8.0
"""Surprise (in nats) whose score is 1 - 1/e."""


def prepare(samples: Samples, kinds: Kinds, odd: Labels) -> tuple[Space, Table]:
    """Columns and features of training rows; ``odd`` is 1, 0, or -1 for a row without a label."""
    reference = np.flatnonzero(odd != 1)
    space = learn_space(samples, kinds, reference)
    return space, make_table(space, samples, kinds, owned(len(samples), reference))


def fit_judge(
    prepared: tuple[Space, Table], odd: Labels, names: Sequence[str], *, seed: int
) -> Judge:
    """The named methods fitted to the labelled rows; ``usual`` needs none."""
    space, table = prepared
    rows = np.flatnonzero(odd >= 0)
    cells, said, weights = table.cells[rows], odd[rows], table.weights[rows]
    fitted = {
        name: methods.fit(name, space, cells, said, weights, seed=seed)
        for name in names
        if name != USUAL
    }
    return Judge(space, fitted, rate_of_new(table.take(rows), said))


def rate_of_new(table: Table, odd: Labels) -> float:
    new = np.where(table.unseen > 0.5, table.weights, 0.0)
    return float((new @ odd + 1.0) / (new.sum() + 2.0))


def arrays(judge: Judge) -> dict[str, npt.NDArray[Any]]:
    """Everything that is numbers, by a name with its owner's before it."""
    space = judge.space
    kept: dict[str, npt.NDArray[Any]] = {
        "space.idf": space.idf,
        "space.had": space.had,
        "space.centre": space.centre,
        "space.spread": space.spread,
        "space.steps": np.array(space.steps, np.int64).reshape(-1, 2),
    }
    if space.usual is not None:
        kept |= {f"usual.{name}": one for name, one in space.usual.arrays().items()}
    for method, model in judge.models.items():
        kept |= {f"{method}.{name}": one for name, one in model.arrays().items()}
    return kept


@dataclass(frozen=True, slots=True)
class Plan:
    """What of a judge is not numbers."""

    of_lines: bool
    known: int
    total: float
    words: tuple[str, ...]
    methods: tuple[str, ...]
    new_is_odd: float


def plan(judge: Judge) -> dict[str, Any]:
    space = judge.space
    made = Plan(space.of_lines, space.known, space.total, space.words, tuple(judge.models),
                judge.new_is_odd)  # fmt: skip
    return asdict(made)


def from_arrays(made: Plan, kept: Mapping[str, npt.NDArray[Any]]) -> Judge:
    """The judge that ``plan`` and ``arrays`` describe."""
    usual = None if made.of_lines else usually.from_arrays(part(kept, "usual"))
    own = part(kept, "space")
    space = Space(
        of_lines=made.of_lines,
        known=made.known,
        idf=own["idf"],
        had=own["had"],
        total=made.total,
        steps=tuple((int(a), int(b)) for a, b in own["steps"]),
        words=made.words,
        centre=own["centre"],
        spread=own["spread"],
        usual=usual,
    )
    models = {name: methods.READS[name](part(kept, name)) for name in made.methods}
    return Judge(space, models, made.new_is_odd)


def part(kept: Mapping[str, npt.NDArray[Any]], owner: str) -> dict[str, npt.NDArray[Any]]:
    return {
        name.partition(".")[2]: one for name, one in kept.items() if name.startswith(f"{owner}.")
    }
