"""What secrets and personal data look like: a rule for each form, with the cue it cannot lack."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from itertools import product

from biglog.lines.cues.find import Literal
from biglog.lines.cues.kernels import (
    EMAIL,
    FOLDED,
    ISSUED,
    KEY,
    LINKED,
    NAMED,
    NUMBER,
    OPTION,
    SPACED,
    STARTS,
    TAILED,
    URL,
)

NAMES = {
    "PASSWORD": ("password", "passwd", "passphrase", "passcode", "pwd", "pswd", "sshpass"),
    "TOKEN": ("token", "authorization", "cookie", "sessionid", "session_id", "session-id")
    + ("sessid", "signature"),
    "SECRET": ("secret", "secretstring", "credential"),
    "KEY": (
        *map(
            "".join,
            product(
                ("api", "access", "auth", "private", "secret", "encryption", "signing", "account")
                + ("shared", "master", "storage", "app", "license", "routing", "subscription"),
                ("", "_", "-"),
                ("key",),
            ),
        ),
    ),
}
"""Words that name a secret wherever they end a name, as in ``db_password``."""

SHORT_NAMES = {
    "PASSWORD": ("pass", "psw", "pw", "passin", "passout", "passwort", "senha"),
    "TOKEN": ("auth", "jwt", "otp", "sig", "sid", "pin"),
    "KEY": ("ak", "sk"),
    "CARD": ("cvv", "cvc", "cvv2"),
}
"""Words that name a secret only where they stand alone or begin a hump, as in ``dbPass``."""

CHINESE_NAMES = {
    "PASSWORD": ("密码", "密碼", "口令"),
    "TOKEN": ("令牌", "验证码", "驗證碼", "校验码"),
    "KEY": ("密钥", "密鑰", "秘钥"),
}
SURE_NAME = re.compile(
    r"(?i)pass(?:word|wd|phrase|code)|pwd|pswd|密|口令|令牌|码|秘钥|cookie|cvv|cvc"
)

ISSUED_KEYS = {
    **dict.fromkeys(("AKIA", "ASIA", "AIDA", "AROA", "AGPA", "ABIA", "ACCA"), "[A-Z0-9]{16}"),
    "LTAI": r"[A-Za-z0-9]{12,26}",
    "AKID": r"[A-Za-z0-9]{16,40}",
    **dict.fromkeys(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"[A-Za-z0-9]{20,}"),
    "github_pat_": r"\w{20,}",
    **dict.fromkeys(("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-"), r"[\w-]{16,}"),
    **dict.fromkeys((f"xox{one}-" for one in "abeoprs"), r"[A-Za-z0-9-]{10,}"),
    "xapp-": r"[A-Za-z0-9-]{10,}",
    "AIza": r"[\w-]{35}",
    "ya29.": r"[\w-]{12,}",
    "GOCSPX-": r"[\w-]{20,}",
    **dict.fromkeys(("sk_live_", "sk_test_", "rk_live_", "rk_test_"), r"[A-Za-z0-9]{16,}"),
    "whsec_": r"[A-Za-z0-9+/=]{16,}",
    "sk-": r"[\w-]{20,}",
    "gsk_": r"[A-Za-z0-9]{20,}",
    "hf_": r"[A-Za-z0-9]{20,}",
    "npm_": r"[A-Za-z0-9]{30,}",
    "pypi-": r"[\w-]{16,}",
    "rubygems_": r"[0-9a-f]{32,}",
    "dckr_pat_": r"[\w-]{16,}",
    "SG.": r"[\w-]{16,}\.[\w-]{16,}",
    "SK": r"[0-9a-f]{32}(?!\w)",
    "key-": r"[0-9a-f]{32}(?!\w)",
    **dict.fromkeys(("shpat_", "shpss_", "shpca_", "shppa_"), r"[0-9a-fA-F]{20,}"),
    **dict.fromkeys(("dop_v1_", "doo_v1_", "dor_v1_"), r"[0-9a-f]{32,}"),
    "dapi": r"[0-9a-f]{32}",
    "ATATT3": r"[\w=-]{20,}",
    **dict.fromkeys(("sq0atp-", "sq0csp-"), r"[\w-]{20,}"),
    **dict.fromkeys(("hvs.", "hvb.", "hvr."), r"[\w-]{20,}"),
    **dict.fromkeys(("glsa_", "glc_"), r"[\w=]{20,}"),
    "NRAK-": r"[A-Z0-9]{20,}",
    "sntrys_": r"[\w=+/-]{20,}",
    "lin_api_": r"[A-Za-z0-9]{20,}",
    "ntn_": r"[A-Za-z0-9]{20,}",
    "figd_": r"[\w-]{20,}",
    "PMAK-": r"[0-9a-f-]{20,}",
    "AGE-SECRET-KEY-1": r"[A-Z0-9]{20,}",
    "EAAC": r"[A-Za-z0-9]{30,}",
}
"""How keys begin that their issuer marks as such, and how they go on."""

SNOWFLAKES = ("MT", "Mj", "Mz", "ND", "NT", "Nj", "Nz", "OD", "OT")
"""A decimal number's first two digits in base64, as Discord's tokens begin."""
HOOKS = ("hooks.slack.com/", "api/webhooks/", "webhook/send?key=", "bot/v2/hook/")
"""Addresses whose rest is the right to write there."""
NUMBERED = ("", "no", "num", "number", "_no", "_num", "_number")
ID_WORDS = tuple(map("".join, product(("idcard", "id_card"), NUMBERED)))
CARD_WORDS = tuple(map("".join, product(("card", "bankcard"), NUMBERED[1:])))
PHONE_WORDS = ("tel", "mobile", *map("".join, product(("phone", "telephone"), NUMBERED)))
CHINESE_PERSONS = ("身份证", "身份證", "银行卡", "银行账号", "卡号", "手机", "手機", "电话", "電話")
CHINESE_PERSONS += ("联系方式", "护照")

WORDS_ALONE = ("bearer", "basic", "identified", "passport")
OPENERS = " \t'\"[(,="
"""What may stand before an option of a command."""
SHORT_WORDS = tuple(one for names in SHORT_NAMES.values() for one in names)

LITERALS: tuple[Literal, ...] = (
    *(Literal(one, NAMED, LINKED | FOLDED) for names in NAMES.values() for one in names),
    *(
        Literal(one, NAMED, LINKED | FOLDED | STARTS)
        for one in (*SHORT_WORDS, *ID_WORDS, *CARD_WORDS, *PHONE_WORDS, "ssn", "passport")
    ),
    *(Literal(one, NAMED) for names in CHINESE_NAMES.values() for one in names),
    *(Literal(one, NAMED) for one in CHINESE_PERSONS),
    *(Literal(one, NAMED, SPACED | FOLDED | STARTS) for one in WORDS_ALONE),
    *(Literal(one, ISSUED, STARTS | TAILED) for one in ("eyJ", *ISSUED_KEYS, *SNOWFLAKES)),
    *(
        Literal(one, ISSUED)
        for one in (":AA", "Q~", *HOOKS, *(f"-us{digit}" for digit in range(10)))
    ),
    *(Literal(f"{one}--", OPTION) for one in OPENERS),
    *(Literal(one, OPTION) for one in (" -p", " -P", " -a", " -w", " -u", "pass ", "sqlplus ")),
    Literal("jdbc:oracle:thin:", URL, FOLDED),
    Literal("PRIVATE KEY", KEY),
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One form. The group ``hide`` is replaced, the whole match where there is none."""

    kind: str
    """Empty where the group ``name`` tells it."""
    cue: int
    pattern: re.Pattern[str]
    sure: Callable[[re.Match[str], bool], bool]
    heads: re.Pattern[str] | None
    """Where it may begin, told faster than by the pattern itself; in text without capitals
    where it begins with a name."""


