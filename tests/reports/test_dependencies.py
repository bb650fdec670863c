"""What the report says of services that depend on one another, in both languages."""

from dataclasses import replace

import pytest

from biglog.records import Cause, Depending
from biglog.reports.render import render
from biglog.settings import ReportSettings
from reports.night import busy_night
from reports.reading import read

REASONS = (
    "db: nginx, which depends on it, shows trouble.",
    "db: 2 services that depend on it show trouble: nginx, shop; it shows trouble of its own.",
    "shop: it depends on db, which shows trouble too.",
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


@pytest.mark.parametrize("locale", SAID)
def test_a_card_says_who_depends_on_whom(locale):
    night = busy_night()
    causes = tuple(Cause("db", "db1", "", 0.5, reason) for reason in REASONS)
    worst = replace(night.incidents[0], causes=causes, depending=REACH)
    text = read(render(replace(night, incidents=(worst,)), ReportSettings(), locale)).text()
    for words in SAID[locale]:
        assert words in text


def test_a_card_says_nothing_where_nobody_depends_on_it():
    assert "depending on it" not in render(busy_night(), ReportSettings(), "en")
