"""Pages of keyed lines above, the part's file below."""

import os
import time

import pytest

from biglog.errors import BadInput, TryAgain
from biglog.sources.asking import Patience
from biglog.sources.pulling import Page, await_end, iso, keyed, merge, pull, span

A, B, C = (keyed(at, "", {"n": at}) for at in (1, 2, 3))


def cut_short(start):
    """One page, then the connection is gone."""
    yield Page([A], 2)
    raise ConnectionError


def the_rest(start):
    assert start == 2
    yield Page([B], 3)
    yield Page([C], 4)


def everything(start):
    assert start == 0
    yield Page([A, B, C], 4)


def test_a_pull_goes_on_after_its_last_whole_page(tmp_path):
    part = tmp_path / ".part"
    with pytest.raises(ConnectionError):
        pull(part, "plan", 0, cut_short)
    pull(part, "plan", 0, the_rest)
    assert part.read_bytes() == A + B + C


def test_a_page_that_was_written_but_not_counted_is_written_again(tmp_path):
    part = tmp_path / ".part"
    with pytest.raises(ConnectionError):
        pull(part, "plan", 0, cut_short)
    with part.open("ab") as out:
        out.write(B[:-3])
    pull(part, "plan", 0, the_rest)
    assert part.read_bytes() == A + B + C


@pytest.mark.parametrize(
    "spoil", ["another question", "a lost file", "a state of another version", "two days ago"]
)
def test_what_cannot_be_gone_on_with_is_begun_anew(tmp_path, spoil):
    part = tmp_path / ".part"
    with pytest.raises(ConnectionError):
        pull(part, "plan", 0, cut_short)
    if spoil == "a lost file":
        part.unlink()
    if spoil == "a state of another version":
        (tmp_path / ".part.state").write_text("{}")
    if spoil == "two days ago":
        past = time.time() - 2 * 86_400
        os.utime(tmp_path / ".part.state", (past, past))
    pull(part, "other plan" if spoil == "another question" else "plan", 0, everything)
    assert part.read_bytes() == A + B + C


def test_parts_become_one_file_without_their_keys(tmp_path):
    parts = [tmp_path / ".a", tmp_path / ".b"]
    pull(parts[0], "plan", 0, lambda start: iter([Page([A, C], 4)]))
    pull(parts[1], "plan", 0, lambda start: iter([Page([B], 4)]))
    target = merge(parts, tmp_path / "lines.jsonl")
    assert target.read_text() == '{"n":1}\n{"n":2}\n{"n":3}\n'
    assert [one.name for one in tmp_path.iterdir()] == ["lines.jsonl"]


def test_text_that_would_break_a_line_does_not():
    line = keyed(7, "a\tb\nc", {"message": "one\ntwo\tthree \ud800 错误"})
    assert line.decode() == f'{7:020}\ta b c\t{{"message":"one\\ntwo\\tthree ? 错误"}}\n'


def test_a_date_has_as_many_hours_as_its_zone_gives_it():
    hour = 3600 * 10**9
    start, end = span("2026-03-29", "Europe/Berlin")
    assert end - start == 23 * hour
    assert iso(start) == "2026-03-28T23:00:00.000000000Z"
    with pytest.raises(BadInput, match="timezone 'Mars' is unknown"):
        span("2026-03-29", "Mars")


def test_a_date_that_goes_on_is_waited_for_only_where_its_end_is_near():
    waits = []
    end = 1_000 * 10**9
    for now in (1_121, 1_000, 990):
        await_end(end, Patience(sleep=waits.append, now=lambda now=now: float(now)))
    assert waits == [120, 130]
    with pytest.raises(TryAgain, match="not over before 1970-01-01T00:16:40"):
        await_end(end, Patience(sleep=waits.append, now=lambda: 100.0))
