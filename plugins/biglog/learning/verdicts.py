"""Verdicts of a trained model on lines or sessions, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from biglog import offline
from biglog.findings.learned import reasons
from biglog.learning import networks
from biglog.learning.model import Loaded
from biglog.learning.rows import (
    embed_templates,
    lines_of,
    number,
    read_events,
    relate,
    session_rows,
    sessions_of,
)
from biglog.records import Scores, Template
from biglog.samples import Kinds, Samples

NEW = 0.5
"""From this strangeness on a template is new; 1 is like nothing known."""


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
    samples = sessions_of(numbers, lengths.to_numpy())
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
    made = loaded.judge
    vectors = embed_templates(templates, loaded.model)
    kinds = relate(templates, vectors, made.space.known, loaded.model)
    table = made.table(samples, kinds)
    raw = raw_scores(samples, kinds, table, loaded)
    new = np.where(table.unseen >= NEW, 1.0, table.unseen)
    scores = np.maximum(about_half(raw, loaded.card.threshold), new * made.new_is_odd)
    odd = scores >= 0.5
    said = [""] * len(samples)
    told: dict[tuple[Any, ...], str] = {}
    for at in np.flatnonzero(odd | (new == 1.0)).tolist():
        one = samples.take(np.array([at]))
        key = (one.levels, one.events.tobytes())
        if key not in told:
            told[key] = (
                reason(one, kinds, table.cells[at], loaded, float(raw[at]))
                if odd[at]
                else "; ".join(reasons.unseen(made.space, one, kinds))
            )
        said[at] = told[key]
    return pl.DataFrame(
        {"score": scores.round(4), "anomalous": odd, "reason": said},
        schema={"score": pl.Float64, "anomalous": pl.Boolean, "reason": pl.String},
    )


def raw_scores(samples: Samples, kinds: Kinds, table: Any, loaded: Loaded) -> Scores:
    if loaded.network is None:
        return loaded.judge.score(table)
    return networks.score(loaded.network, samples, kinds, loaded.model)


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
    falls = score - networks.score(loaded.network, rest, kinds, loaded.model)
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
