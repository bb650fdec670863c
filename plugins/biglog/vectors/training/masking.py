"""Raw text with its numbers, times, addresses, codes and paths replaced by the five log tokens."""

from __future__ import annotations

import re

_CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?(?:\s?(?:Z|UTC|[+-]\d{2}:?\d{2}))?"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_RULES = (
    (
        "[TIMESTAMP]",
        rf"\b\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}(?:[T ]{_CLOCK})?"
        rf"|\b(?:\w{{3}} )?{_MONTH} +\d{{1,2}} {_CLOCK}(?: \d{{4}})?"
        rf"|\b\d{{1,2}}[/-]{_MONTH}[/-]\d{{4}}(?::{_CLOCK})?"
        rf"|\b\d{{2}}:\d{{2}}:\d{{2}}(?:[.,]\d+)?",
    ),
    (
        "[IP]",
        r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|\b(?:[0-9a-fA-F]{1,4}:){4,7}[0-9a-fA-F]{1,4}\b",
    ),
    ("[FILE]", r"(?<![\w<])(?:[a-z]+://\S+|(?:/[\w.@+%$-]+){2,}/?|[A-Za-z]:\\[\w.\\ -]+\w)"),
    (
        "[CODE]",
        r"\b0x[0-9a-fA-F]+\b|\b(?=[0-9a-fA-F-]*\d)(?=[0-9a-fA-F-]*[a-fA-F])[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]{4,})*\b"
        r"|\b(?:blk|job|task|attempt|container|application|req)_-?[\w]*\d\w*",
    ),
    ("[CODE]", r"\b(?=[\w.-]*\d)(?=[\w.-]*[a-z])(?=[\w.-]*[A-Z])[\w-]{12,}(?:\.[\w-]{12,})*"),
    (
        "[NUM]",
        r"(?<![A-Za-z0-9_])[-+]?\d+(?:[.,]\d+)*(?:%|(?=[A-Za-z]{1,3}(?![A-Za-z0-9_]))|(?![A-Za-z0-9_]))"
        r"|(?<=[A-Za-z_=:-])\d+(?![A-Za-z0-9_])",
    ),
)
_COMPILED = tuple((token, re.compile(rule)) for token, rule in _RULES)


def mask(text: str) -> str:
    """The text as the encoder is trained to see it."""
    for token, rule in _COMPILED:
        text = rule.sub(token, text)
    return " ".join(text.split())