def always(_found: re.Match[str], _strict: bool) -> bool:
    return True


def rule(
    kind: str, cue: int, pattern: str, sure: Callable[[re.Match[str], bool], bool] = always
) -> Rule:
    heads = NAME_HEADS if cue == NAMED else KEY_HEADS if cue == ISSUED and "SG" in pattern else None
    return Rule(kind, cue, re.compile(pattern, re.ASCII), sure, heads)


def heads_of(words: Iterable[str]) -> re.Pattern[str]:
    """Where one of the words begins, also within another."""
    rests: dict[str, list[str]] = {}
    for one in words:
        rests.setdefault(one[0], []).append(re.escape(one[1:]))
    return re.compile("|".join(f"{re.escape(one)}(?={'|'.join(rests[one])})" for one in rests))


NAME_HEADS = heads_of({one.text for one in LITERALS if one.cue == NAMED})
KEY_HEADS = heads_of(ISSUED_KEYS)


def kind_of(name: str) -> str:
    """The kind of secret that a name names."""
    word = name.lower()
    if word in ("otp", "pin"):
        return "TOKEN"
    for table in (CHINESE_NAMES, {"KEY": NAMES["KEY"]}, NAMES, SHORT_NAMES):
        for kind, names in table.items():
            if word.endswith(names) or word.removesuffix("s").endswith(names):
                return kind
    return "SECRET"


