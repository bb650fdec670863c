"""Secrets above: none may leak. Ordinary lines below: none may change. All values are invented."""

import polars as pl
import pytest

from biglog.lines.redact import Redaction

# assembled here, so that no scanner takes this file for a leak
AWS = "AKIA" + "IOSFODNN7EXAMPLE"
JWT = (
    "eyJhbGciOiJIUzI1NiJ9"
    + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
)
GITHUB = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"

SECRETS = [
    ("user bob.smith@example.com logged in", "bob.smith@example.com"),
    ("mail from=<a+b@mail.example.co.uk> size=17", "a+b@mail.example.co.uk"),
    ("邮箱alice@example.cn未验证", "alice@example.cn"),
    ('{"email":"x_y@example.org"}', "x_y@example.org"),
    ("password=hunter2", "hunter2"),
    ("password: hunter2", "hunter2"),
    ("passwd=Tr0ub4dor&3", "Tr0ub4dor"),
    ("PASSWORD='correct horse'", "correct horse"),
    ('{"password":"s3cr3t!","user":"x"}', "s3cr3t!"),
    ('{"password": "two words"}', "two words"),
    (r"{\"password\":\"esc4ped\"}", "esc4ped"),
    ("db.password=pa55 db.user=app", "pa55"),
    ("pwd=qwerty;server=db", "qwerty"),
    ("user_password = letmein", "letmein"),
    ("login?user=a&password=abc123&x=1", "abc123"),
    ("passphrase: opensesame", "opensesame"),
    ("密码: 天王盖地虎88", "天王盖地虎88"),
    ("密码是abc888，请妥善保管", "abc888"),
    ("口令=qwe123", "qwe123"),
    ("mysql --password=rootpw -u root", "rootpw"),
    ("curl --token abcdef0123456", "abcdef0123456"),
    ("ALTER USER x IDENTIFIED BY 'n3wpass'", "n3wpass"),
    ("ALTER ROLE x WITH PASSWORD 'n3wpass2'", "n3wpass2"),
    ("postgres://app:pgpass@db:5432/shop", "pgpass"),
    ("redis://:redispass@cache:6379/0", "redispass"),
    ("https://user:p%40ss@host/path", "p%40ss"),
    ("amqp://guest:gu3st@mq//", "gu3st"),
    ("Authorization: Bearer abcdef1234567890", "abcdef1234567890"),
    ("authorization=Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
    ("bearer 0a1b2c3d4e5f", "0a1b2c3d4e5f"),
    (f"token={JWT}", JWT),
    (f"got {JWT} from client", JWT),
    (f"key {AWS} used", AWS),
    ("aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI"),
    ("AWS_SECRET_ACCESS_KEY: wJalrXUtnFEMIK7MDENGbPxRfiCY1", "wJalrXUtnFEMIK7"),
    (f"cloning with {GITHUB}", GITHUB),
    ("slack xoxb-" + "123456789012-abcdefghij", "123456789012-abcdefghij"),
    ("google AIza" + "SyA1234567890abcdefghijklmnopqrstuv", "SyA1234567890abcdefg"),
    ("stripe sk_live_" + "abcdefghijklmnop1234", "abcdefghijklmnop1234"),
    ("gitlab glpat-" + "abcdefghij0123456789", "abcdefghij0123456789"),
    ("aliyun LTAI" + "5tAbCdEfGhIjKlMn", "5tAbCdEfGhIjKlMn"),
    ("openai sk-" + "abcdefghijklmnopqrstuvwx", "abcdefghijklmnopqrst"),
    ("api_key=0123456789abcdef", "0123456789abcdef"),
    ("X-Api-Key: a1b2c3d4e5f6", "a1b2c3d4e5f6"),
    ("apikey: 'zzzyyyxxx'", "zzzyyyxxx"),
    ("access_token=ya29.a0AfH6SM", "ya29.a0AfH6SM"),
    ("client_secret=abcdef", "abcdef"),
    ('"secret": "topsecretvalue"', "topsecretvalue"),
    ("refresh_token=1//0gabcdef", "1//0gabcdef"),
    ("private_key=MIIEvQIBADANBg", "MIIEvQIBADANBg"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow==\n-----END RSA PRIVATE KEY-----", "MIIEow"),
    ("-----BEGIN PRIVATE KEY----- MIIEvQIB", "MIIEvQIB"),
    ("手机13812345678登录失败", "13812345678"),
    ("mobile=13912345678", "13912345678"),
    ("call 138-1234-5678 now", "138-1234-5678"),
    ("call 138 1234 5678 now", "138 1234 5678"),
    ("+8613812345678 registered", "13812345678"),
    ("phone +1 415 555 2671", "415 555 2671"),
    ("phone +44 20 7946 0958", "7946 0958"),
    ("fax (415) 555-2671", "555-2671"),
    ("tel 415-555-2671", "415-555-2671"),
    ("身份证110101199003070011办理", "110101199003070011"),
    ("idcard=11010519491231002X", "11010519491231002X"),
    ("card 4111111111111111 declined", "4111111111111111"),
    ("card 4111 1111 1111 1111 declined", "4111 1111 1111 1111"),
    ("card 5500-0000-0000-0004 declined", "5500-0000-0000-0004"),
    ("amex 378282246310005", "378282246310005"),
    ("银行卡6222021234567890128扣款", "6222021234567890128"),
]

ORDINARY = [
    "Failed password for root from 10.0.0.9 port 40022 ssh2",
    "pam_unix(sshd:auth): check pass; user unknown",
    "Receiving block blk_-1608999687919862906 src: /10.250.19.102:54106",
    "size 13421772800 bytes read in 13500000000 ns",
    "offset=13812345678 length=4111111111111111",
    "Invalid token: identifier expected",
    "password: null",
    "chpasswd[30938]: pam_unix(chpasswd:chauthtok): user does not exist",
    "sudo: ubuntu : TTY=pts/0 ; PWD=/home/ubuntu ; USER=root ; COMMAND=/bin/true",
    "token=",
    "max_tokens=512",
    "Executing with tokens:",
    "epoch 1446249499322 micros 1446249499322123",
    "uuid 123e4567-e89b-12d3-a456-426614174000",
    "sha 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "from 192.168.100.101:50010 to ::ffff:10.100.248.1",
    "2026-11-02 10:00:00.123456 +0800 took 1234567 us",
    "FastLeaderElection@774] - Notification time out: 3200",
    "org.shop.Cart@1a2b3c removed",
    "http://host:8080/path?x=1",
    "order 20261102100000123456 shipped",
    "version 15.4.2 build 1581234567",
    "mac 00:1B:44:11:3A:B7 ipv6 fe80::1ff:fe23:4567:890a",
    "GET /static/138/1234/5678.png HTTP/1.1 200 OK",
]


@pytest.mark.parametrize("mode", ["on", "strict"])
@pytest.mark.parametrize(("line", "secret"), SECRETS)
def test_no_secret_leaks(line, secret, mode):
    assert secret not in Redaction(mode, "s").clean(pl.Series([line]))[0]


@pytest.mark.parametrize("line", ORDINARY)
def test_an_ordinary_line_is_left_alone(line):
    assert Redaction("on", "s").clean(pl.Series([line]))[0] == line


def test_there_are_enough_secrets():
    assert len(SECRETS) >= 60


def test_a_value_has_one_placeholder_in_a_source_and_another_elsewhere():
    lines = pl.Series(["from a@example.com", "to a@example.com, b@example.com", None])
    first, second, nothing = Redaction("on", "web").clean(lines).to_list()
    mark = first.removeprefix("from ")
    assert mark.startswith("[EMAIL:")
    assert second.startswith(f"to {mark}, [EMAIL:")
    assert second.count(mark) == 1
    assert nothing is None
    assert Redaction("on", "db").clean(lines)[0] != first


def test_off_is_off():
    assert Redaction("off").clean(pl.Series(["password=x1"]))[0] == "password=x1"


def test_hostile_text_costs_no_more_than_its_length():
    lines = pl.Series(
        ["x" * 300_000 + "@", "eyJ" * 50_000, "a.b@" * 30_000 + "a.bc", "+1 " * 50_000]
    )
    assert len(Redaction("on").clean(lines)) == 4
