import base64
import hashlib
import re
from dataclasses import replace

import pytest
from jinja2 import StrictUndefined, UndefinedError

from biglog.errors import BadInput
from biglog.records import Finding, Mute, Night
from biglog.reports.limits import PAGE_BYTES
from biglog.reports.render import TEMPLATES, environment, render
from biglog.settings import ReportSettings
from reports.night import (
    DATE,
    at,
    busy_night,
    first_night,
    gap_night,
    huge_night,
    lost_night,
    quiet_night,
)
from reports.reading import read

SETTINGS = ReportSettings()
NIGHTS = [busy_night, quiet_night, first_night, gap_night, lost_night]


def page(night: Night, locale="en"):
    return read(render(night, SETTINGS, locale))


def between(text, start, end):
    return text[text.index(start) : text.index(end, text.index(start))]


def test_the_verdict_comes_first():
    text = page(busy_night()).text()
    assert between(text, "Times in UTC", "Incidents Changes").startswith(
        "Times in UTC 3 incidents postgres “FATAL: sorry, too many clients already” at over 1,000× "
        "the usual rate on db1 and 3 more since 02:14 ▲ Critical 1 ◆ High 1 ● Medium 1"
    )


def test_an_incident_says_what_where_when_and_why():
    card = between(page(busy_night()).text(), "▲ Critical 86", "◆ High 71")
    for words in (
        "New postgres “FATAL: sorry, too many clients already” at over 1,000× the usual rate",
        "postgres, orders-api, nginx",
        "db1, app1, app2, edge1",
        "02:14 – 05:44 (3 h 30 min)",
        "First unusual line connection reset after 3600 s idle in transaction, pid 20417",
        "level 100% rate 98% novelty 74% spread 50%",
        "Candidate causes by timing and strangeness, not certain",
        "deployer on ctl1 61% of suspicion Odd there from 01:58 on, 16 min before anywhere",
        "orders-api logs trouble with postgres; reports “too many clients” itself",
        "Runbooks Postgres: too many clients 90% likely to fit · runbooks/postgres-connections.md",
        "Similar past incidents postgres connections exhausted after orders-api 4.16 93% alike",
        "Evidence: 7 findings",
        "Never seen in 21 earlier nights; postgres on db1 wrote it 41× (02:13 – 03:20).",
        "18,422 such lines where about 0.4 are usual, at postgres on db1 (02:14 – 05:41).",
        "9f1c03aa5be17d20",
        "FROM biglog_report.incident_findings AS i",
        "WHERE i.date = '2026-11-14' AND i.incident_id = '9f1c03aa5be17d20'",
    ):
        assert words in card, words


def test_the_same_in_chinese():
    card = between(page(busy_night(), "zh").text(), "▲ 严重 86", "◆ 高 71")
    for words in (
        "postgres “FATAL: sorry, too many clients already”激增，超过平常的 1,000 倍",
        "最早的异常日志 connection reset after 3600 s idle in transaction",
        "该处自 01:58 起异常，比其他位置早 16 分钟。",
        "orders-api 的日志提到 postgres 有问题；自己报告了“too many clients”",
        "此前 21 晚从未见过；今晚 db1 上的 postgres 写了 41 次（02:13 – 03:20）。",
        "app1 上的 orders-api 只写了 611 行这类日志，平常约 2,400 行",
    ):
        assert words in card, words


def test_states_are_said():
    text = page(busy_night()).text()
    for state in ("Critical 86 New", "High 71 Ongoing · day 3", "Medium 44 Returned", "✓ Resolved"):
        assert state in text


def test_variables_of_the_example_line_are_marked():
    html = render(busy_night(), SETTINGS, "en")
    assert "connection reset after <mark>3600</mark> s idle in transaction, pid <mark>" in html


