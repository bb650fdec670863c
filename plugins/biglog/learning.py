"""Learning from labelled lines or sessions, and judging others by what was learnt."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from biglog import __version__, offline, trained
from biglog.errors import BadInput
from biglog.offline import Parsed
from biglog.records import Encoder, Labels, Scores, Template, Vectors
from biglog.samples import Kinds, Samples
from biglog.trained import Card

if TYPE_CHECKING:
    from biglog.findings.learned.choose import Bar
    from biglog.findings.learned.judge import Judge

METHODS = ("auto", "lr", "svm", "tree", "knn", "lstm", "head", "finetune")
NETWORKS = ("lstm", "head", "finetune")
LEARNT_FIRST = 0.75
"""Share of the labelled rows, the earliest, that are learnt from where the rest validates."""
ENOUGH_ODD = 30
"""Odd rows in the validation part from which on it can choose a method."""
NEW = 0.5
"""From this strangeness on a template is new; 1 is like nothing known."""
SEED = 17
SHOWN = 120

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be learnt: sessions by a pattern, or lines where there is none."""

    session: str = ""
    first: int = 0
    format: str = "auto"

    @property
    def of_lines(self) -> bool:
        return not self.session


@dataclass(frozen=True, slots=True)
class Rows:
    """Labelled rows in order of time, those from ``cut`` on for validation; and the templates,
    numbered in the order in which the rows have them.
    """

    samples: Samples
    odd: Labels  # 1, 0, or -1 without a label
    cut: int
    templates: tuple[Template, ...]


# Reading.


def read_events(batches: Iterable[Parsed], known: dict[str, Template], task: Task) -> pl.DataFrame:
    """Events in order of time: row (place in the files), line_no, file, level, template_id and,
    for sessions, session. ``known`` gains the templates.

    A line without a time is put after the line before it in its file.
    """
    kept = ["line_no", "file", "level", "timestamp", "template_id"]
    frames, example = [], ""
    for parsed in batches:
        known.update(parsed.templates)
        ids = pl.Series("template_id", parsed.template_ids)
        frame = pl.DataFrame(pl.from_arrow(parsed.lines)).with_columns(ids)
        example = example or str(frame["content"][0])[:SHOWN]
        if task.session:
            frame = offline.with_session(frame, task.session)
        frames.append(frame.select(*kept, *(["session"] if task.session else [])))
    if not frames:
        raise BadInput("the files hold no line; give at least one line")
    events = pl.concat(frames).with_row_index("row")
    if events.is_empty():
        raise BadInput(f"--session {task.session!r} matches no line; the first says: {example!r}")
    at = pl.col("timestamp").forward_fill().over("file")
    return events.sort(at, "row", nulls_last=False, maintain_order=True).drop("timestamp")


def session_rows(events: pl.DataFrame, first: int) -> pl.DataFrame:
    """A row per session in the order they begin: session, events (template ids), row, lines."""
    return events.group_by("session", maintain_order=True).agg(
        (pl.col("template_id").head(first) if first else pl.col("template_id")).alias("events"),
        pl.col("row").min(),
    )


# Training.


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


def session_labels(
    events: pl.DataFrame, labels: pl.DataFrame, known: Mapping[str, Template], task: Task
) -> Rows:
    if "session" not in labels.columns:
        raise BadInput("the labels are of lines, got --session; give --lines")
    sessions = session_rows(events, task.first)
    joined = sessions.join(labels, on="session", how="left", maintain_order="left")
    odd = joined["odd"].cast(pl.Int64).fill_null(-1).to_numpy()
    if not (odd >= 0).any():
        raise BadInput(
            f"none of the {labels.height:,} labels is of a session of the files; the first label "
            f"is of {str(labels['session'][0])[:60]!r}, the first session is "
            f"{str(sessions['session'][0])[:60]!r}"
        )
    templates, numbers = number(joined["events"].explode(), known)
    lengths = joined["events"].list.len().to_numpy()
    samples = Samples(
        events=numbers,
        starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        levels=("",) * len(lengths),
        weights=np.ones(len(lengths)),
        of_lines=False,
    )
    return Rows(samples, odd, cut_at(odd, samples.weights), templates)


