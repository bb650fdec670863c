"""Where the parts of a model directory lie, and how it pools: a plain BERT's or that of
sentence-transformers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biglog.errors import BadInput

MEAN, CLS = "masked-mean", "cls"
LONGEST = 150
"""Tokens of a text that are read; the positions of a BigLog release."""


@dataclass(frozen=True, slots=True)
class Layout:
    """``model`` holds config, weights and vocabulary; ``longest`` is in tokens."""

    directory: Path
    model: Path
    pooling: str = MEAN
    longest: int = LONGEST

    @property
    def parts(self) -> tuple[str, ...]:
        """What belongs to the fingerprint besides the files: a cut shorter than usual does."""
        return (self.pooling, *([f"longest {self.longest}"] if self.longest < LONGEST else []))


def read_layout(directory: Path) -> Layout:
    """Of a directory with modules.json what it says, else that of a plain BERT, which has none."""
    if not directory.is_dir():
        raise BadInput(
            f"{directory} is not a directory, expected a BERT-style model: name one under "
            "pretrained/"
        )
    path = directory / "modules.json"
    if not path.exists():
        return Layout(directory, directory)
    kinds = {str(one["type"]).rpartition(".")[2]: directory / one["path"] for one in rows_of(path)}
    if others := sorted(kinds.keys() - {"Transformer", "Pooling", "Normalize"}):
        raise BadInput(
            f"{path} has a layer of type {others[0]}, expected Transformer, Pooling and Normalize "
            "only: choose a sentence-transformers model without it"
        )
    if "Transformer" not in kinds:
        raise BadInput(f"{path} names no Transformer, expected one: copy the file again")
    pooling = read_pooling(kinds["Pooling"]) if "Pooling" in kinds else MEAN
    return Layout(directory, kinds["Transformer"], pooling, read_longest(kinds["Transformer"]))


def rows_of(path: Path) -> list[dict[str, Any]]:
    found = read_json(path)
    if not isinstance(found, list) or not all(
        isinstance(one, dict) and {"type", "path"} <= one.keys() for one in found
    ):
        raise BadInput(
            f"{path} is no list of layers with type and path, expected what sentence-transformers "
            "writes: copy the file again"
        )
    return found


def read_pooling(folder: Path) -> str:
    """The one way of pooling that the folder's config.json turns on: mean or first token."""
    found = read_json(folder / "config.json")
    ways = {name: on for name, on in found.items() if name.startswith("pooling_mode_") and on}
    said = {"mean": "pooling_mode_mean_tokens", "cls": "pooling_mode_cls_token"}
    ways |= {said.get(name, str(name)): True for name in [found.get("pooling_mode")] if name}
    known = {"pooling_mode_mean_tokens": MEAN, "pooling_mode_cls_token": CLS}
    if len(ways) != 1 or not ways.keys() <= known.keys():
        raise BadInput(
            f"{folder / 'config.json'} pools by {', '.join(sorted(ways)) or 'nothing'}, expected "
            "pooling_mode_mean_tokens or pooling_mode_cls_token alone: choose another model"
        )
    return known[next(iter(ways))]


def read_longest(folder: Path) -> int:
    path = folder / "sentence_bert_config.json"
    said = read_json(path).get("max_seq_length") if path.exists() else None
    return min(LONGEST, int(said)) if said else LONGEST


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise BadInput(
            f"{path} is missing, expected it beside the model's other files: copy it there"
        ) from error
    except ValueError as error:
        raise BadInput(f"{path} is not JSON ({error}): copy it again") from error
