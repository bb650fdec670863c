"""A trained model read from its directory, ready to judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt
from pydantic import TypeAdapter, ValidationError

from biglog.errors import BadInput
from biglog.findings.learned import judge
from biglog.findings.learned.judge import Judge
from biglog.learning import directory as directories
from biglog.learning import networks
from biglog.learning.directory import Card
from biglog.learning.networks import NETWORKS
from biglog.learning.rows import SHOWN, Task
from biglog.records import Encoder


@dataclass(frozen=True, slots=True)
class Loaded:
    """A trained model ready to judge."""

    card: Card
    judge: Judge
    network: Any  # of a torch method, else None
    model: Encoder

    @property
    def task(self) -> Task:
        return Task(self.card.session, self.card.first, self.card.format)


def open_model(directory: Path, model: Encoder) -> Loaded:
    """The model of a directory. Raises BadInput where it was trained with another encoder."""
    card, arrays = directories.load(directory)
    if card.encoder != model.model_id:
        raise BadInput(
            f"{directory} was trained with the encoder {card.encoder}, got {model.model_id}: their "
            "vectors are not comparable; choose that encoder in biglog.toml, or train again"
        )
    return assemble(directory, card, arrays, model)


def assemble(
    directory: Path, card: Card, arrays: Mapping[str, npt.NDArray[Any]], model: Encoder
) -> Loaded:
    try:
        plan = TypeAdapter(judge.Plan).validate_python(dict(card.plan))
        made = judge.from_arrays(plan, arrays)
        named = [one for one in card.members if one in NETWORKS]
        network = networks.read(named[0], judge.part(arrays, "network")) if named else None
    except (ValidationError, KeyError, IndexError, TypeError, ValueError) as error:
        raise BadInput(
            f"{directory} is not whole ({type(error).__name__}: {str(error)[:SHOWN]}); train again"
        ) from error
    return Loaded(card, made, network, model)
