"""docs/metrics.md: its settings load, its question has an answer."""

import re
from pathlib import Path

import pytest
from sqlalchemy import text
from two_nights import SECOND, fill

from biglog import settings
from biglog.settings import MetricSettings

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text("utf-8")


def blocks(kind):
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def test_its_settings_load_and_are_the_defaults(tmp_path):
    sources, defaults = blocks("toml")
    (tmp_path / "sources.toml").write_text(sources, "utf-8")
    (tmp_path / "biglog.toml").write_text(defaults, "utf-8")
    known = settings.load(tmp_path)
    assert [one.name for one in known.metric_sources] == ["node", "prometheus"]
    assert known.metrics == MetricSettings()
    assert all(f"`{name}`" in PAGE for name in re.findall(r"(?m)^(\w+) =", defaults))


@pytest.mark.parametrize("question", blocks("sql"))
def test_its_question_has_an_answer(database, question):
    fill(database)
    with database.connect() as connection:
        connection.execute(text("SET LOCAL ROLE biglog_reader"))
        found = connection.execute(text(question)).mappings().all()
    assert [(str(one["date"]), one["series"]) for one in found] == [(SECOND, "db.disk")]
    assert found[0].get("incidents") or found[0].get("pattern")
