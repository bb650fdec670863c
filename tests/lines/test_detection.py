"""Files above, what they are taken for and how their lines are typed below."""

import random

import pytest

from biglog.errors import BadInput
from biglog.lines.archives import parts
from biglog.lines.detect import detect, take_sample
from biglog.lines.formats import load_formats
from biglog.lines.nearest import find_nearest
from biglog.lines.read import read
from biglog.settings import LineSettings, SourceSettings

SYSLOG = "Nov  2 10:00:0{} web1 sshd[17]: Failed password for root\n"
JSON = '{{"ts":"2026-11-02T10:00:0{}Z","level":"error","logger":"pay","msg":"refused"}}\n'
TRACE = """\
2026-11-02 10:00:0{},100 ERROR [main] shop.Cart: boom
java.lang.IllegalStateException: no stock
	at shop.Cart.add(Cart.java:17)
Caused by: java.io.IOException: gone
	... 3 more
"""


def read_all(path, form="auto", *, joined=True):
    told = SourceSettings("s", "x", format=form, redact="off")
    batches = list(read([path], told, LineSettings(), joined=joined, date="2026-11-02"))
    lines = [row for batch in batches for row in batch.lines.to_pylist()]
    return lines, [row for batch in batches for row in batch.bad.to_pylist()]


def said(path, **more):
    lines, _ = read_all(path, **more)
    return [(row["line_no"], row["component"], row["level"], row["content"]) for row in lines]


def repeated(*parts):
    return "".join(part.format(at) for at in range(4) for part in parts)


# several formats in one file


def test_each_line_of_a_mixed_file_is_typed_by_the_format_that_reads_it(landed):
    path = landed(SYSLOG.format(0) + JSON.format(1) + TRACE.format(2) + SYSLOG.format(3))
    assert said(path) == [
        (1, "sshd", None, "Failed password for root"),
        (2, "pay", "ERROR", "refused"),
        (3, "shop.Cart", "ERROR", "boom"),
        (8, "sshd", None, "Failed password for root"),
    ]
    lines, bad = read_all(path)
    assert lines[2]["body"].splitlines() == TRACE.splitlines()[1:]
    assert [row["timestamp"].second for row in lines] == [0, 1, 2, 3]
    assert bad == []


def test_a_mixed_file_names_its_main_format_and_the_others(landed):
    found = detect(landed(repeated(SYSLOG, JSON, TRACE)))
    assert found.format == "log4j"
    assert set(found.others) == {"json_lines", "syslog_rfc3164"}
    assert found.explained == 1.0


def test_several_formats_may_explain_together_what_none_does_alone(landed):
    path = landed(repeated(SYSLOG, JSON, "junk of no kind\n"))
    found = detect(path)
    assert (found.format, found.others) == ("json_lines", ("syslog_rfc3164",))
    lines, bad = read_all(path)
    assert (len(lines), len(bad)) == (8, 4)


def test_a_line_of_another_format_that_the_sample_did_not_show(landed):
    path = landed("".join(SYSLOG.format(at % 10) for at in range(50_000)) + JSON.format(1))
    assert detect(path).others == ()
    assert said(path)[-1] == (50_001, "pay", "ERROR", "refused")


def test_prose_with_equals_signs_is_no_logfmt(landed):
    path = landed("the answer is a=1 and b=2 here\n" + "plain words\n" * 9)
    assert next(row["content"] for row in read_all(path)[0]) == "the answer is a=1 and b=2 here"


def test_a_format_that_is_asked_for_is_the_only_one(landed):
    lines, bad = read_all(landed(SYSLOG.format(0) + JSON.format(1)), "syslog_rfc3164")
    assert [row["line_no"] for row in lines] == [1]
    assert [row["line_no"] for row in bad] == [2]


# what is chosen, and what is said of it


@pytest.mark.parametrize(
    ("text", "name", "format", "why"),
    [
        (TRACE.format(0), "app.log", "log4j",
         "log4j explains 100% of the sample, as iso_level would, and is the more specific"),
        ('10.0.0.7 - - [02/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-"\n',
         "httpd.log", "apache_access",
         "apache_access explains 100% of the sample, as nginx_access would, "
         "and the file's path speaks for it"),
        (SYSLOG.format(0), "x.log", "syslog_rfc3164",
         "syslog_rfc3164 explains 100% of the sample, more than any other"),
        ("one\ntwo\n" + JSON.format(1), "x.log", "message",
         "no format explains 50% of the sample; the nearest, json_lines, explains 33%, "
         "so a line is its own message"),
    ],
)  # fmt: skip
def test_a_choice_is_explained(text, name, format, why, landed):
    found = detect(landed(text, name))
    assert (found.format, found.reason) == (format, why)


