"""Bytes above, the text of their lines below."""

import codecs

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biglog.lines import decode
from biglog.lines.archives import parts
from biglog.lines.decode import read_chunks
from biglog.lines.encodings import repair, sniff
from biglog.settings import LineSettings

CHINESE = [
    "10:00:00 错误 数据库连接超时，请稍后重试",
    "10:00:01 started",
    "10:00:02 警告 磁盘空间不足",
]
FRENCH = ["10:00:00 requête échouée à Orléans", "10:00:01 started", "10:00:02 délai dépassé, l'été"]
GERMAN = ["10:00:00 Verbindung für Gerät geschlossen", "10:00:01 Größe überschritten"]
RUSSIAN = ["10:00:00 ошибка подключения", "10:00:01 готово"]


def text(lines):
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def chunks(tmp_path_factory):
    path = tmp_path_factory.mktemp("decode") / "app.log"

    def write(data, *, max_line=1_000_000, batch=200_000, block=decode.BLOCK):
        path.write_bytes(data)
        part = next(parts(path, LineSettings()))
        return list(read_chunks(part, max_line=max_line, batch=batch, block=block))

    return write


@pytest.fixture(scope="module")
def read(chunks):
    """(lines, encodings, notes) of a file of these bytes."""

    def take(data, **more):
        found = chunks(data, **more)
        lines = [line for one in found for line in one.lines.to_list()]
        return lines, {one.encoding for one in found}, [n for one in found for n in one.notes]

    return take


# one encoding


