"""
### Measure encoders

For one encoder, or for every registered one that is still there: how well it finds events in other
words and in the other language, tells rivals apart, and brings a fault's lines to the same fault of
another night or another program, beside TF-IDF, the same model untrained and its raw first token.
The figures go into the register of models and onto a page per language under `reports/models/`.

Run again, it replaces the figures and the pages.

**Trigger**: by hand, with the form.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, task

from biglog import on_airflow


@dag(
    schedule=None,
    max_active_runs=1,
    default_args=on_airflow.DEFAULTS,
    params={
        "model": Param(
            "",
            type="string",
            title="Model",
            description_md="A name under `pretrained/`, or a path. Leave empty for all.",
        ),
        "data": Param(
            "",
            type="string",
            title="Labelled data",
            description_md="Folder with `parsing/` (labelled logs) and `kb/` (runbooks); empty "
            "leaves those figures out.",
        ),
        "packages": Param(
            "",
            type="string",
            title="Packages",
            description_md="Folder of unpacked Debian packages, for messages in two languages; "
            "empty leaves those figures out.",
        ),
        "faults": Param(
            True,
            type="boolean",
            title="Recorded faults",
            description_md="Read the recorded days under `examples/` too, about half a minute.",
        ),
    },
    tags=["biglog", "by hand"],
    doc_md=__doc__,
)
def evaluate_models() -> None:
    @task(queue="gpu", pool="gpu", execution_timeout=timedelta(hours=6))
    def evaluate() -> dict[str, Any]:
        return on_airflow.evaluate()

    evaluate()


evaluate_models()
