"""Whether a line tells of a fault of its own speaker, and in which words."""

from __future__ import annotations

import re

from biglog.incidents.changed import QUOTED, quoted

# A service's own exhaustion or end rather than another's.
FAULT = (
    r"\b(?:no space left|disk full|out ?of ?memory|oom(?:[ _-]?(?:kill|reap)\w*)?\b"
    r"|too many (?:connections|open files|clients)|remaining connection slots"
    r"|shutting down|shut down|terminat(?:ed|ing) (?:by|due)"
    r"|received (?:sig|fast|smart|immediate)|panic|killed|segfault|corrupt|deadlock"
    r"|restart(?:ing|ed)|crash|not (?:yet )?accepting|in recovery mode|read-only file ?system)"
    r"|磁盘已满|内存不足|连接数过多|正在关闭|崩溃"
)
# What every service speaks of on good days too: a fault only beside a word of failure.
THING = r"(?:\b(?:maxmemory|recovery|certificate|configuration|read-only)|恢复|证书|配置)"
FAILURE = (
    r"(?<!\bno )(?<!\b0 )(?<!\bwithout )(?<!无)(?<!没有)(?:fail|error|refus|reject|invalid|expired"
    r"|denied|missing|mismatch|malformed|illegal|violat|exceed|revoked|broken|unknown|unexpected"
    r"|un(?:able|trusted)|inability|can ?not|can't|could ?n[o']t|warning|self-signed"
    r"|not (?:allowed|found|valid|trusted|supported)|失败|错误|无效|过期|拒绝|无法|异常)"
)
BESIDE = r"(?:[^;；。.\n]|\.(?!\s)){0,40}?"
WAYS = tuple(
    re.compile(way, re.IGNORECASE)
    for way in (FAULT, THING + BESIDE + FAILURE, FAILURE + BESIDE + THING)
)
PAUSE = re.compile(r"[:;,.!?](?:\s|$)|[：；，。！？\n\[\]]|\\n|$")


def admitted(text: str) -> str:
    """The clause in which a line tells of its speaker's own fault; empty where it tells of none."""
    found = next(filter(None, (way.search(text) for way in WAYS)), None)
    if found is None:
        return ""
    pauses = list(PAUSE.finditer(text))
    start = max((one.end() for one in pauses if one.end() <= found.start()), default=0)
    end = min(one.start() for one in pauses if one.start() >= found.end())
    if found.end() - start > QUOTED:
        start = found.start()
    return quoted(text[start:end])
