"""Calls from OTLP traces: export requests as JSON lines above, pairs of services below."""

import gzip
import json
from datetime import UTC, datetime

import pytest

from biglog.errors import BadInput
from biglog.lines import otlp_traces
from biglog.lines.otlp_traces import read_traces
from biglog.settings import LineSettings

AT = 1_793_613_600_000_000_000  # 2026-11-02 10:00 UTC


def span(own, parent="", trace="5b8aa5a2d2c872e8321cf37308d69df2", at=AT):
    return {
        "traceId": trace, "spanId": own, "parentSpanId": parent, "name": "GET /",
        "kind": 2, "startTimeUnixNano": str(at), "endTimeUnixNano": str(at + 5),
    }  # fmt: skip


def request(service, *spans):
    about = {
        "attributes": [
            {"key": "host.name", "value": {"stringValue": "app1"}},
            {"key": "service.name", "value": {"stringValue": service}},
        ]
    }
    scope = {"scope": {"name": "http"}, "spans": list(spans)}
    return {"resourceSpans": [{"resource": about, "scopeSpans": [scope]}]}


def write(path, *lines):
    path.write_bytes(b"".join(
        (one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in lines
    ))  # fmt: skip
    return path


def read(*paths):
    return read_traces(paths, LineSettings())


def pairs(traces):
    return {(one.caller, one.callee): one.ways["trace"][0] for one in traces.calls}


GOOD = (
    request("web", span("a1"), span("a2", "a1")),
    request("shop", span("b1", "a2"), span("b2", "b1")),
    request("db", span("c1", "b2", at=AT + 10**9), span("c2", "b2", at=AT + 2 * 10**9)),
)


def test_a_span_below_another_services_span_is_a_call(tmp_path):
    done = read(write(tmp_path / "traces.jsonl", *GOOD))
    assert pairs(done) == {("web", "shop"): 1, ("shop", "db"): 2}
    assert (done.spans, done.skipped, done.reason) == (6, 0, "")
    (first, _) = done.calls
    assert first.ways == {"trace": (2, 2)}
    assert first.last_at == datetime(2026, 11, 2, 10, 0, 2, tzinfo=UTC)


def test_the_two_sides_may_come_in_any_order_and_in_different_files(tmp_path):
    files = [write(tmp_path / f"{n}.jsonl", one) for n, one in enumerate(reversed(GOOD))]
    packed = tmp_path / "3.jsonl.gz"
    packed.write_bytes(gzip.compress(json.dumps(request("job", span("d1", "c1"))).encode()))
    assert pairs(read(*files, packed)) == {
        ("web", "shop"): 1, ("shop", "db"): 2, ("db", "job"): 1,
    }  # fmt: skip


def test_equal_span_ids_of_two_traces_are_two_spans(tmp_path):
    other = request("job", span("a2", trace="ff" * 16))
    assert pairs(read(write(tmp_path / "a.jsonl", other, *GOOD))) == {
        ("web", "shop"): 1, ("shop", "db"): 2,
    }  # fmt: skip


HOSTILE = {
    "no JSON": b'{"resourceSpans": [',
    "not UTF-8": b'{"resourceSpans": "\xff\xfe"}',
    "too deep": b'{"resourceSpans":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "another object": {"resourceLogs": []},
    "a list": [1, 2],
    "a number": 7,
    "spans of text": {"resourceSpans": "all of them"},
    "no service": {"resourceSpans": [{"scopeSpans": [{"spans": [span("z1")]}]}]},
    "odd ids": request("web", {"traceId": 7, "spanId": None, "parentSpanId": []}),
    "endless id": request("web", span("f" * 100_000)),
}


@pytest.mark.parametrize("bad", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_export_request_is_left_out_and_said(tmp_path, bad):
    path = write(tmp_path / "traces.jsonl", bad, *GOOD)
    done = read(path)
    assert pairs(done) == {("web", "shop"): 1, ("shop", "db"): 2}
    assert done.skipped == 1
    assert done.reason.startswith(f"{path} line 1 ")
    assert len(done.reason) < len(str(path)) + 160


@pytest.mark.parametrize("bad", HOSTILE.values(), ids=HOSTILE)
def test_a_file_of_nothing_else_is_refused_with_what_was_expected(tmp_path, bad):
    with pytest.raises(BadInput, match=r"traces\.jsonl line 1 .*resourceSpans.*file exporter"):
        read(write(tmp_path / "traces.jsonl", bad))


def test_odd_parts_of_a_good_request_do_no_harm(tmp_path):
    odd = {
        "resourceSpans": [
            None,
            {"resource": 3, "scopeSpans": {"spans": 4}},
            {"resource": {"attributes": [5, {"key": "service.name", "value": "web"}]},
             "scopeSpans": []},
            *request("web\x1b[31m\x00 front", {**span("e1"), "startTimeUnixNano": "9" * 5000},
                     {**span("e2", "e1"), "startTimeUnixNano": -1})["resourceSpans"],
            *request("b" * 5000, span("f1", "e2", at=10**30))["resourceSpans"],
        ]
    }  # fmt: skip
    (one,) = read(write(tmp_path / "a.jsonl", odd)).calls
    assert one.caller == "web[31m front"
    assert one.callee == "b" * 200
    assert one.first_at is None


def test_a_line_that_is_too_long_is_left_out_and_not_held(tmp_path, monkeypatch):
    monkeypatch.setattr(otlp_traces, "LONGEST", 1000)
    path = write(tmp_path / "a.jsonl", b"[" * 5_000_000, *GOOD)
    done = read(path)
    assert pairs(done) == {("web", "shop"): 1, ("shop", "db"): 2}
    assert done.reason == f"{path} line 1 is longer than 1,000 bytes"


def test_of_too_many_spans_whole_traces_are_let_go(tmp_path, monkeypatch):
    monkeypatch.setattr(otlp_traces, "SPANS", 1000)
    monkeypatch.setattr(otlp_traces, "AT_A_TIME", 100)
    lines = []
    for n in range(1000):
        lines.append(request("web", span("a1", trace=f"{n:032x}")))
        lines.append(request("shop", span("b1", "a1", trace=f"{n:032x}")))
    done = read(write(tmp_path / "a.jsonl", *lines))
    (one,) = done.calls
    assert done.spans == 2000
    assert 100 < one.ways["trace"][0] <= 500


def test_an_empty_file_and_no_file_have_no_calls(tmp_path):
    empty = write(tmp_path / "empty.jsonl", b"", b"  ")
    assert read(empty).calls == read().calls == ()


def test_a_truncated_archive_keeps_what_came_before(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    whole = gzip.compress(b"".join(json.dumps(one).encode() + b"\n" for one in GOOD) * 200)
    path.write_bytes(whole[:-20])
    done = read(path)
    assert done.calls
    assert "truncated" in done.reason


def test_a_file_that_is_not_there_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match="does not exist"):
        read(tmp_path / "none.jsonl")