def line_labels(
    events: pl.DataFrame, labels: pl.DataFrame, known: Mapping[str, Template], task: Task
) -> Rows:
    """Lines of one part, label, template and level as one row with their number as its weight."""
    on = ["file", "line_no"] if "file" in labels.columns else ["line_no"]
    if len(on) == 1 and events["file"].n_unique() > 1:
        raise BadInput(
            "several files and labels by line_no alone: which file's lines are meant is not said; "
            "add a column file to the labels, or train on one file"
        )
    joined = events.join(labels, on=on, how="left", maintain_order="left")
    odd = joined["odd"].cast(pl.Int64).fill_null(-1)
    if not (odd >= 0).any():
        raise BadInput(
            f"none of the {labels.height:,} labels is of a line of the files, which have "
            f"{events.height:,} lines; check the labels' {' and '.join(on)}"
        )
    cut = cut_at(odd.to_numpy(), np.ones(len(odd)))
    late = pl.int_range(pl.len()) >= cut
    grouped = (
        joined.with_columns(odd, late.alias("late"), pl.col("level").fill_null(""))
        .group_by("late", "odd", "template_id", "level", maintain_order=True)
        .len()
        .sort("late", maintain_order=True)
    )
    templates, numbers = number(grouped["template_id"], known)
    return Rows(
        lines_of(numbers, grouped["level"], grouped["len"]),
        grouped["odd"].to_numpy(),
        int((~grouped["late"]).sum()),
        templates,
    )


def lines_of(numbers: Labels, levels: pl.Series, weights: pl.Series) -> Samples:
    starts = np.arange(len(numbers) + 1, dtype=np.int64)
    heavy = weights.cast(pl.Float64).to_numpy()
    return Samples(numbers, starts, tuple(levels.to_list()), heavy, of_lines=True)


def number(
    ids: pl.Series, known: Mapping[str, Template], before: Sequence[Template] = ()
) -> tuple[tuple[Template, ...], Labels]:
    """The templates in order of appearance, those of ``before`` first; and each event's number."""
    first = [one.template_id for one in before]
    order = list(dict.fromkeys([*first, *ids.unique(maintain_order=True).to_list()]))
    places = pl.Series(np.arange(len(order), dtype=np.int64))
    numbers = ids.replace_strict(pl.Series(order, dtype=pl.String), places, return_dtype=pl.Int64)
    return tuple(known[one] for one in order), numbers.to_numpy()


def cut_at(odd: Labels, weights: Scores) -> int:
    """The row from which on labelled rows validate: the last part by time."""
    said = np.where(odd >= 0, weights, 0.0).cumsum()
    return int(np.searchsorted(said, LEARNT_FIRST * said[-1])) + 1


def embed_templates(templates: Sequence[Template], model: Encoder) -> Vectors:
    """A row a template; zeros where the model knows no word of it."""
    rows = offline.readable(model, [one.model_text for one in templates])
    blank = np.zeros(model.dim, np.float32)
    return np.stack([rows.get(one.model_text, blank) for one in templates]).astype(np.float32)


def relate(templates: Sequence[Template], vectors: Vectors, known: int, model: Encoder) -> Kinds:
    """The templates, each with the nearest of the first ``known``, itself for those."""
    nearest, likeness = np.arange(len(templates)), np.ones(len(templates))
    if known < len(templates):
        cosine = vectors[known:] @ vectors[:known].T if known else np.zeros((len(templates), 1))
        blank = ~vectors[known:].any(axis=1)
        best = model.similarity(cosine.max(axis=1))
        nearest[known:] = cosine.argmax(axis=1)
        likeness[known:] = np.where(blank, 0.0, best) if known else 0.0
    return Kinds(
        ids=tuple(one.template_id for one in templates),
        patterns=tuple(one.pattern for one in templates),
        texts=tuple(one.model_text for one in templates),
        vectors=vectors,
        known=known,
        nearest=nearest.astype(np.int64),
        likeness=likeness.astype(np.float64),
    )


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
    late = np.flatnonzero((rows.odd >= 0) & (np.arange(len(rows.odd)) >= rows.cut))
    samples = rows.samples.take(before)
    known = int(samples.events.max(initial=-1)) + 1
    kinds = relate(rows.templates, vectors, known, model)
    return Early(samples, rows.odd[before], kinds, rows.samples.take(late), rows.odd[late])


def can_validate(early: Early, odd_rows: int) -> bool:
    weights = early.late.weights
    both = {int(one) for one in early.odd if one >= 0} == {0, 1}
    odd = float(weights[early.late_odd == 1].sum())
    return both and odd >= odd_rows and bool((early.late_odd == 0).any())


