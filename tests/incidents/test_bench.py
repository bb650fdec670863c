"""Scoring planted faults: a made-up night with two faults and four incidents."""

from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from biglog.errors import BadInput
from biglog.incidents.bench import picture, read_faults, score_faults
from biglog.records import Cause, Incident

FAULTS = """\
fault_id,date,started_at,ended_at,kind,service,host,source,description
F1,2026-03-10,2026-03-10T02:00:00Z,2026-03-10T03:00:00Z,down,redis,cache1,redis,stopped
F2,2026-03-10,2026-03-10T09:00:00Z,2026-03-10T10:00:00Z,slow,postgres,db1,postgres,slow queries
"""


def at(clock):
    return datetime.fromisoformat(f"2026-03-10T{clock}:00").replace(tzinfo=UTC)


def incident(rank, started, ended, *services, causes=()):
    return Incident(
        incident_id=str(rank),
        date="2026-03-10",
        rank=rank,
        title=f"[bold]incident {rank}",
        severity=90 - rank,
        factors={},
        state="new",
        day=1,
        services=services,
        hosts=(),
        started_at=at(started),
        ended_at=at(ended),
        finding_ids=(),
        first_line="",
        worst_line="",
        causes=tuple(Cause(c, "", "", 0.5, "because") for c in causes),
    )


NIGHT = [
    incident(1, "15:00", "15:10", "shop"),  # overlaps nothing
    incident(2, "09:55", "10:05", "shop", causes=["Postgres"]),
    incident(3, "02:10", "02:20", "nginx"),  # overlaps F1, names another service
    incident(4, "03:10", "03:20", "redis", "shop"),  # within the fifteen minutes
]


@pytest.fixture
def faults(tmp_path):
    path = tmp_path / "faults.csv"
    path.write_text(FAULTS)
    return read_faults(path)


def test_each_fault_beside_its_night(faults):
    first, second = score_faults({"2026-03-10": NIGHT}, faults).rows
    assert (first.rank, first.clear_rank, first.overlapped, first.cause_first) == (4, 3, 3, True)
    assert (second.rank, second.clear_rank, second.cause_first) == (2, 2, False)


def test_shares_and_false_incidents(faults):
    scores = score_faults({"2026-03-10": NIGHT, "2026-03-11": []}, faults)
    assert (scores.named(3), scores.named(4), scores.named_clear(3)) == (0.5, 1.0, 1.0)
    assert scores.caused == 0.5
    assert [one.rank for one in scores.false] == [1]
    assert scores.false_per_night == 0.5


def test_harmless_events_count_as_false_but_apart(faults):
    restart = replace(faults[0], started_at=at("15:00"), ended_at=at("15:00"))
    scores = score_faults({"2026-03-10": NIGHT}, faults, [restart])
    assert (len(scores.false), len(scores.benign), scores.false_per_night) == (0, 1, 1.0)


def test_what_is_over_counts_neither_way(faults):
    over = [replace(one, state="resolved") for one in NIGHT]
    scores = score_faults({"2026-03-10": over}, faults)
    assert scores.named(10) == 0
    assert scores.false_per_night == 0


def test_nights_without_incidents_miss_their_faults(faults):
    scores = score_faults({"2026-03-10": []}, faults)
    assert [row.found for row in scores.rows] == [False, False]


def test_the_picture_shows_titles_as_they_are(faults):
    screen = StringIO()
    Console(width=180, file=screen).print(picture(score_faults({"2026-03-10": NIGHT}, faults)))
    text = screen.getvalue()
    assert "[bold]incident 4" in text
    assert "false incidents a night: 1.00" in text


def test_a_wrong_file_is_said_plainly(tmp_path):
    with pytest.raises(BadInput, match="does not exist"):
        read_faults(tmp_path / "faults.csv")
    (tmp_path / "faults.csv").write_text("a,b\n1,2\n")
    with pytest.raises(BadInput, match="expected fault_id, date"):
        read_faults(tmp_path / "faults.csv")
