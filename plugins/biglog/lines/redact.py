"""Secrets and personal data in text, replaced by placeholders such as ``[EMAIL:7f3a]``.

The four hexadecimal digits are the same wherever the same value occurs in a source, so that two
lines about one person still look related. One cheap alternation over whole columns decides which
texts are looked at precisely; it must match at least wherever a precise rule would.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b

import polars as pl

SECRET_WORD = (
    r"pass(?:word|wd|phrase|code)|pwd|secret(?:[_-]?(?:access[_-]?)?key)?|token|credentials?"
    r"|(?:api|access|auth|private|encryption|signing|account|shared|master)[_-]?key"
)
STRONG_WORD = r"(?i:pass(?:word|wd|phrase|code)|pwd)|密码|口令|密碼"
VENDOR = (
    r"(?:AKIA|ASIA|AIDA|AROA|AGPA)[A-Z0-9]{16}|LTAI[A-Za-z0-9]{12,24}|gh[pousr]_[A-Za-z0-9]{20,}"
    r"|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{20,}|xox[abeoprs]-[A-Za-z0-9-]{10,}"
    r"|AIza[A-Za-z0-9_-]{35}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{20,}"
    r"|npm_[A-Za-z0-9]{30,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"
)
# What says that a long number is a measure or an id, not a person's.
MEASURE = re.compile(
    r"(?i:size|bytes?|len(?:gth)?|offset|count|time(?:stamp)?|ts|seq(?:uence)?|pos(?:ition)?|zxid"
    r"|duration|memory|total|used|free|available|capacity|txid|id|no|block|number|start|end)"
    r"\s*[=:]?\s*$"
)
MEASURED = re.compile(r"\s*(?i:bytes?|[kmgt]?i?b|[mun]?s|ns|msec|usec|records|rows|ops)\b")
CARD_START = r"(?:4|5[1-5]|2[2-7]|62|3[47]|35|6011|65)"

CANDIDATE = "|".join(
    (
        r"@[0-9A-Za-z-]+\.[0-9A-Za-z.-]*[A-Za-z]",
        r"://[^\s/]+@",
        rf"(?i-u:{SECRET_WORD}|authorization|cookie)s?[\"'\\\]]*[ \t]*(?:[=:]|%3[Dd])",
        r"密码|口令|密碼",
        r"(?i-u:bearer|basic|token)[ \t]+[A-Za-z0-9._~+/=-]{8}",
        rf"--(?i-u:{SECRET_WORD})",
        r"(?i-u:identified[ \t]+by|password)[ \t]+[\"']",
        r"eyJ[A-Za-z0-9_-]{6}",
        VENDOR,
        r"PRIVATE KEY|^[A-Za-z0-9+/]{60,}={0,2}$",
        r"(?:^|[^0-9A-Za-z_.])(?:86[ -]?)?1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}(?:[^0-9]|$)",
        r"\+[1-9][0-9 ().-]{8}",
        r"\([0-9]{3}\) ?[0-9]{3}-[0-9]{4}|(?:^|[^0-9-])[0-9]{3}-[0-9]{3}-[0-9]{4}(?:[^0-9-]|$)",
        r"(?:^|[^0-9A-Za-z_])[1-9][0-9]{5}(?:18|19|20)[0-9]{2}[01][0-9][0-3][0-9]{4}[0-9Xx]",
        rf"(?:^|[^0-9A-Za-z_.-]){CARD_START}[0-9]{{11,17}}(?:[^0-9]|$)",
        rf"(?:^|[^0-9A-Za-z_.-]){CARD_START}[0-9]*[ -](?:[0-9]{{4,6}}[ -]){{1,3}}[0-9]{{3,5}}",
    )
)
STRICT_CANDIDATE = CANDIDATE + r"|[0-9]{11}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of secret. The group ``hide`` is replaced, the whole match where there is none."""

    kind: str
    pattern: re.Pattern[str]
    sure: Callable[[re.Match[str], bool], bool] = lambda _found, _strict: True


def luhn(number: str) -> bool:
    """The check digit of bank cards (ISO/IEC 7812)."""
    values = [int(one) for one in reversed(number)]
    doubled = (sum(divmod(2 * one, 10)) for one in values[1::2])
    return (sum(values[::2]) + sum(doubled)) % 10 == 0


