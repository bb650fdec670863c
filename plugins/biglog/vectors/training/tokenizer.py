"""The WordPiece vocabulary: the five log tokens at ids 1 to 5, Chinese by single characters."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

LOG_TOKENS = ("[NUM]", "[TIMESTAMP]", "[IP]", "[CODE]", "[FILE]")
SPECIAL = ("[PAD]", *LOG_TOKENS, "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def train_tokenizer(texts: Iterable[str], *, size: int) -> Tokenizer:
    """A lower-casing BERT tokenizer of about ``size`` pieces, common Chinese characters in."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=None)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    alphabet = [chr(code) for code in range(33, 127)] + common_characters()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        min_frequency=3,
        special_tokens=list(SPECIAL),
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet) + 400,
        continuing_subword_prefix="##",
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return add_frame(_in_order(tokenizer))


def _in_order(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer with its pieces in alphabetical order; training numbers equals by chance."""
    stored = json.loads(tokenizer.to_str())
    pieces = sorted(set(stored["model"]["vocab"]) - set(SPECIAL))
    stored["model"]["vocab"] = {piece: place for place, piece in enumerate([*SPECIAL, *pieces])}
    return Tokenizer.from_str(json.dumps(stored))


def add_frame(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer, framing every text with [CLS] and [SEP]."""
    ids = {name: tokenizer.token_to_id(name) for name in ("[CLS]", "[SEP]")}
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=list(ids.items())
    )
    return tokenizer


def common_characters() -> list[str]:
    """The 3,755 most used Chinese characters, as GB 2312 level 1 lists them, and punctuation."""
    rows = [bytes((high, low)) for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF)]
    characters = [row.decode("gb2312", "ignore") for row in rows]
    return [c for c in characters if c] + list("，。：；！？、（）【】“”《》％￥·…—")


def save_tokenizer(tokenizer: Tokenizer, directory: Path) -> None:
    """The files a BERT directory has: tokenizer.json, vocab.txt and the two small ones."""
    tokenizer.save(str(directory / "tokenizer.json"))
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    (directory / "vocab.txt").write_text("".join(f"{piece}\n" for piece, _ in vocabulary), "utf-8")
    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    extra = {**names, "additional_special_tokens": list(LOG_TOKENS)}
    config = {**names, "do_lower_case": True, "tokenizer_class": "BertTokenizer"}
    (directory / "special_tokens_map.json").write_text(json.dumps(extra, indent=1) + "\n")
    (directory / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")