def test_changes_are_listed_counted_and_linked_to_their_incident():
    text = page(busy_night()).text()
    changes = between(text, "What changed", "The night in pictures")
    for words in (
        "New kinds of lines 17",
        "Show 9 more",
        "kernel on store2 04:03 – 07:55 310 88 #2",
        "Stopped 7",
        "redis on cache2 wrote no lines for 2 h 10 min (11:00 – 13:10), where about 5,200",
        "Rate changes 16",
        "sshd on edge1 00:10 – 23:40 4,820 610 ×7.9 66 #3",
        "orders-api on app1 02:20 – 05:40 611 2,400 −75%",
    ):
        assert words in changes, words


def test_charts_have_words_for_those_who_do_not_see_them():
    seen = page(busy_night())
    pictures = seen.all("svg")
    assert len(pictures) == 8  # seven sources and the heat map
    names = {attributes.get("id") for _, attributes in seen.elements}
    for picture in pictures:
        assert picture["role"] == "img"
        assert set((picture["aria-labelledby"] or "").split()) <= names
    assert "postgres: 159,146 lines, 7,564 errors over the night, hour by hour." in seen.text()
    assert "02:00 7,052 lines (usual 2,706), 1,825 errors" in seen.text()
    assert "orders-api 02:00 3 findings" in seen.text()


def test_bars_are_as_high_as_their_hour():
    bars = [a for a in page(busy_night()).all("rect") if a.get("class") == "bar"]
    heights = [float(bar["height"] or 0) for bar in bars]
    assert len(bars) == 7 * 24
    assert max(heights) == 60.0
    assert heights.count(0.0) == 2  # redis was silent for two hours


def test_clusters_coverage_and_stages_are_told():
    text = page(gap_night()).text()
    for words in (
        "connections, clients, timed out HikariPool-1",
        "4 34,893",
        "7 of 9 sources arrived: 1,303,331 lines, 61,154 lines could not be read.",
        "audit ▲ Missing no file matches audit-2026-11-14*.log in /var/landing/audit",
        "nginx ✕ Failed 94% of the lines are not in the format nginx (limit 50%)",
        "so lines may still be coming: backup.",
        "Still learning: 6 of 14 nights are known.",
        "Compared with 6 earlier nights Run time 15 s Encoder biglog-small/mean/9c41",
        "embed 1,204 31 1,173 1.9 1,173 already known",
    ):
        assert words in text, words


@pytest.mark.parametrize(
    ("night", "words"),
    [
        (quiet_night, "No incident: 4 small changes were found"),
        (quiet_night, "Every kind of line that usually comes has come."),
        (first_night, "No incident: with so little history"),
        (first_night, "There are no earlier nights to be new against."),
        (first_night, "Nothing to group: too few kinds of lines"),
        (lost_night, "No line arrived, so there was nothing to judge."),
        (lost_night, "No stage has recorded what it did."),
    ],
)
def test_what_is_empty_says_why(night, words):
    assert words in page(night()).text()


def test_the_second_night_has_one_to_be_new_against():
    text = page(replace(first_night(), history_days=1)).text()
    assert "Every kind of line tonight was known from earlier nights." in text
    assert "Rates are judged only once a few nights are known." in text


@pytest.mark.parametrize("locale", ["en", "zh"])
@pytest.mark.parametrize("night", NIGHTS)
def test_the_page_asks_nothing_of_the_network(night, locale):
    html = render(night(), SETTINGS, locale)
    for tag, address in read(html).addresses():
        outside = address.startswith("https://wiki.example.org/")
        assert address.startswith(("#", "data:,")) or (tag == "a" and outside), (tag, address)
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|WebSocket|importScripts", html)


