"""Lines that were cut before they came: pieces of a container's line, newlines in quoted cells."""

import json

import pytest

from biglog.lines.read import read
from biglog.settings import LineSettings, SourceSettings

PIECE = 16_384
HEADER = "time,level,message,code\n"
ROW = "2026-11-02 10:00:00,info,fine,{}\n"
SEVERAL = '2026-11-02 10:00:01,warn,"a, ""b""\nsecond\n\nlast",17\n'


def read_all(path, form="auto", *, joined=True, **settings):
    source = SourceSettings("s", "x", format=form, redact="off")
    batches = list(read([path], source, LineSettings(**settings), joined=joined))
    lines = [row for batch in batches for row in batch.lines.to_pylist()]
    return lines, [row for batch in batches for row in batch.bad.to_pylist()]


def docker(text, stream="stdout", *, ends=True):
    said = {"log": text + "\n" * ends, "stream": stream, "time": "2026-11-02T10:00:07Z"}
    return json.dumps(said, ensure_ascii=False) + "\n"


def cut_by_docker(text, other):
    """The line as Docker writes it, another stream's line after each of its pieces."""
    pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
    lines = [docker(one, ends=one is pieces[-1]) + docker(other, "stderr") for one in pieces]
    return "".join(lines)


# pieces of a container's line

HEAD = "2026-11-02 10:00:00,123 ERROR [main] shop.Cart: "
LONG = 'a "word" \\n and blanks  ' * 2000 + "end"
OTHER = "2026-11-02 10:00:01,123 WARN [main] shop.Pay: other"


@pytest.mark.parametrize("batch", [1, 2, 3, 200_000])
def test_pieces_of_a_docker_line_are_one_record_in_whatever_blocks_they_come(batch, landed):
    path = landed(docker(OTHER) + cut_by_docker(HEAD + LONG, OTHER) + docker(OTHER))
    lines, bad = read_all(path, batch_lines=batch)
    long = [row for row in lines if row["component"] == "shop.Cart"]
    assert [(row["line_no"], row["level"], row["content"]) for row in long] == [(2, "ERROR", LONG)]
    assert [row["content"] for row in lines if row not in long] == ["other"] * 5
    assert bad == []


def test_every_piece_is_a_row_where_lines_are(landed):
    path = landed(cut_by_docker(HEAD + LONG, OTHER))
    assert len(read_all(path, joined=False)[0]) == 6


def test_a_short_line_without_a_newline_is_no_piece(landed):
    lines, _ = read_all(landed("".join(docker(f"event {at}", ends=False) for at in range(5))))
    assert [row["content"] for row in lines] == [f"event {at}" for at in range(5)]


def test_a_backslash_before_an_n_is_no_newline(landed):
    first = "x" * PIECE + "\\n"
    assert len(read_all(landed(docker(first, ends=False) + docker("rest")))[0]) == 1
    assert len(read_all(landed(docker(first) + docker("other")))[0]) == 2


def test_traces_of_two_streams_of_a_docker_log_stay_apart(landed):
    path = landed(
        docker(HEAD + "boom")
        + docker(OTHER, "stderr")
        + docker("\tat shop.Cart.add(Cart.java:17)")
        + docker("\tat shop.Pay.pay(Pay.java:3)", "stderr")
    )
    assert [row["body"] for row in read_all(path)[0]] == [
        "\tat shop.Cart.add(Cart.java:17)",
        "\tat shop.Pay.pay(Pay.java:3)",
    ]


@pytest.mark.parametrize("batch", [1, 2, 3, 9])
def test_pieces_of_a_kubernetes_line_are_joined_across_blocks(batch, landed):
    path = landed(
        "2026-11-02T10:00:00.1Z stdout P one \n"
        "2026-11-02T10:00:00.2Z stderr F other\n"
        "2026-11-02T10:00:00.3Z stdout P line \n"
        "2026-11-02T10:00:00.4Z stdout F in three\n"
        "2026-11-02T10:00:00.5Z stdout P without an end\n"
    )
    lines, _ = read_all(path, batch_lines=batch)
    assert [(row["line_no"], row["content"]) for row in lines] == [
        (1, "one line in three"), (2, "other"), (5, "without an end")]  # fmt: skip


