"""Which encoder BigLog embeds with, and what the register knows of each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from biglog import registry
from biglog.errors import BadInput
from biglog.installation import Site
from biglog.registry import InUse
from biglog.settings import ENCODER_IN_USE, load, read_toml

KIND = "encoder"


def in_use(home: Path) -> InUse:
    """The directories taken into use here; without one, biglog.toml decides."""
    return registry.in_use(home / ENCODER_IN_USE)


def enter(site: Site, directory: Path, figures: Mapping[str, Any], *, use: bool) -> str:
    """Note a model in the register and, where asked, take it into use; its id.

    A second call replaces what was measured. Raises BadInput for a directory that is no model.
    """
    from biglog.store import models
    from biglog.vectors.encoder import load_encoder

    model_id = load_encoder(directory).model_id
    known = next((one for one in models.models(site.engine) if one.model_id == model_id), None)
    metrics = {**(known.metrics if known else {}), **figures}
    version = models.ModelVersion(
        model_id, KIND, str(directory.resolve()), metrics, note=known.note if known else ""
    )
    models.save_model(site.engine, version)
    if use:
        take(site.settings.home, directory)
        models.activate(site.engine, model_id)
    return model_id


def keep(home: Path, directory: Path, figures: Mapping[str, Any], *, use: bool) -> None:
    """As ``enter`` where BigLog has a database; else only what is in use is noted."""
    from biglog.vectors.encoder import load_encoder

    if registry.has_database(home):
        enter(registry.open_register(home), directory, figures, use=use)
    elif use:
        load_encoder(directory)
        take(home, directory)


def take(home: Path, directory: Path) -> None:
    """Embed with this model from now on. Raises BadInput where biglog.toml names one.

    Vectors of the one before stay, so that going back to it costs nothing.
    """
    if named := read_toml(home / "biglog.toml").get("embed", {}).get("model"):
        raise BadInput(
            f"{home / 'biglog.toml'} names the model {named!r}, which goes before any choice by "
            "command: take that line out, or change it"
        )
    registry.take(home / ENCODER_IN_USE, str(directory.resolve()))


def rollback(home: Path) -> Path:
    """Embed with the model used before; that of biglog.toml before the first was taken.

    Raises BadInput where none was taken into use.
    """
    if not in_use(home).before:
        raise BadInput("no encoder was taken into use here, expected one to go back from")
    earlier = registry.go_back(home / ENCODER_IN_USE).now
    directory = Path(earlier or load(home).encoder)
    if registry.has_database(home):
        activate(registry.open_register(home), directory)
    return directory


def activate(site: Site, directory: Path) -> None:
    """Mark the model as the one in use, where the register knows it."""
    from biglog.store import models

    path = str(directory.resolve())
    for one in models.models(site.engine):
        if one.kind == KIND and one.path == path:
            models.activate(site.engine, one.model_id)
            return
