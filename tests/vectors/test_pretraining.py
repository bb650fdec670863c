"""Pre-training survives kill -9, shares a step among processes, and does not forget old texts."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from releases import write_release
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, pre_tokenizers

from biglog.errors import BadInput, TryAgain
from biglog.vectors.encoder import load_encoder
from biglog.vectors.training.corpus import Corpus
from biglog.vectors.training.guessing import guess_by_frequency, hide_held
from biglog.vectors.training.kinds import Kind
from biglog.vectors.training.mixing import MixedBatches, MixedLoss, Pool, split
from biglog.vectors.training.mlm import IGNORED, Special, hide_tokens, own_special, special_of
from biglog.vectors.training.model import new_model
from biglog.vectors.training.prepared import Request, Texts, alone, encode, part_texts
from biglog.vectors.training.pretrain import pretrain
from biglog.vectors.training.progress import read_curve
from biglog.vectors.training.recipes import Recipe, preset
from biglog.vectors.training.team import Team
from biglog.vectors.training.tokenizer import SPECIAL

TINY = Recipe(
    hidden=16,
    layers=1,
    heads=2,
    positions=40,
    longest=20,
    texts=16,
    masked_steps=40,
    masked_rate=4e-3,
)
CPU = Team(torch.device("cpu"))
WHO = ["job", "user", "server", "disk", "login", "connection"]
DID = ["failed", "started", "finished", "closed", "refused", "established"]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Threads wait for each other longer than models this small compute."""
    before, torch_threads = os.environ.get("OMP_NUM_THREADS"), torch.get_num_threads()
    os.environ["OMP_NUM_THREADS"] = "1"  # of the processes that are started
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(torch_threads)
    os.environ.pop("OMP_NUM_THREADS")
    if before is not None:
        os.environ["OMP_NUM_THREADS"] = before


def sentences(count: int, *, seed: int = 1, tail: str = "by server") -> list[str]:
    rng = Random(seed)
    said: dict[str, None] = {}
    while len(said) < count:
        words = [rng.choice(WHO), rng.choice(DID), "at", rng.choice(WHO), rng.choice(DID), tail]
        said[" ".join(words)] = None
    return list(said)


def weights(model: Path) -> bytes:
    return (model / "model.safetensors").read_bytes()


START = """
import sys
from pathlib import Path
from biglog.vectors.training.pretrain import pretrain
from biglog.vectors.training.prepared import read_request, read_texts
work = Path(sys.argv[1])
pretrain(read_request(work), read_texts(work), None, work, processes=1)
"""


def test_kill_9_changes_nothing_but_the_time(tmp_path: Path) -> None:
    recipe = replace(TINY, masked_steps=200, begin=str(write_release(tmp_path / "begin")))
    texts = part_texts(sentences(200), ())
    whole = pretrain(Request(recipe, str(tmp_path / "whole")), texts, None, tmp_path / "work1")

    work, request = tmp_path / "work2", Request(recipe, str(tmp_path / "killed"))
    interrupt(work, request, texts)
    assert not (tmp_path / "killed").exists()
    resumed = pretrain(request, texts, None, work)

    assert resumed["stages"]["masked"]["steps"] == 200
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")
    assert resumed["held_out"] == whole["held_out"]
    assert [(one["stage"], one["step"]) for one in resumed["curve"]] == [
        ("masked", step) for step in range(10, 201, 10)
    ]
    assert not list(work.glob("*.pt"))


def test_contrast_learns_kinds_and_the_language_beside_them(tmp_path: Path) -> None:
    kinds = [
        Kind("events", who, did, (f"{who} {did}", f"{did} was the {who}", f"{who} 已经 {did}"))
        for who in WHO
        for did in DID
    ]
    recipe = replace(TINY, masked_steps=0, pair_steps=120, pairs=16, beside=16, pair_rate=4e-3)
    report = pretrain(
        Request(recipe, str(tmp_path / "model")),
        part_texts(sentences(200), ()),
        Corpus(kinds=kinds, terms={"job": ("任务",)}),
        tmp_path / "work",
    )
    held = report["held_out"]["new"]
    assert held["after"]["loss"] < min(held["before"]["loss"], held["by frequency"]["loss"])
    encoder = load_encoder(tmp_path / "model")
    rows = encoder.encode([text for kind in kinds for text in kind.texts[:2]])
    right = (rows[::2] @ rows[1::2].T).argmax(axis=1) == np.arange(len(kinds))
    assert right.mean() > 0.8


