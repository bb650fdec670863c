"""Nights from raw files to rows: run twice, killed half-way, two at once, half missing."""

import gzip
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from small_nights import DATES, SOURCE, SOURCES, contents, run_night
from sqlalchemy import text as text_of

from biglog import lake, pipeline, settings
from biglog.errors import BadInput, TryAgain
from biglog.store import read


def test_a_night_run_twice_leaves_the_same_rows(site):
    for date in DATES[:2]:
        run_night(site, date)
    once = contents(site.engine)
    for date in DATES[:2]:
        run_night(site, date)
    assert contents(site.engine) == once
    assert len(once["biglog.coverage"]) == 6
    assert once["biglog.template_count"]


def test_lines_events_and_counts_agree(site):
    import polars as pl

    run_night(site, DATES[0])
    for one in read.coverage(site.engine, DATES[0]):
        lines = pl.read_parquet(lake.lines(site.settings.lake, one.source, DATES[0]))
        events = pl.read_parquet(lake.events(site.settings.lake, one.source, DATES[0]))
        counts = pl.DataFrame(pl.from_arrow(read.counts(site.engine, [DATES[0]])))
        counted = counts.filter(source=one.source)["count"].sum()
        assert one.lines == lines.height == events.height == counted > 0
        assert lines["line_id"].to_list() == events["line_id"].to_list()


def test_counted_duplicates_change_no_rate(site, home):
    path = home / "landing" / "redis" / f"{DATES[0]}.log"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(line * 3 for line in lines), "utf-8")
    table = SOURCE.format(name="redis", format="redis", service="redis", host="cache1")
    found = {}
    for duplicates in ("keep", "count"):
        (home / "sources.toml").write_text(f'{table}\nduplicates = "{duplicates}"\n', "utf-8")
        known = replace(site, settings=settings.load(home))
        done = pipeline.run("ingest", known, DATES[0], "redis")
        assert done.rows_out == 3 * len(lines)
        found[duplicates] = pipeline.run("parse", known, DATES[0], "redis").rows_out
        found[f"{duplicates} counts"] = read.counts(site.engine, [DATES[0]])
    assert found["keep"] == 3 * len(lines)
    # the last record of a batch waits for lines that may go on with it, and stands apart
    assert found["count"] in (len(lines), len(lines) + 1)
    assert found["keep counts"].equals(found["count counts"])


def test_a_later_night_embeds_nothing_twice(site):
    run_night(site, DATES[0])
    again = pipeline.run("embed", site, DATES[0])
    assert again.rows_out == 0
    assert again.rows_in > 0


def spoil_missing_file(home):
    (home / "landing" / "redis" / f"{DATES[1]}.log").unlink()
    return "missing", "no file"


def spoil_missing_folder(home):
    (home / "landing" / "redis").rename(home / "landing" / "elsewhere")
    return "failed", "landing/redis"


def spoil_with_a_directory(home):
    path = home / "landing" / "redis" / f"{DATES[1]}.log"
    path.unlink()
    path.mkdir()
    return "failed", "directory"


def spoil_empty_file(home):
    (home / "landing" / "redis" / f"{DATES[1]}.log").write_bytes(b"")
    return "empty", ""


def spoil_with_noise(home):
    noise = os.urandom(40_000).hex().encode()
    lines = b"\n".join(noise[at : at + 80] for at in range(0, len(noise), 80))
    (home / "landing" / "redis" / f"{DATES[1]}.log").write_bytes(lines)
    return "failed", "format"


SPOILERS = [
    spoil_missing_file,
    spoil_missing_folder,
    spoil_with_a_directory,
    spoil_empty_file,
    spoil_with_noise,
]


@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda one: one.__name__)
def test_one_bad_source_does_not_stop_the_others(site, home, spoil):
    run_night(site, DATES[0])
    state, words = spoil(home)
    if state == "failed":
        with pytest.raises(BadInput, match=words):
            pipeline.run("ingest", site, DATES[1], "redis")
    else:
        pipeline.run("ingest", site, DATES[1], "redis")
    for source in ("postgresql", "shop_app1"):
        pipeline.run("ingest", site, DATES[1], source)
    run_rest(site, DATES[1])
    night = read.night(site.engine, DATES[1])
    states = {one.source: one for one in night.coverage}
    assert states["redis"].state == state
    assert words in states["redis"].reason
    assert states["postgresql"].state == states["shop_app1"].state == "complete"
    page = pipeline.report_path(site.settings, DATES[1], "en").read_text("utf-8")
    assert "redis" in page


def run_rest(site, date):
    for stage in pipeline.STAGES[1:]:
        for source in SOURCES if stage.scope == "source" else ("",):
            pipeline.run(stage.name, site, date, source)


