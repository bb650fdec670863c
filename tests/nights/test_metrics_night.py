"""Nights of metrics: the stages, the DAG run by Airflow itself, the report and the command."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from small_nights import DATES, run_night
from sqlalchemy import text

from biglog import metric_stages, pipeline, settings
from biglog.cli.main import main
from biglog.errors import BadInput
from biglog.settings import PROJECT
from biglog.store import metrics

STEP, DAY = 300, 288
FAULT = 150
"""Point of the last night at which two series leave their course, for an hour."""
SOURCES = """
[[metrics]]
name = "node"
path = "landing/metrics/node-{date}.csv"

[[metrics]]
name = "prometheus"
path = "landing/metrics/prom-{date}.json"
"""


def night_values(number, seed, *, fault=0.0):
    values = 100 + np.random.default_rng([number, seed]).normal(0, 1, DAY)
    if number == len(DATES) - 1:
        values[FAULT : FAULT + 12] += fault
    return values


def write_night(folder, number, date):
    """A wide CSV of a busy and a calm series, and Prometheus's answer with six series."""
    first = datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()
    at = [first + STEP * row for row in range(DAY)]
    columns = [night_values(number, 1, fault=60), night_values(number, 2)]
    lines = [f"{one:.0f},{a:.3f},{b:.3f}" for one, a, b in zip(at, *columns, strict=True)]
    (folder / f"node-{date}.csv").write_text("\n".join(["timestamp,cpu,memory", *lines]) + "\n")
    result = [
        {
            "metric": {"__name__": "connections", "instance": f"db{copy}:9187"},
            "values": [
                [one, f"{value:.3f}"]
                for one, value in zip(
                    at, night_values(number, 9 + copy, fault=80 * (copy == 1)), strict=True
                )
            ],
        }
        for copy in range(6)
    ]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    (folder / f"prom-{date}.json").write_text(json.dumps(answer))


@pytest.fixture
def home(home):
    """The home of three sources of logs, with two of metrics."""
    folder = home / "landing" / "metrics"
    folder.mkdir()
    for number, date in enumerate(DATES):
        write_night(folder, number, date)
    path = home / "sources.toml"
    path.write_text(path.read_text("utf-8") + SOURCES, "utf-8")
    return home


def run_metrics(site, date):
    for stage in pipeline.METRIC_STAGES:
        sources = [one.name for one in site.settings.metric_sources]
        for source in sources if stage.scope == "source" else [""]:
            pipeline.run(stage.name, site, date, source)


def rows(engine):
    with engine.connect() as connection:
        return [
            sorted(map(repr, connection.execute(text(f"SELECT * FROM {table}")).all()))
            for table in ("biglog.metric_anomaly", "biglog.metric_coverage")
        ]


def test_two_series_left_their_course_and_a_second_run_finds_the_same(site):
    for date in DATES:
        run_metrics(site, date)
    night = metrics.metric_night(site.engine, DATES[-1])
    told = {one.series: one for one in night.anomalies}
    assert set(told) == {"cpu", 'connections{instance="db1:9187"}'}
    cpu = told["cpu"]
    assert (cpu.source, f"{cpu.started_at:%H:%M}") == ("node", "12:30")
    assert cpu.value == pytest.approx(160, abs=5)
    assert cpu.expected == pytest.approx(100, abs=3)
    assert sorted(one.rank for one in night.anomalies) == [1, 2]
    assert [(one.source, one.state, one.series, one.points) for one in night.coverage] == [
        ("node", "complete", 2, 2 * DAY),
        ("prometheus", "complete", 6, 6 * DAY),
    ]
    assert metrics.metric_anomalies(site.engine, DATES[1]) == ()
    once = rows(site.engine)
    run_metrics(site, DATES[-1])
    assert rows(site.engine) == once


RISING = (
    "Background saving failed with code {n}",
    "Client {n} closed because its output buffer is full",
    "Lost connection with replica {n}",
    "Slow command took {n} microseconds",
)


