"""Lines that come with the files of another night: where they go, and which nights they change."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import polars as pl
import pytest
from small_nights import DATES, LATE, add_late, contents, run_night

from biglog import lake, pipeline, settings
from biglog.store import read

EARLIER, NIGHT, LATER = DATES


def run_all(site, date):
    """A night, then those that its late lines have changed; which these were."""
    run_night(site, date, sources=("redis",))
    late = pipeline.overdue(site, date)
    for one in late:
        analyse(site, one)
    return late


def analyse(site, date):
    for stage in pipeline.STAGES[2:]:
        pipeline.run(stage.name, site, date, "redis" if stage.scope == "source" else "")


def short_reads(site, date):
    """How many of the late lines a night has counted, and whether all of it agrees."""
    frame = pl.DataFrame(pl.from_arrow(read.counts(site.engine, [date])))
    events = pl.read_parquet(lake.events(site.settings.lake, "redis", date))
    lines = pl.concat(
        [
            pl.read_parquet(one, hive_partitioning=False)
            for one in lake.parts(site.settings.lake, "redis", date)
        ]
    )
    arrived = read.coverage(site.engine, date)[0].lines
    assert arrived == lines.height == events.height == frame["count"].sum()
    assert lines["line_id"].is_unique().all()
    assert lines["line_id"].to_list() == events["line_id"].to_list()
    return lines["content"].str.starts_with("Short read").sum()


def test_an_earlier_night_is_analysed_again_with_its_late_lines(site, home):
    assert run_all(site, EARLIER) == ()
    add_late(home, night=NIGHT, day="02")
    assert run_all(site, NIGHT) == (EARLIER,)
    assert short_reads(site, EARLIER) == 2
    assert short_reads(site, NIGHT) == 0
    assert run_all(site, NIGHT) == ()  # its clusters are compared with the earlier night's, changed
    once = contents(site.engine)
    assert run_all(site, NIGHT) == ()
    assert run_all(site, EARLIER) == ()
    assert contents(site.engine) == once


def test_late_lines_that_changed_or_went_change_their_night_again(site, home):
    path = home / "landing" / "redis" / f"{NIGHT}.log"
    plain = path.read_text("utf-8")
    run_all(site, EARLIER)
    before = read.counts(site.engine, [EARLIER])
    add_late(home, night=NIGHT, day="02", seconds=(1,))
    assert run_all(site, NIGHT) == (EARLIER,)
    add_late(home, night=NIGHT, day="02", seconds=(2,))
    assert run_all(site, NIGHT) == (EARLIER,)
    assert short_reads(site, EARLIER) == 2
    path.write_text(plain, "utf-8")
    assert run_all(site, NIGHT) == (EARLIER,)
    assert short_reads(site, EARLIER) == 0
    assert read.counts(site.engine, [EARLIER]).equals(before)


def test_lines_of_a_night_to_come_wait_for_it(site, home):
    add_late(home, night=NIGHT, day="04")
    assert run_all(site, NIGHT) == ()
    assert LATER not in read.nights(site.engine)
    assert run_all(site, LATER) == ()
    assert short_reads(site, LATER) == 2


def test_lines_out_of_reach_stay_and_count_at_the_start_of_the_night(site, home):
    path = home / "landing" / "redis" / f"{NIGHT}.log"
    text = path.read_text("utf-8") + LATE.format(day="02", second=1).replace("2026", "1970")
    path.write_text(text, "utf-8")
    done = pipeline.run("ingest", site, NIGHT, "redis")
    assert "1 whose clock is wrong" in done.note
    analyse(site, NIGHT)
    assert short_reads(site, NIGHT) == 1
    buckets = pl.DataFrame(pl.from_arrow(read.counts(site.engine, [NIGHT])))["bucket"]
    assert {f"{one:%Y-%m-%d}" for one in buckets} == {NIGHT}


def test_files_of_all_nights_give_each_its_own_lines(site, home):
    table = (home / "sources.toml").read_text("utf-8")
    (home / "sources.toml").write_text(table.replace("{date}.log", f"{NIGHT}.log"), "utf-8")
    lasting = replace(site, settings=settings.load(home))
    assert "left to their own nights" in pipeline.run("ingest", lasting, EARLIER, "redis").note
    (arrived,) = read.coverage(site.engine, EARLIER)
    assert (arrived.state, arrived.lines) == ("empty", 0)
    assert "lines of other dates only" in arrived.reason
    assert pipeline.run("ingest", lasting, NIGHT, "redis").rows_out > 100


KILLED_AT = """
import os, signal, sys
from pathlib import Path
from biglog import installation, pipeline, settings
from biglog.store import connect
site = installation.Site(settings.load(Path(sys.argv[1])), connect.engine(sys.argv[2]))
left, swap = int(sys.argv[4]), Path.replace

def replace(self, target):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return swap(self, target)

Path.replace = replace
pipeline.run("ingest", site, sys.argv[3], "redis")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("swaps", range(4))
def test_killed_while_late_lines_are_put_away_the_next_run_completes(
    site, home, database_url, swaps
):
    run_all(site, EARLIER)
    add_late(home, night=NIGHT, day="02")
    command = [sys.executable, "-c", KILLED_AT, str(home), database_url, NIGHT, str(swaps)]
    done = subprocess.run(command, check=False, env={**os.environ})
    assert done.returncode == -signal.SIGKILL
    assert lake.lines(site.settings.lake, "redis", NIGHT).exists() == (swaps == 3)
    assert run_all(site, NIGHT) == (EARLIER,)
    assert short_reads(site, EARLIER) == 2
    assert not list(site.settings.lake.rglob("*.tmp"))


def test_killed_before_the_earlier_night_is_published_the_next_run_finds_it(site, home):
    run_all(site, EARLIER)
    add_late(home, night=NIGHT, day="02")
    run_night(site, NIGHT, sources=("redis",))
    pipeline.run("parse", site, EARLIER, "redis")
    assert pipeline.overdue(site, NIGHT) == (EARLIER,)
    note = pipeline.run("check", site, NIGHT).note
    assert note == f"late lines for {EARLIER}, to be analysed again"
    analyse(site, EARLIER)
    assert pipeline.overdue(site, NIGHT) == ()
