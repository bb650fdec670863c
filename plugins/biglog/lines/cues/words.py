"""What secrets are called, how issued keys begin, and where in a text either may stand."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import product

from biglog.lines.cues.find import Literal
from biglog.lines.cues.kernels import (
    FOLDED,
    ISSUED,
    KEY,
    LINKED,
    NAMED,
    OPTION,
    SPACED,
    STARTS,
    TAILED,
    URL,
)

KEY_OF = """
api access auth private secret encryption signing account shared master storage app license routing
subscription
"""
NAMES = {
    "PASSWORD": ("password", "passwd", "passphrase", "passcode", "pwd", "pswd", "sshpass"),
    "TOKEN": (
        *("token", "authorization", "cookie", "signature"),
        *("sessionid", "session_id", "session-id", "session id", "sessid"),
    ),
    "SECRET": ("secret", "secretstring", "credential"),
    "KEY": tuple(f"{of}{gap}key" for of, gap in product(KEY_OF.split(), ("", "_", "-", " "))),
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
SURE_NAME = re.compile(r"(?i)pass(?:word|wd|phrase|code)|pwd|pswd|密|口令|令牌|码|秘钥|cvv|cvc")

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
CHINESE_PERSONS: tuple[str, ...] = (
    "身份证",
    "身份證",
    "银行卡",
    "银行账号",
    "卡号",
    "手机",
    "手機",
    "电话",
    "電話",
)
CHINESE_PERSONS += ("联系方式", "护照")

CRYPTED = ("$2a$", "$2b$", "$2x$", "$2y$", "$1$", "$5$", "$6$", "$y$", "$apr1$", "$argon2")
"""How hashes of passwords begin, as crypt(5) writes them."""
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
        for one in (":AA", "Q~", *HOOKS, *CRYPTED, *(f"-us{digit}" for digit in range(10)))
    ),
    *(Literal(f"{one}--", OPTION) for one in OPENERS),
    *(
        Literal(one, OPTION)
        for one in (" -p", " -P", " -a", " -w", " -u", "storepass ", "keypass ", "sqlplus ")
    ),
    Literal("jdbc:oracle:thin:", URL, FOLDED),
    Literal("PRIVATE KEY", KEY),
)


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
