"""Values under a wildcard above, what they are below."""

import random

import pyarrow as pa
import pytest

from biglog.records import EVENTS
from biglog.templates import variables
from biglog.templates.variables import Tally


def events(*rows):
    """Rows of (template, values) or (template, values, how many lines it stands for)."""
    return pa.table(
        {
            "template_id": pa.array([row[0] for row in rows], pa.string()),
            "parameters": pa.array([row[1] for row in rows], EVENTS.field("parameters").type),
            "count": pa.array([row[2] if len(row) > 2 else 1 for row in rows], pa.int64()),
        }
    )


def told(pattern, *values):
    """The variable of a pattern's last wildcard, from these values of it."""
    tally = Tally.empty()
    blanks = [""] * (pattern.count("<*>") - 1)
    tally.add(events(*[("t", [*blanks, value]) for value in values]))
    return tally.summary({"t": pattern}, "shop", "2026-11-19")[-1]


@pytest.mark.parametrize(
    ("pattern", "values", "kind"),
    [
        ("retry <*>", ("1", "2", "-7.5", "1,024", "1e3"), "number"),
        ("used <*>", ("97%", "12%"), "number"),
        ("took <*>", ("15ms", "1.5s", "0", "3 minutes"), "duration"),
        ("took <*>", ("1m2.5s", "2h0m0s"), "duration"),
        ("took <*> ms", ("15", "250"), "duration"),
        ("耗时<*>毫秒", ("15", "250"), "duration"),
        ("elapsed_ms=<*>", ("15", "250"), "duration"),
        ("elapsed: <*>", ("15", "250"), "duration"),
        ("sent <*>", ("5.2 KB", "17MB", "3GiB"), "size"),
        ("sent <*> bytes", ("15", "250"), "size"),
        ("of size <*> from here", ("67108864", "1"), "size"),
        ("from <*>", ("10.0.0.1", "10.0.0.2:80", "::1", "/10.1.1.1", "fe80::1%eth0"), "ip"),
        ("port <*>", ("22", "51234"), "port"),
        ("dest port=<*>", ("22", "51234"), "port"),
        ("read <*>", ("/var/log/a", "./b", "C:\\x\\y", "a/b/c"), "path"),
        ("get <*>", ("http://a.example/x?y=1", "ftp://b"), "url"),
        ("block <*>", ("blk_-17", "blk_22", "a9x"), "id"),
        ("pid <*>", ("17", "2201"), "id"),
        ("at <*>", ("0xdeadbeef", "ab12", "cafe", "1234"), "hex"),
        ("since <*>", ("2026-11-19 10:00:00", "10:00:01.5", "Nov 19", "2026年11月19日"), "time"),
        ("user <*>", ("alice", "bob7"), "user"),
        ("用户 <*>", ("alice", "张三"), "user"),
        ("said <*>", ('"one thing"', "'another'"), "quoted"),
        ('msg="<*>"', ("one thing", "another, longer"), "quoted"),
        ("ready: <*>", ("true", "False"), "boolean"),
        ("got <*>", ('{"a": 1}', "[1, 2]"), "json"),
        ("to <*>", ("db1.example.com", "web.internal:80"), "host"),
        ("host=<*>", ("db1", "web2"), "host"),
        ("mail <*>", ("a@example.com", "b.c@d.org"), "email"),
        ("mail <*>", ("[EMAIL:ab12]", "[EMAIL:cd34]"), "redacted"),
        ("state <*>", ("open", "closed", "半开"), "word"),
        ("then <*>", ("one two", "7", "x", "/a/b"), "mixed"),
        ("then <*>", ("", ""), "mixed"),
    ],
)
def test_kinds(pattern, values, kind):
    assert told(pattern, *values).kind == kind


def test_one_odd_value_in_twenty_changes_no_kind():
    values = [str(n) for n in range(19)]
    assert told("retry <*>", *values, "never").kind == "number"
    assert told("retry <*>", *values[:5], "never").kind == "mixed"


@pytest.mark.parametrize(
    ("pattern", "values", "unit", "sizes"),
    [
        ("took <*> ms", ("100", "200", "600"), "s", (0.1, 0.6, 0.3, 0.2)),
        ("took <*>", ("100ms", "0.2s", "1 min"), "s", (0.1, 60.0, 20.1, 0.2)),
        ("took <*>", ("1m2.5s", "1h0m0s", "2m0s"), "s", (62.5, 3600, 1260.83333, 120)),
        ("sent <*>", ("1KB", "2 KiB", "3kB"), "byte", (1024, 3072, 2048, 2048)),
        ("sent <*> MB", ("1", "2", "6"), "byte", (2**20, 6 * 2**20, 3 * 2**20, 2 * 2**20)),
        ("retry <*>", ("1", "2", "1,203"), "", (1, 1203, 402, 2)),
        ("used <*>%", ("50", "70", "60"), "%", (50, 70, 60, 60)),
    ],
)
def test_sizes_in_base_units(pattern, values, unit, sizes):
    one = told(pattern, *values)
    assert one.unit == unit
    assert (one.minimum, one.maximum, one.mean, one.p50) == pytest.approx(sizes)
    assert one.numbers == 3