def test_lines_that_rise_with_a_metric_stand_beside_it(site, home):
    late = home / "landing" / "redis" / f"{DATES[-1]}.log"
    burst = [
        f"77:M 04 Nov 2026 12:{31 + n % 28}:{n % 60:02}.000 * {said.format(n=n)}"
        for n in range(200)
        for said in RISING
    ]
    edges = [
        f"77:M 04 Nov 2026 {one}.000 * Ready to accept connections"
        for one in ("00:01:00", "23:59:00")
    ]
    late.write_text("\n".join([edges[0], *burst, edges[1]]) + "\n", "utf-8")
    for date in DATES[:-1]:
        run_night(site, date)
    for date in DATES:
        run_metrics(site, date)
    run_night(site, DATES[-1])
    told = {one.series: one for one in metrics.metric_night(site.engine, DATES[-1]).anomalies}
    said = told["cpu"].meanwhile
    assert len(said) == 3
    assert {one.lines for one in said} == {200}
    assert {one.usual for one in said} == {0}
    assert {one.pattern for one in said} < {one.format(n="<*>") for one in RISING}
    page = pipeline.report_path(site.settings, DATES[-1], "en").read_text("utf-8")
    assert "Far more of these lines meanwhile:" in page
    with site.engine.connect() as connection:
        connection.execute(text("SET LOCAL ROLE biglog_reader"))
        shown = connection.execute(
            text("SELECT pattern FROM biglog_report.metric_templates WHERE series = 'cpu'")
        ).scalars()
        assert set(shown) == {one.pattern for one in said}
    run_metrics(site, DATES[-1])  # published anew, it is asked of the logs anew
    again = {one.series: one for one in metrics.metric_night(site.engine, DATES[-1]).anomalies}
    assert again["cpu"].meanwhile == said


def test_the_view_shows_them_to_the_reader(site):
    for date in DATES:
        run_metrics(site, date)
    with site.engine.connect() as connection:
        connection.execute(text("SET LOCAL ROLE biglog_reader"))
        found = connection.execute(
            text("SELECT rank, source, series, ended_at > started_at, points, reason"
                 " FROM biglog_report.metric_anomalies WHERE date = :date ORDER BY rank"),
            {"date": DATES[-1]},
        ).all()  # fmt: skip
    assert [(one[0], one[3]) for one in found] == [(1, True), (2, True)]
    assert all(one.points >= 12 and "above" in one.reason for one in found)


def test_a_source_that_fails_or_is_missing_does_not_hide_the_other(site, home):
    for date in DATES[:2]:
        run_metrics(site, date)
    folder = home / "landing" / "metrics"
    (folder / f"prom-{DATES[2]}.json").write_text('{"status": "error", "error": "timeout"}')
    with pytest.raises(BadInput, match="no data but an answer of 'error: timeout'"):
        pipeline.run("read_metrics", site, DATES[2], "prometheus")
    pipeline.run("read_metrics", site, DATES[2], "node")
    for source in ("node", "prometheus"):
        pipeline.run("judge_metrics", site, DATES[2], source)
    pipeline.run("publish_metrics", site, DATES[2])
    night = metrics.metric_night(site.engine, DATES[2])
    assert [one.series for one in night.anomalies] == ["cpu"]
    failed = night.coverage[1]
    assert (failed.state, failed.points, failed.judged) == ("failed", 0, 0)
    assert "timeout" in failed.reason
    (folder / f"node-{DATES[1]}.csv").unlink()
    done = pipeline.run("read_metrics", site, DATES[1], "node")
    assert done.note == "no file matches node-{date}.csv for " + DATES[1]


def test_what_was_never_read_is_said_not_passed_over(site):
    pipeline.run("publish_metrics", site, DATES[0])
    night = metrics.metric_night(site.engine, DATES[0])
    assert {one.state for one in night.coverage} == {"failed"}
    assert all("not read to their end" in one.reason for one in night.coverage)


def test_series_that_came_every_night_and_not_tonight_are_counted(site, home):
    path = home / "landing" / "metrics" / f"prom-{DATES[2]}.json"
    answer = json.loads(path.read_text())
    del answer["data"]["result"][4:]
    path.write_text(json.dumps(answer))
    for date in DATES:
        run_metrics(site, date)
    found = {one.source: one.gone for one in metrics.metric_night(site.engine, DATES[2]).coverage}
    assert found == {"node": 0, "prometheus": 2}


def test_too_many_series_are_refused(site):
    narrow = replace(
        site, settings=replace(site.settings, metrics=settings.MetricSettings(max_series=5))
    )
    with pytest.raises(BadInput, match=r"6 series, expected 5 at most; .*max_series"):
        pipeline.run("read_metrics", narrow, DATES[0], "prometheus")


