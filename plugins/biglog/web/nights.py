"""`/api/v1`: what the nights found, the stored report pages, past events, and feedback."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import FileResponse

from biglog import __version__, answers
from biglog.errors import BadInput, BigLogError
from biglog.knowledge.drafts import draft
from biglog.records import Night
from biglog.store import feedback, knowledge, ledger, read
from biglog.web.access import User, may_write, name_of
from biglog.web.desk import AtDesk, Desk
from biglog.web.problems import Problem
from biglog.web.shapes import FeedbackBody, MatchBody

router = APIRouter(tags=["nights"])
Limit = Annotated[int, Query(ge=1, le=200)]
Offset = Annotated[int, Query(ge=0)]
# A stored page runs its own script without this origin: a hole in it cannot reach the login.
STORED_PAGE = {
    "Content-Security-Policy": "sandbox allow-scripts; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@router.get("/health")
def health(desk: AtDesk) -> dict[str, Any]:
    """Whether the database answers and the encoder loads, in words."""
    try:
        nights = len(read.nights(desk.site.engine))
    except BigLogError as error:
        raise Problem(503, str(error)) from error
    return {"status": "ok", "nights": nights, "degraded": desk.degraded or None}


@router.get("/version")
def version() -> dict[str, str]:
    return {"version": __version__, "api": "v1"}


@router.get("/reports")
def list_reports(desk: AtDesk, limit: Limit = 50, offset: Offset = 0) -> dict[str, Any]:
    dates = nights_with_reports(desk)
    page = list(dates.items())[offset : offset + limit]
    rows = [{"date": date, "locales": locales} for date, locales in page]
    return {"reports": rows, "total_entries": len(dates)}


def nights_with_reports(desk: Desk) -> dict[str, list[str]]:
    """Published nights, the latest first, with the languages that are rendered."""
    rendered: dict[str, list[str]] = {}
    for one in ledger.reports(desk.site.engine, limit=10_000):
        rendered.setdefault(one.date, []).append(one.locale)
    dates = sorted({*read.nights(desk.site.engine), *rendered}, reverse=True)
    return {date: rendered.get(date, []) for date in dates}


def find_night(desk: Desk, date: str) -> Night:
    check_date(date)
    try:
        return read.night(desk.site.engine, date)
    except BadInput as error:
        raise Problem(404, str(error)) from error


def check_date(date: str) -> None:
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", date):
            raise ValueError
        datetime.fromisoformat(date)
    except ValueError as error:
        raise Problem(422, f"{date[:40]!r} is no date; expected YYYY-MM-DD") from error


@router.get("/reports/{date}")
def show_report(date: str, desk: AtDesk) -> dict[str, Any]:
    """The night's numbers: coverage, incidents, stages."""
    night = find_night(desk, date)
    return {
        "date": date,
        "coverage": [asdict(one) for one in night.coverage],
        "incidents": [asdict(one) for one in night.incidents],
        "findings": len(night.findings),
        "stages": [asdict(one) for one in night.stages],
        "history_days": night.history_days,
        "model_id": night.model_id,
        "locales": nights_with_reports(desk).get(date, []),
    }


@router.get("/reports/{date}/html")
def report_page(date: str, desk: AtDesk, locale: str = "") -> FileResponse:
    """The stored page, as it was rendered."""
    check_date(date)
    return FileResponse(
        stored_page(desk, date, locale), media_type="text/html", headers=STORED_PAGE
    )


def stored_page(desk: Desk, date: str, locale: str) -> Path:
    """The file of that night in that language, else in the first language there is."""
    known = {one.locale: one for one in ledger.reports(desk.site.engine, limit=10_000)
             if one.date == date}  # fmt: skip
    if not known:
        raise Problem(404, f"no report of {date} is stored; run biglog run --date {date}")
    first = next((one for one in desk.site.settings.report.locales if one in known), min(known))
    chosen = known.get(locale or first)
    if chosen is None:
        raise Problem(404, f"no report of {date} in {locale[:20]!r}; there is {', '.join(known)}")
    return inside(desk.site.settings.reports, desk.site.settings.home, chosen.path)


