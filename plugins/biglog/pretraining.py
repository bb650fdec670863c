"""Models of a site's own: pre-trained on its files or its lake."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from biglog import encoders, lake, offline
from biglog.errors import BadInput
from biglog.installation import Site
from biglog.settings import PROJECT

if TYPE_CHECKING:
    from biglog.vectors.distilling import Lesson
    from biglog.vectors.training.recipes import Recipe

LONGEST = 2_000
"""Characters of a line that a model is taught; it reads 150 tokens at most."""
BATCH = 200_000


@dataclass(frozen=True, slots=True)
class Data:
    """Where the texts come from: files, partitions of the lake, the corpus BigLog builds."""

    files: tuple[Path, ...] = ()
    format: str = "auto"
    sources: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    corpus: bool = False
    logs: Path | None = None
    packages: Path | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """A model that somebody wants."""

    out: Path
    data: Data
    recipe: str = "small"
    begin: Path | None = None
    rehearsal: float = 0.0
    changes: Mapping[str, Any] | None = None
    """Fields of the recipe with other values than the named one has."""
    work: Path | None = None
    processes: int = 0

    @property
    def folder(self) -> Path:
        """Where it is trained; whoever asks for the same goes on there."""
        return self.work or self.out.with_name(f"{self.out.name}.training")


def make_model(wish: Wish, home: Path) -> dict[str, Any]:
    """Train what is wished, or go on where a killed run stopped; the training's report.

    Raises BadInput where the wish is contradictory or the data too small.
    """
    from biglog.vectors.training.corpus import Source, build_corpus, training_texts
    from biglog.vectors.training.prepared import Request, part_texts
    from biglog.vectors.training.pretrain import pretrain

    recipe = recipe_of(wish)
    check_data(wish.data)
    check_rehearsal(wish)
    needed = wish.data.corpus or wish.rehearsal > 0 or recipe.pair_steps > 0
    corpus = build_corpus(logs=wish.data.logs, packages=wish.data.packages) if needed else None
    known = training_texts(corpus, recipe.seed) if corpus else []
    own = list(own_texts(wish.data, home))
    fresh = chain(own, known if wish.data.corpus else ())
    texts = part_texts(fresh, known if wish.rehearsal else ())
    request = Request(
        recipe=recipe,
        out=str(wish.out),
        rehearsal=wish.rehearsal,
        sources=(
            *([Source("this site's own lines", "this site's", 0, len(own))] if own else []),
            *(corpus.sources if corpus else ()),
        ),
    )
    return pretrain(request, texts, corpus, wish.folder, processes=wish.processes)


def make_student(lesson: Lesson, data: Data, home: Path, work: Path) -> dict[str, Any]:
    """A model with fewer layers, taught by another on these texts, or the one half taught so far;
    the training's report.
    """
    from biglog.vectors.distilling import distil
    from biglog.vectors.training.corpus import build_corpus, training_texts
    from biglog.vectors.training.prepared import part_texts

    check_data(data)
    known: list[str] = []
    if data.corpus:
        known = training_texts(build_corpus(logs=data.logs, packages=data.packages), lesson.seed)
    texts = part_texts(chain(own_texts(data, home), known), ())
    return distil(lesson, texts, work)


def recipe_of(wish: Wish) -> Recipe:
    from biglog.vectors.training.recipes import preset

    begin = str(wish.begin.resolve()) if wish.begin else ""
    return replace(preset(wish.recipe), begin=begin, **(wish.changes or {}))


def check_data(data: Data) -> None:
    if not (data.files or data.sources or data.corpus):
        raise BadInput(
            "no data to learn from, expected log files, sources of the lake, or the built corpus: "
            "name FILES, --source NAME or --corpus"
        )


def check_rehearsal(wish: Wish) -> None:
    data = wish.data
    if not 0 <= wish.rehearsal < 1:
        raise BadInput(
            f"rehearsal is {wish.rehearsal}, expected a share from 0 to below 1: give 0.3, say"
        )
    if wish.rehearsal and data.corpus and not (data.files or data.sources):
        raise BadInput(
            "rehearsal mixes the built corpus into other data, got the corpus alone: name FILES or "
            "--source NAME too, or leave --rehearsal out"
        )
    if wish.rehearsal and data.corpus:
        raise BadInput(
            "the built corpus is both new data and rehearsed, expected one of the two: leave out "
            "--corpus or --rehearsal"
        )


def own_texts(data: Data, home: Path) -> Iterator[str]:
    """Distinct masked contents of the files, then of the partitions, in their order."""
    batches: Iterable[pa.Table] = ()
    if data.files:
        batches = offline.line_batches(data.files, data.format)
    partitions = list(partitions_of(data, home / "lake")) if data.sources else []
    return masked_texts(chain(batches, lines_of(partitions)))


def partitions_of(data: Data, at: Path) -> Iterator[Path]:
    """Files with lines of the chosen sources and dates. Raises BadInput for a source without."""
    for source in data.sources:
        dates = sorted(one.name.removeprefix("date=") for one in source_dates(at, source))
        wanted = [one for one in dates if (data.since or one) <= one <= (data.until or one)]
        if not wanted:
            span = f" from {data.since or 'the first'} to {data.until or 'the last'}"
            there = f"{dates[0]} to {dates[-1]}" if dates else "none"
            raise BadInput(
                f"the lake has no lines of {source!r}{span} (its dates: {there}): choose other "
                "dates, or run those nights first"
            )
        yield from chain.from_iterable(lake.parts(at, source, one) for one in wanted)


def source_dates(at: Path, source: str) -> Iterator[Path]:
    return (at / "lines" / f"source={source}").glob("date=*")


def lines_of(paths: Collection[Path]) -> Iterator[pa.Table]:
    for path in paths:
        for batch in pq.ParquetFile(path).iter_batches(BATCH, columns=["content"]):
            yield pa.Table.from_batches([batch])


def masked_texts(batches: Iterable[pa.Table]) -> Iterator[str]:
    """Distinct contents, their variables masked; only one line of each shape is looked at."""
    from biglog.templates.mask import collapse
    from biglog.vectors.training.masking import mask

    shapes: set[str] = set()
    texts: set[str] = set()
    for batch in batches:
        column = pl.Series("content", batch["content"], dtype=pl.String)
        frame = column.drop_nulls().str.slice(0, LONGEST).to_frame()
        distinct = frame.with_columns(shape=collapse(pl.col("content"))).unique(
            "shape", keep="first", maintain_order=True
        )
        for content, shape in distinct.iter_rows():
            if shape not in shapes:
                shapes.add(shape)
                text = mask(content)
                if text and text not in texts:
                    texts.add(text)
                    yield text


def training_figures(report: Mapping[str, Any]) -> dict[str, Any]:
    """What the register keeps of a training's report: enough to tell what it was made from."""
    names = ("held_out", "stages", "minutes", "texts", "tokens", "data", "sources", "sha256")
    kept = {name: report[name] for name in names if name in report}
    request = report.get("request", {})
    return {
        "training": kept
        | {
            "recipe": report.get("recipe", {}),
            "rehearsal": request.get("rehearsal", 0.0),
            "begun_from": request.get("begun_from", ""),
        }
    }


def answer_pretrain(site: Site, form: Mapping[str, Any]) -> dict[str, Any]:
    """A model as a form asks for it: under ``models/`` of the home, and entered."""
    known = site.settings
    sources = tuple(form["sources"]) or tuple(one.name for one in known.sources)
    changes = {"masked_steps": form["steps"]} if form["steps"] else {}
    if form["pair_steps"] is not None:
        changes["pair_steps"] = form["pair_steps"]
    wish = Wish(
        known.home / "models" / form["name"],
        Data(sources=sources, since=form["since"] or "", until=form["until"] or ""),
        recipe=form["recipe"],
        begin=PROJECT / "pretrained" / form["begin"] if form["begin"] else None,
        rehearsal=form["rehearsal"],
        changes=changes,
    )
    report = make_model(wish, known.home)
    figures = training_figures(report)
    model_id = encoders.enter(site, wish.out, figures, use=form["use"])
    return {
        "model": model_id,
        "path": str(wish.out),
        "texts": report["texts"],
        "held_out": report["held_out"],
    }
