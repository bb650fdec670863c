"""Models of features: one list of behaviours for every method, and the features by eye."""

import json

import numpy as np
import pytest

from biglog.errors import BadInput
from biglog.findings.learned import choose, judge, methods
from biglog.findings.learned import usual as usually
from biglog.findings.learned.features import count, learn_space, make_table, owned
from biglog.samples import Kinds, Samples

PATTERNS = ("start", "work", "stop", "retry", "out of memory", "odd <*> thing")


def kinds(known=6, likeness=0.0):
    later = np.arange(6) >= known
    vectors = np.eye(6, dtype=np.float32)
    return Kinds(
        tuple(f"t{n}" for n in range(6)), PATTERNS, PATTERNS, vectors, known,
        np.where(later, 3 if known > 3 else 0, np.arange(6)), np.where(later, likeness, 1.0),
    )  # fmt: skip


def sessions(*rows):
    lengths = [len(row) for row in rows]
    events = np.array([one for row in rows for one in row], np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Samples(events, starts, ("",) * len(rows), np.ones(len(rows)), of_lines=False)


def lines(*rows):
    events = np.array([template for template, _, _ in rows], np.int64)
    weights = np.array([times for _, _, times in rows], float)
    levels = tuple(level for _, level, _ in rows)
    return Samples(events, np.arange(len(rows) + 1), levels, weights, of_lines=True)


def jobs(count=40):
    """Every fourth session retries and never stops."""
    rows = [(0, 3, 3) if n % 4 == 0 else (0, 1, 2) for n in range(count)]
    return sessions(*rows), np.array([int(n % 4 == 0) for n in range(count)])


def fitted(*names, samples=None, odd=None, seed=1):
    if samples is None:
        samples, odd = jobs()
    return judge.fit_judge(judge.prepare(samples, kinds(5), odd), odd, names, seed=seed)


@pytest.fixture(params=sorted(methods.FITS))
def method(request):
    return request.param


class TestEveryMethod:
    def test_tells_what_it_was_taught_and_high_is_odd(self, method):
        made = fitted(method)
        table = made.table(sessions((0, 1, 2), (0, 3, 3)), kinds(5))
        usual, odd = made.score(table)
        assert 0.0 <= usual < 0.5 < odd <= 1.0

    def test_of_lines_too(self, method):
        samples = lines(
            (0, "INFO", 50), (1, "INFO", 40), (2, "", 30), (3, "WARNING", 3), (4, "ERROR", 2)
        )
        odd = np.array([0, 0, 0, 1, 1])
        made = fitted(method, samples=samples, odd=odd)
        scores = made.score(made.table(samples, kinds(5)))
        assert (scores[:3] < 0.5).all()
        assert (scores[3:] > 0.5).all()

    def test_the_same_seed_gives_the_same_scores(self, method):
        table = fitted(method).table(jobs()[0], kinds(5))
        np.testing.assert_array_equal(fitted(method).score(table), fitted(method).score(table))

    def test_kept_and_read_again_it_scores_the_same(self, method):
        made = fitted(method)
        plan = json.loads(json.dumps(judge.plan(made)))
        plan |= {"words": tuple(plan["words"]), "methods": tuple(plan["methods"])}
        again = judge.from_arrays(judge.Plan(**plan), judge.arrays(made))
        rows = sessions((0, 1, 2), (0, 3, 3), (4,), (0, 1, 5))
        table = made.table(rows, kinds(5))
        np.testing.assert_allclose(again.score(again.table(rows, kinds(5))), made.score(table))

    def test_says_why(self, method):
        made = fitted(method)
        row = sessions((0, 3, 3))
        said = made.tell(made.table(row, kinds(5)).cells, row, kinds(5))
        assert any("retry" in one or "stop" in one or "work" in one for one in said), said

    def test_one_class_is_refused_in_words(self, method):
        samples, odd = jobs()
        with pytest.raises(BadInput, match="some of each"):
            fitted(method, samples=samples, odd=np.zeros_like(odd))

    def test_unlabelled_rows_are_neither_class(self, method):
        samples, odd = jobs()
        said = np.where(np.arange(len(odd)) < 20, odd, -1)
        made = fitted(method, samples=samples, odd=said)
        scores = made.score(made.table(samples, kinds(5)))
        assert scores[odd == 1].min() > scores[odd == 0].max()


class TestEdges:
    def test_all_rows_equal(self):
        samples = sessions(*[(0, 1, 2)] * 10)
        odd = np.array([1, *[0] * 9])
        for name in methods.FITS:
            made = fitted(name, samples=samples, odd=odd)
            assert np.ptp(made.score(made.table(samples, kinds(5)))) == 0

    def test_a_session_without_a_known_template(self):
        made = fitted("tree", "knn")
        table = made.table(sessions((5,)), kinds(5))
        assert table.unseen.tolist() == [1.0]
        assert np.isfinite(made.score(table)).all()

    def test_without_any_label_what_is_unusual_is_odd(self):
        samples = sessions(*[(0, 1, 2)] * 30)
        made = fitted(judge.USUAL, samples=samples, odd=np.full(30, -1))
        rows = sessions((0, 1, 2), (0, 1), (0, 1, 2, 4))
        usual, lacking, more = made.score(made.table(rows, kinds(5)))
        assert usual < lacking
        assert usual < more


def test_a_later_template_counts_as_the_known_one_it_is_like():
    samples, odd = jobs()
    space = learn_space(samples, kinds(5), np.flatnonzero(odd == 0))
    row, none = sessions((0, 5)), np.zeros(1, np.int64)
    like = make_table(space, row, kinds(5, likeness=0.9), none)
    unlike = make_table(space, row, kinds(5, likeness=0.2), none)
    assert like.cells[0, 3] == pytest.approx(0.9 * np.log(2))
    assert unlike.cells[0, 3] == 0
    assert like.unseen[0] == pytest.approx(0.1)
    assert unlike.unseen[0] == pytest.approx(0.8)


def test_no_session_vouches_for_itself():
    """The one session that retries is as unusual among its own as among the others."""
    rows = sessions(*[(0, 1, 2)] * 9, (0, 3))
    reference = np.arange(10)
    counts = count(rows, 5)
    usual = usually.learn_usual(counts)
    inside = usually.facts(usual, counts, np.zeros(10, np.int64), owned(10, reference))
    outside = usually.facts(
        usually.learn_usual(counts[:9]), counts, np.zeros(10, np.int64), np.zeros(10, np.int64)
    )
    assert inside.present[9] == pytest.approx(outside.present[9], rel=0.1)
    assert inside.vector[9] == pytest.approx(outside.vector[9], rel=0.1)


@pytest.mark.parametrize("seed", range(5))
def test_rows_have_one_hash_whatever_their_order(seed):
    rng = np.random.default_rng(seed)
    rows = [rng.integers(0, 5, 6).tolist() for _ in range(50)]
    hashes = usually.hash_rows(count(sessions(*rows), 5))
    mixed = usually.hash_rows(count(sessions(*[rng.permutation(row).tolist() for row in rows]), 5))
    np.testing.assert_array_equal(hashes, mixed)
    distinct = {tuple(sorted(row)) for row in rows}
    assert len(set(hashes.tolist())) == len(distinct)


def test_the_threshold_of_the_best_f1():
    odd = np.array([0, 0, 0, 1, 1])
    bar = choose.best_f1(odd, np.array([0.1, 0.2, 0.3, 0.7, 0.9]), np.ones(5))
    assert bar.value == pytest.approx(0.5)
    assert choose.measure(odd, np.array([0.1, 0.2, 0.3, 0.7, 0.9]), np.ones(5), bar.value).f1 == 1.0


def stream(seed, share, count=4_000):
    """Scores of rows as they come, so many of them odd, and the truth."""
    rng = np.random.default_rng(seed)
    odd = (rng.random(count) < share).astype(int)
    return np.clip(rng.normal(0.25 + 0.45 * odd, 0.12), 0.0, 1.0), odd


@pytest.mark.parametrize("share", [0.005, 0.03, 0.2])
def test_a_threshold_of_picked_rows_is_that_of_the_stream(share):
    """Half of the labelled rows are odd, as people pick them; the threshold is for the stream."""
    scores, truth = stream(1, share)
    picked, odd = stream(2, 0.5, 200)
    ones = np.ones(len(scores))
    best = choose.measure(truth, scores, ones, choose.best_f1(truth, scores, ones).value).f1
    plain = choose.best_f1(odd, picked, np.ones(200))
    ours = choose.best_on_stream(odd, picked, np.ones(200), scores, ones)
    found = [choose.measure(truth, scores, ones, one.value).f1 for one in (plain, ours)]
    assert found[1] >= found[0]
    assert found[1] > best - max(0.1, (best - found[0]) / 2)


@pytest.mark.parametrize("share", [0.005, 0.03, 0.1])
def test_the_share_of_odd_rows_is_found_without_labels(share):
    rng = np.random.default_rng(3)
    odd = rng.random(4_000) < share
    values = rng.normal(2.0 * odd - 1.0, 0.7)
    odds = np.exp(2.0 * values / 0.7**2)  # of two normal distributions, at even shares
    assert choose.odd_share(odds, np.ones(4_000)) == pytest.approx(share, rel=0.35)
    chances = odds / (1.0 + odds)
    bar = choose.best_expected(chances, np.ones(4_000), labelled=1_000)
    ones = np.ones(len(odd))
    best = choose.measure(odd, chances, ones, choose.best_f1(odd * 1, chances, ones).value).f1
    assert choose.measure(odd, chances, ones, bar.value).f1 > best - 0.05


def test_scores_by_which_nearly_all_would_be_odd_are_not_believed():
    rng = np.random.default_rng(5)
    scores = rng.uniform(0.6, 0.9, 1_000)
    bar = choose.best_expected(scores, np.ones(1_000), labelled=3)
    assert (scores >= bar.value).mean() == pytest.approx(0.02, abs=0.002)


def test_labels_as_they_come_say_how_many_to_flag():
    scores, truth = stream(6, 0.03)
    bar = choose.as_many(scores, np.ones(len(scores)), 0.03)
    assert (scores >= bar.value).mean() == pytest.approx(0.03, abs=0.001)
    assert truth[scores >= bar.value].mean() > 0.8
    tied = np.repeat([0.2, 0.6, 0.9], [300, 680, 20])
    assert choose.as_many(tied, np.ones(1_000), 0.03).value == pytest.approx(0.75)


def test_a_stream_without_odd_rows_flags_next_to_none():
    scores, _ = stream(4, 0.0)
    bar = choose.best_expected(scores, np.ones(len(scores)), labelled=10)
    assert (scores >= bar.value).mean() < 0.01


def test_a_tie_goes_to_the_simpler():
    assert choose.first_of_the_best({"usual": 0.5, "lr": 0.991, "tree": 0.993}) == "lr"
    assert choose.first_of_the_best({"usual": 0.5, "lr": 0.9, "tree": 0.993}) == "tree"


def test_without_odd_rows_the_threshold_is_what_nearly_all_stay_under():
    scores = np.linspace(0.0, 0.9, 100)
    bar = choose.above_usual(scores, np.ones(100))
    assert 0.88 < bar.value < 0.91
    assert "quantile" in bar.chosen_by
