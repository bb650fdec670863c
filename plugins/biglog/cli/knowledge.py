"""`biglog kb`: the knowledge base from a shell."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import typer

from biglog import answers, installation, settings
from biglog.cli.console import emit, say, table
from biglog.errors import BadInput
from biglog.records import Entry, Hit

app = typer.Typer(no_args_is_help=True, help="The knowledge base: runbooks and what was learnt.")
STORE = typer.Option(None, "--store", help="Keep it in an embedded database in this directory.")
ID = typer.Argument(..., help="An entry's id, as searches and lists print it.")
JSON = typer.Option(False, "--json", help="One JSON line a row.")


def site(store: Path | None) -> installation.Site:
    """The knowledge base's database, its schema up to date."""
    from biglog.settings import PROJECT
    from biglog.store import connect, embedded, migrate

    known = settings.load()
    if store:
        known = replace(known, home=writable(store))
    engine = connect.engine(embedded.start(known.home) if store else connect.url(known.home))
    migrate.migrate(engine, PROJECT / "sql")
    return installation.Site(known, engine)


def writable(store: Path) -> Path:
    """The directory, made where there is none. Raises BadInput where nothing can be kept there."""
    try:
        store.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        words = f"{error.strerror or error}"
        raise BadInput(f"--store {store} is no usable directory ({words}); name another") from error
    if not os.access(store, os.W_OK | os.X_OK):
        raise BadInput(f"--store {store}: no permission to write there; name another directory")
    return store.resolve()


@app.command("import")
def import_(
    paths: list[Path] = typer.Argument(..., help="Folders of Markdown, Markdown or JSON files."),
    store: Path | None = STORE,
) -> None:
    """Runbooks from Markdown folders and JSON files; importing the same again changes nothing.

    Example: `biglog kb import runbooks/`
    """
    for path in paths:
        if not path.exists():
            raise BadInput(f"{path}: no such file or folder; give what holds Markdown or JSON")
    at = site(store)
    for path in paths:
        say(f"{path}: {answers.import_knowledge(at, path)}")


@app.command()
def search(
    text: str = typer.Argument("", help="A question, in Chinese or English."),
    top: int = typer.Option(5, min=1, max=50, help="At most this many entries."),
    queries: Path | None = typer.Option(
        None, help="A file with a question a line: all are answered in one process, as JSON lines."
    ),
    as_json: bool = JSON,
    store: Path | None = STORE,
) -> None:
    """The entries that answer a question, best first.

    Example: `biglog kb search "磁盘满了怎么办"`; `biglog kb search --queries questions.txt`
    """
    if bool(text.strip()) == bool(queries):
        got = "both" if queries else "neither"
        raise BadInput(f"got {got}, expected either a question or --queries FILE; give one")
    questions = [text] if queries is None else read_questions(queries)
    ask = answers.asker(site(store))
    if queries is None:
        show_hits(ask(text, top), as_json=as_json)
        return
    for question in questions:
        hits = ask(question, top) if question.strip() else ()
        emit({"query": question, "results": [hit_row(one) for one in hits]})


def read_questions(path: Path) -> list[str]:
    """One question a line, so that answer n belongs to line n; a blank line has no results."""
    lines = read_text(path).split("\n")
    return [one.removesuffix("\r") for one in (lines if lines[-1] else lines[:-1])]


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
    title: str = typer.Option(..., help="What it is about, as one would ask for it."),
    file: Path = typer.Option(..., help="Its text, Markdown."),
    category: str = typer.Option("", help="Such as database, network, storage."),
    tag: list[str] = typer.Option([], help="May be given several times."),
    store: Path | None = STORE,
) -> None:
    """A new entry from a Markdown file; prints its id.

    Example: `biglog kb add --title "Disk full on db1" --file note.md --tag disk`
    """
    if not title.strip():
        raise BadInput("--title is empty; say what the entry is about")
    entry = Entry("", title.strip(), read_text(file), category, tuple(tag), source="human")
    typer.echo(answers.save_entry(site(store), entry).entry_id)


@app.command()
def show(entry_id: str = ID, as_json: bool = JSON, store: Path | None = STORE) -> None:
    """One entry, whole.

    Example: `biglog kb show 1f0c9a2b3d4e5f60`
    """
    from biglog.store import knowledge

    entry = knowledge.show(site(store).engine, entry_id)
    if as_json:
        emit(asdict(entry))
        return
    about = f"{entry.category}  {', '.join(entry.tags)}  version {entry.version}, {entry.state}"
    typer.echo(f"# {entry.title}\n{about}\n\n{entry.content}")


@app.command()
def edit(
    entry_id: str = ID,
    file: Path = typer.Option(..., help="Markdown that replaces the content."),
    store: Path | None = STORE,
) -> None:
    """Replace an entry's content; the old version is kept.

    Example: `biglog kb edit 1f0c9a2b3d4e5f60 --file note.md`
    """
    from biglog.store import knowledge

    content = read_text(file)
    at = site(store)
    old = knowledge.show(at.engine, entry_id)
    saved = answers.save_entry(at, replace(old, content=content))
    say(f"{saved.entry_id} is now version {saved.version}")


@app.command()
def delete(entry_id: str = ID, store: Path | None = STORE) -> None:
    """Hide an entry; its revisions are kept.

    Example: `biglog kb delete 1f0c9a2b3d4e5f60`
    """
    from biglog.store import knowledge

    at = site(store)
    knowledge.delete(at.engine, entry_id, knowledge.show(at.engine, entry_id).version)
    say(f"{entry_id} deleted")


@app.command()
def drafts(as_json: bool = JSON, store: Path | None = STORE) -> None:
    """Entries written from incidents that wait for a person.

    Example: `biglog kb drafts --json`
    """
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
def approve(entry_id: str = ID, store: Path | None = STORE) -> None:
    """Publish a draft, so that searches find it.

    Example: `biglog kb approve 1f0c9a2b3d4e5f60`
    """
    from biglog.store import knowledge

    at = site(store)
    draft = knowledge.show(at.engine, entry_id)
    if draft.state != "draft":
        raise BadInput(f"{entry_id} is {draft.state}, expected a draft; see `biglog kb drafts`")
    answers.save_entry(at, replace(draft, state="published"))
    say(f"{entry_id} published")


def read_text(path: Path) -> str:
    """The file as text. Raises BadInput where it is missing, unreadable, not UTF-8 or blank."""
    if not path.is_file():
        raise BadInput(f"{path}: no such file; give the path of a text file")
    if not os.access(path, os.R_OK):
        raise BadInput(f"{path}: no permission to read it; ask its owner")
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8 text (byte {error.start}); convert it") from error
    if not text.strip():
        raise BadInput(f"{path} is empty, expected text; write something first")
    return text
