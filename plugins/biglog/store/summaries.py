"""What stood under the wildcards of the templates on some nights, in brief."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
from sqlalchemy import Engine

from biglog.records import SUMMARIES
from biglog.store import copy

FULL = 10
"""Distinct values up to which a partition's most frequent ones are all that there were."""
QUERY = (
    "SELECT source, date::text, template_id, slot, kind, unit, values, distinct_values,"
    " CASE WHEN distinct_values <= %s THEN top_values::text ELSE '' END,"
    " numbers, maximum, p50 FROM biglog.template_variable WHERE date = ANY(%s::date[])"
    " ORDER BY date, source, template_id, slot"
)


def summaries(engine: Engine, dates: Iterable[str]) -> pa.Table:
    """SUMMARIES of those nights, all sources, sorted."""
    with engine.connect() as connection:
        return copy.fetch(connection, QUERY, (FULL, list(dates)), SUMMARIES)
