"""Calls between services, kept night by night."""

from dataclasses import replace

from sqlalchemy import text
from two_nights import FIRST, SECOND, at, incident, night

from biglog.records import Dependency, Depending
from biglog.store import read, write
from biglog.store.dependencies import earlier_dependencies, replace_dependencies

CALL = Dependency("web", "shop", {"named": (2, 3), "trace": (40, 40)}, 0.97,
                  at(FIRST, 1), at(FIRST, 2))  # fmt: skip
OTHER = Dependency("shop", "db", {"shared_id": (3, 9)}, 0.2)


def test_a_night_is_replaced_whole_and_read_as_it_was(database):
    replace_dependencies(database, FIRST, [OTHER])
    assert replace_dependencies(database, FIRST, [CALL, OTHER]) == 2
    replace_dependencies(database, SECOND, [replace(CALL, confidence=0.5)])
    assert earlier_dependencies(database, SECOND, 7) == (CALL, OTHER)
    assert earlier_dependencies(database, FIRST, 7) == ()
    later = earlier_dependencies(database, "2026-11-21", 7)
    assert [one.confidence for one in later] == [0.97, 0.2, 0.5]
    assert len(earlier_dependencies(database, "2026-11-21", 1)) == 1
    replace_dependencies(database, FIRST, [])
    assert earlier_dependencies(database, SECOND, 7) == ()


def test_hostile_names_are_kept_as_text(database):
    evil = replace(CALL, caller="web'; DROP TABLE biglog.night; --\0", callee="\ud800<script>")
    again = replace(evil, caller=evil.caller.replace("\0", "?"), confidence=0.1)
    replace_dependencies(database, FIRST, [evil, again])
    (one,) = earlier_dependencies(database, SECOND, 7)
    assert (one.caller, one.callee) == ("web'; DROP TABLE biglog.night; --?", "?<script>")
    assert one.confidence == 0.97


def test_the_view_says_how_each_call_is_known(database):
    replace_dependencies(database, FIRST, [CALL, OTHER])
    with database.connect() as connection:
        connection.execute(text("SET LOCAL ROLE biglog_reader"))
        found = connection.execute(
            text("SELECT * FROM biglog_report.service_dependencies ORDER BY confidence DESC")
        )
        first, second = found.mappings().all()
    assert (str(first["date"]), first["caller"], first["callee"]) == (FIRST, "web", "shop")
    assert (first["ways"], first["count"]) == (["named", "trace"], 42)
    assert (second["ways"], second["count"], second["first_at"]) == (["shared_id"], 3, None)


def test_what_an_incident_reaches_is_published_with_it(database):
    reached = (Depending("web", "", 0.9), Depending("mobile", "web", 0.4))
    write.publish(database, night(SECOND, incidents=(incident(SECOND, depending=reached),)))
    (one,) = read.night(database, SECOND).incidents
    assert one.depending == reached
    with database.connect() as connection:
        found = connection.execute(text("SELECT depending FROM biglog_report.incidents")).scalar()
    assert found == ["web", "mobile"]