def test_large_nights_are_judged_in_portions_with_the_same_rows(site, monkeypatch):
    for date in DATES:
        run_metrics(site, date)
    once = rows(site.engine)
    monkeypatch.setattr(metric_stages, "AT_A_TIME", 1_000)
    run_metrics(site, DATES[-1])
    assert rows(site.engine) == once


KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from biglog import installation, pipeline, settings
from biglog.store import connect
site = installation.Site(settings.load(Path(sys.argv[1])), connect.engine(sys.argv[2]))
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
pipeline.run(sys.argv[4], site, sys.argv[3], "node")
"""


@pytest.mark.parametrize("stage", ["read_metrics", "judge_metrics"])
def test_killed_while_writing_the_old_partition_stays(site, home, database_url, stage):
    run_metrics(site, DATES[0])
    folder = metric_stages.points_path(site.settings.lake, "node", DATES[0]).parent
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(before) == {"part-0.parquet", "arrived.json", "verdict.json"}
    done = subprocess.run(
        [sys.executable, "-c", KILLED_WHILE_WRITING, str(home), database_url, DATES[0], stage],
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    left = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {name: left[name] for name in before} == before
    assert len(left) == len(before) + 1
    once = rows(site.engine)
    run_metrics(site, DATES[0])
    assert rows(site.engine) == once
    assert {path.name for path in folder.iterdir()} == set(before)


def page(site, locale="en"):
    return pipeline.report_path(site.settings, DATES[-1], locale).read_text("utf-8")


def test_the_report_waits_for_nobody_and_is_written_again(site):
    run_night(site, DATES[-1])
    assert "are not analysed yet" in page(site)
    assert "今晚的指标尚未分析" in page(site, "zh")
    for date in DATES:
        run_metrics(site, date)
    for locale in ("en", "zh"):
        text_of = page(site, locale)
        assert text_of.count('class="spark"') == 2
        assert "connections{instance=&#34;db1:9187&#34;}" in text_of
    assert "are not analysed yet" not in page(site)


def test_without_metrics_the_report_says_nothing_of_them(site, home):
    bare = replace(site, settings=replace(site.settings, metric_sources=()))
    run_night(bare, DATES[-1])
    assert 'id="metrics"' not in page(bare)


DAG = """
import os, sys
from biglog import settings
from biglog.cli import airflow_home
known = settings.load()
os.environ.update(airflow_home.environment(known.home))
from airflow.utils.db import initdb
initdb()
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(dag_folder=str(settings.PROJECT / "dags" / "analyse_metrics.py"))
assert not bag.import_errors, bag.import_errors
states = []
for date in sys.argv[1:]:
    ended = bag.dags["analyse_metrics"].test(run_conf={"partition": date, "sources": []})
    tasks = {f"{one.task_id}:{one.map_index}": str(one.state) for one in ended.get_task_instances()}
    states.append([str(ended.state), tasks])
