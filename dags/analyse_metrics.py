"""
### Analyse one night of metrics

For every `[[metrics]]` of `sources.toml`: find the night's files (CSV, or JSON of a Prometheus
range query), keep their points, and judge each point by those before it, in the night and in up to
two weeks of earlier nights. Odd points that follow one another are one anomaly. The oddest of all
sources, few of them by chance, go to the database and stand in the report beside the incidents.
One source that fails does not stop the others; the report names it.

**Trigger**: nightly for the day before, at 00:00 UTC or as BIGLOG_SCHEDULE says, beside
`ingest_logs`; or by hand with a partition key (or the form's *Night*); or for a range with
`airflow backfill create --dag-id analyse_metrics --from-date … --to-date …`, oldest night first, as
each is the past of the next. Without `[[metrics]]` it has nothing to do.

**Emits** nothing: `report_logs` takes what is there. A report that was rendered before the metrics
were known is rendered once more, and not mailed once more.

Running a night again replaces its points and anomalies: it can be run any number of times.
"""

from typing import Any

from airflow.sdk import chain, dag, task

from biglog import on_airflow


@dag(**on_airflow.nightly(), doc_md=__doc__)
def analyse_metrics() -> None:
    @task
    def sources() -> list[str]:
        return on_airflow.metric_names()

    @task(map_index_template="{{ source }}", max_active_tis_per_dagrun=4)
    def read(source: str) -> dict[str, Any]:
        return on_airflow.run("read_metrics", source)

    # all_done: a source that cannot be read must not hide the others.
    @task(map_index_template="{{ source }}", max_active_tis_per_dagrun=4, trigger_rule="all_done")
    def judge(source: str) -> dict[str, Any]:
        return on_airflow.run("judge_metrics", source)

    @task(trigger_rule="all_done")
    def publish() -> dict[str, Any]:
        return on_airflow.run("publish_metrics")

    @task
    def refresh() -> dict[str, Any]:
        return on_airflow.run("refresh")

    named = sources()
    chain(read.expand(source=named), judge.expand(source=named), publish(), refresh())


analyse_metrics()
