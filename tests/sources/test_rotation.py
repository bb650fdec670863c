"""Names as a folder lists them above, oldest lines first below."""

from pathlib import PurePath

import pytest

from biglog.sources.rotation import age

SETS = {
    "logrotate": "app.log.10.gz app.log.3.gz app.log.2.gz app.log.1 app.log",
    "logrotate with dateext": "app.log-20261031.gz app.log-20261101.gz app.log",
    "a day in the name": "app-2026-11-01.log app-2026-11-02.log.gz app.log",
    "python, at midnight": "app.log.2026-10-31 app.log.2026-11-01 app.log",
    "logback, by day and size": "app-2026-11-01.0.log app-2026-11-01.9.log app-2026-11-01.10.log",
    "a day's file, rotated by size": "web-2026-11-02.log.2 web-2026-11-02.log.1 web-2026-11-02.log",
    "lumberjack": "app-2026-11-01T09-59-59.000.log app-2026-11-01T10-00-00.000.log app.log",
    "hours": "web_2026110109.log web_2026110110.log",
    "two sets": "access.log.1 access.log error.log.2 error.log",
    "folders of days": "2026/9/app.log 2026/10/app.log.1 2026/10/app.log",
    "copies of an instance": "app1.log app2.log app10.log",
}


@pytest.mark.parametrize("kind", SETS)
def test_oldest_first(kind):
    expected = [PurePath(name) for name in SETS[kind].split()]
    assert sorted(sorted(expected), key=age) == expected
    assert sorted(reversed(expected), key=age) == expected


def test_a_name_of_digits_alone():
    assert sorted(map(PurePath, ["9" * 200, "8", "۳.log"]), key=age)[0] == PurePath("8")
