"""The encodings that log files are written in, known by their bytes; one file may mix them."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

SNIFF = 1 << 18
BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
REPLACED = "\ufffd"
DAMAGE = 0.25
"""Broken share of the bytes beyond ASCII, up to which text is damaged UTF-8; GBK has about 0.8."""
READABLE = re.compile(
    r"[\t\r\n -~\u00a0-\u06ff\u0e00-\u0e7f\u1e00-\u1eff\u2010-\u2026\u3000-\u30ff\u4e00-\u9fff"
    r"\uac00-\ud7a3\uff00-\uffef\U0001f300-\U0001faff]"
)
"""Characters that logs are written in."""
HIGH = re.compile(rb"[\x80-\xff]+")
LETTER = rb"[\xc0-\xcf\xd1-\xd6\xd8-\xdd\xdf-\xef\xf1-\xf6\xf8-\xfc]"
WESTERN = re.compile(rb"(?<=[A-Za-z])" + LETTER + rb"|" + LETTER + rb"(?=[A-Za-z])")
"""A letter beyond ASCII in a western word, in latin-1 as in cp1252."""
WRITTEN = re.compile(rb"[\xc0-\xfd\x80\x85\x91-\x97\xa0\xa3\xa7\xab\xb0\xb5\xbb]")
"""Letters of any 8-bit encoding, and the marks that logs have; rubbish is of all bytes alike."""
UNDEFINED = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
TO_LATIN = {
    ord(bytes([at]).decode("cp1252")): at
    for at in range(0x80, 0xA0)
    if not UNDEFINED.match(bytes([at]))
}
TRAIL = "\u0080-\u00bf" + "".join(map(chr, TO_LATIN))
MOJIBAKE = f"[\u00c2-\u00df][{TRAIL}]|[\u00e0-\u00ef][{TRAIL}]{{2}}|[\u00f0-\u00f4][{TRAIL}]{{3}}"
"""UTF-8 of one character beyond ASCII, read as cp1252 or latin-1."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """Lines of one block; ``broken`` bytes were replaced, the first in the row ``first``."""

    lines: list[str]
    encoding: str
    broken: int = 0
    first: int = 0


def is_wide(name: str) -> bool:
    return name.startswith(("utf-16", "utf-32"))


def sniff(head: bytes) -> str:
    """The encoding of a file that begins so, as likely; ``ascii`` where all agree."""
    marked = next((name for mark, name in BOMS if head.startswith(mark)), "")
    return marked or sniff_wide(head) or sniff_narrow(head)


def sniff_narrow(sample: bytes) -> str:
    """The likely encoding of lines that end in a newline of one byte."""
    if sample.isascii():
        return "ascii"
    # the end of a sample may cut a character in two
    lines = sample[: sample.rfind(b"\n") + 1 or None].split(b"\n")
    odd = [raw for raw in lines if decode_utf8(raw, "utf-8") is None]
    sound = count_high(lines) - count_high(odd)
    other = sniff_legacy(odd, doubtful=sound > 0)
    return other if count_high(odd) > sound else "utf-8"


def sniff_wide(sample: bytes) -> str:
    """UTF-16 without a mark: zeros in every second byte alone, and line ends two bytes long."""
    half = len(sample) // 2
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    name, zeros, others = ("utf-16-le", odd, even) if odd > even else ("utf-16-be", even, odd)
    if len(sample) < 8 or zeros < 0.05 * half or others > 0.05 * zeros:
        return ""
    text = sample[: 2 * half].decode(name, "replace")
    if len(READABLE.findall(text)) < 0.8 * len(text):
        return ""
    sure = zeros > 0.4 * half or text.count("\n") > 0.5 * sample.count(b"\n") > 0
    return name if sure else ""


def sniff_legacy(lines: Sequence[bytes], *, doubtful: bool) -> str:
    """The encoding of lines that are not UTF-8; ``utf-8`` where they are damaged, no more.

    In doubt, as where other lines are UTF-8, only words are taken for words.
    """
    data = b"\n".join(lines)[:SNIFF]
    high = count_high([data])
    if data.decode("utf-8", "replace").count(REPLACED) <= DAMAGE * high:
        return "utf-8"
    if is_chinese(data.decode("gb18030", "replace")):
        return "gb18030"
    if len((WESTERN if doubtful else WRITTEN).findall(data)) < 0.8 * high:
        return "utf-8"
    curly = re.search(rb"[\x80-\x9f]", data) and not UNDEFINED.search(data)
    return "cp1252" if curly else "latin-1"


def is_chinese(text: str) -> bool:
    """Whether text beyond ASCII is of common characters: chance gives rare ones.

    Rows 16 to 55 of GB 2312 hold the 3,755 most used, rows 1 to 3 punctuation.
    """
    beyond = re.sub(r"[\x00-\x7f]+", "", text)
    rows = beyond.encode("gb2312", "ignore")[0::2]
    common = sum(0xB0 <= row <= 0xD7 or 0xA1 <= row <= 0xA3 for row in rows)
    return len(beyond) > 1 and common >= 0.8 * len(beyond)


def count_high(lines: Sequence[bytes]) -> int:
    return sum(len(run) for raw in lines for run in HIGH.findall(raw))


def decode_utf8(raw: bytes, usual: str) -> str | None:
    """A line of UTF-8; None for another's. Short GBK may pass for UTF-8 of two-byte characters."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    return None if usual == "gb18030" and "\x7f" < max(text, default="") < "\u0800" else text


