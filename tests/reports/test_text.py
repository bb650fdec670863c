import pytest

from biglog.reports.text import line, shape, shorten, visible


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain words", "plain words"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://evil.example\x07link\x1b]8;;\x07", "link"),
        ("half an escape \x1b[3", "half an escape ␛[3"),
        ("nul \x00 bell \x07 del \x7f", "nul ␀ bell ␇ del ␡"),
        ("exe \u202egnp.exe", "exe \\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("half \ud83d pair", "half \ufffd pair"),
        ("one\r\ntwo\nthree\u2028four", "one↵two↵three↵four"),
        ("tab\there", "tab here"),
        ("👨‍👩‍👧 中文", "👨‍👩‍👧 中文"),
        ("c1 \x9b31m", "c1 \\u009b31m"),
    ],
)
def test_controls_are_seen_or_gone(raw, shown):
    assert visible(raw) == shown


def marked(text, pattern, limit=200):
    """The line with its variables in [brackets]."""
    pieces = line(text, pattern, limit).pieces
    return "".join(f"[{''.join(p.parts)}]" if p.variable else "".join(p.parts) for p in pieces)


@pytest.mark.parametrize(
    ("text", "pattern", "shown"),
    [
        ("port 22 from 10.0.0.1", "port <*> from <*>", "port [22] from [10.0.0.1]"),
        ("22 ports", "<*> ports", "[22] ports"),
        ("a.b.c (d)", "a.<*>.c (<*>)", "a.[b].c ([d])"),
        ("no variables", "no variables", "no variables"),
        ("another line", "port <*> from <*>", "another line"),
        ("port 22", "port <*> from <*>", "port 22"),
        ("[x] .* (", "[<*>] .* (", "[[x]] .* ("),
        ("", "<*>", ""),
    ],
)
def test_variables_are_told_apart(text, pattern, shown):
    assert marked(text, pattern) == shown


def test_a_long_line_says_how_much_was_cut():
    told = line("x" * 12_845, "", 500)
    assert (len(told.plain), told.dropped) == (500, 12_345)


def test_a_line_is_cut_by_what_is_shown_not_by_what_was_written():
    told = line("\u202e" * 100, "", 60)
    assert (told.plain, told.dropped) == ("\\u202e" * 10, 40)


def test_long_tokens_have_places_to_break():
    (piece,) = line("y" * 70, "", 500).pieces
    assert [len(part) for part in piece.parts] == [30, 30, 10]


def test_a_pattern_shows_its_variables():
    assert [p.variable for p in shape("a <*> b", 99).pieces] == [False, True, False]


def test_shorten_ends_with_an_ellipsis():
    assert shorten("a   b\nc" + "d" * 50, 10) == "a b↵cdddd…"
