"""A small base of entries, questions, and who answers."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest

from biglog.errors import BadInput
from biglog.knowledge.chunks import chunks
from biglog.knowledge.drafts import draft
from biglog.knowledge.search import build_index, search
from biglog.records import Cause, Entry, Incident

MYSQL = Entry(
    "m",
    "MySQL 连接数超限",
    "## 现象\n\nERROR 1040 (HY000): Too many connections\n\n## 步骤\n\n查看 max_connections。",
    tags=("mysql",),
)
DISK = Entry(
    "d",
    "Disk full",
    "## Symptoms\n\nNo space left on device\n\n## Steps\n\nRun df -h, then\ndelete old logs.",
)
CERT = Entry("c", "Certificate expired", "x509: certificate has expired or is not yet valid")
READY = Entry("r", "KubeNodeNotReady", "The kubelet stopped posting node status.")
BASE = (MYSQL, DISK, CERT, READY)


class LetterEncoder:
    """Vectors that count vowels: enough to see what the vectors change, checkable by eye."""

    model_id = "letters"
    dim = 5

    def encode(self, texts):
        rows = np.array([[t.lower().count(v) for v in "aeiou"] for t in texts], dtype=np.float32)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)

    def readable(self, texts):
        return np.ones(len(texts), bool)

    def similarity(self, cosine):
        return np.clip(np.asarray(cosine, dtype=np.float64), 0, 1)


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("mysql数据库连接报错太多", MYSQL),
        ("Too many connections", MYSQL),
        ("磁盘写满了", DISK),
        ("no space left on device", DISK),
        ("证书过期", CERT),
        ("node is not ready", READY),
        ("节点未就绪", READY),
    ],
)
def test_the_right_entry_is_first(query, best):
    hits = search(query, build_index(BASE))
    assert hits[0].entry is best
    assert [h.rank for h in hits] == list(range(1, len(hits) + 1))
    assert all(1 >= a.score >= b.score >= 0 for a, b in pairwise(hits))


def test_the_excerpt_is_the_passage_that_answers():
    hit = search("delete logs with df", build_index(BASE))[0]
    assert hit.excerpt == "Run df -h, then delete old logs."
    assert "df" in hit.matched


def test_a_question_nobody_can_answer_finds_nothing():
    assert search("zyxwvu qqqq", build_index(BASE)) == ()


@pytest.mark.parametrize("query", ["", "  \n", "？？", "的了吗", "the of"])
def test_a_question_without_words(query):
    if query.strip():
        assert search(query, build_index(BASE)) == ()
    else:
        with pytest.raises(BadInput, match="blank"):
            search(query, build_index(BASE))


@pytest.mark.parametrize(("query", "top"), [("x" * 2001, 5), ("disk", 0)])
def test_limits(query, top):
    with pytest.raises(BadInput):
        search(query, build_index(BASE), top=top)


OTHERS = [Entry(f"o{n}", f"guide{n} to matter{n}", f"topic{n} chapter{n}") for n in range(60)]


@pytest.mark.parametrize("base", [BASE, (*BASE, *OTHERS)])
def test_the_likelihood_means_the_same_in_a_small_base_and_in_a_large_one(base):
    index = build_index(base)
    whole, word = (
        search(q, index)[0] for q in ("Disk full: no space left on device", "disk coupons")
    )
    assert whole.entry is word.entry is DISK
    assert whole.likelihood == pytest.approx(0.72, abs=0.05)
    assert word.score > 0.39  # a large share, and yet one word only
    assert word.likelihood < 0.31


def test_an_empty_base_has_no_answers():
    assert search("disk", build_index(())) == ()
    assert search("disk", build_index([Entry("e", "", "")])) == ()


def test_known_vectors_are_not_computed_again():
    encoder = LetterEncoder()
    texts = [c.text for e in BASE for c in chunks(e)]
    known = dict(zip(texts, encoder.encode(texts), strict=True))
    index = build_index(BASE, vectors=known)  # no encoder given
    assert index.vectors is not None
    assert np.array_equal(index.vectors, build_index(BASE, encoder=encoder).vectors)
    assert build_index(BASE).vectors is None


def test_meaning_answers_where_no_word_does():
    encoder = LetterEncoder()
    hits = search("zzooo", build_index(BASE, encoder=encoder), encoder=encoder)
    assert hits[0].entry is MYSQL  # the one with the most o in it
    assert hits[0].matched == ("meaning",)


def test_the_same_question_gives_the_same_answer():
    index = build_index(BASE)
    assert search("disk certificate", index) == search("disk certificate", build_index(BASE))


def test_a_long_section_is_cut_and_a_hash_in_a_fence_is_no_heading():
    body = "## Steps\n\n```\n# not a heading\n```\n\n" + "\n\n".join(["word " * 100] * 8)
    parts = chunks(Entry("e", "Title", body))
    assert [p.heading for p in parts] == ["Steps"] * len(parts)
    assert len(parts) > 1
    assert all(p.text.startswith("Title\nSteps\n") for p in parts)


def test_a_draft_has_the_exact_error_lines():
    line = "FATAL: sorry, too many clients already ``` <b>"
    at = datetime(2026, 11, 20, 2, 14, tzinfo=UTC)
    incident = Incident(
        incident_id="i1",
        date="2026-11-20",
        rank=1,
        title="orders-db: connections refused",
        severity=80,
        factors={},
        state="new",
        day=1,
        services=("orders-db",),
        hosts=("node-17",),
        started_at=at,
        ended_at=at,
        finding_ids=("f1", "f2"),
        first_line=line,
        worst_line=line,
        causes=(Cause("orders-db", "", "t1", 0.7, "first unusual line four minutes before"),),
    )
    entry = draft(incident, locale="en")
    assert entry == draft(incident, locale="en")
    assert (entry.state, entry.source) == ("draft", "incident")
    assert entry.content.count(line) == 1
    assert f"\n    {line}\n" in entry.content  # indented code: no fence to close
    assert search("sorry, too many clients already", build_index([entry, DISK]))[0].entry is entry


def test_an_excerpt_has_no_markdown_in_it():
    body = "## Steps\n\n```sql\nSHOW **PROCESSLIST**;\n```\n\n- run `df -h` at once"
    index = build_index([Entry("e", "t", body)])
    assert search("processlist", index)[0].excerpt == "SHOW PROCESSLIST; run df -h at once"


class EnglishEncoder(LetterEncoder):
    """Reads no Chinese, as an English vocabulary does."""

    def readable(self, texts):
        return np.array([any(c in "aeiou" for c in t.lower()) for t in texts], bool)

    def encode(self, texts):
        if not self.readable(texts).all():
            raise BadInput("no word of it is known")
        return super().encode(texts)


def test_what_the_encoder_cannot_read_is_found_by_words():
    encoder = EnglishEncoder()
    lock = Entry("z", "死锁", "两个事务互相等待")
    index = build_index([*BASE, lock], encoder=encoder)
    assert search("死锁", index, encoder=encoder)[0].entry is lock
    assert search("zzaaeee", index, encoder=encoder)[0].entry is not lock
