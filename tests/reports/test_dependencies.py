"""What the report says of causes' evidence and of who depends on whom, in both languages."""

from dataclasses import replace

import pytest

from biglog.records import Cause, Depending, Similar
from biglog.reports.render import render
from biglog.settings import ReportSettings
from reports.night import busy_night
from reports.reading import read

REASONS = (
    "db: nginx, which depends on it, shows trouble.",
    "db: 2 services that depend on it show trouble: nginx, shop; it shows trouble of its own.",
    "shop: it depends on db, which shows trouble too.",
)
CHANGES = (
    "db: it says “lock on … waits” far more often than usual, and no other service is as odd in "
    "that; requests wait longest at it, against their usual.",
    "db: it says “checkpoint done” far more rarely than usual, and no other service is as odd in "
    "that.",
)
REACH = (Depending("nginx", "", 0.9), Depending("<b>mobile</b>", "nginx", 0.4))
SAID = {
    "en": (
        "nginx, which depends on it, shows trouble",
        "2 services that depend on it show trouble: nginx, shop; shows trouble of its own",
        "depends on db, which shows trouble too",
        "Also depending on it: nginx, <b>mobile</b> (through nginx)",
    ),
    "zh": (
        "依赖它的 nginx 也出现异常",
        "依赖它的 2 个服务出现异常：nginx, shop；自身也有异常",
        "它依赖的 db 也出现异常",
        "还依赖它的服务：nginx、<b>mobile</b>（经由 nginx）",
    ),
}

CHANGED = {
    "en": (
        "says “lock on … waits” far more often than usual, as no other service does; "
        "requests wait longest at it, against their usual",
        "says “checkpoint done” far more rarely than usual",
    ),
    "zh": (
        "“lock on … waits”出现得远比平时频繁，别的服务都没有这样反常；"
        "与平时相比，请求在它这里等得最久",
        "“checkpoint done”出现得远比平时少",
    ),
}


@pytest.mark.parametrize("locale", SAID)
def test_a_card_says_who_depends_on_whom(locale):
    night = busy_night()
    causes = tuple(Cause("db", "db1", "", 0.5, reason) for reason in REASONS)
    worst = replace(night.incidents[0], causes=causes, depending=REACH)
    text = read(render(replace(night, incidents=(worst,)), ReportSettings(), locale)).text()
    for words in SAID[locale]:
        assert words in text


@pytest.mark.parametrize("locale", CHANGED)
def test_a_card_says_what_a_service_says_otherwise(locale):
    night = busy_night()
    causes = tuple(Cause("db", "db1", "", 0.5, reason) for reason in CHANGES)
    worst = replace(night.incidents[0], causes=causes)
    text = read(render(replace(night, incidents=(worst,)), ReportSettings(), locale)).text()
    for words in CHANGED[locale]:
        assert words in text


def test_what_was_told_of_a_past_incident_is_in_the_readers_language():
    night = busy_night()
    past = Similar("incident", "d46f", "worker: killed", 0.8, REASONS[0], "2026-11-10")
    worst = replace(night.incidents[0], similar=(past,))
    text = read(render(replace(night, incidents=(worst,)), ReportSettings(), "zh")).text()
    assert "db：依赖它的 nginx 也出现异常" in text


def test_a_card_says_nothing_where_nobody_depends_on_it():
    assert "depending on it" not in render(busy_night(), ReportSettings(), "en")
