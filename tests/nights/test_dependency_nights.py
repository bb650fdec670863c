"""Nights whose requests and traces show who calls whom, and a fault that others depend on."""

import json

import pytest
from small_nights import run_night
from sqlalchemy import text

from biglog import settings

SOURCES = """
[[source]]
name = "apps"
path = "landing/{date}.jsonl"
format = "json_lines"

[[traces]]
name = "spans"
path = "traces/{date}*.jsonl"
"""
DATES = [f"2026-11-{day:02d}" for day in range(2, 6)]
TONIGHT = DATES[-1]
PATHS = ("/pay", "/cart", "/search")


def line(date, minute, second, service, said, level="INFO", **fields):
    at = f"{date}T{minute // 60:02d}:{minute % 60:02d}:{second:02d}Z"
    return json.dumps(
        {"timestamp": at, "level": level, "service": service, "message": said, **fields}
    )


def written(date):
    """A request every fifth minute; tonight the database's disk is full in the afternoon."""
    for minute in range(0, 1440, 5):
        key = f"{date[8:]}f{minute:04d}e7b2a941"
        path = PATHS[minute % 3]
        yield line(date, minute, 1, "web", f"GET {path} for user {minute}", request_id=key)
        yield line(date, minute, 2, "shop", f"request {key} begins")
        yield line(date, minute, 3, "db", f"statement took {minute % 7} ms", request_id=key)
        yield line(date, minute, 4, "shop", f"request {key} is done")
        yield line(date, minute, 5, "web", f"{path} answered 200 in 3 ms", request_id=key)
        if date == TONIGHT and 840 <= minute < 960:
            for second in range(10, 40):
                said = "could not extend table: No space left on device"
                yield line(date, minute, second, "db", said, "CRITICAL")


def exported(service, own, parent):
    span = {"traceId": "ab" * 16, "spanId": own, "parentSpanId": parent}
    about = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    scopes = [{"spans": [span]}]
    return json.dumps({"resourceSpans": [{"resource": about, "scopeSpans": scopes}]})


@pytest.fixture
def home(tmp_path):
    (tmp_path / "landing").mkdir()
    (tmp_path / "traces").mkdir()
    (tmp_path / "sources.toml").write_text(SOURCES, "utf-8")
    for date in DATES:
        lines = "\n".join(written(date))
        (tmp_path / "landing" / f"{date}.jsonl").write_text(lines, "utf-8")
    (tmp_path / "traces" / f"{DATES[0]}.jsonl").write_text("no spans\n", "utf-8")
    spans = [exported("mobile", "a1", ""), exported("web", "b1", "a1")]
    for part in range(3):
        path = tmp_path / "traces" / f"{TONIGHT}.{part}.jsonl"
        path.write_text("\n".join(spans).replace("abab", f"a{part}b{part}"), "utf-8")
    return tmp_path


def asked(site, query):
    with site.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_calls_are_kept_and_the_report_says_who_else_depends_on_the_fault(site, home):
    assert [one.name for one in settings.load(home).trace_sources] == ["spans"]
    for date in DATES:
        run_night(site, date, sources=("apps",))
    kept = asked(
        site,
        "SELECT caller, callee, ways, confidence > 0.5 FROM biglog_report.service_dependencies"
        f" WHERE date = '{TONIGHT}' ORDER BY caller",
    )
    assert kept == [
        ("mobile", "web", ["trace"], True),
        ("shop", "db", ["shared_id"], True),
        ("web", "shop", ["shared_id"], True),
    ]
    notes = asked(site, "SELECT note FROM biglog.stage_run WHERE stage = 'correlate' ORDER BY date")
    assert "traces spans were not read" in notes[0][0]
    assert notes[1][0] == "2 calls between services; traces spans: 0 spans"
    assert notes[3][0] == "3 calls between services; traces spans: 6 spans"
    pages = {
        locale: (home / "reports" / "2026-11" / f"{TONIGHT}.{locale}.html").read_text("utf-8")
        for locale in ("en", "zh")
    }
    assert "Also depending on it: shop, web (through shop), mobile (through web)" in pages["en"]
    assert "还依赖它的服务：shop、web（经由 shop）、mobile（经由 web）" in pages["zh"]


def test_a_night_that_is_analysed_again_leaves_the_same_calls(site, home):
    run_night(site, DATES[1], sources=("apps",))
    query = "SELECT * FROM biglog.dependency ORDER BY date, caller, callee"
    once = asked(site, query)
    assert len(once) == 2
    run_night(site, DATES[1], sources=("apps",))
    assert asked(site, query) == once
