"""Findings of values inside lines, from a night's events to sentences."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from biglog import unusual
from biglog.findings.judge import judge
from biglog.findings.oddvalues import OddValues, amount
from biglog.findings.usual import SUSPECTS
from biglog.records import EVENTS, ODD_VALUES, SUMMARIES
from biglog.settings import DetectSettings
from findings.synthetic import as_cosine, night, past

DATE = "2026-03-10"
PATTERNS = {"took": "query <*> took <*> ms", "state": "node is <*>"}
USUAL = {
    "source": "shop", "template_id": "took", "slot": 2, "way": "beyond", "field": "took (s)",
    "unit": "s", "factor": 0.001, "limit": 0.2, "known": [], "usual": 0.1, "scope": "place",
    "nights": 13, "aside": 1, "median": 0.002, "numbers": 5200, "rate": 0.04, "p": None,
    "tests": 80,
}  # fmt: skip
STATE = {
    "template_id": "state", "slot": 1, "way": "new", "field": "", "unit": "", "factor": 1.0,
    "limit": None, "known": ["ready", "waiting"], "usual": None, "median": None,
}  # fmt: skip


def event(minutes, template, *values, level="INFO", host="db1", count=1):
    at = datetime.fromisoformat(DATE).replace(tzinfo=UTC) + timedelta(minutes=minutes)
    return {
        "line_id": 1, "timestamp": at, "level": level, "host": host, "service": "db",
        "template_id": template, "parameters": list(values), "count": count,
    }  # fmt: skip


def odd(tmp_path, events, **facts):
    """ODD_VALUES of those events in one place with that past."""
    path = tmp_path / "events.parquet"
    pq.write_table(pa.Table.from_pylist(events, schema=EVENTS), path)
    mine = pl.DataFrame([{**USUAL, **facts}], schema=SUSPECTS)
    return unusual.told(unusual.seen(path, mine, DATE), mine, PATTERNS)


def findings(values):
    return OddValues().find(with_values(values), past({}))


def with_values(values):
    return replace(night([], PATTERNS, DATE), values=values)


def slow(windows, took="900"):
    return [event(10 * one, "took", "7", took) for one in range(windows)]


def test_slow_in_many_windows(tmp_path):
    quick = [event(one, "took", "7", "3") for one in range(600)]
    (one,) = findings(odd(tmp_path, [*quick, *slow(8), event(75, "took", "8", "950.5")]))
    assert (one.kind, one.service, one.host, one.count) == ("value_up", "db", "db1", 9)
    assert one.example == "query 8 took 950.5 ms"
    assert (one.started_at.hour, one.ended_at.minute) == (0, 15)
    assert one.reason == (
        "A duration went up to 950 ms, out of range 9 times between 00:00 and 01:15; in such lines "
        "the highest of 5,200 on 13 earlier nights was 100 ms, 1 worse set aside."
    )
    assert one.evidence["windows"] == 8
    assert one.evidence["value"] == pytest.approx(0.9505)
    assert 0.5 < one.score < 0.8


def test_lines_of_one_moment_are_one_event(tmp_path):
    assert findings(odd(tmp_path, [event(3, "took", "7", "900")] * 500)) == []


def test_a_finding_is_held_to_the_number_of_tests(tmp_path):
    few, many = (odd(tmp_path, slow(3), tests=tests) for tests in (8, 8_000))
    kept, lost = (
        judge(with_values(one), past({}), DetectSettings(), as_cosine) for one in (few, many)
    )
    assert [one.kind for one in kept] == ["value_up"]
    assert lost == ()


def test_memory_is_of_windows_and_batches_change_nothing(tmp_path, monkeypatch):
    events = [event(one % 1440, "took", str(one), str(150 + one % 900)) for one in range(5_000)]
    whole = odd(tmp_path, events)
    assert whole.num_rows <= 144
    monkeypatch.setattr(unusual, "BATCH", 97)
    assert odd(tmp_path, events).equals(whole)
    assert sum(whole["count"].to_pylist()) == sum(one % 900 > 50 for one in range(5_000))


def test_a_line_that_stands_for_several_counts_as_those(tmp_path):
    assert odd(tmp_path, [event(0, "took", "7", "900", count=4)])["count"].to_pylist() == [4]


def test_lines_without_a_time_or_far_from_the_night_are_at_its_start(tmp_path):
    lost = {**event(0, "took", "7", "900"), "timestamp": None}
    values = odd(tmp_path, [lost, event(-5 * 1440, "took", "7", "900")])
    assert [f"{one:%F %T}" for one in values["bucket"].to_pylist()] == [f"{DATE} 00:00:00"]


def test_a_clock_is_no_slowness(tmp_path):
    running = [event(10 * one, "took", "7", str(600_000 * (one + 50))) for one in range(8)]
    assert findings(odd(tmp_path, running)) == []
    growing = [event(10 * one, "took", "7", str(1000 * (one + 1) ** 2)) for one in range(8)]
    assert [one.kind for one in findings(odd(tmp_path, growing))] == ["value_up"]


def test_a_new_word_in_a_closed_set(tmp_path):
    events = [event(10 * one, "state", word) for one in range(5) for word in ("ready", "failed")]
    (one,) = findings(odd(tmp_path, events, **STATE))
    assert one.kind == "new_value"
    assert one.count == 5
    assert one.evidence["new"] == ["failed"]
    assert one.evidence["gravity"] > 0.5
    assert one.reason.startswith("“failed” stood here 5 times between 00:00 and 00:40, where 5,200")
    assert one.reason.endswith("of the 13 earlier nights had only “ready” and “waiting”.")


@pytest.mark.parametrize("word", ["10.0.0.7", "node-8f3a91", "", "42", "x" * 60])
def test_what_is_no_word_is_not_called_new(tmp_path, word):
    assert findings(odd(tmp_path, [event(10 * n, "state", word) for n in range(9)], **STATE)) == []


def test_many_new_words_are_a_set_no_more(tmp_path):
    events = [event(10 * one, "state", f"name {chr(97 + one)}") for one in range(9)]
    assert findings(odd(tmp_path, events, **STATE)) == []


def test_a_shifted_median_tells_when_the_low_ones_came(tmp_path):
    events = [event(10 * one, "took", "7", "2") for one in range(6)]
    facts = {"way": "down", "limit": 0.1, "usual": 1.2, "median": 0.002, "p": 1e-9, "rate": None}
    (one,) = findings(odd(tmp_path, [*events, event(300, "took", "7", "1300")], **facts))
    assert (one.kind, one.count) == ("value_down", 6)
    assert "Half of the values are 2 ms or lower, where the median duration of" in one.reason


def test_hosts_are_named_one_by_one_or_together(tmp_path):
    both = [event(10 * one, "took", "7", "900", host=f"db{one % 2}") for one in range(8)]
    (one,) = findings(odd(tmp_path, both))
    assert (one.host, one.evidence["hosts"]) == ("", ["db0", "db1"])


def test_a_service_that_is_slow_in_all_it_does_is_told_by_a_few_kinds_of_lines(tmp_path):
    table = pl.DataFrame(odd(tmp_path, slow(8)))
    kinds = [table.with_columns(template_id=pl.lit(f"kind {one}")) for one in range(9)]
    found = findings(pl.concat(kinds).to_arrow().cast(ODD_VALUES))
    assert len(found) == 5
    assert [one.evidence["likewise"] for one in found if "likewise" in one.evidence] == [4]


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.00042, "s", "0.42 ms"),
        (95.0, "s", "1.58 min"),
        (7200.0, "s", "2 h"),
        (1536.0, "byte", "1.5 KB"),
        (12.0, "byte", "12 bytes"),
        (99.5, "%", "99.5 %"),
    ],
)
def test_amounts_in_words(value, unit, said):
    assert amount(value, unit) == said


def test_a_night_without_odd_values_reads_no_event(tmp_path):
    none = SUMMARIES.empty_table()
    found = unusual.odd_values(none, none, {}, {"shop": tmp_path / "absent"}, DATE)
    assert found.equals(ODD_VALUES.empty_table())
