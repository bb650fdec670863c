"""Whether what looks like a secret certainly is one: check digits, states, measures, prose."""

from __future__ import annotations

import math
import re
from collections import Counter
from datetime import date

from biglog.lines.cues.words import SURE_NAME, either


def always(_found: re.Match[str], _strict: bool) -> bool:
    return True


# What stands where a value would: a state, a type, a word of prose, or what another tool hid.
STATES = """
null none nil true false undefined yes no on off empty blank missing required invalid expired
incorrect wrong failed failure error unset unknown not is are was has for and or the a an to too
must should cannot can with from in of user username auth authentication accepted changed ok okay
valid optional string str bytes text int redacted masked hidden filtered secret password passwd
protected bearer basic digest negotiate ntlm token anonymous identifier mismatch rejected denied
success successful updated reset set
"""
NO_VALUES = frozenset(STATES.split())
NO_VALUE = re.compile(
    r"(?i)[\s*x•.\[\]<>{}()$%,:;=\"'|#/-]*$|[\[<({*]{1,3}(?:redacted|masked|hidden|filtered|secret"
    r"|removed|protected|omitted|sensitive)|\*{3}|\$\{|\{\{|<[\w .:-]{0,40}>$|\s{0,4}[,:}\]]"
    r"|(?:错误|为空|不正确|正确|无效|过期|已|不能|不匹配|失败|必填|校验|长度)"
)
HANDLE = re.compile(r"0x[0-9a-fA-F]+$|[\w.$]+@[0-9a-f]{1,8}$")
PROSE = re.compile(r"\([a-z]*$")


def is_value(found: re.Match[str], strict: bool) -> bool:
    """Whether what follows a secret's name is one: no state, no word of prose, no handle."""
    name, link = found["name"], found["link"].lower()
    value = found["hide"].strip("\\\"'")
    if value.lower().rstrip(".,:;!") in NO_VALUES or NO_VALUE.match(value) or HANDLE.match(value):
        return False
    if name.lower() == "pwd" and value.startswith(("/", "~")):
        return False  # the working directory, as sudo and shells print it
    before = found.string[max(0, found.start() - 12) : found.start()]
    if link == ":" and value.isalpha() and PROSE.search(before):
        return False  # pam_unix(passwd:chauthtok)
    quoted = found.string[found.start("hide") - 1] in "\"'"
    if strict or SURE_NAME.search(name) or quoted:
        return True
    return is_likely(value, name, assigned="=" in link or link.endswith("3d"))


def is_likely(value: str, name: str, *, assigned: bool) -> bool:
    """Whether a bare value is a secret's although its name may mean other things."""
    if name.lower() in ("otp", "pin"):
        return 4 <= len(value) <= 8 and value.isdigit()
    if name.lower() in ("ak", "sk"):
        return len(value) >= 16
    if value.isdigit():
        return False
    if assigned:
        return len(value) >= 5
    return len(value) >= 8 and bool(re.search(r"\d", value))


def is_credential(found: re.Match[str], _strict: bool) -> bool:
    """Whether the word after ``basic`` or ``bearer`` is no word of prose."""
    value = found["hide"].rstrip(".")
    return bool(re.search(r"\d|[=+/_.~]|[a-z][A-Z]", value))


def is_told(found: re.Match[str], _strict: bool) -> bool:
    """Whether prose tells a password: it is quoted, or no word of prose."""
    value = found["hide"]
    return bool(re.search(r"\d", value)) and value.lower() not in NO_VALUES


def is_option_value(found: re.Match[str], _strict: bool) -> bool:
    return not found["hide"].startswith("-") and not NO_VALUE.match(found["hide"])


def is_login(found: re.Match[str], _strict: bool) -> bool:
    """Whether what stands before ``@`` in a URL is a login, not a port and a query."""
    return not re.match(r"\d{1,5}(?:[?#,;&]|$)", found["hide"])


# Algorithms are named as mailboxes are (RFC 4251, section 6); units and files have dots too.
NO_DOMAIN = re.compile(r"(?i)(?:openssh\.com|libssh\.org|lysator\.liu\.se|ssh\.com)$|\d+\.\d+[.-]")
ENDINGS = """
png jpg jpeg gif svg webp ico css js map json xml html htm php py sh so jar class java go rs service
socket timer target mount scope slice path swap automount snapshot device log conf yaml yml toml txt
gz zip tar lock local internal localdomain lan svc cluster
"""
NO_ENDING = frozenset(ENDINGS.split())
OBJECT = re.compile(r"(?=[0-9a-f]*\d)[0-9a-f]{5,8}\.(?!com$|cn$|net$|org$)")


