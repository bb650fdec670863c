"""
### Analyse one uploaded file

Reads one file as typed lines, finds its templates, and judges every line against what earlier
nights know. Writes `result.csv` (a row a line: score, anomalous, reason) and a page beside it under
`uploads/` in BigLog's home. Nothing of it enters the nightly tables.

**Trigger**: the upload page, or by hand with the file's path in the form.

Running it again for the same file replaces its results.
"""

from typing import Any

from airflow.sdk import Param, dag, task

from biglog import on_airflow


@dag(
    schedule=None,
    default_args=on_airflow.DEFAULTS,
    params={
        "path": Param(
            "",
            type="string",
            title="File",
            description_md="A file under BigLog's `uploads/` folder: its name, or its whole path.",
        ),
        "format": Param(
            "auto",
            type="string",
            title="Format",
            description_md="A format's name, `auto`, or `message` (each line is its message).",
        ),
    },
    tags=["biglog", "by hand"],
    doc_md=__doc__,
)
def analyse_upload() -> None:
    @task
    def analyse() -> dict[str, Any]:
        return on_airflow.ask("analyse_upload")

    analyse()


analyse_upload()
