"""
### Find past events like a line

Embeds a line, or an error in your own words, and looks for templates of earlier nights that mean
the same kind of event. The matches are written as JSON under `matches/` in BigLog's home and
returned with the run.

**Trigger**: by hand, with the text in the form; the event search page does the same at once.
"""

from typing import Any

from airflow.sdk import Param, dag, task

from biglog import on_airflow


@dag(
    schedule=None,
    default_args=on_airflow.DEFAULTS,
    params={
        "text": Param(
            "", type="string", title="Line", description_md="A log line, or an error in words."
        ),
        "threshold": Param(
            0.85,
            type="number",
            minimum=0,
            maximum=1,
            title="Similarity",
            description_md="Calibrated: the probability that two texts are the same kind of event.",
        ),
        "limit": Param(20, type="integer", minimum=1, maximum=200, title="At most"),
    },
    tags=["biglog", "by hand"],
    doc_md=__doc__,
)
def match_events() -> None:
    @task(queue="gpu", pool="gpu")
    def match() -> dict[str, Any]:
        return on_airflow.ask("match_events")

    match()


match_events()
