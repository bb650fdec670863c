"""The passage of a section that says most of what was asked for, cut to fit a line or two."""

from __future__ import annotations

import re
from collections.abc import Sequence

from biglog.knowledge.glossary import Wish
from biglog.knowledge.tokens import tokens

SIZE = 240
SAYS = re.compile(r"^(?!\s*(?:```|~~~)).*\w")  # a fence says nothing


def excerpt(body: str, wishes: Sequence[Wish], size: int = SIZE) -> str:
    """The best neighbouring lines of the body, one line of text, at most ``size`` characters."""
    lines = [plain(line) for line in body.splitlines() if SAYS.search(line)]
    if not lines:
        return ""
    wanted = {token: w.weight for w in wishes for c in w.choices for token in c.tokens}
    windows = [joined(lines, start, size) for start in range(len(lines))]
    gains = [sum(wanted.get(t, 0.0) for t in set(tokens(window))) for window in windows]
    return cut(windows[gains.index(max(gains))], size)


def plain(line: str) -> str:
    """A line of Markdown as a person would read it aloud."""
    return " ".join(re.sub(r"^\s*[#>|*+-]+\s+|`|\*\*|\s\|\s*$", "", line).split())


def joined(lines: list[str], start: int, size: int) -> str:
    text = lines[start]
    for line in lines[start + 1 :]:
        if len(text) + len(line) >= size:
            break
        text = f"{text} {line}"
    return text


def cut(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1].rstrip() + "…"
