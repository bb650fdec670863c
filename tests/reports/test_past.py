"""Titles that only the store still has, and findings that came more than once in a night."""

import re
from dataclasses import replace

import pytest

from biglog.incidents.episodes import episodes
from biglog.incidents.words import title as record_title
from biglog.records import Day, Finding, FindingKind, Incident, Template
from biglog.reports.cards import cards
from biglog.reports.limits import PAGE
from biglog.reports.past import retold
from biglog.reports.verdict import title
from biglog.reports.voice import voice
from reports.night import DATE, at, busy_night

EN, ZH = voice("en", "UTC"), voice("zh", "UTC")

TITLES = [
    ("db on db1: new error “deadlock detected”, 10 times from 14:41",
     "db on db1 now says “deadlock detected”", "db（db1） 出现新日志“deadlock detected”"),
    ("db: again critical “disk full on …”, 3 times from 14:41",
     "db again says “disk full on …”", "db 再次出现“disk full on …”"),
    ("jobs on j1: silent for 110 minutes from 18:10",
     "jobs on j1 silent for 1 h 50 min", "jobs（j1） 沉默 1 小时 50 分钟"),
    ("jobs: “tick” stopped for 1,440 minutes from 00:00",
     "jobs without “tick” for 24 h", "jobs 已有 24 小时没有“tick”"),
    ("system: errors and warnings 13 times the usual rate from 01:46",
     "system errors and warnings at 13× the usual rate", "system 的错误和警告激增，为平常的 13 倍"),
    ("jobs: “sent” fell to 15 % of the usual rate from 10:02",
     "jobs “sent” at 15% of the usual rate", "jobs “sent”骤减，仅为平常的 15%"),
    ("jobs: “sent” 9 times where hardly one was expected, from 10:02",
     "jobs “sent” far above the usual rate", "jobs “sent”激增，远比平常频繁"),
    ("jobs: new value “a”, “b” in “task … of …”, 170 times from 17:12",
     "jobs “task … of …” with “a”, “b”, never seen there",
     "jobs “task … of …”中出现从未见过的“a”, “b”"),
    ("db: “took … ms” with high values, 8 times from 15:22",
     "db has values far above the usual", "db 出现远高于平常的数值"),
]  # fmt: skip


@pytest.mark.parametrize(("kept", "english", "chinese"), TITLES)
def test_a_kept_title_is_told_in_the_readers_words(kept, english, chinese):
    assert retold(kept, EN, 200).replace("\u00a0", " ") == english
    assert retold(kept, ZH, 200).replace("\u00a0", " ") == chinese


@pytest.mark.parametrize("kept", ["disk full", "db: something else from 14:41", "db: from 14:41"])
def test_a_title_of_an_unknown_form_stays_as_it_is(kept):
    assert retold(kept, ZH, 200) == kept


def test_a_long_line_in_a_title_is_cut_to_the_room_there_is():
    told = retold(f"db: new error “{'x' * 300}”, 2 times from 14:41", EN, 80)
    assert len(told) <= 80
    assert told.endswith("x…”")


def test_no_brace_or_bracket_of_a_log_line_is_looked_at():
    told = retold("db: new error “{0.__class__} (?P<x>)”, 2 times from 14:41", EN, 200)
    assert told == "db now says “{0.__class__} (?P<x>)”"


SILENCE = Finding(
    "f", DATE, "silence", "jobs", "jobs", "j1", "", "", at("10:10"), at("12:30"), 0.9, 0, 317.0,
    "silent", {"minutes": 140, "longest_pause_minutes": 30, "history_days": 12, "episodes": [
        [at("10:10").isoformat(), at("12:30").isoformat(), 0],
        [at("18:10").isoformat(), at("20:00").isoformat(), 0]]},
)  # fmt: skip
EVENING = Incident(
    "i", DATE, 1, "jobs on j1: silent for 110 minutes from 18:10", 64,
    {"level": 0.8, "spread": 0.0}, "new", 1, ("jobs",), ("j1",), at("18:10"), at("20:00"),
    ("f",), "", "",
)  # fmt: skip


def test_an_incident_tells_of_its_own_stretch_of_a_finding():
    night = replace(busy_night(), findings=(SILENCE,), incidents=(EVENING,))
    assert title(night, EVENING, EN, 200) == "jobs silent for 1 h 50 min"
    (card,) = cards(night, EN, PAGE[0])
    (row,) = card.findings
    assert row.reason == (
        "jobs on j1 wrote no lines for 1 h 50 min (18:10 – 20:00); the longest pause so far was "
        "30 min."
    )
    assert (row.expected, row.change) == ("", "")
    assert [one.label for one in card.factors] == ["level"]


def test_the_main_stretch_is_told_with_what_was_expected():
    morning = replace(EVENING, started_at=at("10:00"), ended_at=at("12:30"))
    night = replace(busy_night(), findings=(SILENCE,), incidents=(morning,))
    (row,) = cards(night, EN, PAGE[0])[0].findings
    assert "where about 317 are usual" in row.reason


@pytest.mark.parametrize("kind", FindingKind.__args__)
@pytest.mark.parametrize("template_id", ["t", ""])
def test_every_title_that_a_record_gets_is_one_we_can_tell(kind, template_id):
    facts = {"change": 6.7, "new": ["a"]}
    found = replace(
        SILENCE, kind=kind, template_id=template_id, level="ERROR", count=12, expected=80.0,
        evidence=facts,
    )  # fmt: skip
    day = Day(DATE, None, {"t": Template("t", "sent <*> 邮件", "")}, None, None, ())
    (worst,) = episodes([found])
    told = retold(record_title(worst, day), ZH, 200)
    assert told.startswith("jobs（j1） ")
    assert not re.search("[a-z]{2}", told.removeprefix("jobs（j1）").replace("sent", "")), told
