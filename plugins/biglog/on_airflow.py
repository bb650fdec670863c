"""The one door between the stages and Airflow: a partition in, counts out, errors translated."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Asset, CronPartitionTimetable, Param, get_current_context
from airflow.sdk.exceptions import AirflowFailException

from biglog.errors import BadInput

log = logging.getLogger(__name__)

LINES = Asset(name="lines", uri="x-biglog://lake/lines", group="biglog")
FINDINGS = Asset(name="findings", uri="x-biglog://store/findings", group="biglog")

# The first night that the schedule runs by itself; earlier ones are for `airflow backfill create`.
START = datetime.fromisoformat(os.environ.get("BIGLOG_SCHEDULE_START", "2026-11-01")).replace(
    tzinfo=UTC
)

# When a night is read: its date is that of the tick before. Later than midnight where sources keep
# a zone west of UTC, whose date is over only then.
SCHEDULE = os.environ.get("BIGLOG_SCHEDULE", "0 0 * * *")

PARTITION = Param(
    None,
    type=["null", "string"],
    format="date",
    title="Night",
    description_md="The night to run, `YYYY-MM-DD`. Leave empty when the run has a partition key.",
)
SOURCES = Param(
    [],
    type="array",
    items={"type": "string"},
    title="Sources",
    description_md="Only these sources of `sources.toml`, one a line. Leave empty for all.",
)


def failure_callbacks() -> list[Any]:
    """A mail to BIGLOG_ALERT_TO for each task that failed for good; none where that is unset."""
    recipients = os.environ.get("BIGLOG_ALERT_TO", "")
    if not recipients:
        return []
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    return [
        SmtpNotifier(
            to=recipients,
            subject="[BigLog] {{ dag.dag_id }}.{{ ti.task_id }} failed",
            html_content="Task {{ ti.task_id }} of {{ dag.dag_id }}, run {{ run_id }}, failed on "
            "try {{ ti.try_number }}. The reason is the last line of its log in Airflow.",
        )
    ]


DEFAULTS: dict[str, Any] = {
    "owner": "biglog",
    "retries": 3,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
    "execution_timeout": timedelta(hours=2),
    "on_failure_callback": failure_callbacks(),
}


def nightly() -> dict[str, Any]:
    """What a DAG is told that reads each night by the clock."""
    return {
        "schedule": CronPartitionTimetable(
            SCHEDULE, timezone="UTC", run_offset=-1, key_format="%Y-%m-%d"
        ),
        "start_date": START,
        "catchup": True,
        "max_active_runs": 1,
        "default_args": DEFAULTS,
        "params": {"partition": PARTITION, "sources": SOURCES},
        "tags": ["biglog", "nightly"],
    }


def partition() -> str:
    """The running task's night: the run's partition key, else the form's, else a clear error."""
    context = get_current_context()
    key = getattr(context["dag_run"], "partition_key", None) or context["params"].get("partition")
    if not key:
        raise AirflowFailException(
            "this run names no night: give it a partition key, or fill in 'partition' (YYYY-MM-DD)"
        )
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", key):
        raise AirflowFailException(f"partition {key!r} is not a date like 2026-11-20")
    return str(key)


def params() -> dict[str, Any]:
    """The running task's form values."""
    return dict(get_current_context()["params"])


def refuse_bad_input(work: Callable[[], Any]) -> Any:
    """The work's result; BadInput fails the task at once, everything else may be retried."""
    try:
        return work()
    except BadInput as error:
        raise AirflowFailException(str(error)) from error


def names() -> list[str]:
    """The sources of this run: those the form names, else all of sources.toml."""
    return list(refuse_bad_input(lambda: _names(params().get("sources") or [])))


def _names(wanted: list[str]) -> list[str]:
    from biglog import settings

    known = settings.load()
    if not known.sources:
        raise BadInput(
            f"{settings.sources_file(known.home)} names no source; add a [[source]] table with "
            "name, path and format (see README, 'Your own logs')"
        )
    return [known.source(name).name for name in wanted] or [one.name for one in known.sources]


