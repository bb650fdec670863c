"""Figures by eye: rankings, what a log says unusually, and the page of them."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from biglog import evaluation
from biglog.evaluation import Event, unusual
from biglog.reports.evaluation import Row, render
from biglog.reports.voice import voice
from biglog.vectors.training.held_out_texts import read_pairs
from biglog.vectors.training.measure import (
    Window,
    _rank_among,
    characters,
    held_pairs,
    ranking,
    same_fault,
    same_kind,
    tf_idf,
    words,
)

START = datetime(2026, 11, 2, tzinfo=UTC)


def test_rankings_by_hand() -> None:
    alike = np.array([[True, False, True], [False, True, False]])
    assert ranking(alike) == {
        "R@1": 0.5,
        "R@10": 1.0,
        "mAP": pytest.approx(((1 + 2 / 3) / 2 + 1 / 2) / 2),
    }


def test_blocks_rank_as_one() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(23, 6)).astype(np.float32)
    codes = rng.integers(0, 9, 23)
    whole, asked = _rank_among(rows, codes)
    parts, again = _rank_among(rows, codes, block=4)
    assert asked == again
    assert parts == pytest.approx(whole)


def window(name: str, hour: int, place: str, *texts: str) -> Window:
    at = (START + timedelta(hours=hour)).isoformat()
    return Window(name, at, place, texts, (1.0,) * len(texts))


def embed(texts):
    return tf_idf(texts, words)


def test_a_fault_finds_its_kind_of_an_earlier_night_only() -> None:
    nights = [
        window("scan", 1, "", "not found"),
        window("disk", 2, "", "no space left"),
        window("scan", 3, "", "not found", "bad request"),
        window("late", 4, "", "bad request"),
    ]
    found = {one.metric: one for one in same_kind("words", embed, nights)}
    assert (found["R@1"].value, found["mAP"].value, found["R@1"].items) == (1.0, 1.0, 1)
    assert list(same_kind("words", embed, nights[:2])) == []


def test_a_fault_finds_what_another_program_says_of_it() -> None:
    programs = [
        window("redis", 1, "shop", "cache connection refused"),
        window("redis", 1, "worker", "broker connection refused"),
        window("disk", 2, "shop", "no space left"),
        window("disk", 2, "postgresql", "device full"),
    ]
    found = {one.metric: one for one in same_fault("words", embed, programs)}
    assert found["R@1"].items == 4
    assert found["R@1"].value == 0.5  # "device full" shares no word with "no space left"


@pytest.mark.parametrize("features", [words, characters])
def test_neither_like_words_nor_unlike_words_tell_one_event_from_two(features) -> None:
    def like(texts):
        return tf_idf(texts, features)

    def unlike(texts):
        rows = like(texts)
        rows[: len(texts) // 2] *= -1  # the left texts: turns every pair's cosine round
        return rows

    for liked, disliked in zip(held_pairs("", like), held_pairs("", unlike), strict=True):
        assert liked.task == disliked.task
        assert liked.value + disliked.value == pytest.approx(1)
        if liked.task.startswith("nearly"):
            assert 0.4 <= liked.value <= 0.6
        else:
            assert liked.value < 0.4
        if liked.task in ("misleading_english", "misleading_chinese"):
            assert disliked.value > 0.98  # the trick that the figures beside it shut out


@pytest.mark.parametrize(
    ("taken_for_one", "misleading", "nearly"),
    [(("same", "reworded"), 1, 1), (("same",), 1, 0.5), (("reworded",), 0.5, 1)],
)
def test_pairs_are_measured_by_their_labels(taken_for_one, misleading, nearly) -> None:
    label = {(pair.left, pair.right): pair.label for pair in read_pairs()}

    def embed(texts):
        half = len(texts) // 2
        rights = [label[both] for both in zip(texts[:half], texts[half:], strict=True)]
        return np.array([[1, 0]] * half + [[one in taken_for_one, 0] for one in rights])

    found = {one.task: one for one in held_pairs("", embed)}
    for language in ("english", "chinese", "two"):
        assert found[f"misleading_{language}"].value == misleading
        assert found[f"nearly_{language}"].value == nearly
        assert (found[f"pairs_{language}"].value == 1) is (misleading == nearly == 1)
    items = {
        name: sum(v.items for k, v in found.items() if name in k)
        for name in ("misleading", "nearly", "pairs")
    }
    count = Counter(label.values())
    assert items == {
        "misleading": count["same"] + count["differ"],
        "nearly": count["reworded"] + count["differ"],
        "pairs": count.total(),
    }


def test_what_is_said_more_often_than_ever_before_is_unusual() -> None:
    usual = [START + timedelta(minutes=m) for m in range(0, 600, 10)]
    during = [START + timedelta(minutes=600 + m) for m in range(0, 60, 2)]
    at = [*usual, *during, *during, during[0]]
    keys = ["ok"] * 60 + ["ok"] * 30 + ["refused"] * 30 + ["once"]
    lines = pl.DataFrame({"at": at, "key": keys}, schema_overrides={"at": pl.Datetime("us", "UTC")})
    event = Event("fault", during[0], during[-1])
    found = unusual(lines.sort("at"), event)
    assert list(found) == ["refused", "ok"]
    assert found["refused"] == pytest.approx(np.log(31))
    assert unusual(lines.filter(pl.col("at") >= during[0]), event) == {}


def test_the_recorded_truth_is_read_whole() -> None:
    events = list(evaluation.read_events(evaluation.EXAMPLES))
    assert len(events) == 34
    assert all(one.started_at < one.ended_at for one in events)


@pytest.mark.parametrize(("locale", "words"), [("en", "TF-IDF of words"), ("zh", "按词 TF-IDF")])
def test_the_page_has_every_figure_and_escapes_names(locale: str, words: str) -> None:
    rows = [
        Row("same_kind", "R@1", "<b>mine", 0.5, 1200),
        Row("same_kind", "R@1", "tf-idf words", 0.75, 1200),
        Row("misleading_two", "AUROC", "<b>mine", 0.9, 8),
    ]
    page = render(rows, locale, model="<script>x")
    assert words in page
    assert "<script>" not in page
    assert "<b>mine" not in page
    assert "<b>0.750</b>" in page
    assert "1,200" in page
    assert "–" in page  # a way that was not measured on a task


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_every_figure_of_the_pairs_has_its_words(locale: str) -> None:
    speaker = voice(locale, "UTC")
    tasks = {f"task.{one.task}" for one in held_pairs("", embed)}
    assert len(tasks) == 9
    assert {task for task in tasks if not speaker.knows(task)} == set()
    assert len({speaker.say(task) for task in tasks}) == 9
