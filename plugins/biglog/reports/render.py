"""The page as HTML: one file that asks nothing of the network and reads with scripts off."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from biglog import __version__
from biglog.records import Night
from biglog.reports.limits import PAGE, PAGE_BYTES, Limits, fit
from biglog.reports.page import build
from biglog.reports.voice import Voice, voice
from biglog.settings import PROJECT, ReportSettings

TEMPLATES = PROJECT / "reports" / "templates"


def render(night: Night, settings: ReportSettings, locale: str) -> str:
    """The night's page in one language, 2 MB at most; the same night gives the same bytes.

    Raises BadInput for a locale, time zone or date that does not exist.
    """
    speaker = voice(locale, settings.timezone)
    return fit(lambda limits: write_page(night, speaker, limits), PAGE, PAGE_BYTES)


def write_page(night: Night, speaker: Voice, limits: Limits) -> str:
    page = build(night, speaker, limits, version=__version__)
    return fill("report.html.j2", speaker, {"page": page, "policy": policy()})


def fill(name: str, speaker: Voice, values: Mapping[str, Any]) -> str:
    """A template with its values; ``.html.j2`` escapes each of them, ``.txt.j2`` none."""
    room = pages() if name.endswith(".html.j2") else letters()
    return room.get_template(name).render(values, voice=speaker, say=speaker.say)


@lru_cache
def pages() -> Environment:
    return environment(escape=True)


@lru_cache
def letters() -> Environment:
    return environment(escape=False)


def environment(*, escape: bool) -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def policy() -> str:
    """Content-Security-Policy of a page: our own style and script by their hashes, nothing else."""
    return (
        "default-src 'none'; "
        f"style-src {digest('report.css')}; script-src {digest('report.js')}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


@lru_cache
def digest(name: str) -> str:
    text = pages().get_template(name).render()
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
