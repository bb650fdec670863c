"""`/api/v1/knowledge`: the entries, their revisions and the search over them."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Response

from biglog.errors import BadInput
from biglog.records import Entry
from biglog.store import knowledge
from biglog.web.access import User, may_write, name_of
from biglog.web.desk import AtDesk, Desk
from biglog.web.problems import Problem
from biglog.web.shapes import EntryBody, SearchBody, entry_json, hit_json

router = APIRouter(prefix="/knowledge", tags=["knowledge"])
WRITES = [Depends(may_write)]
IfMatch = Annotated[str | None, Header()]


def etag(entry: Entry) -> str:
    return f'"{entry.version}"'


def find(desk: Desk, entry_id: str) -> Entry:
    try:
        return knowledge.show(desk.site.engine, entry_id)
    except BadInput as error:
        raise Problem(404, str(error)) from error


def held(desk: Desk, entry_id: str, if_match: str | None) -> Entry:
    """The entry as the caller read it. A change must say which version it changes."""
    entry = find(desk, entry_id)
    if if_match is None:
        raise Problem(428, f"send If-Match with the version you read, now {etag(entry)}")
    if if_match.strip() not in (etag(entry), "*"):
        raise Problem(412, f"somebody saved it since: the version is now {etag(entry)}")
    return entry


@router.get("")
def list_entries(
    desk: AtDesk,
    state: str | None = None,
    category: str | None = None,
    tag: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> dict[str, Any]:
    found = knowledge.entries(desk.site.engine, state=state, category=category, tag=tag)
    page = found[offset : offset + limit]
    return {"entries": [entry_json(one) for one in page], "total_entries": len(found)}


@router.post("/search")
def search_entries(body: SearchBody, desk: AtDesk) -> dict[str, Any]:
    """The entries that answer a question. ``degraded`` says why meaning was left out, if it was."""
    started = time.perf_counter()
    hits = desk.ask(body.query, body.top_k)
    return {
        "query": body.query,
        "results": [hit_json(one) for one in hits],
        "mode": "words" if desk.degraded else "words and meaning",
        "degraded": desk.degraded or None,
        "took_ms": round(1000 * (time.perf_counter() - started), 1),
    }


@router.post("", status_code=201, dependencies=WRITES)
def create_entry(body: EntryBody, desk: AtDesk, user: User, response: Response) -> dict[str, Any]:
    entry = Entry(
        "", body.title, body.content, body.category, tuple(body.tags), "human", state=body.state
    )
    try:
        saved = desk.save(entry, author=name_of(user), comment=body.comment)
    except BadInput as error:
        raise Problem(409, str(error)) from error
    response.headers["ETag"] = etag(saved)
    response.headers["Location"] = f"knowledge/{saved.entry_id}"
    return entry_json(saved)


@router.get("/{entry_id}")
def show_entry(
    entry_id: str, desk: AtDesk, response: Response, if_none_match: IfMatch = None
) -> Any:
    entry = find(desk, entry_id)
    if if_none_match == etag(entry):
        return Response(status_code=304, headers={"ETag": etag(entry)})
    response.headers["ETag"] = etag(entry)
    return entry_json(entry)


@router.put("/{entry_id}", dependencies=WRITES)
def change_entry(
    entry_id: str,
    body: EntryBody,
    desk: AtDesk,
    user: User,
    response: Response,
    if_match: IfMatch = None,
) -> dict[str, Any]:
    old = held(desk, entry_id, if_match)
    new = replace(
        old,
        title=body.title,
        content=body.content,
        category=body.category,
        tags=tuple(body.tags),
        state=body.state,
        language="",
    )
    try:
        saved = desk.save(new, author=name_of(user), comment=body.comment)
    except BadInput as error:
        raise Problem(412, str(error)) from error
    response.headers["ETag"] = etag(saved)
    return entry_json(saved)


@router.delete("/{entry_id}", status_code=204, dependencies=WRITES)
def delete_entry(entry_id: str, desk: AtDesk, user: User, if_match: IfMatch = None) -> None:
    """Hide it; its revisions stay."""
    entry = held(desk, entry_id, if_match)
    try:
        knowledge.delete(desk.site.engine, entry_id, entry.version, author=name_of(user))
    except BadInput as error:
        raise Problem(412, str(error)) from error


@router.get("/{entry_id}/revisions")
def list_revisions(entry_id: str, desk: AtDesk) -> dict[str, Any]:
    """Everything that was ever saved, the latest first; also of a deleted entry."""
    found = knowledge.revisions(desk.site.engine, entry_id)
    if not found:
        raise Problem(404, f"there is no knowledge entry {entry_id!r}")
    rows = [{**asdict(one), "entry": entry_json(one.entry)} for one in found]
    return {"revisions": rows, "total_entries": len(rows)}
