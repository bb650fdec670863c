"""Metric series of a Prometheus answer to ``query_range``: JSON with a matrix of series."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from pydantic import TypeAdapter, ValidationError

from biglog.errors import BadInput

EXPECTED = (
    "expected what /api/v1/query_range answers: "
    '{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {…}, '
    '"values": [[1762041600, "1.5"], …]}, …]}}'
)


@dataclass(frozen=True, slots=True)
class Series:
    metric: dict[str, str]
    values: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Data:
    resultType: str
    result: tuple[Series, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    status: str
    data: Data | None = None
    error: str = ""


ANSWER = TypeAdapter(Answer)


def read_matrix(path: Path) -> Iterator[pl.DataFrame]:
    """A frame per series: ``series``, ``seconds`` since 1970 and ``value``, in the file's order.

    A value is null where it is no finite number. Raises BadInput for any other JSON or text.
    """
    try:
        answer = ANSWER.validate_json(path.read_bytes())
    except ValidationError as error:
        raise BadInput(f"{path}: {first_fault(error)}; {EXPECTED}") from error
    if answer.data is None or answer.status != "success":
        said = f"{answer.status}: {answer.error}"[:200]
        raise BadInput(f"{path} holds no data but an answer of {said!r}; export it again")
    if answer.data.resultType != "matrix":
        kind = answer.data.resultType[:40]
        raise BadInput(f"{path}: resultType is {kind!r}; ask query_range, not query; {EXPECTED}")
    return map(points, answer.data.result)


def first_fault(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(one) for one in first["loc"])[:80]
    return f"{where + ': ' if where else ''}{first['msg'][:160]}"


def points(one: Series) -> pl.DataFrame:
    value = pl.Series([text for _, text in one.values], dtype=pl.String).cast(
        pl.Float64, strict=False
    )
    return pl.DataFrame(
        {
            "series": pl.repeat(name_of(one.metric), len(one.values), eager=True, dtype=pl.String),
            "seconds": pl.Series([at for at, _ in one.values], dtype=pl.Float64),
            "value": pl.select(pl.when(value.is_finite()).then(value)).to_series(),
        }
    )


def name_of(labels: dict[str, str]) -> str:
    """As Prometheus writes a series: ``up{instance="a:9100",job="node"}``."""
    pairs = [
        f'{key}="{quoted(value)}"' for key, value in sorted(labels.items()) if key != "__name__"
    ]
    inside = "{" + ",".join(pairs) + "}" if pairs else ""
    return labels.get("__name__", "") + inside


def quoted(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
