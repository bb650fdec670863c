"""What every detector keeps to, whatever it looks for."""

from dataclasses import replace

import numpy as np
import pytest

from biglog.findings.companions import Companions
from biglog.findings.distance import Distance
from biglog.findings.judge import detectors, judge
from biglog.findings.novelty import Novelty
from biglog.findings.silence import Silence
from biglog.findings.stopped import Stopped
from biglog.findings.volume import Volume
from biglog.settings import DetectSettings

from . import synthetic as made

ALL = [
    Novelty(made.as_cosine),
    Distance(made.as_cosine),
    Volume(),
    Silence(),
    Stopped(),
    Companions(),
]
PATTERNS = {
    "get": "GET /cart <*>",
    "beat": "heartbeat <*>",
    "lost": "could not connect to <*>: connection refused",
    "gone": "nightly export finished in <*> s",
}
CALM = [
    *made.every(10, 40, "web", "INFO", "get"),
    *made.every(10, 10, "worker", "INFO", "beat"),
    ("03:00", "worker", "app1", "INFO", "gone", 30),
]
# silent worker from 12:00 to 14:00, a new error, a burst of ordinary lines, no export
BAD = [
    *made.every(10, 40, "web", "INFO", "get"),
    *[r for r in made.every(10, 10, "worker", "INFO", "beat") if not "12:00" <= r[0] < "14:00"],
    *[(f"12:{m}0", "web", "app1", "ERROR", "lost", 50) for m in range(6)],
    ("20:00", "web", "app2", "INFO", "get", 4000),
]


def history(count=9, rows=CALM):
    return made.past(dict.fromkeys(made.dates(count), rows))


@pytest.fixture(params=ALL, ids=lambda d: d.name)
def detector(request):
    return request.param


class TestEveryDetector:
    def test_an_empty_day_has_none_but_missing_things(self, detector):
        assert detector.find(made.night([], PATTERNS), history()) == []

    def test_an_empty_history_is_warming_up(self, detector):
        assert detector.find(made.night(BAD, PATTERNS), made.past({})) == []

    def test_one_line_is_no_problem(self, detector):
        one = [("12:00", "web", "app1", "ERROR", "lost", 1)]
        for found in detector.find(made.night(one, PATTERNS), made.past({"2026-03-09": one})):
            assert found.score < 0.5

    def test_a_day_like_all_others_has_none(self, detector):
        assert detector.find(made.night(CALM, PATTERNS), history()) == []

    def test_constant_counts_have_none(self, detector):
        flat = made.every(10, 7, "web", "", "get", host="")
        assert detector.find(made.night(flat, PATTERNS), history(rows=flat)) == []

    def test_order_of_rows_does_not_matter(self, detector):
        day, known = made.night(BAD, PATTERNS), history()
        mixed = np.random.default_rng(7)
        shuffled = detector.find(
            replace(day, counts=day.counts.take(mixed.permutation(day.counts.num_rows))),
            replace(known, counts=known.counts.take(mixed.permutation(known.counts.num_rows))),
        )
        assert shuffled == detector.find(day, known)

    def test_same_input_gives_same_findings(self, detector):
        day, known = made.night(BAD, PATTERNS), history()
        assert detector.find(day, known) == detector.find(day, known)

    def test_a_tenth_of_the_nights_missing_changes_nothing(self, detector):
        day, dates = made.night(BAD, PATTERNS), made.dates(20)
        some = made.past(dict.fromkeys([d for n, d in enumerate(dates) if n % 10 != 4], CALM))
        whole = {f.finding_id for f in detector.find(day, history(20))}
        assert {f.finding_id for f in detector.find(day, some)} == whole

    def test_a_tenth_of_the_rows_missing_changes_nothing(self, detector):
        if detector.name == "companions":
            pytest.skip("torn rows break ties between lines, which is what it measures")
        day, known = made.night(BAD, PATTERNS), history(20)
        kept = [i for i in range(known.counts.num_rows) if i % 10]
        thinner = replace(known, counts=known.counts.take(kept))
        whole = {f.finding_id for f in detector.find(day, known)}
        assert {f.finding_id for f in detector.find(day, thinner)} == whole

    def test_uncovered_dates_are_not_evidence_of_absence(self, detector):
        some = made.past(dict.fromkeys(made.dates(9), CALM), covered=made.dates(9)[:1])
        for found in detector.find(made.night(BAD, PATTERNS), some):
            assert found.evidence["history_days"] == 1

    def test_findings_are_well_formed(self, detector):
        found = detector.find(made.night(BAD, PATTERNS), history())
        assert len({f.finding_id for f in found}) == len(found)
        for one in found:
            assert 0 <= one.score <= 1
            assert one.reason.endswith(".")
            assert one.started_at <= one.ended_at
            assert one.date == "2026-03-10"
            assert one.evidence["history_days"] == 9
            assert one.evidence["detector"] == detector.name


def kinds(found):
    return {(f.kind, f.service, f.template_id) for f in found}


def test_the_judge_finds_each_thing_once():
    found = judge(made.night(BAD, PATTERNS), history(), DetectSettings(), made.as_cosine)
    assert kinds(found) == {
        ("new_template", "web", "lost"),
        ("silence", "worker", ""),
        ("stopped_template", "worker", "gone"),
        ("rate_up", "web", "get"),
    }
    assert {f.kind for f in found[:2]} == {"silence", "new_template"}


def test_a_rerun_keeps_the_ids():
    day, known = made.night(BAD, PATTERNS), history()
    first = judge(day, known, DetectSettings(), made.as_cosine)
    assert judge(day, known, DetectSettings(), made.as_cosine) == first


def test_settings_limit_what_is_kept():
    day, known = made.night(BAD, PATTERNS), history()
    assert len(judge(day, known, DetectSettings(max_findings=2), made.as_cosine)) == 2
    strict = judge(day, known, DetectSettings(min_score=0.8), made.as_cosine)
    assert strict
    assert all(f.score >= 0.8 for f in strict)


def test_names_are_told_apart():
    names = [d.name for d in detectors(DetectSettings(), made.as_cosine)]
    assert len(set(names)) == len(names) == 7
