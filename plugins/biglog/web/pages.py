"""The pages: reports, knowledge base, event matching, uploads."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from biglog import answers
from biglog.errors import BadInput
from biglog.knowledge.drafts import draft_id
from biglog.records import Incident, Night
from biglog.reports.verdict import ICONS, QUIET, band, some, title, verdict
from biglog.reports.voice import Voice, voice
from biglog.store import feedback, knowledge, read
from biglog.web.desk import AtDesk, Desk
from biglog.web.entries import find
from biglog.web.markdown import to_html
from biglog.web.nights import find_night, nights_with_reports
from biglog.web.page import show
from biglog.web.shapes import QUERY
from biglog.web.uploads import summary, uploads
from biglog.web.voice import choose

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
NIGHTS = 14
TITLE = 220  # characters of an incident's title
Asked = Annotated[str, Query(max_length=QUERY)]


def language(request: Request) -> str:
    return choose(request.query_params.get("lang", ""), request.headers.get("accept-language", ""))


@router.get("/")
def nights_page(
    request: Request, desk: AtDesk, offset: Annotated[int, Query(ge=0)] = 0
) -> HTMLResponse:
    dates = nights_with_reports(desk)
    chosen = list(dates.items())[offset : offset + NIGHTS]
    cards = [card(desk, date, locales, language(request)) for date, locales in chosen]
    more = offset + NIGHTS if offset + NIGHTS < len(dates) else None
    return show(request, "nights", cards=cards, offset=offset, step=NIGHTS, more=more)


def card(desk: Desk, date: str, locales: list[str], lang: str) -> dict[str, Any]:
    """A night in one line; a night that was rendered but is not in the store has no verdict."""
    try:
        return {"date": date, "rendered": bool(locales), **said(desk, desk_night(desk, date), lang)}
    except BadInput:
        return {"date": date, "rendered": bool(locales), "tone": "gap", "icon": ICONS["gap"],
                "day": date, "sentence": "", "lead": ""}  # fmt: skip


def desk_night(desk: Desk, date: str) -> Night:
    return read.night(desk.site.engine, date)


def said(desk: Desk, night: Night, lang: str) -> dict[str, Any]:
    speaker = voice(lang, desk.site.settings.report.timezone)
    told = verdict(night, speaker)
    return {
        "tone": told.tone,
        "icon": ICONS[told.tone],
        "day": speaker.day(night.date),
        "sentence": told.sentence,
        "lead": told.lead,
    }


def head(night: Night, incident: Incident, speaker: Voice) -> dict[str, str]:
    """What an incident is called and how grave it is, as on the report."""
    tone = QUIET.get(incident.state) or band(incident.severity)
    return {
        "tone": tone,
        "icon": ICONS[tone],
        "band": speaker.say(f"band.{tone}"),
        "title": title(night, incident, speaker, TITLE),
        "services": some(incident.services, speaker, 4),
        "when": speaker.span(incident.started_at, incident.ended_at, night.date),
    }


@router.get("/reports/{date}")
def night_page(request: Request, date: str, desk: AtDesk) -> HTMLResponse:
    night = find_night(desk, date)
    locales = nights_with_reports(desk).get(date, [])
    lang = language(request)
    speaker = voice(lang, desk.site.settings.report.timezone)
    notes = {
        one.incident_id: [asdict(n) for n in feedback.feedback_on(
            desk.site.engine, "incident", one.incident_id)]
        for one in night.incidents
    }  # fmt: skip
    drafts = {one: draft_id(one) for one in notes}
    known = knowledge.existing(desk.site.engine, list(drafts.values()))
    written = {one: entry_id for one, entry_id in drafts.items() if entry_id in known}
    return show(
        request,
        "night",
        date=date,
        told=said(desk, night, lang),
        incidents=sorted(night.incidents, key=lambda one: one.rank),
        heads={one.incident_id: head(night, one, speaker) for one in night.incidents},
        findings=speaker.count("count.findings", len(night.findings)),
        notes=notes,
        written=written,
        locale=lang if lang in locales else (locales[0] if locales else ""),
    )


@router.get("/knowledge")
def knowledge_page(
    request: Request, desk: AtDesk, q: Asked = "", state: str = "", category: str = ""
) -> HTMLResponse:
    hits = desk.ask(q, 20) if q.strip() else None
    found = knowledge.entries(desk.site.engine, state=state or None, category=category or None)
    return show(
        request,
        "knowledge",
        q=q,
        hits=hits,
        entries=found,
        state=state,
        category=category,
        categories=sorted({one.category for one in found if one.category}),
        degraded=desk.degraded,
    )


@router.get("/knowledge/new")
def new_entry_page(
    request: Request, title: Annotated[str, Query(max_length=300)] = ""
) -> HTMLResponse:
    return show(request, "edit", entry=None, title=title)


@router.get("/knowledge/{entry_id}")
def entry_page(request: Request, entry_id: str, desk: AtDesk) -> HTMLResponse:
    entry = find(desk, entry_id)
    history = knowledge.revisions(desk.site.engine, entry_id)
    return show(request, "entry", entry=entry, body=to_html(entry.content), history=history)


@router.get("/knowledge/{entry_id}/edit")
def edit_entry_page(request: Request, entry_id: str, desk: AtDesk) -> HTMLResponse:
    return show(request, "edit", entry=find(desk, entry_id), title="")


@router.get("/events")
def events_page(
    request: Request,
    desk: AtDesk,
    text: Asked = "",
    threshold: Annotated[float, Query(ge=0, le=1)] = 0.85,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> HTMLResponse:
    asked = bool(text.strip())
    ready = desk.encoder() is not None
    matches = answers.match(desk.site, text, threshold=threshold, limit=limit) if (
        asked and ready) else []  # fmt: skip
    runbooks = answers.likely(desk.ask(text, answers.MAX_RUNBOOKS)) if asked else []
    return show(
        request,
        "events",
        text=text,
        threshold=threshold,
        limit=limit,
        asked=asked,
        matches=matches,
        runbooks=runbooks,
        degraded=desk.degraded,
    )


@router.get("/upload")
def upload_page(request: Request, desk: AtDesk) -> HTMLResponse:
    return show(request, "upload", uploads=uploads(desk))


@router.get("/upload/{name}")
def result_page(request: Request, name: str, desk: AtDesk) -> HTMLResponse:
    """What one uploaded file holds that is odd."""
    return show(request, "result", name=name, found=summary(desk, name))


@router.get("/docs")
def docs_page(request: Request) -> HTMLResponse:
    """The API as a table: the usual page loads its script from the internet."""
    paths = request.app.openapi()["paths"]
    calls = [
        {"method": method.upper(), "path": path, "what": does.get("description", "")}
        for path, methods in paths.items()
        for method, does in methods.items()
    ]
    return show(request, "docs", calls=calls)
