"""`biglog run`, `demo` and `up`: nights through Airflow itself, in this process or as a service."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer

from biglog import answers, installation, lake, pipeline, settings
from biglog.cli import airflow_home
from biglog.cli.console import progress, say, table
from biglog.errors import BadInput, BigLogError
from biglog.reports.text import shorten
from biglog.settings import PROJECT, Settings

NIGHTLY = ("ingest_logs", "analyse_logs", "report_logs")
RECORDED = PROJECT / "examples" / "recorded"


class NightFailed(BigLogError):
    """A DAG run did not succeed."""


def register(app: typer.Typer) -> None:
    for command in (run, demo, up):
        app.command()(command)


def run(
    date: str = typer.Option(..., help="The night, YYYY-MM-DD."),
    source: list[str] = typer.Option([], help="Only this source; may be given more than once."),
) -> None:
    """The nightly DAGs for one partition, in this process.

    Example: `biglog run --date 2026-11-20`
    """
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", date):
        raise BadInput(f"--date {date}: expected a date like 2026-11-20")
    known = settings.load()
    for name in source:
        known.source(name)
    prepare(known)
    with airflow(known) as night:
        night(date, list(source))
    say(verdict(date))
    say(f"report: {report_of(known, date)}")


def prepare(known: Settings) -> None:
    """The schema up to date and the starter knowledge in place."""
    from biglog.store import migrate

    site = installation.open_site(known.home)
    migrate.migrate(site.engine, PROJECT / "sql")
    answers.import_knowledge(site, PROJECT / "knowledge")


@contextlib.contextmanager
def airflow(known: Settings) -> Iterator[Callable[[str, list[str]], None]]:
    """Airflow ready in this process; yields what runs the nightly DAGs for one date.

    Airflow writes a great deal to the terminal: it goes to ``logs/run.log`` under the home.
    """
    os.environ.update(airflow_home.environment(known.home))
    path = known.home / "logs" / "run.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with redirected(path):
        from airflow.dag_processing.dagbag import DagBag
        from airflow.utils.db import initdb

        if not (known.home / "airflow" / "airflow.db").exists():
            initdb()
        ensure_pool()
        bag = DagBag(dag_folder=str(PROJECT / "dags"))
    if bag.import_errors:
        raise NightFailed(f"a DAG file does not load: {next(iter(bag.import_errors.items()))}")

    def test(dag_id: str, date: str, sources: list[str]) -> None:
        with redirected(path):
            ended = bag.dags[dag_id].test(run_conf=form(dag_id, date, sources))
            undone = sorted({one.task_id for one in ended.get_task_instances() if not one.state})
        check_ended(f"{dag_id} for {date}", str(ended.state), undone, path)

    def night(date: str, sources: list[str]) -> None:
        first, *rest = NIGHTLY
        test(first, date, sources)
        if known.metric_sources:
            test("analyse_metrics", date, [])  # its sources are others
        # oldest first: a night is judged against those before it
        for one in sorted({date, *pipeline.overdue(installation.open_site(known.home), date)}):
            for dag_id in rest:
                test(dag_id, one, sources if one == date else [])

    yield night


def check_ended(run: str, state: str, undone: list[str], path: Path) -> None:
    """Raises NightFailed for a run that did not succeed, or left tasks undone."""
    if state != "success" or undone:
        left = f", {', '.join(undone)} not run" if undone else ""
        raise NightFailed(f"{run} ended {state}{left}; the reason is in {path}")


def form(dag_id: str, date: str, sources: list[str]) -> dict[str, Any]:
    """The trigger form's values; only the first two DAGs ask for sources."""
    return {"partition": date} | ({} if dag_id == "report_logs" else {"sources": sources})


def ensure_pool() -> None:
    """The pool that bounds GPU work; a task naming a pool that is missing would wait for ever."""
    from airflow.models.pool import Pool

    Pool.create_or_update_pool(
        "gpu", slots=1, description="One slot a GPU.", include_deferred=False
    )


