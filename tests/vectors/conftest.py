"""A BERT as small as it gets, shaped like a published release, and the shipped model."""

import json
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM

from biglog.vectors.encoder import BertEncoder, load_encoder

PROJECT = Path(__file__).resolve().parents[2]
SHIPPED = PROJECT / "pretrained" / "biglog-small"
LOG_TOKENS = ["[NUM]", "[TIMESTAMP]", "[IP]", "[CODE]", "[FILE]"]
WORDS = [
    "connection",
    "refused",
    "established",
    "closed",
    "by",
    "from",
    "error",
    "disk",
    "full",
    "timeout",
    "server",
    "job",
    "failed",
    "started",
    "finished",
    "user",
    "login",
    "password",
    "the",
    "to",
    "of",
    "a",
    "at",
    "on",
    "memory",
    "out",
    ":",
    ".",
    ",",
    "-",
    "/",
    "#",
    "##s",
    "##ed",
    "##ing",
    "数",
    "据",
    "库",
    "连",
    "接",
    "超",
    "时",
    "错",
    "误",
    "磁",
    "盘",
    "满",
]


def write_release(directory: Path, *, layers: int = 2) -> Path:
    """BertForMaskedLM as transformers 4.18 saved it: position_ids among the tensors, no pooler."""
    directory.mkdir(parents=True, exist_ok=True)
    pieces = ["[PAD]", *LOG_TOKENS, "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=150,
    )
    torch.manual_seed(7)
    state = BertForMaskedLM(config).state_dict()
    state["bert.embeddings.position_ids"] = torch.arange(150)[None]
    torch.save(state, directory / "pytorch_model.bin")
    (directory / "config.json").write_text(json.dumps(config.to_dict()))
    (directory / "vocab.txt").write_text("\n".join(pieces) + "\n", "utf-8")
    return directory


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return write_release(tmp_path / "release")


@pytest.fixture(scope="session")
def shipped() -> BertEncoder:
    return load_encoder(SHIPPED)
