"""Bursts, falls, silences and broken pairs; counts are synthetic."""

import numpy as np
import pytest

from biglog.findings.chance import at_least, at_most, discoveries, strength
from biglog.findings.companions import Companions
from biglog.findings.gravity import gravity
from biglog.findings.silence import Silence
from biglog.findings.stopped import Stopped
from biglog.findings.volume import Volume

from . import synthetic as made

PATTERNS = {
    "get": "GET <*>",
    "img": "GET /static/<*>",
    "fail": "request <*> failed",
    "begin": "mail task <*> received",
    "sent": "mail <*> sent",
}


def usual(times=1, night=0):
    """Two kinds of requests and a few failures, with a little noise that differs by night."""
    chance = np.random.default_rng(night)
    return [
        *((c, s, h, lv, t, int(chance.poisson(40 * times)) + 1)
          for c, s, h, lv, t, _ in made.every(10, 1, "web", "INFO", "get")),
        *((c, s, h, lv, t, int(chance.poisson(20 * times)) + 1)
          for c, s, h, lv, t, _ in made.every(10, 1, "web", "INFO", "img")),
        *((c, s, h, lv, t, int(chance.poisson(3 * times)) + 1)
          for c, s, h, lv, t, _ in made.every(10, 1, "web", "ERROR", "fail")),
    ]  # fmt: skip


NIGHTS = {d: usual(night=n) for n, d in enumerate(made.dates(9), start=1)}


def volume(rows, nights=NIGHTS):
    found = Volume().find(made.night(rows, PATTERNS), made.past(nights))
    return {(f.kind, f.template_id): f for f in found if f.score >= 0.4}


def test_an_ordinary_night_has_no_rates_to_tell():
    assert volume(usual(night=99)) == {}


def test_a_burst_of_failures_with_its_interval():
    burst = [(f"02:{m}0", "web", "app1", "ERROR", "fail", 200) for m in range(1, 4)]
    one = volume([*usual(night=99), *burst])["rate_up", "fail"]
    assert (f"{one.started_at:%H:%M}", f"{one.ended_at:%H:%M}") == ("02:11", "02:39")
    assert one.count > 600
    assert one.expected == pytest.approx(12, abs=4)
    assert one.evidence["p"] < 1e-9
    assert "times above the" in one.reason


def test_failures_that_grow_with_the_traffic_are_no_finding():
    assert ("rate_up", "fail") not in volume(usual(times=4, night=99))


def test_failures_that_outgrow_the_traffic_are():
    rows = [r if r[4] != "fail" else (*r[:5], r[5] * 12) for r in usual(times=2, night=99)]
    assert ("rate_up", "fail") in volume(rows)


def test_a_fall_within_the_night():
    rows = [
        (*r[:5], 1) if r[4] == "get" and "04:00" <= r[0] < "06:00" else r for r in usual(night=99)
    ]
    found = Volume().find(made.night(rows, PATTERNS), made.past(NIGHTS))
    fallen = [f for f in found if f.kind == "rate_down" and f.template_id == "get"]
    assert fallen
    assert fallen[0].started_at.hour == 4


def test_too_short_a_history_judges_no_rates():
    burst = [("02:10", "web", "app1", "ERROR", "fail", 500)]
    assert volume([*usual(night=99), *burst], {"2026-03-09": usual(night=1)}) == {}


def test_a_habit_of_one_hour_is_no_burst_in_that_hour():
    backup = [("03:00", "web", "app1", "INFO", "begin", 300)]
    nights = {d: [*rows, *backup] for d, rows in NIGHTS.items()}
    assert volume([*usual(night=99), *backup], nights) == {}


def silences(rows, nights):
    return Silence().find(made.night(rows, PATTERNS), made.past(nights))


def test_a_silent_source_is_one_finding_not_one_per_line():
    rows = [r for r in usual(night=99) if not "07:00" <= r[0] < "09:00"]
    (one,) = silences(rows, NIGHTS)
    assert (one.service, one.template_id, one.count) == ("web", "", 0)
    assert (f"{one.started_at:%H:%M}", f"{one.ended_at:%H:%M}") == ("07:00", "09:00")
    assert "silent for 120 minutes from 07:00, where 9 of the 9 earlier nights" in one.reason


