import email
import smtplib
import socket
from dataclasses import replace
from email import policy

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from biglog.errors import BadInput, TryAgain
from biglog.records import Similar
from biglog.reports.limits import MAIL_BYTES
from biglog.reports.mail import SmtpSettings, compose, deliver, due
from biglog.settings import ReportSettings
from reports.night import busy_night, gap_night, huge_night, lost_night, quiet_night
from reports.reading import read

SETTINGS = ReportSettings(mail_locale="en", base_url="https://biglog.example.org")
TO = {"recipient": "ops@example.org", "report_url": "https://biglog.example.org/r/2026-11-14"}


def mail(night, settings=SETTINGS, **to):
    return compose(night, settings, **{**TO, **to})


def body(message, kind):
    return message.get_body((kind,)).get_content()


def test_the_mail_is_text_and_html_with_its_headers():
    message = mail(busy_night())
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"].endswith("<nightly.biglog>")
    assert str(message["From"]) == "BigLog <biglog@biglog.example.org>"
    assert "Date" not in message  # the hour of sending is deliver()'s to know


def test_the_text_part_reads_by_itself():
    lines = body(mail(busy_night()), "plain").replace("\u00a0", " ").splitlines()
    assert lines[0] == (
        "3 incidents: postgres “FATAL: sorry, too many clients already” at over 1,000× the "
        "usual rate on db1 and 3 more since 02:14"
    )
    for line in (
        "Full report: https://biglog.example.org/r/2026-11-14",
        "1. [Critical 86 / New] postgres “FATAL: sorry, too many clients already” at over 1,000× "
        "the usual rate",
        "   > connection reset after 3600 s idle in transaction, pid 20417",
        "   Runbook: Postgres: too many clients (runbooks/postgres-connections.md)",
        "4. [Resolved] redis silent for 2 h 10 min",
        "New kinds of lines: 17",
        "8 of 8 sources arrived: 2,951,185 lines, 325 lines could not be read.",
    ):
        assert line in lines, line


def test_the_html_part_tells_the_same():
    seen = read(body(mail(busy_night()), "html"))
    text = seen.text()
    for words in (
        "3 incidents postgres “FATAL: sorry, too many clients already” at over 1,000× "
        "the usual rate on db1",
        "▲ Critical 86",
        "Candidate cause: deployer on ctl1 (61% of suspicion)",
        "Rate changes 16",
        "nginx 1,647,854 +2% against usual",
    ):
        assert words in text, words
    assert [a["href"] for a in seen.all("a")] == [TO["report_url"], "https://wiki.example.org/disk"]


def test_the_html_part_asks_nothing_of_the_network():
    html = body(mail(gap_night(), replace(SETTINGS, mail_locale="zh")), "html")
    seen = read(html)
    assert {tag for tag, _ in seen.addresses()} == {"a"}
    assert not {"img", "link", "script", "form", "svg", "iframe"} & {t for t, _ in seen.elements}
    assert "url(" not in html
    assert "var(" not in html


def test_gaps_are_in_subject_and_body():
    message = mail(gap_night())
    assert message["Subject"].endswith("; missing: audit; failed: nginx")
    for kind in ("plain", "html"):
        assert "missing: audit; failed: nginx" in body(message, kind)
        assert "94% of the lines are not in the format nginx" in body(message, kind)


@pytest.mark.parametrize("locale", ["en", "zh"])
@pytest.mark.parametrize("count", [40, 500])
def test_a_full_mail_stays_under_eighty_kilobytes(locale, count):
    message = mail(huge_night(count), replace(SETTINGS, mail_locale=locale))
    assert len(body(message, "html").encode()) <= MAIL_BYTES
    assert len(body(message, "plain").encode()) <= MAIL_BYTES
    assert "incident" in message["Subject"] or "事件" in message["Subject"]


def test_a_busy_nights_mail_keeps_its_examples():
    html = body(mail(busy_night()), "html")
    assert len(html.encode()) < 40_000
    assert "connection reset after" in html


def test_the_message_id_is_that_of_date_and_recipient():
    one = mail(busy_night())["Message-ID"]
    assert mail(quiet_night())["Message-ID"] == one
    assert mail(busy_night(), recipient="OPS@example.org")["Message-ID"] == one
    assert mail(busy_night(), recipient="cto@example.org")["Message-ID"] != one
    assert mail(replace(lost_night(), date="2026-11-15"))["Message-ID"] != one


def test_the_same_night_gives_the_same_bytes():
    assert mail(busy_night()).as_bytes() == mail(busy_night()).as_bytes()


@pytest.mark.parametrize(
    "recipient",
    ["", "nobody", "a@b.c\r\nBcc: x@y.z", "a@b.c, d@e.f", "Ann <a@b.c>", "a b@c.d", "@host", "名@"],
)
def test_what_is_no_address_is_bad_input(recipient):
    with pytest.raises(BadInput, match="is not a mail address"):
        mail(quiet_night(), recipient=recipient)