def counted(found: re.Match[str]) -> bool:
    """Whether the words around a number say that it measures something."""
    before = found.string[max(0, found.start() - 16) : found.start()]
    return bool(MEASURE.search(before) or MEASURED.match(found.string, found.end()))


def is_card(found: re.Match[str], strict: bool) -> bool:
    number = re.sub(r"[ -]", "", found.group())
    return 13 <= len(number) <= 19 and luhn(number) and (strict or not counted(found))


def is_phone(found: re.Match[str], strict: bool) -> bool:
    if strict or not found.group().isdigit():
        return True
    return not counted(found)


def is_world_phone(found: re.Match[str], _strict: bool) -> bool:
    return 10 <= len(re.sub(r"\D", "", found.group())) <= 15


def is_identity(found: re.Match[str], _strict: bool) -> bool:
    """A Chinese identity number: a real birthday and the check digit of GB 11643."""
    text = found.group().upper()
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    total = sum(int(one) * pow(2, 17 - at, 11) for at, one in enumerate(text[:17]))
    return "10X98765432"[total % 11] == text[17]


NOTHING = frozenset(
    [
        "null",
        "none",
        "nil",
        "true",
        "false",
        "undefined",
        "yes",
        "no",
        "empty",
        "missing",
        "required",
        "invalid",
        "expired",
        "incorrect",
        "wrong",
        "failed",
        "error",
        "unset",
        "bearer",
        "basic",
        "digest",
        "token",
        "negotiate",
    ]
)


def is_value(found: re.Match[str], strict: bool) -> bool:
    """Whether what follows a secret's name is one: not ``null``, not a word of prose."""
    value = found["hide"].strip("\\\"'")
    if not value or value.lower() in NOTHING or not re.search(r"[^*x.\[\]<>{}()$%-]", value):
        return False
    if value.startswith(("[", "<*", "${", "{{", "***")):
        return False
    if found["name"].lower() == "pwd" and value.startswith(("/", "~")):
        return False  # the working directory, as sudo and shells print it
    before = found.string[max(0, found.start() - 12) : found.start()]
    if found["link"] == ":" and value.isalpha() and re.search(r"\([a-z]*$", before):
        return False  # pam_unix(passwd:chauthtok)
    if strict or re.search(STRONG_WORD, found["name"]) or found["quote"]:
        return True
    if "=" in found["link"] or "%3" in found["link"].lower():
        return len(value) >= 5 and not value.isdigit()
    return len(value) >= 8 and bool(re.search(r"\d", value))


def rule(
    kind: str, pattern: str, sure: Callable[[re.Match[str], bool], bool] | None = None
) -> Rule:
    return Rule(kind, re.compile(pattern), sure) if sure else Rule(kind, re.compile(pattern))


