"""What is nearest comes first, and a filter never costs rows that exist."""

import numpy as np
import pytest
from database import administer
from sqlalchemy import text
from two_nights import (
    FIRST,
    FULL,
    MODEL,
    PAID,
    SECOND,
    SLOW,
    at,
    fill,
    incident,
    night,
    template,
    vector,
)

from biglog.errors import BadInput
from biglog.records import Entry
from biglog.store import connect, knowledge, read, search, write
from biglog.store.knowledge import Chunk

LIKE_SLOW = vector(0, 1, 0.1, 0)


def test_the_nearest_template_comes_with_its_example_and_count(database):
    fill(database)
    first, second, third = search.similar_templates(database, MODEL, LIKE_SLOW, limit=3)

    assert [one.template_id for one in (first, second, third)] == [
        SLOW.template_id,
        FULL.template_id,
        PAID.template_id,
    ]
    assert (first.rank, first.content, first.template) == (1, "query took 7 ms", SLOW.pattern)
    assert (first.source, first.date, first.count) == ("shop", SECOND, 33)
    assert first.timestamp == at(SECOND, 2, 9)
    assert first.similarity == pytest.approx(0.9952, abs=1e-3)
    assert third.similarity == pytest.approx(0, abs=1e-3)


def test_filters_by_source_and_date(database):
    fill(database)

    def found(**given):
        matches = search.similar_templates(database, MODEL, LIKE_SLOW, **given)
        return [(one.template_id, one.count) for one in matches]

    write.merge_templates(database, [PAID], source="web", date=FIRST)
    assert found(sources=["web"]) == [(PAID.template_id, 0)]
    assert found(sources=["nowhere"]) == []
    assert found(since="2026-11-21") == []
    assert found(since=SECOND, limit=1) == [(SLOW.template_id, 30)]


def test_two_templates_of_one_text_are_both_found(database):
    fill(database)
    twin = template("query took <*> ms", first="another first pattern")
    write.merge_templates(database, [twin], source="shop", date=SECOND)
    found = search.similar_templates(database, MODEL, LIKE_SLOW, limit=2)
    assert {one.template_id for one in found} == {SLOW.template_id, twin.template_id}


@pytest.fixture
def many(database):
    """3,000 templates of one source with an approximate index; 15 of them are rare's, far away."""
    random = np.random.default_rng(7)
    common = [template(f"common {n}") for n in range(3_000)]
    rare = [template(f"rare {n}") for n in range(15)]
    near = random.normal(size=(3_000, 16)) * 0.1 + np.eye(16)[0]
    far = random.normal(size=(15, 16)) * 0.1 - np.eye(16)[0]
    for source, templates in (("common", common), ("rare", rare)):
        write.merge_templates(database, templates, source=source, date=FIRST)
    texts = [one.model_text for one in (*common, *rare)]
    write.save_vectors(
        database, "m:1", 16, zip(texts, np.vstack((near, far)).astype(np.float32), strict=True)
    )
    assert write.index_vectors(database, "m:1", minimum=1_000)
    return database


def test_a_filter_that_keeps_few_still_fills_the_limit(many, database_url):
    """The index scan is made to give up early, as it does of itself among very many vectors."""
    query = np.eye(16, dtype=np.float32)[0]
    name = many.url.database
    administer(
        database_url,
        f"ALTER DATABASE {name} SET enable_sort = off",
        f"ALTER DATABASE {name} SET hnsw.max_scan_tuples = 50",
    )
    engine = connect.engine(database_url)
    found = search.similar_templates(engine, "m:1", query, limit=10, sources=["rare"])
    engine.dispose()

    assert len(found) == 10
    vectors = read.vectors(many, "m:1", [template(f"rare {n}").template_id for n in range(15)])
    best = np.argsort(-(vectors.values @ query))[:10]
    assert [one.template_id for one in found] == [vectors.template_ids[one] for one in best]


