import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from biglog.errors import BadInput
from biglog.records import Finding, FindingKind
from biglog.reports import reasons
from biglog.reports.limits import PAGE
from biglog.reports.render import TEMPLATES
from biglog.reports.voice import catalogue, locales, voice
from reports.night import DATE, at

ROOM = Path(catalogue.__wrapped__.__globals__["__file__"]).parent


def wanted(phrase):
    forms = phrase.values() if not isinstance(phrase, str) else [phrase]
    return {name for form in forms for _, name, _, _ in Formatter().parse(form) if name}


def test_every_language_has_the_same_phrases():
    english, chinese = catalogue("en"), catalogue("zh")
    assert set(english) == set(chinese)
    assert locales() == ("en", "zh")


def test_every_phrase_asks_for_known_values_in_both_languages():
    english, chinese = catalogue("en"), catalogue("zh")
    free = {"more"}  # one counts the rest, the other counts all
    for key in set(english) - free:
        assert wanted(english[key]) == wanted(chinese[key]), key
        assert isinstance(english[key], str) == isinstance(chinese[key], str), key


def test_no_phrase_was_left_in_english():
    same = {
        key
        for key, phrase in catalogue("zh").items()
        if phrase == catalogue("en")[key] and re.search("[A-Za-z]{3}", str(phrase))
    }
    assert same == {"heat.cell", "page.name", "page.title"}


def literal_keys():
    """Keys named in full in the code and the templates."""
    for file in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("say", "count")
                and node.args
                and isinstance(node.args[0], ast.Constant)
                and isinstance(node.args[0].value, str)
            ):
                yield node.args[0].value
    for file in TEMPLATES.glob("*.j2"):
        yield from re.findall(r"""say\(["']([a-z_.]+)["'][,)]""", file.read_text("utf-8"))


def test_every_phrase_that_is_asked_for_exists():
    keys = set(literal_keys())
    assert len(keys) > 60
    assert keys <= set(catalogue("en"))


@pytest.mark.parametrize("group", ["kind", "reason", "title"])
def test_every_kind_of_finding_has_words(group):
    assert {f"{group}.{kind}" for kind in FindingKind.__args__} <= set(catalogue("zh"))


def test_numbers_and_dates_follow_the_language():
    english, chinese = voice("en", "UTC"), voice("zh", "Asia/Shanghai")
    assert english.number(1234567) == chinese.number(1234567) == "1,234,567"
    assert (english.compact(41_234_567), chinese.compact(41_234_567)) == ("41.2M", "4123.5万")
    assert english.day("2026-11-14") == "Saturday, November 14, 2026"
    assert chinese.day("2026-11-14") == "2026年11月14日星期六"
    assert (english.duration(12_600), chinese.duration(12_600)) == ("3 h 30 min", "3 小时 30 分钟")
    assert (english.count("count.lines", 1), english.count("count.lines", 0)) == (
        "1 line",
        "0 lines",
    )
    assert (english.percent(0.000001), english.percent(0.5)) == ("<0.01%", "50%")


@pytest.mark.parametrize(
    ("value", "unit", "english", "chinese"),
    [
        (0.698388, "s", "698 ms", "698 毫秒"),
        (95.0, "s", "1.58 min", "1.58 分钟"),
        (1536.0, "byte", "1.5 KB", "1.5 KB"),
        (12.0, "byte", "12 bytes", "12 字节"),
        (99.5, "%", "99.5 %", "99.5 %"),
    ],
)
def test_a_value_is_told_in_a_unit_that_people_use(value, unit, english, chinese):
    assert reasons.amount(value, unit, voice("en", "UTC")) == english
    assert reasons.amount(value, unit, voice("zh", "UTC")) == chinese


def test_a_finding_about_a_value_shows_the_value_beside_the_usual():
    facts = {"value": 0.9, "usual": 0.1, "unit": "s", "windows": 8, "values_seen": 5200}
    known = {**facts, "scope": "field", "history_days": 13, "nights_set_aside": 1}
    row = row_of("value_up", known)
    assert (row.count, row.expected, row.change) == ("900 ms", "100 ms", "×9")
    assert row.reason.endswith(
        "the highest of 5,200 values of that name in all lines of the source on 13 earlier nights "
        "was 100 ms, worst nights (1) set aside."
    )
    row = row_of("value_down", {**facts, "median": 0.02, "history_days": 13})
    assert (row.count, row.expected, row.change) == ("20 ms", "100 ms", "−80%")
    row = row_of("new_value", {"new": ["failed"], "known": ["idle", "open"], **facts} | NO_AMOUNT)
    assert (row.count, row.expected, row.change) == ("“failed”", "“idle”, “open”", "new")


NO_AMOUNT = {"value": None, "usual": None, "unit": "", "history_days": 13}


def row_of(kind, facts):
    one = Finding(
        finding_id="1", date=DATE, kind=kind, source="s", service="db", host="", template_id="",
        level="INFO", started_at=at("02:00"), ended_at=at("03:00"), score=0.7, count=9,
        expected=0.0, reason="-", evidence=facts,
    )  # fmt: skip
    return reasons.row(one, {}, voice("en", "UTC"), PAGE[0])


def test_braces_in_a_value_are_left_alone():
    said = voice("en", "UTC").say("verdict.on", hosts="{0.__class__} {n}")
    assert said == " on {0.__class__} {n}"


def test_an_unknown_language_or_zone_is_bad_input():
    with pytest.raises(BadInput, match="locale 'fr' is not known; expected one of en, zh"):
        voice("fr", "UTC")
    with pytest.raises(BadInput, match="timezone 'Mars/Olympus' is not a time zone"):
        voice("en", "Mars/Olympus")


@pytest.mark.parametrize(
    ("start", "end", "told"),
    [
        ("02:14", "02:14", "10:14"),
        ("02:14", "05:40", "10:14 – 13:40"),
        ("15:00", "17:00", "23:00 – 11-15 01:00"),
        ("17:00", "18:00", "11-15 01:00 – 02:00"),
        ("17:00", "17:00", "11-15 01:00"),
    ],
)
def test_a_day_is_named_only_where_it_is_another(start, end, told):
    assert voice("zh", "Asia/Shanghai").span(at(start), at(end), DATE) == told
