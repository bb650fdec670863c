"""The variable parts of a content that its characters alone give away, as regular expressions.

Two steps, both polars expressions: digits are collapsed so that lines become few shapes, then the
shapes, being few, are masked with one alternation. ``MARK`` stands for a variable until the end.
"""

from __future__ import annotations

import re

import polars as pl

MARK = "\x01"
WILDCARD = "<*>"
BLANKS = r" *[\t\r\n\x0b\x0c][ \t\r\n\x0b\x0c]*| {2,}"  # all that a single blank is not
MAX_CHARS = 4096

# A run of digits collapses where it starts a word or is long; "eth1" and "ipv6" keep theirs. Long
# hexadecimal runs go with them, or every trace id would be a shape of its own.
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
DIGITS = rf"{UUID}|[0-9a-f]{{12,}}|(?-u:\b)[0-9]+|[0-9]{{3,}}"
COLLAPSED = "000"

LEFT = r"(?-u:\b{start-half})"  # no ASCII word character before; CJK counts as none
RIGHT = r"(?-u:\b{end-half})"
WORD = "[A-Za-z0-9_]"
MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
WEEKDAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}"
CLOCK = r"[0-9]+:[0-9]+(?::[0-9]+)?(?:[.,][0-9]+)?"
ZONE = r"(?: ?(?:Z|UTC|GMT|[A-Z]{2,3}T|[+-][0-9]+(?::[0-9]+)?))?"
# Country codes that are file endings or English words too (.py, .sh, .id, .is) are out.
DOMAIN = (
    "(?:com|net|org|edu|gov|mil|info|biz|local|internal|lan|intra|corp|arpa"
    "|cn|hk|tw|jp|kr|sg|de|uk|fr|nl|ch|dk|fi|cz|ru|ua|eu|mx|br|ar|au|nz|za|tr|il|ir|th|vn|ph|pt|gr"
    "|hu|ro)"
)
# A domain in the middle of a dotted name is a package (javax.net.ssl): a guard keeps it from
# ending like a host. www.example.com.cn is a host all the same, for a host's label may hold one.
GUARD = "_\x02"
PACKAGE = r"(\.(?:com|net|org|info|local|internal|lan))\.([A-Za-z])"
LABEL = r"[A-Za-z0-9_\-\x02]+"
PORT = r"(?::[0-9]+)?"
ADDRESS = r"[0-9]+(?:\.[0-9]+){3}"
PATH_CHARS = r"[A-Za-z0-9_.\-+@%~#$*!&\\]"
PROTOCOL = r"(?: HTTP/[0-9]+(?:\.[0-9]+)?)?"  # of a request goes with its target
PATH_END = r"[A-Za-z0-9_\-+@%~#$*!&\\]"  # a full stop ends the sentence, not the path

