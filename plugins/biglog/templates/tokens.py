"""Masked text as tokens: words, single blanks and single delimiters; joined they are the text."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import groupby

from biglog.templates.lexicon import PERSON, SAYING, is_telling, is_word
from biglog.templates.mask import MARK, WILDCARD

Tokens = tuple[str, ...]

DELIMITERS = "=:,;()[]{}\"'`<>|，。：；（）【】、！？“”"
FIXED = frozenset(" ." + DELIMITERS)
# A size keeps its unit in one token: where units differ, the unit varies with the size.
SIZE = rf"{MARK} [KMGTP]?i?B(?![A-Za-z0-9])"
STOP = r"\.(?=\s|\Z)"  # the end of a sentence, which is no part of its last word
WORD = rf"[^\s{re.escape(DELIMITERS)}]"
SPLIT = re.compile(rf"{SIZE}|\s|[{re.escape(DELIMITERS)}]|{STOP}|{WORD}+?(?={STOP})|{WORD}+")
DIGITS = frozenset("0123456789")
NUMBERED = re.compile(r"[A-Za-z_\-.]+[0-9]{1,2}")
MAX_TOKENS = 400
LONG_LIST = 12
LIST = re.compile(rf"{MARK}(?:,? ?{MARK})+")
QUOTED = re.compile(r"(?<!\w)(\w{1,64})=\"[^\"]+\"(?=[,;])")
CALLS = (("(",), ("{",), ("[",))
CALL = re.compile(rf"(?<![^\s=:,])\w+(?:\({MARK}\)|{{{MARK}}})")
EMPTY = re.compile(r"\(\)|\[\]|\"\"|''|（）")


def split(masked: str) -> Tokens:
    """Tokens of masked text; a very long one keeps its head and ends in a variable."""
    tokens = tuple(SPLIT.findall(masked))
    if len(tokens) <= MAX_TOKENS:
        return tokens
    return (*tokens[:MAX_TOKENS], " ", MARK)


def prepare(masked: str) -> Tokens:
    """Tokens with the variables that one line shows by itself: series, long lists, names."""
    tokens = name_paired(name_people(mark_series(split(mark_quoted(masked)))))
    return collapse_lists(tokens, longer_than=LONG_LIST)


def pattern(tokens: Tokens) -> str:
    return "".join(tokens).replace(MARK, WILDCARD)


def parse(text: str) -> Tokens:
    """Tokens of a pattern."""
    return tuple(SPLIT.findall(text.replace(WILDCARD, MARK)))


def is_fixed(token: str) -> bool:
    """Whether the token can never be found to be a variable: a blank or a delimiter."""
    return token in FIXED


def mark_quoted(masked: str) -> str:
    """``tag="View Lock", uid=0``: in a record of pairs a quoted text is one value, but messages."""
    if '="' not in masked:
        return masked
    return QUOTED.sub(
        lambda found: found.group() if found[1].lower() in SAYING else f'{found[1]}="{MARK}"',
        masked,
    )


def mark_series(tokens: Tokens) -> Tokens:
    """``an14 an15 an16``, ``r1=0 r2=0 r3=0``: three in a row with one stem are variables."""
    if sum(token[-1] in DIGITS for token in tokens) < 3:  # as most lines have
        return tokens
    words = [i for i, token in enumerate(tokens) if token != MARK and not is_fixed(token)]
    out = list(tokens)
    for stem, run in groupby(words, key=lambda i: stem_of(tokens[i])):
        places = list(run)
        if stem and len(places) > 2:
            for place in places:
                out[place] = MARK
    return tuple(out)


@lru_cache(maxsize=65536)
def stem_of(token: str) -> str:
    return token.rstrip("0123456789") if NUMBERED.fullmatch(token) else ""


def name_people(tokens: Tokens) -> Tokens:
    """``user root``, ``user=root``: a name after such a word, though it never varies."""
    if PERSON.isdisjoint(map(str.lower, tokens)):
        return tokens
    out = list(tokens)
    for i in range(2, len(tokens)):
        before = tokens[i - 2] if tokens[i - 1] in " =" else ""
        if not before.isupper() and before.lower() in PERSON and could_name(tokens[i]):
            out[i] = MARK
    return tuple(out)


def name_paired(tokens: Tokens) -> Tokens:
    """``uid=0, name=tom``: in a record of pairs, what follows an equals sign is a value."""
    if "=" not in tokens:
        return tokens
    out = list(tokens)
    for i in range(2, len(tokens)):
        if tokens[i - 1] == "=" and could_name(tokens[i]) and is_paired(tokens, i):
            out[i] = MARK
    return tuple(out)


def is_paired(tokens: Tokens, place: int) -> bool:
    """Whether a comma stands by the pair; ``0=off`` is no pair, ``=Source{7}`` no single value."""
    after = tokens[place + 1 : place + 2]
    beside = {*tokens[max(0, place - 4) : place - 2], *after}
    return MARK not in tokens[place - 2] and not beside.isdisjoint(",;") and after not in CALLS


def could_name(token: str) -> bool:
    return is_name(token) and is_vague(token)


def is_name(token: str) -> bool:
    if is_fixed(token) or token == MARK:
        return False
    return MARK in token or not is_word(token)


@lru_cache(maxsize=65536)
def is_vague(token: str) -> bool:
    """Whether the token may be a value: no word that says what happens."""
    return not is_fixed(token) and (MARK in token or not is_telling(token))


def collapse_lists(tokens: Tokens, *, longer_than: int = 1) -> Tokens:
    """Runs of more variables than that, with commas or blanks between, become one variable."""
    text = "".join(tokens)
    if MARK not in text:
        return tokens
    shorter = LIST.sub(
        lambda run: MARK if run.group().count(MARK) > longer_than else run.group(), text
    )
    return tokens if shorter == text else tuple(SPLIT.findall(shorter))


def simpler_forms(tokens: Tokens) -> list[Tokens]:
    """The same line with a value where it has ``()``, or has ``LOCAL(<*>)``."""
    text = "".join(tokens)
    filled = EMPTY.sub(lambda pair: pair.group()[0] + MARK + pair.group()[1], text)
    forms = [filled, CALL.sub(MARK, text)]
    return [tuple(SPLIT.findall(form)) for form in forms if form != text]
