"""The held-out texts are well formed, balanced, and absent from what is trained on."""

import re
from collections import Counter
from pathlib import Path

import pytest

from biglog.errors import BadInput
from biglog.vectors.training.held_out_texts import HELD, LABELS, HeldPair, read_crossing, read_pairs

TRAINED = HELD.parent / "texts"
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def collapse(text: str) -> str:
    return " ".join(text.casefold().split())


def languages(pair: HeldPair) -> int:
    return sum(bool(CHINESE.search(text)) for text in (pair.left, pair.right))


def test_pairs_have_their_labels() -> None:
    pairs = read_pairs()
    assert {pair.label for pair in pairs} == set(LABELS)
    assert HeldPair("differ", "table orders created", "table orders dropped") in pairs


def test_pairs_are_distinct_and_never_a_text_with_itself() -> None:
    pairs = read_pairs()
    sides = {frozenset((collapse(pair.left), collapse(pair.right))) for pair in pairs}
    assert len(sides) == len(pairs)
    assert all(len(both) == 2 for both in sides)


@pytest.mark.parametrize("chinese", [0, 1, 2])
def test_pairs_of_each_label_are_many_within_and_across_the_languages(chinese: int) -> None:
    counts = Counter(pair.label for pair in read_pairs() if languages(pair) == chinese)
    assert all(counts[label] >= 60 for label in LABELS)
    assert max(counts.values()) <= 1.2 * min(counts.values())


def test_crossings_go_from_chinese_to_english_and_repeat_nothing() -> None:
    crossing = read_crossing()
    assert len(crossing) >= 200
    assert all(CHINESE.search(chinese) for chinese, _ in crossing)
    assert not any(CHINESE.search(english) for _, english in crossing)
    texts = [collapse(text) for both in crossing for text in both]
    assert len(set(texts)) == len(texts)


def test_nothing_held_out_is_trained_on() -> None:
    trained = [collapse(path.read_text("utf-8")) for path in TRAINED.rglob("*") if path.is_file()]
    held = [text for pair in read_pairs() for text in (pair.left, pair.right)]
    held += [text for both in read_crossing() for text in both]
    assert trained
    assert [text for text in held if any(collapse(text) in said for said in trained)] == []


@pytest.mark.parametrize("line", ["same\tone text", "alike\tone\ttwo", "differ\tone\t"])
def test_a_malformed_pair_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "pairs.txt"
    path.write_text(f"# header\n{line}\n", "utf-8")
    with pytest.raises(BadInput, match=r"pairs\.txt:2 has"):
        read_pairs(path)


def test_a_malformed_crossing_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "crossing.txt"
    path.write_text("磁盘已满\tdisk full\tmore\n", "utf-8")
    with pytest.raises(BadInput, match=r"crossing\.txt:1 has 3 fields"):
        read_crossing(path)