def fit_features(
    rows: Rows, early: Early, kinds: Kinds, method: str, *, seed: int, say: Progress
) -> Learnt:
    from biglog.findings.learned import choose, judge

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
        scores = first.score(first.table(early.late, early.kinds))
        bar, figures = validated(early.late_odd, scores, early.late.weights)
    else:
        usual = whole[1].take(np.flatnonzero(rows.odd != 1))
        bar, figures = unvalidated(final.score(usual), usual.weights)
    return Learnt(members, bar, figures, candidates, judge.plan(final), judge.arrays(final))


def try_each(early: Early, prepared: Any, seed: int) -> dict[str, float]:
    """Average precision on the validation part, the simplest method first."""
    from biglog.findings.learned import choose, judge, methods

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
    from biglog.findings.learned import choose, judge

    if candidates:
        return tuple(choose.first_of_the_best(dict(candidates)).split("+"))
    return judge.TOGETHER if {0, 1} <= set(odd.tolist()) else (judge.USUAL,)


def validated(odd: Labels, scores: Scores, weights: Scores) -> tuple[Bar, dict[str, Any]]:
    """The bar with the best F1 on rows that were not learnt from, and how it does there."""
    from biglog.findings.learned import choose

    bar = choose.best_f1(odd, scores, weights)
    return bar, asdict(choose.measure(odd, scores, weights, bar.value))


def unvalidated(scores: Scores, weights: Scores) -> tuple[Bar, dict[str, Any]]:
    """The bar by what is usual; rows without a label count as usual, for most are."""
    from biglog.findings.learned import choose

    bar = choose.above_usual(scores, weights)
    return bar, {"rows": 0, "odd": 0, "note": "too few labels for a validation part"}


def fit_network(
    rows: Rows, early: Early, kinds: Kinds, model: Encoder, method: str, seed: int
) -> Learnt:
    """A torch method on the rows before the cut, stopped by those after it."""
    from biglog.findings.learned import choose, judge

    labelled = np.flatnonzero(rows.odd >= 0)
    cut = int(np.searchsorted(labelled, rows.cut)) if can_validate(early, 1) else len(labelled)
    odd = rows.odd[labelled]
    if not 0 < int(odd[:cut].sum()) < cut:
        raise BadInput(
            f"--method {method} learns from odd and normal rows, got {int((odd == 1).sum())} odd "
            f"and {int((odd == 0).sum())} normal; label some of each, or use --method auto"
        )
    samples = rows.samples.take(labelled)
    network = make_network(method, samples, kinds, odd, model, cut=cut, seed=seed)
    whole = judge.prepare(rows.samples, kinds, rows.odd)
    frame = judge.fit_judge(whole, rows.odd, (), seed=seed)
    if can_validate(early, choose.FEW_ODD):
        scores = score_network(network, early.late, kinds, model)
        bar, figures = validated(early.late_odd, scores, early.late.weights)
    else:
        usual = rows.samples.take(np.flatnonzero(rows.odd != 1))
        bar, figures = unvalidated(score_network(network, usual, kinds, model), usual.weights)
    arrays = judge.arrays(frame) | {
        f"network.{name}": one for name, one in network.arrays().items()
    }
    return Learnt((method,), bar, figures, {}, judge.plan(frame), arrays)


def make_network(
    method: str, samples: Samples, kinds: Kinds, odd: Labels, model: Encoder, *, cut: int, seed: int
) -> Any:
    if method == "lstm":
        from biglog.vectors.heads.sequence import fit_sequence

        return fit_sequence(samples, kinds, odd, cut=cut, seed=seed)
    if method == "head":
        from biglog.vectors.heads.head import fit_head

        return fit_head(samples, kinds, odd, cut=cut, seed=seed)
    from biglog.vectors.heads.tuned import fit_tuned

    return fit_tuned(samples, kinds, odd, needs_bert(model), cut=cut, seed=seed)


def needs_bert(model: Encoder) -> Any:
    if not hasattr(model, "tokenizer"):
        raise BadInput(f"--method finetune trains a BERT, got {model.model_id}; use --method head")
    return model


def read_network(method: str, kept: Mapping[str, npt.NDArray[Any]]) -> Any:
    from biglog.vectors.heads import head, sequence, tuned

    reads = {"lstm": sequence.from_arrays, "head": head.from_arrays, "finetune": tuned.from_arrays}
    return reads[method](kept)


def score_network(network: Any, samples: Samples, kinds: Kinds, model: Encoder) -> Scores:
    if hasattr(network, "embed"):
        return np.asarray(network.score(samples, kinds, needs_bert(model)))
    return np.asarray(network.score(samples, kinds))