@pytest.mark.parametrize(
    "lines",
    [
        CHINESE,
        FRENCH,
        RUSSIAN,
        ["only ASCII"] * 3,
        ["10:00:00 backup of the web shop is done 😀"] * 3,
    ],
)
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (b"", "utf-16-le"),
        (b"", "utf-16-be"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_unicode_of_any_width(lines, mark, encoding, read):
    assert read(mark + text(lines).encode(encoding)) == (lines, {encoding}, [])


@pytest.mark.parametrize(
    ("lines", "written", "named"),
    [
        (CHINESE, "gbk", "gb18030"),
        (CHINESE, "gb18030", "gb18030"),
        (["错误：连接超时"], "gbk", "gb18030"),
        (FRENCH, "latin-1", "latin-1"),
        (GERMAN, "latin-1", "latin-1"),  # ü before r is also a rare character of GBK
        (["“délai” – dépassé…"], "cp1252", "cp1252"),
    ],
)
def test_older_encodings(lines, written, named, read):
    assert read(text(lines).encode(written)) == (lines, {named}, [])


def test_chinese_in_utf_16_with_little_else(read):
    lines = ["数据库连接超时请稍后重试", "磁盘空间不足", "任务 12 完成"]
    assert read(text(lines).encode("utf-16-le")) == (lines, {"utf-16-le"}, [])


def test_nul_bytes_in_ascii_are_not_utf_16():
    assert sniff(b"10:00 \0\0\0\0 torn page\n10:01 fine\n" * 9) == "ascii"


# several in one file


def test_each_line_is_read_in_its_own_encoding(read):
    lines = CHINESE * 3
    mixed = b"\n".join(line.encode("gbk" if at % 2 else "utf-8") for at, line in enumerate(lines))
    assert read(mixed) == (lines, {"gb18030 + utf-8"}, [])


def test_a_line_of_another_program_in_a_file_of_utf_8(read):
    assert read(text(CHINESE).encode() * 9 + FRENCH[0].encode("latin-1"))[0][-1] == FRENCH[0]
    assert read(text(FRENCH).encode() * 9 + CHINESE[0].encode("gbk"))[0][-1] == CHINESE[0]


def test_an_encoding_that_shows_only_after_many_blocks(read):
    lines = ["10:00:00 started"] * 50_000 + CHINESE
    assert read(text(lines).encode("gbk"), block=1 << 16)[0] == lines


@pytest.mark.parametrize("rubbish", [b"\xff\xfe", b"\x80\x81\xfe", b"\xe6\x95", b"\xed\xa0\x80"])
def test_rubbish_in_a_line_is_replaced_and_noted(rubbish, read):
    good = text(CHINESE).encode()
    lines, _, notes = read(good + b"10:00:03 ab" + rubbish + b"cd\n" + good)
    assert lines[:3] + lines[4:] == CHINESE * 2
    assert lines[3].startswith("10:00:03 ab\ufffd")
    assert lines[3].endswith("cd")
    assert [one.line_no for one in notes] == [4]
    assert "bytes here and below are not utf-8" in notes[0].reason


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_of_files_appended_to_each_other_go(encoding, read):
    lines, _, notes = read(text(CHINESE).encode(encoding) * 2)
    assert (lines, notes) == (CHINESE * 2, [])


def test_a_lone_surrogate_in_utf_16_is_replaced_and_noted(read):
    data = text(["10:00 one", "10:01 t*o", "10:02 three"]).encode("utf-16-le")
    lines, _, notes = read(data.replace(b"*\0", b"\x00\xd8"))
    assert lines == ["10:00 one", "10:01 t\ufffdo", "10:02 three"]
    assert [(one.line_no, "not utf-16-le" in one.reason) for one in notes] == [(2, True)]


def test_half_a_character_at_the_end_of_utf_16(read):
    lines, _, notes = read(text(["10:00 one", "10:01 two"]).encode("utf-16-le")[:-3])
    assert lines == ["10:00 one", "10:01 tw\ufffd"]
    assert len(notes) == 1


# mojibake


def misread(line, encoding):
    """What a program makes of UTF-8 that it takes for another encoding."""
    if encoding == "latin-1":
        return line.encode().decode("latin-1")
    bytes_ = (bytes([byte]) for byte in line.encode())
    undefined = b"\x81\x8d\x8f\x90\x9d"
    return "".join(one.decode("latin-1" if one in undefined else encoding) for one in bytes_)


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
@pytest.mark.parametrize("lines", [CHINESE, FRENCH, GERMAN, RUSSIAN, ["10:00 😀 done “yes”"]])
def test_utf_8_that_was_misread_and_written_again(lines, encoding, read):
    wrong = [misread(line, encoding) for line in lines]
    assert wrong != lines
    assert read(text(wrong).encode()) == (lines, {"utf-8 (mojibake repaired)"}, [])


def test_mojibake_as_people_know_it():
    assert repair("cafÃ© ouvert") == "café ouvert"
    assert repair("æ—¥å¿—") == "日志"
    assert repair("itâ€™s 25Â°C") == "it’s 25°C"


@pytest.mark.parametrize(
    "line",
    [
        "NÃO, SÃO PAULO, AMANHÃ",  # Portuguese capitals
        "«AMANHû é o título",
        "Lỗi: không thể kết nối đến cơ sở dữ liệu, ÂM THANH",  # Vietnamese
        "requête échouée à « Orléans »",
        "Ã",
        "Ã© beside 日志",  # the second has never been misread: nothing proves the first was
        "x Ã\u00ad y é",
    ],
)
def test_ordinary_text_with_such_letters_stays(line, read):
    assert read(text([line]).encode()) == ([line], {"utf-8"}, [])


def test_only_the_lines_that_go_back_are_repaired(read):
    assert read("10:00 cafÃ©\n10:01 café\n".encode())[0] == ["10:00 café", "10:01 café"]


# lines


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"a\nb", ["a", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"a\r\nb\r", ["a", "b"]),
        (b"a\r\r\nb\n", ["a", "b"]),
        (b"a\rb\rc", ["a", "b", "c"]),
        (b"10%\r20%\r\nb\n", ["10%20%", "b"]),
        (b"\n\n\n", ["", "", ""]),
        (b"\r\n\r\n", ["", ""]),
        (b"\n", [""]),
        (b"", []),
        ("a\u2028b\u2029c\x85d\n".encode(), ["a\u2028b\u2029c\x85d"]),
        (b"a\x0bb\x0cc\n", ["abc"]),
        (b"\ta\tb\n", ["\ta\tb"]),
        (b"a\x7fb\n", ["ab"]),
        (b"\x1b[31mred\x1b[0m\n", ["red"]),
    ],
)
def test_where_lines_end(data, lines, read):
    assert read(data)[0] == lines


