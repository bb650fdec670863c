"""Verdicts as a night reads them: with their findings, and never one from its future."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from two_nights import FIRST, FULL, SECOND, at, fill

from biglog.store.feedback import Feedback, save_feedback, withdraw
from biglog.store.verdicts import REMEMBERED, verdicts_before

THIRD = "2026-11-21"
MORNING = at(THIRD, 8)


@pytest.fixture
def nights(database):
    fill(database)
    return database


def say(database, kind, *, on="i1", target="incident", given=MORNING, withdrawn=None):
    number = save_feedback(database, Feedback(kind, target, on, "", "lin"))
    moment(database, number, "created_at", given)
    if withdrawn:
        withdraw(database, number)
        moment(database, number, "withdrawn_at", withdrawn)
    return number


def moment(database, number, column, when):
    with database.begin() as connection:
        connection.execute(
            text(f"UPDATE biglog.feedback SET {column} = :at WHERE feedback_id = :id"),
            {"at": when, "id": number},
        )


def heard(database, date):
    return [(one.feedback_id, one.said) for one in verdicts_before(database, date)]


def test_a_verdict_comes_with_the_findings_of_its_night(nights):
    number = say(nights, "dismiss")
    (one,) = verdicts_before(nights, THIRD)
    assert (one.feedback_id, one.said, one.given_at, one.night) == (
        number, "dismiss", MORNING, SECOND,
    )  # fmt: skip
    assert {f.finding_id for f in one.findings} == {"f1", "f2"}
    assert all(f.date == SECOND for f in one.findings)


def test_a_verdict_on_a_template_is_on_its_findings(nights):
    say(nights, "confirm", on=FULL.template_id, target="template")
    (one,) = verdicts_before(nights, THIRD)
    assert {f.template_id for f in one.findings} == {FULL.template_id}


@pytest.mark.parametrize(
    ("given", "known_from"),
    [
        (at(THIRD, 0), THIRD),
        (at(THIRD, 23, 59), THIRD),
        (at(THIRD, 24), "2026-11-22"),
        (at(THIRD, 24 * 4), "2026-11-25"),
    ],
)
def test_a_night_knows_what_was_said_before_it_ended(nights, given, known_from):
    number = say(nights, "dismiss", given=given)
    for day in range(20, 30):
        night = f"2026-11-{day}"
        assert heard(nights, night) == ([(number, "dismiss")] if night >= known_from else [])


def test_a_night_never_hears_of_itself(nights):
    say(nights, "dismiss", given=at(SECOND, 12))
    assert heard(nights, FIRST) == heard(nights, SECOND) == []
    assert len(heard(nights, THIRD)) == 1


def test_a_verdict_from_before_its_incident_is_on_nothing(nights):
    say(nights, "dismiss", given=at(FIRST, 12))
    assert heard(nights, THIRD) == []


def test_the_last_word_on_a_night_counts(nights):
    first = say(nights, "dismiss", given=MORNING)
    last = say(nights, "confirm", given=MORNING + timedelta(days=2))
    assert heard(nights, THIRD) == [(first, "dismiss")]
    assert heard(nights, "2026-11-23") == [(last, "confirm")]


def test_what_was_withdrawn_holds_for_the_nights_before(nights):
    number = say(nights, "dismiss", withdrawn=at("2026-11-22", 9))
    assert heard(nights, THIRD) == [(number, "dismiss")]
    assert heard(nights, "2026-11-22") == []


def test_other_words_are_no_verdicts_and_old_ones_fade(nights):
    for kind in ("mute", "note"):
        say(nights, kind)
    say(nights, "confirm")
    last = at(THIRD, 8) + timedelta(days=REMEMBERED)
    assert [said for _, said in heard(nights, THIRD)] == ["confirm"]
    assert heard(nights, f"{last - timedelta(days=2):%Y-%m-%d}") != []
    assert heard(nights, f"{last:%Y-%m-%d}") == []


def test_reading_twice_reads_the_same(nights):
    say(nights, "dismiss")
    say(nights, "confirm", on=FULL.template_id, target="template")
    assert verdicts_before(nights, THIRD) == verdicts_before(nights, THIRD)
