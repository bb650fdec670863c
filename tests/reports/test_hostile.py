import re

import pytest

from biglog.reports.mail import compose
from biglog.reports.render import render
from biglog.settings import ReportSettings
from reports.night import busy_night, hostile_night
from reports.reading import read

SETTINGS = ReportSettings(mail_locale="en")
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def page_html(night):
    return render(night, SETTINGS, "en")


def mail_html(night):
    message = compose(
        night, SETTINGS, recipient="ops@example.org", report_url="https://b.example/r"
    )
    return message.get_body(("html",)).get_content()


@pytest.fixture(params=[page_html, mail_html], ids=["page", "mail"], scope="module")
def both(request):
    """The hostile night and a harmless one through the same door."""
    return request.param(hostile_night()), request.param(busy_night())


def test_log_text_adds_no_element_and_no_handler(both):
    hostile, harmless = map(read, both)
    assert {tag for tag, _ in hostile.elements} <= {tag for tag, _ in harmless.elements}
    known = {name for _, a in harmless.elements for name in a}
    assert {name for _, a in hostile.elements for name in a} <= known
    assert not hostile.all("img")
    assert len(hostile.all("script")) == len(harmless.all("script"))


def test_log_text_reaches_no_address(both):
    for _, address in read(both[0]).addresses():
        assert address.startswith(("#", "data:,", "https://b.example/r")), address


def test_braces_stay_braces(both):
    text = read(both[0]).text()
    assert "{{7*7}}" in text
    assert "{% raw %}" in text
    assert "49" not in re.sub(r"[\d,]{3,}|\d+ [a-z]", "", text)


def test_scripts_are_read_as_text(both):
    assert "<script>alert(1)</script>" in read(both[0]).text()
    assert "<img src=x onerror=alert(1)>" in read(both[0]).text()


def test_nothing_unseen_is_left(both):
    assert not UNSEEN.search(both[0].replace("\n", ""))
    both[0].encode("utf-8")


def test_other_scripts_survive(both):
    assert "中文日志：支付失败" in read(both[0]).text()
    assert "😀👨‍👩‍👧" in read(both[0]).text()


def test_a_megabyte_line_is_cut_and_the_cut_is_said():
    long = page_html(hostile_night())
    assert len(long) < 200_000
    assert "A" * 3000 not in long
    night = hostile_night()
    assert "… +998,000 characters" in read(page_html(only(night, 11))).text()
    assert "… +999,500 characters" in read(mail_html(only(night, 11))).text()


def only(night, at):
    """The night with a single incident, that of the given line."""
    from dataclasses import replace

    return replace(night, incidents=night.incidents[at : at + 1])


def test_quotes_do_not_leave_their_sql_literal():
    text = read(page_html(hostile_night())).text()
    assert "i.incident_id = 'i6quote \" onmouseover=\"alert(1)\" '' x='''" in text


def test_the_text_part_shows_no_control_character():
    message = compose(
        hostile_night(), SETTINGS, recipient="ops@example.org", report_url="javascript:alert(1)"
    )
    text = message.get_body(("plain",)).get_content()
    assert not UNSEEN.search(text.replace("\r", ""))
    assert "Full report" not in text
