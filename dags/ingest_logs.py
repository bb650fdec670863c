"""
### Ingest one night of logs

For every source of `sources.toml`: find the night's files, read them as typed lines, keep what
cannot be read in quarantine, and note what arrived. One source that fails does not stop the
others; the report names it.

**Trigger**: nightly for the day before, at 00:00 UTC or as BIGLOG_SCHEDULE says; or by hand with a
partition key (or the form's *Night*); or for a range with
`airflow backfill create --dag-id ingest_logs --from-date … --to-date …`.

**Emits** the asset `lines` for the night, which starts `analyse_logs`; and for earlier and later
nights that are in the database already and whose lines came only now, which are then analysed
again (`late_days` of a source says how far from the night).

Running a night again replaces its lines: it can be run any number of times.
"""

from typing import Any

from airflow.sdk import dag, task

from biglog import on_airflow


@dag(**on_airflow.nightly(), doc_md=__doc__)
def ingest_logs() -> None:
    @task
    def sources() -> list[str]:
        return on_airflow.names()

    @task(map_index_template="{{ source }}", max_active_tis_per_dagrun=4)
    def ingest(source: str) -> dict[str, Any]:
        return on_airflow.run("ingest", source)

    # all_done: the night goes on with the sources that arrived.
    @task(trigger_rule="all_done", outlets=[on_airflow.LINES])
    def check() -> dict[str, Any]:
        return on_airflow.announce()

    ingest.expand(source=sources()) >> check()


ingest_logs()
