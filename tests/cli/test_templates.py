"""The catalogue from a shell: what it prints, what it changes, what it refuses."""

import json

import pytest

from biglog.records import Template, Variable, identify
from biglog.store import read, write

DATE = "2026-11-19"


def template(pattern):
    return Template(identify(pattern), pattern, pattern, example=pattern.replace("<*>", "7"))


ASKED, BEGUN, ENDED = map(template, ("GET <*> <*>", "job <*> begun", "job <*> ended"))
STATUS = Variable(
    "shop", DATE, ASKED.template_id, 2, "number", 9, 2, (("200", 8), ("500", 1)), "",
    9, 200.0, 500.0, 233.3, 200.0, 500.0, 500.0,
)  # fmt: skip


@pytest.fixture
def catalogue(database, database_url, monkeypatch):
    monkeypatch.setenv("BIGLOG_DB_URL", database_url)
    write.merge_templates(database, [ASKED, BEGUN, ENDED], source="shop", date=DATE)
    counts = read.counts(database, [])
    write.replace_counts(database, "shop", DATE, counts, [STATUS])
    return database


def listed(biglog, *given):
    code, out, _ = biglog("templates", "list", "--json", *given)
    assert code == 0
    return {one["template_id"]: one for one in map(json.loads, out.splitlines())}


def test_list(biglog, catalogue):
    assert listed(biglog).keys() == {one.template_id for one in (ASKED, BEGUN, ENDED)}
    assert listed(biglog, "--grep", "JOB <").keys() == {BEGUN.template_id, ENDED.template_id}
    assert listed(biglog, "--grep", "%") == listed(biglog, "--source", "nowhere") == {}
    code, out, err = biglog("templates", "list", "--source", "shop")
    assert (code, err) == (0, "3 templates\n")
    assert "job <*> begun" in out


def test_rename_pin_and_show(biglog, catalogue):
    assert biglog("templates", "rename", ASKED.template_id, "page views", "--author", "ana")[0] == 0
    assert biglog("templates", "pin", ASKED.template_id, "--author", "ana")[0] == 0
    _, out, _ = biglog("templates", "show", ASKED.template_id, "--json")
    card = json.loads(out)
    assert (card["name"], card["pinned"], card["pattern"]) == ("page views", True, "GET <*> <*>")
    assert [(one["slot"], one["kind"], one["top"][0]) for one in card["variables"]] == [
        (2, "number", ["200", 8])
    ]
    assert [(one["action"], one["author"]) for one in card["history"]] == [
        ("pin", "ana"),
        ("rename", "ana"),
    ]

    code, out, _ = biglog("templates", "show", ASKED.template_id)
    assert code == 0
    for word in ("page views", "GET <*> <*>", "number", "200 (8)", "rename", "ana", DATE):
        assert word in out
    assert biglog("templates", "unpin", ASKED.template_id)[0] == 0
    assert not listed(biglog)[ASKED.template_id]["pinned"]


def test_merge_and_undo(biglog, catalogue):
    code, _, err = biglog("templates", "merge", ENDED.template_id, BEGUN.template_id)
    assert (code, "job <*> <*>" in err) == (0, True)
    assert listed(biglog)[ENDED.template_id]["merged_into"] == BEGUN.template_id

    code, _, err = biglog("templates", "undo", BEGUN.template_id)
    assert (code, f"merge into {BEGUN.template_id}" in err) == (0, True)
    assert listed(biglog)[BEGUN.template_id]["pattern"] == "job <*> begun"


def test_merge_by_a_pattern_of_ones_own(biglog, catalogue):
    given = (ENDED.template_id, BEGUN.template_id, "--pattern", "job <*>")
    assert biglog("templates", "merge", *given)[0] == 0
    assert listed(biglog)[BEGUN.template_id]["pattern"] == "job <*>"


@pytest.mark.parametrize(
    "given", [("--at", "2", "--past"), ("--pattern", "GET <*> 200", "--pattern", "GET <*> 500")]
)
def test_split(biglog, catalogue, given):
    code, out, _ = biglog("templates", "split", ASKED.template_id, *given)
    assert code == 0
    parts = [one for one in listed(biglog).values() if one["split_from"] == ASKED.template_id]
    assert {one["pattern"] for one in parts} == {"GET <*> 200", "GET <*> 500"}
    assert all(one["template_id"] in out for one in parts)


def test_what_it_refuses(refused, catalogue):
    near = ASKED.template_id[:9]
    assert f"the nearest: {ASKED.template_id}" in refused("templates", "show", near)
    assert "had no values" in refused("templates", "split", ASKED.template_id, "--at", "1")
    assert "give --at N" in refused("templates", "split", ASKED.template_id)
    assert "nothing to undo" in refused("templates", "undo", ASKED.template_id)
    assert "two templates" in refused("templates", "merge", *[ASKED.template_id] * 2)


def test_markup_in_a_pattern_is_text(biglog, catalogue):
    evil = template("[red]gone[/red] \x1b[31m <*>")
    write.merge_templates(catalogue, [evil], source="shop", date=DATE)
    code, out, _ = biglog("templates", "show", evil.template_id)
    assert code == 0
    assert "[red]gone[/red] ?[31m <*>" in out
    assert "\x1b" not in out
