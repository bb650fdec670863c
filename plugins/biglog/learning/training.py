"""Training: a method, or the best of all, fitted to labelled rows; and its threshold."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from biglog import __version__, offline
from biglog.errors import BadInput
from biglog.findings.calibrate import MOST_ODD
from biglog.findings.learned import choose, judge, methods
from biglog.findings.learned.choose import Bar
from biglog.learning import networks
from biglog.learning.directory import Card
from biglog.learning.networks import NETWORKS
from biglog.learning.rows import (
    Rows,
    Task,
    embed_templates,
    line_labels,
    read_events,
    relate,
    session_labels,
)
from biglog.records import Encoder, Labels, Scores, Template, Vectors
from biglog.samples import Kinds, Samples

METHODS = ("auto", "lr", "svm", "tree", "knn", "lstm", "head", "finetune")
ENOUGH_ODD = 30
"""Odd rows in the validation part from which on it can choose a method."""
SEED = 17

Progress = Callable[[str], None]


def train(
    files: Sequence[Path], labels: pl.DataFrame, task: Task, model: Encoder,
    *, method: str = "auto", seed: int = SEED, say: Progress = lambda _: None,
) -> tuple[Card, dict[str, npt.NDArray[Any]]]:  # fmt: skip
    """A model of the labelled lines or sessions of the files, ready to be kept.

    ``labels`` is what ``labels.read_labels`` gives. Raises BadInput for an unknown method, and
    where no label is of a line or session of the files.
    """
    known: dict[str, Template] = {}
    batches = offline.parse_files(files, task.format, catalogue=known)
    events = read_events(batches, known, task)
    return learn(events, labels, known, task, model, method=method, seed=seed, say=say)


def learn(
    events: pl.DataFrame, labels: pl.DataFrame, known: Mapping[str, Template], task: Task,
    model: Encoder, *, method: str = "auto", seed: int = SEED, say: Progress = lambda _: None,
) -> tuple[Card, dict[str, npt.NDArray[Any]]]:  # fmt: skip
    """As ``train``, from events that were read already."""
    check_method(method, task)
    rows = (line_labels if task.of_lines else session_labels)(events, labels, known, task)
    check_classes(rows, method)
    say(f"{events.height:,} lines, {len(rows.templates):,} templates, labelled: {counted(rows)}")
    learnt = fit(rows, model, method, seed=seed, say=say)
    card = Card(
        biglog=__version__,
        of="lines" if task.of_lines else "sessions",
        method=method,
        members=learnt.members,
        threshold=learnt.bar.value,
        threshold_by=learnt.bar.chosen_by,
        figures=learnt.figures,
        candidates=learnt.candidates,
        data={
            "labels": labels.height,
            "lines": events.height,
            "sha256": fingerprint(events, labels),
        },
        encoder=model.model_id,
        seed=seed,
        plan=learnt.plan,
        templates=rows.templates,
        session=task.session,
        first=task.first,
        format=task.format,
    )
    return card, learnt.arrays


def check_method(method: str, task: Task) -> None:
    if method not in METHODS:
        raise BadInput(f"--method {method!r}: expected one of {', '.join(METHODS)}")
    if method == "lstm" and task.of_lines:
        raise BadInput(
            "--method lstm reads the order of a session's events, got --lines; give --session "
            "REGEX, or another method"
        )


def check_classes(rows: Rows, method: str) -> None:
    """Raises BadInput where a method that tells two classes apart was given one."""
    said = {int(one) for one in rows.odd if one >= 0}
    if method != "auto" and len(said) < 2:
        raise BadInput(
            f"every labelled row is {'odd' if 1 in said else 'normal'}, expected some of each for "
            f"--method {method}: label more rows, or use --method auto"
        )


def counted(rows: Rows) -> str:
    odd = rows.samples.weights[rows.odd == 1].sum()
    every = rows.samples.weights[rows.odd >= 0].sum()
    return f"{every:,.0f}, {odd:,.0f} of them odd"


def fingerprint(events: pl.DataFrame, labels: pl.DataFrame) -> str:
    """sha256 over which template each line has, and the labels."""
    found = hashlib.sha256(events["template_id"].str.join("").item().encode())
    found.update(labels.write_csv().encode())
    return found.hexdigest()


@dataclass(frozen=True, slots=True)
class Learnt:
    """A judge and, for the torch methods, a network; with how they did on the validation part."""

    members: tuple[str, ...]
    bar: Bar
    figures: dict[str, Any]
    candidates: dict[str, float]
    plan: dict[str, Any]
    arrays: dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Early:
    """The part of the rows before the cut, and the rows that validate."""

    samples: Samples
    odd: Labels
    kinds: Kinds  # as they were known before the cut
    late: Samples
    late_odd: Labels
    rest: Samples  # after the cut, without a label


def fit(rows: Rows, model: Encoder, method: str, *, seed: int, say: Progress) -> Learnt:
    """The method, or of all methods the one that is best on the validation part."""
    vectors = embed_templates(rows.templates, model)
    early = split(rows, vectors, model)
    whole = relate(rows.templates, vectors, len(rows.templates), model)
    if method in NETWORKS:
        return fit_network(rows, early, whole, model, method, seed)
    return fit_features(rows, early, whole, method, seed=seed, say=say)


def split(rows: Rows, vectors: Vectors, model: Encoder) -> Early:
    before = np.arange(rows.cut)
    late, rest = (
        np.flatnonzero(one[rows.cut :]) + rows.cut for one in (rows.odd >= 0, rows.odd < 0)
    )
    samples = rows.samples.take(before)
    known = int(samples.events.max(initial=-1)) + 1
    kinds = relate(rows.templates, vectors, known, model)
    after, without = rows.samples.take(late), rows.samples.take(rest)
    return Early(samples, rows.odd[before], kinds, after, rows.odd[late], without)


def can_validate(early: Early, odd_rows: int) -> bool:
    weights = early.late.weights
    both = {int(one) for one in early.odd if one >= 0} == {0, 1}
    odd = float(weights[early.late_odd == 1].sum())
    return both and odd >= odd_rows and bool((early.late_odd == 0).any())


def fit_features(
    rows: Rows, early: Early, kinds: Kinds, method: str, *, seed: int, say: Progress
) -> Learnt:
    candidates: dict[str, float] = {}
    prepared = None
    if can_validate(early, choose.FEW_ODD):
        prepared = judge.prepare(early.samples, early.kinds, early.odd)
    if method == "auto":
        if prepared is not None and can_validate(early, ENOUGH_ODD):
            candidates = try_each(early, prepared, seed)
            say(", ".join(f"{name} {value:.3f}" for name, value in candidates.items()))
        members = choose_members(rows.odd, candidates)
    else:
        members = (method,)
    whole = judge.prepare(rows.samples, kinds, rows.odd)
    final = judge.fit_judge(whole, rows.odd, members, seed=seed)
    if prepared is not None:
        first = judge.fit_judge(prepared, early.odd, members, seed=seed)
        bar, figures = validated(early, lambda one: first.score(first.table(one, early.kinds)))
    else:
        scores = final.score(whole[1])
        bar, figures = unvalidated(rows.odd, scores, rows.samples.weights)
    return Learnt(members, bar, figures, candidates, judge.plan(final), judge.arrays(final))


def try_each(early: Early, prepared: Any, seed: int) -> dict[str, float]:
    """Average precision on the validation part, the simplest method first."""
    found = {}
    for names in ((judge.USUAL,), *((one,) for one in methods.FITS), judge.TOGETHER):
        made = judge.fit_judge(prepared, early.odd, names, seed=seed)
        scores = made.score(made.table(early.late, early.kinds))
        value = choose.average_precision(early.late_odd, scores, early.late.weights)
        found["+".join(names)] = round(value, 4)
    return found


def choose_members(odd: Labels, candidates: Mapping[str, float]) -> tuple[str, ...]:
    """The best candidate; with too few labels the methods that do best together, and with labels
    of one class only what needs none.
    """
    if candidates:
        return tuple(choose.first_of_the_best(dict(candidates)).split("+"))
    return judge.TOGETHER if {0, 1} <= set(odd.tolist()) else (judge.USUAL,)


def validated(early: Early, score: Callable[[Samples], Scores]) -> tuple[Bar, dict[str, Any]]:
    """The bar with the best F1 on rows that were not learnt from, and how it does there.

    Where most of these have no label, it is the bar for them, not for those picked to be labelled.
    """
    odd, weights, scores = early.late_odd, early.late.weights, score(early.late)
    if early.rest.weights.sum() > weights.sum():
        bar = choose.best_on_stream(odd, scores, weights, score(early.rest), early.rest.weights)
    else:
        bar = choose.best_f1(odd, scores, weights)
    return bar, asdict(choose.measure(odd, scores, weights, bar.value))


def unvalidated(odd: Labels, scores: Scores, weights: Scores) -> tuple[Bar, dict[str, Any]]:
    """The bar by the rows without a label, where they are most and labels tell two classes; else by
    what is usual, for which rows without a label count.

    Labels of which few are odd are of rows as they come, which tells how many are; else people
    picked what they looked for.
    """
    free, said = odd < 0, odd >= 0
    rarer = min(int((odd == 1).sum()), int((odd == 0).sum()))
    share = float(weights[odd == 1].sum() / weights[said].sum())
    if not rarer or weights[free].sum() <= weights[said].sum():
        bar = choose.above_usual(scores[odd != 1], weights[odd != 1])
    elif share <= MOST_ODD:
        bar = choose.as_many(scores[free], weights[free], share)
    else:
        bar = choose.best_expected(scores[free], weights[free], labelled=rarer)
    return bar, {"rows": 0, "odd": 0, "note": "too few labels for a validation part"}


def fit_network(
    rows: Rows, early: Early, kinds: Kinds, model: Encoder, method: str, seed: int
) -> Learnt:
    """A torch method on the rows before the cut, stopped by those after it."""
    labelled = np.flatnonzero(rows.odd >= 0)
    cut = int(np.searchsorted(labelled, rows.cut)) if can_validate(early, 1) else len(labelled)
    odd = rows.odd[labelled]
    if not 0 < int(odd[:cut].sum()) < cut:
        raise BadInput(
            f"--method {method} learns from odd and normal rows, got {int((odd == 1).sum())} odd "
            f"and {int((odd == 0).sum())} normal; label some of each, or use --method auto"
        )
    samples = rows.samples.take(labelled)
    network = networks.make(method, samples, kinds, odd, model, cut=cut, seed=seed)
    whole = judge.prepare(rows.samples, kinds, rows.odd)
    frame = judge.fit_judge(whole, rows.odd, (), seed=seed)
    if can_validate(early, choose.FEW_ODD):
        bar, figures = validated(early, lambda one: networks.score(network, one, kinds, model))
    else:
        scores = networks.score(network, rows.samples, kinds, model)
        bar, figures = unvalidated(rows.odd, scores, rows.samples.weights)
    arrays = judge.arrays(frame) | {
        f"network.{name}": one for name, one in network.arrays().items()
    }
    return Learnt((method,), bar, figures, {}, judge.plan(frame), arrays)
