"""Nights through the API and the pages: published, rendered, read back, spoken about."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from biglog.records import Cause, Coverage, Finding, Incident, Night, Template
from biglog.store import ledger, write

DATE = "2026-11-20"
AT = datetime(2026, 11, 20, 2, 14, tzinfo=UTC)
LINE = "No space left on device <script>alert(1)</script>"
FULL = Template("t1", "No space left on device <*>", "No space left on device [FILE]", example=LINE)
FINDING = Finding(
    "f1", DATE, "new_template", "shop", "orders-db", "node-17", "t1", "ERROR", AT, AT, 0.9, 12, 0.0,
    "never seen before", example=LINE,
)  # fmt: skip
INCIDENT = Incident(
    incident_id="i1",
    date=DATE,
    rank=1,
    title="orders-db: disk full",
    severity=82,
    factors={"novelty": 1.0},
    state="new",
    day=1,
    services=("orders-db",),
    hosts=("node-17",),
    started_at=AT,
    ended_at=AT,
    finding_ids=("f1",),
    first_line=LINE,
    worst_line=LINE,
    causes=(Cause("orders-db", "node-17", "t1", 0.7, "first unusual line"),),
)
NIGHT = Night(
    DATE,
    (Coverage("shop", DATE, "complete", files=1, bytes=9, lines=120),),
    (FINDING,),
    (INCIDENT,),
    (),
    {"t1": FULL},
    history_days=20,
    model_id="m",
)


@pytest.fixture
def night(site):
    write.merge_templates(site.engine, (FULL,), source="shop", date=DATE)
    for one in NIGHT.coverage:
        write.save_coverage(site.engine, one)
    write.publish(site.engine, NIGHT)
    return NIGHT


@pytest.fixture
def page(site, night):
    """The night's stored pages."""
    for locale in ("zh", "en"):
        path = site.settings.reports / "2026-11" / f"{DATE}.{locale}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"<!doctype html><title>{locale}</title>", "utf-8")
        relative = str(path.relative_to(site.settings.home))
        ledger.save_report(site.engine, ledger.Report(DATE, locale, relative, "0" * 64, 9))
    return path


def test_reports_and_incidents_and_findings(call, page):
    viewer = call("VIEWER")
    reports = viewer.get("/api/v1/reports").json()
    assert reports == {
        "reports": [{"date": DATE, "locales": ["en", "zh"]}],
        "total_entries": 1,
    }
    night = viewer.get(f"/api/v1/reports/{DATE}").json()
    assert (night["findings"], night["coverage"][0]["lines"]) == (1, 120)
    incidents = viewer.get("/api/v1/incidents", params={"date": DATE}).json()
    assert [(i["incident_id"], i["severity"]) for i in incidents["incidents"]] == [("i1", 82)]
    findings = viewer.get("/api/v1/findings", params={"date": DATE}).json()
    assert findings["findings"][0]["reason"] == "never seen before"
    assert viewer.get("/api/v1/templates?q=SPACE").json()["total_entries"] == 1
    assert viewer.get("/api/v1/templates?q=zzz").json()["total_entries"] == 0
    assert viewer.get("/api/v1/health").json()["nights"] == 1
    assert viewer.get("/api/v1/version").json()["api"] == "v1"


@pytest.mark.parametrize(("locale", "title"), [("", "zh"), ("zh", "zh"), ("en", "en")])
def test_a_stored_page_runs_without_our_origin(call, page, locale, title):
    answer = call("VIEWER").get(f"/api/v1/reports/{DATE}/html", params={"locale": locale})
    assert f"<title>{title}</title>" in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "sandbox allow-scripts" in policy
    assert "allow-same-origin" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "../outside.html",
        "reports/../outside.html",
        "/etc/passwd",
        "reports/2026-11",
        "reports/2026-11/none.html",
        "reports/link.html",
    ],
)
def test_nothing_outside_the_reports_folder_is_served(call, site, page, path):
    (site.settings.home / "outside.html").write_text("secret")
    (site.settings.reports / "link.html").symlink_to(site.settings.home / "outside.html")
    ledger.save_report(site.engine, ledger.Report(DATE, "zh", path, "0" * 64, 9))
    answer = call("VIEWER").get(f"/api/v1/reports/{DATE}/html?locale=zh")
    assert answer.status_code == 404
    assert "secret" not in answer.text
    assert "root:" not in answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/reports/2026-11-21", 404),
        ("/api/v1/reports/2026-02-31", 422),
        ("/api/v1/reports/..%2F..%2Fetc%2Fpasswd/html", 404),
        ("/api/v1/reports/yesterday/html", 422),
        (f"/api/v1/reports/{DATE}/html?locale=../../x", 404),
        ("/api/v1/incidents", 422),
        ("/api/v1/incidents?date=x", 422),
        ("/reports/2026-11-21", 404),
        ("/api/v1/nothing", 404),
    ],
)
def test_what_is_not_there_is_a_problem(call, page, path, status):
    answer = call("VIEWER").get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_the_pages_show_the_night_and_its_lines_as_text(call, page):
    viewer = call("VIEWER")
    listed = viewer.get("/?lang=en").text
    assert f"/biglog/reports/{DATE}?lang=en" in listed
    shown = viewer.get(f"/reports/{DATE}?lang=en").text
    assert "1. orders-db now says “No space left on device …”" in shown
    assert "No space left on device &lt;script&gt;" in shown
    assert "<script>alert" not in shown
    assert f'src="/biglog/api/v1/reports/{DATE}/html?locale=en" sandbox="allow-scripts"' in shown
    chinese = viewer.get(f"/reports/{DATE}?lang=zh").text
    assert "/html?locale=zh" in chinese
    assert "1. orders-db 出现新日志“No space left on device …”" in chinese
    assert "▲ 严重 82" in chinese