def metric_names() -> list[str]:
    """The sources of metrics of this run: those the form names, else all; often none."""
    return list(refuse_bad_input(lambda: _metric_names(params().get("sources") or [])))


def _metric_names(wanted: list[str]) -> list[str]:
    from biglog import settings

    known = settings.load()
    named = [known.metric_source(name).name for name in wanted]
    return named or [one.name for one in known.metric_sources]


def run(stage: str, source: str = "") -> dict[str, Any]:
    """Run one stage for the task's partition; what it did, as plain values for XCom."""
    date = partition()

    def work() -> dict[str, Any]:
        from biglog import installation, pipeline

        site = installation.open_site(smtp=smtp() if stage == "send" else None, connect=connection)
        return asdict(pipeline.run(stage, site, date, source))

    done: dict[str, Any] = refuse_bad_input(work)
    log.info("%(stage)s %(source)s %(date)s: %(rows_in)d in, %(rows_out)d out. %(note)s", done)
    return done


def announce() -> dict[str, Any]:
    """Look at what arrived, then tell of the lines of this night and of every published night that
    late lines have changed: one analysis each.
    """
    done = run("check")
    late = refuse_bad_input(lambda: _overdue(partition()))
    context = get_current_context()
    # In a run without a key, as those of `biglog run`, whoever started it goes on by itself.
    if getattr(context["dag_run"], "partition_key", None):
        context["outlet_events"][LINES].add_partitions([partition(), *late])
    return done | {"late": late}


def _overdue(date: str) -> list[str]:
    from biglog import installation, pipeline

    return list(pipeline.overdue(installation.open_site(), date))


def ask(name: str) -> dict[str, Any]:
    """Answer one request of a person, or of the week: its form's values in, a small result out."""
    given = params()

    def work() -> dict[str, Any]:
        from biglog import answers, installation

        return answers.answer(name, installation.open_site(), given)

    return dict(refuse_bad_input(work))


def pretrain() -> dict[str, Any]:
    """Train the encoder that the form asks for, and enter it in the register."""
    given = params()

    def work() -> dict[str, Any]:
        from biglog import installation, pretraining

        return pretraining.answer_pretrain(installation.open_site(), given)

    return dict(refuse_bad_input(work))


def evaluate() -> dict[str, Any]:
    """Measure the encoders that the form names, into the register and onto pages."""
    given = params()

    def work() -> dict[str, Any]:
        from biglog import evaluation, installation

        return evaluation.answer_evaluate(installation.open_site(), given)

    return dict(refuse_bad_input(work))


def learn() -> dict[str, Any]:
    """Train on the labels that the form names; the version that it became."""
    given = params()

    def work() -> dict[str, Any]:
        from biglog import installation
        from biglog.learning import form

        return form.answer_learn(installation.open_site(), given)

    return dict(refuse_bad_input(work))


def connection(name: str) -> Any:
    """The Airflow connection that a source names, else that of the environment."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    from biglog.sources.connection import Connection, from_environment

    try:
        known = BaseHook.get_connection(name)
    except AirflowNotFoundException:
        return from_environment(name)
    return Connection(
        host=known.host or "",
        port=known.port,
        login=known.login or "",
        password=known.password or "",
        extra=dict(known.extra_dejson),
    )


def smtp() -> Any:
    """SMTP settings of the Airflow connection ``smtp_default``; None where it does not exist."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    from biglog.reports.mail import SmtpSettings

    try:
        known = BaseHook.get_connection("smtp_default")
    except AirflowNotFoundException:
        return None
    extra = known.extra_dejson
    return SmtpSettings(
        host=known.host or "localhost",
        port=int(known.port or 25),
        user=known.login or "",
        password=known.password or "",
        # Airflow's own reading of these two: TLS from the first byte unless it is disabled.
        ssl=not extra.get("disable_ssl", False),
        tls=bool(extra.get("disable_ssl", False)) and not extra.get("disable_tls", False),
        sender=str(extra.get("from_email", "")),
    )
