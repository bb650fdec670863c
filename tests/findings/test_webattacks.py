"""Requests of access logs: every rule against its own samples, and what the answers show."""

import json
from functools import cache

import polars as pl
import pytest

from biglog.findings.webattacks import SCHEMA, read_requests, rules, score_requests

SAMPLES = [(rule, text) for rule in rules() for text in rule.samples]
ORDINARY = [(rule, text) for rule in rules() for text in rule.ordinary]
PAGES = ["GET / HTTP/1.1 200 OK", "GET /product/7 HTTP/1.1 200 OK", "POST /cart/7 HTTP/1.1 200 OK"]


def read(*contents, client="192.0.2.1"):
    fields = json.dumps({"client": client, "bytes": "12"}, separators=(",", ":"))
    return read_requests(pl.Series(list(contents)), pl.Series([fields] * len(contents)))


@cache
def told():
    """What is said of every sample and ordinary request; read at once, a reading is dear."""
    texts = sorted({text for _, text in (*SAMPLES, *ORDINARY)})
    return dict(zip(texts, read(*texts).iter_rows(named=True), strict=True))


@pytest.mark.parametrize(("rule", "text"), SAMPLES, ids=lambda one: getattr(one, "name", one))
def test_a_sample_is_an_attack(rule, text):
    assert told()[text]["attack"] >= rule.score
    assert told()[text]["says"]


@pytest.mark.parametrize(("rule", "text"), ORDINARY, ids=lambda one: getattr(one, "name", one))
def test_an_ordinary_request_is_none(rule, text):
    assert told()[text]["attack"] == 0.0


@pytest.mark.parametrize("rule", rules(), ids=lambda one: one.name)
def test_every_rule_is_the_word_on_one_of_its_samples(rule):
    assert any(told()[text]["says"].startswith(rule.says) for text in rule.samples)


def test_the_reason_says_what_and_where():
    says = read("GET /view?file=..%2F..%2Fetc%2Fpasswd HTTP/1.1 200 OK")["says"][0]
    assert says == "path traversal in the query: =../../etc/passwd"


def test_encoded_twice_is_read_as_what_it_means():
    says = read("GET /s?q=%253Cscript%253Ealert(1) HTTP/1.1 200 OK")["says"][0]
    assert says.startswith("script injection (XSS) in the query: <script")


def test_lines_that_are_no_requests_are_left_alone():
    lines = pl.Series(["GET up and go 200 times", "cache miss"])
    assert read_requests(lines, pl.Series([None, "{}"], dtype=pl.String)) is None
    mixed = pl.Series(["GET /../../etc/passwd HTTP/1.1 400 Bad Request", "cache miss"])
    rows = read_requests(mixed, pl.Series(['{"client":"192.0.2.1"}', None]))
    assert rows["status"].to_list() == [400, None]
    assert score_requests(rows)["score"].to_list()[1] == 0.0


@pytest.mark.parametrize(
    "text", ['GET /"\x00%ff%zz%u0041 HTTP/1.1 200 OK', "GET  HTTP/1.1 400 Bad"]
)
def test_broken_requests_are_read(text):
    rows = read(text)
    assert rows is None or rows.height == 1


def test_a_login_that_is_refused_again_and_again():
    tries = read(*["POST /login HTTP/1.1 401 Unauthorized"] * 80, *PAGES * 40)
    scored = score_requests(tries)
    assert scored["anomalous"][:80].all()
    assert not scored["anomalous"][80:].any()
    assert scored["reason"][0] == "a login that was tried 80 times, mostly refused"


def test_a_shop_that_sells_is_silent():
    lines = ["POST /login HTTP/1.1 200 OK"] * 90 + ["POST /login HTTP/1.1 401 Unauthorized"] * 5
    lines += [*PAGES * 100, "POST /cart/7 HTTP/1.1 500 Internal Server Error"]
    assert not score_requests(read(*lines))["anomalous"].any()


def test_one_client_asks_for_many_pages_that_are_not_there():
    letters = "abcdefghijklmnopqrst"
    asked = read(*[f"GET /{one} HTTP/1.1 404 Not Found" for one in letters], client="192.0.2.66")
    others = pl.concat([read(PAGES[0], client=f"192.0.2.{n}") for n in range(1, 30)])
    scored = score_requests(pl.concat([asked, others]))
    assert scored["anomalous"][: len(letters)].all()
    assert "192.0.2.66 asked for 20 different pages that failed" in scored["reason"][0]
    assert not scored["anomalous"][len(letters) :].any()
    alone = score_requests(pl.concat([asked, others]), clients=False)
    assert not alone["anomalous"].any()


def test_schema_is_kept():
    assert dict(read(PAGES[0]).schema) == SCHEMA
