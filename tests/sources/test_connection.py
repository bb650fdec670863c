"""A connection as a person writes it above, its parts below."""

import pytest

from biglog.errors import BadInput
from biglog.sources.connection import Connection, from_environment

WHOLE = Connection("es.example.com", 9200, "reader", "p@ss/word", {"ca": "/etc/ca.pem"})
WRITTEN = {
    "a URI": "http://reader:p%40ss%2Fword@es.example.com:9200/?ca=%2Fetc%2Fca.pem",
    "a URI, its extra as JSON": "http://reader:p%40ss%2Fword@es.example.com:9200/"
    "?__extra__=%7B%22ca%22%3A+%22%2Fetc%2Fca.pem%22%7D",
    "JSON": '{"conn_type": "http", "host": "es.example.com", "port": 9200, "login": "reader",'
    ' "password": "p@ss/word", "extra": {"ca": "/etc/ca.pem"}}',
    "JSON, its extra as text": '{"host": "es.example.com", "port": "9200", "login": "reader",'
    ' "password": "p@ss/word", "extra": "{\\"ca\\": \\"/etc/ca.pem\\"}"}',
}


@pytest.mark.parametrize("form", WRITTEN)
def test_both_of_airflows_forms(monkeypatch, form):
    monkeypatch.setenv("AIRFLOW_CONN_LOGS", WRITTEN[form])
    assert from_environment("logs") == WHOLE


def test_biglogs_own_variable_comes_first(monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_LOGS", "http://one")
    monkeypatch.setenv("BIGLOG_CONN_LOGS", "http://two")
    assert from_environment("logs").host == "two"


def test_no_such_connection():
    with pytest.raises(BadInput, match="no connection named 'logs': set BIGLOG_CONN_LOGS"):
        from_environment("logs")


@pytest.mark.parametrize(
    "text", ["s3cret", '{"password": "s3cret"', '{"port": "s3cret"}', "http://u:s3cret@h:x/"]
)
def test_what_cannot_be_read_is_not_repeated(monkeypatch, text):
    monkeypatch.setenv("BIGLOG_CONN_LOGS", text)
    with pytest.raises(BadInput, match="BIGLOG_CONN_LOGS is not a connection") as refused:
        from_environment("logs")
    assert "s3cret" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_secrets_stay_out_of_its_repr():
    shown = repr(WHOLE)
    assert "reader" in shown
    assert "p@ss" not in shown
    assert "ca.pem" not in shown
