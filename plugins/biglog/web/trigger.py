"""DAG runs started for a person, with that person's own permission."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
from fastapi import Request

from biglog.web.problems import Problem

COOKIE = "_token"
SECONDS = 30.0


def token_of(request: Request) -> str:
    """The caller's own token: the bearer's, else the login cookie's."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if kind.lower() == "bearer" else request.cookies.get(COOKIE, "")


async def trigger_dag(dag_id: str, conf: Mapping[str, Any], *, token: str) -> str:
    """Start a run through Airflow's REST API in this process; its run id.

    Raises Problem with Airflow's own status where it refuses.
    """
    from airflow.api_fastapi.app import cached_app

    transport = httpx.ASGITransport(app=cached_app())
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", timeout=SECONDS
    ) as client:
        answer = await client.post(
            f"/api/v2/dags/{dag_id}/dagRuns",
            json={"logical_date": None, "conf": dict(conf)},
            headers={"Authorization": f"Bearer {token}"},
        )
    if answer.status_code >= 400:
        raise Problem(answer.status_code, f"Airflow did not start {dag_id}: {reason(answer)}")
    return str(answer.json()["dag_run_id"])


def reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("detail", ""))[:500]
    except ValueError:
        return answer.text[:200]
