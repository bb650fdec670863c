"""Every DAG loads, is documented, is bounded, and names only pools and queues that exist."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DAGS = sorted((ROOT / "dags").glob("*.py"))
IDS = {
    "ingest_logs", "analyse_logs", "report_logs", "analyse_upload", "match_events",
    "knowledge_base", "maintain_store", "pretrain_encoder", "evaluate_models", "finetune_head",
    "analyse_metrics",
}  # fmt: skip
TAGS = {"biglog", "nightly", "weekly", "by hand"}
HEAVY = ("torch", "transformers", "sklearn", "pandas", "polars")

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def bag(airflow_home):
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=str(ROOT / "dags"), known_pools={"default_pool", "gpu"})


def test_every_file_loads(bag):
    assert bag.import_errors == {}
    assert set(bag.dags) == IDS


def test_every_dag_says_what_it_does(bag):
    for dag in bag.dags.values():
        assert "**Trigger**" in (dag.doc_md or ""), dag.dag_id
        assert "again" in dag.doc_md or dag.dag_id in {"report_logs", "match_events"}, dag.dag_id
        assert {"biglog"} <= set(dag.tags) <= TAGS, dag.dag_id


def test_every_task_is_bounded_and_retried(bag):
    for dag in bag.dags.values():
        for task in dag.tasks:
            assert task.owner == "biglog", task
            assert task.execution_timeout is not None, task
            assert task.retries == 3, task


def test_gpu_work_is_gated_by_queue_and_pool(bag):
    gated = {task.task_id for dag in bag.dags.values() for task in dag.tasks if task.pool == "gpu"}
    queued = {
        task.task_id for dag in bag.dags.values() for task in dag.tasks if task.queue == "gpu"
    }
    assert gated == queued == {
        "embed", "match", "import_entries", "learn", "pretrain", "evaluate",
    }  # fmt: skip


def test_mapped_tasks_are_bounded(bag):
    for dag in bag.dags.values():
        for task in dag.tasks:
            if type(task).__name__ == "DecoratedMappedOperator":
                assert task.partial_kwargs["max_active_tis_per_dagrun"] == 4, task


def test_nights_follow_each_other_by_asset(bag):
    outlets = {
        dag_id: {outlet.name for task in dag.tasks for outlet in task.outlets}
        for dag_id, dag in bag.dags.items()
    }
    assert outlets["ingest_logs"] == {"lines"}
    assert outlets["analyse_logs"] == {"findings"}
    for nightly in ("ingest_logs", "analyse_metrics"):
        assert bag.dags[nightly].catchup is True
        assert bag.dags[nightly].max_active_runs == 1


def test_every_form_field_explains_itself(bag):
    for dag in bag.dags.values():
        for name, param in dag.params.items():
            schema = dag.params.get_param(name).schema
            assert schema.get("title"), f"{dag.dag_id}.{name} has no title"
            assert param is None or schema.get("type"), f"{dag.dag_id}.{name} has no type"


def test_every_dag_survives_serialization(bag):
    from airflow.serialization.serialized_objects import DagSerialization

    for dag in bag.dags.values():
        again = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
        assert set(again.task_dict) == set(dag.task_dict)


def test_a_failure_is_mailed_where_an_address_is_set(airflow_home):
    code = (
        "import sys; from biglog import on_airflow; "
        "print([type(one).__name__ for one in on_airflow.failure_callbacks()])"
    )
    for address, expected in (("", "[]"), ("ops@example.com", "['SmtpNotifier']")):
        done = python(code, {"BIGLOG_ALERT_TO": address})
        assert done.stdout.strip().splitlines()[-1] == expected, done.stderr


def test_importing_the_dags_loads_nothing_heavy(airflow_home):
    code = (
        "import runpy, sys\n"
        "for path in sys.argv[1:]:\n"
        "    runpy.run_path(path)\n"
        f"    print(path, [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = python(code, {}, *map(str, DAGS))
    said = [line for line in done.stdout.splitlines() if line.startswith(str(ROOT))]
    assert said == [f"{path} []" for path in DAGS], done.stderr


def python(code, extra, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT / "plugins"), **extra},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
