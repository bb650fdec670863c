"""What secrets and personal data look like: a rule for each form, with the cue it cannot lack."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from biglog.lines.certain import (
    IBAN,
    always,
    is_account,
    is_card,
    is_credential,
    is_identity,
    is_login,
    is_mailbox,
    is_option_value,
    is_phone,
    is_random,
    is_told,
    is_user,
    is_value,
    is_world_phone,
)
from biglog.lines.cues.kernels import EMAIL, ISSUED, KEY, NAMED, NUMBER, OPTION, URL
from biglog.lines.cues.words import (
    CARD_WORDS,
    CHINESE_NAMES,
    ID_WORDS,
    ISSUED_KEYS,
    KEY_HEADS,
    NAME_HEADS,
    NAMES,
    PHONE_WORDS,
    SHORT_WORDS,
    SNOWFLAKES,
    either,
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


def rule(
    kind: str,
    cue: int,
    pattern: str,
    heads: re.Pattern[str] | None = None,
    *,
    sure: Callable[[re.Match[str], bool], bool] = always,
) -> Rule:
    """A rule. One that is cued by names alone begins with a name."""
    found = NAME_HEADS if cue == NAMED else heads
    return Rule(kind, cue, re.compile(pattern, re.ASCII), sure, found)


WORDS = either(tuple(one for names in NAMES.values() for one in names))
HUMPS = either(tuple(one.capitalize() for one in SHORT_WORDS))
CHINESE_WORDS = either(tuple(one for names in CHINESE_NAMES.values() for one in names))
WORD = rf"(?:(?i:{WORDS})|(?<![A-Za-z0-9])(?i:{either(SHORT_WORDS)})|(?<=[a-z])(?:{HUMPS}))s?"
NAME = rf"(?P<name>{WORD}|{CHINESE_WORDS})"
CLOSE = r"(?:[\"'\\\]]|%(?:25)?22|&quot;){0,6}[ \t]{0,8}"
SIGN = r"(?P<link>=>?|:=?|：|%(?:25)?3[DdAa]|是(?=[ :：]?[!-~])|[为為](?=[ :：]?[!-~]))"
LINK_TO = rf"(?!(?<=\[)[A-Z]+:[0-9a-f]{{4}}\]){NAME}{CLOSE}{SIGN}[ \t:：]{{0,8}}(?:\[(?=[\"'\\]))?"
# A comma or a bracket ends a bare value only where another name, a blank or the end follows.
BARE = (
    r"(?![\[{][\"'\\])(?:(?!&(?:quot|amp|lt);|</)"
    r"(?:[^\s\"'\\,;&)}\]|\u3000，。；、！？）】」》]"
    r"|[\"'](?=\w)|\\(?![nrtu\"'\\/])"
    r"|[,;&)}\]|](?![\s\"'\\,;:&)}\]|]|$|[\w.-]{1,40}(?:[=:]|%3[Dd]))))+"
)
ENCODED = r"(?P<hide>(?:(?!%(?:25)?(?:26|22|2[Cc]))[\w.~!*'()+%-])+)"
QUOTED = r"(?P<q>['\"])(?P<hide>(?:\\.|(?!(?P=q))[^\\\r\n]|(?P=q){2}){1,512})"

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

CARD_PLACES = ("银行卡(?:号码?)?|银行账号|卡号", either(CARD_WORDS))
PHONE_PLACES = (
    "手[机機](?:号码?|號碼?)?|[电電][话話](?:号码?|號碼?)?|联系方式",
    either(PHONE_WORDS),
)
PASSPORT_PLACES = ("护照(?:号码?)?", "passport(?:[ _-]?(?:no|number|num|id))?")

# The order matters: the whole of a key before its lines, a cookie before the tokens in it.
# Lengths are bounded and starts anchored, so that hostile text costs no more than its length.
KEYS = (
    rule(
        "KEY",
        KEY,
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"[A-Za-z0-9+/=\s\\.:,()-]*(?:END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?",
    ),
    rule(
        "KEY",
        KEY,
        r"(?m)^(?=[A-Za-z0-9+/]*[a-z])(?=[A-Za-z0-9+/]*[A-Z])[A-Za-z0-9+/]{60,}={0,2}$",
    ),
)
HEADERS = (
    rule(
        "TOKEN",
        NAMED,
        r"(?i:cookie)[\"'\\\]]{0,4}[ \t]{0,4}[:=][ \t]{0,4}[\"'\[\\]{0,6}"
        r"(?P<hide>[\w.$-]{1,128}=[^\s;,\"'\\]+(?:;[ ]?[\w.$-]{1,128}(?:=[^\s;\"'\\]*)?)*)",
    ),
    rule(
        "TOKEN",
        NAMED,
        rf"{HEADER}(?i:basic|bearer)(?:[ \t]|%20|\+){{1,4}}(?P<hide>[^\s\"'\\,;)\]}}]+)",
    ),
    rule(
        "TOKEN",
        NAMED,
        rf"{HEADER}(?i:{OTHER_SCHEMES})[ \t]+(?P<hide>[^\r\n]+?)"
        r"(?=\\?['\"]?(?:[\r\n]|$)|['\"][ )}\]])",
    ),
)
ISSUED_FORMS = (
    rule(
        "JWT",
        ISSUED,
        r"eyJ(?<![A-Za-z0-9_-]eyJ)[\w-]{6,}\.(?:[\w-]{4,}|\.[\w-]{4,})(?:\.[\w-]*){0,3}",
    ),
    rule("KEY", ISSUED, rf"(?<![A-Za-z0-9])(?:{ISSUED_KEY})", KEY_HEADS),
    rule(
        "KEY",
        ISSUED,
        rf"(?<![A-Za-z0-9.-])(?:{'|'.join(SNOWFLAKES)})[\w-]{{22,26}}\.[\w-]{{6}}\.[\w-]{{27,40}}",
    ),
    rule("KEY", ISSUED, r"(?<![A-Za-z0-9_])\d{8,10}:AA[\w-]{33}"),
    rule("KEY", ISSUED, r"(?<!\w)[0-9a-f]{32}-us\d{1,2}(?!\w)"),
    rule(
        "PASSWORD",
        ISSUED,
        r"(?<![\w$])\$(?:2[abxy]|[156y]|apr1|argon2(?:id?|d))\$(?:[\w./=,+-]{1,60}\$){1,3}"
        r"[\w./+=-]{20,}",
    ),
    rule("KEY", ISSUED, r"(?<![\w~.-])[\w~.-]{4}Q~[\w~.-]{31,34}"),
    rule(
        "KEY",
        ISSUED,
        r"(?:hooks\.slack\.com/\w{1,20}/|api/webhooks/\d{1,20}/|webhook/send\?key=|bot/v2/hook/)"
        r"(?P<hide>[\w/-]{20,})",
    ),
)
LOGINS = (
    rule("PASSWORD", URL, r"://[^\s/:@]{0,128}:(?P<hide>[^\s/\"<>]{1,256})@", sure=is_login),
    rule("KEY", URL, r"://(?P<hide>[0-9a-f]{32})(?=@)"),
    rule("PASSWORD", URL, r"jdbc:oracle:thin:[\w.$#]{1,64}/(?P<hide>[^\s@/\"']{1,128})(?=@)"),
)
PHRASES = (
    rule(
        "TOKEN",
        NAMED,
        r"(?i)\b(?:bearer|basic)(?:[ \t]|%20|\+){1,4}(?P<hide>[\w.~+/=-]{8,})",
        sure=is_credential,
    ),
    rule(
        "PASSWORD",
        NAMED,
        r"(?i)\bidentified[ \t]{1,8}(?:with\s{1,8}[\w'\"`]{1,64}\s{1,8})?"
        r"(?:by|as)\s{1,8}(?:password\s{1,8})?" + QUOTED,
    ),
    rule("PASSWORD", NAMED, r"(?i)\bidentified[ \t]{1,8}by\s{1,8}(?P<hide>[^\s'\";,]+)"),
    rule(
        "PASSWORD",
        NAMED,
        r"(?i)\bpassword(?:[ \t]{1,8}|[ \t]{0,8}[(=][ \t]{0,8}N?)" + QUOTED,
        sure=is_option_value,
    ),
    rule(
        "PASSWORD",
        NAMED,
        r"(?i)\bpass(?:word|code|phrase)[ \t]{1,4}(?:is|was)[ \t]{1,4}(?P<hide>[^\s\"',;]+)",
        sure=is_told,
    ),
)
OPTIONS = (
    rule(
        "",
        OPTION,
        rf"--(?<=[ \t'\"\[(,=]--)(?P<name>[\w-]{{0,40}}{WORD})"
        rf"(?:=|[ \t]{{1,8}}|['\"],[ \t]?)\\?['\"]?{ARGUMENT}",
        sure=is_option_value,
    ),
    rule(
        "PASSWORD", OPTION, rf"\b(?:mysql\w*|mariadb[\w-]*|7z\w?|sshpass){UPTO}-p['\"]?{ARGUMENT}"
    ),
    rule(
        "PASSWORD",
        OPTION,
        rf"\b(?:sshpass|mongo\w*|(?:docker|podman|helm|skopeo|nerdctl|az|oc){UPTO}login)"
        rf"{UPTO}-p[ \t]{{1,4}}['\"]?{ARGUMENT}",
        sure=is_option_value,
    ),
    rule(
        "PASSWORD",
        OPTION,
        rf"\b(?:redis-cli{UPTO}-a|ldap\w+{UPTO}-w|(?:sqlcmd|ipmitool|zip|unzip|isql){UPTO}-P)"
        rf"[ \t]{{0,4}}['\"]?{ARGUMENT}",
        sure=is_option_value,
    ),
    rule(
        "PASSWORD",
        OPTION,
        rf"\b(?:curl|wget|http){UPTO}(?:-u[ \t]{{0,4}}|--(?:proxy-)?user[= ])"
        rf"['\"]?[^\s:'\"]{{1,64}}:{ARGUMENT}",
    ),
    rule(
        "PASSWORD",
        OPTION,
        rf" -(?:pass(?:word|wd|phrase|in|out)?|(?:store|key)pass) {{1,4}}['\"]?{ARGUMENT}",
        sure=is_option_value,
    ),
    rule(
        "PASSWORD",
        OPTION,
        r"(?i)\bsqlplus[ \t]{1,4}(?:-\w{1,8}[ \t]{1,4})?[\w.$#]{1,64}/(?P<hide>[^\s@/\"']{1,128})",
    ),
)
VALUES = (
    rule(
        "",
        NAMED,
        rf"{NAME}(?: (?i:type)[^<>\r\n]{{0,120}})?>(?:<!\[CDATA\[)?"
        r"(?P<hide>[^<\r\n]{1,256}?)(?=</|\]\]>)",
    ),
    rule(
        "",
        NAMED,
        rf"{NAME}[\"'\\]{{0,4}}[ \t]{{0,4}},?\s{{0,8}}[\"'\\]{{0,4}}value[\"'\\]{{0,4}}[ \t]{{0,4}}"
        r"[=:][ \t]{0,4}\\{0,4}[\"']?(?P<hide>[^\"'\\\r\n,}>]+)",
    ),
    rule("", NAMED, rf'{LINK_TO}[NnBbUuRrEe]?"(?P<hide>(?:[^"\\\r\n]|\\.)+)', sure=is_value),
    rule("", NAMED, rf"{LINK_TO}[NnBbUuRrEe]?'(?P<hide>(?:[^'\\\r\n]|\\.|'')+)", sure=is_value),
    rule(
        "",
        NAMED,
        rf"{LINK_TO}(?P<esc>\\{{1,8}}[\"'])(?P<hide>[^\r\n]{{1,2048}}?)(?:(?<!\\)(?P=esc)|$)",
        sure=is_value,
    ),
    rule("", NAMED, rf"{LINK_TO}(?<=3[DdAa])(?:%(?:25)?22)?{ENCODED}", sure=is_value),
    rule(
        "",
        NAMED,
        rf"{LINK_TO}(?:\\{{0,8}}[\"']|&quot;)?(?P<hide>{BARE})",
        sure=is_value,
    ),
)
PERSONS = (
    rule(
        "IDCARD",
        NAMED,
        PERSON.format("身份[证證](?:号码?|號碼?)?", either(ID_WORDS))
        + r"(?P<hide>[1-9]\d{16}[\dXx]|[1-9]\d{14})(?!\w)",
    ),
    rule("CARD", NAMED, PERSON.format(*CARD_PLACES) + r"(?P<hide>\d(?:[ -]?\d){12,18})(?!\w)"),
    rule(
        "PHONE",
        NAMED,
        PERSON.format(*PHONE_PLACES) + r"(?P<hide>[+(]?\d[\d ()-]{5,18}\d)(?![\w.])",
    ),
    rule("PASSPORT", NAMED, PERSON.format(*PASSPORT_PLACES) + r"(?P<hide>[A-Z]{1,2}\d{7,8})(?!\w)"),
    rule("SSN", NAMED, PERSON.format("(?!)", "ssn") + r"(?P<hide>\d{3}-?\d{2}-?\d{4})(?!\w)"),
    rule(
        "EMAIL",
        EMAIL,
        r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}(?:@|%40)"
        r"(?P<domain>(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})(?![A-Za-z0-9])",
        sure=is_mailbox,
    ),
)
NUMBERS = (
    rule(
        "IDCARD",
        NUMBER,
        r"(?<![\w.])[1-6]\d{5}(?:18|19|20)\d\d[01]\d[0-3]\d{4}[\dXx](?!\w)",
        sure=is_identity,
    ),
    rule("IBAN", NUMBER, rf"(?<![A-Za-z0-9])(?:{IBAN})(?![A-Za-z0-9])", sure=is_account),
    rule("CARD", NUMBER, r"(?<![\w.-])[2-6]\d{13,18}(?!\w|\.\d)", sure=is_card),
    rule(
        "CARD",
        NUMBER,
        r"(?<![\w.-])[2-6]\d{3}(?:([ -])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{1,3})?"
        r"|([ -])\d{6}\2\d{4,5})(?!\w)",
        sure=is_card,
    ),
    rule(
        "PHONE",
        NUMBER,
        r"(?<![\w.])(?:(?:\+|00)?86[ -]?)?1[3-9]\d(?P<gap>[ -]?)\d{4}(?P=gap)\d{4}(?!\w|[.:-]\d)",
        sure=is_phone,
    ),
    rule(
        "PHONE",
        NUMBER,
        r"\+[1-9]\d{0,2}(?:[ .-]?\(?\d{2,4}\)?){2,4}(?!\d)",
        sure=is_world_phone,
    ),
    rule(
        "PHONE",
        NUMBER,
        r"(?<![\w.-])(?:\(0\d{2,3}\)|（0\d{2,3}）|0(?:10|2\d|[3-9]\d\d)-)[2-9]\d{6,7}"
        r"(?:-\d{1,5})?(?![\w-])",
    ),
    rule("PHONE", NUMBER, r"(?<![\w.-])(?:\(\d{3}\) ?|\d{3}-)\d{3}-\d{4}(?![\w-])"),
    rule("SSN", NUMBER, r"(?<![\w.-])(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\w-])"),
)
RULES = KEYS + HEADERS + ISSUED_FORMS + LOGINS + PHRASES + OPTIONS + VALUES + PERSONS + NUMBERS

STRICT_CUE = r"[0-9]{11}|[A-Za-z0-9_+/=-]{24}|(?i-u:user|login|account)|用户|账号"

STRICT_RULES: tuple[Rule, ...] = (
    rule("NUMBER", 0, r"(?<!\d)\d{11,}(?!\d)"),
    rule("SECRET", 0, r"(?<![\w+/=-])[\w+/=-]{24,512}(?![\w+/=-])", sure=is_random),
    rule(
        "USER",
        0,
        r"(?:(?<![A-Za-z])(?i:user(?:[_-]?(?:name|id))?|login|account)|用户名?|账号)"
        r"[\"'\\]{0,4}[ \t]{0,4}(?:[=:：]|%3[Dd])[ \t]{0,4}\\{0,4}[\"']?"
        r"(?P<hide>[^\s,;&\"'\\})\]，。；]{1,128})",
        sure=is_user,
    ),
    rule("USER", 0, r"(?i)\bfor (?:invalid )?user (?P<hide>[^\s,;:\"'\\)\]]{1,128})", sure=is_user),
)