def test_every_format_is_tried_and_the_best_comes_first(landed):
    tried = detect(landed(repeated(JSON))).tried
    assert {name for name, _ in tried} == set(load_formats())
    assert [share for _, share in tried] == sorted((share for _, share in tried), reverse=True)


def test_only_a_sample_of_a_large_file_is_judged(landed):
    lines = [f"{at:06}\n" for at in range(100_000)]
    part = next(parts(landed("".join(lines)), LineSettings()))
    sample, _ = take_sample(part, 1_000_000)
    assert len(sample) == 600
    assert sample[0] == "000000"
    assert int(sample[-1]) > 50_000


def test_a_specific_format_of_part_of_the_lines_goes_before_one_of_any_line_with_a_time(landed):
    plain = "2026-11-02 10:00:0{} something happened\n"
    path = landed(repeated(TRACE, plain))
    assert detect(path).format == "log4j"
    assert [row[3] for row in said(path)][:2] == ["boom", "something happened"]


# lines that are not read


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("2026-11-02 10:00:00,100 ERROR [main shop.Cart: boom",
         "not json_lines, nearest log4j: reads up to column 32, then expected thread"),
        ('{"ts":"2026-11-02T10:00:00Z","level" "error"}',
         "not json_lines: reads up to column 38, then expected ':' delimiter"),
        ('{"ts":"2026-11-02T10:00:00Z","level":"err',
         "not json_lines: reads up to column 38, then expected sound JSON (unterminated string)"),
    ],
)  # fmt: skip
def test_an_unread_line_names_the_nearest_format_and_where_it_stopped(line, told):
    formats = load_formats()
    near = find_nearest(line, [formats[name] for name in ("json_lines", "log4j")])
    assert near is not None
    assert near.tell("json_lines") == told


def test_a_reason_holds_no_text_of_the_line(landed):
    _, bad = read_all(landed(repeated(JSON) + '{"msg": "password=hunter2", "x" 1}\n'))
    assert bad[0]["reason"] == "not json_lines: reads up to column 33, then expected ':' delimiter"


# wrappers


def test_what_a_wrapper_wraps_is_detected_too(landed):
    wrapped = "".join(
        f"2026-11-02T10:00:07.{at}Z stderr F {line}\n"
        for at, line in enumerate(repeated(TRACE).splitlines())
    )
    found = detect(landed(wrapped))
    assert (found.format, found.inner.format) == ("container", "log4j")
    lines, bad = read_all(landed(wrapped))
    assert [row["body"].count("\n") for row in lines] == [3, 3, 3, 3]
    assert bad == []


def test_streams_of_several_services_keep_their_traces_apart(landed):
    cart = TRACE.format(1).splitlines()
    pay = TRACE.format(2).replace("shop.Cart", "shop.Pay").splitlines()
    text = "".join(f"cart-1  | {a}\npay-1   | {b}\n" for a, b in zip(cart, pay, strict=True))
    lines, _ = read_all(landed(text))
    assert [(row["service"], row["component"]) for row in lines] == [
        ("cart-1", "shop.Cart"), ("pay-1", "shop.Pay")]  # fmt: skip
    assert [row["body"].splitlines() for row in lines] == [cart[1:], pay[1:]]


def test_pieces_of_one_line_are_joined_in_their_own_stream(landed):
    path = landed(
        "2026-11-02T10:00:00.1Z stdout P one \n"
        "2026-11-02T10:00:00.2Z stderr F other\n"
        "2026-11-02T10:00:00.3Z stdout P line \n"
        "2026-11-02T10:00:00.4Z stdout F in three\n"
    )
    assert [(row[0], row[3]) for row in said(path)] == [(1, "one line in three"), (2, "other")]
    assert len(said(path, joined=False)) == 4


# records of many lines, and lines of many records


def test_records_on_one_line_are_rows_of_their_own_where_joined(landed):
    record = '{{"timeUnixNano":"179361360{0}000000000","body":{{"stringValue":"event {0}"}}}}'
    records = ",".join(record.format(at) for at in range(3))
    line = f'{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{records}]}}]}}]}}\n'
    path = landed(line * 2)
    assert [(row[0], row[3]) for row in said(path)] == [
        (no, f"event {at}") for no in (1, 2) for at in range(3)
    ]
    assert [(row[0], row[3]) for row in said(path, joined=False)] == [
        (1, "event 0"),
        (2, "event 0"),
    ]


def test_a_line_of_telemetry_without_records_is_still_a_line(landed):
    line = '{"resourceLogs":[]}\n'
    full = '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a"}}]}]}]}\n'
    assert len(said(landed(full + line + full), joined=False)) == 3


