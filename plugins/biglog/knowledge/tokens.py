"""The words of a text: identifiers whole and in parts, Chinese in pairs of characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

VERSION = 1
"""Changes with the rules here; what was indexed under another version must be indexed again."""

CJK = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
WORD = re.compile(rf"[a-z0-9_]+(?:[.:/@-][a-z0-9_]+)*|[{CJK}]+", re.IGNORECASE)
PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
PLACEHOLDER = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\$\{[^}]*\}", re.DOTALL)
ENGLISH_FILLERS = """
a about after all also an and any are as at be been but by can could did do does doing for
from get had has have how i if in into is it its itself just may me more most my nor of on
one or other our out own same should so some such than that the their them then there these
they this those to too under until up us very was we were what when where which while who
why will with would you your
"""
ENGLISH_STOP = frozenset(ENGLISH_FILLERS.split())
CHINESE_FILLERS = """
的 了 吗 呢 吧 啊 和 与 及 或 在 是 有 就 都 也 还 很 把 被 给 从 到 对 往 里 上 下 中 着
过 又 再 去 来 要 会 能 可以 怎么 怎样 如何 什么 为什么 哪些 哪个 一个 一直 一些 这个 那个 这些
那些 我们 你们 他们 没有 不是 是不是 该 老 总 才 只 几个 很多 已经 正在 出现 发生 问题 情况 进行
需要 请问 处理 解决 怎么办
"""
CHINESE_STOP = frozenset(CHINESE_FILLERS.split())


def fold(text: str) -> str:
    """NFKC with template placeholders removed; case stays, camelCase needs it."""
    return PLACEHOLDER.sub(" ", unicodedata.normalize("NFKC", text))


def phrases(text: str) -> list[str]:
    """Neighbouring English words joined, so that ``not ready`` and ``NotReady`` meet."""
    return [
        f"{left}+{right}"
        for run in re.split(rf"[^A-Za-z0-9_\s-]|\n\s*\n|[{CJK}]", fold(text))
        for left, right in pairwise(plain_words(run))
    ]


def plain_words(run: str) -> list[str]:
    return [stem(p.lower()) for p in PART.findall(run) if not stopped(p)]


def is_chinese(word: str) -> bool:
    return bool(word) and "\u3400" <= word[0] <= "\uffff"


def tokens(text: str) -> list[str]:
    """The text's index tokens in reading order; repeated where the text repeats them."""
    return [token for word in WORD.findall(fold(text)) for token in of_word(word)]


@lru_cache(maxsize=200_000)
def of_word(word: str) -> tuple[str, ...]:
    if is_chinese(word):
        return tuple(pairs(word))
    return tuple(dict.fromkeys(of_identifier(word)))


def pairs(word: str) -> list[str]:
    """Overlapping pairs of characters; a single character stands for itself."""
    if len(word) == 1:
        return [word]
    return [word[i : i + 2] for i in range(len(word) - 1)]


def of_identifier(word: str) -> Iterator[str]:
    whole = word.lower()
    if whole in ENGLISH_STOP:
        return
    yield stem(whole)
    for piece in re.split(r"[^A-Za-z0-9]+", word):
        if piece.lower() not in ENGLISH_STOP:
            yield stem(piece.lower())
        parts = PART.findall(piece)
        if len(parts) > 1:
            yield from (stem(p.lower()) for p in parts if len(p) > 1 and not stopped(p))


def stopped(part: str) -> bool:
    return part.lower() in ENGLISH_STOP


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """The word without plural, -ing, -ed, -ion and silent e; only letters, four or more of them."""
    if len(word) < 4 or not (word.isascii() and word.isalpha()):
        return word
    return without_tail(without_ending(without_plural(word)))


def without_plural(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def without_ending(word: str) -> str:
    for ending, kept in (("ation", 3), ("ing", 3), ("ied", 3), ("ed", 3), ("ly", 4)):
        root = word[: -len(ending)]
        if word.endswith(ending) and len(root) >= kept and re.search("[aeiouy]", root):
            return undoubled(root + "y" if ending == "ied" else root)
    if word.endswith(("tion", "sion")) and len(word) > 6:
        return word[:-3]
    return word


def undoubled(root: str) -> str:
    """``stopp`` to ``stop``; doubled l, s and z belong to the word (``fill``, ``pass``)."""
    if len(root) > 3 and root[-1] == root[-2] and root[-1] not in "aeioulsz":
        return root[:-1]
    return root


def without_tail(word: str) -> str:
    if len(word) > 3 and word.endswith("e"):
        return word[:-1]
    if len(word) > 3 and word.endswith("y"):
        return word[:-1] + "i"
    return word


def chinese_share(text: str) -> float:
    """Share of Chinese characters among the text's letters; 0 for a text without letters."""
    letters = [c for c in text if c.isalpha()]
    return sum(is_chinese(c) for c in letters) / len(letters) if letters else 0.0


def language(text: str) -> str:
    """``zh`` where a fifth of the letters outside code is Chinese: commands are always English."""
    return "zh" if chinese_share(CODE.sub(" ", text)) >= 0.2 else "en"
