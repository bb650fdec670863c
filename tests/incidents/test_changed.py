"""What an incident's services say otherwise than usual, and where its requests wait."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from findings import synthetic as made

from biglog.incidents.changed import nothing
from biglog.incidents.correlate import correlate
from biglog.incidents.requests import Recorded, requests, traced_lines
from biglog.records import EVENTS, LINES
from biglog.settings import IncidentSettings
from incidents.test_correlate import DAY, HISTORY, PATTERNS, SERVICES, found
from incidents.test_dependencies import START, write_night

USUAL = [*SERVICES, *made.every(10, 20, "shop", "INFO", "cache")]
TROUBLE = [found("09:00", "shop", "five"), found("09:00", "redis", "odd", host="cache1")]


def reasons(rows, earlier=USUAL, traced=nothing, nights=5):
    """The causes' reasons of one night with trouble of shop and redis at nine."""
    day = made.night(rows, PATTERNS)
    history = made.past(dict.fromkeys(made.dates(nights), earlier)) if nights else made.past({})
    (one,) = correlate(TROUBLE, day, history, IncidentSettings(), traced)
    return {cause.service: cause.reason for cause in one.causes}


def test_a_line_that_comes_far_more_often_there_alone():
    told = reasons([*USUAL, ("09:10", "redis", "cache1", "INFO", "cache", 90)])
    said = "it says “redis timeout after … ms” far more often than usual"
    assert said in told["redis"]
    assert "usual" not in told["shop"]


def test_a_line_that_hardly_comes_any_more():
    gone = [row for row in USUAL if row[4] != "cache" or row[0][:2] != "09"]
    told = reasons([*gone, ("09:00", "shop", "app1", "INFO", "greeting", 30)])
    assert "it says “redis timeout after … ms” far more rarely than usual" in told["shop"]


def test_what_one_bad_night_had_is_not_missing_on_the_next():
    bad = [*SERVICES, ("09:10", "shop", "app1", "INFO", "cache", 900)]
    nights = dict.fromkeys(made.dates(5), SERVICES) | {made.dates(5)[2]: bad}
    (one,) = correlate(
        TROUBLE, made.night(SERVICES, PATTERNS), made.past(nights), IncidentSettings()
    )
    assert not any("rarely" in cause.reason for cause in one.causes)


def test_the_work_of_this_hour_every_night_is_not_odd():
    told = reasons([*USUAL, ("09:10", "redis", "cache1", "INFO", "cache", 90)],
                   [*USUAL, ("09:10", "redis", "cache1", "INFO", "cache", 90)])  # fmt: skip
    assert not any("than usual" in reason for reason in told.values())


def test_as_much_more_of_every_line_is_not_odd():
    told = reasons([(*row[:5], 4 * row[5]) for row in USUAL])
    assert not any("than usual" in reason for reason in told.values())


def test_on_the_first_night_the_hours_before_are_the_usual():
    told = reasons([*USUAL, ("09:10", "redis", "cache1", "INFO", "cache", 90)], nights=0)
    assert "far more often than usual" in told["redis"]


@pytest.mark.parametrize("pattern", ["a; b “c”", "x" * 200])
def test_a_template_does_not_break_the_clauses(pattern):
    day = made.night([*USUAL, ("09:10", "redis", "cache1", "INFO", "cache", 90)],
                     PATTERNS | {"cache": pattern})  # fmt: skip
    (one,) = correlate(TROUBLE, day, HISTORY, IncidentSettings())
    (redis,) = [cause for cause in one.causes if cause.service == "redis"]
    assert len(redis.reason.split("; ")) == 3
    assert max(map(len, redis.reason.split("“"))) < 140


REQUEST = [(0, "web", "begins"), (10, "shop", "handles"), (20, "db", "reads"),
           (30, "db", "answers"), (40, "shop", "done"), (50, "web", "ends")]  # fmt: skip


def write_requests(folder, minute, count, slow=0, fields=False):
    """EVENTS and LINES of requests, one a second, that wait ``slow`` ms longer at the store."""
    rows = []
    for n in range(count):
        for place, (ms, service, said) in enumerate(REQUEST):
            late = (place > 2) * slow + ms * (1 + 0.1 * (n % 5))
            at = START + timedelta(minutes=minute, seconds=n, milliseconds=late)
            rows.append((at, service, said, f"req-{minute}a{n:03d}99"))
    named = {"host": "", "level": None, "count": 1}
    events = [
        {"line_id": n, "timestamp": at, "service": service, "template_id": said,
         "parameters": [] if fields else [key], **named}
        for n, (at, service, said, key) in enumerate(rows)
    ]  # fmt: skip
    lines = [
        {"line_id": n, "file": "f", "line_no": n, "timestamp": at, "service": service,
         "content": said, "fields": f'{{"trace_id":"{key}"}}', **named}
        for n, (at, service, said, key) in enumerate(rows)
    ]  # fmt: skip
    paths = [folder / f"{kind}-{minute}.parquet" for kind in ("events", "lines")]
    pq.write_table(pa.Table.from_pylist(events, schema=EVENTS), paths[0])
    pq.write_table(pa.Table.from_pylist(lines, schema=LINES), paths[1])
    return Recorded(paths[0], (paths[1],) if fields else ())


@pytest.mark.parametrize("fields", [False, True], ids=["parameters", "fields"])
def test_requests_wait_longest_at_the_store(tmp_path, fields):
    files = [write_requests(tmp_path, -30, 60, fields=fields),
             write_requests(tmp_path, 0, 60, slow=400, fields=fields)]  # fmt: skip
    trouble = [found("09:00", "web", "five"), found("09:00", "db", "odd", host="db1")]
    day = replace(DAY, date=f"{START:%Y-%m-%d}")
    traced = partial(traced_lines, files, [])
    (one,) = correlate(trouble, day, HISTORY, IncidentSettings(), traced)
    told = {cause.service: cause.reason for cause in one.causes}
    assert "requests wait longest at it, against their usual" in told["db"]
    assert "requests wait" not in told["web"]
    (plain,) = correlate(trouble, day, HISTORY, IncidentSettings())
    sure = [{c.service: c.confidence for c in i.causes}["db"] for i in (plain, one)]
    assert sure[0] < sure[1]


def test_requests_are_those_of_ids_that_several_services_speak_of(tmp_path):
    files = [Recorded(path) for path in write_night(tmp_path, 20)]
    end = START + timedelta(seconds=10)
    rows = requests(files, START, end)
    assert rows["trace"].n_unique() == 10
    assert rows.height == 50  # without the build, which every line has
    assert rows["at"].max() < end.replace(tzinfo=None)
    assert requests(files, START - timedelta(days=1), START).is_empty()


def test_the_night_before_is_past_too(tmp_path):
    files = [write_requests(tmp_path, 0, 20)]
    tomorrow = START + timedelta(days=1)
    now, past = traced_lines([], files, tomorrow, tomorrow + timedelta(minutes=10))
    assert now.is_empty()
    assert past["trace"].n_unique() == 20