# Lengths are bounded and starts anchored, so that hostile text costs no more than its length.
RULES = (
    rule("KEY", r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"),
    rule("KEY", r"(?m)^(?=[A-Za-z0-9+/]*[a-z])(?=[A-Za-z0-9+/]*[A-Z])[A-Za-z0-9+/]{60,}={0,2}$"),
    rule("JWT", r"(?<![\w-])eyJ[\w-]{6,}\.[\w-]{4,}(?:\.[\w-]*)?"),
    rule("KEY", rf"(?<![A-Za-z0-9])(?:{VENDOR})"),
    rule("TOKEN", r"(?i)\b(?:bearer|basic)[ \t]+(?P<hide>[\w.~+/=-]{8,})"),
    rule("PASSWORD", r"://[^\s/:@]{0,128}:(?P<hide>[^\s/]{1,256})@"),
    rule("PASSWORD", r"(?i)\b(?:identified\s+by|password)\s+(?P<q>['\"])(?P<hide>.{1,256}?)(?P=q)"),
    rule(
        "PASSWORD",
        rf"(?i)--(?P<name>[\w-]{{0,40}}(?:{SECRET_WORD}))(?P<link>[= ])(?P<quote>['\"]?)"
        r"(?P<hide>[^\s'\"]+)",
    ),
    rule(
        "PASSWORD",
        rf"(?<!\[)(?P<name>(?i:{SECRET_WORD}|authorization|(?:set-)?cookie)s?|密码|口令|密碼)"
        r"(?P<link>[\"'\\\]]*\s*(?:=>?|:|%3[Dd]|：|是|为)\s*)"
        r"(?P<quote>\\*[\"'])(?P<hide>[^\"'\\]+(?:\\[^\"'][^\"'\\]*)*)",
        is_value,
    ),
    rule(
        "PASSWORD",
        rf"(?<!\[)(?P<name>(?i:{SECRET_WORD}|authorization|(?:set-)?cookie)s?|密码|口令|密碼)"
        r"(?P<link>[\"'\\\]]*\s*(?:=>?|:|%3[Dd]|：|是|为)\s*)"
        r"(?P<quote>)(?P<hide>[^\s,;&\"'\\}\])，。；]+)",
        is_value,
    ),
    rule(
        "EMAIL",
        r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}"
        r"[A-Za-z]{2,24}(?![A-Za-z0-9])",
    ),
    rule(
        "IDCARD",
        r"(?<![0-9A-Za-z_])[1-9]\d{5}(?:18|19|20)\d\d[01]\d[0-3]\d{4}[\dXx](?![0-9A-Za-z_])",
        is_identity,
    ),
    rule("CARD", rf"(?<![0-9A-Za-z_.-]){CARD_START}\d{{11,17}}(?![0-9A-Za-z_])", is_card),
    rule(
        "CARD",
        rf"(?<![0-9A-Za-z_.-])(?={CARD_START})"
        r"(?:\d{4}([ -])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{1,3})?"
        r"|\d{4}([ -])\d{6}\2\d{5})(?![0-9A-Za-z_])",
        is_card,
    ),
    rule(
        "PHONE",
        r"(?<![0-9A-Za-z_.])(?:(?:\+|00)?86[ -]?)?1[3-9]\d(?P<gap>[ -]?)\d{4}(?P=gap)\d{4}"
        r"(?![0-9A-Za-z_]|[.:-]\d)",
        is_phone,
    ),
    rule("PHONE", r"\+[1-9]\d{0,2}(?:[ .-]?\(?\d{2,4}\)?){2,4}(?!\d)", is_world_phone),
    rule("PHONE", r"(?<![\d-])(?:\(\d{3}\) ?|\d{3}-)\d{3}-\d{4}(?![\d-])"),
)
LONG_NUMBER = rule("NUMBER", r"(?<![0-9A-Za-z_])\d{13,19}(?![0-9A-Za-z_])", is_card)


@dataclass(frozen=True, slots=True)
class Redaction:
    """How one source's text is cleaned: its mode and what makes its placeholders its own."""

    mode: str = "on"
    salt: str = ""

    def clean(self, text: pl.Series) -> pl.Series:
        """The texts without secrets; nulls stay null."""
        if self.mode == "off" or text.null_count() == len(text):
            return text
        wanted = STRICT_CANDIDATE if self.mode == "strict" else CANDIDATE
        rows = text.str.contains(wanted).fill_null(False).arg_true()
        if not len(rows):
            return text
        distinct = text.gather(rows).unique()
        cleaned = [self.clean_one(one) for one in distinct.to_list()]
        fresh = text.gather(rows).replace_strict(distinct, pl.Series(cleaned, dtype=pl.String))
        return text.clone().scatter(rows, fresh)  # scatter writes in place

    def clean_one(self, text: str) -> str:
        rules = (*RULES, LONG_NUMBER) if self.mode == "strict" else RULES
        for one in rules:
            text = one.pattern.sub(lambda found, one=one: self.hide(one, found), text)  # type: ignore[misc]
        return text

    def hide(self, one: Rule, found: re.Match[str]) -> str:
        whole = found.group()
        if not one.sure(found, self.mode == "strict"):
            return whole
        if "hide" not in one.pattern.groupindex:
            return self.placeholder(one.kind, whole)
        start = found.start("hide") - found.start()
        end = found.end("hide") - found.start()
        value = whole[start:end]
        if value.startswith("["):
            return whole
        return whole[:start] + self.placeholder(one.kind, value) + whole[end:]

    def placeholder(self, kind: str, value: str) -> str:
        key = self.salt.encode()[:64]
        mark = blake2b(value.encode("utf-8", "replace"), digest_size=2, key=key).hexdigest()
        return f"[{kind}:{mark}]"
