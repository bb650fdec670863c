"""What one line shows by itself: each content above its masked text."""

import polars as pl
import pytest

from biglog.templates.mask import MARK, collapse, mask, model_text, placeholder

CASES = [
    # numbers and sizes
    ("took 12ms for 3.4GB, -17 of 5", "took <*> for <*>, <*> of <*>"),
    ("estimated size 5.2 KB, free 93.0 B", "estimated size <*> KB, free <*> B"),
    ("took 5 ms at 50%", "took <*> ms at <*>%"),
    ("offset +0.18 s", "offset +<*> s"),
    ("lifetime <1 sec, waited >=30 s", "lifetime <*>, waited <*>"),
    # addresses and hosts
    ("from 10.0.0.1 to /10.0.0.2:8080", "from <*> to <*>"),
    ("peer fe80::1 mac 00:11:43:e3:ba:c3", "peer <*> mac <*>"),
    ("Old: web-41/10.1.2.3:9000 New: web-41:9000", "Old: <*> New: <*>"),
    ("host a.example.com.cn:443 mail x.y@example.org", "host <*> mail <*>"),
    ("javax.net.ssl.SSLException and java.net.URL", "javax.net.ssl.SSLException and java.net.URL"),
    # times
    ("at Fri Jun 17 07:07:00 2005", "at <*>"),
    ("2024-05-01T10:11:12.345Z up, 2024/05/01 10:11:12,3 up", "<*> up, <*> up"),
    ("[10/Oct/2000:13:55:36 -0700] ok", "[<*>] ok"),
    # paths and addresses on the web
    ("open /var/log/a.log: no", "open <*>: no"),
    ("wrote /tmp/a.txt. Done in ../b.", "wrote <*>. Done in <*>."),
    ('"GET /v2/servers HTTP/1.1" 200', '"GET <*>" <*>'),
    ("start org.example.app/.ui.Home now", "start <*> now"),
    (r"open C:\Temp\x.txt now", "open <*> now"),
    ("GET http://a.b/c?d=1, done", "GET <*>, done"),
    ("and/or n/a PS/2", "and/or n/a PS/<*>"),
    # ids
    ("blk_-1608999687919862906 ok", "<*> ok"),
    ("id 70293f72-844a-4b39-9ad6-fb0ad7e364e4", "id <*>"),
    ("zxid 0x14ed93111f20027 addr ffffda44", "zxid <*> addr <*>"),
    ("attempt_1445144423722_0020_m_000000_0 done", "<*> done"),
    ("node-129 Server@33557fe4 CPU#0", "node-<*> Server@<*> CPU#<*>"),
    ("user [EMAIL:7f3a] in", "user <*> in"),
    ("card R63-M0-L1-U21-D bit 1", "card <*> bit <*>"),
    ("queues ['mail', 'default'] and []", "queues <*> and []"),
    # names with digits stay
    ("ipv6 utf8 eth1 ssh2 log4j HttpServer2", "ipv6 utf8 eth1 ssh2 log4j HttpServer2"),
    ("enabled=true cache: null", "enabled=<*> cache: <*>"),
    ("package Package_for_KB2~31bf385~amd64~~6.1.1.2, ok", "package <*>, ok"),
    # white space and Chinese
    ("a  b\t c ", "a b c"),
    ("连接超时，耗时300ms", "连接超时，耗时<*>"),
    ("重试3次，打开/var/log/a.log失败", "重试<*>次，打开<*>失败"),
    ("2024年5月1日 重启", "<*> 重启"),
]


@pytest.mark.parametrize(("content", "masked"), CASES)
def test_mask(content, masked):
    column = pl.DataFrame({"content": [content]}).select(mask(collapse(pl.col("content"))))
    assert column.item().replace(MARK, "<*>") == masked


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("12", "[NUM]"),
        ("3.4GB", "[NUM]"),
        ("5.2 KB", "[NUM]"),
        ("-17", "[NUM]"),
        ("10.0.0.1", "[IP]"),
        ("/10.0.0.1:80", "[IP]"),
        ("fe80::1", "[IP]"),
        ("/var/log/a.log", "[FILE]"),
        ("http://a.b/c", "[FILE]"),
        ("Fri Jun 17 07:07:00 2005", "[TIMESTAMP]"),
        ("2024-05-01T10:11:12Z", "[TIMESTAMP]"),
        ("blk_-16", "[CODE]"),
        ("root", "[CODE]"),
    ],
)
def test_placeholder(value, kind):
    assert placeholder(value) == kind


def test_model_text_has_no_wildcard_left():
    assert model_text("<*> from <*>", ["12", "10.0.0.1"]) == "[NUM] from [IP]"
    assert model_text("a <*>", []) == "a [CODE]"
