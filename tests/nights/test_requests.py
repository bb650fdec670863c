"""What people ask for by hand: a file judged, events like a line, runbooks, a backup."""

import csv
from pathlib import Path

import pytest
from small_nights import DATES, run_night

from biglog import answers
from biglog.errors import BadInput
from biglog.store import knowledge


def test_an_uploaded_file_is_judged_against_the_nights_before(site, home):
    run_night(site, DATES[0])
    usual = (home / "landing" / "redis" / f"{DATES[1]}.log").read_text("utf-8")
    strange = "77:M 03 Nov 2026 12:00:00.000 # Fatal error loading the DB, check server logs.\n"
    upload = home / "uploads" / "redis_20261121_101500.log"
    upload.parent.mkdir()
    upload.write_text(usual + strange, "utf-8")
    form = {"path": upload.name, "format": "auto"}
    done = answers.answer("analyse_upload", site, form)
    assert done["lines"] == usual.count("\n") + 1
    with Path(done["csv"]).open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    odd = [row for row in rows if row["anomalous"] == "true"]
    assert [int(row["line_no"]) for row in odd] == [len(rows)]
    assert "never" in odd[0]["reason"]
    assert answers.answer("analyse_upload", site, form) == done


@pytest.mark.parametrize("path", ["", "../sources.toml", "/etc/passwd", "no-such.log"])
def test_only_files_of_the_upload_folder_are_read(site, home, path):
    (home / "uploads").mkdir()
    with pytest.raises(BadInput):
        answers.answer("analyse_upload", site, {"path": path, "format": "auto"})


def test_events_like_a_line_are_found_in_the_history(site):
    run_night(site, DATES[0])
    form = {"text": "Background saving started by pid 4711", "threshold": 0.85, "limit": 5}
    found = answers.match(site, form["text"], threshold=0.85, limit=5)
    assert "Background saving started by pid" in found[0].content
    assert [one.similarity for one in found] == sorted(
        (one.similarity for one in found), reverse=True
    )
    assert answers.answer("match_events", site, form)["matches"] == len(found)


def test_runbooks_are_imported_once_and_found_in_both_languages(site):
    first = answers.import_knowledge(site, answers.STARTER_ENTRIES)
    again = answers.import_knowledge(site, answers.STARTER_ENTRIES)
    assert first.added == again.same == len(knowledge.entries(site.engine)) >= 40
    assert (again.added, again.changed) == (0, 0)
    ask = answers.asker(site)
    assert "Too many connections" in ask("mysql数据库连接报错太多", 3)[0].entry.title
    assert "PostgreSQL" in ask("remaining connection slots are reserved", 3)[0].entry.title


def test_an_edited_entry_is_not_taken_back_by_an_import(site, tmp_path):
    note = tmp_path / "kb" / "disk.md"
    note.parent.mkdir()
    note.write_text("# Disk full\n\nDelete old logs.\n", "utf-8")
    answers.import_knowledge(site, note.parent)
    entry = knowledge.entries(site.engine)[0]
    note.write_text("# Disk full\n\nRotate the logs.\n", "utf-8")
    assert answers.import_knowledge(site, note.parent).changed == 1
    assert "Rotate" in knowledge.show(site.engine, entry.entry_id).content
    assert len(knowledge.revisions(site.engine, entry.entry_id)) == 2


def test_the_weekly_backup_is_restored_and_compared(site, home):
    run_night(site, DATES[0])
    done = answers.answer("backup", site, {})
    assert done["rows"] > 100
    assert list((home / "backups").glob("*.dump"))
    forgotten = answers.answer("forget", site, {"keep_days": 400})
    assert sum(forgotten.values()) == 0


def test_a_request_that_does_not_exist_is_refused(site):
    with pytest.raises(BadInput, match="there are: match_events"):
        answers.answer("no such thing", site, {})