def interrupt(work: Path, request: Request, texts: Texts) -> None:
    """Start the training in a process of its own and kill it once it has a checkpoint."""
    from biglog.vectors.training.prepared import prepare

    prepare(work, request, texts, None)
    started = subprocess.Popen([sys.executable, "-c", START, str(work)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 240
    while not (work / "masked.pt").exists() and time.monotonic() < deadline:
        assert started.poll() is None, "the training ended before it could be killed"
        time.sleep(0.01)
    started.send_signal(signal.SIGKILL)
    started.wait()
    assert (work / "masked.pt").exists()


def test_two_processes_make_the_model_of_one(tmp_path: Path) -> None:
    begin = write_release(tmp_path / "begin")
    # What is dropped out is drawn by each process for itself.
    recipe = replace(TINY, begin=str(begin), masked_steps=6, dropout=0.0)
    texts = part_texts(sentences(120), ())
    for size in (1, 2):
        request = Request(recipe, str(tmp_path / f"by{size}"))
        report = pretrain(request, texts, None, tmp_path / f"work{size}", processes=size)
        assert report["processes"] == size
    one, two = (load_file(tmp_path / f"by{size}" / "model.safetensors") for size in (1, 2))
    first = load_file_bin(begin)
    # By rounding alone; Adam turns the least gradient into a whole step, so not the largest.
    assert apart(one, two) < 1e-3 * apart(one, first)


def apart(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> float:
    shared = one.keys() & two.keys()
    assert "bert.embeddings.word_embeddings.weight" in shared
    return sum(float((one[name].float() - two[name].float()).square().sum()) for name in shared)


def load_file_bin(directory: Path) -> dict[str, torch.Tensor]:
    return dict(torch.load(directory / "pytorch_model.bin", weights_only=True))


@dataclass(frozen=True)
class Made:
    request: Request
    texts: Texts
    work: Path
    report: dict[str, Any]

    @property
    def out(self) -> Path:
        return Path(self.request.out)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A model from nothing, and everything it was made in."""
    folder = tmp_path_factory.mktemp("made")
    request = Request(replace(TINY, masked_steps=150), str(folder / "out"))
    texts = part_texts(sentences(150), ())
    return Made(request, texts, folder / "work", pretrain(request, texts, None, folder / "work"))


def test_a_request_is_made_once_and_another_is_refused(made: Made, tmp_path: Path) -> None:
    before = weights(made.out)
    assert pretrain(made.request, made.texts, None, made.work) == made.report
    assert weights(made.out) == before
    other = replace(made.request, recipe=replace(made.request.recipe, seed=3))
    with pytest.raises(BadInput, match="holds another training"):
        pretrain(other, made.texts, None, made.work)
    with pytest.raises(BadInput, match="was not made by this request"):
        pretrain(other, made.texts, None, tmp_path / "work")


def test_curves_are_there_for_tensorboard(made: Made) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(made.work / "tensorboard"))
    events.Reload()
    tags = set(events.Tags()["scalars"])
    assert {"masked/loss", "masked/learning rate", "masked/new held-out loss"} <= tags
    steps = list(range(10, 151, 10))
    assert [one.step for one in events.Scalars("masked/new accuracy")] == steps
    assert [point.step for point in read_curve(made.work)] == steps


def test_held_out_texts_are_guessed_better_than_before(made: Made) -> None:
    figures = made.report["held_out"]["new"]
    assert figures["after"]["loss"] < figures["before"]["loss"]
    assert figures["by frequency"]["tokens"] == figures["after"]["tokens"] > 0


def test_rehearsal_keeps_what_the_model_knew(made: Made, tmp_path: Path) -> None:
    old, new = sentences(150), sentences(150, seed=2, tail="out of memory")
    recipe = replace(TINY, masked_steps=80, begin=str(made.out))
    loss = {}
    for share in (0.0, 0.5):
        request = Request(recipe, str(tmp_path / f"r{share}"), rehearsal=share)
        report = pretrain(request, part_texts(new, old), None, tmp_path / f"w{share}")
        loss[share] = {
            part: {way: one["loss"] for way, one in ways.items()}
            for part, ways in report["held_out"].items()
        }
    assert loss[0.5]["old"]["before"] == loss[0.0]["old"]["before"]
    # The language head went on where it was; weights are stored in fp16.
    known = made.report["held_out"]["new"]["after"]["loss"]
    assert loss[0.5]["old"]["before"] == pytest.approx(known, abs=0.02)
    assert loss[0.5]["new"]["after"] < loss[0.5]["new"]["before"]
    assert loss[0.5]["old"]["after"] < loss[0.0]["old"]["after"]


def test_two_trainings_do_not_share_a_folder(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(TryAgain, match="another process trains"):
        pretrain(Request(TINY, "out"), part_texts(sentences(80), ()), None, tmp_path)


def test_a_text_is_new_or_old_learned_or_held_out() -> None:
    old, new = sentences(300), sentences(300, seed=2)
    texts = part_texts([*new, *old[:50]], old)
    parts = [texts.fresh, texts.fresh_held, texts.old, texts.old_held]
    assert sum(map(len, parts)) == len({text for part in parts for text in part})
    assert set(texts.old + texts.old_held) == set(old)
    assert set(part_texts(new, ()).fresh_held) >= set(texts.fresh_held)
    assert 5 <= len(texts.old_held) <= 30  # 5 % of them
    with pytest.raises(BadInput, match="distinct texts to learn from, expected 40"):
        part_texts(["a", "b", "c"], ())


def test_a_step_has_its_share_of_old_texts() -> None:
    fresh, old = [[101, 20, 102]] * 7, [[101, 30, 30, 102]] * 5
    special = Special((0, 100, 101, 102, 103), 200)
    batches = MixedBatches(fresh, old, texts=10, rehearsal=0.3, special=special, share=0.0, seed=1)
    seen, labels = batches.step(4)
    assert (seen == 20).sum() == 7
    assert (seen == 30).sum() == 6
    assert (labels == IGNORED).all()
    np.testing.assert_array_equal(batches.step(4)[0], seen)


def test_every_text_is_drawn_before_one_comes_again() -> None:
    pool = Pool([[number] for number in range(5)], seed=3)
    drawn = [row[0] for row in pool.take(0, 10)]
    assert sorted(drawn[:5]) == sorted(drawn[5:]) == list(range(5))
    assert [row[0] for row in pool.take(3, 4)] == drawn[3:7]


def test_parts_of_a_step_are_the_step() -> None:
    ids = np.array([[101, 7, 8, 9, 102, 0, 0, 0], [101, 7, 102, 0, 0, 0, 0, 0]] * 3)
    parts = list(split(ids, ids, tokens=16))
    assert [part.shape for part, _ in parts] == [(2, 8)] * 3
    assert sorted(map(tuple, np.concatenate([part for part, _ in parts]))) == sorted(
        map(tuple, ids)
    )


def test_accumulated_parts_have_the_gradient_of_the_whole() -> None:
    model = new_model(replace(TINY, vocabulary=60))
    model.eval()
    rows = [list(range(10, 10 + length)) for length in range(3, 19)]
    batches = MixedBatches(
        rows, [], texts=16, rehearsal=0, special=own_special(60), share=0.3, seed=2
    )
    gradients = []
    for teams in ([CPU], [replace(CPU, rank=0, size=2), replace(CPU, rank=1, size=2)]):
        model.zero_grad()
        for team in teams:
            for loss in MixedLoss(model, batches, team)(0):
                (loss / team.size).backward()
        gradients.append(model.bert.embeddings.word_embeddings.weight.grad.clone())
    torch.testing.assert_close(gradients[0], gradients[1], atol=1e-4, rtol=1e-2)


def word_pieces(pieces: list[str]) -> Tokenizer:
    vocabulary = {piece: place for place, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


def test_the_frame_of_another_vocabulary_is_never_hidden() -> None:
    pieces = ["[PAD]", "a", "b", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]
    tokenizer = word_pieces(pieces)
    special = special_of(tokenizer)
    ids = np.random.default_rng(1).integers(0, 7, (200, 50))
    seen, labels = hide_tokens(ids, np.random.default_rng(2), special=special, share=0.5)
    assert set(np.unique(labels)) == {IGNORED, 1, 2}
    hidden = seen[labels != IGNORED]
    assert (hidden == 6).mean() == pytest.approx(0.8 + 0.1 / 6, abs=0.03)


def test_log_tokens_are_words_to_a_vocabulary_without_them() -> None:
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "took", "number", "ms", "address", "ip"]
    tokenizer = word_pieces(pieces)
    assert encode(tokenizer, ["took [NUM] ms"], 9) == [[5, 6, 7]]
    assert encode(tokenizer, ["took took took took"], 3) == [[5, 5, 3]]  # cut, and still framed


def test_frequency_is_the_trivial_guess() -> None:
    special = own_special(30)
    held = (np.zeros((1, 4), np.int64), np.array([[20, 20, 21, IGNORED]]))
    guessed = guess_by_frequency([[20] * 9, [21]], held, special)
    assert guessed.accuracy == pytest.approx(2 / 3)
    assert guessed.tokens == 3


def test_the_same_places_are_hidden_every_time() -> None:
    rows = [list(range(10, 25))] * 40
    first, again = (hide_held(rows, own_special(40), 0.15) for _ in range(2))
    np.testing.assert_array_equal(first[0], again[0])
    assert 0 < (first[1] != IGNORED).sum() < 200


def test_the_published_recipe_is_the_default_of_its_name() -> None:
    recipe = preset("biglog")
    assert (recipe.hidden, recipe.layers, recipe.heads, recipe.positions) == (768, 12, 12, 150)
    assert (recipe.texts, recipe.masked_steps, recipe.mask_share) == (512, 10_000, 0.15)
    assert (recipe.masked_rate, recipe.warm_up, recipe.weight_decay) == (2e-4, 0.05, 0.01)
    assert (recipe.longest, recipe.clip, recipe.pair_steps) == (150, 1.0, 0)
    with pytest.raises(BadInput, match="expected one of small, biglog"):
        preset("large")


def test_special_places_of_our_own_vocabularies_are_known() -> None:
    names = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    assert own_special(50).frame == tuple(map(SPECIAL.index, names))
    assert own_special(50).mask == SPECIAL.index("[MASK]")
    assert own_special(50).end == SPECIAL.index("[SEP]")
