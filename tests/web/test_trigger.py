"""Runs started through Airflow's own API, in this process, with the caller's own permission."""

import asyncio
import os

import pytest

from biglog.web.problems import Problem
from biglog.web.trigger import trigger_dag


@pytest.fixture(scope="module")
def known_dag(airflow):
    """The upload DAG, known to Airflow as its DAG processor makes it known."""
    from airflow.cli import cli_parser

    os.environ["AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT"] = "300"  # a busy machine is no broken DAG
    parser = cli_parser.get_parser()
    arguments = parser.parse_args(["dags", "reserialize"])
    arguments.func(arguments)


def start(dag_id, token):
    return asyncio.run(trigger_dag(dag_id, {"path": "a_20261120_021407.log"}, token=token))


def test_a_run_is_started_for_the_caller(known_dag, token):
    from airflow.models import DagRun
    from airflow.utils.session import create_session

    run = start("analyse_upload", token("OP"))
    with create_session() as session:
        kept = session.query(DagRun).filter_by(dag_id="analyse_upload", run_id=run).one()
        assert kept.conf == {"path": "a_20261120_021407.log"}


@pytest.mark.parametrize(
    ("dag_id", "role", "status"),
    [("analyse_upload", "VIEWER", 403), ("no_such_dag", "OP", 404), ("analyse_upload", None, 403)],
)
def test_a_refusal_is_airflows_own(known_dag, token, dag_id, role, status):
    with pytest.raises(Problem, match="Airflow did not start") as refused:
        start(dag_id, token(role) if role else "not.a.token")
    assert refused.value.status == status
