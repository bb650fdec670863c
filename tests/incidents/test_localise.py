"""Which place a fault lies in: what it says, what it no longer says, how long its steps take."""

import polars as pl
import pytest

from biglog.incidents.localise import LINES, localise, long_waits, rank, tally, unusual_words

# A request: the gateway asks the shop, the shop the store, and all answer.
STEPS = [
    ("gateway", "asked"),
    ("shop", "looks"),
    ("store", "reads"),
    ("store", "read"),
    ("shop", "found"),
    ("gateway", "answered"),
]


def requests(count, *, waits=None, change=lambda step: [step], start=0):
    """Lines of requests; ``waits`` are milliseconds before a line, 10 where not said."""
    rows = []
    for n in range(start, start + count):
        at = n * 1_000_000_000
        for step in STEPS:
            at += int((waits or {}).get(step, 10) * (1 + 0.1 * (n % 5)) * 1e6)
            rows += [(place, said, f"trace{n}", at) for place, said in change(step)]
    frame = pl.DataFrame(rows, schema=list(LINES), orient="row")
    return frame.cast(LINES)


PAST = requests(50)


def first(now, others=None):
    return localise(now, PAST, others or {})[0].place


def test_a_place_that_no_longer_says_its_second_line():
    now = requests(20, start=60, change=lambda one: [] if one == ("store", "read") else [one])
    assert first(now) == "store"
    assert (
        max(
            unusual_words(tally(now), tally(PAST))["less of a line"].items(), key=lambda one: one[1]
        )[0]
        == "store"
    )


def test_a_place_with_a_new_line_comes_before_one_that_complains_of_it():
    def fails(step):
        return {
            ("shop", "found"): [("shop", "found"), ("shop", "failed"), ("shop", "failed")],
            ("gateway", "answered"): [step, ("gateway", "5xx")],
        }.get(step, [step])

    assert first(requests(20, start=60, change=fails)) == "shop"


@pytest.mark.parametrize("slow", [("store", "reads"), ("store", "read")], ids=["way", "work"])
def test_a_place_whose_steps_take_longer(slow):
    waits = {slow: 200, ("shop", "found"): 60 if slow[1] == "reads" else 10}
    now = requests(20, start=60, waits=waits)
    strengths = long_waits(now, PAST)
    assert max(strengths, key=strengths.__getitem__) == "store"
    assert first(now) == "store"


def test_a_sign_from_elsewhere_counts_by_its_share():
    now = requests(20, start=60)
    assert first(now, {"cpu": {"gateway": 1.0, "shop": 1.0, "store": 90.0}}) == "store"


def test_a_sign_that_all_show_says_nothing():
    found = rank({"all": {"a": 1.0, "b": 1.0, "c": 1.0}, "one": {"a": 0.0, "b": 3.0, "c": 1.0}})
    assert [one.place for one in found] == ["b", "c", "a"]
    assert found[0].weight == pytest.approx(1 / 9 + 9 / 16)
    assert found[0].parts == pytest.approx({"all": 1 / 9, "one": 9 / 16})


def test_without_traces_or_a_past_there_are_no_waits_and_no_words():
    now = requests(5).with_columns(trace=pl.lit(None, pl.String))
    assert long_waits(now, PAST) == {}
    assert localise(now, PAST.clear(), {}) == []
