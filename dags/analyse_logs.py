"""
### Analyse one night

Lines to templates and events (per source), templates to vectors (on the `gpu` queue and pool),
vectors to clusters, then what is new, odd or missing against earlier nights, grouped into incidents
with a likely cause, and published to the database in one transaction.

**Trigger**: the asset `lines` of a night; or by hand with a partition key (or the form's *Night*).

**Emits** the asset `findings` for the night, which starts `report_logs`.

Running a night again replaces what it published: it can be run any number of times.
"""

from typing import Any

from airflow.sdk import PartitionedAssetTimetable, chain, dag, task

from biglog import on_airflow


@dag(
    schedule=PartitionedAssetTimetable(assets=on_airflow.LINES),
    max_active_runs=1,
    default_args=on_airflow.DEFAULTS,
    params={"partition": on_airflow.PARTITION, "sources": on_airflow.SOURCES},
    tags=["biglog", "nightly"],
    doc_md=__doc__,
)
def analyse_logs() -> None:
    @task
    def sources() -> list[str]:
        return on_airflow.names()

    @task(map_index_template="{{ source }}", max_active_tis_per_dagrun=4)
    def parse(source: str) -> dict[str, Any]:
        return on_airflow.run("parse", source)

    # all_done: a source whose lines cannot be parsed must not hide the others.
    @task(queue="gpu", pool="gpu", trigger_rule="all_done")
    def embed() -> dict[str, Any]:
        return on_airflow.run("embed")

    @task
    def cluster() -> dict[str, Any]:
        return on_airflow.run("cluster")

    @task
    def detect() -> dict[str, Any]:
        return on_airflow.run("detect")

    @task
    def correlate() -> dict[str, Any]:
        return on_airflow.run("correlate")

    @task(outlets=[on_airflow.FINDINGS])
    def publish() -> dict[str, Any]:
        return on_airflow.run("publish")

    chain(parse.expand(source=sources()), embed(), cluster(), detect(), correlate(), publish())


analyse_logs()
