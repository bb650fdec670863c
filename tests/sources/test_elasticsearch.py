"""Documents in a simulated cluster above, the lines that a pull writes below."""

import json
import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
import simulated_elasticsearch as es
from simulated import broken

import biglog
from biglog.errors import BadInput, TryAgain
from biglog.settings import SourceSettings
from biglog.sources.asking import Patience
from biglog.sources.collect import collect
from biglog.sources.connection import Connection

DATE = "2024-11-02"


def document(number, second, *, index="logs-1", message="paid"):
    source = {"@timestamp": f"{DATE}T10:00:{second:02d}.500Z", "message": f"{message} {number}"}
    return (index, f"id{number:03d}", source)


# Ten in one millisecond, more than a page of five, between others.
NIGHT = [
    *(document(n, n // 3) for n in range(20)),
    *(document(n, 30) for n in range(20, 30)),
    *(document(n, 31 + n % 20, index="logs-2") for n in range(30, 45)),
]


def pull(cluster, home, *, connect=None, waits=None, kind="elasticsearch", **settings):
    source = SourceSettings(
        "shop",
        f"{kind}://127.0.0.1:{cluster.port}/logs-*",
        **({"page_size": 5} | settings),
    )
    sleep = (waits if waits is not None else []).append
    known = (connect,) if connect else ()
    return collect(source, DATE, home, *known, patience=Patience(sleep=sleep))


@pytest.fixture
def expected(tmp_path):
    with es.SimulatedElasticsearch(NIGHT) as cluster:
        (path,) = pull(cluster, tmp_path / "expected")
        return path.read_bytes()


def test_every_document_once_in_order_of_time(expected):
    lines = [json.loads(line) for line in expected.splitlines()]
    assert sorted(line["message"] for line in lines) == sorted(one[2]["message"] for one in NIGHT)
    assert [line["@timestamp"] for line in lines] == sorted(line["@timestamp"] for line in lines)


def test_a_second_run_gives_the_same_bytes(tmp_path, expected):
    with es.SimulatedElasticsearch(NIGHT) as cluster:
        pull(cluster, tmp_path)
        cluster.documents = NIGHT[::-1]
        (path,) = pull(cluster, tmp_path)
    assert path.read_bytes() == expected
    assert [one.name for one in path.parent.iterdir() if "slice" in one.name] == []


@pytest.mark.parametrize("settings", [{"page_size": 1}, {"page_size": 999}, {"slices": 4}])
def test_pages_and_slices_do_not_change_the_bytes(tmp_path, expected, settings):
    with es.SimulatedElasticsearch(NIGHT) as cluster:
        (path,) = pull(cluster, tmp_path, **settings)
        assert not cluster.points, "every point in time is closed"
    assert path.read_bytes() == expected


FAULTS = {
    "busy": {2: es.BUSY},
    "away": {1: es.AWAY, 2: es.AWAY, 5: es.AWAY},
    "expired, as a whole": {3: es.EXPIRED},
    "expired, then again": {4: es.EXPIRED, 5: es.EXPIRED, 9: es.EXPIRED},
    "expired within one millisecond": {7: es.EXPIRED, 8: es.EXPIRED},
    "expired on one shard": {4: es.shard_expired},
    "a silent shard": {3: es.partial, 6: es.partial},
    "too slow a shard": {2: es.timed_out},
    "the connection breaks": {3: broken, 4: broken},
}


@pytest.mark.parametrize("kind", ["elasticsearch", "opensearch"])
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_neither_lose_nor_double(tmp_path, expected, fault, kind):
    with es.SimulatedElasticsearch(NIGHT, opensearch=kind == "opensearch") as cluster:
        cluster.faults = FAULTS[fault]
        (path,) = pull(cluster, tmp_path, kind=kind)
        assert cluster.counted >= max(FAULTS[fault]), "the fault has happened"
    assert path.read_bytes() == expected


def test_a_busy_cluster_says_how_long_to_wait(tmp_path):
    waits = []
    with es.SimulatedElasticsearch(NIGHT) as cluster:
        cluster.faults = {1: es.BUSY, 2: es.AWAY, 3: es.AWAY}
        pull(cluster, tmp_path, waits=waits)
    assert waits == [7.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        (es.partial, TryAgain, "1 of 3 shards failed"),
        (es.EXPIRED, TryAgain, "points in time expired"),
        (es.AWAY, TryAgain, "status 503 on 6 tries"),
        (es.PROXY, TryAgain, "without an object of JSON; is that a cluster, or a proxy"),
        (es.FORBIDDEN, BadInput, "status 403, not allowed; give the source's connection a login"),
    ],
)
def test_what_does_not_heal_is_never_taken_for_the_whole(tmp_path, fault, error, said):
    with es.SimulatedElasticsearch(NIGHT) as cluster:
        cluster.faults = dict.fromkeys(range(3, 99), fault)
        with pytest.raises(error, match=said):
            pull(cluster, tmp_path)
    assert not list(tmp_path.rglob("hits.jsonl"))


def test_an_index_that_is_not_there(tmp_path):
    with es.SimulatedElasticsearch([]) as cluster:
        source = SourceSettings("shop", f"elasticsearch://127.0.0.1:{cluster.port}/shop-{{date}}")
        with pytest.raises(BadInput, match=r"no such index \[shop-2024-11-02\]; correct path"):
            collect(source, DATE, tmp_path)


def test_the_date_is_that_of_the_sources_zone(tmp_path):
    #        00:00 to 24:00 in Shanghai is 16:00 to 16:00 in UTC
    times = ["2024-11-01T15:59:59.999Z", "2024-11-01T16:00:00Z", "2024-11-02T15:59:59.999999999Z"]
    night = [("logs-1", at, {"@timestamp": at, "message": "x"}) for at in times]
    with es.SimulatedElasticsearch([*night, document(1, 1)]) as cluster:
        (path,) = pull(cluster, tmp_path, timezone="Asia/Shanghai")
    lines = [json.loads(line)["@timestamp"] for line in path.read_text().splitlines()]
    assert lines == [times[1], "2024-11-02T10:00:01.500Z", times[2]]


def test_a_query_narrows(tmp_path):
    with es.SimulatedElasticsearch([document(1, 1), document(2, 2, message="odd")]) as cluster:
        (path,) = pull(cluster, tmp_path, query="odd")
    assert [json.loads(line)["message"] for line in path.read_text().splitlines()] == ["odd 2"]


def test_lines_of_one_millisecond_follow_their_offset_in_the_file(tmp_path):
    at = f"{DATE}T10:00:00Z"
    offsets = {"a": 900, "b": 20, "c": 100}
    night = [
        ("logs-1", key, {"@timestamp": at, "message": key, "log": {"offset": offset}})
        for key, offset in offsets.items()
    ]
    with es.SimulatedElasticsearch(night) as cluster:
        (path,) = pull(cluster, tmp_path)
    assert [json.loads(line)["message"] for line in path.read_text().splitlines()] == [
        "b",
        "c",
        "a",
    ]


def test_the_password_is_sent_and_shown_nowhere(tmp_path, caplog):
    known = Connection(login="reader", password="s3cret!", extra={"ca": "", "note": "t0ken"})
    caplog.set_level(logging.DEBUG)
    with es.SimulatedElasticsearch(NIGHT) as cluster:
        pull(cluster, tmp_path, connection="logs", connect={"logs": known}.__getitem__)
        cluster.faults = {cluster.counted + 1: es.FORBIDDEN}
        with pytest.raises(BadInput) as refused:
            pull(cluster, tmp_path, connection="logs", connect={"logs": known}.__getitem__)
    assert {one.headers["Authorization"] for one in cluster.asked} == {"Basic cmVhZGVyOnMzY3JldCE="}
    for shown in (caplog.text, repr(known), str(refused.value)):
        assert "s3cret" not in shown
        assert "cmVhZGVyOnMzY3JldCE" not in shown
        assert "t0ken" not in shown


KILLED = """
    import sys
    from pathlib import Path
    from biglog.settings import SourceSettings
    from biglog.sources.collect import collect
    url, home, slices = sys.argv[1:]
    source = SourceSettings("shop", url, page_size=5, slices=int(slices))
    collect(source, "2024-11-02", Path(home))
"""


@pytest.mark.parametrize("slices", [1, 3])
@pytest.mark.parametrize("searches", [2, 5, 8])
def test_kill_9_in_the_middle_then_the_same_bytes(tmp_path, expected, searches, slices):
    reached, never = threading.Event(), threading.Event()

    def hang(true):
        reached.set()
        never.wait(20)
        return true

    with es.SimulatedElasticsearch(NIGHT) as cluster:
        cluster.lock = threading.RLock()
        cluster.faults = {searches: hang}
        url = f"elasticsearch://127.0.0.1:{cluster.port}/logs-*"
        worker = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(KILLED), url, str(tmp_path), str(slices)],
            env=os.environ | {"PYTHONPATH": str(Path(biglog.__file__).parents[1])},
        )
        assert reached.wait(30)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        never.set()
        time.sleep(0.05)
        cluster.faults = {}
        before = cluster.counted
        (path,) = pull(cluster, tmp_path, slices=slices)
        again = cluster.counted - before
    assert path.read_bytes() == expected
    if slices == 1:
        assert again == 11 - searches, "it goes on where it was, it does not begin anew"
