"""Mutes end, verdicts stay, one model of a kind is in use, uploads have a fate."""

from dataclasses import replace
from datetime import timedelta

import pytest
from two_nights import FIRST, SECOND, at, vector

from biglog.errors import BadInput
from biglog.records import Meanwhile, Mute
from biglog.store import ledger, metrics, models, uploads
from biglog.store.feedback import Feedback, feedback_on, save_feedback, withdraw
from biglog.store.read import mutes
from biglog.store.write import save_vectors

LATER = at("2036-01-01", 0)


def muted(database, moment):
    with database.connect() as connection:
        return mutes(connection, moment)


def test_a_mute_ends_or_is_withdrawn(database):
    save_feedback(database, Feedback("mute", "incident", "i1", "noise", "lin", LATER))
    for_ever = save_feedback(database, Feedback("mute", "incident", "i2", "known", "wu"))
    save_feedback(database, Feedback("dismiss", "incident", "i3", "no fault", "wu"))
    save_feedback(database, Feedback("confirm", "incident", "i4", "true", "wu"))
    save_feedback(database, Feedback("mute", "template", "i5", "true", "wu"))
    before, after = LATER - timedelta(days=1), LATER + timedelta(days=1)

    assert muted(database, before) == {
        "i1": Mute("lin", "noise", "2036-01-01"),
        "i2": Mute("wu", "known"),
        "i3": Mute("wu", "no fault"),
    }
    assert set(muted(database, after)) == {"i2", "i3"}
    assert muted(database, at(FIRST, 0) - timedelta(days=9999)) == {}
    withdraw(database, for_ever)
    assert set(muted(database, after)) == {"i3"}
    (kept,) = feedback_on(database, "incident", "i2")
    assert (kept.note, kept.author, kept.withdrawn_at is not None) == ("known", "wu", True)
    with pytest.raises(BadInput, match="no feedback number 99"):
        withdraw(database, 99)


@pytest.mark.parametrize(
    "wrong",
    [
        Feedback("like", "template", "t", "", ""),
        Feedback("mute", "host", "t", "", ""),
        Feedback("note", "incident", "t", "", "", LATER),
    ],
)
def test_feedback_that_means_nothing_is_refused(database, wrong):
    with pytest.raises(BadInput):
        save_feedback(database, wrong)


def test_one_model_of_a_kind_is_in_use(database):
    for name in ("a", "b"):
        models.save_model(
            database, models.ModelVersion(name, "encoder", f"pretrained/{name}", {"ap": 0.5}, True)
        )
    models.save_model(database, models.ModelVersion("h", "head", "pretrained/h", is_active=True))
    active = {one.model_id for one in models.models(database) if one.is_active}
    assert active == {"b", "h"}
    models.activate(database, "a")
    models.save_model(database, models.ModelVersion("a", "encoder", "elsewhere", {"ap": 0.6}))
    found = {one.model_id: one for one in models.models(database)}
    assert (found["a"].is_active, found["a"].path, found["a"].metrics) == (
        True,
        "elsewhere",
        {"ap": 0.6},
    )
    assert not found["b"].is_active
    with pytest.raises(BadInput, match="no model 'c'"):
        models.activate(database, "c")


def test_odd_metrics_of_a_night_are_replaced(database):
    one = metrics.MetricAnomaly(SECOND, "cpu", at(SECOND, 2), 99.0, None, 0.9, "never so high")
    other = metrics.MetricAnomaly(SECOND, "ram", at(SECOND, 1), 9.0, 3.0, 0.6, "three times usual")
    metrics.replace_metric_anomalies(database, SECOND, [one])
    assert metrics.replace_metric_anomalies(database, SECOND, [one, other]) == 2
    assert metrics.metric_anomalies(database, SECOND) == (other, one)
    assert metrics.metric_anomalies(database, FIRST) == ()


def test_templates_beside_an_anomaly_go_with_it(database):
    one = metrics.MetricAnomaly(SECOND, "cpu", at(SECOND, 2), 99.0, None, 0.9, "never so high")
    other = metrics.MetricAnomaly(SECOND, "ram", at(SECOND, 1), 9.0, 3.0, 0.6, "three times usual")
    metrics.replace_metric_anomalies(database, SECOND, [one])
    said = Meanwhile("t1", 90, 3.0, spells=2, rises=1, chance=0.001)
    metrics.replace_meanwhile(database, SECOND, [(one, (said,)), (other, (said,))])
    assert metrics.metric_anomalies(database, SECOND) == (replace(one, meanwhile=(said,)),)
    metrics.replace_metric_anomalies(database, SECOND, [one, other])
    assert metrics.metric_anomalies(database, SECOND) == (other, one)


def test_an_upload_has_a_fate(database):
    uploads.save_upload(
        database, uploads.Upload("u1", "a.log", "ab" * 32, 9, "upload-u1", FIRST, "lin")
    )
    uploads.set_state(database, "u1", "failed", reason="not a log\0")
    kept = uploads.upload(database, "u1")
    assert (kept.state, kept.reason, kept.date) == ("failed", "not a log?", FIRST)
    assert uploads.uploads(database) == (kept,)
    for call in (uploads.upload, lambda e, u: uploads.set_state(e, u, "done")):
        with pytest.raises(BadInput, match="no upload 'u2'"):
            call(database, "u2")


def test_the_latest_report_of_a_night_and_language_stays(database):
    for date, sha in ((FIRST, "a"), (SECOND, "b"), (SECOND, "c")):
        ledger.save_report(database, ledger.Report(date, "zh", f"{date}.html", sha * 64, 1))
    assert [(one.date, one.sha256[0]) for one in ledger.reports(database)] == [
        (SECOND, "c"),
        (FIRST, "a"),
    ]


def test_vectors_known_already_are_not_written_again(database):
    rows = [("one", vector(1, 0)), ("two", vector(0, 1)), ("one", vector(1, 0))]
    assert save_vectors(database, "m", 2, rows) == 2
    assert save_vectors(database, "m", 2, [*rows, ("three", vector(1, 1))]) == 1
    assert save_vectors(database, "m", 2, []) == 0