@pytest.mark.parametrize(
    ("role", "path", "lang", "words"),
    [
        ("VIEWER", "/reports/2026-11-21", "zh", ["没有找到", "回到每晚日报", "biglog run --date"]),
        ("VIEWER", "/reports/2026-11-21", "en", ["Not found", "Back to the nightly reports"]),
        (None, "/knowledge", "zh", ["请先登录", "/auth/login?next=%2Fbiglog%2Fknowledge"]),
        (None, "/knowledge", "en", ["Sign in first"]),
    ],
)
def test_a_browser_gets_a_problem_as_a_page_in_its_language(call, night, role, path, lang, words):
    answer = call(role, Accept="text/html", **{"Accept-Language": lang}).get(path)
    assert answer.status_code == (404 if role else 401)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert 'name="viewport"' in answer.text
    assert [one for one in words if one not in answer.text] == []


def test_feedback_is_kept_with_who_said_it(call, night):
    operator = call("OP")
    mute = {"incident_id": "i1", "kind": "mute", "note": "known until Friday", "days": 3}
    said = operator.put("/api/v1/feedback", json=mute)
    assert said.status_code == 200
    row = said.json()["feedback"][0]
    assert (row["kind"], row["author"], row["note"]) == ("mute", "op", "known until Friday")
    assert row["expires_at"]
    assert "known until Friday" in operator.get(f"/reports/{DATE}?lang=en").text
    listed = call("VIEWER").get("/api/v1/feedback", params={"incident_id": "i1"}).json()
    assert listed["total_entries"] == 1


def test_a_confirmed_incident_begins_a_knowledge_entry_once(call, night):
    operator = call("OP")
    confirm = {"incident_id": "i1", "kind": "confirm"}
    entry = operator.put("/api/v1/feedback", json=confirm).json()["draft"]
    shown = operator.get(f"/api/v1/knowledge/{entry}").json()
    assert (shown["state"], shown["title"]) == ("draft", INCIDENT.title)
    assert INCIDENT.worst_line in shown["content"]
    changed = {"title": "mine", "content": "done by hand", "state": "published"}
    operator.put(f"/api/v1/knowledge/{entry}", json=changed, headers={"If-Match": '"1"'})
    assert operator.put("/api/v1/feedback", json=confirm).json()["draft"] == entry
    assert operator.get(f"/api/v1/knowledge/{entry}").json()["title"] == "mine"
    assert f"/knowledge/{entry}" in operator.get(f"/reports/{DATE}").text
    unknown = {"incident_id": "i9", "kind": "confirm"}
    assert operator.put("/api/v1/feedback", json=unknown).json()["draft"] == ""


def test_what_was_said_can_be_taken_back(call, night):
    operator = call("OP")
    mute = {"incident_id": "i1", "kind": "mute", "note": "known"}
    number = operator.put("/api/v1/feedback", json=mute).json()["feedback_id"]
    assert call("VIEWER").delete(f"/api/v1/feedback/{number}").status_code == 403
    assert operator.delete(f"/api/v1/feedback/{number}").json() == {"withdrawn": number}
    page = operator.get(f"/reports/{DATE}?lang=en").text
    assert "withdrawn" in page
    assert f"/feedback/{number}" not in page
    assert operator.delete("/api/v1/feedback/999").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"incident_id": "i1", "kind": "mute"},
        {"incident_id": "i1", "kind": "confirm", "days": 3},
        {"incident_id": "i1", "kind": "shout"},
        {"incident_id": "i1", "kind": "mute", "note": "x", "days": 0},
        {"kind": "confirm"},
    ],
)
def test_feedback_that_makes_no_sense_is_refused(call, night, body):
    assert call("OP").put("/api/v1/feedback", json=body).status_code == 422


def test_events_need_a_model(call, night):
    answer = call("OP").post("/api/v1/events/match", json={"text": "disk full"})
    assert answer.status_code == 503
    assert "model" in answer.json()["detail"]


def test_a_database_that_is_away_is_said(call, site, monkeypatch):
    from biglog.store import connect

    away = connect.engine("postgresql://nobody@127.0.0.1:1/none")
    object.__setattr__(site, "engine", away)
    answer = call("VIEWER").get("/api/v1/reports")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "does not answer" in answer.json()["detail"]


def test_a_night_of_two_incidents_is_ordered(call, site):
    second = replace(INCIDENT, incident_id="i2", rank=2, title="second", severity=30)
    write.publish(site.engine, replace(NIGHT, incidents=(second, INCIDENT)))
    page = call("VIEWER").get(f"/reports/{DATE}").text
    assert page.index("1. orders-db") < page.index("2. orders-db")
