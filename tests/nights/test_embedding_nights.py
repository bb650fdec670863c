"""Vectors of a night: by a release named in the settings, and the same after any kill."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from database import fresh
from releases import WORDS, write_release, write_whole_release
from small_nights import DATES, run_night
from sqlalchemy import text

from biglog import answers, installation, pipeline, settings
from biglog.store import connect, read

EMBED = """
import json, sys
from pathlib import Path
from biglog import answers, installation, settings
from biglog.store import connect
home, url, texts = sys.argv[1:]
site = installation.Site(settings.load(Path(home)), connect.engine(url))
answers.embed_texts(site, json.loads(Path(texts).read_text("utf-8")))
"""


def use_model(home, directory, *, commit_every=512):
    table = f'[embed]\nmodel = "{directory}"\ncommit_every = {commit_every}\n'
    (home / "biglog.toml").write_text(table, "utf-8")
    return settings.load(home)


def test_a_whole_night_by_a_release_that_the_settings_name(home, database, tmp_path):
    release = write_whole_release(tmp_path / "release")
    site = installation.Site(use_model(home, release), database)
    run_night(site, DATES[0])

    model = installation.encoder(release)
    night = read.night(database, DATES[0])
    assert night.model_id == model.model_id
    assert model.model_id.startswith("release:")
    (stage,) = [one for one in night.stages if one.stage == "embed"]
    assert stage.rows_out > 0
    assert model.model_id in stage.note
    assert "exact search" in stage.note
    page = pipeline.report_path(site.settings, DATES[0], "en").read_text("utf-8")
    assert model.model_id in page
    assert pipeline.run("embed", site, DATES[0]).rows_out == 0


def vectors_of(engine):
    query = "SELECT text, model_id, embedding::text FROM biglog.vector ORDER BY text_sha"
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


@pytest.fixture
def few_at_a_time(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    use_model(home, write_release(tmp_path / "release"), commit_every=4)
    return home


def test_killed_at_any_batch_a_run_goes_on_and_leaves_the_same_rows(
    few_at_a_time, database, database_url, server, tmp_path
):
    """Two runs are killed once so many rows are there; the third is let go."""
    rng = random.Random(os.getpid())
    texts = [" ".join(rng.choices(WORDS[:30], k=rng.randint(2, 30))) for _ in range(240)]
    (tmp_path / "texts.json").write_text(json.dumps(texts), "utf-8")
    known = settings.load(few_at_a_time)
    installation.encoder(known.encoder)  # calibrated before anybody is killed
    seen = 0
    for _ in range(2):
        target = rng.randint(seen + 4, seen + 60)
        seen = kill_from(target, few_at_a_time, database, database_url, tmp_path / "texts.json")
        assert target <= seen < len(set(texts))
    answers.embed_texts(installation.Site(known, database), texts)

    with fresh(server) as url:
        other = connect.engine(url)
        answers.embed_texts(installation.Site(known, other), texts)
        wanted = vectors_of(other)
        other.dispose()
    assert len(wanted) == len(set(texts))
    assert vectors_of(database) == wanted


def kill_from(target, home, engine, url, texts):
    """Kill -9 as soon as so many vectors are there; how many there are then."""
    command = [sys.executable, "-c", EMBED, str(home), url, str(texts)]
    running = subprocess.Popen(command)
    while count_vectors(engine) < target and running.poll() is None:
        time.sleep(0.02)
    running.kill()
    assert running.wait() == -signal.SIGKILL
    return count_vectors(engine)


def count_vectors(engine):
    with engine.connect() as connection:
        return connection.execute(text("SELECT count(*) FROM biglog.vector")).scalar_one()