def either(words: tuple[str, ...]) -> str:
    return "|".join(re.escape(one) for one in sorted(words, key=len, reverse=True))


WORDS = either(tuple(one for names in NAMES.values() for one in names))
HUMPS = either(tuple(one.capitalize() for one in SHORT_WORDS))
CHINESE_WORDS = either(tuple(one for names in CHINESE_NAMES.values() for one in names))
WORD = rf"(?:(?i:{WORDS})|(?<![A-Za-z0-9])(?i:{either(SHORT_WORDS)})|(?<=[a-z])(?:{HUMPS}))s?"
NAME = rf"(?P<name>{WORD}|{CHINESE_WORDS})"
CLOSE = r"(?:[\"'\\\]]|%(?:25)?22|&quot;){0,6}[ \t]{0,8}"
SIGN = r"(?P<link>=>?|:=?|：|%(?:25)?3[DdAa]|是(?=[ :：]?[!-~])|[为為](?=[ :：]?[!-~]))"
LINK_TO = rf"(?!(?<=\[)[A-Z]+:[0-9a-f]{{4}}\]){NAME}{CLOSE}{SIGN}[ \t:：]{{0,8}}"
# A comma or a bracket ends a bare value only where another name, a blank or the end follows.
BARE = (
    r"(?:(?!%(?:25)?(?:26|22|2[Cc])|&(?:quot|amp|lt);|</)"
    r"(?:[^\s\"'\\,;&)}\]|\u3000，。；、！？）】」》]"
    r"|[\"'](?=\w)|\\(?![nrtu\"'\\/])"
    r"|[,;&)}\]|](?![\s\"'\\,;:&)}\]|]|$|[\w.-]{1,40}(?:[=:]|%3[Dd]))))+"
)
QUOTED = r"(?P<q>['\"])(?P<hide>(?:\\.|(?!(?P=q))[^\\\r\n]|(?P=q){2}){1,512})"


