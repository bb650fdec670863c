"""The catalogue as people read and correct it, with every change on record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, Engine, text

from biglog.errors import BadInput
from biglog.records import Template
from biglog.store.read import TEMPLATE, rows, template
from biglog.store.text import clean, text_sha, to_json
from biglog.store.write import MINER

COLUMNS = (
    "name", "pinned", "pattern", "model_text", "text_sha", "version", "aliases", "state",
    "merged_into", "split_from",
)  # fmt: skip
EDIT = "e.edit_id, e.template_id, e.action, e.detail, e.author, e.edited_at"
UNDONE = "EXISTS (SELECT FROM biglog.template_edit u WHERE u.undoes = e.edit_id)"


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of the catalogue: who, when, what."""

    edit_id: int
    template_id: str
    action: str  # rename, pin, unpin, merge, split, undo
    detail: str
    author: str
    edited_at: datetime
    undone: bool


@dataclass(frozen=True, slots=True)
class Change:
    """What an edit does: the columns that change by template, and the templates it makes."""

    action: str
    template_id: str
    detail: str
    columns: Mapping[str, Mapping[str, Any]]
    made: Sequence[Template] = ()  # parts of the template


def find(engine: Engine, template_id: str) -> Template:
    """Raises BadInput with the nearest ids where there is no such template."""
    with engine.connect() as connection:
        return find_one(connection, template_id)


def find_one(connection: Connection, template_id: str) -> Template:
    query = f"SELECT {TEMPLATE} FROM biglog.template WHERE template_id = :id"
    found = rows(connection, query, id=clean(template_id))
    if not found:
        raise BadInput(f"no template {template_id!r}; {nearest(connection, template_id)}")
    return template(found[0])


def nearest(connection: Connection, template_id: str) -> str:
    known = list(connection.execute(text("SELECT template_id FROM biglog.template")).scalars())
    begun = sorted(one for one in known if template_id and one.startswith(template_id))
    close = begun[:3] or get_close_matches(template_id, known, cutoff=0.5)
    if close:
        return f"the nearest: {', '.join(close)}"
    return "`biglog templates list` shows them all" if known else "the catalogue is empty"


def catalogue(engine: Engine, *, source: str = "", grep: str = "") -> list[dict[str, Any]]:
    """Templates in use whose pattern or name holds the text, in any case; the latest first."""
    with engine.connect() as connection:
        return rows(
            connection,
            "SELECT template_id, name, pattern, version, pinned, state,"
            " coalesce(merged_into, '') AS merged_into, coalesce(split_from, '') AS split_from,"
            " first_seen::text AS first_seen, last_seen::text AS last_seen,"
            " array(SELECT source FROM biglog.template_seen s"
            "  WHERE s.template_id = t.template_id ORDER BY source) AS sources"
            " FROM biglog.template t WHERE position(lower(:grep) IN lower(name || ' ' || pattern))"
            "  > 0 AND (:source = '' OR EXISTS (SELECT FROM biglog.template_seen s"
            "  WHERE s.template_id = t.template_id AND s.source = :source))"
            " ORDER BY last_seen DESC, pattern, template_id",
            source=clean(source),
            grep=clean(grep),
        )


def versions(engine: Engine, template_id: str) -> list[dict[str, Any]]:
    """The template's patterns, the first first."""
    with engine.connect() as connection:
        return rows(
            connection,
            "SELECT version, pattern, date::text AS date FROM biglog.template_version"
            " WHERE template_id = :id ORDER BY version",
            id=template_id,
        )


def history(engine: Engine, template_id: str) -> tuple[Edit, ...]:
    """Every change that touched the template, the latest first."""
    with engine.connect() as connection:
        found = rows(
            connection,
            f"SELECT {EDIT}, {UNDONE} AS undone FROM biglog.template_edit e"
            " WHERE e.template_id = :id OR jsonb_exists(e.before, :id) ORDER BY e.edit_id DESC",
            id=template_id,
        )
    return tuple(Edit(**one) for one in found)


def merged(engine: Engine, template_id: str) -> list[str]:
    """The templates that were merged into it."""
    with engine.connect() as connection:
        query = "SELECT template_id FROM biglog.template WHERE merged_into = :id ORDER BY 1"
        return list(connection.execute(text(query), {"id": template_id}).scalars())


def partitions(engine: Engine, template_id: str) -> list[tuple[str, str]]:
    """Source and date of every partition that has counted the template, the oldest first."""
    with engine.connect() as connection:
        found = connection.execute(
            text(
                "SELECT DISTINCT date::text, source FROM biglog.template_count"
                " WHERE template_id = :id ORDER BY 1, 2"
            ),
            {"id": template_id},
        )
        return [(source, date) for date, source in found]


def pattern_columns(one: Template) -> dict[str, Any]:
    """The columns of a template whose pattern changed."""
    return {
        "pattern": one.pattern,
        "model_text": one.model_text,
        "text_sha": text_sha(one.model_text),
        "version": one.version,
        "aliases": [clean(each) for each in one.aliases],
        "pinned": one.pinned,
    }


