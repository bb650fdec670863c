"""Commands that learn from labels: train, predict, and which trained model is in use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from biglog.cli.console import Lists, Sheet, check_out, emit, say, table
from biglog.cli.files import FILES, FORMAT, ROWS
from biglog.errors import BadInput

if TYPE_CHECKING:
    from biglog.learning.directory import Card

models = typer.Typer(
    no_args_is_help=True, help="Trained models by name and version: which there are, which is used."
)
NAME = typer.Argument(..., help="The model's name.")
JSON = typer.Option(False, "--json", help="One JSON line a version.")


def register(app: typer.Typer) -> None:
    for command in (train, predict):
        app.command(cls=Lists)(command)
    app.add_typer(models, name="models")


def train(
    files: list[Path] = FILES,
    labels: Path = typer.Option(..., help="CSV: session,label or line_no,label with 0/1."),
    model: Path = typer.Option(..., help="Directory to keep the model in, whole or not at all."),
    lines: bool = typer.Option(False, "--lines", help="Labels are of lines: line_no, file."),
    session: str = typer.Option(
        "", help="Labels are of sessions: a regular expression whose first group names one."
    ),
    method: str = typer.Option(
        "auto", help="auto, lr, svm, tree, knn, lstm, head (encoder frozen), finetune."
    ),
    format: str = FORMAT,
    first: int = typer.Option(
        0, min=0, help="With --session: learn from each session's first K events. 0: from all."
    ),
) -> None:
    """Learn from labelled lines or sessions; not all need a label, the files may hold more.

    A CSV of two columns with other names is taken in this order: what is labelled, label. The last
    quarter of the labelled rows by time chooses the threshold, and with `auto` the method.

    Examples: `biglog train app.log --labels labels.csv --lines --model models/app`;
    `biglog train hdfs.log --labels blocks.csv --session 'blk_-?\\d+' --model models/hdfs`
    """
    from biglog import installation, offline, settings
    from biglog.learning import directory, training
    from biglog.learning import labels as said
    from biglog.learning.rows import Task

    if lines == bool(session):
        raise BadInput(f"got {'both' if lines else 'neither'} --lines and --session; give one")
    if first and lines:
        raise BadInput("--first K is of sessions, got --lines; give --session REGEX too")
    task = Task(session, first, format)
    training.check_method(method, task)
    offline.check_files(files)
    directory.check_place(model)
    known = said.read_labels(labels, of_lines=lines)
    encoder = installation.encoder(settings.load().encoder)
    card, arrays = training.train(files, known, task, encoder, method=method, say=say)
    directory.keep(model, card, arrays)
    say(f"{described(card)} -> {model}")


def described(card: Card) -> str:
    figures = card.figures
    measured = (
        f"on {figures['rows']:,} later rows AP {figures['average_precision']:.3f}, "
        f"F1 {figures['f1']:.3f}"
        if figures.get("rows")
        else "not measured: too few labels"
    )
    return f"{' + '.join(card.members)}, {measured}, threshold by {card.threshold_by}"


def predict(
    files: list[Path] = FILES,
    model: str = typer.Option(..., help="A trained model: its directory, or its kept name."),
    out: Path = typer.Option(..., help=ROWS),
) -> None:
    """Judge lines or sessions by a trained model; rows and columns are those of `biglog detect`.

    A score of .5 is the threshold. A kind of line that training did not have is never silently
    normal: the reason says it.

    Example: `biglog predict today.log --model models/app --out odd.csv`
    """
    from biglog import installation, offline, settings
    from biglog.learning import model as models
    from biglog.learning import verdicts, versions

    known = settings.load()
    offline.check_files(files)
    check_out(out, among=files)
    directory = versions.find(known.home, model)
    loaded = models.open_model(directory, installation.encoder(known.encoder))
    rows = verdicts.predict(files, loaded)
    with Sheet(out) as sheet:
        sheet.write(rows)
    say(f"{rows.height:,} judged, {int(rows['anomalous'].sum()):,} anomalous -> {out}")


@models.command("list")
def list_models(as_json: bool = JSON) -> None:
    """Every kept version, what it measured, and which is in use.

    Example: `biglog models list --json`
    """
    from biglog import settings
    from biglog.learning import versions

    rows = [row_of(one) for one in versions.versions(settings.load().home)]
    if as_json:
        for row in rows:
            emit(row)
    elif rows:
        table(rows, {key: key for key in rows[0]})
    else:
        say("no model is kept; `biglog models add NAME DIR` keeps one that `biglog train` made")


def row_of(one: Any) -> dict[str, Any]:
    return {
        "name": one.name,
        "version": one.version,
        "used": one.used,
        "of": one.card.of,
        "method": "+".join(one.card.members),
        "f1": one.card.figures.get("f1"),
        "average_precision": one.card.figures.get("average_precision"),
        "encoder": one.card.encoder,
        "path": str(one.path),
    }


@models.command("add")
def add_model(
    name: str = NAME,
    directory: Path = typer.Argument(..., help="A directory that `biglog train` wrote."),
) -> None:
    """Keep a trained model as the next version of a name, and use it.

    Example: `biglog models add hdfs models/hdfs`
    """
    from biglog import settings
    from biglog.learning import versions

    say(f"in use: {versions.add(settings.load().home, name, directory).path}")


@models.command("use")
def use_model(
    name: str = NAME, version: int = typer.Argument(..., min=1, help="Its version.")
) -> None:
    """Use this version from now on.

    Example: `biglog models use hdfs 2`
    """
    from biglog import settings
    from biglog.learning import versions

    say(f"in use: {versions.use(settings.load().home, name, version).path}")


@models.command("rollback")
def rollback_model(name: str = NAME) -> None:
    """Use the version that was in use before.

    Example: `biglog models rollback hdfs`
    """
    from biglog import settings
    from biglog.learning import versions

    say(f"in use: {versions.rollback(settings.load().home, name).path}")
