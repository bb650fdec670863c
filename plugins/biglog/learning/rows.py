"""Labelled lines or sessions in order of time, as rows of numbered templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from biglog import offline
from biglog.errors import BadInput
from biglog.offline import Parsed
from biglog.records import Encoder, Labels, Scores, Template, Vectors
from biglog.samples import Kinds, Samples

LEARNT_FIRST = 0.75
"""Share of the labelled rows, the earliest, that are learnt from where the rest validates."""
SHOWN = 120


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
    samples = sessions_of(numbers, joined["events"].list.len().to_numpy())
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


def sessions_of(numbers: Labels, lengths: Labels) -> Samples:
    """A row a session, from the numbers of all their events one after the other."""
    return Samples(
        events=numbers,
        starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        levels=("",) * len(lengths),
        weights=np.ones(len(lengths)),
        of_lines=False,
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