def test_one_of_two_hosts_away_while_the_other_goes_on_is_milder():
    both = [*made.every(10, 30, "web", "INFO", "get", host="app1"),
            *made.every(10, 30, "web", "INFO", "get", host="app2")]  # fmt: skip
    nights = dict.fromkeys(made.dates(9), both)

    def without(*hosts):
        return [r for r in both if not (r[2] in hosts and "07:00" <= r[0] < "09:00")]

    (one,) = silences(without("app2"), nights)
    (all_,) = silences(without("app1", "app2"), nights)
    assert one.host == "app2"
    assert "its other hosts went on" in one.reason
    assert one.score < all_.score


def test_a_source_that_did_not_arrive_is_not_silent():
    assert silences([], NIGHTS) == []


def test_a_habitual_pause_is_no_silence():
    day = [r for r in usual(night=99) if not "07:00" <= r[0] < "09:00"]
    nights = {d: [r for r in rows if not "07:00" <= r[0] < "09:00"] for d, rows in NIGHTS.items()}
    assert silences(day, nights) == []


def test_what_came_every_night_and_not_tonight():
    nightly = [("03:00", "web", "app1", "INFO", "sent", 30)]
    nights = {d: [*rows, *nightly] for d, rows in NIGHTS.items()}
    (one,) = Stopped().find(made.night(usual(night=99), PATTERNS), made.past(nights))
    assert (one.kind, one.template_id, one.score > 0.5) == ("stopped_template", "sent", True)
    assert one.reason.startswith("Not seen at all, though 9 of the 9 earlier nights had it")


def test_a_step_that_stopped_while_its_companion_went_on():
    def mails(night, broken=()):
        counts = np.random.default_rng(night).poisson(9, 24)
        return [
            (f"{h:02d}:00", "worker", "jobs1", "INFO", t, int(n) + 1)
            for h, n in enumerate(counts)
            for t in ("begin", "sent")
            if not (t == "sent" and h in broken)
        ]

    nights = {d: mails(n) for n, d in enumerate(made.dates(9), start=1)}
    (one,) = Companions().find(
        made.night(mails(99, broken=(9, 10, 11)), PATTERNS), made.past(nights)
    )
    assert (one.kind, one.template_id, one.evidence["companion"]) == ("rate_down", "sent", "begin")
    assert (one.started_at.hour, one.ended_at.hour, one.count) == (9, 11, 0)
    assert Companions().find(made.night(mails(99), PATTERNS), made.past(nights)) == []


@pytest.mark.parametrize(
    ("level", "pattern", "low", "high"),
    [
        ("INFO", "request <*> served", 0.0, 0.2),
        ("", "Failed password for <*>", 0.5, 1.0),
        ("INFO", "process <*> still waiting for <*>", 0.5, 0.6),
        ("NOTICE", "Background saving terminated with success", 0.0, 0.3),
        ("INFO", "finished with 0 errors", 0.0, 0.2),
        ("", "数据库连接超时", 0.5, 1.0),
        ("", "No space left on device", 0.8, 1.0),
        ("CRITICAL", "anything", 1.0, 1.0),
    ],
)
def test_gravity_is_in_level_and_words(level, pattern, low, high):
    assert low <= gravity(level, pattern) <= high


def test_tails_agree_with_counting():
    sample = np.random.default_rng(3).negative_binomial(4, 4 / 14, 200_000)  # mean 10, variance 35
    assert at_least(20, 10, 35) == pytest.approx((sample >= 20).mean(), abs=0.003)
    assert at_most(2, 10, 35) == pytest.approx((sample <= 2).mean(), abs=0.003)
    assert at_least(0, 10, 35) == 1.0
    assert at_least(10**6, 1, 1) > 0


def test_strength_rises_as_chance_falls():
    assert strength(1.0) == 0.0
    assert strength(1e-2) == pytest.approx(0.5)
    assert strength(0.0) < 1.0


def test_false_discoveries_are_held_down():
    chance = np.random.default_rng(5).uniform(size=5000)
    real = np.full(50, 1e-8)
    stands = discoveries(np.concatenate([real, chance]), 5050, 0.05)
    assert stands[:50].all()
    assert stands[50:].sum() <= 12
    assert not discoveries([], 10, 0.05).size
