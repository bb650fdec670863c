"""`biglog kb`: a knowledge base in a directory of its own, from import to approval."""

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from biglog.store import connect

DISK = "# Disk full on a database host\n\nFree space on the volume, then restart the database.\n"
PEER = "# Connection refused by a peer\n\nCheck that the service listens on its port.\n"


@pytest.fixture(scope="module")
def store():
    """One server for all of them: each start costs a second."""
    folder = Path(tempfile.mkdtemp(prefix="biglog-kb-"))
    (folder / "books").mkdir()
    (folder / "books" / "disk.md").write_text(DISK, "utf-8")
    (folder / "books" / "peer.md").write_text(PEER, "utf-8")
    yield folder
    connect.stop(folder / "store", even_if_used=True)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def kb(biglog, words, store):
    assert words.dim

    def run(*given):
        code, out, err = biglog("kb", *given, "--store", store / "store")
        assert code == 0, err
        return out, err

    run("import", store / "books")
    return run


def test_import_twice_changes_nothing(kb, store):
    assert "2 as they were" in kb("import", store / "books")[1]


def test_search_rows(kb):
    rows = [json.loads(one) for one in kb("search", "disk volume full", "--json")[0].splitlines()]
    assert list(rows[0]) == [
        "rank",
        "score",
        "id",
        "title",
        "source",
        "category",
        "tags",
        "excerpt",
    ]
    assert (rows[0]["rank"], rows[0]["title"]) == (1, "Disk full on a database host")
    assert rows[0]["source"] == "disk.md"


def test_questions_are_answered_line_by_line(kb, tmp_path):
    asked = ["disk volume full", "", "connection refused"]
    questions = tmp_path / "q.txt"
    questions.write_text("\n".join(asked) + "\n", "utf-8")
    answers = [json.loads(one) for one in kb("search", "--queries", questions)[0].splitlines()]
    assert [one["query"] for one in answers] == asked
    best = [one["results"][0]["source"] if one["results"] else "" for one in answers]
    assert best == ["disk.md", "", "peer.md"]


def test_an_entry_from_add_to_delete(kb, biglog, store, tmp_path):
    note = tmp_path / "note.md"
    note.write_text("Rotate the certificate.", "utf-8")
    key = kb("add", "--title", "Certificate expired", "--file", note, "--tag", "tls")[0].strip()
    assert "Rotate the certificate." in kb("show", key)[0]
    note.write_text("Renew the certificate.", "utf-8")
    assert "version 2" in kb("edit", key, "--file", note)[1]
    assert json.loads(kb("show", key, "--json")[0])["content"] == "Renew the certificate."
    code, _, err = biglog("kb", "approve", key, "--store", store / "store")
    assert code == 2
    assert "expected a draft" in err
    kb("delete", key)
    code, _, err = biglog("kb", "show", key, "--store", store / "store")
    assert code == 2
    assert key in err


def test_drafts_are_listed_and_approved(kb, store):
    from biglog.records import Entry
    from biglog.store import embedded, knowledge

    engine = connect.engine(embedded.url_of(store / "store"))
    knowledge.create(engine, Entry("d1", "Draft", "From an incident.", state="draft"))
    engine.dispose()
    assert [json.loads(one)["id"] for one in kb("drafts", "--json")[0].splitlines()] == ["d1"]
    kb("approve", "d1")
    assert kb("drafts", "--json")[0] == ""


def test_refusals(refused, kb, store, tmp_path):
    at = ("--store", store / "store")
    assert "nonesuch" in refused("kb", "show", "nonesuch", *at)
    assert "nonesuch" in refused("kb", "delete", "nonesuch", *at)
    assert "neither" in refused("kb", "search", "  ", *at)
    assert "no such file" in refused("kb", "search", "--queries", tmp_path / "none.txt", *at)
    assert "no such file or folder" in refused("kb", "import", tmp_path / "none", *at)
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    assert "--store" in refused("kb", "search", "disk", "--store", blocked)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_store_nobody_may_write(refused, tmp_path):
    tmp_path.chmod(0o500)
    assert "permission" in refused("kb", "search", "disk", "--store", tmp_path)
