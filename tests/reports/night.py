"""Nights to look at: busy, quiet, first, with gaps, lost, hostile and huge."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import sin

from biglog.records import (
    Cause,
    Cluster,
    Coverage,
    Finding,
    HourCount,
    Incident,
    Night,
    Similar,
    StageInfo,
    Template,
    identify,
)

DATE = "2026-11-14"
MIDNIGHT = datetime(2026, 11, 14, tzinfo=UTC)


def at(clock: str) -> datetime:
    hours, minutes, *seconds = (int(part) for part in clock.split(":"))
    return MIDNIGHT + timedelta(hours=hours, minutes=minutes, seconds=sum(seconds))


# key: (pattern, one example)
PATTERNS = {
    "too_many": (
        "FATAL:  sorry, too many clients already",
        "FATAL:  sorry, too many clients already",
    ),
    "pool": (
        "HikariPool-1 - Connection is not available, request timed out after <*>ms "
        "(total=<*>, active=<*>, idle=<*>, waiting=<*>)",
        "HikariPool-1 - Connection is not available, request timed out after 30001ms "
        "(total=20, active=20, idle=0, waiting=87)",
    ),
    "upstream": (
        "upstream timed out (<*>: Connection timed out) while reading response header from "
        "upstream, client: <*>, server: <*>, request: <*>",
        "upstream timed out (110: Connection timed out) while reading response header from "
        'upstream, client: 10.20.4.17, server: shop.example.org, request: "POST /api/v2/orders '
        'HTTP/1.1"',
    ),
    "idle": (
        "connection reset after <*> s idle in transaction, pid <*>",
        "connection reset after 3600 s idle in transaction, pid 20417",
    ),
    "checkpoint": (
        "LOG:  checkpoints are occurring too frequently (<*> seconds apart)",
        "LOG:  checkpoints are occurring too frequently (9 seconds apart)",
    ),
    "deploy": (
        "deployment orders-api image tag changed from <*> to <*>",
        "deployment orders-api image tag changed from 4.18.2 to 4.19.0",
    ),
    "ext4": (
        "EXT4-fs error (device <*>): ext4_find_entry:<*>: inode <*>: comm <*>: reading directory "
        "lblock <*>",
        "EXT4-fs error (device sdb1): ext4_find_entry:1455: inode #2228225: comm rsync: reading "
        "directory lblock 0",
    ),
    "ata": (
        "ata<*>.00: failed command: READ FPDMA QUEUED",
        "ata3.00: failed command: READ FPDMA QUEUED",
    ),
    "smart": (
        "Device: <*> [SAT], <*> Currently unreadable (pending) sectors",
        "Device: /dev/sdb [SAT], 16 Currently unreadable (pending) sectors",
    ),
    "ssh": (
        "Failed password for invalid user <*> from <*> port <*> ssh2",
        "Failed password for invalid user oracle from 203.0.113.77 port 51022 ssh2",
    ),
    "backup": (
        "backup of <*> finished: <*> files, <*> bytes in <*> s",
        "backup of pg-main finished: 4211 files, 88012331776 bytes in 2114 s",
    ),
    "heartbeat": ("heartbeat ok seq=<*>", "heartbeat ok seq=90112"),
    "cert": (
        "certificate <*> expires in <*> days",
        "certificate shop.example.org expires in 6 days",
    ),
    "gc": ("GC pause (G1 Evacuation Pause) <*>ms", "GC pause (G1 Evacuation Pause) 412ms"),
    "cjk": (
        "订单 <*> 支付超时，耗时: <*>ms，已转入人工处理",
        "订单 SO20261114000871 支付超时，耗时: 30002ms，已转入人工处理",
    ),
    "nf": (
        "nf_conntrack: table full, dropping packet",
        "nf_conntrack: table full, dropping packet",
    ),
}
TEMPLATES = {
    identify(pattern): Template(identify(pattern), pattern, pattern, example=example)
    for pattern, example in PATTERNS.values()
}

FINDINGS = """
new_template      | k8s      | deployer   | ctl1   | deploy    | INFO     | 01:58:04 | 01:58 | .62 |     1 |    0
new_template      | postgres | postgres   | db1    | idle      | WARNING  | 02:13:58 | 03:20 | .81 |    41 |    0
rate_up           | postgres | postgres   | db1    | too_many  | CRITICAL | 02:14    | 05:41 | .98 | 18422 |  0.4
rate_up           | orders   | orders-api | app1   | pool      | ERROR    | 02:16    | 05:44 | .95 |  9120 |    3
rate_up           | nginx    | nginx      | edge1  | upstream  | ERROR    | 02:18    | 05:44 | .93 |  7310 |   12
distant           | orders   | orders-api | app2   | cjk       | ERROR    | 02:21    | 04:50 | .77 |   212 |    0
rate_down         | orders   | orders-api | app1   | heartbeat | INFO     | 02:20    | 05:40 | .70 |   611 | 2400
new_template      | syslog   | kernel     | store2 | ata       | ERROR    | 04:02    | 07:55 | .84 |    96 |    0
new_template      | syslog   | kernel     | store2 | ext4      | ERROR    | 04:03    | 07:55 | .88 |   310 |    0
returned_template | syslog   | smartd     | store2 | smart     | WARNING  | 04:30    | 07:30 | .72 |     7 |    0
stopped_template  | backup   | backup     | store2 | backup    | INFO     | 05:00    | 06:30 | .79 |     0 |    1
rate_up           | auth     | sshd       | edge1  | ssh       | WARNING  | 00:10    | 23:40 | .66 |  4820 |  610
silence           | cache    | redis      | cache2 |           |          | 11:00    | 13:10 | .58 |     0 | 5200
"""  # noqa: E501
EVIDENCE = {
    "new_template": {
        "history_days": 21,
        "days_absent": 21,
        "gravity": 0.6,
        "known_elsewhere": False,
    },
    "returned_template": {"days_absent": 19, "last_date": "2026-10-26", "history_days": 21},
    "stopped_template": {"days_seen": 21, "history_days": 21, "p": 2.1e-9},
    "rate_up": {"history_days": 21, "change": 760.2, "spread": 1.4, "hosts": ["app1", "app2"]},
    "rate_down": {"history_days": 21, "change": 3.9, "busiest_window": 41},
    "silence": {"minutes": 130, "longest_pause_minutes": 20, "p": 3.0e-14},
    "distant": {"likeness": 0.12, "history_days": 21, "nearest": identify(PATTERNS["gc"][0])},
}


def finding(row: str) -> Finding:
    kind, source, service, host, key, level, start, end, score, count, expected = (
        cell.strip() for cell in row.split("|")
    )
    pattern, example = PATTERNS.get(key, ("", ""))
    template_id = identify(pattern) if pattern else ""
    return Finding(
        finding_id=identify(kind, source, service, host, template_id, DATE),
        date=DATE,
        kind=kind,
        source=source,
        service=service,
        host=host,
        template_id=template_id,
        level=level,
        started_at=at(start),
        ended_at=max(at(start), at(end)),
        score=float(score),
        count=int(count),
        expected=float(expected),
        reason=f"{count} lines where {expected} are usual.",
        evidence=EVIDENCE[kind],
        example=example,
    )


def small_changes() -> list[Finding]:
    """Twenty-seven weak findings, as most nights have."""
    keys = ["gc", "cert", "checkpoint", "nf", "heartbeat", "backup"]
    kinds = ["rate_up", "new_template", "rate_down", "returned_template", "stopped_template"]
    seen = {"stopped_template": 0, "rate_down": 3}
    usual = {"new_template": 0, "returned_template": 0, "rate_down": 55}
    rows = []
    for i in range(27):
        kind, hour = kinds[i % 5], (7 * i) % 22
        count, expected = seen.get(kind, 40 + 13 * i), usual.get(kind, 20.5 + 9 * (i % 7))
        place = f"syslog | svc-{i % 9} | node{i:02d} | {keys[i % 6]} | INFO"
        rows.append(
            f"{kind} | {place} | {hour}:{i} | {hour + 1}:{i} | {0.5 + 0.003 * i} | "
            f"{count} | {expected}"
        )
    return [finding(row) for row in rows]


def hourly() -> tuple[HourCount, ...]:
    sources = {
        "nginx": 61000,
        "orders": 24000,
        "postgres": 5200,
        "syslog": 3100,
        "auth": 900,
        "k8s": 7400,
        "cache": 5200,
    }
    rows = []
    for s, (name, size) in enumerate(sources.items()):
        for hour in range(24):
            usual = size * (1 + 0.6 * sin((hour - 9 + s) / 24 * 6.283)) + size * 0.1
            lines = usual * (1 + 0.09 * sin(3.7 * hour + s))
            errors = int(usual * 0.002 + (hour + s) % 3)
            if name in ("postgres", "orders", "nginx") and 2 <= hour <= 5:
                lines *= 2.6 if name != "nginx" else 1.3
                errors += int(size * 0.35)
            if name == "cache" and 11 <= hour <= 12:
                lines = 0
            if name == "syslog" and 4 <= hour <= 7:
                errors += 102
            rows.append(HourCount(name, hour, int(lines), errors, round(usual, 1)))
    return tuple(rows)


def coverage() -> tuple[Coverage, ...]:
    rows = []
    for name in ("nginx", "orders", "postgres", "syslog", "auth", "k8s", "cache"):
        lines = sum(h.lines for h in hourly() if h.source == name)
        rows.append(
            Coverage(
                name,
                DATE,
                "complete",
                3,
                lines * 131,
                lines,
                lines // 9000,
                "syslog",
                at("00:00:01"),
                at("23:59:58"),
            )
        )
    backup = Coverage(
        "backup", DATE, "complete", 1, 20480, 161, 0, "jsonl", at("00:10"), at("20:10")
    )
    return (*rows, backup)


def incidents(findings: list[Finding]) -> tuple[Incident, ...]:
    ids = [one.finding_id for one in findings]
    return (
        Incident(
            "9f1c03aa5be17d20",
            DATE,
            1,
            "postgres on db1: “FATAL: sorry, too many clients already” 46,055 times its usual rate "
            "from 02:14",
            86,
            {"novelty": 0.74, "rate": 0.98, "level": 1.0, "spread": 0.5},
            "new",
            1,
            ("postgres", "orders-api", "nginx"),
            ("db1", "app1", "app2", "edge1"),
            at("02:14"),
            at("05:44"),
            (ids[2], *ids[0:2], *ids[3:7]),
            PATTERNS["idle"][1],
            PATTERNS["too_many"][1],
            causes=(
                Cause(
                    "deployer",
                    "ctl1",
                    ids[0] and findings[0].template_id,
                    0.61,
                    "deployer: it was odd first, from 01:58:04; it shows trouble of its own.",
                ),
                Cause(
                    "postgres",
                    "db1",
                    findings[1].template_id,
                    0.54,
                    "postgres: orders-api logs trouble with postgres; "
                    "it reports “too many clients” itself; it was odd soon after the first.",
                ),
            ),
            similar=(
                Similar(
                    "incident",
                    "77ab21d0c0ffee12",
                    "postgres connections exhausted after orders-api 4.16",
                    0.93,
                    "Rolled back; pool maxLifetime lowered to 10 min",
                    "2026-09-02",
                ),
                Similar(
                    "incident",
                    "1c22aa87d4e0b911",
                    "orders-api pool timeouts",
                    0.81,
                    "",
                    "2026-06-18",
                ),
            ),
            runbooks=(
                Similar(
                    "knowledge",
                    "runbooks/postgres-connections.md",
                    "Postgres: too many clients",
                    0.9,
                    "Find sessions idle in transaction, end the oldest, then raise the "
                    "pool's limit.",
                ),
            ),
        ),
        Incident(
            "5d00e1b2c3a49f77",
            DATE,
            2,
            "kernel on store2: new error “EXT4-fs error”, 310 times from 04:03",
            71,
            {"novelty": 0.92, "level": 0.8, "rate": 0.4, "spread": 0.1},
            "ongoing",
            3,
            ("kernel", "smartd", "backup"),
            ("store2",),
            at("04:02"),
            at("07:55"),
            (ids[8], ids[7], *ids[9:11]),
            PATTERNS["ata"][1],
            PATTERNS["ext4"][1],
            causes=(
                Cause(
                    "kernel",
                    "store2",
                    findings[7].template_id,
                    0.72,
                    "kernel: it was odd first, from 04:02:00; it shows trouble of its own.",
                ),
            ),
            runbooks=(
                Similar(
                    "knowledge", "https://wiki.example.org/disk", "Replacing a failing disk", 0.77
                ),
            ),
        ),
        Incident(
            "aa10b2c3d4e5f607",
            DATE,
            3,
            "sshd on edge1: “Failed password” 8 times its usual rate from 00:10",
            44,
            {"rate": 0.66, "level": 0.5, "novelty": 0.1},
            "returned",
            1,
            ("sshd",),
            ("edge1",),
            at("00:10"),
            at("23:40"),
            tuple(ids[11:12]),
            PATTERNS["ssh"][1],
            PATTERNS["ssh"][1],
        ),
        Incident(
            "0bb1c2d3e4f50617",
            DATE,
            4,
            "redis on cache2: silent for 130 minutes",
            30,
            {"rate": 0.58},
            "resolved",
            2,
            ("redis",),
            ("cache2",),
            at("11:00"),
            at("13:10"),
            tuple(ids[12:13]),
            "",
            "",
        ),
    )


def clusters() -> tuple[Cluster, ...]:
    def one(label: int, title: str, keys: list[str], lines: int) -> Cluster:
        ids = tuple(identify(PATTERNS[key][0]) for key in keys)
        one = Cluster(DATE, label, title, ids[0], ids, lines, f"c{label}", DATE)
        changed = replace(one, since="2026-11-02", joined_ids=ids[1:], left_ids=("gone",))
        return changed if label % 2 else one

    return (
        one(0, "connections, clients, timed out", ["pool", "too_many", "upstream", "idle"], 34893),
        one(1, "disk, read, sectors", ["ext4", "ata", "smart"], 413),
        one(2, "authentication failures", ["ssh"], 4820),
        one(3, "housekeeping", ["backup", "heartbeat", "checkpoint", "gc"], 120811),
        one(4, "支付超时", ["cjk"], 212),
    )


def stages() -> tuple[StageInfo, ...]:
    return (
        StageInfo("lines", "nginx", DATE, 1610233, 1610054, 179, 4.81),
        StageInfo("lines", "orders", DATE, 720100, 720020, 80, 2.2),
        StageInfo("templates", "nginx", DATE, 1610054, 212, 0, 3.07, "4 new, 1 widened"),
        StageInfo("embed", "", DATE, 1204, 31, 1173, 1.9, "1,173 already known"),
        StageInfo("cluster", "", DATE, 1204, 5, 0, 0.8, "kmeans, k = 5 by silhouette 0.41"),
        StageInfo("detect", "", DATE, 301442, 40, 0, 2.6),
        StageInfo("incidents", "", DATE, 40, 4, 0, 0.1),
    )


def busy_night() -> Night:
    strong = [finding(row) for row in FINDINGS.strip().splitlines()]
    return Night(
        DATE,
        coverage(),
        (*strong, *small_changes()),
        incidents(strong),
        clusters(),
        TEMPLATES,
        stages(),
        hourly(),
        21,
        "biglog-small/mean/9c41",
    )


def quiet_night() -> Night:
    calm = tuple(replace(h, lines=int(h.expected or 0), errors=h.hour % 2) for h in hourly())
    return replace(
        busy_night(),
        findings=tuple(small_changes()[:4]),
        incidents=(),
        hourly=calm,
        history_days=28,
    )


def first_night() -> Night:
    alone = tuple(replace(h, expected=None) for h in hourly())
    return replace(
        busy_night(), findings=(), incidents=(), clusters=(), hourly=alone, history_days=0
    )


def gap_night() -> Night:
    """The busy night with one source missing and one that could not be read."""
    missing = Coverage(
        "audit",
        DATE,
        "missing",
        reason="no file matches audit-2026-11-14*.log in /var/landing/audit",
    )
    failed = Coverage(
        "nginx",
        DATE,
        "failed",
        1,
        8_400_000,
        0,
        61012,
        "nginx",
        reason="94% of the lines are not in the format nginx (limit 50%)",
    )
    rest = [one for one in coverage() if one.source != "nginx"]
    heard = tuple(hour for hour in hourly() if hour.source != "nginx")
    return replace(busy_night(), coverage=(*rest, missing, failed), hourly=heard, history_days=6)


def lost_night() -> Night:
    gone = tuple(
        replace(
            one,
            state="missing",
            first_at=None,
            last_at=None,
            lines=0,
            bytes=0,
            quarantined=0,
            reason="nothing arrived",
        )
        for one in coverage()
    )
    return Night(DATE, gone, (), (), (), {}, history_days=21)


HOSTILE = [
    "<script>alert(1)</script>",
    "{{7*7}} {% raw %} {{ conn.x.password }}",
    "javascript:alert(1)",
    "\x1b[31mred\x1b[0m \x1b]8;;http://evil.example\x07link\x1b]8;;\x07",
    "safe \u202egnp.exe",
    "nul \x00 bell \x07 c1 \x9b31m del \x7f",
    'quote " onmouseover="alert(1)" \' x=\'',
    "</code></style></script><img src=x onerror=alert(1)>",
    "😀👨‍👩‍👧 中文日志：支付失败 <*>",
    "half \ud83d of a pair",
    "line one\r\nline two\u2028line three",
    "A" * 1_000_000,
]


def hostile_night() -> Night:
    """Every text a log can bring into the report, in every place it can reach."""
    templates, findings = {}, []
    for i, text in enumerate(HOSTILE):
        template_id = f"t{i}"
        templates[template_id] = Template(template_id, text, text, example=text)
        findings.append(
            Finding(
                f"f{i}' OR 1=1 --{text[:40]}",
                DATE,
                "new_template",
                text,
                text,
                text,
                template_id,
                text,
                at("01:00"),
                at("02:00"),
                0.9,
                3,
                0.0,
                text,
                {text: text, "z": text},
                text,
            )
        )
    crimes = tuple(
        Incident(
            f"i{i}{text[:40]}",
            DATE,
            i + 1,
            text,
            90 - i,
            {text: 0.5},
            "new",
            1,
            (text,),
            (text,),
            at("01:00"),
            at("02:00"),
            (findings[i].finding_id,),
            text,
            text,
            (Cause(text, text, f"t{i}", 0.5, text),),
            (Similar("incident", text, text, 0.9, text, text),),
            (
                Similar("knowledge", text, text, 0.9, text),
                Similar("knowledge", "JaVaScRiPt:alert(1)", "x", 0.9),
            ),
        )
        for i, text in enumerate(HOSTILE)
    )
    return Night(
        DATE,
        (
            *(Coverage(t, DATE, "failed", format=t, reason=t) for t in HOSTILE[:-1]),
            Coverage("ok", DATE, "complete", lines=10, first_at=at("00:01"), last_at=at("23:00")),
        ),
        tuple(findings),
        crimes,
        tuple(Cluster(DATE, i, t, f"t{i}", (f"t{i}",), 3) for i, t in enumerate(HOSTILE)),
        templates,
        tuple(StageInfo(t, t, DATE, 1, 1, note=t) for t in HOSTILE),
        tuple(HourCount(t, 1, 3, 1, 2.0) for t in HOSTILE),
        21,
        HOSTILE[6],
    )


def huge_night(count: int) -> Night:
    """Many findings whose lines escape badly, in ten full incidents."""
    nasty = "\"<&'\u202e" * 600
    template = Template("big", nasty + "<*>", nasty)
    found = tuple(
        Finding(
            f"f{i:05d}",
            DATE,
            "rate_up",
            "s",
            f"service-{i % 50}",
            f"host-{i}",
            "big",
            "ERROR",
            MIDNIGHT + timedelta(minutes=i % 1400),
            MIDNIGHT + timedelta(minutes=i % 1400 + 5),
            0.9,
            i,
            1.5,
            nasty,
            {f"key{k}": nasty for k in range(20)},
            f"{nasty}{i}",
        )
        for i in range(count)
    )
    crimes = tuple(
        Incident(
            f"i{k}",
            DATE,
            k + 1,
            nasty,
            99 - k,
            {f"factor{n}": 0.5 for n in range(20)},
            "new",
            1,
            tuple(f"service-{n}" for n in range(50)),
            tuple(f"host-{n}" for n in range(500)),
            at("00:01"),
            at("22:00"),
            tuple(f.finding_id for f in found[k::20]),
            found[k].example,
            nasty,
            tuple(Cause(nasty, nasty, "big", 0.5, nasty) for _ in range(9)),
            tuple(Similar("incident", nasty, nasty, 0.5, nasty) for _ in range(9)),
            tuple(Similar("knowledge", nasty, nasty, 0.5, nasty) for _ in range(9)),
        )
        for k in range(20)
    )
    hours = tuple(
        HourCount(f"source-{s}", h, 100 * h, h, 90.0) for s in range(150) for h in range(24)
    )
    covered = tuple(
        Coverage(f"source-{s}", DATE, "failed", 1, 1, 1, 1, nasty[:60], reason=nasty)
        for s in range(150)
    )
    groups = tuple(Cluster(DATE, i, nasty, "big", ("big",), i) for i in range(400))
    steps = tuple(StageInfo("lines", f"source-{s}", DATE, 1, 1, note=nasty) for s in range(400))
    return Night(DATE, covered, found, crimes, groups, {"big": template}, steps, hours, 21, nasty)
