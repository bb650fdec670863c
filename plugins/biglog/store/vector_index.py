"""The approximate index of a model's vectors: out of a large load's way, and how much it finds."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, text

from biglog.store.read import dimension
from biglog.store.search import SEARCH_WIDTH
from biglog.store.write import LOCK, index_name, literal_of_model

SAMPLE = 50
NEIGHBOURS = 10
LARGE = 5_000
"""So many rows are loaded faster without the index, which is then built once over all."""


def clear_way(engine: Engine, model_id: str, coming: int) -> bool:
    """Drop the model's index before a load of so many rows, if that pays; True where it was there.

    ``write.index_vectors`` builds it anew; until then searches compare every vector.
    """
    with engine.begin() as connection:
        dim = dimension(connection, model_id)
        if dim == 0 or coming < LARGE or coming < count(connection, model_id) // 4:
            return False
        connection.execute(LOCK, {"key": f"biglog:index:{model_id}"})
        there = exists(connection, model_id, dim)
        connection.exec_driver_sql(f"DROP INDEX IF EXISTS biglog.{index_name(model_id, dim)}")
        return there


def count(connection: Connection, model_id: str) -> int:
    query = text("SELECT count(*) FROM biglog.vector WHERE model_id = :model_id")
    return int(connection.execute(query, {"model_id": model_id}).scalar_one())


def exists(connection: Connection, model_id: str, dim: int) -> bool:
    query = text("SELECT to_regclass(:name) IS NOT NULL")
    name = f"biglog.{index_name(model_id, dim)}"
    return bool(connection.execute(query, {"name": name}).scalar_one())


def measure_recall(engine: Engine, model_id: str, *, sample: int = SAMPLE) -> float:
    """Share of the ten truly nearest vectors that a search by the index finds, 0 to 1.

    Asked with kept vectors, those of the lowest keys: a key is a hash, so they are a random sample
    and the same one each time. Another vector as near as the tenth counts as found.
    """
    with engine.begin() as connection:
        dim = dimension(connection, model_id)
        model = literal_of_model(connection, model_id)
        asked = connection.exec_driver_sql(
            f"SELECT embedding::text FROM biglog.vector WHERE model_id = {model}"
            f" ORDER BY text_sha LIMIT {int(sample)}"
        ).scalars()
        shares = [share_found(connection, model, dim, vector) for vector in list(asked)]
    return sum(shares) / len(shares) if shares else 1.0


def share_found(connection: Connection, model: str, dim: int, vector: str) -> float:
    near = distances(connection, model, dim, vector, exact=False)
    true = distances(connection, model, dim, vector, exact=True)
    return sum(one <= true[-1] + 1e-6 for one in near) / len(true)


def distances(
    connection: Connection, model: str, dim: int, vector: str, *, exact: bool
) -> Sequence[float]:
    """Cosine distances of the nearest, nearest first; ``+ 0`` is an order that no index gives."""
    away = f"(embedding::halfvec({dim})) <=> '{vector}'::halfvec({dim})"
    connection.exec_driver_sql(f"SET LOCAL hnsw.ef_search = {SEARCH_WIDTH}")
    connection.exec_driver_sql("SET LOCAL hnsw.iterative_scan = strict_order")
    return [
        float(one)
        for one in connection.exec_driver_sql(
            f"SELECT {away} FROM biglog.vector WHERE model_id = {model}"
            f" ORDER BY {f'({away}) + 0' if exact else away} LIMIT {NEIGHBOURS}"
        ).scalars()
    ]
