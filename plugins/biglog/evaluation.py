"""What an encoder is worth on this machine: figures, beside simple ways, as rows and as a page."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from biglog import encoders, lake, offline, settings
from biglog.errors import BadInput
from biglog.installation import Site
from biglog.settings import PROJECT, SourceSettings

if TYPE_CHECKING:
    from biglog.vectors.training.measure import Bench, Figure, Window

EXAMPLES = PROJECT / "examples"
TRUTH = ("faults.csv", "benign.csv")
UNUSUAL = 3.0
"""Times as often as before, from which a template counts as said because of a fault."""
MOST_TEXTS = 12
"""Of a window, the most unusual ones."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was up in the recorded days, true times."""

    kind: str
    started_at: datetime
    ended_at: datetime


def prepare_bench(data: Path | None, packages: Path | None, recorded: Path | None) -> Bench:
    """What to measure on: every folder given allows more figures; ``recorded`` holds days with
    known faults.
    """
    from biglog.vectors.training.measure import Bench

    nights, programs = recorded_windows(recorded) if recorded else ([], [])
    return Bench(data, packages, nights, programs)


def recorded_windows(folder: Path) -> tuple[list[Window], list[Window]]:
    """What the recorded logs said unusually while each known event was up, oldest first: of all
    sources together, and of each source with something to say.

    Raises BadInput where the folder lacks its truth.
    """
    from biglog.vectors.training.measure import Window

    events = sorted(read_events(folder), key=lambda one: one.started_at)
    said: dict[Event, list[tuple[str, dict[str, float]]]] = {one: [] for one in events}
    for source in settings.load_sources(folder / "sources.toml"):
        lines, texts = source_lines(source)
        for event in events:
            if found := unusual(lines, event):
                said[event].append((source.name, {texts[key]: w for key, w in found.items()}))
    programs = [
        Window(one.kind, one.started_at.isoformat(), source, *columns(weights))
        for one, sources in said.items()
        for source, weights in sources
    ]
    nights = [
        Window(one.kind, one.started_at.isoformat(), "", *columns(joined(sources)))
        for one, sources in said.items()
        if sources
    ]
    return nights, programs


def read_events(folder: Path) -> Iterator[Event]:
    for name in TRUTH:
        if not (folder / name).exists():
            raise BadInput(
                f"{folder / name} is missing, expected what was up in the recorded days: give a "
                "folder like examples/"
            )
        with (folder / name).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                times = (datetime.fromisoformat(row[key]) for key in ("started_at", "ended_at"))
                yield Event(row["kind"], *times)


def source_lines(source: SourceSettings) -> tuple[pl.DataFrame, dict[str, str]]:
    """Time and template of every line of all days, and what the encoder reads of each template."""
    pattern = Path(source.path)
    files = sorted(pattern.parent.glob(pattern.name.replace("{date}", "*")))
    frames, texts = [], {}
    for parsed in offline.parse_files(files, source.format):
        times = pl.Series("at", parsed.lines["timestamp"])
        frames.append(pl.DataFrame([times, pl.Series("key", parsed.template_ids)]))
        texts.update({key: one.model_text for key, one in parsed.templates.items()})
    if not frames:
        raise BadInput(f"no file matches {source.path}: the recordings are not complete")
    return pl.concat(frames).drop_nulls().sort("at"), texts


def unusual(lines: pl.DataFrame, event: Event) -> dict[str, float]:
    """Templates said UNUSUAL times as often as ever before, by the logarithm of how much more.

    Only lines from before the event and within it are looked at.
    """
    before = lines.filter(pl.col("at") < event.started_at)
    within = lines.filter(pl.col("at").is_between(event.started_at, event.ended_at))
    if before.is_empty() or within.is_empty():
        return {}
    passed = event.started_at - before["at"][0]
    share = (event.ended_at - event.started_at) / max(passed, timedelta(hours=1))
    usual = dict(before["key"].value_counts().iter_rows())
    counts = dict(within["key"].value_counts().iter_rows())
    more = {key: (count + 1) / (usual.get(key, 0) * share + 1) for key, count in counts.items()}
    chosen = sorted(
        (one for one in more if more[one] >= UNUSUAL), key=lambda one: (-more[one], one)
    )
    return {key: math.log(more[key]) for key in chosen[:MOST_TEXTS]}


def joined(sources: Sequence[tuple[str, Mapping[str, float]]]) -> dict[str, float]:
    """The texts of several sources with their greatest weights."""
    found: dict[str, float] = {}
    for _, weights in sources:
        for text, weight in weights.items():
            found[text] = max(weight, found.get(text, 0.0))
    return found


def columns(weights: Mapping[str, float]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    return tuple(weights), tuple(weights.values())


# What becomes of the figures.


def figures_by_task(figures: Sequence[Figure], way: str) -> dict[str, Any]:
    """One way's figures as the register keeps them: task, then metric."""
    found: dict[str, Any] = {}
    for one in figures:
        if one.way == way:
            found.setdefault(one.task, {})[one.metric] = round(one.value, 4)
    return found


def enter_figures(site: Site, model: Path, figures: Sequence[Figure]) -> str:
    """The figures into the model's row of the register; its id."""
    ways = dict.fromkeys(one.way for one in figures)
    rows = {way: figures_by_task(figures, way) for way in ways}
    mine = model.resolve().name
    kept = {"figures": rows.pop(mine), "beside": rows}
    return encoders.enter(site, model, {"evaluation": kept}, use=False)


def write_page(figures: Sequence[Figure], out: Path, *, model: str, locale: str) -> None:
    """The figures as one HTML file, whole or not at all."""
    from biglog.reports.evaluation import Row, render

    rows = [Row(one.task, one.metric, one.way, one.value, one.items) for one in figures]
    page = render(rows, locale, model=model)
    with lake.replacing(out) as draft:
        draft.write_text(page, "utf-8")


def answer_evaluate(site: Site, form: Mapping[str, Any]) -> dict[str, Any]:
    """Figures of one model, or of every registered encoder that is still there, with a page each
    per language under ``reports/models/``.
    """
    from biglog.vectors.training.measure import compare

    data, packages = (Path(form[name]) if form[name] else None for name in ("data", "packages"))
    bench = prepare_bench(data, packages, EXAMPLES if form["faults"] else None)
    done = {}
    for model in chosen_models(site, form["model"]):
        figures = compare(model, bench)
        model_id = enter_figures(site, model, figures)
        for locale in site.settings.report.locales:
            page = site.settings.reports / "models" / f"{model.resolve().name}.{locale}.html"
            write_page(figures, page, model=model_id, locale=locale)
        done[model_id] = figures_by_task(figures, model.resolve().name)
    return {"models": done}


def chosen_models(site: Site, name: str) -> list[Path]:
    """The directory of that name under ``pretrained/`` or a path; of all registered, if empty."""
    from biglog.store import models

    if name:
        return [PROJECT / "pretrained" / name]
    known = [Path(one.path) for one in models.models(site.engine) if one.kind == encoders.KIND]
    there = (one.resolve() for one in [site.settings.encoder, *known] if one.is_dir())
    return list(dict.fromkeys(there))
