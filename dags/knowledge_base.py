"""
### Keep the knowledge base

Imports a folder of Markdown and JSON entries and embeds what changed. Importing the same folder
again changes nothing; an entry that a person edited keeps its revisions.

**Trigger**: by hand, with the folder in the form; empty means the starter entries of the checkout.
"""

from typing import Any

from airflow.sdk import Param, dag, task

from biglog import on_airflow


@dag(
    schedule=None,
    max_active_runs=1,
    default_args=on_airflow.DEFAULTS,
    params={
        "folder": Param(
            "",
            type="string",
            title="Folder",
            description_md="Markdown (front matter optional) and JSON files, read recursively.",
        ),
    },
    tags=["biglog", "by hand"],
    doc_md=__doc__,
)
def knowledge_base() -> None:
    @task(queue="gpu", pool="gpu")
    def import_entries() -> dict[str, Any]:
        return on_airflow.ask("knowledge_base")

    import_entries()


knowledge_base()
