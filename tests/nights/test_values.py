"""A night whose lines only say that things take longer, and a status that was never seen."""

import json

import pytest

from biglog import lake, pipeline

SOURCE = """
[[source]]
name = "billing"
path = "landing/{date}.log"
format = "python_logging"
service = "billing"
host = "bill1"
"""
DATES = [f"2026-11-{day:02d}" for day in range(2, 10)]
TONIGHT = DATES[-1]
STAGES = ("check", "embed", "cluster", "detect", "correlate", "publish", "render")


def line(date, minute, content):
    return f"{date} {minute // 60:02d}:{minute % 60:02d}:00,000 INFO billing: {content}\n"


def written(date):
    """Every fifth minute of a night; tonight the afternoon is slow and pages are not found."""
    for minute in range(0, 1440, 5):
        slow = date == TONIGHT and 840 <= minute < 960
        took = 5000 + minute if slow else 20 + 7 * minute % 60
        yield line(date, minute, f"invoice {minute * 37 % 9000} written in {took} ms")
        yield line(date, minute, f"page {minute * 31 % 700} answered {404 if slow else 200}")


@pytest.fixture
def home(tmp_path):
    (tmp_path / "landing").mkdir()
    (tmp_path / "sources.toml").write_text(SOURCE, "utf-8")
    for date in DATES:
        (tmp_path / "landing" / f"{date}.log").write_text("".join(written(date)), "utf-8")
    return tmp_path


def test_values_become_findings_an_incident_and_sentences(site, home):
    for date in DATES:
        for stage in ("ingest", "parse"):
            pipeline.run(stage, site, date, "billing")
    for stage in STAGES:
        pipeline.run(stage, site, TONIGHT)
    path = lake.night(site.settings.lake, TONIGHT, "findings")
    found = json.loads(path.read_text("utf-8"))
    assert {one["kind"] for one in found} == {"value_up", "new_value"}
    assert all(one["started_at"][11:16] == "14:00" and one["count"] == 24 for one in found)
    english, chinese = (
        (home / "reports" / "2026-11" / f"{TONIGHT}.{locale}.html").read_text("utf-8")
        for locale in ("en", "zh")
    )
    assert "Up to 5.96 s in 24 lines at billing on bill1" in english
    assert (
        "the highest of 2,016 values in this kind of line on 7 earlier nights was 75 ms." in english
    )
    assert "“404” in 24 lines at billing on bill1" in english
    assert "数值最高达到 5.96 秒" in chinese
    assert "在此处只有“200”" in chinese
    once = path.read_bytes()
    pipeline.run("detect", site, TONIGHT)
    assert path.read_bytes() == once
