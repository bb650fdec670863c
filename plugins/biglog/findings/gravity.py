"""How bad a kind of line sounds: its level and, where the level says little, its words."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from biglog.records import Template

GRAVE = 0.5  # from here on a line tells of trouble

BY_LEVEL = {
    "CRITICAL": 1.0,
    "ERROR": 0.8,
    "WARNING": 0.5,
    "NOTICE": 0.25,
    "INFO": 0.1,
    "DEBUG": 0.05,
    "TRACE": 0.05,
    "": 0.2,
}

DIRE = re.compile(
    r"\b(fatal|panic|kernel bug|out of memory|oom|killed process|no space left|segfault"
    r"|segmentation|corrupt(?:ed|ion)?|data loss|read-only file ?system|core dumped)\b"
    r"|内存不足|磁盘已满|崩溃|致命|损坏",
    re.IGNORECASE,
)
TROUBLE = re.compile(
    r"\b(errors?|fail(?:ed|ure|s|ing)?|exceptions?|refused|time[ds]?[ -]?out|denied|unreachable"
    r"|unavailable|cannot|can't|could ?n[o']t|unable|abort(?:ed|ing)?|deadlock|too many|rejected"
    r"|reset by peer|broken pipe|not respond\w*|invalid|illegal|exceeded|exhausted|overload\w*"
    r"|lost connection|connection lost|terminated|crash(?:ed|es)?|traceback|expired|unhealthy"
    r"|violat\w+|not found|missing|(?:is|are|was|went|marked|host) down|still waiting|stalled"
    r"|blocked|throttl\w+|backlog|retr(?:y|ying|ied)|slow (?:request|query|response)|lost)\b"
    r"|(?<=[a-z])(?:Exception|Error|Failure)\b|失败|错误|异常|超时|拒绝|无法|不可用|断开|告警",
    re.IGNORECASE,
)
SERVER_ERROR = re.compile(r"HTTP/\d(?:\.\d)?\"?\s+5\d\d\b|\bstatus[=: ]+\"?5\d\d\b", re.IGNORECASE)
NO_TROUBLE = re.compile(
    r"\b(?:0|no|without|zero) (?:errors?|failures?|exceptions?)\b"
    r"|\b(?:terminated|exited|finished|ended) (?:with (?:success|(?:status|code) 0)"
    r"|successfully|normally)|\b(?:failed|errors?|dropped)[=:] ?0\b",
    re.IGNORECASE,
)


def gravity(level: str, pattern: str) -> float:
    """0 (chatter) to 1 (disaster). Words lift a level that says little, never lower one."""
    stated = BY_LEVEL.get(level, 0.2)
    return max(stated, spoken(pattern) * (0.85 if level in ("INFO", "NOTICE", "DEBUG") else 1.0))


def spoken(pattern: str) -> float:
    """What the words alone say, 0 to 1."""
    words = NO_TROUBLE.sub(" ", pattern)
    if DIRE.search(words):
        return 0.8
    return 0.6 if TROUBLE.search(words) or SERVER_ERROR.search(words) else 0.0


def weigh(rows: pl.DataFrame, templates: Mapping[str, Template]) -> pl.DataFrame:
    """The rows with a column ``gravity``; each (level, template) is looked at once."""
    kinds = rows.select("level", "template_id").unique()
    values = [
        gravity(level, templates[key].pattern if key in templates else "")
        for level, key in kinds.iter_rows()
    ]
    weighed = kinds.with_columns(pl.Series("gravity", values, dtype=pl.Float64))
    return rows.join(weighed, on=["level", "template_id"], how="left")
