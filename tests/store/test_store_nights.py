"""What is written is what is read, twice over, and the past stays the past."""

from dataclasses import replace

import numpy as np
import pytest
from two_nights import (
    CLUSTER,
    COUNTS_OF,
    FINDING,
    FIRST,
    FULL,
    MODEL,
    MORE,
    NIGHTS,
    PAID,
    SECOND,
    SLOW,
    at,
    counts,
    fill,
    incident,
    night,
    template,
)

from biglog.errors import BadInput
from biglog.records import Coverage, HourCount, StageInfo
from biglog.store import read, write
from biglog.store.text import text_sha


def test_a_night_comes_back_as_it_was_published(database):
    fill(database)
    found = read.night(database, SECOND)

    assert found.findings == (FINDING, MORE)
    assert found.incidents == NIGHTS[SECOND].incidents
    assert found.clusters == (CLUSTER,)
    assert found.templates == {one.template_id: one for one in (FULL, SLOW)}
    assert [(one.source, one.state) for one in found.coverage] == [
        ("shop", "complete"),
        ("web", "missing"),
    ]
    assert found.stages == (StageInfo("lines", "shop", SECOND, 134, 132, 2, 0.5, "utf-8"),)
    assert (found.history_days, found.model_id) == (1, MODEL)


def test_hours_stand_beside_the_median_of_earlier_nights(database):
    fill(database)
    hours = {(one.source, one.hour): one for one in read.night(database, SECOND).hourly}

    assert hours["shop", 1] == HourCount("shop", 1, lines=90, errors=0, expected=100.0)
    assert hours["shop", 2] == HourCount("shop", 2, lines=42, errors=42, expected=123.0)
    assert hours["shop", 3] == HourCount("shop", 3, lines=0, errors=0, expected=0.0)
    assert len(hours) == 48
    assert {one.expected for one in read.night(database, FIRST).hourly} == {None}


def test_a_night_never_published_says_which_is_the_latest(database):
    fill(database)
    with pytest.raises(BadInput, match=r"2026-11-25.*2026-11-20"):
        read.night(database, "2026-11-25")


def test_everything_twice_leaves_the_same(database):
    fill(database)
    once = [read.night(database, SECOND), read.templates(database)]
    rows = read.counts(database, [FIRST, SECOND])
    write.publish(database, NIGHTS[SECOND])
    write.replace_counts(database, "shop", SECOND, COUNTS_OF[SECOND])
    write.merge_templates(database, [PAID, SLOW, FULL], source="shop", date=SECOND)

    assert [read.night(database, SECOND), read.templates(database)] == once
    assert read.counts(database, [FIRST, SECOND]).equals(rows)
    assert rows["count"].to_pylist() == [100, 3, 120, 90, 12, 30]


def test_counts_come_back_exactly(database):
    odd = counts(
        FIRST, (0, 'a "b"\n,c\0', "主机\\N", "", PAID, 2**40), (5, "", "", "INFO", SLOW, 0)
    )
    write.replace_counts(database, "shop", FIRST, odd)
    found = read.counts(database, [FIRST])

    wanted = odd.to_pylist()
    wanted[0]["service"] = 'a "b"\n,c?'
    assert found.to_pylist() == wanted
    assert found.schema.equals(odd.schema)
    assert read.counts(database, ["1999-01-01"]).equals(odd.schema.empty_table())


def test_a_row_of_another_partition_is_refused(database):
    with pytest.raises(BadInput, match="date '2026-11-19'"):
        write.replace_counts(database, "shop", SECOND, COUNTS_OF[FIRST])


def test_history_knows_earlier_nights_only(database):
    fill(database)
    write.publish(database, night(FIRST, incidents=(incident(FIRST, "i0"),)))
    past = read.history(database, SECOND, 28, MODEL)

    assert past.dates == (FIRST,)
    assert past.covered == {"shop": {FIRST}, "web": {FIRST}}
    assert past.first_seen == {PAID.template_id: FIRST, SLOW.template_id: FIRST}
    assert past.counts.equals(read.counts(database, [FIRST]))
    assert past.vectors.template_ids == tuple(sorted((PAID.template_id, SLOW.template_id)))
    assert past.vectors.values.shape == (2, 4)
    assert [one.incident_id for one in past.incidents] == ["i0"]

    first = read.history(database, FIRST, 28, MODEL)
    assert (first.dates, first.first_seen, first.counts.num_rows) == ((), {}, 0)
    assert first.vectors.values.shape == (0, 4)


def test_history_under_an_unknown_model_has_no_vectors(database):
    fill(database)
    assert read.history(database, SECOND, 28, "another").vectors.values.shape == (0, 0)


def test_a_night_that_arrived_empty_is_covered_and_a_failed_one_is_not(database):
    for state, date in (("empty", FIRST), ("failed", SECOND)):
        write.save_coverage(database, Coverage("shop", date, state))
    assert read.history(database, "2026-11-21", 28, MODEL).dates == (FIRST,)


