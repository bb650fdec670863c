"""Secrets and personal data in text, replaced by placeholders such as ``[EMAIL:7f3a]``.

The four hexadecimal digits are the same wherever the same value occurs in a source, on any night,
so that two lines about one person still look related. They do not name a person: of ten thousand
values in a source, about one in seven shares its digits with another, so nothing may be counted or
joined by them alone. More digits would tell more values apart, and make each easier to guess.

``off`` hides nothing. ``on`` hides what is certain by its form, its check digits or its name.
``strict`` hides besides any number of eleven digits or more, long words as mixed as keys, and the
user names after ``user=``, and so gives up ids that an analyst may want.
"""

from __future__ import annotations

import json
import re
import string
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np
import polars as pl

from biglog.lines.cues.find import Finder, make_finder
from biglog.lines.cues.words import LITERALS, NAME_HEADS, kind_of
from biglog.lines.secrets import RULES, STRICT_CUE, STRICT_RULES, Rule

SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
"""Each character stays where it is, which lower() does not promise beyond ASCII."""
ALL = 255
"""Every cue."""
HIDDEN = re.compile(r"\[[A-Z]{3,10}:[0-9a-f]{4}")


@cache
def finder() -> Finder:
    return make_finder(LITERALS)


@dataclass(frozen=True, slots=True)
class Redaction:
    """How one source's text is cleaned: its mode and what makes its placeholders its own."""

    mode: str = "on"
    salt: str = ""

    def clean(self, text: pl.Series) -> pl.Series:
        """The texts without secrets; nulls stay null, and what was JSON stays JSON."""
        if self.mode == "off" or text.null_count() == len(text):
            return text
        cues = finder().cues(text)
        wanted = cues > 0
        if self.mode == "strict":
            wanted |= text.str.contains(STRICT_CUE).fill_null(False).to_numpy()
        rows = np.flatnonzero(wanted)
        if not len(rows):
            return text
        known: dict[str, str] = {}
        fresh = []
        for one, cue in zip(text.gather(rows).to_list(), cues[rows].tolist(), strict=True):
            if one not in known:
                known[one] = self.clean_one(one, cue)
            fresh.append(known[one])
        return text.clone().scatter(rows, pl.Series(fresh, dtype=pl.String))  # in place

    def clean_one(self, text: str, cues: int = ALL) -> str:
        """The text without secrets, where ``cues`` says which rules may find one."""
        cleaned = self.apply_rules(text, cues)
        if cleaned == text or text[0] not in "{[" or not is_json(text) or is_json(cleaned):
            return cleaned
        return json.dumps(self.clean_object("", json.loads(text)), ensure_ascii=False)

    def clean_object(self, name: str, value: Any) -> Any:
        """A JSON value, where hiding it in place would leave text that is no JSON."""
        if isinstance(value, dict):
            return {self.apply_rules(key): self.clean_object(key, value[key]) for key in value}
        if isinstance(value, list):
            return [self.clean_object(name, one) for one in value]
        return value if value is None or isinstance(value, bool) else self.clean_leaf(name, value)

    def clean_leaf(self, name: str, value: str | float) -> str | float:
        """A text or a number under its name; a number that is hidden becomes a text."""
        text = json.dumps({name: str(value)}, ensure_ascii=False)
        cleaned = self.apply_rules(text)
        if cleaned == text:
            return value
        if not is_json(cleaned):
            return self.placeholder("SECRET", str(value))
        fresh: str = json.loads(cleaned).popitem()[1]
        return fresh

    def apply_rules(self, text: str, cues: int = ALL) -> str:
        strict = STRICT_RULES if self.mode == "strict" else ()
        for one in (*(one for one in RULES if one.cue & cues), *strict):
            text = self.apply_rule(one, text)
        return text

    def apply_rule(self, one: Rule, text: str) -> str:
        if one.heads is None:
            return one.pattern.sub(lambda found: self.hide(one, found), text)
        parts, done = [], 0
        for head in find_heads(one.heads, text):
            found = one.pattern.match(text, head) if head >= done else None
            if found:
                parts += [text[done : found.start()], self.hide(one, found)]
                done = found.end()
        return "".join(parts) + text[done:] if parts else text

    def hide(self, one: Rule, found: re.Match[str]) -> str:
        """The match with its secret replaced, or as it is where it is none or hidden already."""
        whole, group = found.group(), "hide" if "hide" in one.pattern.groupindex else 0
        value = found[group]
        if HIDDEN.search(value) or not one.sure(found, self.mode == "strict"):
            return whole
        start, end = found.start(group) - found.start(), found.end(group) - found.start()
        mark = self.placeholder(one.kind or kind_of(found["name"]), value)
        return whole[:start] + mark + whole[end:]

    def placeholder(self, kind: str, value: str) -> str:
        key = self.salt.encode()[:64]
        mark = blake2b(value.encode("utf-8", "replace"), digest_size=2, key=key).hexdigest()
        return f"[{kind}:{mark}]"


@lru_cache(maxsize=4)
def find_heads(heads: re.Pattern[str], text: str) -> list[int]:
    """Where a rule may begin: asked for by each of the rules that begin alike."""
    if heads is NAME_HEADS:
        text = text.lower() if text.isascii() else text.translate(SMALL)
    return [one.start() for one in heads.finditer(text)]


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
