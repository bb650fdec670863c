from dataclasses import replace

import pytest

from biglog.records import Mute
from biglog.reports.verdict import subject, verdict
from biglog.reports.voice import voice
from reports.night import busy_night, first_night, gap_night, hostile_night, lost_night, quiet_night

EN, ZH = voice("en", "UTC"), voice("zh", "UTC")

SUBJECTS = [
    (busy_night, EN, "[BigLog 2026-11-14] 3 incidents: postgres “FATAL: sorry, too many clients "
     "already” at over 1,000× the usual rate on db1 and 3 more since 02:14"),
    (busy_night, ZH, "[BigLog 2026-11-14] 3 起事件：postgres “FATAL: sorry, too many clients "
     "already”激增，超过平常的 1,000 倍（db1 等 4 个），自 02:14 起"),
    (quiet_night, EN, "[BigLog 2026-11-14] All quiet: 2,951,185 lines read from 8 sources, "
     "nothing that needs a person"),
    (quiet_night, ZH, "[BigLog 2026-11-14] 一切平静：读取 8 个来源共 2,951,185 行，"
     "没有需要人工处理的情况"),
    (lost_night, EN, "[BigLog 2026-11-14] No verdict: no source arrived: There was not a single "
     "line to judge; missing: nginx, orders, postgres and 5 more"),
    (lost_night, ZH, "[BigLog 2026-11-14] 无法判断：没有任何来源到达：没有一行日志可供判断；"
     "缺失：nginx、orders、postgres 等 8 个"),
]  # fmt: skip


@pytest.mark.parametrize(("night", "speaker", "expected"), SUBJECTS)
def test_the_subject_is_the_verdict_in_words(night, speaker, expected):
    assert subject(night(), speaker).replace("\u00a0", " ") == expected


@pytest.mark.parametrize("at", range(7))
def test_the_headline_tells_of_the_finding_that_the_record_names_first(at):
    night = busy_night()
    first, *rest = night.incidents
    ids = (first.finding_ids[at], *first.finding_ids[:at], *first.finding_ids[at + 1 :])
    told = subject(replace(night, incidents=(replace(first, finding_ids=ids), *rest)), EN)
    (named,) = (one for one in night.findings if one.finding_id == ids[0])
    assert f": {named.service} " in told
    assert f" on {named.host} and " in told


@pytest.mark.parametrize(
    ("speaker", "gap"),
    [(EN, "; missing: audit; failed: nginx"), (ZH, "；缺失：audit；失败：nginx")],
)
def test_missing_and_failed_sources_end_the_subject(speaker, gap):
    assert subject(gap_night(), speaker).endswith(gap)
    assert verdict(gap_night(), speaker).gaps == gap[1:].strip()


def test_quiet_with_a_gap_is_not_all_quiet():
    night = replace(gap_night(), incidents=(), findings=())
    assert subject(night, EN).startswith("[BigLog 2026-11-14] Quiet in what arrived: ")
    assert verdict(night, EN).tone == "gap"


def test_only_resolved_incidents_are_quiet():
    night = busy_night()
    night = replace(night, incidents=night.incidents[3:])
    told = verdict(night, EN)
    assert (told.sentence, told.tone) == ("All quiet", "ok")
    assert [chip.label for chip in told.since] == ["1 resolved"]


def test_what_is_muted_does_not_raise_its_voice():
    night = busy_night()
    mute = Mute("ann", "reindexing until Friday", "2026-11-20")
    muted = [replace(one, state="muted", mute=mute) for one in night.incidents[:3]]
    told = verdict(replace(night, incidents=tuple(muted)), EN)
    assert (told.sentence, told.tone, told.chips) == ("All quiet", "ok", ())
    assert [chip.label for chip in told.since] == ["3 muted"]


def test_no_source_set_up_says_so():
    night = replace(lost_night(), coverage=())
    assert verdict(night, EN).sentence == "No verdict: no source is set up"


def test_chips_say_bands_and_states():
    told = verdict(busy_night(), EN)
    assert [c.label for c in told.chips] == ["Critical 1", "High 1", "Medium 1"]
    assert [c.label for c in told.since] == ["1 new", "1 ongoing", "1 returned", "1 resolved"]
    assert [c.label for c in verdict(busy_night(), ZH).chips] == ["严重 1", "高 1", "中 1"]


def test_facts_carry_what_they_are_compared_to():
    facts = {f.label: (f.value, f.note) for f in verdict(busy_night(), EN).facts}
    assert facts == {
        "Lines": ("2,951,185", "+5% against usual"),
        "Errors": ("132,405", "4% of lines"),
        "Findings": ("40", "17 new · 7 stopped · 16 in rate"),
        "Sources arrived": ("8 / 8", "0.01% of lines unreadable"),
    }


@pytest.mark.parametrize(
    ("days", "start"), [(0, "First nights:"), (6, "Still learning: 6 of 14"), (14, "")]
)
def test_a_short_history_is_said(days, start):
    notice = verdict(replace(busy_night(), history_days=days), EN).notice
    assert notice.startswith(start)
    assert bool(notice) == bool(start)


def test_first_night_has_no_usual_count():
    assert verdict(first_night(), EN).facts[0].note == "no usual count yet"


@pytest.mark.parametrize("speaker", [EN, ZH])
def test_a_hostile_subject_is_one_short_line(speaker):
    told = subject(hostile_night(), speaker)
    assert len(told) <= 150
    assert told.isprintable()


def test_times_are_told_in_the_readers_zone():
    told = subject(busy_night(), voice("en", "Asia/Shanghai"))
    assert told.endswith("since 10:14")
