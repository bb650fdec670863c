"""Files of a night of metrics: what is read of them, and what is refused in which words."""

import json
from datetime import UTC, datetime

import pytest

from biglog.errors import BadInput
from biglog.lines.times import Clock, to_utc
from biglog.metrics.points import LONGEST, night_of, read_night
from biglog.settings import MetricSource

DATE = "2026-11-02"
MIDNIGHT = datetime(2026, 11, 2, tzinfo=UTC).timestamp()
SOURCE = MetricSource("node", "node-{date}.csv")


def read(*paths, source=SOURCE, date=DATE):
    def clock(texts):
        return to_utc(texts, ["any"], clock=Clock(zone=source.timezone)).utc

    return read_night(paths, source, date, clock)


def rows(found):
    return [
        (one["series"], one["at"].strftime("%d %H:%M:%S"), one["value"])
        for one in found.points.to_dicts()
    ]


@pytest.fixture
def file(tmp_path):
    def write(name, *lines):
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", "utf-8")
        return path

    return write


@pytest.fixture
def answer(tmp_path):
    """Writes what Prometheus answers to query_range."""

    def write(name, *series, kind="matrix"):
        result = [{"metric": labels, "values": values} for labels, values in series]
        path = tmp_path / name
        data = {"resultType": kind, "result": result}
        path.write_text(json.dumps({"status": "success", "data": data}), "utf-8")
        return path

    return write


def test_wide_columns_are_series_and_one_without_a_name_is_the_source(file):
    wide = file("a.csv", "timestamp,cpu,mem", "2026-11-02 00:00,1,10", "2026-11-02 00:05,2,")
    narrow = file("b.csv", "time,value", "2026-11-02T00:00:00Z,7")
    assert rows(read(wide, narrow)) == [
        ("cpu", "02 00:00:00", 1.0),
        ("cpu", "02 00:05:00", 2.0),
        ("mem", "02 00:00:00", 10.0),
        ("node", "02 00:00:00", 7.0),
    ]


def test_points_of_other_nights_and_without_a_number_are_counted(file):
    path = file(
        "a.csv", "timestamp,cpu", "2026-11-01 23:59,1", "2026-11-02 00:00,2",
        "2026-11-02 23:59,NaN", "2026-11-02 12:00,oops", "2026-11-03 00:00,5",
    )  # fmt: skip
    found = read(path)
    assert rows(found) == [("cpu", "02 00:00:00", 2.0)]
    assert (found.read, found.others, found.unread) == (5, 2, 2)


def test_a_night_is_one_of_the_source_s_zone(file):
    path = file("a.csv", "timestamp,cpu", "2026-11-01 23:30,1", "2026-11-02 00:30,2")
    found = read(path, source=MetricSource("node", "x", timezone="Asia/Shanghai"))
    assert rows(found) == [("cpu", "01 16:30:00", 2.0)]


def test_prometheus_names_series_by_their_labels(answer):
    labels = {"__name__": "up", "job": "node", "instance": 'a"b\\c:9100'}
    values = [[MIDNIGHT, "1"], [MIDNIGHT + 60, "NaN"], [MIDNIGHT + 120.5, "+Inf"], [0, "9"]]
    found = read(answer("a.json", (labels, values), ({}, [[MIDNIGHT, "2.5"]])))
    assert rows(found) == [
        ("node", "02 00:00:00", 2.5),
        (r'up{instance="a\"b\\c:9100",job="node"}', "02 00:00:00", 1.0),
    ]
    assert (found.read, found.others, found.unread) == (5, 1, 2)


def test_an_answer_without_series_is_an_empty_night(answer):
    found = read(answer("a.json"))
    assert (found.points.height, found.read) == (0, 0)


def test_names_are_bounded_and_printable(answer):
    labels = [{"__name__": f"a\x00\u202e{end}" + "x" * 5000} for end in "bc"]
    found = read(answer("a.json", *((one, [[MIDNIGHT, "1"]]) for one in labels)))
    names = [name for name, _, _ in rows(found)]
    assert len(set(names)) == 2
    assert all(len(one) <= LONGEST and one.isprintable() for one in names)


HOSTILE = {
    "error": '{"status": "error", "errorType": "bad_data", "error": "parse error"}',
    "vector": '{"status": "success", "data": {"resultType": "vector", "result": []}}',
    "cut": '{"status": "success", "data": {"resultType": "matrix", "result": [{"metr',
    "deep": "[" * 100_000,
    "numbers": '{"status": "success", "data": {"resultType": "matrix", "result":'
    ' [{"metric": {}, "values": [["noon", "1"]]}]}}',
}
WORDS = {
    "error": "holds no data but an answer of 'error: parse error'",
    "vector": "resultType is 'vector'; ask query_range",
    "cut": "Invalid JSON",
    "deep": "expected what /api/v1/query_range answers",
    "numbers": r"data\.result\.0\.values\.0\.0",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_other_json_is_refused_in_words(file, kind):
    with pytest.raises(BadInput, match=WORDS[kind]):
        read(file("a.json", HOSTILE[kind]))


def test_noise_and_packed_files_are_refused(tmp_path):
    path = tmp_path / "a.csv"
    for data, words in (
        (bytes(range(256)) * 50, "expected a CSV"),
        (b"", "expected a CSV"),
        (b"\x1f\x8b\x08\x00rest", "unpack it first"),
    ):
        path.write_bytes(data)
        with pytest.raises(BadInput, match=words):
            read(path)


def test_a_series_a_row_is_refused(file):
    path = file(
        "a.csv", "timestamp,host,cpu", "2026-11-02 00:00,web1,1", "2026-11-02 00:00,web2,99"
    )
    with pytest.raises(BadInput, match="text in 'host'"):
        read(path)


def test_two_files_without_names_are_not_made_one_series(file):
    one = file("cpu.csv", "timestamp,value", "2026-11-02 00:00,1")
    other = file("mem.csv", "timestamp,value", "2026-11-02 00:00,99")
    with pytest.raises(BadInput, match=r"cpu\.csv and mem\.csv have different values"):
        read(one, other)
    later = file("later.csv", "timestamp,value", "2026-11-02 00:00,1", "2026-11-02 00:05,2")
    assert [value for _, _, value in rows(read(one, later))] == [1.0, 2.0]


def test_where_summer_time_ends_a_night_has_25_hours():
    night = night_of(MetricSource("node", "x", timezone="Europe/Berlin"), "2026-10-25")
    assert night.end - night.start == 25 * 3600
    with pytest.raises(BadInput, match="not a date"):
        night_of(SOURCE, "2026-13-01")


def test_points_stand_by_series_and_time(file):
    path = file("a.csv", "t,b,a", "2026-11-02 02:00,1,2", "2026-11-02 01:00,3,4")
    kept = read(path).points
    assert kept.equals(kept.sort("series", "at"))
