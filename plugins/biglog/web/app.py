"""The app that Airflow's API server mounts under /biglog."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from airflow.api_fastapi.core_api.security import get_user
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import JSONResponse

from biglog import __version__, installation
from biglog.installation import Site
from biglog.web import entries, nights, pages, uploads
from biglog.web.access import check_origin, may_read
from biglog.web.desk import Desk
from biglog.web.limits import LimitBody
from biglog.web.problems import handle_problems

# In this order: who is it, may they read, did they mean to.
GUARDS = [Depends(get_user), Depends(may_read), Depends(check_origin)]


def create_app(open_site: Callable[[], Site] = installation.open_site) -> FastAPI:
    """The app; the database is opened by the first request that needs it."""
    app = FastAPI(
        title="BigLog",
        version=__version__,
        dependencies=GUARDS,
        lifespan=lifespan,
        # The framework's own routes for these are open to everybody; ours are below.
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.desk = Desk(open_site)
    api = APIRouter(prefix="/api/v1")
    for room in (nights.router, entries.router, uploads.router):
        api.include_router(room)
    app.include_router(api)
    app.include_router(pages.router)
    app.add_api_route("/openapi.json", openapi, include_in_schema=False)
    app.add_middleware(LimitBody)
    handle_problems(app)
    return app


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.desk.close()


def openapi(request: Request) -> JSONResponse:
    described: dict[str, Any] = request.app.openapi()
    root = request.scope.get("root_path", "")
    return JSONResponse({**described, "servers": [{"url": root or "/"}]})