def test_an_old_night_run_again_moves_nothing_later(database):
    fill(database)
    write.merge_templates(database, [FULL], source="shop", date="2026-11-25")
    write.merge_templates(database, [FULL], source="web", date="2026-11-01")

    assert read.history(database, SECOND, 60, MODEL).first_seen[FULL.template_id] == "2026-11-01"
    assert FULL.template_id not in read.history(database, "2026-11-01", 60, MODEL).first_seen
    with database.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT source, first_date::text, last_date::text FROM biglog.template_seen"
            f" WHERE template_id = '{FULL.template_id}' ORDER BY source"
        ).all()
    assert found == [("shop", SECOND, "2026-11-25"), ("web", "2026-11-01", "2026-11-01")]


def test_a_wider_pattern_is_a_new_version_and_an_older_one_changes_nothing(database):
    narrow = template("disk <*> full")
    wide = template("disk <*> <*>", version=2, first=narrow.pattern)
    for one in (narrow, wide, narrow):
        write.merge_templates(database, [one], source="shop", date=FIRST)

    kept = read.templates(database)[narrow.template_id]
    assert (kept.pattern, kept.version) == ("disk <*> <*>", 2)
    with database.connect() as connection:
        versions = connection.exec_driver_sql(
            "SELECT version, pattern FROM biglog.template_version ORDER BY version"
        ).all()
    assert versions == [(1, "disk <*> full"), (2, "disk <*> <*>")]


def test_two_widenings_of_one_template_are_both_kept(database):
    narrow = template("disk <*> full")
    for pattern in ("disk <*> <*>", "<*> <*> full"):
        write.merge_templates(
            database, [template(pattern, 2, narrow.pattern)], source="shop", date=FIRST
        )
    kept = read.templates(database)[narrow.template_id]
    assert (kept.pattern, kept.version) == ("<*> <*> full", 3)


def test_vectors_come_back_in_the_order_asked(database):
    fill(database)
    found = read.vectors(database, MODEL, [FULL.template_id, "unknown", PAID.template_id])

    assert found.template_ids == (FULL.template_id, PAID.template_id)
    np.testing.assert_allclose(found.values[1], [1, 0, 0, 0])
    np.testing.assert_allclose(np.linalg.norm(found.values, axis=1), 1, atol=1e-6)
    assert read.known_texts(database, MODEL) == {
        text_sha(one.model_text) for one in (PAID, SLOW, FULL)
    }
    assert read.known_texts(database, "another") == set()


@pytest.mark.parametrize(
    ("dim", "bad", "words"),
    [
        (5, [1, 0, 0, 0, 0], "another model_id"),
        (4, [1, 0, 0], "expected rows of 4"),
        (4, [0, 0, 0, 0], "zero"),
        (4, [np.nan, 0, 0, 1], "not finite"),
    ],
)
def test_a_vector_that_cannot_be_right_is_refused_whole(database, dim, bad, words):
    fill(database)
    before = read.known_texts(database, MODEL)
    with pytest.raises(BadInput, match=words):
        write.save_vectors(database, MODEL, dim, [("a text", bad)])
    assert read.known_texts(database, MODEL) == before


def test_hostile_text_is_kept_as_text(database):
    evil = "'; DROP TABLE biglog.template; -- \0 \ud800 %s :date {{7*7}}"
    bad = template(evil)
    write.merge_templates(database, [bad], source="shop", date=FIRST)
    one = incident(FIRST, title=evil, services=(evil,), factors={"a": float("nan")})
    write.publish(database, night(FIRST, incidents=(one,)))

    seen = evil.replace("\0", "?").replace("\ud800", "?")
    assert read.templates(database)[bad.template_id].pattern == seen
    kept = read.night(database, FIRST).incidents[0]
    assert (kept.title, kept.services, kept.factors) == (seen, (seen,), {"a": None})


def test_times_are_utc(database):
    fill(database)
    assert read.night(database, SECOND).findings[0].started_at == at(SECOND, 2)
    assert read.coverage(database, SECOND)[0].first_at.utcoffset().total_seconds() == 0
    assert read.nights(database) == (FIRST, SECOND)


def test_clusters_of_before_come_as_they_were_last_seen(database):
    for date in (FIRST, SECOND):
        one = replace(CLUSTER, date=date, since=FIRST, lines=int(date[-2:]))
        write.publish(database, replace(night(date), clusters=(one,)))

    assert read.earlier_clusters(database, FIRST) == ()
    (known,) = read.earlier_clusters(database, "2026-11-21")
    assert (known.identity, known.date, known.lines) == ("c0ffee", SECOND, 20)
    assert read.earlier_clusters(database, "2027-02-01") == ()