def test_the_approximate_index_is_used_and_agrees_with_the_exact_scan(many):
    query = np.eye(16, dtype=np.float32)[0]
    near = {one.template_id for one in search.similar_templates(many, "m:1", query, limit=10)}
    everything = read.templates(many)
    vectors = read.vectors(many, "m:1", everything)
    best = np.argsort(-(vectors.values @ query))[:10]
    assert len(near & {vectors.template_ids[one] for one in best}) >= 9

    with many.connect() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(
            connection.exec_driver_sql(
                "EXPLAIN SELECT text_sha FROM biglog.vector WHERE model_id = 'm:1' ORDER BY"
                f" (embedding::halfvec(16)) <=> '{search.literal_of(query)}' LIMIT 5"
            ).scalars()
        )
    assert "Index Scan using vector_" in plan


def test_few_vectors_get_no_index(database):
    fill(database)
    assert write.index_vectors(database, MODEL) is False
    assert write.index_vectors(database, "unknown") is False


@pytest.mark.parametrize(
    "bad", [vector(1, 0, 0), np.zeros(4, np.float32), vector(1, 0, 0, 0) * np.nan]
)
def test_a_query_that_cannot_be_compared_is_refused(database, bad):
    fill(database)
    with pytest.raises(BadInput, match="expected 4 finite numbers"):
        search.similar_templates(database, MODEL, bad)


def test_an_unknown_model_finds_nothing_and_an_odd_name_is_only_a_name(database):
    fill(database)
    odd = "it's: {a} %s :date ::x \\"
    assert search.similar_templates(database, odd, LIKE_SLOW) == ()
    write.save_vectors(database, odd, 4, [(PAID.model_text, LIKE_SLOW)])
    assert write.index_vectors(database, odd, minimum=1)
    (found,) = search.similar_templates(database, odd, LIKE_SLOW)
    assert found.template_id == PAID.template_id


def test_similar_incidents_are_earlier_ones_as_they_last_were(database):
    disk = {"title": "disk full", "first_line": "no space", "worst_line": "no space"}
    net = {"title": "link down", "first_line": "eth0", "worst_line": "eth0"}
    nights = {
        "2026-11-01": [("old", disk)],
        "2026-11-02": [("old", {**disk, "day": 2, "state": "resolved"}), ("net", net)],
        "2026-11-05": [("newer", disk)],
        SECOND: [("tonight", disk)],
    }
    for date, named in nights.items():
        found = tuple(incident(date, name, **values) for name, values in named)
        write.publish(database, night(date, incidents=found))
    texts = {write.incident_text(incident(SECOND, **one)) for one in (disk, net)}
    write.save_vectors(
        database, MODEL, 4, [(t, LIKE_SLOW if "disk" in t else vector(1, 0, 0, 0)) for t in texts]
    )

    found = search.similar_incidents(database, MODEL, LIKE_SLOW, SECOND, 5)
    assert [(one.ref, one.date) for one in found] == [
        ("newer", "2026-11-05"),
        ("old", "2026-11-02"),
        ("net", "2026-11-02"),
    ]
    assert found[0].similarity == pytest.approx(1, abs=1e-3)
    assert found[0].detail == "db failed first"
    assert [
        one.ref
        for one in search.similar_incidents(
            database, MODEL, LIKE_SLOW, SECOND, 1, excluding=["newer"]
        )
    ] == ["old"]


DISK = Entry("disk", "磁盘空间不足", "先清理旧日志。", "storage", ("disk", "存储"), language="zh")
LOGIN = Entry("login", "Login fails", "Reset the token.", "access", ("auth",), language="en")


def test_an_entry_lives_through_its_versions(database):
    made = knowledge.create(database, DISK, author="lin", comment="first")
    assert (made.version, made.tags) == (1, ("disk", "存储"))
    assert made.created_at is not None

    changed = knowledge.update(
        database, Entry("disk", "磁盘满", "扩容。", version=1), author="wu", comment="shorter"
    )
    assert (changed.version, knowledge.show(database, "disk").title) == (2, "磁盘满")
    assert knowledge.show(database, "disk", version=1).content == "先清理旧日志。"

    knowledge.delete(database, "disk", 2, author="lin")
    assert knowledge.entries(database) == ()
    with pytest.raises(BadInput, match="no knowledge entry 'disk'"):
        knowledge.show(database, "disk")
    assert knowledge.create(database, DISK).version == 4
    assert [(one.action, one.author) for one in knowledge.revisions(database, "disk")] == [
        ("restore", ""),
        ("delete", "lin"),
        ("update", "wu"),
        ("create", "lin"),
    ]


