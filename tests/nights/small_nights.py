"""Recorded nights in small, running one, and everything that a run leaves in the database."""

from pathlib import Path

import zstandard

from biglog import pipeline

RECORDED = Path(__file__).resolve().parents[2] / "examples" / "recorded"
SOURCES = {
    "postgresql": ("postgresql", "postgresql", "db1"),
    "redis": ("redis", "redis", "cache1"),
    "shop_app1": ("python_logging", "shop", "app1"),
}
DATES = ("2026-11-02", "2026-11-03", "2026-11-04")
LINES = 1_500

SOURCE = """
[[source]]
name = "{name}"
path = "landing/{name}/{{date}}.log"
format = "{format}"
service = "{service}"
host = "{host}"
"""


def head(path, lines):
    """The first lines of a compressed recording."""
    with zstandard.open(path, "rt", encoding="utf-8", errors="replace") as handle:
        return "".join(line for _, line in zip(range(lines), handle, strict=False))


LATE = "77:M {day} Nov 2026 12:00:0{second}.000 # Short read while loading DB, record {second}.\n"


def add_late(home, *, night, day, seconds=(1, 2)):
    """Lines of a day of November at the end of a night's file of Redis."""
    path = home / "landing" / "redis" / f"{night}.log"
    said = "".join(LATE.format(day=day, second=second) for second in seconds)
    path.write_text(path.read_text("utf-8") + said, "utf-8")


def run_night(site, date, *, sources=tuple(SOURCES)):
    """Every stage of a night in order, as the DAGs would run them."""
    for stage in pipeline.STAGES:
        for source in sources if stage.scope == "source" else ("",):
            pipeline.run(stage.name, site, date, source)


TABLES = (
    "biglog.coverage", "biglog.template", "biglog.template_version", "biglog.template_seen",
    "biglog.template_count", "biglog.vector", "biglog.cluster", "biglog.finding",
    "biglog.incident", "biglog.incident_finding", "biglog.night", "biglog.report",
    "biglog.dependency",
)  # fmt: skip
VOLATILE = "saved_at|published_at|rendered_at|created_at|updated_at|finished_at|path|sha256|bytes"


def contents(engine):
    """Every row of every table, without the columns that say when."""
    from sqlalchemy import text

    with engine.connect() as connection:
        return {table: sorted(rows_of(connection, table, text)) for table in TABLES}


def rows_of(connection, table, text):
    import re

    for row in connection.execute(text(f"SELECT * FROM {table}")).mappings():
        yield repr({k: v for k, v in row.items() if not re.fullmatch(VOLATILE, k)})
