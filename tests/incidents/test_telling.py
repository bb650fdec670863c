"""Which finding of an incident its title tells of, and every report with it."""

from datetime import UTC, datetime

import pytest
from findings import synthetic as made

from biglog.incidents.correlate import correlate
from biglog.records import Finding, identify
from biglog.settings import IncidentSettings

PATTERNS = {"mail": "mail for order <*> not sent", "full": "maxmemory reached, write refused"}
LINES = {"mail": "mail for order 204125 not sent", "full": "maxmemory reached, write refused"}
SERVICES = [
    *made.every(60, 9, "worker", "INFO", "mail"),
    *made.every(60, 9, "redis", "INFO", "full", host="cache1"),
]
DAY = made.night(SERVICES, PATTERNS)
HISTORY = made.past(dict.fromkeys(made.dates(5), SERVICES))


def found(kind, service, template_id, clock, *, gravity, example="", score=0.9, count=90):
    """A finding of half an hour on app1; without a template it is about the whole service."""
    started, ended = (
        datetime.fromisoformat(f"{DAY.date}T{clock}:{second}").replace(tzinfo=UTC)
        for second in ("00", "30")
    )
    return Finding(
        finding_id=identify(kind, "shop", service, "app1", template_id, DAY.date),
        date=DAY.date,
        kind=kind,
        source="shop",
        service=service,
        host="app1",
        template_id=template_id,
        level="WARNING",
        started_at=started,
        ended_at=ended,
        score=score,
        count=count,
        expected=0.0,
        reason="Seen.",
        evidence={"gravity": gravity, "minutes": 30},
        example=example,
    )


COUNT = found("rate_up", "worker", "", "20:22", gravity=0.9)
MAIL = found("new_template", "worker", "mail", "20:22", gravity=0.5, example=LINES["mail"])
SILENT = found("silence", "worker", "", "17:00", gravity=0.9, score=0.7, count=0)
FULL = found("new_template", "redis", "full", "16:50", gravity=0.5, example=LINES["full"])
CALLS = found("rate_down", "worker", "mail", "17:00", gravity=0.3, example=LINES["mail"])


@pytest.mark.parametrize(
    ("group", "told", "title"),
    [
        # a count of grave lines is worse, but says less than a kind of line among them
        ((COUNT, MAIL), MAIL, "worker on app1: new warning “mail for order … not sent”, 90 times"),
        # a line of another night is not what was said in this one
        ((SILENT, CALLS), SILENT, "worker on app1: silent for "),
        # who fell silent says nothing; the likeliest place has said something
        ((SILENT, FULL), FULL, "redis on app1: new warning “maxmemory reached, write refused”"),
        ((FULL,), FULL, "redis on app1: new warning “maxmemory reached, write refused”, 90 times"),
    ],
)
def test_the_title_tells_of_the_finding_that_comes_first(group, told, title):
    (one,) = correlate(group, DAY, HISTORY, IncidentSettings())
    assert one.finding_ids[0] == told.finding_id
    assert set(one.finding_ids) == {f.finding_id for f in group}
    assert one.title.startswith(title)