import json
(known.home / "states.json").write_text(json.dumps(states))
"""


def run_dag(home, database_url, *dates):
    ours = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")}
    done = subprocess.run(
        [sys.executable, "-c", DAG, *dates],
        env={
            **ours, "BIGLOG_HOME": str(home), "BIGLOG_DB_URL": database_url,
            "PYTHONPATH": str(PROJECT / "plugins"),
        },
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((home / "states.json").read_text())


@pytest.mark.airflow
def test_the_dag_run_by_airflow_leaves_what_the_stages_leave(site, home, database_url):
    states = run_dag(home, database_url, *DATES, DATES[-1])
    assert [state for state, _ in states] == ["success"] * 4
    for _, tasks in states:
        assert set(tasks) == {
            "sources:-1", "read:0", "read:1", "judge:0", "judge:1", "publish:-1", "refresh:-1",
        }  # fmt: skip
        assert set(tasks.values()) == {"success"}
    by_airflow = rows(site.engine)
    assert len(by_airflow[0]) == 2
    run_metrics(site, DATES[-1])
    assert rows(site.engine) == by_airflow


@pytest.mark.airflow
def test_the_dag_goes_on_without_metrics_and_without_one_that_fails(site, home, database_url):
    (home / "landing" / "metrics" / f"prom-{DATES[0]}.json").write_text("{")
    ((state, tasks),) = run_dag(home, database_url, DATES[0])
    assert (state, tasks["read:1"], tasks["publish:-1"]) == ("success", "failed", "success")
    states = {one.source: one.state for one in metrics.metric_night(site.engine, DATES[0]).coverage}
    assert states == {"node": "complete", "prometheus": "failed"}
    path = home / "sources.toml"
    path.write_text(path.read_text("utf-8").partition("[[metrics]]")[0], "utf-8")
    ((state, tasks),) = run_dag(home, database_url, DATES[0])
    assert (state, tasks["publish:-1"]) == ("success", "success")
    assert rows(site.engine) == [[], []]


@pytest.fixture
def command(home, database_url, monkeypatch, capfd):
    """Runs `biglog metrics run`; gives the exit code, stdout and stderr."""
    monkeypatch.setenv("BIGLOG_HOME", str(home))
    monkeypatch.setenv("BIGLOG_DB_URL", database_url)

    def run(*given):
        monkeypatch.setattr(sys, "argv", ["biglog", "metrics", "run", *given])
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        return left.value.code or 0, *capfd.readouterr()

    return run


def test_the_command_runs_a_night_in_this_process(command, home):
    for date in DATES[:2]:
        assert command("--date", date)[0] == 0
    code, out, err = command("--date", DATES[2], "--json")
    assert (code, err.splitlines()[-1]) == (0, f"{DATES[2]}: 2 anomalies of metrics")
    found = [json.loads(line) for line in out.splitlines()]
    assert {one["source"] for one in found} == {"node", "prometheus"}
    (home / "landing" / "metrics" / f"node-{DATES[2]}.csv").write_text("nothing")
    code, out, err = command("--date", DATES[2])
    assert code == 2
    assert "1 sources could not be read" in err
    assert "connections" in out


def test_the_command_refuses_in_words(command, home):
    assert "expected a date like" in command("--date", "20261102")[2]
    assert "no [[metrics]] named 'redis'" in command("--date", DATES[0], "--source", "redis")[2]
    (home / "sources.toml").write_text("")
    code, _, err = command("--date", DATES[0])
    assert (code, "names no metrics; add a [[metrics]] table" in err) == (2, True)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('[[metric]]\nname = "a"\npath = "x"', r"unknown table 'metric'; known: \[\[source\]\]"),
        ('[metrics]\nname = "a"\npath = "x"', r"expected \[\[metrics\]\] tables"),
        ('[[metrics]]\nname = "a"', r"a \[\[metrics\]\] needs 'path' as text"),
        ('[[metrics]]\nname = "../a"\npath = "x"', "must be letters"),
        ('[[metrics]]\nname = "redis"\npath = "x"', "'redis' is named twice"),
        ('[[metrics]]\nname = "a"\npath = "x"\nformat = "json"', "expected one of auto, csv"),
        ('[[metrics]]\nname = "a"\npath = "x"\ntimezone = "Mars"', "a name like Asia/Shanghai"),
        ('[[metrics]]\nname = "a"\npath = "x"\nservice = "b"', "unknown key 'service'"),
    ],
)
def test_settings_are_refused_in_words(home, table, words):
    path = home / "sources.toml"
    logs = path.read_text("utf-8").partition("[[metrics]]")[0]
    path.write_text(logs + table, "utf-8")
    with pytest.raises(BadInput, match=words):
        settings.load(home)


def test_settings_are_read(home):
    (home / "biglog.toml").write_text("[metrics]\nhistory_nights = 7\nfalse_share = 0.05\n")
    known = settings.load(home)
    assert (known.metrics.history_nights, known.metrics.false_share) == (7, 0.05)
    node = known.metric_source("node")
    assert node.path == str(home / "landing/metrics/node-{date}.csv")
    assert (node.format, node.timezone) == ("auto", "UTC")


def test_a_night_is_judged_by_so_many_nights(site):
    for date in DATES:
        run_metrics(site, date)
    short = replace(
        site, settings=replace(site.settings, metrics=settings.MetricSettings(history_nights=1))
    )
    done = pipeline.run("judge_metrics", short, DATES[2], "node")
    assert done.note == "against 1 earlier nights"
