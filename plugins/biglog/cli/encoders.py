"""Encoders: pre-trained, measured, made smaller, and taken into use."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from biglog import encoders as known
from biglog import evaluation, pretraining, registry, settings
from biglog.cli.console import Lists, check_out, emit, say, table
from biglog.pretraining import Data, Wish
from biglog.reports.voice import Voice, voice

if TYPE_CHECKING:
    from biglog.vectors.beside import Measured
    from biglog.vectors.training.measure import Figure


encoders = typer.Typer(
    no_args_is_help=True, help="Which encoder BigLog embeds with, and smaller ones made of it."
)
NEW_DIRECTORY = "Model directory to write, whole or not at all."
ROWS = typer.Option(False, "--json", help="One JSON line a model.")
MOST_COMPARED = 1_000
"""Held-out texts for speed and cosines."""


def register(app: typer.Typer) -> None:
    for command in (pretrain, evaluate):
        app.command(cls=Lists)(command)
    app.add_typer(encoders, name="encoders")


@encoders.command("use")
def use_encoder(directory: Path = typer.Argument(..., help="Model directory.")) -> None:
    """Embed with this model from now on; nights embed what it has not embedded yet.

    Example: `biglog encoders use models/mine`
    """
    known.keep(settings.load().home, directory, {}, use=True)
    say(f"in use: {directory}")


@encoders.command("rollback")
def rollback_encoder() -> None:
    """Embed with the model that was used before. Example: `biglog encoders rollback`"""
    say(f"in use: {known.rollback(settings.load().home)}")


@encoders.command("quantize")
def quantize_encoder(
    directory: Path = typer.Argument(..., help="Model directory."),
    out: Path = typer.Option(..., help=NEW_DIRECTORY),
    as_json: bool = ROWS,
) -> None:
    """Keep a model's matrices in 8 bits: a quarter of the size, half where it was in fp16.

    The table has the model and the smaller one as they run on this machine. Speed and cosines (to
    the model in fp32) are of held-out texts, on which also the recalls are measured.

    Example: `biglog encoders quantize pretrained/biglog-small --out models/small-int8`
    """
    from biglog.vectors.beside import compare
    from biglog.vectors.quantizing import quantize

    quantize(directory, out)
    tell(compare(directory, out), as_json=as_json)


@encoders.command("distil", cls=Lists)
def distil_encoder(
    teacher: Path = typer.Argument(..., help="Model directory to learn from."),
    files: list[Path] = typer.Argument(None, help="Log files to learn on; .gz and .zst too."),
    out: Path = typer.Option(..., help=NEW_DIRECTORY),
    layers: int = typer.Option(0, min=0, help="Layers of the student. 0: half of the teacher's."),
    minutes: float = typer.Option(10.0, min=0.01, help="Time to learn in, by its first steps."),
    steps: int = typer.Option(0, min=0, help="Steps in place of minutes."),
    source: list[str] = typer.Option([], help="Sources whose lines in the lake are learned on."),
    since: str = typer.Option("", help="First night of the lake, YYYY-MM-DD."),
    until: str = typer.Option("", help="Last night."),
    corpus: bool = typer.Option(
        False, "--corpus", help="Also the corpus BigLog's own model is made of."
    ),
    logs: Path = typer.Option(None, help="Recorded logs with permissive terms, for the corpus."),
    packages: Path = typer.Option(None, help="Unpacked Debian packages, for the corpus."),
    work: Path = typer.Option(None, help="Texts and checkpoints. Usual: OUT.training."),
    threads: int = typer.Option(0, min=0, help="Threads of the processor. 0: torch's choice."),
    seed: int = typer.Option(17, help="Of every draw."),
    format: str = typer.Option("auto", help="Format of the files, as in `biglog parse`."),
    as_json: bool = ROWS,
) -> None:
    """A faster model with fewer layers that learns to give the teacher's vectors.

    Killed at any moment, the same command goes on from its last checkpoint. The table has both as
    they run here: speed and cosines (to the teacher in fp32) on texts of yours that were not
    learned, recalls on held-out texts of operations in two languages. What is only learned on one
    site's lines forgets the rest; `--corpus` is against that.

    Example: `biglog encoders distil pretrained/biglog-small app.log --corpus --out models/fast`
    """
    from biglog.vectors.beside import compare
    from biglog.vectors.distilling import Lesson
    from biglog.vectors.training.prepared import read_texts

    speak(threads)
    data = Data(
        files=tuple(files or ()),
        format=format,
        sources=tuple(source),
        since=since,
        until=until,
        corpus=corpus,
        logs=logs,
        packages=packages,
    )
    lesson = Lesson(teacher, out, layers=layers, steps=steps, minutes=minutes, seed=seed)
    folder = work or out.with_name(f"{out.name}.training")
    pretraining.make_student(lesson, data, settings.load().home, folder)
    held = read_texts(folder).fresh_held[:MOST_COMPARED]
    tell(compare(teacher, out, held), as_json=as_json)


def tell(both: tuple[Measured, Measured], *, as_json: bool) -> None:
    """The models as rows, and whether the second may stand in for the first."""
    from biglog.vectors.beside import judge

    if as_json:
        for one in both:
            emit(asdict(one))
    else:
        table([measured_row(one) for one in both], MEASURED_COLUMNS)
    say(judge(*both))


MEASURED_COLUMNS = {
    "model": "model",
    "megabytes": "MB",
    "texts_per_second": "texts/s",
    "cosine_mean": "cosine, mean",
    "cosine_worst": "worst",
    "recall_1": "R@1",
    "recall_10": "R@10",
}


def measured_row(one: Measured) -> dict[str, str]:
    return {
        "model": one.model,
        "megabytes": f"{one.megabytes:.1f}",
        "texts_per_second": f"{one.texts_per_second:.0f}",
        **{name: f"{getattr(one, name):.4f}" for name in ("cosine_mean", "cosine_worst")},
        **{name: f"{getattr(one, name):.3f}" for name in ("recall_1", "recall_10")},
    }


def pretrain(
    files: list[Path] = typer.Argument(None, help="Log files to learn from; .gz and .zst too."),
    out: Path = typer.Option(..., help="Model directory to write, whole or not at all."),
    recipe: str = typer.Option(
        "small",
        help="small (ours: masked modelling, then contrast) or biglog (BERT-base, 10k×512).",
    ),
    begin: Path = typer.Option(None, "--from", help="Model directory to go on from."),
    source: list[str] = typer.Option([], help="Sources whose lines in the lake are learned."),
    since: str = typer.Option("", help="First night of the lake, YYYY-MM-DD."),
    until: str = typer.Option("", help="Last night."),
    corpus: bool = typer.Option(
        False, "--corpus", help="The corpus BigLog's own model is made of."
    ),
    logs: Path = typer.Option(None, help="Recorded logs with permissive terms, for the corpus."),
    packages: Path = typer.Option(None, help="Unpacked Debian packages, for the corpus."),
    rehearsal: float = typer.Option(
        0.0,
        min=0,
        max=0.95,
        help="Share of every step that comes from the corpus, against forgetting.",
    ),
    steps: int = typer.Option(-1, min=-1, help="Steps of masked modelling. -1: the recipe's."),
    pair_steps: int = typer.Option(-1, min=-1, help="Steps of contrast. -1: the recipe's."),
    texts: int = typer.Option(0, min=0, help="Texts a step. 0: the recipe's."),
    work: Path = typer.Option(None, help="Checkpoints and curves. Usual: OUT.training."),
    processes: int = typer.Option(0, min=0, help="Processes that share a step. 0: one per GPU."),
    threads: int = typer.Option(0, min=0, help="Threads of the processor. 0: torch's choice."),
    seed: int = typer.Option(17, help="Of every draw."),
    format: str = typer.Option("auto", help="Format of the files, as in `biglog parse`."),
    use: bool = typer.Option(False, "--use", help="Take the model into use."),
    as_json: bool = typer.Option(False, "--json", help="The report as one JSON value."),
) -> None:
    """An encoder pre-trained on your lines, from a model or from nothing, or on the built corpus.

    Killed at any moment, the same command goes on from its last checkpoint. While it runs,
    `tensorboard --logdir OUT.training/tensorboard` shows its curves. Where BigLog has a database,
    the model is entered in the register of models; `--use` takes it into use.

    Examples: `biglog pretrain app.log --from pretrained/biglog-small --rehearsal 0.3 --out mine`;
    `biglog pretrain --source nginx --since 2026-11-01 --recipe biglog --out models/base`
    """
    speak(threads)
    home = settings.load().home
    stages = {"masked_steps": steps, "pair_steps": pair_steps}
    changed: dict[str, Any] = {name: count for name, count in stages.items() if count >= 0}
    if texts:
        changed["texts"] = texts
    wish = Wish(
        out,
        Data(
            files=tuple(files or ()),
            format=format,
            sources=tuple(source),
            since=since,
            until=until,
            corpus=corpus,
            logs=logs,
            packages=packages,
        ),
        recipe=recipe,
        begin=begin,
        rehearsal=rehearsal,
        changes={**changed, "seed": seed},
        work=work,
        processes=processes,
    )
    report = pretraining.make_model(wish, home)
    known.keep(home, out, pretraining.training_figures(report), use=use)
    if as_json:
        emit(report)
    else:
        table(held_rows(report), HELD_COLUMNS)
        say(f"{report['texts']:,} texts, {report['minutes']} minutes -> {out}")


HELD_COLUMNS = {
    "texts": "held-out texts",
    "way": "guessed by",
    "loss": "loss",
    "accuracy": "right",
    "tokens": "tokens",
}


def held_rows(report: Mapping[str, Any]) -> list[dict[str, str]]:
    """The report's figures before and after, a row per part and way."""
    return [
        {
            "texts": part,
            "way": way,
            "loss": f"{one['loss']:.3f}",
            "accuracy": f"{one['accuracy']:.1%}",
            "tokens": f"{one['tokens']:,}",
        }
        for part, ways in report["held_out"].items()
        for way, one in ways.items()
    ]


