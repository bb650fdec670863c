"""An encoder made of a site's own nights: registered with its figures, used only on request."""

import pytest
from releases import write_release
from small_nights import DATES, SOURCES

from biglog import encoders, pipeline, pretraining
from biglog.errors import BadInput
from biglog.store import models


def form(begin, **changes):
    return {
        "name": "mine", "begin": str(begin), "recipe": "small", "sources": [],
        "since": None, "until": None, "rehearsal": 0.0, "steps": 10, "pair_steps": 0, "use": False,
    } | changes  # fmt: skip


def test_a_model_of_the_lake_is_entered_and_used_only_on_request(site, home, tmp_path):
    begin = write_release(tmp_path / "begin")
    asked = form(begin)
    with pytest.raises(BadInput, match="the lake has no lines of"):
        pretraining.answer_pretrain(site, asked)
    for name in SOURCES:
        pipeline.run("ingest", site, DATES[0], name)
    done = pretraining.answer_pretrain(site, asked)
    assert done["path"] == str(home / "models" / "mine")
    row = next(one for one in models.models(site.engine) if one.model_id == done["model"])
    assert (row.kind, row.path, row.is_active) == ("encoder", done["path"], False)
    training = row.metrics["training"]
    assert training["sources"][0]["sentences"] >= done["texts"]
    assert len(training["data"]) == len(training["begun_from"]) == 16
    assert training["held_out"]["new"].keys() == {"by frequency", "before", "after"}

    again = pretraining.answer_pretrain(site, asked | {"use": True})
    assert again["model"] == done["model"]
    assert [one.model_id for one in models.models(site.engine) if one.is_active] == [done["model"]]
    assert encoders.in_use(home).now == done["path"]


def test_only_the_nights_asked_for_are_read(site):
    for date in DATES[:2]:
        pipeline.run("ingest", site, date, next(iter(SOURCES)))
    source = next(iter(SOURCES))
    data = pretraining.Data(sources=(source,), since=DATES[1])
    at = site.settings.lake
    assert [path.parent.name for path in pretraining.partitions_of(data, at)] == [
        f"date={DATES[1]}"
    ]
    texts = list(pretraining.own_texts(data, site.settings.home))
    assert len(texts) == len(set(texts)) > 3
