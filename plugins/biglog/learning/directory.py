"""A trained model as a directory: model.json, and weights.safetensors that belong to it."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter, ValidationError

from biglog.errors import BadInput, TryAgain
from biglog.records import Template

CARD, WEIGHTS = "model.json", "weights.safetensors"
MOST_CARD_BYTES = 200_000_000
Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Card:
    """What model.json says."""

    biglog: str  # version that made it
    of: str  # "lines" or "sessions"
    method: str  # as asked for
    members: tuple[str, ...]  # methods whose mean decides
    threshold: float
    threshold_by: str
    figures: Mapping[str, float | int | str | None]
    candidates: Mapping[str, float]  # average precision of each on the validation part
    data: Mapping[str, str | int]
    encoder: str  # its model_id
    seed: int
    plan: Mapping[str, Any]
    templates: tuple[Template, ...]
    session: str = ""
    first: int = 0
    format: str = "auto"
    weights: str = ""  # sha256 of weights.safetensors
    features: tuple[str, ...] = field(default=())


def keep(directory: Path, card: Card, arrays: Arrays) -> None:
    """Write the directory, whole or not at all; an earlier model there is replaced.

    Raises BadInput where the directory holds something else.
    """
    from dataclasses import replace

    from safetensors.numpy import save

    check_place(directory)
    weights = save({name: np.ascontiguousarray(one) for name, one in arrays.items()})
    whole = replace(card, weights=hashlib.sha256(weights).hexdigest())
    draft = directory.with_name(f".{directory.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    old = draft.with_suffix(".old")
    try:
        draft.mkdir(parents=True)
        (draft / WEIGHTS).write_bytes(weights)
        (draft / CARD).write_bytes(TypeAdapter(Card).dump_json(whole, indent=1))
        if directory.exists():
            directory.replace(old)
        draft.replace(directory)
    except OSError as error:
        raise TryAgain(
            f"cannot write {directory}: {error.strerror or error}; free space or fix the "
            "permission and train again"
        ) from error
    finally:
        if old.exists() and not directory.exists():
            old.replace(directory)
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(draft, ignore_errors=True)


def check_place(directory: Path) -> None:
    """Raises BadInput unless a model may be written there."""
    if directory.is_file():
        raise BadInput(f"--model {directory} is a file, expected a directory; give another name")
    if directory.is_dir() and not (directory / CARD).exists() and any(directory.iterdir()):
        raise BadInput(
            f"--model {directory} holds files but no {CARD}, so it is not a model that may be "
            "replaced; give a new directory"
        )


def load(directory: Path) -> tuple[Card, dict[str, npt.NDArray[Any]]]:
    """What ``keep`` wrote. Raises BadInput for anything else, and where the two files differ."""
    card = read_card(directory)
    path = directory / WEIGHTS
    if not path.is_file():
        raise BadInput(f"{directory} has no {WEIGHTS}, only {CARD}; copy both, or train again")
    weights = path.read_bytes()
    if hashlib.sha256(weights).hexdigest() != card.weights:
        raise BadInput(
            f"{path} is not the file that {CARD} beside it names: two models are mixed, or one is "
            "damaged; copy both files of one model, or train again"
        )
    return card, read_arrays(path, weights)


def read_card(directory: Path) -> Card:
    path = directory / CARD
    if not path.is_file():
        raise BadInput(
            f"{directory} is no trained model: it has no {CARD}; give a directory that "
            "`biglog train --model` wrote"
        )
    if path.stat().st_size > MOST_CARD_BYTES:
        raise BadInput(f"{path} has {path.stat().st_size:,} bytes, no model's; train again")
    try:
        return TypeAdapter(Card).validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise BadInput(
            f"{path} is not what this version of BigLog writes ({where}: {first['msg']}); train "
            "again"
        ) from error


def read_arrays(path: Path, weights: bytes) -> dict[str, npt.NDArray[Any]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load as read

    try:
        return dict(read(weights))
    except (SafetensorError, ValueError, KeyError) as error:
        raise BadInput(f"{path} cannot be read as weights ({error}); train again") from error
