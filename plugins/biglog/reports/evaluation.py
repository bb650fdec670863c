"""The page of what an encoder is worth: a row per task and metric, a column per way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from biglog import __version__
from biglog.reports.render import fill, policy
from biglog.reports.text import shorten
from biglog.reports.voice import Voice, voice

NAME_CHARS = 60


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: how well a way does a task; 0 to 1, high = better."""

    task: str
    metric: str
    way: str
    value: float
    items: int


@dataclass(frozen=True, slots=True)
class Cell:
    value: str
    best: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A task and metric in words, and the ways' values in the order of the columns."""

    task: str
    metric: str
    items: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class EvaluationPage:
    """Everything the page prints."""

    tag: str
    model: str
    lead: str
    ways: tuple[str, ...]
    lines: tuple[Line, ...]
    version: str


def render(rows: Sequence[Row], locale: str, *, model: str) -> str:
    """The figures in one language; the first way is the model itself.

    Raises BadInput for a language that there is none of.
    """
    speaker = voice(locale, "UTC")
    page = build(rows, speaker, model=model)
    return fill("evaluation.html.j2", speaker, {"page": page, "policy": policy()})


def build(rows: Sequence[Row], speaker: Voice, *, model: str) -> EvaluationPage:
    ways = tuple(dict.fromkeys(row.way for row in rows))
    found = {(row.task, row.metric, row.way): row for row in rows}
    asked = list(dict.fromkeys((row.task, row.metric) for row in rows))
    lines = tuple(line_of(speaker, key, [found.get((*key, way)) for way in ways]) for key in asked)
    first = sum(line.cells[0].best for line in lines)
    return EvaluationPage(
        tag=speaker.tag,
        model=shorten(model, NAME_CHARS),
        lead=speaker.say("evaluation.lead", best=str(first), all=str(len(lines))),
        ways=tuple(shorten(name_of(speaker, way), NAME_CHARS) for way in ways),
        lines=lines,
        version=__version__,
    )


def name_of(speaker: Voice, way: str) -> str:
    """The words for a simple way; a model's name as it is."""
    return speaker.say(f"way.{way}") if speaker.knows(f"way.{way}") else way


def line_of(speaker: Voice, key: tuple[str, str], rows: Sequence[Row | None]) -> Line:
    known = [row for row in rows if row]
    best = max(row.value for row in known)
    cells = tuple(
        Cell(f"{row.value:.3f}", row.value == best) if row else Cell("–", False) for row in rows
    )
    task, metric = key
    items = speaker.number(known[0].items)
    return Line(speaker.label("task", task), speaker.label("metric", metric), items, cells)
