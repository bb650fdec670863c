"""Text as PostgreSQL can hold it: valid UTF-8 without NUL, and the hash it is known by."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any


def clean(text: str) -> str:
    """The text with ``?`` for NUL and for lone surrogates, which PostgreSQL refuses."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "?").encode("utf-8", "replace").decode("utf-8")


def text_sha(text: str) -> str:
    """The key of a text in the vector table: sha256 of what is stored, in hexadecimal."""
    return hashlib.sha256(clean(text).encode("utf-8")).hexdigest()


def to_json(value: Any) -> str:
    """JSON that ``jsonb`` accepts: NaN and infinity become null, NUL becomes ``?``."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> Any:
    """The value in JSON's own types; numpy scalars and frozen dataclasses are unwrapped."""
    if isinstance(value, str):
        return clean(value)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {clean(str(key)): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        ordered = sorted(value) if isinstance(value, (set, frozenset)) else value
        return [plain(one) for one in ordered]
    return plain(value.item() if getattr(value, "ndim", 1) == 0 else value.tolist())
