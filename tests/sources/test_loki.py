"""Streams in a simulated Loki above, the lines that a pull writes below."""

import json

import pytest
import simulated_loki as loki
from simulated import broken

from biglog.errors import BadInput, TryAgain
from biglog.lines.read import read
from biglog.settings import LineSettings, SourceSettings
from biglog.sources.asking import Patience
from biglog.sources.collect import collect
from biglog.sources.pulling import span

DATE = "2024-11-02"
START, END = span(DATE, "UTC")
TEN = START + 10 * 3600 * 10**9
WEB, CART = {"app": "web", "pod": "web-1"}, {"app": "cart", "detected_level": "error"}

NIGHT = [
    (WEB, START - 1, "the night before"),
    (WEB, START, "first"),
    *((WEB, TEN + n // 3, f"web {n}") for n in range(12)),  # three in each nanosecond
    *((CART, TEN + n, f"cart {n}") for n in range(4)),
    *((CART, TEN + 99, f"  at frame {n}") for n in range(9)),  # nine in one, in their order
    (WEB, END - 1, "last"),
    (WEB, END, "the night after"),
]


def pull(server, home, *, path='{app=~"web|cart"}', waits=None, **settings):
    source = SourceSettings("shop", f"loki://127.0.0.1:{server.port}/{path}", **settings)
    sleep = (waits if waits is not None else []).append
    (found,) = collect(source, DATE, home, patience=Patience(sleep=sleep))
    return found


def messages(path):
    return [json.loads(line)["message"] for line in path.read_text().splitlines()]


@pytest.fixture
def expected(tmp_path):
    with loki.SimulatedLoki(NIGHT) as server:
        return pull(server, tmp_path / "expected").read_bytes()


def test_the_dates_lines_in_order(tmp_path):
    with loki.SimulatedLoki(NIGHT) as server:
        found = messages(pull(server, tmp_path))
    assert found[:5] == ["first", "cart 0", "web 0", "web 1", "web 2"]
    assert found[-10:] == [*(f"  at frame {n}" for n in range(9)), "last"]
    assert len(found) == len(NIGHT) - 2


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 9, 10, 26, 27, 28])
def test_no_page_edge_loses_or_doubles(tmp_path, expected, size):
    with loki.SimulatedLoki(NIGHT) as server:
        assert pull(server, tmp_path, page_size=size).read_bytes() == expected
        assert server.counted > 1 or size > 26


FAULTS = {
    "busy": {1: loki.BUSY, 3: loki.BUSY},
    "away": {2: loki.AWAY, 3: loki.AWAY},
    "the connection breaks": {2: broken, 4: broken},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_neither_lose_nor_double(tmp_path, expected, fault):
    waits = []
    with loki.SimulatedLoki(NIGHT) as server:
        server.faults = FAULTS[fault]
        assert pull(server, tmp_path, page_size=7, waits=waits).read_bytes() == expected
    assert len(waits) == 2


def test_a_range_that_is_too_long_is_asked_for_in_parts(tmp_path, expected):
    with loki.SimulatedLoki(NIGHT, longest=7 * 3600 * 10**9) as server:
        assert pull(server, tmp_path).read_bytes() == expected
        assert server.counted == 2 + 4  # a day, half, then four quarters


def test_a_page_that_is_too_large_is_made_smaller(tmp_path, expected):
    with loki.SimulatedLoki(NIGHT, most_lines=10) as server:
        assert pull(server, tmp_path, page_size=15).read_bytes() == expected


def test_more_lines_in_a_nanosecond_than_loki_gives(tmp_path):
    with (
        loki.SimulatedLoki(NIGHT, most_lines=8) as server,
        pytest.raises(BadInput, match="raise its max_entries_limit_per_query"),
    ):
        pull(server, tmp_path, page_size=8)
    assert not list(tmp_path.rglob("lines.jsonl"))


def test_a_stopped_pull_goes_on(tmp_path, expected):
    with loki.SimulatedLoki(NIGHT) as server:
        server.faults = dict.fromkeys(range(4, 99), loki.AWAY)
        with pytest.raises(TryAgain, match="status 500 on 6 tries"):
            pull(server, tmp_path, page_size=7)
        server.faults, before = {}, server.counted
        assert pull(server, tmp_path, page_size=7).read_bytes() == expected
        whole = loki.SimulatedLoki(NIGHT)
        with whole:
            pull(whole, tmp_path / "whole", page_size=7)
        assert server.counted - before == whole.counted - 3


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("rate({app='web'}[1m])", "gives a matrix, expected lines; leave out functions"),
        ("nonsense", "parse error at line 1"),
        ("", "asks for nothing"),
    ],
)
def test_a_query_that_is_none(tmp_path, path, said):
    with loki.SimulatedLoki(NIGHT) as server, pytest.raises(BadInput, match=said):
        pull(server, tmp_path, path="", query=path)


def test_a_tenant_a_prefix_and_a_query_of_its_own(tmp_path):
    with loki.SimulatedLoki(NIGHT) as server:
        pull(server, tmp_path, path="behind/a/proxy", query='{app="web"}', tenant="shop")
        (asked,) = server.asked
    assert asked.path == "/behind/a/proxy/loki/api/v1/query_range"
    assert asked.query["query"] == '{app="web"}'
    assert asked.headers["X-Scope-OrgID"] == "shop"


def test_without_the_tenant_that_loki_wants(tmp_path):
    with loki.SimulatedLoki(NIGHT) as server:
        server.faults = {1: loki.TENANT}
        with pytest.raises(BadInput, match="status 401"):
            pull(server, tmp_path)


def columns(entry, home, *names):
    with loki.SimulatedLoki([entry]) as server:
        path = pull(server, home)
    (batch,) = read([path], SourceSettings("shop", ""), LineSettings())
    (row,) = batch.lines.to_pylist()
    return [row[name] for name in names]


def test_labels_become_columns(tmp_path):
    entry = (CART, TEN + 123_456_789, "charge failed")
    level, service, content, at = columns(
        entry, tmp_path, "level", "service", "content", "timestamp"
    )
    assert (level, service, content) == ("ERROR", "cart", "charge failed")
    assert at.isoformat() == "2024-11-02T10:00:00.123456+00:00"


def test_a_line_that_is_json_is_read_as_its_fields(tmp_path):
    entry = (WEB, TEN, '{"level":"warn","msg":"slow","ms":812}')
    found = columns(entry, tmp_path, "level", "service", "host", "content", "fields")
    assert found == ["WARNING", "web", "web-1", "slow", '{"ms":812}']
