"""Smaller models made of one: what is kept on disk, what is learned, and what is said of them."""

import json

import numpy as np
import pytest
import torch
from releases import WORDS, write_release, write_sentence_transformer

from biglog.errors import BadInput
from biglog.vectors import beside, int8
from biglog.vectors.beside import Measured
from biglog.vectors.checkpoint import find_weights
from biglog.vectors.distilling import Lesson, distil, thin
from biglog.vectors.encoder import load_encoder
from biglog.vectors.layout import read_layout
from biglog.vectors.quantizing import quantize
from biglog.vectors.training.model import new_model
from biglog.vectors.training.prepared import part_texts
from biglog.vectors.training.recipes import Recipe

ENGLISH = [word for word in WORDS if word.isalpha() and word.isascii()]
TEXTS = [f"{one} {two} by the server" for one in ENGLISH[:12] for two in ENGLISH[12:24]]


def test_what_was_packed_comes_back_within_half_a_step():
    torch.manual_seed(1)
    state = {"w": torch.randn(5, 7), "b": torch.randn(5), "zeros": torch.zeros(2, 3)}
    packed = int8.pack(state)
    assert packed["w"].dtype == torch.int8
    again = int8.unpack(packed)
    assert again.keys() == state.keys()
    step = state["w"].abs().amax(1, keepdim=True) / 127
    assert ((again["w"] - state["w"]).abs() <= step / 2 + 1e-6).all()
    assert torch.equal(again["b"], state["b"])
    assert torch.equal(again["zeros"], state["zeros"])
    assert torch.equal(int8.pack(again)["w"], packed["w"])


def test_a_place_that_is_taken_is_left_alone(tmp_path):
    whole = write_release(tmp_path / "whole")
    (tmp_path / "there").mkdir()
    with pytest.raises(BadInput, match="expected a new directory"):
        quantize(whole, tmp_path / "there")
    with pytest.raises(BadInput, match="not a directory"):
        quantize(tmp_path / "nowhere", tmp_path / "new")


@pytest.mark.parametrize(
    ("layers", "places"), [(1, [5]), (2, [2, 5]), (3, [1, 3, 5]), (4, [1, 2, 3, 5]), (5, [])]
)
def test_the_layers_kept_are_spread_evenly_and_the_last_is_among_them(layers, places):
    model = new_model(Recipe(vocabulary=40, hidden=16, layers=6, heads=2))
    every = list(model.bert.encoder.layer)
    kept = [every.index(one) for one in thin(model, layers).bert.encoder.layer]
    assert kept == (places or kept)
    assert len(set(kept)) == layers == model.config.num_hidden_layers
    assert kept[-1] == 5


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """Layers that matter: those of fresh weights hardly change what goes through them."""
    directory = write_release(tmp_path_factory.mktemp("models") / "teacher", layers=4)
    path = directory / "pytorch_model.bin"
    state = torch.load(path, weights_only=True)
    torch.save({name: 8 * one if ".layer." in name else one for name, one in state.items()}, path)
    return directory


@pytest.fixture(scope="module")
def small(teacher):
    quantize(teacher, teacher.with_name("small"))
    return teacher.with_name("small")


def test_a_quantized_model_is_smaller_and_gives_the_same_vectors(teacher, small):
    before, after = load_encoder(teacher), load_encoder(small)
    sizes = [find_weights(one.layout.model).stat().st_size for one in (after, before)]
    assert sizes[0] < sizes[1] / 2
    assert (before.encode(TEXTS) * after.encode(TEXTS)).sum(axis=1).mean() > 0.99
    assert after.model_id.startswith("small:")
    assert not list(small.parent.glob(".*"))


def test_a_quantized_model_pools_as_its_original(tmp_path):
    whole = write_sentence_transformer(tmp_path / "w", way="cls_token", folder="0_Transformer")
    quantize(whole, tmp_path / "small")
    assert read_layout(tmp_path / "small").pooling == "cls"
    assert find_weights(tmp_path / "small" / "0_Transformer").name == "model.safetensors"


def test_a_student_comes_nearer_to_its_teacher(teacher, tmp_path):
    texts = part_texts(TEXTS, ())
    truth = load_encoder(teacher).encode(texts.fresh_held)

    def nearness(steps):
        out = tmp_path / f"student{steps}"
        lesson = Lesson(teacher, out, layers=1, steps=steps)
        report = distil(lesson, texts, tmp_path / f"work{steps}")
        student = load_encoder(out)
        assert student.model.config.num_hidden_layers == 1
        assert report["texts"] == len(texts.fresh)
        return float((student.encode(texts.fresh_held) * truth).sum(axis=1).mean())

    assert nearness(60) > nearness(1) + 0.02


def test_a_finished_student_is_not_taught_again(teacher, tmp_path):
    texts, work, out = part_texts(TEXTS, ()), tmp_path / "work", tmp_path / "out"
    lesson = Lesson(teacher, out, layers=2, minutes=0.002)
    first = distil(lesson, texts, work)
    weights = (out / "model.safetensors").read_bytes()
    assert distil(lesson, texts, work) == first
    assert (out / "model.safetensors").read_bytes() == weights
    assert json.loads((out / "training.json").read_text())["teacher"].startswith("teacher:")
    other = part_texts([*TEXTS, "a text more"], ())
    with pytest.raises(BadInput, match="another training"):
        distil(lesson, other, work)


def test_a_student_that_is_no_smaller_is_refused(teacher, tmp_path):
    with pytest.raises(BadInput, match="expected 1 to 3"):
        distil(Lesson(teacher, tmp_path / "out", layers=4), part_texts(TEXTS, ()), tmp_path / "w")


def measured(**changes):
    usual = {
        "model": "new", "megabytes": 10.0, "texts_per_second": 100.0, "cosine_mean": 1.0,
        "cosine_worst": 1.0, "recall_1": 0.5, "recall_10": 0.8,
    }  # fmt: skip
    return Measured(**usual | changes)


def test_it_calls_itself_better_only_where_it_is():
    before = measured(model="old")
    assert "finds as much" in beside.judge(before, measured(megabytes=5.0))
    assert "finds as much" in beside.judge(before, measured(texts_per_second=200.0, recall_1=0.495))
    assert "not as good" in beside.judge(before, measured(texts_per_second=900.0, recall_1=0.4))
    assert "not as good" in beside.judge(before, measured(megabytes=1.0, recall_10=0.7))
    assert "no better" in beside.judge(before, measured(texts_per_second=101.0))


def test_both_are_measured_on_the_same_texts(teacher, small):
    before, after = beside.compare(teacher, small, TEXTS)
    assert (before.model, after.model) == ("teacher", "small")
    assert after.megabytes < before.megabytes
    np.testing.assert_allclose([before.cosine_mean, after.cosine_mean], 1.0, atol=0.01)
    assert before.cosine_worst <= before.cosine_mean
