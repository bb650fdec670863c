"""A model to train, and the directory it is written to."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertForMaskedLM

from biglog.vectors.checkpoint import build_model, find_weights, read_weights
from biglog.vectors.encoder import load_encoder
from biglog.vectors.training.recipes import Recipe
from biglog.vectors.training.tokenizer import save_tokenizer

log = logging.getLogger(__name__)
_TIED = ("cls.predictions.decoder.weight", "cls.predictions.decoder.bias")


def new_model(recipe: Recipe) -> BertForMaskedLM:
    """A model of random weights, or with those of the directory it begins from."""
    torch.manual_seed(recipe.seed)
    config = BertConfig(
        vocab_size=recipe.vocabulary,
        hidden_size=recipe.hidden,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        intermediate_size=4 * recipe.hidden,
        max_position_embeddings=recipe.positions,
        hidden_dropout_prob=recipe.dropout,
        attention_probs_dropout_prob=recipe.dropout,
    )
    if not recipe.begin:
        return BertForMaskedLM(config)
    begun = build_model(Path(recipe.begin))
    begun.config.hidden_dropout_prob = recipe.dropout
    begun.config.attention_probs_dropout_prob = recipe.dropout
    model = BertForMaskedLM(begun.config)
    model.bert.load_state_dict(begun.state_dict())
    _take_head(model, Path(recipe.begin))
    return model


def _take_head(model: BertForMaskedLM, directory: Path) -> None:
    """The language head's weights too, where the directory has them; they begin anew otherwise."""
    stored = read_weights(find_weights(directory))
    wanted = model.cls.state_dict()
    head = {
        name: stored[f"cls.{name}"]
        for name, value in wanted.items()
        if f"cls.{name}" in stored and stored[f"cls.{name}"].shape == value.shape
    }
    if not head:
        log.warning("%s has no language head: it is learned anew", directory)
        return
    if "predictions.bias" in head:
        head["predictions.decoder.bias"] = head["predictions.bias"]
    head.pop("predictions.decoder.weight", None)  # the word embeddings, tied
    model.cls.load_state_dict({**wanted, **head})


def write_model(
    model: BertForMaskedLM, tokenizer: Tokenizer, out: Path, report: dict[str, object]
) -> None:
    """Config, weights in fp16, vocabulary, the training report, and a calibration fitted anew.

    The language head's last layer is the word embeddings again and is not stored twice.
    """
    out.mkdir(parents=True, exist_ok=True)
    state = {name: value.half().contiguous() for name, value in model.state_dict().items()}
    kept = {k: v for k, v in state.items() if "pooler" not in k and k not in _TIED}
    save_file(kept, out / "model.safetensors", {"format": "pt"})
    config = {**model.config.to_dict(), "architectures": ["BertForMaskedLM"], "dtype": "float32"}
    config.pop("_name_or_path", None)
    (out / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    save_tokenizer(tokenizer, out)
    digest = hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest()
    (out / "training.json").write_text(json.dumps({**report, "sha256": digest}, indent=1) + "\n")
    (out / "calibration.json").unlink(missing_ok=True)
    log.info("%s is ready: %s", out, load_encoder(out).model_id)
