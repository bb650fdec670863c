"""The task of `finetune_head` itself, given what its form gives it."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.airflow


@pytest.fixture
def learn(airflow_home, tmp_path, database_url, monkeypatch):
    """Runs the task with these fields of the form, the others as they are proposed."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk.execution_time.context import set_current_context

    monkeypatch.setenv("BIGLOG_HOME", str(tmp_path))
    monkeypatch.setenv("BIGLOG_DB_URL", database_url)
    dag = DagBag(dag_folder=str(ROOT / "dags" / "finetune_head.py")).dags["finetune_head"]

    def run(**given):
        with set_current_context({"params": dag.params.dump() | given}):
            return dag.get_task("learn").python_callable()

    return run


@pytest.fixture
def uploads(tmp_path):
    """A log of jobs, of which every fourth is given up, and what people said of them."""
    folder = tmp_path / "uploads"
    folder.mkdir()
    ways = (("start", "retry", "abandon"), *[("start", "work", "stop")] * 3)
    lines = [f"{step} for job_{n}" for n in range(40) for step in ways[n % 4]]
    (folder / "jobs.log").write_text("\n".join(lines) + "\n", "utf-8")
    labels = "\n".join(f"job_{n},{int(n % 4 == 0)}" for n in range(40))
    (folder / "labels.csv").write_text(f"session,label\n{labels}\n", "utf-8")
    return {"path": "jobs.log", "labels": "labels.csv", "session": r"job_\d+"}


def test_each_run_keeps_one_more_version_and_uses_it(learn, uploads, tmp_path, database_url):
    first = learn(name="jobs", method="tree", **uploads)
    assert (first["name"], first["version"], first["members"]) == ("jobs", 1, ["tree"])
    assert learn(name="jobs", method="tree", **uploads)["version"] == 2
    from biglog.learning import versions
    from biglog.store.connect import engine
    from biglog.store.models import models

    assert versions.used(tmp_path, "jobs") == "v0002"
    kept = {one.model_id: one.is_active for one in models(engine(database_url))}
    assert (kept["jobs@1"], kept["jobs@2"]) == (False, True)


def test_a_form_that_cannot_be_meant_fails_for_good(learn, uploads):
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException, match="not a file under"):
        learn(**uploads | {"labels": "../labels.csv"})
    with pytest.raises(AirflowFailException, match="neither a file nor a source"):
        learn(**uploads | {"path": ""})
