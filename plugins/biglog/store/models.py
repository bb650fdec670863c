"""Which models were made, what they measured, and which one of each kind is in use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, text

from biglog.errors import BadInput
from biglog.store.read import rows
from biglog.store.text import clean, to_json


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One model: an encoder, a head, a forecaster."""

    model_id: str
    kind: str
    path: str
    metrics: Mapping[str, Any] = field(default_factory=dict)
    is_active: bool = False
    note: str = ""
    created_at: datetime | None = None


def save_model(engine: Engine, model: ModelVersion) -> None:
    """Note a model, in use or not as it was; a second call replaces its metrics and note."""
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO biglog.model_version (model_id, kind, path, metrics, note)"
                " VALUES (:model_id, :kind, :path, CAST(:metrics AS jsonb), :note)"
                " ON CONFLICT (model_id) DO UPDATE SET path = excluded.path,"
                " metrics = excluded.metrics, note = excluded.note"
            ),
            {
                "model_id": model.model_id,
                "kind": model.kind,
                "path": model.path,
                "metrics": to_json(model.metrics),
                "note": clean(model.note),
            },
        )
    if model.is_active:
        activate(engine, model.model_id)


def activate(engine: Engine, model_id: str) -> None:
    """Use this model in the place of the one of its kind in use. Raises BadInput if unknown."""
    with engine.begin() as connection:
        kind = connection.execute(
            text("SELECT kind FROM biglog.model_version WHERE model_id = :id"), {"id": model_id}
        ).scalar()
        if kind is None:
            raise BadInput(f"no model {model_id!r} is registered")
        connection.execute(
            text(
                "UPDATE biglog.model_version SET is_active = false"
                " WHERE kind = :kind AND is_active AND model_id <> :id"
            ),
            {"kind": kind, "id": model_id},
        )
        connection.execute(
            text("UPDATE biglog.model_version SET is_active = true WHERE model_id = :id"),
            {"id": model_id},
        )


def models(engine: Engine) -> tuple[ModelVersion, ...]:
    """All models, the latest first."""
    with engine.connect() as connection:
        found = rows(
            connection,
            "SELECT model_id, kind, path, metrics, is_active, note, created_at"
            " FROM biglog.model_version ORDER BY created_at DESC, model_id",
        )
    return tuple(ModelVersion(**one) for one in found)
