"""
### Maintain the store

Once a week: a logical backup under `backups/` in BigLog's home, restored into a scratch database
and compared row by row count; then rows past their keeping time are deleted, tables analysed, and
the recall of the vector index measured.

**Trigger**: Sundays at 03:00 UTC, or by hand.

Running it again makes a new backup of the day and deletes nothing more.
"""

from typing import Any

from airflow.sdk import CronTriggerTimetable, Param, chain, dag, task

from biglog import on_airflow


@dag(
    schedule=CronTriggerTimetable("0 3 * * 0", timezone="UTC"),
    start_date=on_airflow.START,
    catchup=False,
    max_active_runs=1,
    default_args=on_airflow.DEFAULTS,
    params={
        "keep_days": Param(
            400,
            type="integer",
            minimum=30,
            title="Keep",
            description_md="Counts, findings and incidents older than this many days are deleted.",
        ),
    },
    tags=["biglog", "weekly"],
    doc_md=__doc__,
)
def maintain_store() -> None:
    @task
    def backup() -> dict[str, Any]:
        return on_airflow.ask("backup")

    @task
    def forget() -> dict[str, Any]:
        return on_airflow.ask("forget")

    chain(backup(), forget())


maintain_store()