def test_a_slow_query_is_one_record_with_its_statement(landed):
    block = (
        "# Time: 2026-11-02T10:00:0{}.5Z\n"
        "# User@Host: shop[shop] @ web1 [10.0.0.7]  Id:     2\n"
        "# Query_time: 3.0  Lock_time: 0.0 Rows_sent: 1  Rows_examined: 9\n"
        "SET timestamp=1793613600;\n"
        "UPDATE cart\n"
        "SET items = 7;\n"
    )
    path = landed(repeated(block))
    lines, bad = read_all(path)
    assert [row["content"] for row in lines] == ["UPDATE cart"] * 4
    assert lines[0]["body"] == "SET items = 7;"
    assert bad == []
    assert len(said(path, joined=False)) == 24


def test_a_preamble_is_neither_a_record_nor_an_error(landed):
    path = landed(
        "OpenJDK 64-Bit Server VM (25.111-b14) for linux-amd64 JRE (1.8.0_111)\n"
        "Memory: 4k page, physical 1015660k(420736k free)\n"
        "2026-11-02T10:00:00.725+0000: 1.595: [GC pause (young), 0.0096173 secs]\n"
        "   [Parallel Time: 7.2 ms, GC Workers: 1]\n"
    )
    lines, bad = read_all(path)
    assert [row["line_no"] for row in lines] == [3]
    assert bad == []
    assert [row["line_no"] for row in read_all(path, joined=False)[0]] == [1, 2, 3, 4]


# nothing is lost


@pytest.mark.parametrize("seed", range(12))
def test_every_physical_line_of_any_mixture_is_a_row(seed, landed):
    chance = random.Random(seed)
    samples = [one for form in load_formats().values() for one in form.sample]
    kinds = chance.sample(samples, 6)
    texts = [text for one in kinds for text in (*one.after.splitlines(), one.line)]
    rubbish = ["", "   ", "}{", "\t", '{"a":', "x" * 300, "é 数据库", "# Time: never"]
    many = [chance.choice([*texts, *rubbish]) for _ in range(400)]
    lines, _ = read_all(landed("\n".join(many) + "\n"), joined=False)
    assert [row["line_no"] for row in lines] == list(range(1, 401))
    assert all(row["content"] is not None for row in lines)


@pytest.mark.parametrize("seed", range(12))
def test_joined_every_line_is_in_a_record_or_reported_or_blank(seed, landed):
    chance = random.Random(seed)
    parts = [SYSLOG, JSON, TRACE, "junk of no kind\n", "\n", "  indented\n"]
    text = "".join(chance.choice(parts).format(chance.randrange(10)) for _ in range(200))
    lines, bad = read_all(landed(text))
    bodies = sum(len(row["body"].splitlines()) for row in lines if row["body"])
    told = sum(bool(line.strip()) for line in text.splitlines())
    assert len(lines) + bodies + len(bad) == told


def test_a_format_may_not_be_misspelt(landed):
    with pytest.raises(BadInput, match="no format named 'sislog'"):
        read_all(landed(SYSLOG.format(1)), "sislog")


# hostile lines


def test_an_object_nested_without_end_is_a_line_of_text(landed):
    deep = '{"a":' * 500 + "1" + "}" * 500
    nested = '{"msg":"x","ts":"2026-11-02T10:00:00Z","more":' + '{"a":' * 40 + "1" + "}" * 41
    rows = said(landed(f"{nested}\n{deep}\n{nested}\n"), joined=False)
    assert [content for _, _, _, content in rows] == ["x", deep, "x"]


def test_objects_that_share_no_name_are_read_one_by_one(landed):
    lines = [f'{{"msg":"m{at}","key{at}":{at}}}' for at in range(1000)]
    rows, bad = read_all(landed("\n".join(lines)))
    assert [row["content"] for row in rows] == [f"m{at}" for at in range(1000)]
    assert rows[7]["fields"] == '{"key7":7}'
    assert bad == []


def test_messages_of_syslog_are_opened_only_where_most_are_lines_of_json(landed):
    head = "Nov  2 10:00:00 web1 cart[17]: "
    plain, packed = head + "started\n", head + '{"level":"error","msg":"refused"}\n'
    assert said(landed(packed * 3 + plain)) == [
        *[(at, "cart", "ERROR", "refused") for at in (1, 2, 3)],
        (4, "cart", None, "started"),
    ]
    assert said(landed(packed + plain * 3))[0][3] == '{"level":"error","msg":"refused"}'


def test_one_record_with_a_body_among_others_without(landed):
    secret = TRACE.format(0).replace("no stock", "password=hunter2")
    path = landed(secret + "2026-11-02 10:00:01,100 ERROR [main] shop.Cart: fine\n" * 4)
    told = SourceSettings("s", "x")
    batches = list(read([path], told, LineSettings(), date="2026-11-02"))
    bodies = [body for batch in batches for body in batch.lines["body"].to_pylist()]
    assert "hunter2" not in bodies[0]
    assert bodies[1:] == [None] * 4