def test_the_policy_allows_our_own_style_and_script_alone():
    html = render(busy_night(), SETTINGS, "en")
    policies = [m for m in read(html).all("meta") if m.get("http-equiv")]
    policy = policies[0]["content"] or ""
    for tag in ("style", "script"):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    others = [part for part in policy.split("; ") if "sha256-" not in part]
    assert others == [
        "default-src 'none'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert not [a for _, a in read(html).elements if "style" in a or any(k[:2] == "on" for k in a)]


def test_reading_aids_are_there():
    seen = page(busy_night(), "zh")
    assert seen.all("html")[0]["lang"] == "zh-CN"
    assert seen.all("a")[0]["href"] == "#incidents"
    assert all(cell.get("scope") in ("col", "row") for cell in seen.all("th"))
    assert len(seen.all("caption")) == len(seen.all("table"))
    assert all(c.get("translate") == "no" and c.get("lang") == "" for c in seen.all("code"))
    names = [a["id"] for _, a in seen.elements if "id" in a]
    assert len(names) == len(set(names))
    inner = [a["href"][1:] for a in seen.all("a") if (a.get("href") or "").startswith("#")]
    assert set(inner) <= set(names)


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_the_same_night_gives_the_same_bytes(locale):
    assert render(busy_night(), SETTINGS, locale) == render(busy_night(), SETTINGS, locale)


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_a_thousand_findings_stay_under_two_megabytes(locale):
    html = render(huge_night(1000), SETTINGS, locale)
    assert len(html.encode()) <= PAGE_BYTES
    seen = read(html)
    assert len([a for a in seen.all("article")]) == 10
    hidden = {"en": "weaker incidents are not shown", "zh": "起较轻的事件未显示"}[locale]
    assert hidden in seen.text()


def test_a_kind_we_have_no_words_for_keeps_its_english_reason():
    odd = Finding(
        "x", DATE, "metric_jump", "m", "cpu", "n1", "", "", at("01:00"), at("01:05"),  # type: ignore[arg-type]
        0.9, 5, 1.0, "CPU was at 99% for five minutes.",
    )  # fmt: skip
    text = page(replace(quiet_night(), findings=(odd,)), "zh").text()
    assert "其他 1" in text
    assert "CPU was at 99% for five minutes." in text


def test_times_are_in_the_zone_that_is_set():
    html = render(busy_night(), ReportSettings(timezone="Asia/Shanghai"), "en")
    text = read(html).text()
    assert "10:14 – 13:44 (3 h 30 min)" in text
    assert "Times in Asia/Shanghai" in text
    assert "08:00 14:00 20:00 02:00" in text.replace("</text>", " ") or "08:0014:0020:00" in text


def test_a_date_that_is_none_is_bad_input():
    with pytest.raises(BadInput, match="'tonight' is not YYYY-MM-DD"):
        render(replace(quiet_night(), date="tonight"), SETTINGS, "en")


def test_templates_never_switch_escaping_off():
    files = sorted(file for file in TEMPLATES.iterdir() if file.is_file())
    assert len(files) >= 6
    for file in files:
        text = file.read_text("utf-8")
        for word in ("|safe", "| safe", "Markup(", "autoescape", "|tojson", "xmlattr"):
            assert word not in text, (file.name, word)
        if file.name.endswith(".html.j2"):
            assert not re.search(r"=\s*\{\{", text), f"{file.name} has an unquoted attribute"
            assert not re.search(r"<[^>]*\{\{[^}]*\}\}\s*=", text), file.name
            assert not re.search(r"<script>[^<{]*\{\{", text), file.name


def test_a_misspelt_name_in_a_template_is_an_error():
    room = environment(escape=True)
    assert room.undefined is StrictUndefined
    assert room.autoescape is True
    with pytest.raises(UndefinedError):
        room.from_string("{{ page.verdikt }}").render(page={})


@pytest.mark.parametrize(
    ("locale", "muted", "worse"),
    [
        (
            "en",
            "Muted by ann until Friday, November 20, 2026: reindexing <b>",
            "Shown again: it is clearly worse",
        ),
        ("zh", "由 ann 静默，至2026年11月20日星期五：reindexing <b>", "现明显加重，故再次列出"),
    ],
)
def test_a_muted_incident_is_folded_and_says_who_muted_it(locale, muted, worse):
    night = busy_night()
    one = replace(night.incidents[0], mute=Mute("ann", "reindexing <b>", "2026-11-20"))
    quiet = page(replace(night, incidents=(replace(one, state="muted"),)), locale).text()
    assert muted in quiet
    assert worse not in quiet
    assert worse in page(replace(night, incidents=(one,)), locale).text()