# Judging.


@dataclass(frozen=True, slots=True)
class Loaded:
    """A trained model ready to judge."""

    card: Card
    judge: Judge
    network: Any  # of a torch method, else None
    model: Encoder

    @property
    def task(self) -> Task:
        return Task(self.card.session, self.card.first, self.card.format)


def open_model(directory: Path, model: Encoder) -> Loaded:
    """The model of a directory. Raises BadInput where it was trained with another encoder."""
    card, arrays = trained.load(directory)
    if card.encoder != model.model_id:
        raise BadInput(
            f"{directory} was trained with the encoder {card.encoder}, got {model.model_id}: their "
            "vectors are not comparable; choose that encoder in biglog.toml, or train again"
        )
    return assemble(directory, card, arrays, model)


def assemble(
    directory: Path, card: Card, arrays: Mapping[str, npt.NDArray[Any]], model: Encoder
) -> Loaded:
    from pydantic import TypeAdapter, ValidationError

    from biglog.findings.learned import judge

    try:
        plan = TypeAdapter(judge.Plan).validate_python(dict(card.plan))
        made = judge.from_arrays(plan, arrays)
        named = [one for one in card.members if one in NETWORKS]
        network = read_network(named[0], judge.part(arrays, "network")) if named else None
    except (ValidationError, KeyError, IndexError, TypeError, ValueError) as error:
        raise BadInput(
            f"{directory} is not whole ({type(error).__name__}: {str(error)[:SHOWN]}); train again"
        ) from error
    return Loaded(card, made, network, model)


def predict(files: Sequence[Path], loaded: Loaded) -> pl.DataFrame:
    """As ``biglog detect`` gives: a row a line, or a row a session."""
    known = {one.template_id: one for one in loaded.card.templates}
    batches = offline.parse_files(files, loaded.card.format, catalogue=known)
    return judge_events(read_events(batches, known, loaded.task), known, loaded)


def judge_events(
    events: pl.DataFrame, known: Mapping[str, Template], loaded: Loaded
) -> pl.DataFrame:
    """A row a line or session of events that were read already, with the model's templates."""
    if loaded.card.of == "lines":
        return judge_lines(events, known, loaded)
    return judge_sessions(events, known, loaded)


def judge_sessions(
    events: pl.DataFrame, known: Mapping[str, Template], loaded: Loaded
) -> pl.DataFrame:
    sessions = session_rows(events, loaded.card.first)
    lengths = sessions["events"].list.len()
    templates, numbers = number(sessions["events"].explode(), known, loaded.card.templates)
    samples = Samples(
        events=numbers,
        starts=np.concatenate([[0], np.cumsum(lengths.to_numpy())]).astype(np.int64),
        levels=("",) * len(lengths),
        weights=np.ones(len(lengths)),
        of_lines=False,
    )
    judged = judge_rows(samples, templates, loaded)
    rows = pl.concat([sessions.select("session", "row"), judged], how="horizontal")
    return rows.with_columns(events=lengths).sort("row").drop("row")


def judge_lines(
    events: pl.DataFrame, known: Mapping[str, Template], loaded: Loaded
) -> pl.DataFrame:
    """Each template and level is judged once."""
    filled = events.with_columns(pl.col("level").fill_null(""))
    grouped = filled.group_by("template_id", "level", maintain_order=True).len()
    templates, numbers = number(grouped["template_id"], known, loaded.card.templates)
    samples = lines_of(numbers, grouped["level"], grouped["len"])
    judged = judge_rows(samples, templates, loaded)
    patterns = [known[one].pattern for one in grouped["template_id"].to_list()]
    kinds = pl.concat([grouped.drop("len"), judged], how="horizontal").with_columns(
        pl.Series("template", patterns, dtype=pl.String)
    )
    rows = filled.join(kinds, on=["template_id", "level"], maintain_order="left").sort("row")
    return rows.select("line_no", "file", "score", "anomalous", "reason", "template")