VARIABLES: tuple[str, ...] = (
    r"\[[A-Z][A-Z_]+:[0-9a-f]+\]",  # a redaction's placeholder
    r"[<>]=?[0-9]+(?:\.[0-9]+)? ?(?:ms|s|secs?|seconds?|mins?|minutes?)" + RIGHT,  # <1 sec
    r"\['[^'\[\]]*'(?:, ?'[^'\[\]]*')*\]",  # a printed list of texts
    LEFT + r"[A-Za-z][A-Za-z0-9+.\-]*://[^\s\"'<>|,;)\]}]*[^\s\"'<>|,;)\]}.:]",
    LEFT + r"[A-Za-z0-9_.+\-]+@(?:[A-Za-z0-9\-]+\.)+[A-Za-z]{2,}" + RIGHT,
    LEFT + rf"{WEEKDAY},? {MONTH} +[0-9]+ {CLOCK}{ZONE}(?: [0-9]+)?{RIGHT}",
    LEFT + rf"(?:{WEEKDAY},? )?[0-9]+[ /-]{MONTH}[ /-][0-9]+[ :]{CLOCK}{ZONE}{RIGHT}",
    LEFT + rf"{MONTH} +[0-9]+(?:,? [0-9]+)? {CLOCK}{RIGHT}",
    LEFT + rf"[0-9]+([-/.])[0-9]+[-/.][0-9]+[T ]{CLOCK}{ZONE}{RIGHT}",
    r"[0-9]+年[0-9]+月[0-9]+日",
    LEFT + r"[A-Za-z]:\\[^\s\"'<>|,;)\]}]*",
    LEFT + rf"(?:~|\.\.?)?(?:/{PATH_CHARS}*{PATH_END})+(?::[0-9]+)?/?{PROTOCOL}",
    LEFT + rf"{WORD}[A-Za-z0-9_.\-]*(?:/{PATH_CHARS}*{PATH_END}){{2,}}",
    LEFT + r"[0-9a-fA-F]+(?:-[0-9a-fA-F]+){4}" + RIGHT,
    LEFT + r"[0-9a-fA-F]{1,4}(?:::?[0-9a-fA-F]{1,4}){4,7}" + RIGHT,
    LEFT + r"fe[0-9]{2}::[0-9a-fA-F:]+(?:%[a-z0-9]+)?" + RIGHT,
    r"::ffff:[0-9.]+",
    LEFT + rf"(?:{LABEL}\.)+{DOMAIN}(?:/{ADDRESS})?{PORT}{RIGHT}",
    LEFT + rf"(?:{LABEL}\.){{2,}}(?:pl|it|es|se|us|ca){RIGHT}",
    LEFT + rf"[A-Za-z][A-Za-z0-9\-]*-[0-9]+(?:/{ADDRESS}(?::[0-9]+)?|:[0-9]+){RIGHT}",
    LEFT
    + rf"[A-Za-z0-9\-]*[0-9]{{3}}[A-Za-z0-9\-]*(?:\.[A-Za-z][A-Za-z0-9\-]*){{2,}}{PORT}{RIGHT}",
    LEFT + r"localhost(?::[0-9]+)" + RIGHT,
    LEFT + r"v?[0-9]+(?:\.[0-9]+)+(?:-[0-9][A-Za-z0-9_.\-]*)",  # 2.6.9-5.0.5.EL
    LEFT + r"[A-Za-z0-9_.\-]+(?:~[A-Za-z0-9_.\-]*){2,}",  # package~key~amd64~~1.2
    LEFT + rf"-?[0-9]{WORD}*(?:[-][0-9]{WORD}*){{2,}}",
    LEFT + rf"-?[0-9]{WORD}*(?:[.:/][0-9]{WORD}*)*",
    LEFT + rf"{WORD}*_-?[0-9]{WORD}*",
    LEFT + rf"{WORD}*[0-9]{{3}}{WORD}*",
    LEFT + r"v[0-9]+(?:\.[0-9]+)*" + RIGHT,
    LEFT + r"[A-Z]+[0-9]+-[A-Z]+[0-9]+(?:-[A-Z]*[0-9]*)*" + RIGHT,  # R63-M0-L1-U21-D
    LEFT + rf"[a-z]{WORD}*(?:\.{WORD}+)+/[A-Za-z0-9_.$]+",  # org.example.app/.ui.Home
    LEFT + rf"[A-Za-z_]+[0-9]+[A-Za-z_]+[0-9]{WORD}*",
    LEFT
    + r"(?:[a-f]{3,}[0-9][0-9a-f]+|[A-F]{3,}[0-9][0-9A-F]+|[a-f]{1,2}[0-9][0-9a-f]{4,})"
    + RIGHT,
    LEFT + r"(?:true|false|True|False|null)" + RIGHT,
    r"[0-9]{3,}" + rf"{WORD}*",
)
ANY_VARIABLE = "|".join(f"(?:{one})" for one in VARIABLES)
GLUED = rf"{MARK}(?:[.:/]?{MARK})+"

NUMBER = re.compile(r"[+-]?[0-9][0-9.,_]*(?: ?%| ?[A-Za-zµ]{1,5}(?:/s)?)?")
ADDRESSES = re.compile(rf"/?{ADDRESS}(?:[:/].*)?|[0-9a-fA-F:]*:[0-9a-fA-F:]*::?[0-9a-fA-F:%.]*")
TIMES = re.compile(
    rf".*(?:{CLOCK}|[0-9]+[-/][0-9]+[-/][0-9]+|{MONTH} +[0-9]+|年[0-9]+月).*", re.DOTALL
)
FILES = re.compile(
    r"(?:[A-Za-z][\w+.\-]*://|[A-Za-z]:\\|~?\.{0,2}/)\S*|[\w.\-]+(?:/[\w.\-]+){2,}/?"
)


def collapse(contents: pl.Expr) -> pl.Expr:
    """Contents to shapes: digits that vary become ``000``."""
    return contents.str.replace_all(DIGITS, COLLAPSED)


def tidy(contents: pl.Expr) -> pl.Expr:
    """White space of any kind and length is one blank, and none at the ends."""
    return contents.str.replace_all(BLANKS, " ").str.strip_chars(" ")


def mask(shapes: pl.Expr) -> pl.Expr:
    """Shapes to masked text: each variable is one ``MARK``, white space is one blank."""
    return tidy(
        shapes.str.replace_all(PACKAGE, "${1}" + GUARD + ".${2}")
        .str.replace_all(ANY_VARIABLE, MARK)
        .str.replace_all(GUARD, "", literal=True)
        .str.replace_all(GLUED, MARK)
        .str.replace_all(WILDCARD, MARK, literal=True)
    )


def placeholder(value: str) -> str:
    """The encoder's word for a variable with that value."""
    text = value.strip()[:200]  # a bound on what a hostile value can cost
    if FILES.fullmatch(text) and not ADDRESSES.fullmatch(text):
        return "[FILE]"
    if ADDRESSES.fullmatch(text):
        return "[IP]"
    if TIMES.fullmatch(text):
        return "[TIMESTAMP]"
    return "[NUM]" if NUMBER.fullmatch(text) else "[CODE]"


def model_text(pattern: str, values: list[str]) -> str:
    """The pattern for the encoder, each wildcard replaced by its value's kind."""
    parts = pattern.split(WILDCARD)
    kinds = [placeholder(value) for value in values]
    kinds += ["[CODE]"] * (len(parts) - 1 - len(kinds))
    return "".join(part + kind for part, kind in zip(parts, [*kinds, ""], strict=False))
