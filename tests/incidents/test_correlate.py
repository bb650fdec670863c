"""Synthetic findings and counts; no line here was recorded from a real system."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from findings import synthetic as made

from biglog.incidents.correlate import correlate
from biglog.records import Finding, Mute, identify
from biglog.settings import IncidentSettings

PATTERNS = {
    "refused": "could not connect to postgres at <*>: connection refused",
    "slots": "FATAL: sorry, too many clients already",
    "five": "upstream prematurely closed connection while reading from shop",
    "cache": "redis timeout after <*> ms",
    "greeting": "welcome banner <*>",
    "odd": "flux capacitor drained",
}
SERVICES = [
    *made.every(60, 9, "shop", "INFO", "greeting"),
    *made.every(60, 9, "postgres", "INFO", "greeting", host="db1"),
    *made.every(60, 9, "nginx", "INFO", "greeting", host="web1"),
    *made.every(60, 9, "redis", "INFO", "greeting", host="cache1"),
]
DAY = made.night(SERVICES, PATTERNS)
HISTORY = made.past(dict.fromkeys(made.dates(5), SERVICES))


def found(clock, service, template_id, **more):
    """A new ERROR of half an hour, unless told otherwise."""
    date = more.pop("date", DAY.date)
    minutes = more.pop("minutes", 30)
    started = datetime.fromisoformat(f"{date}T{clock}:00").replace(tzinfo=UTC)
    gravity = more.pop("gravity", 0.8)
    extra = more.pop("evidence", {})
    kind = more.pop("kind", "new_template")
    host = more.pop("host", "app1")
    return Finding(
        finding_id=identify(kind, "shop", service, host, template_id, date),
        date=date,
        kind=kind,
        source="shop",
        service=service,
        host=host,
        template_id=template_id,
        level=more.pop("level", "ERROR"),
        started_at=started,
        ended_at=started + timedelta(minutes=minutes),
        score=more.pop("score", 0.85),
        count=more.pop("count", 100),
        expected=0.0,
        reason="Seen often, never before.",
        evidence={"gravity": gravity, **extra},
        example=PATTERNS.get(template_id, ""),
    )


def replace_date(finding, date):
    """The same finding in another night."""
    days = datetime.fromisoformat(date) - datetime.fromisoformat(finding.date)
    ids = finding.kind, finding.source, finding.service, finding.host, finding.template_id
    return replace(
        finding,
        finding_id=identify(*ids, date),
        date=date,
        started_at=finding.started_at + days,
        ended_at=finding.ended_at + days,
    )


def night(*findings, history=HISTORY):
    return correlate(findings, DAY, history, IncidentSettings())


def test_no_findings_no_incidents():
    assert night() == ()


def test_one_fault_over_three_services_is_one_incident_at_its_place():
    (one,) = night(
        found("02:13", "nginx", "five", host="web1"),
        found("02:12", "shop", "refused"),
        found("02:11", "postgres", "slots", host="db1"),
    )
    assert one.services[0] == "postgres"
    assert set(one.services) == {"postgres", "shop", "nginx"}
    assert one.first_line == "FATAL: sorry, too many clients already"
    assert one.rank == 1
    assert one.state == "new"
    assert one.day == 1
    assert "too many clients" in one.causes[0].reason
    assert sum(c.confidence for c in one.causes) == pytest.approx(1, abs=0.01)


def test_a_reason_quotes_what_the_service_says_of_its_own_fault():
    (one,) = night(found("02:11", "postgres", "slots", host="db1"))
    assert "it reports “too many clients already” itself" in one.causes[0].reason
    harmless = replace(found("02:11", "redis", "reload"), example="reloading configuration")
    (one,) = night(harmless)
    assert one.causes[0].reason == "redis: it shows trouble of its own."


def test_who_repeats_what_another_said_tells_of_no_fault_of_its_own():
    said = "connection to postgres failed: FATAL: sorry, too many clients already"
    (one,) = night(replace(found("02:12", "shop", "quoted"), example=said))
    reasons = {cause.service: cause.reason for cause in one.causes}
    assert "itself" not in reasons["shop"]
    assert "shop logs trouble with postgres" in reasons["postgres"]


def test_a_blamed_service_needs_no_line_of_its_own():
    (one,) = night(found("02:12", "shop", "refused"))
    assert one.services == ("postgres", "shop")
    assert one.causes[0].reason == "postgres: shop logs trouble with postgres."


def test_a_silent_service_is_the_place_rather_than_its_callers():
    (one,) = night(
        found("05:01", "shop", "cache"),
        found("05:00", "redis", "", kind="silence", host="cache1", level="", count=0, score=0.8),
    )
    assert one.services[0] == "redis"


def test_the_same_service_hours_later_is_another_incident():
    both = night(found("02:10", "redis", "slots"), found("09:10", "redis", "odd"))
    assert len(both) == 2


def test_strangers_far_apart_are_not_one_incident():
    both = night(found("02:00", "redis", "odd"), found("03:10", "nginx", "slots"))
    assert len(both) == 2


def test_the_same_line_on_another_host_within_the_hour_is_one_incident():
    (one,) = night(
        found("19:40", "shop", "odd", minutes=1),
        found("20:25", "shop", "odd", minutes=0, host="app2"),
    )
    assert set(one.hosts) == {"app1", "app2"}
    assert one.ended_at - one.started_at == timedelta(minutes=45)


@pytest.mark.parametrize(
    ("clock", "service", "template_id"),
    [("21:10", "shop", "odd"), ("20:25", "nginx", "odd"), ("20:25", "shop", "cache")],
    ids=["too late", "another service", "another line"],
)
def test_less_than_the_same_line_within_the_hour_is_two(clock, service, template_id):
    first = found("19:40", "shop", "odd", minutes=1)
    assert len(night(first, found(clock, service, template_id, host="app2"))) == 2


def test_a_shared_consequence_does_not_make_two_faults_one():
    both = night(
        found("02:00", "shop", "slots", gravity=1.0),
        found("02:01", "shop", "five"),
        found("03:10", "shop", "cache", gravity=1.0),
        found("03:11", "shop", "five", host="app2"),
    )
    assert [len(one.finding_ids) for one in both] == [2, 2]


def test_errors_that_rise_twice_need_not_be_the_same_errors():
    rises = [
        found(clock, "shop", "", kind="rate_up", host=host)
        for clock, host in (("02:00", "app1"), ("03:10", "app2"))
    ]
    assert len(night(*rises)) == 2


def test_a_long_affair_does_not_draw_in_the_same_line_after_it():
    both = night(
        found("02:00", "shop", "odd", minutes=240),
        found("06:40", "shop", "odd", host="app2"),
    )
    assert len(both) == 2


def test_a_thousand_findings_become_few_incidents():
    names = ("shop", "postgres", "nginx", "redis")
    many = [
        found(f"{2 * (n % 10):02d}:{n % 7:02d}", names[n % 4], f"t{n}", score=0.5 + n % 50 / 100)
        for n in range(1000)
    ]
    grouped = night(*many)
    assert 8 <= len(grouped) <= 10
    assert sum(len(one.finding_ids) for one in grouped) == 1000


def test_a_mild_finding_alone_is_no_incident():
    mild = found("02:00", "shop", "greeting", level="INFO", gravity=0.1, score=0.52, count=3)
    assert night(mild) == ()


def test_the_worse_is_ranked_first_and_its_factors_are_told():
    first, second = night(
        found("02:00", "shop", "odd", level="WARNING", gravity=0.5, score=0.7, count=2),
        found("08:00", "redis", "slots", level="CRITICAL", gravity=1.0, count=5000, minutes=120),
    )
    assert first.services[0] == "redis"
    assert first.severity > second.severity
    assert set(first.factors) == {
        "level", "novelty", "volume", "spread", "duration", "certainty",
    }  # fmt: skip
    assert all(0 <= value <= 1 for value in first.factors.values())


def test_two_episodes_of_one_finding_join_the_faults_of_their_hours():
    spans = [
        ["2026-03-10T02:00:00+00:00", "2026-03-10T02:30:00+00:00", 60],
        ["2026-03-10T09:00:00+00:00", "2026-03-10T09:30:00+00:00", 40],
    ]
    twice = found("02:00", "shop", "refused", count=60, evidence={"episodes": spans})
    early, late = sorted(
        night(twice, found("09:02", "shop", "cache"), found("02:01", "shop", "odd")),
        key=lambda i: i.started_at,
    )
    assert twice.finding_id in early.finding_ids
    assert twice.finding_id in late.finding_ids
    assert early.ended_at < late.started_at
    assert early.incident_id != late.incident_id


def test_order_of_findings_does_not_matter():
    some = [found(f"0{n}:00", "shop", t) for n, t in enumerate(PATTERNS)]
    assert night(*some) == night(*reversed(some))


class TestState:
    @staticmethod
    def last(date, **more):
        """The incident of an earlier night about the same refused connections."""
        (one,) = correlate(
            [found("23:00", "shop", "refused", date=date)],
            replace(DAY, date=date),
            replace(HISTORY, dates=()),
            IncidentSettings(),
        )
        return replace(one, **more)

    def test_tonight_after_last_night_goes_on_under_the_same_id(self):
        past = self.last("2026-03-09")
        known = replace(HISTORY, incidents=(past,))
        (one,) = night(found("00:10", "shop", "refused", kind="rate_up"), history=known)
        assert (one.state, one.day, one.incident_id) == ("ongoing", 2, past.incident_id)

    def test_after_calm_nights_it_returned(self):
        known = replace(HISTORY, incidents=(self.last("2026-03-06"),))
        (one,) = night(found("00:10", "shop", "refused"), history=known)
        assert (one.state, one.day) == ("returned", 1)

    def test_other_templates_are_another_incident(self):
        known = replace(HISTORY, incidents=(self.last("2026-03-06"),))
        (one,) = night(found("00:10", "shop", "odd"), history=known)
        assert one.state == "new"

    @staticmethod
    def after(earlier, tonight, date="2026-03-06"):
        """The state of tonight's findings after one incident of an earlier night."""
        (past,) = correlate(
            [replace_date(one, date) for one in earlier],
            replace(DAY, date=date),
            replace(HISTORY, dates=()),
            IncidentSettings(),
        )
        (one,) = [
            one
            for one in night(*tonight, history=replace(HISTORY, incidents=(past,)))
            if one.state != "resolved"
        ]
        return one.state, one.incident_id == past.incident_id

    def test_a_consequence_that_two_faults_have_does_not_make_them_one(self):
        earlier = [found("03:00", "shop", "slots", gravity=1.0), found("03:01", "shop", "five")]
        tonight = [found("05:00", "shop", "odd", gravity=1.0), found("05:01", "shop", "five")]
        assert self.after(earlier, tonight) == ("new", False)

    def test_a_worse_fault_is_new_though_one_of_its_lines_came_alone_before(self):
        alone = found("03:01", "shop", "five")
        tonight = [found("05:00", "shop", "slots", gravity=1.0), found("05:01", "shop", "five")]
        assert self.after([alone], tonight) == ("new", False)

    def test_a_fault_returns_with_fewer_of_its_consequences(self):
        earlier = [
            found("03:00", "shop", "slots", gravity=1.0),
            found("03:01", "shop", "five"),
            found("03:02", "shop", "odd"),
        ]
        hosts = {"gravity": 0.8, "hosts": ["app1", "app2"]}
        again = found("05:00", "shop", "slots", host="", kind="rate_up", evidence=hosts)
        assert self.after(earlier, [again]) == ("returned", True)
        assert self.after(earlier, [again, found("05:01", "shop", "five")]) == ("returned", True)

    def test_silent_alone_is_not_the_fault_that_once_silenced_it(self):
        quiet = {"kind": "silence", "level": "", "count": 0, "score": 0.7}
        earlier = [
            found("03:00", "shop", "slots", gravity=1.0),
            found("03:10", "shop", "", **quiet),
        ]
        tonight = [found("05:00", "shop", "", **quiet)]
        assert self.after(earlier, tonight) == ("new", False)
        assert self.after(tonight, tonight) == ("returned", True)

    def test_what_fails_to_come_is_not_what_came_too_often(self):
        quiet = {"kind": "silence", "level": "", "count": 0}
        rise = found("05:00", "shop", "", kind="rate_up")
        assert self.after([found("03:00", "shop", "", **quiet)], [rise]) == ("new", False)
        assert self.after([rise], [rise]) == ("returned", True)

    def test_risen_errors_are_the_same_only_where_their_lines_are(self):
        rise = found("03:00", "shop", "", kind="rate_up", gravity=1.0, score=0.95)
        tonight = [rise, found("03:00", "shop", "odd")]
        assert self.after([rise, found("03:00", "shop", "five")], tonight) == ("new", False)
        assert self.after(tonight, tonight) == ("returned", True)

    def test_what_lasts_over_midnight_goes_on_without_its_first_lines(self):
        quiet = {"kind": "silence", "level": "", "count": 0, "score": 0.7}
        earlier = [
            found("22:00", "shop", "slots", gravity=1.0),
            found("22:10", "shop", "", minutes=110, **quiet),
        ]
        at_once, later = (
            self.after(earlier, [found(clock, "shop", "", **quiet)], "2026-03-09")
            for clock in ("00:00", "05:00")
        )
        assert at_once == ("ongoing", True)
        assert later == ("new", False)

    def test_what_is_over_is_told_once_and_last(self):
        past = self.last("2026-03-09")
        known = replace(HISTORY, incidents=(past,))
        first, over = night(found("00:10", "redis", "odd"), history=known)
        assert first.state == "new"
        assert (over.state, over.severity, over.rank) == ("resolved", 0, 2)
        gone = replace(HISTORY, incidents=(over,))
        assert night(history=gone) == ()

    def test_a_muted_incident_stands_behind_the_others_and_ends_unsaid(self):
        past = self.last("2026-03-09")
        mute = Mute("ann", "reindexing", "2026-03-20")
        known = replace(HISTORY, incidents=(past,), mutes={past.incident_id: mute})
        told = night(
            found("00:10", "shop", "refused"),
            found("09:00", "redis", "odd", score=0.6),
            history=known,
        )
        assert [(one.state, one.mute, one.rank) for one in told] == [
            ("new", None, 1),
            ("muted", mute, 2),
        ]
        assert told[1].incident_id == past.incident_id
        ended = replace(known, incidents=(replace(past, state="muted"),))
        assert night(history=ended) == ()

    def test_a_muted_incident_that_got_clearly_worse_is_heard_again(self):
        past = self.last("2026-03-09", severity=20)
        mute = Mute("ann", "reindexing")
        known = replace(HISTORY, incidents=(past,), mutes={past.incident_id: mute})
        (one,) = night(found("00:10", "shop", "refused"), history=known)
        assert one.severity >= 35
        assert (one.state, one.mute) == ("ongoing", mute)


def test_titles_say_where_what_and_since_when():
    (one,) = night(found("02:12", "redis", "odd"))
    assert one.title == "redis on app1: new error “flux capacitor drained”, 100 times from 02:12"