def judge_rows(samples: Samples, templates: Sequence[Template], loaded: Loaded) -> pl.DataFrame:
    """score, anomalous and reason of each row. A score of one half is the threshold.

    A row with a template that is like none of training has a reason even where it is not odd.
    """
    from biglog.findings.learned.reasons import unseen

    made = loaded.judge
    vectors = embed_templates(templates, loaded.model)
    kinds = relate(templates, vectors, made.space.known, loaded.model)
    table = made.table(samples, kinds)
    raw = raw_scores(samples, kinds, table, loaded)
    new = np.where(table.unseen >= NEW, 1.0, table.unseen)
    scores = np.maximum(about_half(raw, loaded.card.threshold), new * made.new_is_odd)
    odd = scores >= 0.5
    reasons = [""] * len(samples)
    told: dict[tuple[Any, ...], str] = {}
    for at in np.flatnonzero(odd | (new == 1.0)).tolist():
        one = samples.take(np.array([at]))
        key = (one.levels, one.events.tobytes())
        if key not in told:
            told[key] = (
                reason(one, kinds, table.cells[at], loaded, float(raw[at]))
                if odd[at]
                else "; ".join(unseen(made.space, one, kinds))
            )
        reasons[at] = told[key]
    return pl.DataFrame(
        {"score": scores.round(4), "anomalous": odd, "reason": reasons},
        schema={"score": pl.Float64, "anomalous": pl.Boolean, "reason": pl.String},
    )


def raw_scores(samples: Samples, kinds: Kinds, table: Any, loaded: Loaded) -> Scores:
    if loaded.network is None:
        return loaded.judge.score(table)
    return score_network(loaded.network, samples, kinds, loaded.model)


def about_half(scores: Scores, bar: float) -> Scores:
    """The scores so stretched that the threshold is one half; their order stays."""
    low, high = 0.5 * scores / bar, 0.5 + 0.5 * (scores - bar) / max(1.0 - bar, 1e-9)
    return np.clip(np.where(scores >= bar, high, np.minimum(low, np.nextafter(0.5, 0))), 0.0, 1.0)


def reason(one: Samples, kinds: Kinds, row: Any, loaded: Loaded, score: float) -> str:
    if loaded.network is None:
        said = loaded.judge.tell(row, one, kinds)
    else:
        said = without_each(one, kinds, loaded, score)
    return "; ".join(said) or (
        f"like rows labelled odd: {score:.2f}, odd from {loaded.card.threshold:.2f}"
    )


def without_each(one: Samples, kinds: Kinds, loaded: Loaded, score: float) -> list[str]:
    """The templates without which the row's score falls most (occlusion)."""
    from biglog.findings.learned import reasons

    strange = list(reasons.unseen(loaded.judge.space, one, kinds))
    present = np.unique(one.events)
    if len(present) < 2:
        return [
            *strange,
            f"says what rows labelled odd say: {reasons.shown(kinds.patterns[int(present[0])])}",
        ]
    left = [one.events[one.events != template] for template in present]
    starts = np.concatenate([[0], np.cumsum([len(part) for part in left])]).astype(np.int64)
    rest = Samples(
        np.concatenate(left), starts, ("",) * len(left), np.ones(len(left)), one.of_lines
    )
    falls = score - score_network(loaded.network, rest, kinds, loaded.model)
    order = np.argsort(-falls, kind="stable")[: reasons.SAID]
    said = [
        f"odd by having: {reasons.shown(kinds.patterns[int(present[at])])}"
        for at in order.tolist()
        if falls[at] > 0.01
    ]
    return [*strange, *said] or [f"odd as a whole: {len(present)} kinds of lines together"]


def explain_line(text: str, loaded: Loaded, *, level: str = "") -> list[tuple[str, float]]:
    """(token, weight) in the line's order: how far the score falls without the token.

    For a model of lines. The line is masked as its template would be; weights are of the raw
    score, 0 to 1.
    """
    words = offline.mask_query(text).split()
    texts = [
        " ".join(words),
        *(" ".join([*words[:at], *words[at + 1 :]]) for at in range(len(words))),
    ]
    patterns = [one.replace("[", "<").replace("]", ">") for one in texts]
    made = [
        Template(f"occluded {at}", pattern, one)
        for at, (one, pattern) in enumerate(zip(texts, patterns, strict=True))
    ]
    templates = [*loaded.card.templates, *made]
    numbers = np.arange(len(loaded.card.templates), len(templates), dtype=np.int64)
    samples = lines_of(numbers, pl.Series([level] * len(made)), pl.Series([1] * len(made)))
    kinds = relate(
        templates, embed_templates(templates, loaded.model), loaded.judge.space.known, loaded.model
    )
    scores = raw_scores(samples, kinds, loaded.judge.table(samples, kinds), loaded)
    return [(word, float(scores[0] - one)) for word, one in zip(words, scores[1:], strict=True)]