@contextlib.contextmanager
def redirected(path: Path) -> Iterator[None]:
    """What this process writes to stdout and stderr goes to a file, C libraries included."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with path.open("ab") as handle:
        os.dup2(handle.fileno(), 1)
        os.dup2(handle.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for target, copy in enumerate(kept, 1):
            os.dup2(copy, target)
            os.close(copy)


def demo() -> None:
    """The nightly job over recorded real logs: two weeks of nights, then what to look at.

    Run it again at any time: nights that are in the database are not done again.
    """
    started = time.monotonic()
    home = settings.home()
    adopt_recordings(home)
    known = settings.load(home)
    dates = recorded_dates()
    say(f"BigLog demo: {len(dates)} nights of recorded logs from {len(known.sources)} sources")
    say(f"everything it makes lies under {home}")
    prepare(known)
    waiting = [date for date in dates if date not in finished(known)]
    if waiting:
        run_nights(known, waiting)
    tell(known, dates[-1], seconds=time.monotonic() - started, ran=len(waiting))


def finished(known: Settings) -> set[str]:
    """Nights whose report has been rendered: the last stage that changes anything."""
    from biglog.store import ledger

    reports = ledger.reports(installation.open_site(known.home).engine, limit=10_000)
    return {one.date for one in reports}


def adopt_recordings(home: Path) -> None:
    """Point a home that has no sources yet at the recordings. Raises BadInput if it has its own."""
    mine = home / "sources.toml"
    text = (PROJECT / "examples" / "sources.toml").read_text("utf-8")
    wanted = re.sub(r'(?m)^path\s*=\s*"', f'path = "{PROJECT / "examples"}/', text)
    if not mine.exists():
        with lake.replacing(mine) as draft:
            draft.write_text(wanted, "utf-8")
    elif mine.read_text("utf-8") != wanted:
        raise BadInput(
            f"{mine} names your own sources; run the demo beside it: "
            "BIGLOG_HOME=/tmp/biglog-demo biglog demo"
        )


def recorded_dates() -> list[str]:
    """Every date of the recordings, oldest first."""
    dates = {path.name[:10] for path in RECORDED.glob("*/*.log*")}
    if not dates:
        raise BadInput(f"{RECORDED} holds no recordings; check the checkout is complete")
    return sorted(dates)


def run_nights(known: Settings, dates: list[str]) -> None:
    say("starting Airflow in this process …")
    with airflow(known) as night, progress() as bar:
        task = bar.add_task("nights", total=len(dates))
        for count, date in enumerate(dates, 1):
            started = time.monotonic()
            night(date, [])
            bar.advance(task)
            say(f"[{count:2}/{len(dates)}] {verdict(date)} ({time.monotonic() - started:.1f} s)")


def verdict(date: str) -> str:
    """The night in one sentence."""
    from biglog.reports.verdict import headline, lead
    from biglog.reports.voice import voice
    from biglog.store import read

    night, english = read.night(installation.open_site().engine, date), voice("en", "UTC")
    return f"{date}  {headline(night, english)}: {lead(night, english)}"


def report_of(known: Settings, date: str) -> Path:
    return pipeline.report_path(known, date, known.report.locales[0])


def tell(known: Settings, date: str, *, seconds: float, ran: int) -> None:
    """What the last night says, where its report lies, three questions, and what to try next."""
    site = installation.open_site(known.home)
    say("")
    say(verdict(date))
    for locale in known.report.locales:
        say(f"report ({locale}): {pipeline.report_path(known, date, locale)}")
    for name in QUESTIONS:
        ask(site, name, date)
    say(
        "\nNext:\n"
        "  make up                                        Airflow with its UI and BigLog's pages\n"
        '  .venv/bin/biglog match "connection refused"    every past event like this one\n'
        '  .venv/bin/biglog kb search "数据库连接数过多"  the runbook to open\n'
        f"  .venv/bin/biglog run --date {date}         one night again\n"
        "  .venv/bin/biglog doctor                        is everything in order?"
    )
    say(f"\n{ran} nights run in {seconds:.0f} s")


# Three of sql/queries, each with the columns that fit a terminal.
QUESTIONS = {
    "01_new_last_night": ("service", "level", "lines", "what"),
    "02_errors_against_usual": ("service", "errors", "usual_errors", "times_usual"),
    "03_incidents_of_the_week": ("date", "rank", "severity", "title"),
}
SHOWN = 5
WIDEST = 52  # with the columns before it within 80


def ask(site: installation.Site, name: str, date: str) -> None:
    """One question of ``sql/queries`` with the first rows of its answer."""
    from biglog.store import queries

    path = PROJECT / "sql" / "queries" / f"{name}.sql"
    question = queries.read_question(path)
    answer = queries.ask(site.engine, question, date=date)
    say(f"\n{question.english}   (sql/queries/{name}.sql)")
    rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows[:SHOWN]]
    shown = QUESTIONS[name]
    table(
        [{column: shorten(told(row[column]), WIDEST) for column in shown} for row in rows],
        {column: column for column in shown},
    )
    if len(answer.rows) > SHOWN:
        say(f"… and {len(answer.rows) - SHOWN} more rows")


def told(value: object) -> str:
    return "" if value is None else str(value)


def up(
    port: int = typer.Option(8080, min=1, max=65535, help="Port on 127.0.0.1."),
) -> None:
    """All of Airflow on 127.0.0.1 over the same data; Ctrl-C ends every part of it."""
    known = settings.load()
    prepare(known)
    environment = service_environment(known.home, port)
    say("Airflow is starting (about half a minute); what its parts say follows, Ctrl-C ends them")
    threading.Thread(target=announce, args=(known.home, port), daemon=True).start()
    subprocess.run(
        [sys.executable, "-c", POOL], env=environment, check=True, stdout=subprocess.DEVNULL
    )
    raise typer.Exit(supervise([sys.executable, "-m", "airflow", "standalone"], environment))


def announce(home: Path, port: int) -> None:
    """Once the server answers: where the pages are, and who may sign in."""
    site = f"http://127.0.0.1:{port}"
    for _ in range(READY_SECONDS):
        time.sleep(1)
        asked = f"{site}/api/v2/version"
        with contextlib.suppress(OSError), urllib.request.urlopen(asked, timeout=5):
            password = home / "airflow" / "simple_auth_manager_passwords.json.generated"
            say(f"\nReady: {site}/biglog/ (and {site} for Airflow itself)")
            say(f"Sign in as admin; the password is in {password}\n")
            return


READY_SECONDS = 300
POOL = (
    "from airflow.utils.db import initdb; initdb(); "
    "from biglog.cli.nights import ensure_pool; ensure_pool()"
)


def service_environment(home: Path, port: int) -> dict[str, str]:
    from biglog.store import connect

    return {
        **os.environ,
        **airflow_home.environment(home),
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "BIGLOG_DB_URL": connect.url(home),
    }


PATIENCE_SECONDS = 20
"""How long running tasks may take to end after Ctrl-C; what is left is then ended for them."""


def supervise(command: list[str], environment: dict[str, str]) -> int:
    """Run a command in a process group of its own; when it or we end, all of the group ends.

    Airflow's standalone leaves its children running on SIGTERM, so the group is what we signal.
    """
    child = subprocess.Popen(command, env=environment, start_new_session=True)
    asked: list[float] = []

    def end(_number: int, _frame: object) -> None:
        if not asked:
            os.killpg(child.pid, signal.SIGINT)
        asked.append(time.monotonic())

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    while child.poll() is None and not (asked and time.monotonic() > asked[0] + PATIENCE_SECONDS):
        time.sleep(0.5)
    bury(child.pid)
    return 0 if asked or child.returncode == 0 else 1


def bury(group: int) -> None:
    """End what is left of a process group: politely, then for good."""
    for number, patience in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and alive(group):
            time.sleep(0.2)


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
