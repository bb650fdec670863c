"""A BERT-style directory on disk: its config, vocabulary and weights, read and checked."""

from __future__ import annotations

import hashlib
import json
import logging
import pickle
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biglog.errors import BadInput
from biglog.vectors import cache

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer
    from transformers import BertModel

log = logging.getLogger(__name__)
CONVERTED = "converted.safetensors"
"""Not model.safetensors: a second file of weights would change the fingerprint."""
LOG_WORDS = {
    "[NUM]": "number",
    "[TIMESTAMP]": "timestamp",
    "[IP]": "ip address",
    "[CODE]": "code",
    "[FILE]": "file path",
}
FRAME = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
RELEASE = "https://huggingface.co/thatbbob/BigLog/tree/main"
_SMALLEST = 10_000  # bytes; below this no file holds a model
_UNUSED = re.compile(r"cls\.|(bert\.)?pooler\.|(bert\.)?embeddings\.position_ids$")


def read_config(directory: Path) -> dict[str, Any]:
    """config.json, checked to be a BERT's."""
    path = directory / "config.json"
    if not path.exists():
        raise BadInput(
            f"{path} is missing, expected a BERT-style model directory with config.json, weights "
            "and vocabulary: copy the model's files there or choose another model directory"
        )
    try:
        config: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise BadInput(
            f"{path} is not JSON ({error}), expected a model's config: copy it again"
        ) from error
    if config.get("model_type", "bert") != "bert":
        raise BadInput(
            f"{path} says model_type {config['model_type']!r}, expected 'bert': choose a BERT-like "
            "model"
        )
    return config


def find_weights(directory: Path) -> Path:
    """The weights file, checked not to be the upstream placeholder."""
    choices = (directory / "model.safetensors", directory / "pytorch_model.bin")
    path = next((choice for choice in choices if choice.exists()), None)
    if path is None:
        raise BadInput(
            f"{directory} has no weights, expected model.safetensors or pytorch_model.bin: "
            f"download the model's weights file (BigLog's: {RELEASE}) into that directory"
        )
    if (size := path.stat().st_size) < _SMALLEST:
        raise BadInput(
            f"{path} is a placeholder of {size} byte{'s' * (size != 1)}, expected the real weights "
            f"(megabytes; BigLog's about 440 MB): download them from {RELEASE} into {directory}"
        )
    return path


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Every tensor of the file, as fp32; those kept in 8 bits too."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from biglog.vectors.int8 import unpack

    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
        raise BadInput(
            f"{path} ({path.stat().st_size} bytes) cannot be read as weights, expected a whole "
            f"{path.suffix} file; it seems truncated or damaged: download it again"
        ) from error
    if not isinstance(state, dict) or not all(map(torch.is_tensor, state.values())):
        raise BadInput(
            f"{path} holds something else than named tensors, expected a model's weights alone "
            f"(its state_dict): download the weights file again"
        )
    return {
        name: value.float() if value.is_floating_point() else value
        for name, value in unpack(state).items()
    }


def build_model(directory: Path, files: bytes = b"") -> BertModel:
    """The encoder without pooler, ready to infer; a missing or unknown tensor is refused.

    ``files`` is what ``digest_files`` gave. A pickle is read once only: its tensors are kept as
    safetensors for later loads, which use them as long as the pickle is the same.
    """
    from transformers import BertConfig, BertModel

    config = read_config(directory)
    path = find_weights(directory)
    model = BertModel(BertConfig.from_dict(config), add_pooling_layer=False)
    key = fingerprint(files or digest_files(directory))
    state = _converted(directory, key) if path.suffix == ".bin" else None
    if state is None:
        state = _encoder_tensors(path)
        _check_tensors(model, state, path)
        if path.suffix == ".bin":
            _convert(directory, key, state)
    model.load_state_dict(state, strict=False)  # strict: done above, the position_ids buffer aside
    return model.eval()


def _encoder_tensors(path: Path) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix("bert."): value
        for name, value in read_weights(path).items()
        if not _UNUSED.match(name)
    }


def _converted(directory: Path, key: str) -> dict[str, torch.Tensor] | None:
    """The tensors kept from a pickle of that fingerprint; None where they are not, or damaged."""
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load_file

    for path in cache.kept(directory, CONVERTED, key):
        try:
            with safe_open(path, "pt") as file:
                made_from = (file.metadata() or {}).get("made_from")
            if made_from == key:
                return dict(load_file(path))
        except (SafetensorError, OSError) as error:
            log.warning("%s cannot be read (%s): it is made anew", path, error)
    return None


