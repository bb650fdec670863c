"""Secrets of the list: none may leak. Ordinary lines below: none may change. All are invented."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from biglog.lines.redact import Redaction, finder
from biglog.lines.secrets import RULES

AWS = "AKIA" + "IOSFODNN7EXAMPLE"  # in two, so that no scanner takes this file for a leak
ROOT = Path(__file__).resolve().parents[2]
LISTED = tomllib.loads((Path(__file__).parent / "secrets.toml").read_text("utf-8"))


def read_marks(text: str) -> tuple[str, list[str]]:
    """The line, and the secrets that stood between its marks."""
    pieces = text.replace("¦", "").replace("»", "«").split("«")
    return "".join(pieces), pieces[1::2]


SECRETS = [(*read_marks(one), kind) for kind, lines in LISTED.items() for one in lines]

ORDINARY = """\
Failed password for root from 10.0.0.9 port 40022 ssh2
pam_unix(sshd:auth): check pass; user unknown
pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.1
Storing block blk_-1608999687919860007 src: /192.0.2.7:54106
ask 192.0.2.224:50010 to drop blk_-4111111111111111 blk_6222021234567890128
size 13421772800 bytes read in 13500000000 ns
offset=13812345678 length=4111111111111111
{"push_id":16466254439,"size":1,"totalBytes":13812345678}
Invalid token: identifier expected
unexpected token ':' at 3
password: null
Password: [REDACTED]
password=****** user=bob
password: ${DB_PASSWORD}
password=<hidden>
bad password: user unknown
密码错误，请重试
密码不能为空
密码：不正确
令牌已过期
chpasswd[30938]: pam_unix(chpasswd:chauthtok): user does not exist
sudo: ubuntu : TTY=pts/0 ; PWD=/home/ubuntu ; USER=root ; COMMAND=/bin/true
token=
max_tokens=512
tokens: 1234567890
cookie: domain mismatch
error: bad auth: timeout
auth: method=PLAIN, rip=192.0.2.1
secret "db-creds" not found
FATAL: password authentication failed for user "app"
Access denied for user 'root'@'localhost' (using password: YES)
Executing with tokens:
12 pass: 3 fail: 1
PASS: test_login took 4 ms
basic authentication failed
Opened session 0x24f055aa00007 for 40 s
sessionid:0x24f055aa00008 kind:ping
epoch 1446249499322 micros 1446249499322123
walked = 1514000000000##1422##916##769##614
REPORT : 2371 1692 71747 90
uuid 123e4567-e89b-12d3-a456-426614174000
data/48484848-4848-4848-4848-000100000007/log_0
client-AD157300CB0C connected
sha 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
from 192.168.100.101:50010 to ::ffff:10.100.248.1
rhost=203-113-41-150.static.example.net
2026-11-02 10:00:00.123456 +0800 took 1234567 us
Election@774] - Notice timed out: 3200
org.shop.Cart@1a2b3c removed
at shop.Cart$$anonfun$total$1$$anonfun$applyOrElseAndThen$2.run(Cart.scala:7)
Started user@1000.service and getty@tty1.service
GET /img/logo@2x.png HTTP/1.1
no matching cipher: aes256-cbc,rijndael-cbc@lysator.liu.se,chacha20-poly1305@openssh.com
cloning git@example.com:shop/app.git
installed react-dom@18.2.0-beta.rc
http://host:8080/path?x=1
#+1162490000
order 20261102100000123456 shipped
version 15.4.2 build 1581234567
mac 00:1B:44:11:3A:B7 ipv6 fe80::1ff:fe23:4567:890a
GET /static/138/1234/5678.png HTTP/1.1 200 OK
docker run -p 8080:80 -u 1000:1000 web
mysql -u root -p shop
------------------------------------------------------------------
ok | 200 | 1234-5678 | 2026-11-02 | 10:00
Token: Kind: RUN_TOKEN, Service: , Ident: (attempt)
signature: void run(int)
""".splitlines()


@pytest.mark.parametrize("mode", ["on", "strict"])
@pytest.mark.parametrize(("line", "secrets", "kind"), SECRETS)
def test_no_secret_leaks(line, secrets, kind, mode):
    cleaned = Redaction(mode, "s").clean(pl.Series([line]))[0]
    assert not [one for one in secrets if one in cleaned]
    if mode == "on":
        assert cleaned.count(f"[{kind}:") >= len(secrets)


@pytest.mark.parametrize("line", ORDINARY)
def test_an_ordinary_line_is_left_alone(line):
    assert Redaction("on", "s").clean(pl.Series([line]))[0] == line


def test_there_are_enough_secrets():
    assert len({line for line, _, _ in SECRETS}) >= 260


@pytest.mark.parametrize("source", sorted((ROOT / "examples" / "recorded").iterdir()))
def test_of_a_recorded_night_next_to_nothing_is_touched(source):
    """None of these programs logs a secret, so each line touched is one too many."""
    night = min(source.glob("*.zst")).read_bytes()
    text = zstandard.ZstdDecompressor().decompressobj().decompress(night).decode()
    lines = pl.Series(text.splitlines()[:20_000])
    touched = (Redaction("on", "s").clean(lines) != lines).sum()
    assert touched < max(1, len(lines) / 1000)


def test_a_value_has_one_placeholder_in_a_source_and_another_elsewhere():
    lines = pl.Series(["from a@example.com", "to a@example.com, b@example.com", None])
    first, second, nothing = Redaction("on", "web").clean(lines).to_list()
    mark = first.removeprefix("from ")
    assert mark == "[EMAIL:c549]"  # on every night, so that nights can be compared
    assert second.startswith(f"to {mark}, [EMAIL:")
    assert second.count(mark) == 1
    assert nothing is None
    assert Redaction("on", "db").clean(lines)[0] != first


def test_a_value_has_one_placeholder_however_it_is_written():
    lines = ['{"password":"s3cr3t"}', "password=s3cr3t", "mysql -uroot -ps3cr3t", "密码：s3cr3t"]
    marks = [one[one.index("[") :][:15] for one in map(Redaction("on", "db").clean_one, lines)]
    assert len(set(marks)) == 1


def test_off_is_off():
    assert Redaction("off").clean(pl.Series(["password=x1"]))[0] == "password=x1"


@pytest.mark.parametrize(
    ("line", "strict"),
    [
        ("order 20261102100000123456 shipped", "order [NUMBER:"),
        ("key q9X2mP7vL4kT8wZ1nB6cR3yH5 used", "key [SECRET:"),
        ("user=alice action=login", "user=[USER:"),
        ("Failed password for invalid user alice from", "Failed password for invalid user [USER:"),
    ],
)
def test_strict_takes_what_is_not_certain(line, strict):
    assert Redaction("on", "s").clean(pl.Series([line]))[0] == line
    assert Redaction("strict", "s").clean(pl.Series([line]))[0].startswith(strict)


@pytest.mark.parametrize("mode", ["on", "strict"])
@pytest.mark.parametrize(
    "record",
    [
        {"card": 4111111111111111, "n": 1},
        {"mobile": 13812345678, "to": [13511112222, 13633334444]},
        {"headers": {"Cookie": ["a=1; sid=plmokn"], "Token": [{"x": "y9"}]}, "password": {"a": 1}},
        {"user": {"password": 12345678, "token": None, "ok": True}},
        {"msg": "Enter password: ", "next": "x", "user": "bob@example.com"},
        {"a": "see token:", "b": 12345, "password": 'with " and \\ and \n in it'},
        {"header": 'Authorization: Digest username="bob", response="6629fae4"', "n": 1},
        {'a": 1': "x", "cards": [4111111111111111], "password": 'a": "b', "bob@example.com": 1},
        {"key": "-----BEGIN PRIVATE KEY-----\nMIIEvQ", "after": "kept"},
        {"cmd": "mysql -pSECRET1", "log": '{"password":"in\\"ner"}', "emails": ["a@example.com"]},
    ],
)
def test_json_stays_json(record, mode):
    text = json.dumps(record, separators=(",", ":"))
    cleaned = Redaction(mode, "s").clean(pl.Series([text]))[0]
    assert cleaned != text
    assert len(json.loads(cleaned)) == len(record)


def test_a_record_of_several_lines_keeps_its_lines():
    body = "Caused by: login failed\n  password=abc123\n\tat Login.run(Login.java:3)\n13812345678\n"
    cleaned = Redaction("on", "s").clean(pl.Series([body]))[0]
    assert cleaned.splitlines()[0::2] == body.splitlines()[0::2]
    assert cleaned.splitlines()[1].startswith("  password=[PASSWORD:")
    assert cleaned.splitlines()[3].startswith("[PHONE:")


@pytest.mark.parametrize("line", ["a@example.com", "13812345678", "4111111111111111"])
def test_a_text_that_is_only_a_secret(line):
    assert Redaction("on", "s").clean(pl.Series([line]))[0].count("[") == 1


# What secrets are made of, and what stands around them.
PIECES = """
password PassWord passwd pass Pass token secret api_key auth sig 密码 口令 是 ： 手机号 cookie
phone value Authorization Bearer basic identified by name card_no 银行卡号 passport is was
-- -p -u curl mysql login = : := => %3D %22 , ; & @ . - _ + / // :// ( ) [ ] { } < > \\
' " \\" N 86 0086 138 1234 5678 13812345678 4111111111111111 4111 1111
110101199003070011 010 12345678 123-45-6789 415 555 2671 +1 +44 GB82 WEST
GB82WEST12345698765432 bob example com %40 a A z 0 9 K ſ İ é eyJhbGciOi .eyJzdWIi
"""
PARTS = [*PIECES.split(), *(" " * 6), "\n", "\t", AWS, "A1b2" * 15, "PRIVATE KEY"]
TEXTS = st.lists(st.sampled_from(PARTS), max_size=14).map("".join)
LINES = st.sampled_from([line for line, _, _ in SECRETS])


def missed(text: str) -> list[str]:
    """The rules that find something in the text although none of their cues is seen in it."""
    exact, cues = Redaction("on", "s"), int(finder().cues(pl.Series([text]))[0])
    blind = [one for one in RULES if not one.cue & cues]
    return [one.pattern.pattern for one in blind if exact.apply_rule(one, text) != text]


@settings(max_examples=600, deadline=None)
@given(TEXTS)
@example("86138-1234-5678")
@example("\n13812345678")
@example("x\nA1b2" + "A1b2" * 14)
def test_the_cheap_test_misses_nothing_that_a_rule_finds(text):
    assert not missed(text)


@settings(max_examples=300, deadline=None)
@given(LINES, st.text(max_size=20), st.text(max_size=20))
def test_nor_where_other_text_stands_around_a_secret(line, before, after):
    assert not missed(before + line + after)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_a_rule_that_begins_at_heads_finds_what_its_pattern_finds(text):
    exact = Redaction("on", "s")
    for one in RULES:
        assert exact.apply_rule(one, text) == exact.apply_rule(replace(one, heads=None), text)


@pytest.mark.parametrize("piece", ["a@", "password=", "1"])
def test_a_megabyte_of_one_thing_costs_no_more_than_its_length(piece):
    text = piece * (1_000_000 // len(piece))
    assert Redaction("on").clean(pl.Series([text, "password=abc1"]))[1].startswith("password=[")


@pytest.mark.parametrize("mode", ["on", "strict"])
@pytest.mark.parametrize(
    "piece",
    [
        *(
            "a@b.",
            'password="',
            'password=\\"',
            "token: ",
            "1-",
            "4111 ",
            "+1 ",
            "eyJ",
            "x",
            "A1b2",
        ),
        *(
            "mysql ",
            " -p",
            "://a:b",
            "://",
            "<password>",
            "Cookie: a=b;",
            "%40a.",
            "密码：",
            "GB82 ",
        ),
        *("-----BEGIN PRIVATE KEY-----", "Authorization: Digest ", "identified by '"),
    ],
)
def test_hostile_text_costs_no_more_than_its_length(piece, mode):
    text = piece * (100_000 // len(piece))
    assert Redaction(mode).clean(pl.Series([text, "password=abc1"]))[1].startswith("password=[")


def test_rows_are_judged_alike_alone_and_together():
    lines = pl.Series([line for line, _, _ in SECRETS])
    alone = [int(finder().cues(pl.Series([one]))[0]) for one in lines]
    assert np.array_equal(finder().cues(lines), alone)
