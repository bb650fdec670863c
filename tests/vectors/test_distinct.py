"""Every distinct text is embedded once, also over runs that were killed."""

import numpy as np
import pytest

from biglog.vectors.distinct import embed_distinct, text_key

TEXTS = ["disk full", "job started", "disk full", "user login", "job started", "timeout", "error"]
DISTINCT = ["disk full", "job started", "user login", "timeout", "error"]


class Counting:
    def __init__(self, fail_at: int = -1) -> None:
        self.seen: list[str] = []
        self.calls = 0
        self.fail_at = fail_at

    def __call__(self, texts):
        if self.calls == self.fail_at:
            raise KeyboardInterrupt
        self.calls += 1
        self.seen += texts
        return np.array([[len(text)] for text in texts], np.float32)


def test_each_distinct_text_once_in_order_of_sight() -> None:
    encode = Counting()
    batches = list(embed_distinct(TEXTS, set(), encode, batch=2))
    assert [[text for text, _ in batch] for batch in batches] == [
        ["disk full", "job started"],
        ["user login", "timeout"],
        ["error"],
    ]
    assert batches[1][0][1].tolist() == [10]
    assert encode.seen == DISTINCT


def test_what_is_known_is_left_alone() -> None:
    encode = Counting()
    known = {text_key("disk full"), text_key("error")}
    list(embed_distinct(TEXTS, known, encode))
    assert encode.seen == ["job started", "user login", "timeout"]
    assert list(embed_distinct(TEXTS, {text_key(t) for t in TEXTS}, encode)) == []


@pytest.mark.parametrize("fail_at", [0, 1, 2, 3, 4])
def test_a_killed_run_resumes(fail_at: int) -> None:
    store: dict[str, float] = {}
    first, second = Counting(fail_at), Counting()
    with pytest.raises(KeyboardInterrupt):
        commit(store, first)
    commit(store, second)
    assert sorted(first.seen + second.seen) == sorted(DISTINCT)
    assert store == {text_key(text): float(len(text)) for text in DISTINCT}


def commit(store: dict[str, float], encode: Counting) -> None:
    for batch in embed_distinct(TEXTS, set(store), encode, batch=1):
        store.update({text_key(text): float(vector[0]) for text, vector in batch})


def test_the_key_is_of_the_text_as_the_store_keeps_it() -> None:
    assert text_key("a\0b") == text_key("a?b")
    assert text_key("a\ud800") == text_key("a?")
    assert text_key("磁盘满") != text_key("磁盘")
