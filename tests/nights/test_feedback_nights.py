"""Nights after a person judged an incident: the next ones heed it, earlier ones never know."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from small_nights import SOURCE, contents, run_night
from sqlalchemy import text

from biglog import pipeline
from biglog.store import read
from biglog.store.feedback import Feedback, save_feedback, withdraw

DATES = tuple(f"2026-11-0{day}" for day in range(2, 8))
TROUBLE = {DATES[3]: 30, DATES[5]: 40}


def line(date, minute, content):
    return f"{date} {minute // 60:02d}:{minute % 60:02d}:00,000 {content}\n"


def written(date):
    calm = [line(date, m, f"INFO shop: order {m + 100} paid in 0.{m % 7 + 1} s")
            for m in range(0, 1440, 5)]  # fmt: skip
    bad = [line(date, 720 + n % 20, f"ERROR shop: could not reach warehouse {n}: refused")
           for n in range(TROUBLE.get(date, 0))]  # fmt: skip
    return "".join(sorted(calm + bad))


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "landing" / "shop"
    folder.mkdir(parents=True)
    for date in DATES:
        (folder / f"{date}.log").write_text(written(date), "utf-8")
    table = SOURCE.format(name="shop", format="python_logging", service="shop", host="app1")
    (tmp_path / "sources.toml").write_text(table, "utf-8")
    return tmp_path


def night(site, date):
    run_night(site, date, sources=("shop",))


def say(engine, kind, incident_id, day):
    """What a person says at eight in the morning of that day."""
    number = save_feedback(engine, Feedback(kind, "incident", incident_id, "", "lin"))
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE biglog.feedback SET created_at = :at WHERE feedback_id = :id"),
            {"at": datetime.fromisoformat(f"{day}T08:00:00").replace(tzinfo=UTC), "id": number},
        )
    return number


def strongest(site, date):
    return max(read.night(site.engine, date).findings, key=lambda one: one.score)


def test_a_dismissed_incident_lowers_what_is_like_it_later_and_nothing_before(site):
    for date in DATES:
        night(site, date)
    unheard = contents(site.engine)
    then, before = strongest(site, DATES[3]), strongest(site, DATES[5])
    assert then.template_id == before.template_id != ""
    (wrong,) = read.night(site.engine, DATES[3]).incidents
    number = say(site.engine, "dismiss", wrong.incident_id, DATES[4])

    for date in (DATES[3], DATES[5]):
        night(site, date)
    assert strongest(site, DATES[3]) == then
    after = strongest(site, DATES[5])
    assert after.score < before.score
    assert after.evidence["verdicts"]["says"].startswith(f"Lowered from {before.score:.2f} to")
    assert after.evidence["verdicts"]["like"][0]["feedback_id"] == number
    (stage,) = [one for one in read.stages(site.engine, DATES[5]) if one.stage == "detect"]
    assert stage.note == "against 5 earlier nights; 1 verdict heeded by likeness"
    shown = f"({DATES[3]})"
    for locale, words in (("en", "dismissed once"), ("zh", "不是问题")):
        page = pipeline.report_path(site.settings, DATES[5], locale).read_text("utf-8")
        assert words in page
    assert shown in pipeline.report_path(site.settings, DATES[5], "en").read_text("utf-8")

    once = contents(site.engine)
    night(site, DATES[5])
    assert contents(site.engine) == once

    deaf = replace(site.settings.detect, heed_verdicts=False)
    night(replace(site, settings=replace(site.settings, detect=deaf)), DATES[5])
    assert strongest(site, DATES[5]) == before
    withdraw(site.engine, number)
    with site.engine.begin() as connection:
        connection.execute(text("UPDATE biglog.feedback SET withdrawn_at = created_at"))
    night(site, DATES[5])
    assert contents(site.engine)["biglog.finding"] == unheard["biglog.finding"]
