"""A source elsewhere above, its lines in the lake below."""

import pyarrow.parquet as pq
import pytest
import simulated_loki as loki

from biglog import installation, lake, on_airflow, pipeline, settings
from biglog.errors import BadInput
from biglog.sources.connection import from_environment
from biglog.sources.pulling import span

DATE = "2024-11-02"


def test_lines_of_a_store_are_ingested_as_those_of_a_file(tmp_path, database):
    start, _ = span(DATE, "Asia/Shanghai")
    entries = [({"app": "cart", "level": "error"}, start + 9 * 10**9, "charge failed")]
    with loki.SimulatedLoki(entries) as server:
        (tmp_path / "sources.toml").write_text(
            f"""
            [[source]]
            name = "shop"
            path = 'loki://127.0.0.1:{server.port}/{{app="cart"}}'
            timezone = "Asia/Shanghai"
            """
        )
        site = installation.Site(settings.load(tmp_path), database)
        done = pipeline.run("ingest", site, DATE, "shop")
    assert (done.rows_in, done.rows_out) == (1, 1)
    (row,) = pq.read_table(lake.lines(site.settings.lake, "shop", DATE)).to_pylist()
    assert (row["service"], row["level"], row["content"]) == ("cart", "ERROR", "charge failed")


def test_a_password_in_sources_toml_fails_the_source_without_repeating_it(tmp_path, database):
    (tmp_path / "sources.toml").write_text(
        '[[source]]\nname = "shop"\npath = "sftp://reader:s3cret@host/logs/{date}.log"\n'
    )
    site = installation.Site(settings.load(tmp_path), database)
    with pytest.raises(BadInput, match="path holds a password") as refused:
        pipeline.run("ingest", site, DATE, "shop")
    assert "s3cret" not in str(refused.value)


def test_airflows_connection_is_the_same_as_the_environments(monkeypatch):
    uri = "http://reader:p%40ss@es.example.com:9200/?ca=%2Fetc%2Fca.pem"
    monkeypatch.setenv("AIRFLOW_CONN_LOGS", uri)
    assert on_airflow.connection("logs") == from_environment("logs")


def test_a_connection_that_only_the_environment_knows(monkeypatch):
    monkeypatch.setenv("BIGLOG_CONN_LOGS", "http://es.example.com")
    assert on_airflow.connection("logs").host == "es.example.com"
    with pytest.raises(BadInput, match="no connection named 'nowhere': set BIGLOG_CONN_NOWHERE"):
        on_airflow.connection("nowhere")
