"""Two small nights of a shop: the second has a new error and a source that did not arrive."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from biglog.records import (
    COUNTS,
    Cause,
    Cluster,
    Coverage,
    Dependency,
    Entry,
    Finding,
    Incident,
    Meanwhile,
    Night,
    Similar,
    StageInfo,
    Template,
    Variable,
    identify,
)
from biglog.store import dependencies, knowledge, ledger, metrics, models, read, templates, write

FIRST, SECOND = "2026-11-19", "2026-11-20"
MODEL = "eyes:mean@4"


def template(pattern, version=1, first=None, example=""):
    return Template(identify(first or pattern), pattern, pattern.replace("<*>", "[NUM]"),
                    version, example or pattern.replace("<*>", "7"))  # fmt: skip


PAID = template("order <*> paid")
SLOW = template("query took <*> ms")
FULL = template("No space left on device <*>")


def at(date, hour, minute=0):
    return datetime.fromisoformat(date).replace(tzinfo=UTC) + timedelta(hours=hour, minutes=minute)


def counts(date, *rows, source="shop"):
    """Rows of (hour, service, host, level, template, count)."""
    return pa.Table.from_pylist(
        [
            {"source": source, "date": date, "bucket": at(date, hour), "service": service,
             "host": host, "level": level, "template_id": one.template_id, "count": count,
             "first_at": at(date, hour), "last_at": at(date, hour, 9)}
            for hour, service, host, level, one, count in rows
        ],
        schema=COUNTS,
    )  # fmt: skip


COUNTS_OF = {
    FIRST: counts(
        FIRST,
        (1, "pay", "a1", "INFO", PAID, 100),
        (2, "pay", "a1", "INFO", PAID, 120),
        (2, "db", "a2", "ERROR", SLOW, 3),
    ),
    SECOND: counts(
        SECOND,
        (1, "pay", "a1", "INFO", PAID, 90),
        (2, "db", "a2", "ERROR", SLOW, 30),
        (2, "db", "a2", "CRITICAL", FULL, 12),
    ),
}


def took(date, lines, *, p50, p99):
    """How long queries took, in seconds."""
    top = (("7", lines - 1), ("90", 1))
    return Variable("shop", date, SLOW.template_id, 1, "duration", lines, 2, top, "s", lines,
                    p50, p99, p50, p50, p99, p99)  # fmt: skip


VARIABLES_OF = {
    FIRST: (took(FIRST, 3, p50=0.007, p99=0.09),),
    SECOND: (took(SECOND, 30, p50=0.008, p99=0.36),),
}

FINDING = Finding(
    finding_id="f1", date=SECOND, kind="new_template", source="shop", service="db", host="a2",
    template_id=FULL.template_id, level="CRITICAL", started_at=at(SECOND, 2),
    ended_at=at(SECOND, 2, 9), score=0.97, count=12, expected=0.0,
    reason="never seen in 1 earlier night", evidence={"nights": 1, "rare": 0.01},
    example="No space left on device 7",
)  # fmt: skip
MORE = Finding(
    finding_id="f2", date=SECOND, kind="rate_up", source="shop", service="db", host="a2",
    template_id=SLOW.template_id, level="ERROR", started_at=at(SECOND, 2),
    ended_at=at(SECOND, 2, 9), score=0.8, count=30, expected=3.0,
    reason="30 lines where 3 were usual", evidence={"usual": 3}, example="query took 7 ms",
)  # fmt: skip
CLUSTER = Cluster(
    SECOND,
    0,
    "storage",
    FULL.template_id,
    (FULL.template_id, SLOW.template_id),
    42,
    identity="c0ffee",
    since=FIRST,
    joined_ids=(SLOW.template_id,),
    left_ids=("gone",),
)


def incident(date, incident_id="i1", **changes):
    values = {
        "incident_id": incident_id, "date": date, "rank": 1, "title": "disk full on db",
        "severity": 82, "factors": {"level": 1.0, "spread": 0.5}, "state": "new", "day": 1,
        "services": ("db", "pay"), "hosts": ("a2",), "started_at": at(date, 2),
        "ended_at": at(date, 2, 9), "finding_ids": (), "first_line": "No space left on device 7",
        "worst_line": "No space left on device 9",
        "causes": (Cause("db", "a2", FULL.template_id, 0.7, "db failed first"),),
        "similar": (Similar("incident", "i0", "disk full", 0.9, "log partition", FIRST),),
        "runbooks": (Similar("knowledge", "k1", "Free space", 0.8),),
    }  # fmt: skip
    return Incident(**{**values, **changes})


def night(date, **changes):
    values = {
        "date": date, "coverage": (), "findings": (), "incidents": (), "clusters": (),
        "templates": {}, "history_days": 1, "model_id": MODEL,
    }  # fmt: skip
    return Night(**{**values, **changes})


NIGHTS = {
    FIRST: night(FIRST, history_days=0),
    SECOND: night(
        SECOND,
        findings=(FINDING, MORE),
        incidents=(incident(SECOND, finding_ids=("f1", "f2")),),
        clusters=(CLUSTER,),
    ),
}


def vector(*numbers):
    found = np.asarray(numbers, np.float32)
    return found / np.linalg.norm(found)


VECTORS = (
    (PAID.model_text, vector(1, 0, 0, 0)),
    (SLOW.model_text, vector(0, 1, 0.2, 0)),
    (FULL.model_text, vector(0, 0.9, 0, 0.1)),
)


def fill(engine):
    """Both nights as the stages would write them."""
    for date, seen in ((FIRST, (PAID, SLOW)), (SECOND, (PAID, SLOW, FULL))):
        lines = sum(COUNTS_OF[date]["count"].to_pylist())
        write.save_coverage(
            engine,
            Coverage(
                "shop", date, "complete", 1, 4096, lines, 2, "syslog", at(date, 1), at(date, 3)
            ),
        )
        write.save_stage(
            engine, StageInfo("lines", "shop", date, lines + 2, lines, 2, 0.5, "utf-8")
        )
        write.merge_templates(engine, seen, source="shop", date=date)
        write.replace_counts(engine, "shop", date, COUNTS_OF[date], VARIABLES_OF[date])
        write.publish(engine, NIGHTS[date])
        ledger.save_report(engine, ledger.Report(date, "zh", f"reports/{date}.html", "ab" * 32, 9))
    name = {PAID.template_id: {"name": "paid"}}
    named = templates.Change("rename", PAID.template_id, "paid", name)
    templates.save(engine, named, "ana")
    write.save_coverage(engine, Coverage("web", FIRST, "complete", 1, 10, 5))
    write.save_coverage(engine, Coverage("web", SECOND, "missing", reason="no file came"))
    write.save_vectors(engine, MODEL, 4, VECTORS)
    odd = metrics.MetricAnomaly(SECOND, "db.disk", at(SECOND, 2), 99.0, 60.0, 0.9, "above 60")
    metrics.replace_metric_anomalies(engine, SECOND, [odd])
    metrics.replace_meanwhile(engine, SECOND, [(odd, [Meanwhile(PAID.template_id, 9, 1, 1, 1, 0)])])
    dependencies.replace_dependencies(
        engine, SECOND, [Dependency("pay", "db", {"named": (3, 3)}, 0.5)]
    )
    models.save_model(engine, models.ModelVersion(MODEL, "encoder", "pretrained/eyes", {"f1": 1}))
    knowledge.create(engine, Entry("k1", "Free space", "Remove old logs.", "storage", ("disk",)))
    return read