def _convert(directory: Path, key: str, state: dict[str, torch.Tensor]) -> None:
    from safetensors.torch import save_file

    whole = {name: value.contiguous() for name, value in state.items()}
    metadata = {"format": "pt", "made_from": key}
    cache.keep(directory, CONVERTED, key, lambda path: save_file(whole, path, metadata=metadata))


def _check_tensors(model: BertModel, state: dict[str, torch.Tensor], path: Path) -> None:
    wanted = {name: tuple(value.shape) for name, value in model.named_parameters()}
    missing = sorted(set(wanted) - set(state))
    unknown = sorted(set(state) - set(wanted))
    if missing or unknown:
        raise BadInput(
            f"{path} lacks {len(missing)} tensors ({', '.join(missing[:3])}) and has "
            f"{len(unknown)} unknown ones ({', '.join(unknown[:3])}), expected exactly those of "
            "config.json: use the config and the weights of one and the same model"
        )
    wrong = [name for name, shape in wanted.items() if tuple(state[name].shape) != shape]
    if wrong:
        raise BadInput(
            f"{path} has {wrong[0]} of shape {tuple(state[wrong[0]].shape)}, expected "
            f"{wanted[wrong[0]]} by config.json: use the config and the weights of one model"
        )


def read_tokenizer(directory: Path, config: dict[str, Any]) -> Tokenizer:
    """The tokenizer of tokenizer.json, or one built from vocab.txt, checked against the config."""
    from tokenizers import Tokenizer

    whole, plain = directory / "tokenizer.json", directory / "vocab.txt"
    if whole.exists():
        tokenizer = Tokenizer.from_file(str(whole))
    elif plain.exists():
        tokenizer = _from_vocabulary(plain, directory / "tokenizer_config.json")
    else:
        raise BadInput(
            f"{directory} has no vocabulary, expected tokenizer.json or vocab.txt: copy the one "
            "the model was trained with into that directory"
        )
    _check_vocabulary(tokenizer, config, whole if whole.exists() else plain)
    return tokenizer


def _from_vocabulary(path: Path, settings: Path) -> Tokenizer:
    from tokenizers import AddedToken, BertWordPieceTokenizer, Tokenizer

    lower = (
        json.loads(settings.read_text("utf-8")).get("do_lower_case", True)
        if settings.exists()
        else True
    )
    pieces = path.read_text("utf-8").splitlines()
    _check_frame(dict.fromkeys(pieces, 0), path)
    wordpiece = BertWordPieceTokenizer(str(path), lowercase=lower, strip_accents=None)
    tokens = [*FRAME, "[MASK]", *LOG_WORDS]
    wordpiece.add_special_tokens([AddedToken(t, special=True) for t in tokens if t in pieces])
    return Tokenizer.from_str(wordpiece.to_str())


def _check_frame(vocabulary: dict[str, int], path: Path) -> None:
    if lacking := [name for name in FRAME if name not in vocabulary]:
        raise BadInput(
            f"{path} has no {', '.join(lacking)}, expected a BERT vocabulary with "
            f"{', '.join(FRAME)}: copy the vocabulary the model was trained with"
        )


def _check_vocabulary(tokenizer: Tokenizer, config: dict[str, Any], path: Path) -> None:
    vocabulary = tokenizer.get_vocab()
    _check_frame(vocabulary, path)
    if len(vocabulary) != config.get("vocab_size", 30522):
        raise BadInput(
            f"{path} has {len(vocabulary)} pieces, expected {config.get('vocab_size', 30522)} by "
            "config.json: copy the vocabulary the model was trained with"
        )
    found = [vocabulary.get(name) for name in LOG_WORDS]
    release = config.get("vocab_size") == 30522 and config.get("max_position_embeddings") == 150
    if found != [1, 2, 3, 4, 5] and (release or any(place is not None for place in found)):
        raise BadInput(
            f"{path} has {tokenizer.id_to_token(1)!r} at id 1, expected {', '.join(LOG_WORDS)} at "
            "ids 1 to 5: this is another model's vocabulary; copy the one of these weights"
        )


def digest_files(directory: Path) -> bytes:
    """Names and sha256 of config, vocabulary and weights; reads every byte of them."""
    found = b""
    names = ("config.json", "tokenizer.json", "vocab.txt", "model.safetensors", "pytorch_model.bin")
    for name in names:
        if (path := directory / name).exists():
            with path.open("rb") as file:
                found += name.encode() + hashlib.file_digest(file, "sha256").digest()
    return found


def fingerprint(files: bytes, *parts: str) -> str:
    """sha256, first 16 digits, of what ``digest_files`` gave and whatever else is named."""
    return hashlib.sha256(files + "\x1f".join(parts).encode()).hexdigest()[:16]
