"""A model directory made anew with its matrices kept in 8 bits."""

from __future__ import annotations

import shutil
from pathlib import Path

from biglog.errors import BadInput
from biglog.vectors import checkpoint, int8
from biglog.vectors.encoder import load_encoder
from biglog.vectors.layout import read_layout

# What belongs to the weights that are replaced, not to the new ones.
_LEFT_OUT = ("*.safetensors", "*.bin", "calibration.json", "arithmetic-*.json", "training.json",
             "README*")  # fmt: skip


def quantize(directory: Path, out: Path) -> None:
    """Write ``out``, whole or not at all, calibrated and its arithmetic judged like any model.

    Raises BadInput for a directory that is no model, and where ``out`` is there already.
    """
    layout = read_layout(directory)
    model = checkpoint.build_model(layout.model)
    check_new(out)
    from safetensors.torch import save_file

    draft = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        shutil.copytree(directory, draft, ignore=shutil.ignore_patterns(*_LEFT_OUT))
        packed = int8.pack(model.state_dict())
        path = draft / layout.model.relative_to(directory) / "model.safetensors"
        save_file(packed, path, {"format": "pt"})
        load_encoder(draft)
        draft.replace(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def check_new(out: Path) -> None:
    if out.exists():
        raise BadInput(f"{out} exists, expected a new directory: give another --out, or delete it")
