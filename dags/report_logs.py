"""
### Report one night

Renders the night's report as self-contained HTML pages (one per language), and mails it to the
recipients of `biglog.toml` through the Airflow connection `smtp_default`: once per night and
recipient, however often this runs.

**Trigger**: the asset `findings` of a night; or by hand with a partition key (or the form's
*Night*).
"""

from typing import Any

from airflow.sdk import PartitionedAssetTimetable, chain, dag, task

from biglog import on_airflow


@dag(
    schedule=PartitionedAssetTimetable(assets=on_airflow.FINDINGS),
    max_active_runs=1,
    default_args=on_airflow.DEFAULTS,
    params={"partition": on_airflow.PARTITION},
    tags=["biglog", "nightly"],
    doc_md=__doc__,
)
def report_logs() -> None:
    @task
    def render() -> dict[str, Any]:
        return on_airflow.run("render")

    @task
    def send() -> dict[str, Any]:
        return on_airflow.run("send")

    chain(render(), send())


report_logs()
