"""BERTs as small as they get, in directories shaped like published releases."""

import json
from pathlib import Path

import torch
from tokenizers import BertWordPieceTokenizer
from transformers import BertConfig, BertForMaskedLM

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


def write_release(directory: Path, *, layers: int = 2, pieces: int = 0) -> Path:
    """BertForMaskedLM as transformers 4.18 saved it: position_ids among the tensors, no pooler.

    The vocabulary is filled up to so many pieces.
    """
    directory.mkdir(parents=True, exist_ok=True)
    frame = ["[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    padding = [f"[unused{n}]" for n in range(94)] if pieces else []  # [UNK] at 100, as published
    words = ["[PAD]", *LOG_TOKENS, *padding, *frame, *WORDS]
    words += [f"filler{n}" for n in range(pieces - len(words))]
    config = write_weights(directory, len(words), layers)
    (directory / "config.json").write_text(json.dumps(config.to_dict()))
    (directory / "vocab.txt").write_text("\n".join(words) + "\n", "utf-8")
    return directory


def write_weights(directory: Path, pieces: int, layers: int) -> BertConfig:
    config = BertConfig(
        vocab_size=pieces,
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
    config.architectures = ["BertForMaskedLM"]
    return config


def write_whole_release(directory: Path) -> Path:
    """The six files of a BigLog release: its tensors, pieces and positions, but narrower."""
    write_release(directory, layers=12, pieces=30_522)
    tokenizer = BertWordPieceTokenizer(str(directory / "vocab.txt"), lowercase=True)
    tokenizer.add_special_tokens(LOG_TOKENS)
    tokenizer.save(str(directory / "tokenizer.json"))
    settings = {"do_lower_case": True, "tokenizer_class": "BertTokenizer"}
    (directory / "tokenizer_config.json").write_text(json.dumps(settings))
    tokens = {"additional_special_tokens": LOG_TOKENS, "mask_token": "[MASK]"}
    (directory / "special_tokens_map.json").write_text(json.dumps(tokens))
    return directory


def write_sentence_transformer(directory: Path, *, way: str, folder: str = "") -> Path:
    """The same weights as sentence-transformers keeps them: no head, no prefix."""
    write_release(directory / folder)
    path = directory / folder / "pytorch_model.bin"
    state = torch.load(path, weights_only=True)
    bare = {n.removeprefix("bert."): t for n, t in state.items() if n.startswith("bert.")}
    torch.save(bare, path)
    layers = [("Transformer", folder), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")]
    rows = [
        {"idx": n, "name": str(n), "path": at, "type": f"sentence_transformers.models.{kind}"}
        for n, (kind, at) in enumerate(layers)
    ]
    (directory / "modules.json").write_text(json.dumps(rows))
    (directory / "1_Pooling").mkdir()
    ways = ["cls_token", "mean_tokens", "max_tokens"]
    pooling = {"word_embedding_dimension": 32} | {f"pooling_mode_{one}": one == way for one in ways}
    (directory / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    return directory
