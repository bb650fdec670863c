"""Raw lines above; the records below, with how many each stands for."""

import pytest

from biglog.errors import BadInput
from biglog.lines.read import read
from biglog.settings import LineSettings, SourceSettings, load_sources

SAYS = "2026-11-02 10:00:0{second} ERROR [main] shop.Cart: failed {what}\n"


@pytest.fixture
def counted(tmp_path):
    def count(text, form, duplicates="count", **how):
        path = tmp_path / "app.log"
        path.write_text(text)
        source = SourceSettings("web", "x", format=form, duplicates=duplicates)
        batches = read([path], source, LineSettings(), date="2026-11-02", **how)
        rows = [row for batch in batches for row in batch.lines.to_pylist()]
        return [(row["line_id"], row["line_no"], row["content"], row["count"]) for row in rows]

    return count


def test_equal_neighbours_are_one_record_with_a_count(counted):
    text = "".join(
        SAYS.format(second=second, what=what)
        for second, what in ((1, "a"), (1, "a"), (1, "a"), (1, "b"), (1, "a"), (2, "a"))
    )
    assert counted(text, "log4j") == [
        (0, 1, "failed a", 3),
        (1, 4, "failed b", 1),
        (2, 5, "failed a", 1),
        (3, 6, "failed a", 1),
    ]
    assert [count for *_, count in counted(text, "log4j", "keep")] == [1] * 6
    assert [count for *_, count in counted(text, "log4j", joined=False)] == [1] * 6


def test_records_with_other_continuation_lines_are_not_equal(counted):
    trace = "\tat shop.Cart.add(Cart.java:{line})\n"
    text = "".join(SAYS.format(second=1, what="a") + trace.format(line=line) for line in (7, 7, 8))
    assert [count for *_, count in counted(text, "log4j")] == [2, 1]


def test_what_syslog_says_was_repeated_is_counted(counted):
    text = (
        "Nov  2 10:00:00 web1 last message repeated 9 times\n"  # above it there is nothing
        "Nov  2 10:00:01 web1 kernel: eth0: link down\n"
        "Nov  2 10:00:30 web1 last message repeated 4 times\n"
        "Nov  2 10:01:30 web1 last message repeated 2 times\n"
        "Nov  2 10:02:00 web1 sshd[7]: message repeated 3 times: [ Failed password for root]\n"
    )
    text = text.replace("web1 last", "web1 syslogd: last")
    assert counted(text, "syslog_rfc3164") == [
        (0, 1, "last message repeated 9 times", 1),
        (1, 2, "eth0: link down", 7),
        (2, 5, "Failed password for root", 3),
    ]


def test_a_setting_that_does_not_exist_is_refused(tmp_path):
    path = tmp_path / "sources.toml"
    path.write_text('[[source]]\nname = "web"\npath = "x"\nduplicates = "drop"\n')
    with pytest.raises(BadInput, match="'drop', expected keep or count"):
        load_sources(path)
