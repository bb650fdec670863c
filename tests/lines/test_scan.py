"""A scanner reads what the regex engine reads, on any line, or says that it is not sure."""

import json

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from biglog.lines.detect import look_of, may_fit
from biglog.lines.formats import load_formats
from biglog.lines.patterns import groups_of
from biglog.lines.program import compile_pattern
from biglog.lines.scan import objects, scan

PATTERNS = [
    (one.name, at, pattern)
    for one in load_formats().values()
    for at, pattern in enumerate(one.patterns)
]
# Each shows one way that a scanner could differ from the engine.
TRICKY = (
    r"^(?P<a>[a-c]+)(?P<b>b?)c$",
    r"^(?P<a>[^ ]*) (?P<b>.*?)(?P<c>=.*)?$",
    r"^(?P<a>(?i:warn|warning|w)):(?P<b>.+)$",
    r"^(?:(?P<a>a)b)?(?P<b>.*)$",
    r"^(?P<a>(?:[^\"\\]|\\.)*)\"(?P<b>x{2,3})?$",
    r"^(?P<a>(?:a|ab)(?:c|bcd))(?P<b>d*)$",
    r"^(?P<a>.{1,3})(?P<b>\w*)$",
    r"^(?P<a>(?:[ab]+c){0,2})(?P<b>日志|日)?",
    r"^(?P<a>\S+)\s+(?P<b>[^\d]*)$",
    r"^(?P<a>a??)(?P<b>a*)$",
    r"^(?P<a>(?i:w|wa|warn)|日志?|a[b日]|\d{2}x):?(?P<b>.*)$",
    r"^(?P<a>.*?)(?P<b>[b日]+)(?P<c>.*?)=x?$",
    r"^[ab]c(?P<a>\d{2}[=:]é?)(?P<b>\"[^\"]*\")*",
)
LINES = st.lists(st.text('ab c"\\=:wW日志x1é', max_size=14), min_size=1, max_size=12)


def by_engine(lines: list[str], pattern: str) -> list[dict[str, str | None]]:
    groups = groups_of(pattern)
    found = pl.Series(lines, dtype=pl.String).str.extract_groups(pattern).struct.unnest()
    return [dict(zip(groups, row, strict=False)) for row in found.iter_rows()]


def assert_reads_alike(lines: list[str], pattern: str) -> int:
    """Compare line by line; how many lines the scanner was sure to fit."""
    program = compile_pattern(pattern)
    assert program is not None
    read = scan(pl.Series(lines, dtype=pl.String), program)
    columns = {name: read.column(name).to_list() for name in program.groups}
    unsure = set(read.unsure.tolist())
    for row, wanted in enumerate(by_engine(lines, pattern)):
        if row not in unsure:
            assert {name: columns[name][row] for name in columns} == wanted, lines[row]
    return int(read.matched.sum())


@pytest.mark.parametrize("pattern", TRICKY)
@settings(max_examples=150, deadline=None)
@given(lines=LINES)
@example(lines=["abcbc", "abbc", "a b=c", "WARN:x", "warning:x", "ab", "aab", 'a\\"b"xx', "abcd"])
@example(lines=["日志", "é日x", "abc日志", "", " ", "acbc日", "aaa"])
def test_tricky_patterns(pattern, lines):
    assert_reads_alike(lines, pattern)


def test_texts_are_read_where_they_lie_and_short_ones_too():
    lines = pl.Series(["", "x" * 40, "1", "ab", "cd" * 20, "e" * 13])
    for some in (lines, lines.slice(1), lines.slice(4), lines.slice(2, 2), lines.reverse()):
        assert_reads_alike(some.to_list(), r"^(?P<a>[a-z]*)$")
        read = scan(some, compile_pattern(r"^(?P<a>[a-z]*)$"))
        assert read.column("a").to_list() == [None if one == "1" else one for one in some]


