"""Errors as the caller sees them: ``application/problem+json``, or a page for a browser."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from biglog.errors import BadInput, TryAgain
from biglog.web.page import show

log = logging.getLogger(__name__)
MEDIA = "application/problem+json"


class Problem(Exception):
    """A refusal with its status and one plain sentence."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


def problem(status: int, detail: str, **more: Any) -> JSONResponse:
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return JSONResponse(body, status_code=status, media_type=MEDIA)


def refuse(request: Request, status: int, detail: str, **more: Any) -> Response:
    """The problem as the caller reads it: a browser that opens a page gets a page."""
    wants_page = "text/html" in request.headers.get("accept", "")
    if not wants_page or "/api/" in request.url.path:
        return problem(status, detail, **more)
    heading = f"problem_{status}" if status in (401, 403, 404) else "problem"
    login = f"/auth/login?{urlencode({'next': str(request.url.path)})}"
    return show(request, "problem", status=status, heading=heading, detail=detail, login=login)


def handle_problems(app: FastAPI) -> None:
    """Every error of the app becomes a problem."""
    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(BadInput, on_bad_input)
    app.add_exception_handler(TryAgain, on_try_again)
    app.add_exception_handler(Exception, on_surprise)


async def on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    answer = refuse(request, error.status, error.detail)
    answer.headers.update(error.headers)
    return answer


async def on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = refuse(request, error.status_code, str(error.detail))
    answer.headers.update(error.headers or {})
    if error.status_code == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


async def on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"pointer": "/" + "/".join(map(str, one["loc"])), "message": one["msg"]}
        for one in error.errors()
    ]
    first = errors[0]
    return refuse(request, 422, f"{first['pointer']}: {first['message']}", errors=errors)


async def on_bad_input(request: Request, error: Exception) -> Response:
    return refuse(request, 400, str(error))


async def on_try_again(request: Request, error: Exception) -> Response:
    answer = refuse(request, 503, str(error))
    answer.headers["Retry-After"] = "10"
    return answer


async def on_surprise(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return refuse(request, 500, "something failed inside BigLog; the API server's log has it")
