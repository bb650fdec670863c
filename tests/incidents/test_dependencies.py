"""Who calls whom, from made-up lines of a shop, and what incidents make of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from findings import synthetic as made

from biglog.calls import night_calls, shared_lines
from biglog.incidents.correlate import correlate
from biglog.incidents.graph import SURE, at_least, graph, reach, weighed
from biglog.incidents.places import named, places
from biglog.incidents.sharing import SHARED, shared_calls
from biglog.records import EVENTS, LINES, Dependency, Depending
from biglog.settings import IncidentSettings, TemplateSettings
from biglog.templates.mine import mine
from incidents.test_correlate import DAY, HISTORY, found

START = datetime(2026, 3, 10, 9, tzinfo=UTC)


def call(caller, callee, seen=50, of=50, way="trace"):
    return Dependency(caller, callee, {way: (seen, of)})


def said(*lines):
    """SHARED of (id, second, service)."""
    rows = [(key, service, START + timedelta(seconds=second)) for key, second, service in lines]
    return pl.DataFrame(rows, schema=SHARED, orient="row")


def edges(calls):
    return {(one.caller, one.callee): one.ways["shared_id"] for one in calls}


def test_who_waits_for_the_answer_has_called():
    request = said(
        (1, 0.0, "web"), (1, 0.1, "shop"), (1, 0.2, "db"), (1, 0.3, "shop"), (1, 0.4, "web")
    )
    assert edges(shared_calls(request)) == {("web", "shop"): (1, 1), ("shop", "db"): (1, 1)}


def test_two_that_are_called_one_after_the_other_do_not_call_each_other():
    request = said((1, 0.0, "shop"), (1, 0.1, "cart"), (1, 0.2, "stock"), (1, 0.3, "shop"))
    assert edges(shared_calls(request)) == {("shop", "cart"): (1, 1), ("shop", "stock"): (1, 1)}


def test_a_proxy_that_logs_when_the_request_ends_is_not_taken_for_the_called():
    assert shared_calls(said((1, 0.0, "shop"), (1, 0.1, "shop"), (1, 0.2, "nginx"))) == []


def test_lines_of_one_second_show_no_order():
    assert shared_calls(said((1, 0, "web"), (1, 0, "shop"), (1, 0, "web"))) == []


def test_a_session_is_as_many_occasions_as_it_has_pauses():
    once = ((0, "web"), (1, "shop"), (2, "web"))
    session = said(*[(7, 100 * n + second, who) for n in range(3) for second, who in once])
    (one,) = shared_calls(session)
    assert one.ways == {"shared_id": (3, 3)}
    assert (one.first_at, one.last_at) == (START + timedelta(seconds=1),
                                           START + timedelta(seconds=201))  # fmt: skip


def test_an_id_of_a_whole_day_is_no_request():
    day = [(1, n, "web" if n % 2 else "shop") for n in range(1000)]
    assert shared_calls(said(*day)) == []


def test_no_lines_no_calls():
    assert shared_calls(said()) == []


def test_a_share_is_believed_as_far_as_it_has_been_tried():
    assert at_least(0, 0) == 0
    assert at_least(1, 1) == pytest.approx(0.379, abs=0.001)
    assert at_least(1, 1) < at_least(5, 5) < at_least(50, 50) < 1
    assert at_least(25, 50) < 0.5


def test_ways_that_agree_are_surer_than_each():
    (alone,) = weighed([call("web", "shop", 5, 5, "named")])
    (both,) = weighed([call("web", "shop", 5, 5, "named"), call("web", "shop", 5, 5, "shared_id")])
    assert alone.confidence < SURE < both.confidence < 1


def test_nights_add_up_and_a_call_both_ways_round_is_doubtful():
    night = [call("web", "shop", 2, 2, "shared_id")]
    assert weighed(night)[0].confidence < SURE < weighed(night * 4)[0].confidence
    (doubtful,) = weighed([call("web", "shop", 50, 100, "shared_id")])
    assert doubtful.confidence < SURE


def test_a_service_does_not_call_itself_or_nobody():
    assert weighed([call("web", "web"), call("", "web"), call("web", "")]) == ()


CHAIN = [call("web", "shop"), call("shop", "db"), call("job", "db"), call("db", "web")]


def test_what_depends_on_a_service_directly_and_through_others():
    ways = graph(CHAIN).depending("db")
    assert {name: one.through for name, one in ways.items()} == {
        "shop": "", "job": "", "web": "shop",
    }  # fmt: skip
    assert 0 < ways["web"].confidence < 0.5 < ways["shop"].confidence


def test_the_reach_of_an_incident_leaves_out_its_own_services():
    found = reach(["db", "shop"], graph(CHAIN))
    assert [(one.service, one.through) for one in found] == [("job", ""), ("web", "")]
    assert reach(["stranger"], graph(CHAIN)) == ()


PATTERNS = {
    "calls": "GET http://stock1:8000/items <*>",
    "met": "connection received from web1 port <*>",
    "named": "the stock of product <*> is low",
    "turned": "rotating logs of web1",
    "session": "disconnection: user=<*> database=shop host=<*>",
}
ROWS = [
    ("01:00", "shop", "app1", "INFO", "calls", 5),
    ("02:00", "shop", "app1", "INFO", "calls", 5),
    ("01:00", "stock", "stock1", "INFO", "met", 5),
    ("01:00", "shop", "app1", "INFO", "named", 5),
    ("01:00", "nginx", "web1", "INFO", "named", 1),
    ("01:00", "stock", "stock1", "INFO", "session", 9),
]


def test_a_line_names_whom_it_calls_or_who_called():
    day = made.night(ROWS, PATTERNS)
    calls = named(day, places(day, made.past({})))
    assert {(one.caller, one.callee): one.ways["named"] for one in calls} == {
        ("shop", "stock"): (2, 2),  # windows, not lines
        ("nginx", "stock"): (1, 1),  # "stock" alone is a word; "from web1" says who came
    }  # and shop is the name of a database there
    assert calls[1].last_at == datetime(2026, 3, 10, 2, 9, tzinfo=UTC)


def test_to_be_named_otherwise_relates_two_services_and_is_no_call():
    day = made.night([*ROWS, ("03:00", "cron", "web2", "INFO", "turned", 3)], PATTERNS)
    (one,) = [c for c in named(day, places(day, made.past({}))) if c.caller == "cron"]
    assert (one.callee, one.ways) == ("nginx", {"named": (0, 1)})
    assert weighed([one])[0].confidence == 0


def test_trouble_of_callers_speaks_for_the_called_and_against_themselves():
    calls = (call("shop", "postgres"), call("nginx", "postgres"), call("worker", "shop"))
    trouble = [
        found("02:10", "postgres", "odd", host="db1"),
        found("02:10", "shop", "five"),
        found("02:10", "nginx", "cache", host="web1"),
    ]
    (without,) = correlate(trouble, DAY, HISTORY, IncidentSettings())
    day = replace(DAY, dependencies=calls)
    (one,) = correlate(trouble, day, HISTORY, IncidentSettings())
    before = {cause.service: cause.confidence for cause in without.causes}
    after = {cause.service: cause.confidence for cause in one.causes}
    assert one.services[0] == "postgres"
    assert after["postgres"] > before["postgres"]
    assert after["shop"] < before["shop"]
    told = {cause.service: cause.reason for cause in one.causes}
    assert "2 services that depend on it show trouble: nginx, shop" in told["postgres"]
    assert "it depends on postgres, which shows trouble too" in told["shop"]
    assert [replace(way, confidence=0) for way in one.depending] == [Depending("worker", "", 0)]


def test_calls_of_earlier_nights_count_too():
    history = replace(HISTORY, dependencies=(call("worker", "redis"), call("web", "worker")))
    (one,) = correlate([found("02:10", "redis", "odd")], DAY, history, IncidentSettings())
    assert [(way.service, way.through) for way in one.depending] == [
        ("worker", ""), ("web", "worker"),
    ]  # fmt: skip


REQUESTS = [
    (0, "web", "request 4f1c0a{n:02d}9e7d2b31 for /pay begins"),
    (100, "shop", "handling 4f1c0a{n:02d}9e7d2b31 for user {n}"),
    (200, "db", "statement of 4f1c0a{n:02d}9e7d2b31 took {n} ms"),
    (300, "shop", "done with 4f1c0a{n:02d}9e7d2b31"),
    (400, "web", "request 4f1c0a{n:02d}9e7d2b31 ends with 200"),
]


def write_night(folder, requests, build="9f8e7d6c5b4a"):
    """EVENTS of the requests as the nightly job would mine them, a file a service."""
    rows = [
        (START + timedelta(seconds=n, milliseconds=ms), service, text.format(n=n))
        for n in range(requests)
        for ms, service, text in REQUESTS
    ]
    rows += [(at, service, f"alive since build {build}") for at, service, _ in rows] * 50
    paths = []
    for service in ("web", "shop", "db"):
        own = [row for row in rows if row[1] == service]
        mined = mine(pa.array([text for *_, text in own]), (), TemplateSettings())
        columns = {
            "line_id": range(len(own)),
            "timestamp": [at for at, *_ in own],
            "level": [None] * len(own),
            "host": [""] * len(own),
            "service": [service] * len(own),
            "template_id": mined.template_ids,
            "parameters": mined.parameters,
            "count": [1] * len(own),
        }
        paths.append(folder / f"{service}.parquet")
        pq.write_table(pa.table(columns).cast(EVENTS), paths[-1])
    return paths


def test_ids_are_found_among_the_parameters_of_a_night(tmp_path):
    events = write_night(tmp_path, 20)
    assert shared_lines(events)["id"].n_unique() == 20  # the build is in too many lines
    day = made.night([], {})
    calls = night_calls(day, made.past({}), events)
    assert [(one.caller, one.callee) for one in calls] == [("shop", "db"), ("web", "shop")]
    assert all(one.confidence > SURE for one in calls)


def test_a_night_without_files_shows_no_calls(tmp_path):
    assert night_calls(made.night([], {}), made.past({}), []) == ()
    assert shared_lines([]).is_empty()


def test_fields_of_the_lines_tell_the_upstream_and_ids(tmp_path):
    texts = [
        (0, "nginx", '{"upstream_addr":"stock1:8000","request_id":"ab12cd34ef%02d"}'),
        (1, "stock", '{"request_id":"ab12cd34ef%02d","status":200}'),
        (2, "nginx", '{"request_id":"ab12cd34ef%02d"}'),
    ]
    rows = [
        {"line_id": n, "file": "f", "line_no": n, "timestamp": START + timedelta(0, 10 * n + s),
         "service": service, "content": "x", "fields": text % n, "count": 1}
        for n in range(6) for s, service, text in texts
    ]  # fmt: skip
    path = tmp_path / "lines.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=LINES), path)
    day = made.night([*ROWS[2:3], *ROWS[4:5]], {})
    (one,) = night_calls(day, made.past({}), [], [path])
    assert (one.caller, one.callee) == ("nginx", "stock")
    assert one.ways == {"shared_id": (6, 6), "upstream": (6, 6)}
