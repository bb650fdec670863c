"""The map is kept with its night, and a later night knows where each template lay."""

from dataclasses import replace

from sqlalchemy import text
from two_nights import CLUSTER, FIRST, FULL, SECOND, SLOW, fill, night

from biglog.records import Spot
from biglog.store import read, write

SPOTS = tuple(
    sorted(
        (Spot(FULL.template_id, -1.0, 0.1234, 0, 42), Spot(SLOW.template_id, 1.0, -0.5, -1, 7)),
        key=lambda one: one.template_id,
    )
)


def test_what_is_written_is_read_twice_over(database):
    fill(database)
    tonight = night(SECOND, spots=SPOTS, clusters=(CLUSTER,))
    for _ in range(2):
        write.publish(database, tonight)
        found = read.night(database, SECOND)
        assert found.spots == SPOTS
        assert {FULL.template_id, SLOW.template_id} <= found.templates.keys()
    write.publish(database, replace(tonight, spots=SPOTS[:1]))
    assert read.night(database, SECOND).spots == SPOTS[:1]


def test_the_latest_map_before_the_night_is_known(database):
    write.publish(database, night(FIRST, spots=SPOTS))
    write.publish(database, night(SECOND))
    assert read.earlier_places(database, FIRST) == {}
    known = {one.template_id: (one.x, one.y) for one in SPOTS}
    assert read.earlier_places(database, SECOND) == known
    assert read.earlier_places(database, "2026-11-25") == known


def test_analysts_see_the_map_with_words(database):
    fill(database)
    write.publish(database, night(SECOND, spots=SPOTS, clusters=(CLUSTER,)))
    query = "SELECT pattern, x, label, title FROM biglog_report.cluster_map ORDER BY x"
    with database.connect() as connection:
        full, slow = map(tuple, connection.execute(text(query)))
    assert full == (FULL.pattern, -1.0, CLUSTER.label, CLUSTER.title)
    assert slow == (SLOW.pattern, 1.0, None, None)
