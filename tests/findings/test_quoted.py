"""A finding quotes a line of its own place and time, not the example of its template."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from biglog.quoted import with_lines
from biglog.records import Finding, Template

NIGHT = datetime(2024, 11, 6, tzinfo=UTC)
PATTERN = "slow request <*> took <*> ms"
EXAMPLE = "slow request /old took 9 ms"


def finding(kind: str = "new_template", *, host: str = "app1", hour: int = 3) -> Finding:
    return Finding(
        finding_id=f"{kind}{host}{hour}",
        date="2024-11-06",
        kind=kind,
        source="app",
        service="shop",
        host=host,
        template_id="T1",
        level="WARN",
        started_at=NIGHT + timedelta(hours=hour),
        ended_at=NIGHT + timedelta(hours=hour + 1),
        score=0.5,
        count=1,
        expected=0.0,
        reason="Seen once.",
        evidence={},
        example=EXAMPLE,
    )


def events(folder: Path) -> Path:
    """Lines of two hosts and of another service, out of order, and of another hour."""
    said = [
        (200, "app1", "shop", ["/late", "30"]),
        (190, "app1", "shop", ["/first", "20"]),
        (185, "app2", "shop", ["/other", "10"]),
        (181, "app1", "mail", ["/mail", "11"]),
        (60, "app1", "shop", ["/early", "40"]),
    ]
    rows = {
        "line_id": list(range(len(said))),
        "timestamp": [NIGHT + timedelta(minutes=one[0]) for one in said],
        "host": [one[1] for one in said],
        "service": [one[2] for one in said],
        "template_id": ["T1"] * len(said),
        "parameters": [one[3] for one in said],
    }
    path = folder / "events.parquet"
    pl.DataFrame(rows).write_parquet(path)
    return path


def quoted(found: Finding, folder: Path, pattern: str = PATTERN) -> str:
    known = {"T1": Template("T1", pattern, pattern, 1, EXAMPLE)}
    [one] = with_lines([found], {"app": events(folder)}, known)
    assert one.finding_id == found.finding_id
    return one.example


def test_the_first_line_of_its_host_service_and_time(tmp_path: Path) -> None:
    assert quoted(finding(), tmp_path) == "slow request /first took 20 ms"
    assert quoted(finding(host="app2"), tmp_path) == "slow request /other took 10 ms"
    assert quoted(finding(host=""), tmp_path) == "slow request /other took 10 ms"
    assert quoted(finding(hour=1), tmp_path) == "slow request /early took 40 ms"


def test_the_example_stays_where_no_such_line_was_written(tmp_path: Path) -> None:
    assert quoted(finding(hour=9), tmp_path) == EXAMPLE
    assert quoted(finding("silence"), tmp_path) == EXAMPLE
    assert quoted(finding("value_up"), tmp_path) == EXAMPLE


def test_a_template_that_has_widened_since_keeps_its_example(tmp_path: Path) -> None:
    assert quoted(finding(), tmp_path, "slow request <*> took <*> ms on <*>") == EXAMPLE


def test_a_source_without_events_keeps_its_examples() -> None:
    [one] = with_lines([finding()], {}, {})
    assert one.example == EXAMPLE
