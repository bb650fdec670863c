"""Nobody gets in without Airflow's login; a viewer reads; an operator writes."""

import re

import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

ENTRY = {"title": "Disk full", "content": "## Symptoms\n\nNo space left on device"}


def every_call(app):
    """Method and address of every route, its parameters filled in."""
    for route in app.routes:
        assert isinstance(route, APIRoute), f"{route} is no guarded route"
        for method in sorted(route.methods):
            yield method, re.sub(r"{[^}]*}", "2026-11-20", route.path)


def test_every_route_refuses_an_anonymous_caller(app, call):
    calls = list(every_call(app))
    assert len(calls) > 25
    refused = {(m, path): call().request(m, path).status_code for m, path in calls}
    assert {key: status for key, status in refused.items() if status != 401} == {}


def test_every_route_refuses_a_forged_token(app, call):
    caller = call(Authorization="Bearer not.a.token")
    assert {caller.request(m, path).status_code for m, path in every_call(app)} == {403}


def test_the_frameworks_own_open_pages_are_off(app):
    paths = [route.path for route in app.routes if isinstance(route, BaseRoute)]
    assert [p for p in paths if "redoc" in p or "oauth2" in p] == []
    assert app.docs_url is app.openapi_url is None


def test_a_browser_gets_a_page_that_leads_to_the_login(call):
    answer = call(Accept="text/html").get("/knowledge")
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/html")
    assert 'href="/auth/login?next=%2Fbiglog%2Fknowledge"' in answer.text


def test_a_viewer_reads_but_cannot_write(call):
    viewer = call("VIEWER")
    assert viewer.get("/api/v1/knowledge").status_code == 200
    assert viewer.post("/api/v1/knowledge/search", json={"query": "disk"}).status_code == 200
    refused = [
        viewer.post("/api/v1/knowledge", json=ENTRY),
        viewer.put("/api/v1/knowledge/x", json=ENTRY),
        viewer.delete("/api/v1/knowledge/x"),
        viewer.put("/api/v1/feedback", json={"incident_id": "i", "kind": "confirm"}),
        viewer.post("/api/v1/uploads?file=a.log", content=b"line\n"),
    ]
    assert [one.status_code for one in refused] == [403] * 5
    assert viewer.get("/api/v1/knowledge").json()["total_entries"] == 0


@pytest.mark.parametrize("role", ["USER", "OP", "ADMIN"])
def test_who_may_edit_dags_may_write(call, role):
    assert call(role).post("/api/v1/knowledge", json=ENTRY).status_code == 201


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Origin": "http://testserver"}, 201),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
)
def test_a_cookie_writes_only_from_our_own_page(call, token, headers, status):
    caller = call(**headers)
    caller.cookies.set("_token", token("OP"))
    assert caller.post("/api/v1/knowledge", json=ENTRY).status_code == status


def test_a_form_of_another_site_cannot_post(call, token):
    caller = call(Origin="http://testserver")
    caller.cookies.set("_token", token("OP"))
    answer = caller.post("/api/v1/knowledge", data=ENTRY)
    assert answer.status_code == 415
    plain = caller.post("/api/v1/knowledge", content="{}", headers={"Content-Type": "text/plain"})
    assert plain.status_code == 415


def test_a_body_has_a_limit_whatever_it_says_of_itself(call):
    operator = call("OP")
    big = {**ENTRY, "content": "x" * 1_100_000}
    assert operator.post("/api/v1/knowledge", json=big).status_code == 413
    pieces = (b"x" * 100_000 for _ in range(11))
    answer = operator.post(
        "/api/v1/knowledge", content=pieces, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
