"""Who may do what: Airflow's login for every route, its DAG permission for every write."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
from airflow.configuration import conf
from fastapi import Depends, Request

from biglog.web.problems import Problem

SAFE = ("GET", "HEAD", "OPTIONS")
DAG = "knowledge_base"
TYPES = ("application/json", "application/octet-stream")

User = Annotated[Any, Depends(get_user)]
may_read = requires_access_dag("GET", param_dag_id=DAG)
may_write = requires_access_dag("PUT", param_dag_id=DAG)


def name_of(user: Any) -> str:
    """The user's name as it is kept beside what they wrote."""
    return str(user.get_name())


def same_origin(request: Request) -> None:
    """Refuse a change that another site made the browser send along with the login cookie.

    A bearer token is never sent by the browser itself, so a call with one needs no such proof.
    """
    if request.method in SAFE or request.headers.get("authorization"):
        return
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in TYPES:
        raise Problem(415, f"content type {kind or 'none'}; send application/json")
    if not from_here(request):
        raise Problem(403, "this change came from another site; open BigLog's own page")


def from_here(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = urlsplit(request.headers.get("origin", "")).netloc
    public = urlsplit(conf.get("api", "base_url", fallback="") or "").netloc
    return bool(origin) and origin in (request.headers.get("host", ""), public)


async def check_origin(request: Request) -> None:
    same_origin(request)
