"""What BigLog adds to Airflow: its app under /biglog, and an entry in the navigation."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

log = logging.getLogger(__name__)
PREFIX = "/biglog"


def base_path() -> str:
    """The path under which the API server is reached, from ``[api] base_url``; often empty."""
    return urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")


class BigLogPlugin(AirflowPlugin):  # type: ignore[misc]
    name = "biglog"
    external_views = [  # noqa: RUF012
        {
            "name": "BigLog",
            "href": f"{base_path()}{PREFIX}/",
            "url_route": "biglog",
            "destination": "nav",
            "category": "browse",
        }
    ]

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:
        """Only the API server asks for it; what fails here must not stop that server."""
        try:
            from biglog.web.app import create_app

            return [{"app": create_app(), "url_prefix": PREFIX, "name": "BigLog"}]
        except Exception:
            log.exception("BigLog's pages are off: the app could not be made")
            return []
