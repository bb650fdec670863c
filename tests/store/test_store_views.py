"""What analysts and dashboards meet: documented views, a reader who sees no more, real answers."""

import json
import re
from pathlib import Path

import pytest
import yaml
from database import administer, fresh
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from two_nights import FIRST, SECOND, fill

from biglog.errors import BadInput
from biglog.store import connect, queries
from biglog.store.migrate import migrate

ROOT = Path(__file__).parents[2]
QUESTIONS = queries.questions(ROOT / "sql" / "queries")
VIEWS = [
    "service_dependencies",
    "lines_daily",
    "templates",
    "template_counts",
    "template_edits",
    "template_variables",
    "clusters",
    "findings",
    "incidents",
    "incident_findings",
    "similar_events",
    "knowledge",
    "reports",
    "stage_runs",
    "coverage",
    "model_versions",
    "metric_anomalies",
    "metric_templates",
]


@pytest.fixture(scope="module")
def filled(server):
    """One database with both nights for all tests that only read."""
    with fresh(server) as url:
        engine = connect.engine(url)
        fill(engine)
        yield engine
        engine.dispose()


@pytest.mark.parametrize("view", VIEWS)
def test_every_promised_view_has_rows(filled, view):
    with filled.connect() as connection:
        rows = connection.execute(text(f"SELECT * FROM biglog_report.{view}")).all()
    assert rows


def test_every_view_and_column_is_described_in_both_languages(filled):
    with filled.connect() as connection:
        described = connection.execute(
            text(
                "SELECT c.relname, a.attname, col_description(c.oid, a.attnum) AS words"
                " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
                " WHERE c.relnamespace = 'biglog_report'::regnamespace"
                " UNION ALL SELECT relname, '', obj_description(oid) FROM pg_class"
                " WHERE relnamespace = 'biglog_report'::regnamespace"
            )
        ).all()
    two = re.compile(r"[^/]*[A-Za-z].* / .*[\u4e00-\u9fff].*")
    assert len(described) > 100
    assert [one for one in described if not two.fullmatch(one.words or "")] == []


def test_the_reader_sees_views_and_nothing_else(filled):
    with filled.begin() as connection:
        connection.execute(text("SET LOCAL ROLE biglog_reader"))
        for view in VIEWS:
            assert connection.execute(text(f"SELECT count(*) FROM biglog_report.{view}")).scalar()

    for statement, words in (
        ("SELECT * FROM biglog.incident", "permission denied for schema biglog"),
        ("DELETE FROM biglog_report.coverage", "permission denied for view coverage"),
        ("CREATE TABLE biglog_report.mine (a int)", "permission denied for schema biglog_report"),
    ):
        with filled.connect() as connection:
            connection.execute(text("SET LOCAL ROLE biglog_reader"))
            with pytest.raises(ProgrammingError, match=words):
                connection.execute(text(statement))


def test_the_reader_is_read_only_and_short_of_time(filled):
    with filled.connect() as connection:
        found = connection.execute(
            text("SELECT rolcanlogin, rolconfig FROM pg_roles WHERE rolname = 'biglog_reader'")
        ).one()
    assert not found.rolcanlogin
    assert {"default_transaction_read_only=on", "statement_timeout=30s"} <= set(found.rolconfig)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.name)
def test_every_question_has_an_answer(filled, question):
    assert question.english.endswith("?")
    assert question.chinese.endswith("？")
    latest = queries.ask(filled, question)
    assert latest.rows
    assert queries.ask(filled, question, date=SECOND) == latest


def test_there_are_twelve_questions_or_more():
    assert len(QUESTIONS) >= 12


def answer(engine, name, **given):
    (question,) = [one for one in QUESTIONS if one.name == name]
    found = queries.ask(engine, question, **given)
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def test_what_was_new_last_night(filled):
    (new,) = answer(filled, "01_new_last_night")
    assert (new["service"], new["what"], new["lines"]) == ("db", "No space left on device <*>", 12)
    assert answer(filled, "01_new_last_night", date=FIRST) == []


