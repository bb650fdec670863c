"""Training hides the right share, resumes where it was killed, and leaks no held-out kind."""

import logging
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch

from biglog.vectors.training import kinds as own
from biglog.vectors.training.contrastive import judgement_loss, of_own_pair, rivals, same_kind
from biglog.vectors.training.corpus import Corpus, _drop_measured, _thin, training_texts
from biglog.vectors.training.held_out_texts import read_crossing
from biglog.vectors.training.heldout import label_pairs
from biglog.vectors.training.kinds import Kind, fill_places, fill_slots, is_chinese, split_of
from biglog.vectors.training.loop import Stage, run_stage
from biglog.vectors.training.masking import mask
from biglog.vectors.training.mlm import (
    IGNORED,
    hide_tokens,
    own_special,
)
from biglog.vectors.training.neighbours import alike_in_words
from biglog.vectors.training.python_source import is_permissive
from biglog.vectors.training.sampling import Pair, Sampler
from biglog.vectors.training.tokenizer import SPECIAL, train_tokenizer


def test_fifteen_percent_are_hidden_log_tokens_too_the_frame_never() -> None:
    rng = np.random.default_rng(3)
    ids = rng.integers(0, 2000, (400, 500))
    seen, labels = hide_tokens(ids, rng, special=own_special(2000))
    frame = np.isin(ids, [SPECIAL.index(t) for t in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")])
    chosen = labels != IGNORED
    log_tokens = (ids >= 1) & (ids <= 5)

    assert not chosen[frame].any()
    assert chosen[~frame].mean() == pytest.approx(0.15, abs=0.005)
    assert chosen[log_tokens].mean() == pytest.approx(0.15, abs=0.05)
    assert (labels[chosen] == ids[chosen]).all()
    assert (seen[~chosen] == ids[~chosen]).all()
    masked = seen[chosen] == SPECIAL.index("[MASK]")
    kept = seen[chosen] == ids[chosen]
    assert masked.mean() == pytest.approx(0.80, abs=0.02)
    assert kept.mean() == pytest.approx(0.10, abs=0.02)
    assert (~masked & ~kept).mean() == pytest.approx(0.10, abs=0.02)


class Line(torch.nn.Module):
    """y = wx, with dropout so that the random state matters."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(4, 1)
        self.drop = torch.nn.Dropout(0.5)
        self.steps: list[int] = []

    def loss(self, step: int, fail_at: int = -1) -> torch.Tensor:
        if step == fail_at:
            raise KeyboardInterrupt
        self.steps.append(step)
        x = torch.from_numpy(np.random.default_rng(step).normal(size=(8, 4)).astype(np.float32))
        return (self.layer(self.drop(x)) - x.sum(1, keepdim=True)).pow(2).mean()


def test_a_killed_training_ends_like_one_that_ran_through(tmp_path: Path) -> None:
    stage = Stage("line", steps=30, learning_rate=0.05, save_every=10)
    whole, broken, resumed = Line(), Line(), Line()
    run_stage(whole, stage, whole.loss)

    path = tmp_path / "line.pt"
    with pytest.raises(KeyboardInterrupt):
        run_stage(broken, stage, lambda step: broken.loss(step, fail_at=17), checkpoint=path)
    run_stage(resumed, stage, resumed.loss, checkpoint=path)

    assert resumed.steps == list(range(10, 30))
    assert torch.equal(whole.layer.weight, resumed.layer.weight)


def test_a_finished_stage_is_not_repeated_and_another_is_not_resumed(tmp_path: Path) -> None:
    path = tmp_path / "line.pt"
    first, again, other = Line(), Line(), Line()
    run_stage(first, Stage("line", 10, 0.05), first.loss, checkpoint=path)
    run_stage(again, Stage("line", 10, 0.05), again.loss, checkpoint=path)
    run_stage(other, Stage("line", 10, 0.01), other.loss, checkpoint=path)
    assert again.steps == []
    assert other.steps == list(range(10))


def test_progress_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    line = Line()
    with caplog.at_level(logging.INFO):
        run_stage(line, Stage("line", 50, 0.01), line.loss)
    assert "line step 50, 100 % done, loss" in caplog.text


def test_the_written_kinds_are_many_bilingual_and_distinct() -> None:
    kinds = own.read_events()
    texts = [text for kind in kinds for text in kind.texts]
    assert len(kinds) >= 400
    assert len({kind.key() for kind in kinds}) == len(kinds)
    assert len(set(texts)) == len(texts)
    for kind in kinds:
        assert {is_chinese(text) for text in kind.texts} == {True, False}, kind.key()


def test_splits_share_no_kind_and_hold_enough() -> None:
    parts = {
        part: [k for k in own.read_events() if split_of(k) == part]
        for part in ("test", "calibrate")
    }
    assert len(parts["test"]) >= 60
    assert len(parts["calibrate"]) >= 40


def test_no_held_out_text_is_trained_on() -> None:
    corpus = Corpus(kinds=own.read_events(), terms=own.read_terms())
    held = {
        text for k in corpus.kinds if split_of(k) != "train" for text in k.texts if "{" not in text
    }
    assert not held & set(training_texts(corpus, seed=1))
    sampler = Sampler(corpus.part("train"), corpus.terms, Random(1))
    assert not held & {side for p in sampler.batch(2000) for side in (p.left, p.right)}


def test_rivals_are_of_one_family_and_two_kinds() -> None:
    found = label_pairs("test")
    kind_of = {}
    slots = {name: fillers[0] for name, fillers in own.read_slots().items()}
    for kind in own.read_events():
        for text in kind.texts:
            kind_of[fill_slots(text, slots)] = kind.key()
    plain = [p for p in found.hard if found.texts[p[0]] in kind_of and found.texts[p[1]] in kind_of]
    assert len(plain) > 200
    for i, j in plain:
        left, right = kind_of[found.texts[i]], kind_of[found.texts[j]]
        assert left != right
        assert left.split("/")[0] == right.split("/")[0]


def test_a_row_repels_all_but_itself_its_kind_and_its_twins() -> None:
    pairs = [
        Pair("a", "disk full", "磁盘满"),
        Pair("b", "refused", "拒绝"),
        Pair("a", "no space", "磁盘满"),
    ]
    texts = [p.left for p in pairs] + [p.right for p in pairs]
    alike = same_kind(pairs, texts)
    #          disk full  refused  no space  磁盘满  拒绝   磁盘满
    assert alike.tolist() == [
        [True, False, True, False, False, True],
        [False, True, False, False, False, False],
        [True, False, True, True, False, False],
        [False, False, True, True, False, True],
        [False, False, False, False, True, False],
        [True, False, False, True, False, True],
    ]


def test_each_pair_is_judged_by_itself_rivals_as_much_as_strangers() -> None:
    pairs = [Pair("a", "x", "y", group=0), Pair("b", "v", "w", group=0), Pair("c", "t", "u")]
    partner = torch.tensor([3, 4, 5, 0, 1, 2])
    alike = same_kind(pairs, [p.left for p in pairs] + [p.right for p in pairs])

    def loss(same: float, rival: float, stranger: float) -> float:
        near = rivals([Pair(p.kind, p.left, p.right, group=i // 2) for i, p in enumerate(pairs)])
        cosines = torch.where(near, torch.tensor(rival), torch.tensor(stranger))
        cosines = cosines.scatter(1, partner[:, None], same)
        return float(judgement_loss(cosines, partner, alike, near))

    assert loss(0.9, 0.1, 0.1) < loss(0.6, 0.1, 0.1)
    assert loss(0.9, 0.1, 0.1) < loss(0.9, 0.4, 0.1)
    assert loss(0.9, 0.4, 0.1) == pytest.approx(loss(0.9, 0.1, 0.4))


def test_an_opposite_repels_its_own_pair_only() -> None:
    assert of_own_pair([1], count=2).tolist() == [[False], [True], [False], [True]]


def test_one_word_turns_an_event_into_its_opposite() -> None:
    sampler = Sampler([Kind("events", "f", "k", ("a", "b"))], {}, Random(1))
    turned = {sampler.opposite("backup of [FILE] completed") for _ in range(60)}
    assert turned == {
        "",
        "backup of [FILE] failed",
        "backup of [FILE] aborted",
        "restore of [FILE] completed",
    }
    assert "数据库连接失败" in {sampler.opposite("数据库连接成功") for _ in range(60)}
    assert {sampler.opposite("upload-id [CODE]") for _ in range(60)} == {""}


def test_neighbours_share_words_and_are_no_twins() -> None:
    texts = ["disk is full", "disk is full now", "disk is broken", "user left", "disk is full"]
    assert alike_in_words(texts, 2)[0] == [1, 2]
    assert alike_in_words(texts, 2)[3] == []


def test_texts_near_the_measured_ones_are_not_learned() -> None:
    chinese, english = read_crossing()[0]
    kinds = [
        Kind("events", "f", "a", (english + "!", "a text of another kind altogether")),
        Kind("events", "f", "b", (chinese,)),
    ]
    kept = _drop_measured(kinds)
    assert [kind.texts for kind in kept] == [("a text of another kind altogether",)]


def test_no_program_dominates_the_corpus() -> None:
    kinds = [Kind("postgresql", "f", str(i), (str(i),)) for i in range(15_000)]
    written = own.read_events()
    assert [kind.name for kind in _thin(kinds)] == [str(i) for i in range(0, 15_000, 3)]
    assert _thin(written) == written


@pytest.mark.parametrize(
    ("raw", "masked"),
    [
        (
            "Failed password for root from 10.0.0.5 port 22022",
            "Failed password for root from [IP] port [NUM]",
        ),
        (
            "2023-01-29 08:42:22,383 GET /api/v1/orders took 35ms",
            "[TIMESTAMP] GET [FILE] took [NUM]ms",
        ),
        ("Jun  9 06:06:20 sshd[17673]: session closed", "[TIMESTAMP] sshd[[NUM]]: session closed"),
        ("segfault at 0x7f3a error 4", "segfault at [CODE] error [NUM]"),
        ("磁盘使用率达到 95%", "磁盘使用率达到 [NUM]"),
    ],
)
def test_masking(raw: str, masked: str) -> None:
    assert mask(raw) == masked


@pytest.mark.parametrize(
    "text",
    [
        "took %d ms",
        "took %(count)d ms",
        "took {0} ms",
        "took {seconds:.2f} ms",
        "took {} ms",
        "took $1 ms",
    ],
)
def test_places_of_format_strings_are_filled(text: str) -> None:
    filled = fill_places(text, Random(0))
    assert filled.startswith("took ")
    assert not set("%{}$") & set(filled)


def test_words_are_switched_into_the_other_language() -> None:
    sampler = Sampler([Kind("events", "f", "k", ("a", "b"))], {"disk": ("磁盘",)}, Random(1))
    assert sampler.switch("disk [FILE] of diskless host", share=1) == "磁盘 [FILE] of diskless host"


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("BSD-3-Clause", True),
        ("OSI Approved; Apache Software License", True),
        ("LGPL-3.0-only", False),
        ("MIT AND GPL-2.0", False),
        ("MPL-2.0", False),
        ("", False),
    ],
)
def test_only_permissive_packages_are_read(licence: str, allowed: bool) -> None:
    assert is_permissive(licence) is allowed


def test_the_tokenizer_has_log_tokens_first_and_chinese_characters() -> None:
    tokenizer = train_tokenizer(["Connection refused by [IP]"] * 5, size=5000)
    assert [tokenizer.id_to_token(i) for i in range(10)] == list(SPECIAL)
    assert tokenizer.encode("数据库[NUM]").tokens == ["[CLS]", "数", "据", "库", "[NUM]", "[SEP]"]
