"""A model directory loads as published, or says in one sentence what is wrong with it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from releases import write_sentence_transformer, write_whole_release
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from biglog.errors import BadInput
from biglog.vectors import calibrate
from biglog.vectors.checkpoint import CONVERTED
from biglog.vectors.encoder import load_encoder

TEXTS = ["disk full", "connection refused by [IP]", "user login failed"]


def weights(release: Path) -> dict[str, torch.Tensor]:
    return torch.load(release / "pytorch_model.bin", weights_only=True)


def complain(release: Path) -> str:
    with pytest.raises(BadInput) as caught:
        load_encoder(release)
    return str(caught.value)


def test_a_release_with_its_head_and_position_ids_loads(release: Path) -> None:
    names = set(weights(release))
    assert {"bert.embeddings.position_ids", "cls.predictions.bias"} <= names
    assert not any("pooler" in name for name in names)

    encoder = load_encoder(release)

    assert encoder.dim == 32
    assert encoder.longest == 150
    assert encoder.encode(["connection refused by [IP]"]).shape == (1, 32)
    assert re.fullmatch(r"release:[0-9a-f]{16}", encoder.model_id)


def test_safetensors_in_half_precision_give_the_same_vectors(release: Path) -> None:
    before = load_encoder(release).encode(["disk full", "connection refused"])
    halves = {name: one.half() for name, one in weights(release).items() if one.is_floating_point()}
    save_file({n: t.clone().contiguous() for n, t in halves.items()}, release / "model.safetensors")
    (release / "pytorch_model.bin").unlink()
    after = load_encoder(release).encode(["disk full", "connection refused"])
    assert np.abs(before - after).max() < 0.02


def test_the_placeholder_is_named(release: Path) -> None:
    (release / "pytorch_model.bin").write_bytes(b"#")
    said = complain(release)
    assert "placeholder of 1 byte," in said
    assert "huggingface.co/thatbbob/BigLog" in said


@pytest.mark.parametrize("keep", [20_000, 60_000])
def test_a_truncated_file_is_named(release: Path, keep: int) -> None:
    path = release / "pytorch_model.bin"
    path.write_bytes(path.read_bytes()[:keep])
    assert "truncated or damaged" in complain(release)


def test_truncated_safetensors_are_named(release: Path) -> None:
    whole = {n: t.contiguous().clone() for n, t in weights(release).items()}
    save_file(whole, release / "model.safetensors")
    path = release / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-5000])
    assert "truncated or damaged" in complain(release)


def test_a_pickle_that_would_run_code_is_refused(release: Path) -> None:
    torch.save({"bert": Trap(), "filler": torch.zeros(10_000)}, release / "pytorch_model.bin")
    assert "cannot be read as weights" in complain(release)


class Trap:
    def __reduce__(self) -> tuple[object, ...]:
        return (exec, ("raise SystemExit('ran')",))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pytorch_model.bin", "has no weights"),
        ("vocab.txt", "has no vocabulary"),
        ("config.json", "config.json is missing"),
    ],
)
def test_a_missing_file_is_named(release: Path, name: str, said: str) -> None:
    (release / name).unlink()
    assert said in complain(release)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    assert "is not a directory" in complain(tmp_path / "nowhere")


def test_a_vocabulary_of_another_size_is_refused(release: Path) -> None:
    path = release / "vocab.txt"
    path.write_text(path.read_text("utf-8") + "surplus\n", "utf-8")
    assert re.search(r"has \d+ pieces, expected \d+ by config.json", complain(release))


def test_log_tokens_at_other_ids_are_refused(release: Path) -> None:
    path = release / "vocab.txt"
    moved = path.read_text("utf-8").replace("[NUM]\n[TIMESTAMP]\n", "[TIMESTAMP]\n[NUM]\n")
    path.write_text(moved, "utf-8")
    assert "'[TIMESTAMP]' at id 1, expected [NUM], [TIMESTAMP]" in complain(release)


def test_a_vocabulary_without_frame_is_refused(release: Path) -> None:
    path = release / "vocab.txt"
    path.write_text(path.read_text("utf-8").replace("[SEP]", "[END]"), "utf-8")
    assert "has no [SEP]" in complain(release)


def test_a_plain_bert_reads_log_tokens_as_words(release: Path) -> None:
    path = release / "vocab.txt"
    plain = path.read_text("utf-8")
    for number, token in enumerate(["[NUM]", "[TIMESTAMP]", "[IP]", "[CODE]", "[FILE]"]):
        plain = plain.replace(token, f"[unused{number}]")
    path.write_text(plain, "utf-8")
    encoder = load_encoder(release)
    assert not encoder.knows_log_tokens
    assert encoder.encode(["server [IP] timeout"]).shape == (1, 32)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.pop("bert.encoder.layer.0.output.dense.weight"), "lacks 1 tensors"),
        (lambda state: state.update({"bert.extra.weight": torch.zeros(3)}), "1 unknown ones"),
        (
            lambda state: state.update(
                {"bert.embeddings.position_embeddings.weight": torch.zeros(99, 32)}
            ),
            "of shape (99, 32), expected (150, 32)",
        ),
    ],
)
def test_weights_that_do_not_fit_the_config_are_refused(release: Path, change, said: str) -> None:
    state = dict(weights(release))
    change(state)
    torch.save(state, release / "pytorch_model.bin")
    assert said in complain(release)


def test_another_kind_of_model_is_refused(release: Path) -> None:
    (release / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    assert "'gpt2', expected 'bert'" in complain(release)


def test_the_fingerprint_follows_weights_and_vocabulary(release: Path) -> None:
    first = load_encoder(release).model_id
    assert load_encoder(release).model_id == first
    state = weights(release)
    state["bert.embeddings.word_embeddings.weight"][20] += 1
    torch.save(state, release / "pytorch_model.bin")
    assert load_encoder(release).model_id != first


def test_new_weights_are_not_judged_by_an_old_calibration(release: Path) -> None:
    load_encoder(release)
    stored = calibrate.read_calibration(release / "calibration.json")
    assert stored is not None
    state = weights(release)
    state["bert.embeddings.word_embeddings.weight"] += 1
    torch.save(state, release / "pytorch_model.bin")
    assert load_encoder(release).calibration.weights != stored.weights


def test_a_damaged_calibration_is_named(release: Path) -> None:
    (release / "calibration.json").write_text('{"mean": "much"}')
    assert "is no calibration" in complain(release)


def test_a_whole_release_loads_unchanged(tmp_path: Path) -> None:
    release = write_whole_release(tmp_path / "release")
    names = set(weights(release))
    assert len(names - {"bert.embeddings.position_ids"}) == 204
    assert {name.split(".")[0] for name in names} == {"bert", "cls"}
    before = {path.name: path.read_bytes() for path in release.iterdir()}
    assert len(before) == 6

    encoder = load_encoder(release)

    assert encoder.encode(TEXTS).shape == (3, 32)
    assert encoder.longest == 150
    assert {name: (release / name).read_bytes() for name in before} == before


def test_a_pickle_is_converted_once_and_the_model_stays_the_same(release: Path) -> None:
    first = load_encoder(release)
    written = (release / CONVERTED).stat().st_mtime_ns
    second = load_encoder(release)
    assert (release / CONVERTED).stat().st_mtime_ns == written
    assert second.model_id == first.model_id
    assert np.array_equal(second.encode(TEXTS), first.encode(TEXTS))
    assert not list(release.glob("*.tmp"))


def test_later_loads_read_what_was_converted(release: Path) -> None:
    before = load_encoder(release).pool(TEXTS)
    with safe_open(release / CONVERTED, "pt") as file:
        made_from = file.metadata()
    state = load_file(release / CONVERTED)
    state["embeddings.LayerNorm.bias"] += 1
    save_file(state, release / CONVERTED, metadata=made_from)
    assert np.abs(load_encoder(release).pool(TEXTS) - before).max() > 0.01


def test_another_pickle_is_converted_anew(release: Path) -> None:
    before = load_encoder(release).pool(TEXTS)
    state = weights(release)
    state["bert.embeddings.LayerNorm.bias"] += 1
    torch.save(state, release / "pytorch_model.bin")
    assert np.abs(load_encoder(release).pool(TEXTS) - before).max() > 0.01


def test_a_damaged_conversion_is_made_anew(release: Path) -> None:
    before = load_encoder(release).encode(TEXTS)
    path = release / CONVERTED
    path.write_bytes(path.read_bytes()[:-5000])
    assert np.array_equal(load_encoder(release).encode(TEXTS), before)


def test_where_the_model_lies_in_a_place_not_to_be_written_the_home_keeps_it(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGLOG_HOME", str(tmp_path / "home"))
    for name in (CONVERTED, "calibration.json", "arithmetic-cpu.json"):
        (release / name).mkdir()  # nobody, root included, can write a file of that name
    first = load_encoder(release)
    kept = {path.name for path in (tmp_path / "home" / "models").rglob("*") if path.is_file()}
    assert kept == {CONVERTED, "calibration.json", "arithmetic-cpu.json"}
    second = load_encoder(release)
    assert second.model_id == first.model_id
    assert second.calibration == first.calibration


@pytest.mark.parametrize("folder", ["", "0_Transformer"])
def test_a_sentence_transformer_loads_and_pools_its_own_way(tmp_path: Path, folder: str) -> None:
    mean = load_encoder(
        write_sentence_transformer(tmp_path / "a" / "one", way="mean_tokens", folder=folder)
    )
    first = load_encoder(
        write_sentence_transformer(tmp_path / "b" / "one", way="cls_token", folder=folder)
    )
    assert mean.layout.pooling == "masked-mean"
    assert first.layout.pooling == "cls"
    assert mean.weights != first.weights
    assert mean.model_id != first.model_id
    assert np.abs(mean.pool(TEXTS) - first.pool(TEXTS)).max() > 0.01


def test_the_first_token_s_state_is_what_cls_pooling_gives(tmp_path: Path) -> None:
    encoder = load_encoder(write_sentence_transformer(tmp_path / "one", way="cls_token"))
    ids = torch.tensor([encoder.tokenizer.encode("disk full").ids])
    with torch.inference_mode():
        state = encoder.model(input_ids=ids).last_hidden_state[0, 0].numpy()
    exact = encoder.workers[0].model is encoder.model
    np.testing.assert_allclose(encoder.pool(["disk full"])[0], state, atol=1e-5 if exact else 0.05)


def test_a_way_of_pooling_that_we_do_not_know_is_named(tmp_path: Path) -> None:
    said = complain(write_sentence_transformer(tmp_path / "one", way="max_tokens"))
    assert "pools by pooling_mode_max_tokens, expected pooling_mode_mean_tokens" in said


def test_a_layer_that_we_do_not_know_is_named(tmp_path: Path) -> None:
    directory = write_sentence_transformer(tmp_path / "one", way="mean_tokens")
    path = directory / "modules.json"
    path.write_text(path.read_text("utf-8").replace("models.Normalize", "models.Dense"), "utf-8")
    assert "has a layer of type Dense" in complain(directory)