# What stands where a value would: a state, a type, a word of prose, or what another tool hid.
NO_VALUES = frozenset(
    ["null", "none", "nil", "true", "false", "undefined", "yes", "no", "on", "off", "empty", "blank", "missing", "required", "invalid", "expired", "incorrect", "wrong", "failed", "failure", "error", "unset", "unknown", "not", "is", "are", "was", "has", "for", "and", "or", "the", "a", "an", "to", "too", "must", "should", "cannot", "can", "with", "from", "in", "of", "user", "username", "auth", "authentication", "accepted", "changed", "ok", "okay", "valid", "optional", "string", "str", "bytes", "text", "int", "redacted", "masked", "hidden", "filtered", "secret", "password", "passwd", "protected", "bearer", "basic", "digest", "negotiate", "ntlm", "token", "anonymous", "identifier", "mismatch", "rejected", "denied", "success", "successful", "updated", "reset", "set"]
)
NO_VALUE = re.compile(
    r"(?i)[\s*x•.\[\]<>{}()$%,:;=\"'|/-]*$|[\[<({*]{1,3}(?:redacted|masked|hidden|filtered|secret"
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
    if assigned:
        return len(value) >= 5 and not value.isdigit()
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
NO_ENDING = frozenset(
    ["png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "css", "js", "map", "json", "xml", "html", "htm", "php", "py", "sh", "so", "jar", "class", "java", "go", "rs", "service", "socket", "timer", "target", "mount", "scope", "slice", "path", "swap", "automount", "snapshot", "device", "log", "conf", "yaml", "yml", "toml", "txt", "gz", "zip", "tar", "lock", "local", "internal", "localdomain", "lan", "svc", "cluster"]
)
OBJECT = re.compile(r"(?=[0-9a-f]*\d)[0-9a-f]{5,8}\.(?!com$|cn$|net$|org$)")


def is_mailbox(found: re.Match[str], _strict: bool) -> bool:
    domain = found["domain"]
    if NO_DOMAIN.match(domain) or domain.rpartition(".")[2].lower() in NO_ENDING:
        return False
    if OBJECT.match(domain):
        return False
    return not (found.group().startswith("git@") and found.string[found.end() :][:1] == ":")


# What says that a long number is a measure or an id, not a person's.
MEASURES = ["size", "bytes", "byte", "len", "length", "offset", "count", "time", "timestamp", "ts", "seq", "sequence", "pos", "position", "zxid", "txid", "duration", "memory", "mem", "total", "used", "free", "available", "capacity", "id", "ids", "no", "block", "number", "num", "start", "end", "version", "rev", "index", "code", "value", "nonce", "hash", "port", "sent", "received", "read", "written", "elapsed", "latency"]
MEASURE = re.compile(
    rf"(?:(?<![A-Za-z])(?i:{either(tuple(MEASURES))})"
    rf"|(?<=[a-z0-9])(?:{either(tuple(one.capitalize() for one in MEASURES))}|ID))"
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


IBAN_LENGTHS = dict(
    zip(
        ["AD", "AE", "AL", "AT", "AZ", "BA", "BE", "BG", "BH", "BR", "BY", "CH", "CR", "CY", "CZ", "DE", "DK", "DO", "EE", "ES", "FI", "FO", "FR", "GB", "GE", "GI", "GL", "GR", "GT", "HR", "HU", "IE", "IL", "IQ", "IS", "IT", "JO", "KW", "KZ", "LB", "LC", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MR", "MT", "MU", "NL", "NO", "PK", "PL", "PS", "PT", "QA", "RO", "RS", "SA", "SC", "SE", "SI", "SK", "SM", "TN", "TR", "UA", "VA", "VG", "XK"],
        map(
            int,
            ["24", "23", "28", "20", "28", "20", "16", "22", "22", "29", "28", "21", "22", "28", "24", "22", "18", "28", "20", "24", "18", "18", "27", "22", "22", "23", "18", "27", "28", "21", "28", "22", "23", "23", "26", "27", "30", "30", "20", "28", "32", "21", "20", "20", "21", "27", "24", "22", "19", "27", "31", "30", "18", "15", "24", "28", "29", "25", "29", "24", "22", "24", "31", "24", "19", "24", "27", "24", "26", "29", "22", "24", "20"],
        ),
        strict=True,
    )
)
"""Characters of an account number by country (ISO 13616 registry)."""
IBAN = "|".join(
    rf"{country}\d\d(?: ?[A-Z0-9]){{{length - 4}}}" for country, length in IBAN_LENGTHS.items()
)


def is_account(found: re.Match[str], _strict: bool) -> bool:
    """The check digits of account numbers (ISO 7064, modulo 97)."""
    text = found.group().replace(" ", "")
    return int("".join(str(int(one, 36)) for one in text[4:] + text[:4])) % 97 == 1


ISSUED_KEY = "|".join(f"{re.escape(start)}{rest}" for start, rest in ISSUED_KEYS.items())
OTHER_SCHEMES = (
    r"digest|ntlm|negotiate|hawk|token|api-?key|key|sso-key|oauth|hmac|signature|sharedkey|sso"
    r"|aws4-hmac-sha256|aws|tc3-hmac-sha256|acs3-hmac-sha256|sdk-hmac-sha256|cos|oss"
)
HEADER = r"(?i:authorization)[\"'\\\]]{0,4}[ \t]{0,4}[:=][ \t]{0,4}\\{0,4}[\"']?"
UPTO = r"[^\n|]{0,200}? "
ARGUMENT = r"(?P<hide>(?<=['\"])[^'\"\r\n]+|[^\s'\"]+)"

PERSON = (
    r"(?:(?:{})[\"'\\ \t]{{0,4}}[:=：为是]?|(?:(?<![A-Za-z0-9])|(?<=[a-z])(?=[A-Z]))(?i:{})"
    r"[\"'\\ \t]{{0,4}}[:=])[\"'\\ \t]{{0,4}}"
)

# The order matters: the whole of a key before its lines, a cookie before the tokens in it.
# Lengths are bounded and starts anchored, so that hostile text costs no more than its length.
RULES: tuple[Rule, ...] = (
    rule(
        "KEY",
        KEY,
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"[A-Za-z0-9+/=\s\\.:,()-]*(?:END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?",
    ),
    rule("KEY", KEY, r"(?m)^(?=[A-Za-z0-9+/]*[a-z])(?=[A-Za-z0-9+/]*[A-Z])[A-Za-z0-9+/]{60,}={0,2}$"),
    rule(
        "TOKEN",
        NAMED,
        r"(?i:cookie)[\"'\\\]]{0,4}[ \t]{0,4}[:=][ \t]{0,4}(?:\\{0,4}[\"'\[])?"
        r"(?P<hide>[\w.$-]{1,128}=[^\s;,\"'\\]+(?:;[ ]?[\w.$-]{1,128}(?:=[^\s;\"'\\]*)?)*)",
    ),
    rule("TOKEN", NAMED, rf"{HEADER}(?i:basic|bearer)(?:[ \t]|%20|\+){{1,4}}(?P<hide>[^\s\"'\\,;)\]}}]+)"),
    rule("TOKEN", NAMED, rf"{HEADER}(?i:{OTHER_SCHEMES})[ \t]+(?P<hide>[^\r\n]+?)(?=\\?['\"]?(?:[\r\n]|$)|['\"][ )}}\]])"),
    rule("JWT", ISSUED, r"eyJ(?<![A-Za-z0-9_-]eyJ)[\w-]{6,}\.(?:[\w-]{4,}|\.[\w-]{4,})(?:\.[\w-]*){0,3}"),
    rule("KEY", ISSUED, rf"(?<![A-Za-z0-9])(?:{ISSUED_KEY})"),
    rule("KEY", ISSUED, rf"(?<![A-Za-z0-9.-])(?:{'|'.join(SNOWFLAKES)})[\w-]{{22,26}}\.[\w-]{{6}}\.[\w-]{{27,40}}"),
    rule("KEY", ISSUED, r"(?<![A-Za-z0-9_])\d{8,10}:AA[\w-]{33}|(?<!\w)[0-9a-f]{32}-us\d{1,2}(?!\w)"),
    rule("KEY", ISSUED, r"(?<![\w~.-])[\w~.-]{4}Q~[\w~.-]{31,34}"),
    rule(
        "KEY",
        ISSUED,
        r"(?:hooks\.slack\.com/\w{1,20}/|api/webhooks/\d{1,20}/|webhook/send\?key=|bot/v2/hook/)"
        r"(?P<hide>[\w/-]{20,})",
    ),
    rule("PASSWORD", URL, r"://[^\s/:@]{0,128}:(?P<hide>[^\s/\"<>]{1,256})@", is_login),
    rule("KEY", URL, r"://(?P<hide>[0-9a-f]{32})(?=@)"),
    rule("PASSWORD", URL, r"jdbc:oracle:thin:[\w.$#]{1,64}/(?P<hide>[^\s@/\"']{1,128})(?=@)"),
    rule("TOKEN", NAMED, r"(?i)\b(?:bearer|basic)(?:[ \t]|%20|\+){1,4}(?P<hide>[\w.~+/=-]{8,})", is_credential),
    rule("PASSWORD", NAMED, r"(?i)\bidentified[ \t]{1,8}(?:with\s{1,8}[\w'\"`]{1,64}\s{1,8})?(?:by|as)\s{1,8}(?:password\s{1,8})?" + QUOTED),
    rule("PASSWORD", NAMED, r"(?i)\bidentified[ \t]{1,8}by\s{1,8}(?P<hide>[^\s'\";,]+)"),
    rule("PASSWORD", NAMED, r"(?i)\bpassword(?:[ \t]{1,8}|[ \t]{0,8}[(=][ \t]{0,8}N?)" + QUOTED, is_option_value),
    rule(
        "PASSWORD",
        NAMED,
        r"(?i)\bpass(?:word|code|phrase)[ \t]{1,4}(?:is|was)[ \t]{1,4}(?P<hide>[^\s\"',;]+)",
        is_told,
    ),
    rule("", OPTION, rf"--(?<=[ \t'\"\[(,=]--)(?P<name>[\w-]{{0,40}}{WORD})(?:=|[ \t]{{1,8}}|['\"],[ \t]?)\\?['\"]?{ARGUMENT}", is_option_value),
    rule("PASSWORD", OPTION, rf"\b(?:mysql\w*|mariadb[\w-]*|7z\w?|sshpass){UPTO}-p['\"]?{ARGUMENT}"),
    rule("PASSWORD", OPTION, rf"\b(?:sshpass|mongo\w*|(?:docker|podman|helm|skopeo|nerdctl|az|oc){UPTO}login){UPTO}-p[ \t]{{1,4}}['\"]?{ARGUMENT}", is_option_value),
    rule("PASSWORD", OPTION, rf"\b(?:redis-cli{UPTO}-a|ldap\w+{UPTO}-w|(?:sqlcmd|ipmitool|zip|unzip|isql){UPTO}-P)[ \t]{{0,4}}['\"]?{ARGUMENT}", is_option_value),
    rule("PASSWORD", OPTION, rf"\b(?:curl|wget|http){UPTO}(?:-u[ \t]{{0,4}}|--(?:proxy-)?user[= ])['\"]?[^\s:'\"]{{1,64}}:{ARGUMENT}"),
    rule("PASSWORD", OPTION, rf" -(?:pass(?:word|wd|phrase|in|out)?|(?:store|key)pass) {{1,4}}['\"]?{ARGUMENT}", is_option_value),
    rule("PASSWORD", OPTION, r"(?i)\bsqlplus[ \t]{1,4}(?:-\w{1,8}[ \t]{1,4})?[\w.$#]{1,64}/(?P<hide>[^\s@/\"']{1,128})"),
    rule("", NAMED, rf"{NAME}(?: (?i:type)[^<>\r\n]{{0,120}})?>(?:<!\[CDATA\[)?(?P<hide>[^<\r\n]{{1,256}}?)(?=</|\]\]>)"),
    rule("", NAMED, rf"{NAME}[\"'\\]{{0,4}}[ \t]{{0,4}},?\s{{0,8}}[\"'\\]{{0,4}}value[\"'\\]{{0,4}}[ \t]{{0,4}}[=:][ \t]{{0,4}}\\{{0,4}}[\"']?(?P<hide>[^\"'\\\r\n,}}>]+)"),
    rule("", NAMED, rf'{LINK_TO}[NnBbUuRrEe]?"(?P<hide>(?:[^"\\\r\n]|\\.)+)', is_value),
    rule("", NAMED, rf"{LINK_TO}[NnBbUuRrEe]?'(?P<hide>(?:[^'\\\r\n]|\\.|'')+)", is_value),
    rule("", NAMED, rf"{LINK_TO}(?P<esc>\\{{1,8}}[\"'])(?P<hide>[^\r\n]{{1,2048}}?)(?:(?<!\\)(?P=esc)|$)", is_value),
    rule("", NAMED, rf"{LINK_TO}(?:\\{{0,8}}[\"']|%(?:25)?22|&quot;)?(?P<hide>{BARE})", is_value),
    rule("IDCARD", NAMED, rf"{PERSON.format('身份[证證](?:号码?|號碼?)?', either(ID_WORDS))}(?P<hide>[1-9]\d{{16}}[\dXx]|[1-9]\d{{14}})(?!\w)"),
    rule("CARD", NAMED, rf"{PERSON.format('银行卡(?:号码?)?|银行账号|卡号', either(CARD_WORDS))}(?P<hide>\d(?:[ -]?\d){{12,18}})(?!\w)"),
    rule("PHONE", NAMED, rf"{PERSON.format('手[机機](?:号码?|號碼?)?|[电電][话話](?:号码?|號碼?)?|联系方式', either(PHONE_WORDS))}(?P<hide>[+(]?\d[\d ()-]{{5,18}}\d)(?![\w.])"),
    rule("PASSPORT", NAMED, rf"{PERSON.format('护照(?:号码?)?', 'passport(?:[ _-]?(?:no|number|num|id))?')}(?P<hide>[A-Z]{{1,2}}\d{{7,8}})(?!\w)"),
    rule("SSN", NAMED, rf"{PERSON.format('(?!)', 'ssn')}(?P<hide>\d{{3}}-?\d{{2}}-?\d{{4}})(?!\w)"),
    rule(
        "EMAIL",
        EMAIL,
        r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}(?:@|%40)(?P<domain>(?:[A-Za-z0-9-]{1,63}\.){1,8}"
        r"[A-Za-z]{2,24})(?![A-Za-z0-9])",
        is_mailbox,
    ),
    rule("IDCARD", NUMBER, r"(?<![0-9A-Za-z_.])[1-6]\d{5}(?:18|19|20)\d\d[01]\d[0-3]\d{4}[\dXx](?![0-9A-Za-z_])", is_identity),
    rule("IBAN", NUMBER, rf"(?<![A-Za-z0-9])(?:{IBAN})(?![A-Za-z0-9])", is_account),
    rule("CARD", NUMBER, r"(?<![0-9A-Za-z_.-])[2-6]\d{13,18}(?![0-9A-Za-z_]|\.\d)", is_card),
    rule("CARD", NUMBER, r"(?<![0-9A-Za-z_.-])[2-6]\d{3}(?:([ -])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{1,3})?|([ -])\d{6}\2\d{4,5})(?![0-9A-Za-z_])", is_card),
    rule(
        "PHONE",
        NUMBER,
        r"(?<![0-9A-Za-z_.])(?:(?:\+|00)?86[ -]?)?1[3-9]\d(?P<gap>[ -]?)\d{4}(?P=gap)\d{4}"
        r"(?![0-9A-Za-z_]|[.:-]\d)",
        is_phone,
    ),
    rule("PHONE", NUMBER, r"\+[1-9]\d{0,2}(?:[ .-]?\(?\d{2,4}\)?){2,4}(?!\d)", is_world_phone),
    rule("PHONE", NUMBER, r"(?<![\w.-])(?:\(0\d{2,3}\)|（0\d{2,3}）|0(?:10|2\d|[3-9]\d\d)-)[2-9]\d{6,7}(?:-\d{1,5})?(?![\w-])"),
    rule("PHONE", NUMBER, r"(?<![\w.-])(?:\(\d{3}\) ?|\d{3}-)\d{3}-\d{4}(?![\w-])"),
    rule("SSN", NUMBER, r"(?<![\w.-])(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\w-])"),
)  # fmt: skip

STRICT_CUE = r"[0-9]{11}|[A-Za-z0-9_+/=-]{24}|(?i-u:user|login|account)|用户|账号"


def is_random(found: re.Match[str], _strict: bool) -> bool:
    """Whether a long word is as mixed as a key: letters and digits, 3.5 bits a character or more."""
    word = found.group()
    counts = Counter(word).values()
    bits = -sum(one / len(word) * math.log2(one / len(word)) for one in counts)
    return bits >= 3.5 and bool(re.search(r"\d", word) and re.search(r"[A-Za-z]", word))


def is_user(found: re.Match[str], _strict: bool) -> bool:
    return found["hide"].lower() not in NO_VALUES and not NO_VALUE.match(found["hide"])


STRICT_RULES: tuple[Rule, ...] = (
    rule("NUMBER", 0, r"(?<!\d)\d{11,}(?!\d)"),
    rule("SECRET", 0, r"(?<![\w+/=-])[\w+/=-]{24,512}(?![\w+/=-])", is_random),
    rule(
        "USER",
        0,
        r"(?:(?<![A-Za-z])(?i:user(?:[_-]?(?:name|id))?|login|account)|用户名?|账号)[\"'\\]{0,4}[ \t]{0,4}(?:[=:：]|%3[Dd])"
        r"[ \t]{0,4}\\{0,4}[\"']?(?P<hide>[^\s,;&\"'\\})\]，。；]{1,128})",
        is_user,
    ),
    rule("USER", 0, r"(?i)\bfor (?:invalid )?user (?P<hide>[^\s,;:\"'\\)\]]{1,128})", is_user),
)