def speak(threads: int) -> None:
    """What a training says goes to stderr; so many threads, where some are asked for."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    for chatty in ("absl", "httpx", "numba"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    if threads:
        from biglog.vectors.forward import use_threads

        os.environ["OMP_NUM_THREADS"] = str(threads)  # of the processes it starts
        use_threads(threads)


def evaluate(
    model: Path = typer.Argument(..., help="Model directory."),
    data: Path = typer.Option(None, help="Labelled logs (parsing/) and runbooks (kb/)."),
    packages: Path = typer.Option(
        None, help="Unpacked Debian packages: messages in two languages."
    ),
    peer: list[Path] = typer.Option([], help="Model directories beside it, pooled as they say."),
    recorded: Path = typer.Option(
        evaluation.EXAMPLES, help="Recorded days with known faults, as under examples/."
    ),
    faults: bool = typer.Option(True, help="Read the recorded days; --no-faults leaves them out."),
    out: Path = typer.Option(None, help="The figures as a page too, .html."),
    locale: str = typer.Option("en", help="Language of the page and the table: en or zh."),
    as_json: bool = typer.Option(False, "--json", help="One JSON line a figure."),
) -> None:
    """What an encoder is worth, beside TF-IDF, its untrained twin and its raw first token.

    Where BigLog has a database, the figures are entered in the register of models.

    Example: `biglog evaluate pretrained/biglog-small --peer models/MiniLM --out figures.html`
    """
    from biglog.vectors.training.measure import compare

    if out:
        check_out(out, suffixes=(".html",))
    speaker = voice(locale, "UTC")
    bench = evaluation.prepare_bench(data, packages, recorded if faults else None)
    found = compare(model, bench, peers=peer)
    home = settings.load().home
    if registry.has_database(home):
        evaluation.enter_figures(registry.open_register(home), model, found)
    if out:
        evaluation.write_page(found, out, model=model.resolve().name, locale=locale)
    if as_json:
        for one in found:
            emit(asdict(one))
        return
    ways = list(dict.fromkeys(one.way for one in found))
    columns = {"task": "task", "metric": "metric", **{way: way for way in ways}}
    table(figure_rows(found, speaker), columns)


def figure_rows(figures: Sequence[Figure], speaker: Voice) -> list[dict[str, str]]:
    """A row per task and metric, a column per way."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for one in figures:
        words = {"task": speaker.label("task", one.task), "metric": one.metric}
        rows.setdefault((one.task, one.metric), words)[one.way] = f"{one.value:.3f}"
    return list(rows.values())
