"""What verdicts on earlier nights do to tonight's findings, and what they can never do."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from biglog.findings.heeding import (
    ALIKE,
    BOUND,
    ENOUGH,
    STRONG,
    bounded,
    heed,
    listen,
    plain,
)
from biglog.findings.judge import judge
from biglog.findings.likeness import Meaning, likeness
from biglog.records import Finding, Verdict, identify
from biglog.settings import DetectSettings

from . import synthetic as made

EYES = Meaning(
    {"full": 0, "space": 1, "login": 2},
    np.array([[1, 0, 0], [0.9, 0.436, 0], [0, 0, 1]], np.float32),
    made.as_cosine,
)
TONIGHT = "2026-03-10"


def found(template="full", date=TONIGHT, score=0.84, **changes):
    at = datetime.fromisoformat(f"{date}T12:00:00").replace(tzinfo=UTC)
    values = {
        "kind": "new_template", "source": "shop", "service": "db", "host": "", "level": "ERROR",
        "started_at": at, "ended_at": at + timedelta(minutes=9), "count": 10, "expected": 0.0,
        "reason": "Seen.", "evidence": {"gravity": 0.8}, **changes,
    }  # fmt: skip
    key = [values[name] for name in ("kind", "source", "service", "host")]
    return Finding(
        identify(*key, template, date), date, template_id=template, score=score, **values
    )


def verdicts(said: str, nights: Sequence[int], **changes) -> tuple[Verdict, ...]:
    """One a night, each on one finding, given the next morning."""
    return tuple(
        Verdict(
            feedback_id=day * 100 + len(said),
            said=said,
            given_at=datetime(2026, 3, day, 8, tzinfo=UTC) + timedelta(days=1),
            night=f"2026-03-{day:02d}",
            findings=(found(date=f"2026-03-{day:02d}", **changes),),
        )
        for day in nights
    )


def told(tonight, said):
    return heed(tonight, listen(said, EYES))


class TestConformance:
    def test_an_empty_night_stays_empty(self):
        assert told([], verdicts("dismiss", [1, 2])) == ()

    def test_without_verdicts_nothing_changes(self):
        tonight = [found("login", score=0.9), found()]
        assert told(tonight, ()) == tuple(tonight)
        assert listen((), EYES).note == ""

    def test_a_verdict_without_findings_says_nothing(self):
        empty = [replace(one, findings=()) for one in verdicts("dismiss", [1])]
        assert told([found()], empty) == (found(),)

    def test_one_verdict_moves_a_little_and_says_so(self):
        (one,) = told([found()], verdicts("dismiss", [1]))
        assert 0.6 < one.score < 0.84
        assert one.evidence["verdicts"]["says"] == (
            "Lowered from 0.84 to 0.70: like 1 dismissed before (2026-03-01)."
        )

    @pytest.mark.parametrize("said", ["confirm", "dismiss"])
    def test_any_number_of_equal_verdicts_is_bounded(self, said):
        many = verdicts(said, range(1, 10)) * 40
        numbered = [replace(one, feedback_id=n) for n, one in enumerate(many)]
        for score in (0.5, 0.7, 0.95):
            (one,) = told([found(score=score)], numbered)
            assert score * (1 - BOUND) <= one.score <= max(score, STRONG)

    def test_order_of_verdicts_does_not_matter(self):
        tonight = [found(), found("login"), found("space", score=0.7)]
        said = (*verdicts("dismiss", [1, 2, 3]), *verdicts("confirm", [4], template="login"))
        mixed = np.random.default_rng(7).permutation(len(said))
        assert told(tonight, [said[n] for n in mixed]) == told(tonight, said)

    def test_the_order_of_findings_does_not_matter(self):
        tonight = [found(), found("login"), found("space", score=0.7)]
        said = verdicts("dismiss", [1, 2, 3])
        assert told(tonight[::-1], said) == told(tonight, said)

    def test_the_same_again_gives_the_same(self):
        said = verdicts("dismiss", [1, 2, 3])
        assert told([found()], said) == told([found()], said)

    def test_a_wrong_verdict_among_many_changes_the_side_of_nothing(self):
        right = verdicts("dismiss", range(1, 9))
        (one,) = told([found()], (*right, *verdicts("confirm", [9])))
        (clean,) = told([found()], right)
        assert clean.score < one.score < 0.84

    def test_findings_are_the_same_ones(self):
        tonight = [found(), found("login", score=0.5), found("space")]
        after = told(tonight, verdicts("dismiss", range(1, 9)))
        assert {f.finding_id for f in after} == {f.finding_id for f in tonight}
        assert [f.score for f in after] == sorted((f.score for f in after), reverse=True)

    def test_heeding_twice_is_heeding_once(self):
        said = verdicts("dismiss", [1, 2])
        once = told([found()], said)
        assert told(once, said) == once
        assert plain(once[0]) == 0.84


class TestLikeness:
    def like(self, one, other):
        return float(likeness([one], [other], EYES)[0, 0])

    def test_the_same_again_is_wholly_alike(self):
        assert self.like(found(), found(date="2026-03-01")) == 1.0

    def test_another_template_that_means_the_same_is_alike(self):
        assert self.like(found("space"), found()) == pytest.approx(0.9, abs=0.01)

    @pytest.mark.parametrize(
        "other",
        [
            found("login"),
            found("unknown"),
            found(kind="rate_down"),
            found("space", evidence={"gravity": 0.1}),
            found("space", count=1_000),
        ],
        ids=["other meaning", "no vector", "the opposite", "less grave", "hundredfold"],
    )
    def test_others_are_not(self, other):
        assert self.like(other, found()) < ALIKE

    def test_silence_of_another_service_is_another_thing(self):
        one = found("", kind="silence", count=0, expected=90.0)
        assert self.like(one, replace(one, service="pay")) == 0.0
        assert self.like(one, one) == 1.0

    def test_what_grew_clearly_worse_is_heard_as_before(self):
        worse = found(count=1_000)
        assert told([worse], verdicts("dismiss", range(1, 9))) == (worse,)


def test_a_strong_finding_keeps_its_score_and_what_was_said_of_the_like():
    (one,) = told([found(score=0.9)], verdicts("confirm", [1, 2]))
    assert one.score == 0.9
    assert one.evidence["verdicts"]["says"] == (
        "Kept at 0.90: like 2 confirmed before (2026-03-01, 2026-03-02)."
    )


def test_what_is_strong_is_not_raised_above_what_is_new():
    before = np.array([0.5, 0.79, 0.8, 0.95])
    sure = bounded(before, np.ones(4))
    assert (sure >= before).all()
    assert sure[:2].max() < STRONG
    assert sure[2:].tolist() == [0.8, 0.95]


def months(rng: np.random.Generator, rule, nights: int = 40) -> list[Verdict]:
    """Two verdicts a night on findings of templates never seen again; ``rule`` says which."""
    said = []
    for night in range(nights):
        day = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=night)
        for _ in range(2):
            score, gravity = rng.uniform(0.5, 0.95), rng.choice([0.1, 0.8])
            one = found(
                f"t{len(said)}", f"{day:%Y-%m-%d}", float(score), evidence={"gravity": gravity}
            )
            kind = "confirm" if rule(score, gravity) else "dismiss"
            given = day + timedelta(hours=32)
            said.append(Verdict(len(said) + 1, kind, given, f"{day:%Y-%m-%d}", (one,)))
    return said


class TestRegression:
    def test_it_is_used_where_it_ranks_later_verdicts_better(self):
        said = months(np.random.default_rng(1), lambda score, gravity: gravity > 0.5)
        heard = listen(said, EYES)
        assert heard.method == "regression"
        assert "80 verdicts, heeded by a regression" in heard.note
        weak = found("a", score=0.9, evidence={"gravity": 0.1})
        grave = found("b", score=0.7, evidence={"gravity": 0.8})
        after = heed([weak, grave], heard)
        assert [one.template_id for one in after] == ["b", "a"]
        proof = after[1].evidence["verdicts"]
        assert proof["parts"]["gravity"] == min(proof["parts"].values())
        assert proof["says"].endswith("by what 80 verdicts taught, above all of its gravity.")
        assert 0.45 <= after[1].score < 0.9

    def test_it_is_not_where_the_plain_score_says_as_much(self):
        said = months(np.random.default_rng(2), lambda score, gravity: score > 0.7)
        heard = listen(said, EYES)
        assert heard.method == "nothing"
        assert "80 verdicts, not used: they would not have helped" in heard.note
        assert heed([found()], heard) == (found(),)

    def test_verdicts_without_rhyme_are_not_learned_from(self):
        rng = np.random.default_rng(3)
        heard = listen(months(rng, lambda score, gravity: rng.random() < 0.5), EYES)
        for one in heed([found("a", score=0.9), found("b", score=0.5)], heard):
            assert plain(one) * (1 - BOUND) <= one.score <= max(plain(one), STRONG)

    def test_a_tenth_of_wrong_verdicts_leaves_what_it_learned(self):
        rng = np.random.default_rng(4)
        said = months(rng, lambda score, gravity: (gravity > 0.5) != (rng.random() < 0.1))
        assert listen(said, EYES).method == "regression"

    @pytest.mark.parametrize("kind", ["confirm", "dismiss"])
    def test_one_kind_of_verdict_is_never_enough(self, kind):
        said = [
            replace(one, said=kind)
            for one in months(np.random.default_rng(5), lambda score, gravity: True)
        ]
        assert len(said) > ENOUGH
        assert listen(said, EYES).method == "neighbours"

    def test_same_verdicts_teach_the_same(self):
        said = months(np.random.default_rng(6), lambda score, gravity: gravity > 0.5)
        tonight = [found(), found("login")]
        assert told(tonight, said) == told(tonight, said[::-1])


PATTERNS = {"get": "GET /cart <*>", "lost": "could not connect to <*>: connection refused"}
CALM = made.every(10, 40, "web", "INFO", "get")
BAD = [*CALM, *[(f"12:{m}0", "web", "app1", "ERROR", "lost", 50) for m in range(6)]]


def test_the_judge_heeds_what_was_said_of_an_earlier_night():
    day = made.night(BAD, PATTERNS)
    history = made.past(dict.fromkeys(made.dates(9), CALM))
    (before,) = judge(day, history, DetectSettings(), made.as_cosine)
    then = replace(before, date="2026-03-09")
    at = datetime(2026, 3, 10, 8, tzinfo=UTC)
    said = replace(history, verdicts=(Verdict(1, "dismiss", at, "2026-03-09", (then,)),))
    (after,) = judge(day, said, DetectSettings(), made.as_cosine)
    assert after.score < before.score
    assert replace(after, score=before.score, evidence=before.evidence) == before


def test_a_finding_lowered_under_the_least_score_is_kept():
    day = made.night(BAD, PATTERNS)
    history = made.past(dict.fromkeys(made.dates(9), CALM))
    (before,) = judge(day, history, DetectSettings(), made.as_cosine)
    at = datetime(2026, 3, 10, 8, tzinfo=UTC)
    then = replace(before, date="2026-03-09")
    many = tuple(Verdict(n, "dismiss", at, "2026-03-09", (then,)) for n in range(1, 21))
    strict = DetectSettings(min_score=before.score)
    (after,) = judge(day, replace(history, verdicts=many), strict, made.as_cosine)
    assert after.score < strict.min_score
