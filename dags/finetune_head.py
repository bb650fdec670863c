"""
### Learn from labels

Trains a model of labelled lines or sessions, from a file under BigLog's `uploads/` folder or from
the lines of one source and night in the lake, and keeps it as the next version of its name, in use
from then on. `biglog models rollback NAME` goes back by one.

The labels are a CSV under `uploads/`: `session,label` or `line_no,label` with 0 or 1 (of several
files also `file`). The last quarter of the labelled rows by time validates.

**Trigger**: by hand, with the form.

Running it again for the same lines and labels keeps the same model as one more version.
"""

from typing import Any

from airflow.sdk import Param, dag, task

from biglog import on_airflow


@dag(
    schedule=None,
    max_active_runs=1,
    default_args=on_airflow.DEFAULTS,
    params={
        "name": Param(
            "site",
            type="string",
            pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$",
            title="Name",
            description_md="The model's name; each run keeps one more version of it.",
        ),
        "labels": Param(
            "", type="string", title="Labels", description_md="A CSV under `uploads/`."
        ),
        "path": Param(
            "",
            type="string",
            title="File",
            description_md="A log file under `uploads/`. Leave empty to read the lake.",
        ),
        "source": Param(
            "", type="string", title="Source", description_md="Without a file: one of the lake's."
        ),
        "date": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Night",
            description_md="Without a file: the night whose lines are labelled.",
        ),
        "session": Param(
            "",
            type="string",
            title="Session",
            description_md="A regular expression that names one; empty where lines are labelled.",
        ),
        "method": Param(
            "auto",
            type="string",
            enum=["auto", "lr", "svm", "tree", "knn", "lstm", "head", "finetune"],
            title="Method",
            description_md="`head` leaves the encoder as it is, `finetune` trains a copy of it.",
        ),
        "format": Param(
            "auto",
            type="string",
            title="Format",
            description_md="Of the file: a format's name, `auto` or `message`.",
        ),
    },
    tags=["biglog", "by hand"],
    doc_md=__doc__,
)
def finetune_head() -> None:
    @task(queue="gpu", pool="gpu")
    def learn() -> dict[str, Any]:
        return on_airflow.learn()

    learn()


finetune_head()