def test_a_link_that_is_no_web_address_is_left_out():
    html = body(mail(quiet_night(), report_url="javascript:alert(1)"), "html")
    assert "javascript" not in html


@pytest.mark.parametrize(
    ("send", "night", "wanted"),
    [
        ("always", quiet_night, True),
        ("incidents", quiet_night, False),
        ("incidents", busy_night, True),
        ("incidents", lost_night, True),
        ("never", busy_night, False),
    ],
)
def test_when_mail_is_due(send, night, wanted):
    assert due(night(), ReportSettings(send=send)) is wanted


def test_an_unknown_policy_is_bad_input():
    with pytest.raises(BadInput, match="send = 'weekly'"):
        due(quiet_night(), ReportSettings(send="weekly"))


class Inbox:
    """Takes every letter but those for people it does not know."""

    def __init__(self):
        self.letters = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone@"):
            return "550 no such user"
        if address.startswith("busy@"):
            return "450 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.letters.append(envelope)
        return "250 OK"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def server():
    def known(server, session, envelope, mechanism, login):
        return AuthResult(success=login.password == b"right", handled=False)

    controller = Controller(
        Inbox(),
        hostname="127.0.0.1",
        port=free_port(),
        authenticator=known,
        auth_require_tls=False,
    )
    controller.start()
    yield controller
    controller.stop()


def smtp(server, **changes):
    return SmtpSettings(host="127.0.0.1", port=server.port, timeout_seconds=5, **changes)


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_the_mail_arrives_whole(server, locale):
    message = mail(busy_night(), replace(SETTINGS, mail_locale=locale))
    deliver(message, smtp(server, sender="nightly@example.org"))
    envelope = server.handler.letters[-1]
    assert (envelope.mail_from, envelope.rcpt_tos) == ("nightly@example.org", ["ops@example.org"])
    arrived = email.message_from_bytes(envelope.content, policy=policy.default)
    for name in ("Message-ID", "Subject", "List-Id", "Auto-Submitted"):
        assert arrived[name] == message[name]
    assert arrived["From"] == "nightly@example.org"
    assert arrived["Date"].datetime is not None
    for kind in ("plain", "html"):
        assert body(arrived, kind).split() == body(message, kind).split()
    assert message["From"].startswith("BigLog")  # the caller's message is left as it was


def test_a_login_is_used(server):
    deliver(mail(quiet_night()), smtp(server, user="biglog", password="right"))
    assert server.handler.letters


@pytest.mark.parametrize(
    ("to", "changes", "error", "words"),
    [
        ("gone@example.org", {}, BadInput, "refused for good"),
        ("busy@example.org", {}, TryAgain, "refused for now"),
        ("ops@example.org", {"user": "biglog", "password": "wrong"}, BadInput, "refused for good"),
        ("ops@example.org", {"tls": True}, BadInput, "check tls"),
    ],
)
def test_refusals_are_told_apart(server, to, changes, error, words):
    with pytest.raises(error, match=words):
        deliver(mail(quiet_night(), recipient=to), smtp(server, **changes))


def test_a_rude_good_bye_after_the_letter_is_no_failure(server, monkeypatch):
    async def rude(self, server, session, envelope):
        return "421 go away"

    monkeypatch.setattr(Inbox, "handle_QUIT", rude, raising=False)
    before = len(server.handler.letters)
    deliver(mail(quiet_night()), smtp(server))
    assert len(server.handler.letters) == before + 1


def test_a_server_that_is_away_may_come_back():
    settings = SmtpSettings(host="127.0.0.1", port=free_port(), timeout_seconds=2)
    with pytest.raises(TryAgain, match="did not take the mail"):
        deliver(mail(quiet_night()), settings)


def test_a_server_that_hangs_up_may_come_back(server, monkeypatch):
    monkeypatch.setattr(
        Inbox, "handle_DATA", lambda self, *_: (_ for _ in ()).throw(ConnectionResetError)
    )
    with pytest.raises((TryAgain, BadInput)) as caught:
        deliver(mail(quiet_night()), smtp(server))
    assert isinstance(caught.value.__cause__, smtplib.SMTPException | OSError)


def test_a_runbook_is_a_link_into_the_knowledge_base():
    url = "https://ops.example.org/biglog/reports/2026-11-14"
    night = busy_night()
    first, *rest = night.incidents
    book = Similar("knowledge", "24a450549d7b7a4a", "Too many clients", 0.7)
    night = replace(night, incidents=(replace(first, runbooks=(book,)), *rest))
    letter = compose(night, SETTINGS, recipient="a@example.org", report_url=url)
    address = "https://ops.example.org/biglog/knowledge/24a450549d7b7a4a"
    assert f"Runbook: Too many clients ({address})" in body(letter, "plain")
    assert f'href="{address}"' in body(letter, "html")
