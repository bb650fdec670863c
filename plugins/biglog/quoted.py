"""The line that each finding quotes: one that its own place wrote in its own time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from biglog.records import ABSENT, Finding, Template
from biglog.unusual import filled

VALUES = ("value_up", "value_down", "new_value")  # they quote the line that is farthest out


def with_lines(
    found: Sequence[Finding], events: Mapping[str, Path], templates: Mapping[str, Template]
) -> tuple[Finding, ...]:
    """Findings in the same order, each with the first line of its template in its place and time.

    A template's own example may be of another host or of another night. Where no event is found,
    or the template has widened since its events were written, the example stays.
    """
    wanted = [one for one in found if one.template_id and one.kind not in (*ABSENT, *VALUES)]
    lines: dict[str, str] = {}
    for source in {one.source for one in wanted} & events.keys():
        own = [one for one in wanted if one.source == source]
        lines |= first_lines(own, events[source], templates)
    return tuple(replace(one, example=lines.get(one.finding_id, one.example)) for one in found)


def first_lines(
    found: Sequence[Finding], events: Path, templates: Mapping[str, Template]
) -> dict[str, str]:
    asked = pl.LazyFrame(
        {
            "finding_id": [one.finding_id for one in found],
            "template_id": [one.template_id for one in found],
            "own_service": [one.service for one in found],
            "own_host": [one.host for one in found],
            "started_at": [one.started_at for one in found],
            "ended_at": [one.ended_at for one in found],
        }
    )
    rows = (
        pl.scan_parquet(events)
        .filter(pl.col("template_id").is_in([one.template_id for one in found]))
        .join(asked, on="template_id")
        .filter(
            pl.col("timestamp").is_between("started_at", "ended_at")
            & (pl.col("service").fill_null("") == pl.col("own_service"))
            & ((pl.col("own_host") == "") | (pl.col("host").fill_null("") == pl.col("own_host")))
        )
        .group_by("finding_id")
        .agg(pl.col("template_id", "parameters").sort_by("timestamp", "line_id").first())
        .collect(engine="streaming")
    )
    return {
        key: filled(templates[template].pattern, values)
        for key, template, values in rows.iter_rows()
        if template in templates and templates[template].pattern.count("<*>") == len(values)
    }
