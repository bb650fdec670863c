"""Search and event matching with a real encoder, as small as one gets."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from biglog import answers
from biglog.records import Template
from biglog.settings import EmbedSettings
from biglog.store import knowledge, read, write

DATE = "2026-11-20"
REFUSED = Template("t1", "connection refused by server", "connection refused by server")
FULL = Template("t2", "disk full", "disk full", example="disk full")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A seeded BERT of two layers, shaped like a published release."""
    path = Path(__file__).parents[1] / "vectors" / "conftest.py"
    spec = importlib.util.spec_from_file_location("releases", path)
    releases = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(releases)
    return releases.write_release(tmp_path_factory.mktemp("model"))


@pytest.fixture
def site(site, model):
    settings = replace(site.settings, embed=EmbedSettings(model=str(model)))
    return replace(site, settings=settings)


@pytest.fixture
def known(site):
    write.merge_templates(site.engine, (REFUSED, FULL), source="shop", date=DATE)
    answers.embed_texts(site, [REFUSED.model_text, FULL.model_text])


def test_a_line_finds_its_own_kind_first(call, known):
    body = {"text": "disk full", "threshold": 0, "limit": 5}
    answer = call("VIEWER").post("/api/v1/events/match", json=body)
    assert answer.status_code == 200
    matches = answer.json()["matches"]
    assert [m["template_id"] for m in matches][:1] == ["t2"]
    assert [m["rank"] for m in matches] == list(range(1, len(matches) + 1))
    assert all(0 <= m["similarity"] <= 1 for m in matches)
    page = call("VIEWER").get("/events", params={**body, "lang": "en"}).text
    assert "Most similar line" in page
    assert page.index("disk full</p>") < page.index("<table")


def test_a_threshold_nobody_reaches_is_an_empty_answer(call, known):
    page = call("VIEWER").get(
        "/events", params={"text": "user login", "threshold": 1, "lang": "en"}
    )
    assert "No past event is that similar" in page.text


def test_a_saved_entry_gets_its_vectors_and_is_searched_by_meaning_too(call, site):
    operator = call("OP")
    entry = {"title": "disk full", "content": "## memory\n\nout of memory error"}
    made = operator.post("/api/v1/knowledge", json=entry).json()
    texts = list(knowledge.chunk_texts(site.engine).values())
    encoder = answers.encoder(site.settings.encoder)
    assert texts
    assert read.text_vectors(site.engine, encoder.model_id, texts).keys() == set(texts)
    found = operator.post("/api/v1/knowledge/search", json={"query": "disk full"}).json()
    assert (found["mode"], found["degraded"]) == ("words and meaning", None)
    assert found["results"][0]["id"] == made["id"]
    changed = operator.put(
        f"/api/v1/knowledge/{made['id']}",
        json={**entry, "content": "login failed"},
        headers={"If-Match": '"1"'},
    )
    assert changed.status_code == 200
    texts = list(knowledge.chunk_texts(site.engine).values())
    assert read.text_vectors(site.engine, encoder.model_id, texts).keys() == set(texts)