def test_a_line_that_never_ends_is_not_held_back_without_bound(landed):
    piece = "2026-11-02T10:00:00.1Z stdout P " + "x" * 1000 + "\n"
    lines, _ = read_all(landed(piece * 100), batch_lines=10, max_line_bytes=20_000)
    assert len(lines) > 1
    assert sum(len(row["content"]) for row in lines) == 100 * 1000


# newlines in quoted cells


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 200_000])
def test_a_quoted_newline_does_not_end_a_record_in_whatever_blocks_it_comes(batch, landed):
    path = landed(HEADER + SEVERAL + ROW.format(1) + SEVERAL + ROW.format(2), "app.csv")
    lines, bad = read_all(path, batch_lines=batch)
    whole = 'a, "b" ⏎ second ⏎  ⏎ last'
    assert [(row["line_no"], row["content"]) for row in lines] == [
        (2, whole), (6, "fine"), (7, whole), (11, "fine")]  # fmt: skip
    assert [json.loads(row["fields"])["code"] for row in lines] == ["17", "1", "17", "2"]
    assert bad == []


def test_lines_of_a_quoted_cell_count_for_the_format(landed):
    path = landed(HEADER + SEVERAL * 20, "app.csv")
    lines, bad = read_all(path)
    assert len(lines) == 20
    assert bad == []


@pytest.mark.parametrize("batch", [50, 200_000])
def test_a_lost_quote_costs_its_own_line(batch, landed):
    lost = '2026-11-02 10:00:02,info,"lost,2\n'
    rows = "".join(ROW.format(at) for at in range(1500))
    path = landed(HEADER + ROW.format("a") + lost + rows + SEVERAL, "app.csv")
    lines, bad = read_all(path, "csv", batch_lines=batch)
    assert len(lines) == 1502
    assert lines[-1]["content"].startswith('a, "b"')
    assert [(row["file"], row["line_no"], row["reason"]) for row in bad] == [
        (str(path), 3,
         "not csv: reads up to column 26, then expected the quote's end within 1,000 lines")
    ]  # fmt: skip


def test_a_lost_quote_near_another_does_not_take_the_lines_between(landed):
    lost = '2026-11-02 10:00:02,info,"lost,2\n'
    path = landed(HEADER + ROW.format(1) + lost + ROW.format(2) + SEVERAL + ROW.format(3), "a.csv")
    lines, bad = read_all(path, "csv")
    assert [row["line_no"] for row in lines] == [2, 4, 5, 9]
    assert [row["line_no"] for row in bad] == [3]


def test_an_inch_is_no_open_quote(landed):
    row = '2026-11-02 10:00:00,info,5" disk,3\n'
    lines, bad = read_all(landed(HEADER + row + ROW.format(1) + row, "a.csv"), "csv")
    assert [row["content"] for row in lines] == ['5" disk', "fine", '5" disk']
    assert bad == []


def test_a_record_larger_than_a_line_may_be_is_not_put_together(landed):
    wide = '2026-11-02 10:00:01,warn,"' + ("x" * 99 + "\n") * 50 + '",17\n'
    path = landed(HEADER + ROW.format(1) + wide + ROW.format(2), "a.csv")
    lines, bad = read_all(path, "csv", max_line_bytes=2000)
    assert [row["content"] for row in lines] == ["fine", "fine"]
    assert len(bad) == 51


def test_every_line_of_a_quoted_cell_is_a_row_where_lines_are(landed):
    lines, _ = read_all(landed(HEADER + SEVERAL + ROW.format(1), "a.csv"), joined=False)
    assert [row["line_no"] for row in lines] == [1, 2, 3, 4, 5, 6]
