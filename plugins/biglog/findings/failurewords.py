"""Words that report trouble in any system's log, in two degrees; a template is judged by them."""

from __future__ import annotations

import polars as pl

GRAVE = (
    r"(?i)\b(fatal|panic\w*|catastroph\w+|critical|emerg\w*|corrupt\w*|crash\w*|segfault|oom"
    r"|deadlock\w*|out of memory|machine check|data loss|core dumped|unrecoverable|uncorrectable"
    r"|lock-?up|assertion|no space left|disk full|read-only file ?system)\b"
    r"|致命|严重|崩溃|损坏|内存溢出|死锁|宕机"
)
SEVERE = (
    r"(?i)\b(error|errors|fail|fails|failed|failure|failures|failing|exception|abort\w*|killed|timeout"
    r"|timed out|unreachable|unable|cannot|can't|could not|couldn't|refused|denied|overflow|illegal"
    r"|lost|dropped|reject(?:ed|ing|s)|offline|faults?|faulty|unavailable|not responding|hung|stuck"
    r"|stall(?:ed|s)|dead|exhausted|mismatch\w*|violat\w+|halt(?:ed|ing)?|broken|attack\w*|break-in"
    r"|intrusion|abnormal\w*|parity|alert|alarm|unhealthy|out of sync|overheat\w*)\b"
    r"|\b\w+(Error|Exception)\b|错误|失败|异常|超时|拒绝|中断|丢失|无法|不足|告警"
)
HARMLESS = (
    r"(?i)\b(?:non|not|no|without|zero|0)[- ](?:critical|fatal|errors?|failures?|failed|exceptions?"
    r"|data loss|timeouts?)\b|\b(?:errors?|fail(?:ed|ures)?|dropped|lost)[=:] ?0\b"
)
DEGREES = {GRAVE: 0.95, SEVERE: 0.7}
STEM = 4
"""Letters that make forms of one word one: failed, failure and failing are said of one thing."""


def said(templates: pl.DataFrame) -> pl.DataFrame:
    """Each word of trouble that a template has, once: template_id, mark and degree (0 to 1).

    ``templates`` has template_id and template, a row a template.
    """
    text = templates.select("template_id", text=pl.col("template").str.replace_all(HARMLESS, " "))
    found = [
        text.select(
            "template_id",
            mark=pl.col("text").str.extract_all(words).list.eval(stem()),
            degree=pl.lit(degree),
        )
        for words, degree in DEGREES.items()
    ]
    return pl.concat(found).explode("mark").drop_nulls("mark").unique()


def stem() -> pl.Expr:
    return pl.element().str.to_lowercase().str.slice(0, STEM)
