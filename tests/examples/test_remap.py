"""Moving a recorded line onto its day touches its times alone."""

import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "examples/record"))

from clock import Clock
from remap import FORMATS, by_day

# The recording began on 21 November at 09:30:00; a day lasts 100 s, so 1 s is 14 min 24 s.
CLOCK = Clock(datetime(2026, 11, 21, 9, 30, tzinfo=UTC).timestamp(), date(2026, 11, 2), 100.0)
STARTED = f"{CLOCK.started:.0f}"

MOVED = {
    "postgresql": (
        "2026-11-21 09:30:50.500 UTC [98] shop@shop LOG:  duration: 0.319 ms",
        "2026-11-02 12:07:12.000 UTC [98] shop@shop LOG:  duration: 0.319 ms",
    ),
    "postgresql inside": (
        "2026-11-21 09:30:50.000 UTC [9] LOG:  last known up at 2026-11-21 09:30:25 UTC",
        "2026-11-02 12:00:00.000 UTC [9] LOG:  last known up at 2026-11-02 06:00:00 UTC",
    ),
    "nginx_access": (
        f'192.0.2.7 - - [{STARTED[:-1]}5.000] "GET / HTTP/1.1" 200 157',
        '192.0.2.7 - - [02/Nov/2026:01:12:00 +0000] "GET / HTTP/1.1" 200 157',
    ),
    "nginx_error": (
        f"{STARTED}.250\t2026/11/21 09:30:00 [notice] 107#107: reopening logs",
        "2026/11/02 00:03:36 [notice] 107#107: reopening logs",
    ),
    "redis": (
        "75:M 21 Nov 2026 09:31:40.500 * Ready to accept connections",
        "75:M 03 Nov 2026 00:07:12.000 * Ready to accept connections",
    ),
    "worker": (
        "[2026-11-21 09:30:10,000: INFO/MainProcess] Task worker.send_mail[3bdf] received",
        "[2026-11-02 02:24:00,000: INFO/MainProcess] Task worker.send_mail[3bdf] received",
    ),
    "payments": (
        '{"ts": "2026-11-21T09:30:10.000Z", "level": "INFO", "message": "charge received"}',
        '{"ts": "2026-11-02T02:24:00.000Z", "level": "INFO", "message": "charge received"}',
    ),
    "stock": (
        "ts=2026-11-21T09:30:10.000Z level=info msg=starting version=3.3.0",
        "ts=2026-11-02T02:24:00.000Z level=info msg=starting version=3.3.0",
    ),
    "syslog": (
        "2026-11-21T09:30:10.000000+00:00 web1 sshd[258]: Connection closed by 192.0.2.10",
        "Nov  2 02:24:00 web1 sshd[258]: Connection closed by 192.0.2.10",
    ),
}


@pytest.mark.parametrize("name", MOVED)
def test_times_move_and_nothing_else(name):
    raw, expected = MOVED[name]

    assert FORMATS[name.split()[0]](raw, CLOCK)[1] == expected


def test_a_line_without_time_stays_with_the_one_before():
    lines = [
        "2026-11-21 09:31:39,999 ERROR shop.http: database failed",
        "Traceback (most recent call last):",
        "2026-11-21 09:31:40,000 INFO shop.http: GET / -> 200 in 1 ms",
    ]

    assert [day.day for day, _ in by_day(lines, FORMATS["shop_app1"], CLOCK)] == [2, 2, 3]
