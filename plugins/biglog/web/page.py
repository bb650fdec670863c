"""One page: its template, the words of its language, its links, and what it may load."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from biglog.reports.render import pages
from biglog.web.voice import choose, load


def show(request: Request, name: str, /, *, status: int = 200, **values: Any) -> HTMLResponse:
    """The template ``web/<name>.html.j2`` with its values, each escaped."""
    lang = choose(request.query_params.get("lang", ""), request.headers.get("accept-language", ""))
    words, nonce = load()[lang], secrets.token_urlsafe(16)
    page = pages().get_template(f"web/{name}.html.j2")
    text = page.render(
        **values,
        page=name,
        status=status,
        lang=lang,
        say=words.say,
        root=request.scope.get("root_path", ""),
        link=Links(request.scope.get("root_path", ""), lang),
        elsewhere=other_language(request, lang),
        nonce=nonce,
        style=asset("web.css"),
        script=asset("web.js"),
    )
    return HTMLResponse(text, status, headers=dict(headers(nonce)))


class Links:
    """Addresses inside BigLog that keep the reader's language."""

    def __init__(self, root: str, lang: str) -> None:
        self.root = root
        self.lang = lang

    def __call__(self, path: str, **query: Any) -> str:
        asked = {k: v for k, v in query.items() if v not in ("", None)}
        return f"{self.root}{path}?{urlencode({**asked, 'lang': self.lang})}"


def other_language(request: Request, lang: str) -> str:
    query = {**request.query_params, "lang": "en" if lang == "zh" else "zh"}
    return f"{request.url.path}?{urlencode(query)}"


@lru_cache
def asset(name: str) -> Markup:
    """Our own style or script, as it goes into the page."""
    return Markup(pages().get_template(f"web/{name}").render())


def headers(nonce: str) -> Mapping[str, str]:
    """Nothing but this page's own style and script runs; only Airflow may frame it."""
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
            "connect-src 'self'; img-src 'self' data:; frame-src 'self'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'self'"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
