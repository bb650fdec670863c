"""The index of many vectors: out of the way of a large load, and near to an exact search."""

import numpy as np
import pytest
from sqlalchemy import text

from biglog.store import vector_index, write

DIM = 32


def rows(many, *, seed=0):
    """Unit vectors in groups, as templates of one kind are, each with a text of its own."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(60, DIM))
    values = middles[rng.integers(0, 60, many)] + 0.4 * rng.normal(size=(many, DIM))
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    return [(f"text {seed} {n}", one) for n, one in enumerate(values.astype(np.float32))]


@pytest.fixture
def many(database):
    write.save_vectors(database, "m:1", DIM, rows(3_000))
    assert write.index_vectors(database, "m:1", minimum=1_000)
    return database


def indexes(engine):
    with engine.connect() as connection:
        query = (
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'biglog' AND tablename = 'vector'"
        )
        return [one for one in connection.execute(text(query)).scalars() if "hnsw" in one]


def test_the_index_is_of_half_precision_and_finds_what_an_exact_search_does(many):
    assert [("halfvec_cosine_ops" in one, "m:1" in one) for one in indexes(many)] == [(True, True)]
    assert vector_index.measure_recall(many, "m:1") >= 0.98


def test_a_poor_index_is_seen_to_be_one(many):
    """Built as sparsely as pgvector allows and searched as narrowly, it misses some."""
    (name,) = indexes(many)
    with many.begin() as connection:
        connection.exec_driver_sql("DROP INDEX biglog." + name.split()[2])
        connection.exec_driver_sql(
            name.replace(" WHERE", " WITH (m = 2, ef_construction = 4) WHERE").replace("%", "%%")
        )
    assert vector_index.measure_recall(many, "m:1") < 0.98


def test_a_large_load_finds_no_index_in_its_way(many):
    assert vector_index.clear_way(many, "m:1", 5_000)
    assert indexes(many) == []
    assert not vector_index.clear_way(many, "m:1", 5_000)
    write.save_vectors(many, "m:1", DIM, rows(5_000, seed=1))
    assert write.index_vectors(many, "m:1", minimum=1_000)
    assert len(indexes(many)) == 1
    assert vector_index.measure_recall(many, "m:1") >= 0.98


def test_a_usual_night_leaves_the_index(many):
    assert not vector_index.clear_way(many, "m:1", 700)
    assert len(indexes(many)) == 1


def test_a_model_without_vectors_has_nothing_to_clear_or_to_miss(database):
    assert not vector_index.clear_way(database, "nobody's", 10_000)
    assert vector_index.measure_recall(database, "nobody's") == 1.0