@pytest.mark.parametrize("pattern", ["port <*>", "pid <*>"])
def test_what_only_looks_like_a_number_has_no_size(pattern):
    one = told(pattern, "22", "80")
    assert (one.numbers, one.minimum, one.p99) == (0, None, None)


def test_quantiles_are_values_that_occurred():
    one = told("took <*> s", *map(str, range(1, 201)))
    assert (one.p50, one.p95, one.p99, one.maximum) == (100, 190, 198, 200)


def test_counts_and_the_most_frequent_values():
    tally = Tally.empty()
    tally.add(events(("a", ["x", "7"]), ("b", []), ("a", ["x", "8"]), ("a", ["y", "7"], 5)))
    tally.add(events(("c", ["z"]), ("a", ["x", "9"])))
    found = tally.summary({"a": "<*> is <*>", "b": "up", "c": "<*> down"}, "shop", "2026-11-19")

    assert [(one.template_id, one.slot, one.count, one.distinct, one.top) for one in found] == [
        ("a", 1, 8, 2, (("y", 5), ("x", 3))),
        ("a", 2, 8, 3, (("7", 6), ("8", 1), ("9", 1))),
        ("c", 1, 1, 1, (("z", 1),)),
    ]
    assert found[1].mean == pytest.approx((6 * 7 + 8 + 9) / 8)
    assert {(one.source, one.date) for one in found} == {("shop", "2026-11-19")}


def test_ten_values_are_kept_and_long_ones_cut():
    one = told("<*>", *[f"v{n}" for n in range(30) for _ in range(n)], *["x" * 5000] * 99)
    assert [value for value, _ in one.top] == ["x" * 200, *[f"v{n}" for n in range(29, 20, -1)]]
    assert one.distinct == 30


def test_no_events_no_variables():
    assert Tally.empty().summary({"a": "<*>"}, "shop", "2026-11-19") == ()
    tally = Tally.empty()
    tally.add(events(("a", [])))
    assert tally.summary({"a": "up"}, "shop", "2026-11-19") == ()


def lines(seed):
    chance = random.Random(seed)
    names = [f"u{chance.randrange(40)}" for _ in range(600)]
    found = [("a", [name, f"{chance.randrange(90)}ms"]) for name in names]
    return [*found, *[("b", [f"r-{n}x{n}"]) for n in range(5000)]]


PATTERNS = {"a": "<*> took <*>", "b": "request <*>"}


def test_batches_and_the_order_of_lines_change_nothing():
    rows = lines(1)
    shuffled = random.Random(2).sample(rows, len(rows))
    whole, pieces = Tally.empty(), Tally.empty()
    whole.add(events(*rows))
    for start in range(0, len(rows), 700):
        pieces.add(events(*shuffled[start : start + 700]))
    assert whole.summary(PATTERNS, "s", "d") == pieces.summary(PATTERNS, "s", "d")


def test_too_many_values_are_estimated_and_the_frequent_ones_are_exact(monkeypatch):
    for name, value in (("VALUES", 1_000), ("SAMPLE", 256), ("HEAVY", 50), ("NUMBERS", 60)):
        monkeypatch.setattr(variables, name, value)
    rows = lines(1)
    tally = Tally.empty()
    for start in range(0, len(rows), 700):
        tally.add(events(*rows[start : start + 700]))
    user, took, request = tally.summary(PATTERNS, "s", "d")

    assert tally.values.height < 1_500
    assert (user.count, user.distinct) == (600, 40)
    assert request.count == 5000
    assert request.distinct == pytest.approx(5000, rel=0.2)
    assert request.kind == "id"
    assert took.numbers == 600
    exact = sorted(int(values[1][:-2]) / 1000 for key, values in rows if key == "a")
    assert took.p50 == pytest.approx(exact[299], rel=1e-3)
    assert took.maximum == pytest.approx(exact[-1], rel=1e-3)


HOSTILE = ("\0", "😀", "{{7*7}}", "'; DROP", "nan", "inf", "1e999", "9" * 400, "5 KB" * 2000)


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values(value):
    one = told("got <*>", value, value)
    assert one.count == 2
    assert one.maximum is None or abs(one.maximum) < float("inf")