def decode_mixed(block: bytes, usual: str) -> Decoded:
    """A block line by line: UTF-8 where it is that, else as usual in its file, else by its look."""
    raws = block.split(b"\n")
    lines = [decode_utf8(raw, usual) for raw in raws]
    rows = [row for row, text in enumerate(lines) if text is None]
    odd = [raws[row] for row in rows]
    sound = any(text is not None and not text.isascii() for text in lines)
    other = sniff_legacy(odd, doubtful=sound) if usual == "utf-8" else usual
    lost = []
    for row, raw, text in zip(rows, odd, decode_lines(odd, other), strict=True):
        lines[row] = text
        if REPLACED in text:
            kept = raw.count(REPLACED.encode()) if other == "utf-8" else 0
            lost.append((row, text.count(REPLACED) - kept))
    names = [usual] if not odd else [other, "utf-8"] if sound and other != "utf-8" else [other]
    return Decoded(
        lines=[text or "" for text in lines],
        encoding=" + ".join(names),
        broken=sum(count for _, count in lost),
        first=lost[0][0] if lost else 0,
    )


def decode_lines(raws: Sequence[bytes], encoding: str) -> list[str]:
    """Lines in one encoding, with U+FFFD where a byte is none of its; together is faster."""
    texts = b"\n".join(raws).decode(encoding, "replace").split("\n")
    if len(texts) == len(raws):
        return texts
    return [raw.decode(encoding, "replace") for raw in raws]


def repair_lines(lines: pl.Series) -> tuple[pl.Series, bool]:
    """The lines with UTF-8 that was once read as cp1252 read rightly, and whether there was any."""
    rows = lines.str.contains(MOJIBAKE).arg_true()
    if not len(rows):
        return lines, False
    before = lines.gather(rows).to_list()
    after = [repair(text) for text in before]
    if after == before:
        return lines, False
    return lines.scatter(rows, pl.Series(after, dtype=pl.String)), True


def repair(text: str) -> str:
    """Text as it was before it was misread; as it is where one character will not go back.

    Real words rarely go back: in NÃO an ASCII letter follows, in Vietnamese no such byte exists.
    """
    try:
        back = text.translate(TO_LATIN).encode("latin-1").decode()
    except UnicodeError:
        return text
    odd = {unicodedata.category(one) for one in back if one > "\x7f"} & {"Cn", "Co", "Cc", "Cs"}
    return text if odd else back