def save(engine: Engine, change: Change, author: str) -> None:
    """Make the change and its record, both or neither. Call it inside ``catalogue_lock``."""
    with engine.begin() as connection:
        before = {one: state_of(connection, one, what) for one, what in change.columns.items()}
        for one in change.made:
            before[one.template_id] = retired(change.template_id)
            make_part(connection, one, change.template_id)
        for key, columns in change.columns.items():
            update(connection, key, columns)
        record(connection, change, before, author)


def state_of(connection: Connection, template_id: str, columns: Iterable[str]) -> dict[str, Any]:
    names = ", ".join(one for one in COLUMNS if one in columns)
    query = f"SELECT {names} FROM biglog.template WHERE template_id = :id"
    return rows(connection, query, id=template_id)[0]


def retired(parent: str) -> dict[str, Any]:
    """What becomes of a part when its split is undone: its lines are the parent's again."""
    return {"state": "merged", "merged_into": parent, "split_from": None}


def make_part(connection: Connection, one: Template, parent: str) -> None:
    """A part is as old as its parent: no night will take it for new."""
    connection.execute(
        text(
            "INSERT INTO biglog.template AS old (template_id, pattern, model_text, text_sha,"
            " version, example, first_seen, last_seen, pinned, split_from)"
            " SELECT :id, :pattern, :model_text, :sha, 1, :example, first_seen, last_seen, true,"
            " template_id FROM biglog.template WHERE template_id = :parent"
            " ON CONFLICT (template_id) DO UPDATE SET state = 'active', merged_into = NULL,"
            " split_from = excluded.split_from"
        ),
        {
            "id": one.template_id,
            "pattern": clean(one.pattern),
            "model_text": clean(one.model_text),
            "sha": text_sha(one.model_text),
            "example": clean(one.example),
            "parent": parent,
        },
    )
    record_version(connection, one.template_id)


def update(connection: Connection, template_id: str, columns: Mapping[str, Any]) -> None:
    """Change the columns; versions later than the one that holds then were never so."""
    changes = ", ".join(f"{one} = :{one}" for one in COLUMNS if one in columns)
    statement = f"UPDATE biglog.template SET {changes} WHERE template_id = :id"
    given = {key: clean(one) if isinstance(one, str) else one for key, one in columns.items()}
    connection.execute(text(statement), {**given, "id": template_id})
    if "version" in columns:
        connection.execute(
            text(
                "DELETE FROM biglog.template_version WHERE template_id = :id AND version > :version"
            ),
            {"id": template_id, "version": columns["version"]},
        )
        record_version(connection, template_id)


def record_version(connection: Connection, template_id: str) -> None:
    connection.execute(
        text(
            "INSERT INTO biglog.template_version (template_id, version, pattern, model_text, date)"
            " SELECT template_id, version, pattern, model_text, last_seen FROM biglog.template"
            " WHERE template_id = :id ON CONFLICT DO NOTHING"
        ),
        {"id": template_id},
    )


def record(
    connection: Connection,
    change: Change,
    before: Mapping[str, Any],
    author: str,
    undoes: int | None = None,
) -> None:
    connection.execute(
        text(
            "INSERT INTO biglog.template_edit (template_id, action, detail, before, undoes, author)"
            " VALUES (:id, :action, :detail, CAST(:before AS jsonb), :undoes, :author)"
        ),
        {
            "id": change.template_id,
            "action": change.action,
            "detail": clean(change.detail),
            "before": to_json(before),
            "undoes": undoes,
            "author": clean(author),
        },
    )


def undo(engine: Engine, template_id: str, author: str) -> Edit:
    """Take back the latest change that touched the template; returns that change.

    What the miner did and a person took back, it may not do again: that template is pinned. Raises
    BadInput where nothing is left to undo, and where a later change rests on this one.
    """
    with engine.begin() as connection:
        find_one(connection, template_id)
        live = rows(
            connection,
            f"SELECT {EDIT}, false AS undone, e.before FROM biglog.template_edit e"
            f" WHERE e.action <> 'undo' AND NOT {UNDONE} ORDER BY e.edit_id DESC",
        )
        last = next((one for one in live if template_id in one["before"]), None)
        if last is None:
            raise BadInput(f"{template_id} is as the miner made it; there is nothing to undo")
        before = last.pop("before")
        check_last(last, before, live)
        for one, columns in before.items():
            pin = {"pinned": True} if last["author"] == MINER else {}
            update(connection, one, {**columns, **pin})
        detail = f"{last['action']} {last['detail']}".strip()
        change = Change("undo", last["template_id"], detail, {})
        touched: dict[str, Any] = {one: {} for one in before}
        record(connection, change, touched, author, undoes=last["edit_id"])
    return Edit(**last)


def check_last(
    edit: Mapping[str, Any], before: Mapping[str, Any], live: Sequence[Mapping[str, Any]]
) -> None:
    """Raises BadInput where another template that the edit touched was changed since."""
    for one in live:
        shared = sorted(one.get("before", {}).keys() & before.keys())
        if one["edit_id"] > edit["edit_id"] and shared:
            raise BadInput(
                f"{one['action']} {one['detail']} came later and rests on it; "
                f"undo {shared[0]} first"
            )
