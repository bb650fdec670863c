"""Commands that learn from labels: train, predict, and which trained model is in use."""

from __future__ import annotations

from dataclasses import dataclass
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
    model: Path = typer.Option(..., help="Directory to keep the model in, whole or not at all."),
    labels: Path | None = typer.Option(None, help="CSV: session,label or line_no,label with 0/1."),
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
    failures: Path | None = typer.Option(
        None, help="CSV: host,time of failures (or time alone: all lines are of one host)."
    ),
    horizon: str = typer.Option(
        "30m", help="With --failures: how far ahead a failure is looked for, as 30m, 6h, 1d."
    ),
    lead: str = typer.Option(
        "0s", help="With --failures: how long before it begins a warning must come at the latest."
    ),
    by: str = typer.Option(
        "", help="With --failures: a regular expression whose first group names a line's host."
    ),
    false_positives: float = typer.Option(
        0.01, min=0.0, max=0.5, help="With --failures: share of false warnings to set it by."
    ),
) -> None:
    """Learn from labelled lines or sessions, or from the times at which hosts failed.

    Not all lines or sessions need a label. A CSV of two columns with other names is taken in this
    order: what is labelled, label. The last quarter of the labelled rows by time chooses the
    threshold, and with `auto` the method.

    With `--failures`, `biglog predict` then warns of failures that begin within the horizon. A host
    is what `--by` finds in a line; without it what the format calls so, else the component. The
    first 60 % of the failures by time are learnt from, 20 % choose, the last 20 % measure.

    Examples: `biglog train app.log --labels labels.csv --lines --model models/app`;
    `biglog train hdfs.log --labels blocks.csv --session 'blk_-?\\d+' --model models/hdfs`;
    `biglog train syslog.log --failures down.csv --horizon 30m --lead 5m --model models/down`
    """
    from biglog import installation, offline, settings
    from biglog.learning import directory, training
    from biglog.learning import labels as said
    from biglog.learning.rows import Task

    if failures is not None:
        if labels is not None or lines or session or first or method != "auto":
            raise BadInput(
                "--failures goes with --horizon, --lead and --by, not with --labels, --lines, "
                "--session, --first or --method; leave those out"
            )
        asked = Asked(failures, horizon, lead, by, false_positives)
        return train_failures(files, asked, model, format)
    if labels is None:
        raise BadInput("got neither --labels nor --failures; give one")
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


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for of failures, as given."""

    failures: Path
    horizon: str
    lead: str
    by: str
    share: float


def train_failures(files: list[Path], asked: Asked, model: Path, format: str) -> None:
    from biglog import offline
    from biglog.learning import directory, failures, failures_told

    look = failures_told.ahead(asked.horizon, asked.lead)
    offline.check_files(files)
    directory.check_place(model)
    told = failures_told.read_failures(asked.failures)
    one_host = not failures_told.names_hosts(asked.failures)
    if one_host and asked.by:
        raise BadInput(
            f"--by names hosts, got --failures {asked.failures} without a column host; add it, or "
            "leave --by out"
        )
    plan = failures.Plan(look.horizon, look.lead, asked.by, one_host, asked.share)
    card, arrays = failures.train(files, told, plan, format=format, say=say)
    directory.keep(model, card, arrays)
    say(f"{card.members[0]}: {failures.described(card)} -> {model}")


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
    failures: Path | None = typer.Option(
        None, help="With a model of failures: CSV of host,time of those since training."
    ),
) -> None:
    """Judge lines or sessions by a trained model; rows and columns are those of `biglog detect`.

    A score of .5 is the threshold. A kind of line that training did not have is never silently
    normal: the reason says it.

    A model of failures gives a row per host and window, in order of time: host, at (the window's
    end, UTC), score, warning (true: a failure is likely to begin within the horizon) and reason.

    Examples: `biglog predict today.log --model models/app --out odd.csv`;
    `biglog predict today.log --model models/down --failures since.csv --out warnings.csv`
    """
    from biglog import installation, offline, settings
    from biglog.learning import directory as directories
    from biglog.learning import failures as failing
    from biglog.learning import model as models
    from biglog.learning import verdicts, versions

    known = settings.load()
    offline.check_files(files)
    check_out(out, among=files)
    directory = versions.find(known.home, model)
    if directories.read_card(directory).of == failing.OF:
        return warn(files, directory, failures, out)
    if failures is not None:
        raise BadInput(
            f"--failures goes with a model of failures, got one of lines or sessions: {model}"
        )
    loaded = models.open_model(directory, installation.encoder(known.encoder))
    rows = verdicts.predict(files, loaded)
    with Sheet(out) as sheet:
        sheet.write(rows)
    say(f"{rows.height:,} judged, {int(rows['anomalous'].sum()):,} anomalous -> {out}")


def warn(files: list[Path], directory: Path, told: Path | None, out: Path) -> None:
    """A row per host and window, by a model of failures."""
    from biglog.learning import directory as directories
    from biglog.learning import failures, failures_told

    card, arrays = directories.load(directory)
    since = failures_told.read_failures(told) if told is not None else None
    rows = failures.predict(files, card, arrays, since)
    with Sheet(out) as sheet:
        sheet.write(rows)
    hosts = rows.filter("warning")["host"].n_unique()
    warnings = int(rows["warning"].sum())
    say(f"{rows.height:,} windows, {warnings:,} warnings of {hosts:,} hosts -> {out}")


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