def test_a_truncated_gzip_keeps_its_good_lines(site, home):
    path = home / "landing" / "redis" / f"{DATES[0]}.log"
    packed = gzip.compress(path.read_bytes())
    path.write_bytes(packed[: len(packed) // 2])
    done = pipeline.run("ingest", site, DATES[0], "redis")
    assert done.rows_out > 50
    assert done.skipped >= 1


def test_a_late_file_and_a_second_run_bring_the_source_back(site, home):
    path = home / "landing" / "redis" / f"{DATES[0]}.log"
    kept = path.read_bytes()
    path.unlink()
    run_night(site, DATES[0])
    assert {one.source: one.state for one in read.coverage(site.engine, DATES[0])}[
        "redis"
    ] == "missing"
    path.write_bytes(kept)
    run_night(site, DATES[0])
    states = {one.source: one.state for one in read.coverage(site.engine, DATES[0])}
    assert states["redis"] == "complete"


KILLED_AFTER = """
import os, signal, sys
from biglog import installation, pipeline, settings
from biglog.store import connect
from pathlib import Path
site = installation.Site(settings.load(Path(sys.argv[1])), connect.engine(sys.argv[2]))
for stage in pipeline.STAGES:
    for source in [one.name for one in site.settings.sources] if stage.scope == "source" else [""]:
        pipeline.run(stage.name, site, sys.argv[3], source)
    if stage.name == sys.argv[4]:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("stage", ["ingest", "parse", "detect", "publish"])
def test_killed_between_two_stages_the_next_run_completes(site, home, database_url, stage):
    run_night(site, DATES[0])
    arguments = [str(home), database_url, DATES[1], stage]
    done = subprocess.run([sys.executable, "-c", KILLED_AFTER, *arguments], check=False)
    assert done.returncode == -signal.SIGKILL
    run_night(site, DATES[1])
    killed = contents(site.engine)
    run_night(site, DATES[1])
    assert contents(site.engine) == killed
    assert not list(site.settings.lake.rglob("*.tmp"))
    assert DATES[1] in read.nights(site.engine)


def test_killed_while_writing_the_old_partition_stays(site, monkeypatch):
    pipeline.run("ingest", site, DATES[0], "redis")
    before = lake.lines(site.settings.lake, "redis", DATES[0]).read_bytes()

    def die(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", die)
    with pytest.raises(KeyboardInterrupt):
        pipeline.run("ingest", site, DATES[0], "redis")
    assert lake.lines(site.settings.lake, "redis", DATES[0]).read_bytes() == before


def test_two_runs_at_once_are_one(site):
    run_night(site, DATES[0])
    run_night(site, DATES[1])
    once = contents(site.engine)
    failures = []

    def again():
        try:
            run_night(site, DATES[1])
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=again) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert contents(site.engine) == once


def test_the_database_away_is_retried_and_said_plainly(site):
    from biglog.store import connect

    away = connect.engine("postgresql://biglog@127.0.0.1:9/biglog")
    with pytest.raises(TryAgain, match="does not answer"):
        pipeline.run("ingest", replace(site, engine=away), DATES[0], "redis")


def test_nothing_arrived_at_all_fails_with_a_reason(site, home):
    for folder in (home / "landing").iterdir():
        folder.rename(folder.with_name(f"{folder.name}-gone"))
    for source in ("postgresql", "redis", "shop_app1"):
        with pytest.raises(BadInput):
            pipeline.run("ingest", site, DATES[0], source)
    with pytest.raises(BadInput, match="every source failed"):
        pipeline.run("check", site, DATES[0])


def test_the_catalogue_is_not_forked_by_two_parsers(site):
    for source in ("postgresql", "shop_app1"):
        pipeline.run("ingest", site, DATES[0], source)
    threads = [
        threading.Thread(target=pipeline.run, args=("parse", site, DATES[0], source))
        for source in ("postgresql", "shop_app1")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with site.engine.connect() as connection:
        patterns = (
            connection.execute(text_of("SELECT pattern FROM biglog.template")).scalars().all()
        )
    assert len(patterns) == len(set(patterns)) > 10


def test_a_line_that_the_model_cannot_read_does_not_stop_the_night(site, home):
    path = home / "landing" / "shop_app1" / f"{DATES[0]}.log"
    text = path.read_text("utf-8")
    stamp = text[:23]
    path.write_text(f"{text}{stamp} ERROR shop \U0001f525\U0001f525\n", "utf-8")
    run_night(site, DATES[0])
    with site.engine.connect() as connection:
        patterns = connection.execute(text_of("SELECT pattern FROM biglog.template")).scalars()
        assert "\U0001f525\U0001f525" in set(patterns)
    assert DATES[0] in read.nights(site.engine)