def test_errors_stand_beside_the_usual(filled):
    found = {row["service"]: row for row in answer(filled, "02_errors_against_usual")}
    assert (found["db"]["errors"], found["db"]["usual_errors"]) == (42, 3)
    assert found["db"]["times_usual"] == 14
    assert (found["pay"]["errors"], found["pay"]["usual_errors"]) == (0, 0)


def test_durations_that_grew(filled):
    (slower,) = answer(filled, "15_values_that_grew")
    assert (slower["pattern"], slower["slot"], slower["unit"]) == ("query took <*> ms", 1, "s")
    assert (slower["usual_p99"], slower["p99"], slower["times_usual"]) == (0.09, 0.36, 4)
    assert answer(filled, "15_values_that_grew", date=FIRST) == []


def test_a_question_cannot_write(filled):
    evil = queries.Question("evil", "?", "？", "DELETE FROM biglog.night RETURNING date")
    with pytest.raises(Exception, match="read-only transaction"):
        queries.ask(filled, evil)


def test_a_question_without_its_words_is_refused(tmp_path):
    (tmp_path / "one.sql").write_text("SELECT 1", "utf-8")
    with pytest.raises(BadInput, match="English / Chinese"):
        queries.questions(tmp_path)


BOARD = json.loads((ROOT / "dashboards/grafana/dashboards/nights.json").read_text("utf-8"))


def statements(board):
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["rawSql"]
    for one in board["annotations"]["list"]:
        yield one["name"], one["target"]["rawSql"]
    for one in board["templating"]["list"]:
        if one["type"] == "query":
            yield one["name"], one["query"]


def as_grafana_sends(sql):
    window = r"\1 BETWEEN '2026-11-18T00:00:00Z' AND '2026-11-21T23:59:59Z'"
    done = re.sub(r"\$__timeFilter\(([^()]+)\)", window, sql)
    return done.replace("${source:sqlstring}", "'shop','web'")


@pytest.mark.parametrize(("title", "sql"), list(statements(BOARD)))
def test_every_panel_shows_something_to_the_reader(filled, title, sql):
    sent = as_grafana_sends(sql)
    assert "$" not in sent
    with filled.connect() as connection:
        connection.execute(text("SET LOCAL ROLE biglog_reader"))
        found = connection.exec_driver_sql(sent).mappings().all()
    assert found, title
    if " AS time" in sql:
        assert all(row["time"].tzinfo for row in found)


def test_grafana_is_provisioned_from_the_environment():
    folder = ROOT / "dashboards/grafana/provisioning"
    (source,) = yaml.safe_load((folder / "datasources/biglog.yaml").read_text())["datasources"]
    assert source["secureJsonData"]["password"] == "${BIGLOG_GRAFANA_PASSWORD}"
    assert source["url"] == "${BIGLOG_GRAFANA_HOST}"
    readme = (ROOT / "dashboards/grafana/README.md").read_text("utf-8")
    for file in folder.rglob("*.yaml"):
        for name in re.findall(r"\$\{(\w+)\}", file.read_text("utf-8")):
            assert name in readme


def test_people_may_build_on_the_views_and_are_not_broken_silently(
    database, database_url, tmp_path
):
    administer(database_url, "CREATE VIEW public.mine AS SELECT * FROM biglog_report.reports")
    copy = tmp_path / "sql"
    (copy / "views").mkdir(parents=True)
    for path in (ROOT / "sql").glob("*.sql"):
        (copy / path.name).write_text(path.read_text("utf-8"), "utf-8")
    for path in (ROOT / "sql/views").glob("*.sql"):
        (copy / "views" / path.name).write_text(path.read_text("utf-8") + "\n", "utf-8")
    with pytest.raises(BadInput, match=r"reports cannot be replaced.*mine"):
        migrate(database, copy)
    with database.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM public.mine")).scalar() == 0