@pytest.mark.parametrize(("name", "at", "pattern"), PATTERNS, ids=lambda one: str(one)[:24])
def test_every_pattern_reads_every_format_s_samples(name, at, pattern):
    samples = [
        line
        for one in load_formats().values()
        for sample in one.sample
        for line in (*sample.after.split("\n"), *sample.line.split("\n"))
    ]
    cut = [line[:length] for line in samples for length in (len(line) // 3, len(line) - 1)]
    if compile_pattern(pattern) is None:
        pytest.skip(f"pattern {at} of {name} is read by the regex engine alone")
    assert_reads_alike([*samples, *cut], pattern)


def assert_signs_are_there(lines: list[str], pattern: str) -> None:
    """No line that the engine reads is without the signs of the pattern."""
    found = pl.Series(lines, dtype=pl.String).str.contains(pattern)
    for line in pl.Series(lines, dtype=pl.String).filter(found):
        assert may_fit(pattern, look_of(pl.Series([line]))), line


@pytest.mark.parametrize("pattern", [*TRICKY, r"(?i)^ab", r"ab=", r"^(?:a|$)", r"^a?(?:b?$)?"])
@settings(max_examples=150, deadline=None)
@given(lines=LINES)
@example(lines=["abcbc", "abbc", "a b=c", "WARN:x", "warning:x", "AB", "", 'a\\"b"xx', "abcd", "a"])
@example(lines=["日志", "é日x", "abc日志", " ", "acbc日", "aaa", "xab=", "b"])
def test_what_a_pattern_reads_has_its_signs(pattern, lines):
    assert_signs_are_there(lines, pattern)


@pytest.mark.parametrize(("name", "at", "pattern"), PATTERNS, ids=lambda one: str(one)[:24])
def test_every_sample_has_the_signs_of_what_reads_it(name, at, pattern):
    samples = [one.line for form in load_formats().values() for one in form.sample]
    assert_signs_are_there([line for text in samples for line in text.split("\n")], pattern)


def test_signs_tell_what_a_pattern_cannot_read():
    pattern = r"^(?P<timestamp>[0-9]{4}-[0-9]{2})(?:,[0-9]+)? \| (?P<content>.*)$"
    lines = {"2026-11 | a": True, "2026-11,5 | a": True, "2026 11 | a": False, "2026-11 - a": False}
    assert {one: may_fit(pattern, look_of(pl.Series([one]))) for one in lines} == lines
    assert not may_fit(pattern, look_of(pl.Series([], dtype=pl.String)))


def test_nearly_every_pattern_has_a_scanner():
    without = [name for name, _, pattern in PATTERNS if compile_pattern(pattern) is None]
    assert len(without) <= len(PATTERNS) // 10, without


def test_a_line_that_would_take_for_ever_is_left_to_the_engine():
    program = compile_pattern(r"^(?P<a>(?:a|aa)*)b$")
    assert scan(pl.Series(["a" * 200, "aab"]), program).fits.tolist() == [2, 1]


def test_what_only_unicode_tables_know_is_left_to_the_engine():
    program = compile_pattern(r"^(?P<a>\w+)$")
    assert scan(pl.Series(["abc", "日志", "a b"]), program).fits.tolist() == [1, 2, 0]


def test_patterns_without_a_scanner():
    assert compile_pattern(r"(?P<a>x)") is None  # not from the start
    assert compile_pattern(r"^(?P<a>x)\b") is None


FIELDS = r"^(?P<a>[^|]*)\|(?P<b>[^|]*)(?:\|(?P<c>.*))?$"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text('ab"\\\t日|-', max_size=10), min_size=1, max_size=12))
@example(["-|-|-", "a|", "|", "x", 'q"|\\', "a|b|c|d"])
def test_fields_are_json_of_what_says_something(lines):
    read = scan(pl.Series(lines, dtype=pl.String), compile_pattern(FIELDS))
    made = pl.select(objects(read, ["a", "c"], ["", "-"])).to_series().to_list()
    for row, text in enumerate(made):
        groups = {name: read.column(name)[row] for name in ("a", "c")}
        said = {name: value for name, value in groups.items() if value not in (None, "", "-")}
        assert (json.loads(text) if text else {}) == said
        assert text != "{}"