def inside(reports: Path, home: Path, path: str) -> Path:
    """The path where it is a file under the reports folder; nothing else is ever served."""
    full = (home / path).resolve()
    if not full.is_relative_to(reports.resolve()) or not full.is_file():
        raise Problem(404, "the stored page is not in the reports folder; render it again")
    return full


@router.get("/incidents")
def list_incidents(date: str, desk: AtDesk) -> dict[str, Any]:
    rows = [asdict(one) for one in find_night(desk, date).incidents]
    return {"incidents": rows, "total_entries": len(rows)}


@router.get("/findings")
def list_findings(date: str, desk: AtDesk, limit: Limit = 50, offset: Offset = 0) -> dict[str, Any]:
    found = find_night(desk, date).findings
    rows = [asdict(one) for one in found[offset : offset + limit]]
    return {"findings": rows, "total_entries": len(found)}


@router.get("/templates")
def list_templates(
    desk: AtDesk,
    q: Annotated[str, Query(max_length=200)] = "",
    limit: Limit = 50,
    offset: Offset = 0,
) -> dict[str, Any]:
    """The catalogue by pattern; ``q`` keeps those that contain it."""
    wanted = q.casefold()
    found = sorted(
        (
            one
            for one in read.templates(desk.site.engine).values()
            if wanted in one.pattern.casefold()
        ),
        key=lambda one: (one.pattern, one.template_id),
    )
    rows = [asdict(one) for one in found[offset : offset + limit]]
    return {"templates": rows, "total_entries": len(found)}


@router.post("/events/match")
def match_events(body: MatchBody, desk: AtDesk) -> dict[str, Any]:
    """Stored kinds of line that say the same as the text, best first."""
    if desk.encoder() is None:
        raise Problem(503, f"events are matched by meaning, and there is no model: {desk.degraded}")
    found = answers.match(desk.site, body.text, threshold=body.threshold, limit=body.limit)
    return {"text": body.text, "threshold": body.threshold, "matches": [asdict(m) for m in found]}


@router.put("/feedback", dependencies=[Depends(may_write)])
def give_feedback(body: FeedbackBody, desk: AtDesk, user: User) -> dict[str, Any]:
    """Say something about an incident: mute it (for days, or for ever), confirm it, note it."""
    if body.kind == "mute" and not body.note:
        raise Problem(422, "a mute needs a note: say why, the next reader will ask")
    if body.kind != "mute" and body.days is not None:
        raise Problem(422, f"only a mute has an end; {body.kind} has none")
    until = datetime.now(UTC) + timedelta(days=body.days) if body.days else None
    said = feedback.Feedback(
        body.kind, "incident", body.incident_id, body.note, name_of(user), expires_at=until
    )
    number = feedback.save_feedback(desk.site.engine, said)
    rows = feedback.feedback_on(desk.site.engine, "incident", body.incident_id)
    entry = keep_draft(desk, body.incident_id, name_of(user)) if body.kind == "confirm" else ""
    return {"feedback_id": number, "feedback": [asdict(one) for one in rows], "draft": entry}


def keep_draft(desk: Desk, incident_id: str, author: str) -> str:
    """Id of the first knowledge entry about what was confirmed, written once, for a person to
    finish; "" where there is no such incident.
    """
    found = read.latest_incident(desk.site.engine, incident_id)
    if found is None:
        return ""
    entry = draft(found, locale=desk.site.settings.report.mail_locale)
    if not knowledge.existing(desk.site.engine, [entry.entry_id]):
        desk.save(entry, author=author)
    return entry.entry_id


@router.delete("/feedback/{number}", dependencies=[Depends(may_write)])
def take_back(number: int, desk: AtDesk) -> dict[str, Any]:
    """What was said holds no more, from the next night on; it stays on record."""
    try:
        feedback.withdraw(desk.site.engine, number)
    except BadInput as error:
        raise Problem(404, str(error)) from error
    return {"withdrawn": number}


@router.get("/feedback")
def list_feedback(incident_id: str, desk: AtDesk) -> dict[str, Any]:
    rows = feedback.feedback_on(desk.site.engine, "incident", incident_id)
    return {"feedback": [asdict(one) for one in rows], "total_entries": len(rows)}
