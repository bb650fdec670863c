"""A cluster keeps its identity while half of its members stay together."""

from biglog.clusters.identity import carry_on
from biglog.records import Cluster

FIRST, SECOND = "2026-11-02", "2026-11-03"


def cluster(date, label, members):
    ids = tuple(members.split())
    return Cluster(date, label, members, ids[0], ids, len(ids))


def night(*members, date=SECOND):
    return [cluster(date, label, one) for label, one in enumerate(members)]


def first_night(*members):
    return carry_on(night(*members, date=FIRST), ())


def test_a_new_cluster_is_founded_the_same_on_every_run():
    one, other = first_night("a b", "c d")
    assert (one.since, one.joined_ids, one.left_ids) == (FIRST, (), ())
    assert one.identity != other.identity
    assert first_night("a b", "c d") == (one, other)


def test_labels_may_change_and_members_come_and_go():
    known = first_night("a b c", "x y z")
    second = carry_on(night("x y w", "a b c"), known)
    assert [one.identity for one in second] == [known[1].identity, known[0].identity]
    assert [one.since for one in second] == [FIRST, FIRST]
    assert (second[0].joined_ids, second[0].left_ids) == (("w",), ("z",))
    assert (second[1].joined_ids, second[1].left_ids) == ((), ())


def test_what_was_not_seen_tonight_does_not_count_against_it():
    known = first_night("a b c d e f")
    assert carry_on(night("a b"), known)[0].identity == known[0].identity


def test_a_scattered_cluster_ends():
    known = first_night("a b c d e f")
    second = carry_on(night("a x", "b y", "c d z", "e q", "f r"), known)
    assert known[0].identity not in {one.identity for one in second}
    assert {one.since for one in second} == {SECOND}


def test_of_two_that_merge_the_larger_share_gives_the_name():
    known = first_night("a b", "c d e")
    (merged,) = carry_on(night("a b c d e"), known)
    assert merged.identity == known[1].identity
    assert merged.joined_ids == ("a", "b")


def test_of_two_halves_one_carries_on():
    known = first_night("a b c d")
    halves = carry_on(night("a b", "c d"), known)
    assert [one.identity == known[0].identity for one in halves] == [True, False]