def is_mailbox(found: re.Match[str], _strict: bool) -> bool:
    domain = found["domain"]
    if NO_DOMAIN.match(domain) or domain.rpartition(".")[2].lower() in NO_ENDING:
        return False
    if OBJECT.match(domain):
        return False
    return not (found.group().startswith("git@") and found.string[found.end() :][:1] == ":")


# What says that a long number is a measure or an id, not a person's.
MEASURES = """
size bytes byte len length offset count time timestamp ts seq sequence pos position zxid txid
duration memory mem total used free available capacity id ids no block number num start end version
rev index code value nonce hash port sent received read written elapsed latency
"""
UNITS = tuple(MEASURES.split())
MEASURE = re.compile(
    rf"(?:(?<![A-Za-z])(?i:{either(UNITS)})"
    rf"|(?<=[a-z0-9])(?:{either(tuple(one.capitalize() for one in UNITS))}|ID))"
    r"[\"'\\\])]{0,3}[ \t]{0,4}[=:]{0,2}[ \t\[\"']{0,4}$"
)
MEASURED = re.compile(r"[ \t]*(?i:bytes?|[kmgt]?i?b|[mun]?s|ns|msec|usec|records|rows|ops)\b")


def counted(found: re.Match[str]) -> bool:
    """Whether the words around a number say that it measures or numbers something."""
    before = found.string[max(0, found.start() - 24) : found.start()]
    return bool(MEASURE.search(before) or MEASURED.match(found.string, found.end()))


def luhn(number: str) -> bool:
    """The check digit of bank cards (ISO/IEC 7812)."""
    values = [int(one) for one in reversed(number)]
    doubled = (sum(divmod(2 * one, 10)) for one in values[1::2])
    return (sum(values[::2]) + sum(doubled)) % 10 == 0


BRANDS = re.compile(
    r"4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[68]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}|6(?:011|4[4-9]\d|5\d\d)\d{12}|62\d{14,17}"
)
"""Bank cards as their issuers number them: the first digits fix the length."""


def is_card(found: re.Match[str], strict: bool) -> bool:
    number = re.sub(r"[ -]", "", found.group())
    if not BRANDS.fullmatch(number) or not luhn(number):
        return False
    return strict or not counted(found)


def is_phone(found: re.Match[str], strict: bool) -> bool:
    return strict or not found.group().isdigit() or not counted(found)


def is_world_phone(found: re.Match[str], _strict: bool) -> bool:
    """As many digits as a number has abroad (E.164): eleven in countries 1 and 7, else ten up."""
    digits = re.sub(r"\D", "", found.group())
    return len(digits) == 11 if digits[0] in "17" else 10 <= len(digits) <= 15


def is_identity(found: re.Match[str], _strict: bool) -> bool:
    """A Chinese identity number: a real birthday and the check digit of GB 11643."""
    text = found.group().upper()
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    total = sum(int(one) * pow(2, 17 - at, 11) for at, one in enumerate(text[:17]))
    return "10X98765432"[total % 11] == text[17]


LENGTHS = """
AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 ES24
FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28
LC32 LI21 LT20 LU20 LV21 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24
RS22 SA24 SC31 SE24 SI19 SK24 SM27 TN24 TR26 UA29 VA22 VG24 XK20
"""
"""Characters of an account number by country (ISO 13616 registry)."""
IBAN = "|".join(rf"{one[:2]}\d\d(?: ?[A-Z0-9]){{{int(one[2:]) - 4}}}" for one in LENGTHS.split())


def is_account(found: re.Match[str], _strict: bool) -> bool:
    """The check digits of account numbers (ISO 7064, modulo 97)."""
    text = found.group().replace(" ", "")
    return int("".join(str(int(one, 36)) for one in text[4:] + text[:4])) % 97 == 1


def is_random(found: re.Match[str], _strict: bool) -> bool:
    """Whether a long word is as mixed as a key: letters and digits, 3.5 bits each or more."""
    word = found.group()
    counts = Counter(word).values()
    bits = -sum(one / len(word) * math.log2(one / len(word)) for one in counts)
    return bits >= 3.5 and bool(re.search(r"\d", word) and re.search(r"[A-Za-z]", word))


def is_user(found: re.Match[str], _strict: bool) -> bool:
    return found["hide"].lower() not in NO_VALUES and not NO_VALUE.match(found["hide"])