@pytest.mark.parametrize("size", [*range(1, 20), 4095, 4096, 4097])
def test_lines_of_any_length_keep_their_bytes(size, read):
    """Arrow keeps 12 bytes in the view itself, and points to longer ones."""
    lines = ["x" * (size - 1) + end for end in "abc"]
    assert read(text(lines).encode())[0] == lines
    assert read(text(lines).encode()[:-1])[0] == lines


def test_lines_outlive_the_block_they_lie_in(chunks):
    lines = [f"line {at} of a file of many blocks" for at in range(50_000)]
    found = chunks(text(lines).encode(), block=1 << 12)
    assert len(found) > 1
    assert pl.concat([one.lines for one in found]).to_list() == lines


def test_chunks_are_numbered_and_hold_no_more_than_a_batch(chunks):
    found = chunks(b"x\n" * 1000, batch=300)
    assert [(one.first_no, len(one.lines)) for one in found] == [
        (1, 300), (301, 300), (601, 300), (901, 100)]  # fmt: skip


def test_only_lines_that_held_rubbish_are_debris(chunks):
    (one,) = chunks(b"fine\n\x00torn\n\x1b[1mbold\x1b[0m\nfine\r\n\x07bell\n")
    assert one.debris.to_list() == [False, True, False, False, True]
    (one,) = chunks(b"fine\r\n\x1b[1mbold\x1b[0m\n")
    assert one.debris is None


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_a_line_is_cut_between_characters(width, read):
    character = "xé日😀"[width - 1]
    lines, _, notes = read(text(["a", character * 100, "b"]).encode(), max_line=50)
    assert lines == ["a", character * (50 // width), "b"]
    assert [(one.line_no, one.sample) for one in notes] == [(2, character * (50 // width))]


# any bytes

BYTES = st.one_of(
    st.binary(max_size=400),
    st.lists(
        st.sampled_from(
            [b"\n", b"\r\n", b"\0", b"\x1b[", "é".encode(), "é".encode("latin-1"), "Ã©".encode()]
            + ["日志".encode(encoding) for encoding in ("utf-8", "gbk", "utf-16-le", "utf-16-be")]
            + [b"\xff\xfe", b"\xfe\xff", b"\xed\xa0\x80", b"\x7f", b"\t", b"word ", b"PK\x03\x04"]
        ),
        max_size=60,
    ).map(b"".join),
)


@given(data=BYTES, block=st.sampled_from([1, 16, decode.BLOCK]))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_read_without_a_crash(data, block, chunks):
    number = 1
    for one in chunks(data, max_line=64, block=block):
        assert one.first_no == number
        assert all("\n" not in line for line in one.lines.to_list())
        number += len(one.lines)


@given(data=BYTES, block=st.sampled_from([1, 16, decode.BLOCK]))
@settings(max_examples=150, deadline=None)
def test_any_bytes_after_plain_ones_lose_no_line(data, block, read):
    start = b"10:00:00 a plain line to begin with\n" * 9
    whole = start + data
    lines, _, _ = read(whole, block=block)
    assert len(lines) == whole.count(b"\n") + (not whole.endswith(b"\n"))
    assert lines[:9] == ["10:00:00 a plain line to begin with"] * 9


@given(lines=st.lists(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]))))
@settings(max_examples=150, deadline=None)
def test_any_text_comes_back_as_it_was(lines, read):
    whole = ["10:00:00 begin", *lines]
    found, encoding, notes = read(text(whole).encode())
    if encoding == {"utf-8"}:
        assert (found, notes) == (whole, [])
    else:
        assert [repair(line) for line in whole] == found
