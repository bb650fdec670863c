"""Training that a person asks for by a form: what is labelled, and the version it becomes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from biglog import answers, installation, lake, offline
from biglog.errors import BadInput
from biglog.installation import Site
from biglog.learning import directory, labels, training, versions
from biglog.learning.rows import Task, read_events
from biglog.offline import Parsed
from biglog.records import Template


def answer_learn(site: Site, form: Mapping[str, Any]) -> dict[str, Any]:
    """Train, keep as the next version of the name, use it; raises BadInput for a wrong form."""
    versions.folder(site.settings.home, form["name"])
    task = Task(session=form["session"], format=form["format"])
    training.check_method(form["method"], task)
    said = labels.read_labels(answers.upload_path(site, form["labels"]), of_lines=task.of_lines)
    known: dict[str, Template] = {}
    events = read_events(batches(site, form, known), known, task)
    model = installation.encoder(site.settings.encoder)
    card, arrays = training.learn(events, said, known, task, model, method=form["method"])
    with tempfile.TemporaryDirectory(prefix="biglog-model-") as folder:
        made = Path(folder) / "model"
        directory.keep(made, card, arrays)
        kept = versions.add(site.settings.home, form["name"], made)
    figures = {name: value for name, value in card.figures.items() if value is not None}
    return {
        "name": kept.name,
        "version": kept.version,
        "path": str(kept.path),
        "members": list(card.members),
        **figures,
    }


def batches(site: Site, form: Mapping[str, Any], known: dict[str, Template]) -> Iterator[Parsed]:
    """The lines of the file, else of the night, with their templates."""
    if form["path"]:
        file = answers.upload_path(site, form["path"])
        return offline.parse_files([file], form["format"], catalogue=known)
    if not form["source"] or not form["date"]:
        raise BadInput("got neither a file nor a source and a night; fill in one or the other")
    source = site.settings.source(form["source"]).name
    return lake_batches(site, source, form["date"], known)


def lake_batches(
    site: Site, source: str, date: str, known: Mapping[str, Template]
) -> Iterator[Parsed]:
    """The lines of a partition, part by part, with one catalogue for all of them."""
    from biglog.templates.catalogue import Catalogue

    parts = lake.parts(site.settings.lake, source, date)
    if not parts:
        raise BadInput(f"the lake has no lines of {source} on {date}; run ingest_logs for it first")
    catalogue = Catalogue(known.values())
    for path in parts:
        yield offline.parse_batch(pq.read_table(path), catalogue)
