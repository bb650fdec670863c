"""The night's mail, read back from a real SMTP server: once per recipient, however often asked."""

import json

import pytest
from small_nights import DATES, run_night

from biglog import installation, pipeline
from biglog.errors import TryAgain
from biglog.reports.mail import SmtpSettings


@pytest.fixture
def mailing(home, database, inbox):
    from biglog import settings

    (home / "biglog.toml").write_text(
        '[report]\nrecipients = ["ada@example.com", "lin@example.com"]\nmail_locale = "en"\n'
    )
    known = settings.load(home)
    return installation.Site(known, database, SmtpSettings("127.0.0.1", inbox.port))


def test_each_recipient_gets_the_night_once(mailing, inbox):
    run_night(mailing, DATES[0])
    run_night(mailing, DATES[0])
    assert [to for to, _ in inbox.mails] == [["ada@example.com"], ["lin@example.com"]]
    mail = inbox.mails[0][1]
    assert DATES[0] in mail["Subject"]
    assert mail["Message-ID"] != inbox.mails[1][1]["Message-ID"]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "multipart/alternative"
    plain = mail.get_body(("plain",)).get_content()
    html = mail.get_body(("html",)).get_content()
    assert DATES[0] in plain
    assert "<table" in html
    assert len(html.encode()) < 80_000
    assert f"/biglog/reports/{DATES[0]}" in html


def test_a_busy_server_is_tried_again_and_nothing_is_lost(mailing, inbox):
    inbox.busy = True
    with pytest.raises(TryAgain):
        run_night(mailing, DATES[0])
    inbox.busy = False
    done = pipeline.run("send", mailing, DATES[0])
    assert done.rows_out == 2
    assert len(inbox.mails) == 2


def test_the_connection_of_airflow_says_where_mail_goes(airflow_home, monkeypatch):
    from biglog import on_airflow

    assert on_airflow.smtp() is None
    wanted = {
        "conn_type": "smtp",
        "host": "mail.example.com",
        "port": 587,
        "login": "biglog",
        "password": "quiet",
        "extra": {"disable_ssl": True, "from_email": "biglog@example.com"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(wanted))
    found = on_airflow.smtp()
    assert (found.host, found.port, found.ssl, found.tls) == ("mail.example.com", 587, False, True)
    assert found.sender == "biglog@example.com"
