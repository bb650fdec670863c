"""`biglog kb`: the knowledge base from a shell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from biglog import answers, pipeline, settings
from biglog.cli.console import emit, say, table
from biglog.errors import BadInput
from biglog.records import Entry, Hit

app = typer.Typer(no_args_is_help=True, help="The knowledge base: runbooks and what was learnt.")
STORE = typer.Option(None, "--store", help="Keep it in an embedded database in this directory.")
JSON = typer.Option(False, "--json", help="One JSON line a row.")


def site(store: Path | None) -> pipeline.Site:
    """The knowledge base's database, its schema up to date."""
    from biglog.settings import PROJECT
    from biglog.store import connect, embedded, migrate

    known = settings.load(store.resolve() if store else None)
    engine = connect.engine(embedded.start(known.home) if store else connect.url(known.home))
    migrate.migrate(engine, PROJECT / "sql")
    return pipeline.Site(known, engine)


@app.command("import")
def import_(paths: list[Path] = typer.Argument(...), store: Path | None = STORE) -> None:
    """Markdown folders and JSON files; importing the same again changes nothing."""
    at = site(store)
    for path in paths:
        if not path.exists():
            raise BadInput(f"{path}: no such file or folder")
        say(str(answers.import_knowledge(at, path)))


@app.command()
def search(
    text: str = typer.Argument("", help="A question, in Chinese or English."),
    top: int = typer.Option(5, min=1, max=50),
    queries: Path | None = typer.Option(None, help="A question a line; one JSON line each."),
    as_json: bool = JSON,
    store: Path | None = STORE,
) -> None:
    """The entries that answer a question, best first."""
    if bool(text) == bool(queries):
        raise BadInput("give either a question or --queries FILE")
    ask = answers.asker(site(store))
    if queries:
        for question in queries.read_text("utf-8").splitlines():
            emit({"query": question, "results": [hit_row(one) for one in ask(question, top)]})
        return
    show_hits(ask(text, top), as_json=as_json)


def show_hits(hits: tuple[Hit, ...], *, as_json: bool) -> None:
    rows = [hit_row(one) for one in hits]
    if as_json:
        for row in rows:
            emit(row)
        return
    if not rows:
        say("nothing found; `biglog kb import DIR` adds runbooks")
        return
    table(rows, {"rank": "#", "score": "score", "title": "title", "source": "source", "id": "id"})
    say(f"\n{rows[0]['excerpt']}")


def hit_row(hit: Hit) -> dict[str, Any]:
    return {
        "rank": hit.rank,
        "score": round(hit.score, 4),
        "id": hit.entry.entry_id,
        "title": hit.entry.title,
        "source": hit.entry.source,
        "category": hit.entry.category,
        "tags": list(hit.entry.tags),
        "excerpt": hit.excerpt,
    }


@app.command()
def add(
    title: str = typer.Option(...),
    file: Path = typer.Option(..., help="Markdown."),
    category: str = typer.Option(""),
    tag: list[str] = typer.Option([]),
    store: Path | None = STORE,
) -> None:
    """A new entry from a Markdown file."""
    entry = Entry("", title, read_text(file), category, tuple(tag), source="human")
    say(answers.save_entry(site(store), entry).entry_id)


@app.command()
def show(entry_id: str, as_json: bool = JSON, store: Path | None = STORE) -> None:
    """One entry, whole."""
    from dataclasses import asdict

    from biglog.store import knowledge

    entry = knowledge.show(site(store).engine, entry_id)
    if as_json:
        emit(asdict(entry))
        return
    say(f"{entry.title}\n{entry.category}  {', '.join(entry.tags)}  version {entry.version}\n")
    typer.echo(entry.content)


@app.command()
def edit(
    entry_id: str,
    file: Path = typer.Option(..., help="Markdown that replaces the content."),
    store: Path | None = STORE,
) -> None:
    """Replace an entry's content; the old version is kept."""
    from dataclasses import replace

    from biglog.store import knowledge

    at = site(store)
    old = knowledge.show(at.engine, entry_id)
    saved = answers.save_entry(at, replace(old, content=read_text(file)))
    say(f"{saved.entry_id} is now version {saved.version}")


@app.command()
def delete(entry_id: str, store: Path | None = STORE) -> None:
    """Hide an entry; its revisions are kept."""
    from biglog.store import knowledge

    at = site(store)
    knowledge.delete(at.engine, entry_id, knowledge.show(at.engine, entry_id).version)
    say(f"{entry_id} deleted")


@app.command()
def drafts(as_json: bool = JSON, store: Path | None = STORE) -> None:
    """Entries written from incidents that wait for a person."""
    from biglog.store import knowledge

    rows = [
        {"id": one.entry_id, "title": one.title, "source": one.source}
        for one in knowledge.entries(site(store).engine, state="draft")
    ]
    if as_json:
        for row in rows:
            emit(row)
        return
    table(rows, {"id": "id", "title": "title", "source": "source"})


@app.command()
def approve(entry_id: str, store: Path | None = STORE) -> None:
    """Publish a draft."""
    from dataclasses import replace

    from biglog.store import knowledge

    at = site(store)
    draft = knowledge.show(at.engine, entry_id)
    if draft.state != "draft":
        raise BadInput(f"{entry_id} is {draft.state}, expected a draft; see `biglog kb drafts`")
    answers.save_entry(at, replace(draft, state="published"))
    say(f"{entry_id} published")


def read_text(path: Path) -> str:
    if not path.is_file():
        raise BadInput(f"{path}: no such file; give a Markdown file")
    return path.read_text("utf-8")
