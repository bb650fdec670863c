"""`biglog templates`: the catalogue of templates, read and corrected from a shell."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from biglog import settings
from biglog.cli.console import emit, say, table
from biglog.settings import PROJECT

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from biglog.records import Template, Variable

app = typer.Typer(no_args_is_help=True, help="The catalogue of templates, and its corrections.")
ID = typer.Argument(..., help="A template's id, as lists and reports print it.")
JSON = typer.Option(False, "--json", help="JSON instead of words.")
AUTHOR = typer.Option("", "--author", help="Who decided; you, where it is not given.")
FEW = 3  # nights of variables that `show` tells


def database() -> Engine:
    """The database, its schema up to date."""
    from biglog.store import connect, migrate

    engine = connect.engine(connect.url(settings.home()))
    migrate.migrate(engine, PROJECT / "sql")
    return engine


def author_of(given: str) -> str:
    try:
        return given.strip() or getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "unknown"


@app.command("list")
def list_(
    source: str = typer.Option("", help="Only those that this source's lines have had."),
    grep: str = typer.Option("", help="Only those with this text in pattern or name."),
    as_json: bool = JSON,
) -> None:
    """The templates, the latest seen first.

    Example: `biglog templates list --source shop --grep timeout`
    """
    from biglog.store import templates

    rows = templates.catalogue(database(), source=source, grep=grep)
    if as_json:
        for row in rows:
            emit(row)
        return
    shown = [{"id": row["template_id"], **row, "template": said(row)} for row in rows]
    show_rows(shown, "id", "last_seen", "template")
    say(f"{len(rows)} templates")


def said(row: dict[str, Any]) -> str:
    """The pattern with its name before it and its state behind."""
    marks = [
        "pinned" if row["pinned"] else "",
        f"merged into {row['merged_into']}" if row["merged_into"] else "",
        f"part of {row['split_from']}" if row["split_from"] else "",
    ]
    name = f"{row['name']}: " if row["name"] else ""
    state = ", ".join(filter(None, marks))
    return f"{name}{row['pattern']}" + (f" ({state})" if state else "")


@app.command()
def show(template_id: str = ID, as_json: bool = JSON) -> None:
    """One template: pattern, versions, an example, its variables, who changed what.

    Example: `biglog templates show 9f86d081884c7d65`
    """
    from biglog.store import read, templates

    engine = database()
    one = templates.find(engine, template_id)
    card = {
        **asdict(one),
        "versions": templates.versions(engine, template_id),
        "merged": templates.merged(engine, template_id),
        "variables": [asdict(each) for each in latest(read.variables(engine, template_id))],
        "history": [asdict(each) for each in templates.history(engine, template_id)],
    }
    if as_json:
        emit(card)
        return
    print_card(one, card)


def latest(found: tuple[Variable, ...]) -> list[Variable]:
    """Those of the last few nights, which come first."""
    dates = sorted({one.date for one in found}, reverse=True)[:FEW]
    return [one for one in found if one.date in dates]


def print_card(one: Template, card: dict[str, Any]) -> None:
    facts = {
        "name": one.name,
        "pattern": one.pattern,
        "pinned": "yes" if one.pinned else "",
        "merged into": one.merged_into,
        "has merged": ", ".join(card["merged"]),
        "also covers": "; ".join(one.aliases),
        "example": one.example,
    }
    known = [{"template": key, one.template_id: value} for key, value in facts.items() if value]
    show_rows(known, "template", one.template_id)
    show_rows(card["versions"], "version", "date", "pattern")
    variables = [variable_row(each) for each in card["variables"]]
    show_rows(variables, "date", "source", "slot", "kind", "distinct", "numbers", "values")
    edits = [{**each, "undone": "undone" if each["undone"] else ""} for each in card["history"]]
    show_rows(edits, "edited_at", "author", "action", "detail", "undone")


def show_rows(rows: list[dict[str, Any]], *columns: str) -> None:
    """A table where there are rows."""
    if rows:
        table(rows, {one: one.replace("_", " ") for one in columns})


def variable_row(one: dict[str, Any]) -> dict[str, Any]:
    """A variable with its most frequent values, or how large its numbers are."""
    top = ", ".join(f"{value} ({count})" for value, count in one["top"][:3])
    sizes = " ".join(f"{name} {one[name]:g}" for name in ("minimum", "p50", "p99", "maximum")
                     if one[name] is not None)  # fmt: skip
    return {**one, "numbers": f"{sizes} {one['unit']}".strip(), "values": top}


@app.command()
def rename(template_id: str = ID, name: str = typer.Argument(...), author: str = AUTHOR) -> None:
    """Give a template a name; an empty one takes it away.

    Example: `biglog templates rename 9f86d081884c7d65 "payment refused"`
    """
    from biglog import corrections

    corrections.rename(database(), template_id, name, author_of(author))
    say(f"{template_id} is called {name!r} now" if name else f"{template_id} has no name now")


@app.command()
def pin(template_id: str = ID, author: str = AUTHOR) -> None:
    """Keep a template as it is: no night widens or merges it.

    Example: `biglog templates pin 9f86d081884c7d65`
    """
    from biglog import corrections

    corrections.pin(database(), template_id, author_of(author))
    say(f"{template_id} is pinned")


@app.command()
def unpin(template_id: str = ID, author: str = AUTHOR) -> None:
    """Let the nights widen and merge a template again.

    Example: `biglog templates unpin 9f86d081884c7d65`
    """
    from biglog import corrections

    corrections.pin(database(), template_id, author_of(author), pinned=False)
    say(f"{template_id} is not pinned")


@app.command()
def merge(
    template_id: str = ID,
    into: str = typer.Argument(..., help="The template that its lines shall count under."),
    pattern: str = typer.Option("", help="What that one's pattern becomes; <*> is a variable."),
    author: str = AUTHOR,
) -> None:
    """Count a template's lines under another from now on.

    Example: `biglog templates merge 9f86d081884c7d65 2c26b46b68ffc68f`
    """
    from biglog import corrections

    joined = corrections.merge(database(), template_id, into, author_of(author), wanted=pattern)
    say(f"{template_id} counts under {into} now: {joined.pattern}")


@app.command()
def split(
    template_id: str = ID,
    at: int = typer.Option(0, help="A template for each value of this wildcard, from 1."),
    pattern: list[str] = typer.Option([], help="A template for lines that fit it; repeatable."),
    past: bool = typer.Option(False, "--past", help="Parse the nights that had it again too."),
    author: str = AUTHOR,
) -> None:
    """Give some of a template's lines templates of their own.

    Without `--past` the parts are new to the nights that follow.

    Example: `biglog templates split 9f86d081884c7d65 --pattern "GET <*> 500"`
    """
    from biglog import corrections, installation

    engine = database()
    parts = corrections.split(
        engine, template_id, author_of(author), slot=at, patterns=tuple(pattern)
    )
    show_rows([{"id": one.template_id, **asdict(one)} for one in parts], "id", "pattern")
    if past:
        site = installation.Site(settings.load(), engine)
        say(f"{corrections.recount(site, template_id)} partitions were parsed again")


@app.command()
def undo(template_id: str = ID, author: str = AUTHOR) -> None:
    """Take back the latest change of a template; again, the one before.

    Example: `biglog templates undo 9f86d081884c7d65`
    """
    from biglog import corrections

    done = corrections.undo(database(), template_id, author_of(author))
    say(f"undone: {done.action} {done.detail} of {done.template_id}, {done.edited_at:%Y-%m-%d}")