def test_a_stale_change_is_refused(database):
    knowledge.create(database, DISK)
    knowledge.update(database, DISK)
    with pytest.raises(BadInput, match="at version 2, got 1"):
        knowledge.update(database, DISK)
    with pytest.raises(BadInput, match="at version 2, got 1"):
        knowledge.delete(database, "disk", 1)
    with pytest.raises(BadInput, match="exists"):
        knowledge.create(database, DISK)


def test_lists_are_narrowed(database):
    for one in (DISK, LOGIN, Entry("d", "A draft", "", state="draft")):
        knowledge.create(database, one)
    ids = [one.entry_id for one in knowledge.entries(database)]
    assert ids == ["d", "login", "disk"]
    assert [one.entry_id for one in knowledge.entries(database, state="draft")] == ["d"]
    assert [one.entry_id for one in knowledge.entries(database, tag="存储")] == ["disk"]
    assert [one.entry_id for one in knowledge.entries(database, category="access")] == ["login"]
    assert [one.entry_id for one in knowledge.entries(database, limit=1, offset=1)] == ["login"]


@pytest.fixture
def library(database):
    for one in (DISK, LOGIN, Entry("draft", "Disk draft", "x", state="draft")):
        knowledge.create(database, one)
    knowledge.save_chunks(
        database,
        "disk",
        [
            Chunk("磁盘空间不足", ("磁盘", "盘空", "空间", "ora-00942")),
            Chunk("清理旧日志", ("清理", "日志", "the")),
        ],
    )
    knowledge.save_chunks(
        database, "login", [Chunk("Login fails", ("login", "fails", "the", "it's", "a\\b", "the"))]
    )
    knowledge.save_chunks(database, "draft", [Chunk("Disk draft", ("磁盘",))])
    return database


def test_words_find_the_entry_that_holds_the_rarer_ones(library):
    (hit,) = knowledge.candidates_by_terms(library, ["磁盘", "空间", "nothing"])
    assert (hit.entry_id, hit.chunk, set(hit.matched)) == ("disk", "磁盘空间不足", {"磁盘", "空间"})

    both = knowledge.candidates_by_terms(library, ["the", "login"])
    assert [one.entry_id for one in both] == ["login", "disk"]
    assert both[0].matched[0] == "login"
    assert both[0].score > both[1].score > 0


def test_no_token_is_read_as_syntax(library):
    assert knowledge.candidates_by_terms(library, []) == ()
    for token in ("it's", "a\\b", "ora-00942"):
        assert len(knowledge.candidates_by_terms(library, [token])) == 1
    for token in ("' | 'login", "!login", "login:*", ":x %s {a}", "\0", "x" * 5_000):
        assert knowledge.candidates_by_terms(library, [token]) == ()


def test_meaning_finds_the_best_piece_of_each_entry(library):
    texts = knowledge.chunk_texts(library)
    assert set(texts.values()) == {"磁盘空间不足", "清理旧日志", "Login fails", "Disk draft"}
    axes = {"磁盘空间不足": (0, 1, 0, 0), "清理旧日志": (0, 0, 1, 0)}
    rows = [(one, vector(*axes.get(one, (1, 0, 0, 0)))) for one in texts.values()]
    write.save_vectors(library, MODEL, 4, rows)

    found = knowledge.candidates_by_vector(library, MODEL, vector(0, 0.1, 1, 0))
    assert [(one.rank, one.entry_id, one.chunk) for one in found] == [
        (1, "disk", "清理旧日志"),
        (2, "login", "Login fails"),
    ]
    assert set(texts) <= read.known_texts(library, MODEL)


def test_a_deleted_entry_is_found_no_more(library):
    knowledge.delete(library, "login", 1)
    assert knowledge.candidates_by_terms(library, ["login"]) == ()


def test_drafts_are_found_when_asked_for(library):
    found = knowledge.candidates_by_terms(library, ["磁盘"], states=("draft",))
    assert [one.entry_id for one in found] == ["draft"]
