"""
### Pre-train an encoder on this site's own lines

Masked language modelling on the distinct contents of the chosen sources and nights, their
variables masked, from a model or from nothing. With rehearsal a share of every step comes from the
texts BigLog's own model was made from, so that it does not forget them; the report has the figures
before and after on held-out texts of both. The model is written under `models/` in BigLog's home
and kept in the register; it is taken into use only where the form says so.

Run again with the same form, a run that was killed goes on from its last checkpoint, and one that
was finished changes nothing.

**Trigger**: by hand, with the form; every GPU of the worker takes part.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, task

from biglog import on_airflow

NIGHT = {"type": ["null", "string"], "format": "date"}


@dag(
    schedule=None,
    max_active_runs=1,
    default_args=on_airflow.DEFAULTS,
    params={
        "name": Param(
            "site-encoder",
            type="string",
            pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
            title="Name",
            description_md="The new model's directory under `models/` in BigLog's home.",
        ),
        "begin": Param(
            "biglog-small",
            type="string",
            title="From",
            description_md="Model to go on from: a name under `pretrained/`, or a path; empty "
            "begins from nothing.",
        ),
        "recipe": Param(
            "small",
            type="string",
            enum=["small", "biglog"],
            title="Recipe",
            description_md="`small`: masked modelling, then contrast. `biglog`: BERT-base, masked "
            "modelling alone, 10,000 steps of 512 texts.",
        ),
        "sources": Param(
            [],
            type="array",
            items={"type": "string"},
            title="Sources",
            description_md="Of `sources.toml`, one a line. Leave empty for all.",
        ),
        "since": Param(None, **NIGHT, title="First night", description_md="Empty: the earliest."),
        "until": Param(None, **NIGHT, title="Last night", description_md="Empty: the latest."),
        "rehearsal": Param(
            0.3,
            type="number",
            minimum=0,
            maximum=0.95,
            title="Rehearsal",
            description_md="Share of every step's texts that are old ones.",
        ),
        "steps": Param(
            0,
            type="integer",
            minimum=0,
            title="Steps",
            description_md="Of masked modelling. 0: as the recipe says.",
        ),
        "pair_steps": Param(
            None,
            type=["null", "integer"],
            minimum=0,
            title="Steps of contrast",
            description_md="Empty: as the recipe says; 0: none.",
        ),
        "use": Param(
            False,
            type="boolean",
            title="Take into use",
            description_md="Otherwise `biglog encoders use` does it, after a look at the figures.",
        ),
    },
    tags=["biglog", "by hand"],
    doc_md=__doc__,
)
def pretrain_encoder() -> None:
    @task(queue="gpu", pool="gpu", execution_timeout=timedelta(days=7))
    def pretrain() -> dict[str, Any]:
        return on_airflow.pretrain()

    pretrain()


pretrain_encoder()
