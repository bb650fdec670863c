"""Which service called which, night by night."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine, text

from biglog.records import Dependency
from biglog.store.read import days_before, rows
from biglog.store.text import to_json
from biglog.store.write import LOCK, row_of, tidy

CALL = text("""
INSERT INTO biglog.dependency (date, caller, callee, ways, confidence, first_at, last_at)
VALUES (CAST(:date AS date), :caller, :callee, CAST(:ways AS jsonb), :confidence, :first_at,
    :last_at)
ON CONFLICT DO NOTHING
""")  # names that differ in what the database cannot hold are one: the surest is kept


def replace_dependencies(engine: Engine, date: str, found: Sequence[Dependency]) -> int:
    """Put these in the place of the night's; returns how many."""
    with engine.begin() as connection:
        connection.execute(LOCK, {"key": f"biglog:dependencies:{date}"})
        connection.execute(
            text("DELETE FROM biglog.dependency WHERE date = CAST(:date AS date)"),
            {"date": date},
        )
        if found:
            given = [row_of(one) | {"date": date, "ways": to_json(one.ways)} for one in found]
            connection.execute(CALL, [tidy(one) for one in given])
    return len(found)


def earlier_dependencies(engine: Engine, date: str, days: int) -> tuple[Dependency, ...]:
    """Those of each of the ``days`` nights before the date, the oldest night first."""
    with engine.connect() as connection:
        found = rows(
            connection,
            "SELECT caller, callee, ways, confidence, first_at, last_at FROM biglog.dependency d"
            " WHERE date >= CAST(:first AS date) AND date < CAST(:date AS date)"
            " ORDER BY d.date, confidence DESC, caller, callee",
            first=days_before(date, days),
            date=date,
        )
    return tuple(dependency(one) for one in found)


def dependency(row: dict[str, object]) -> Dependency:
    ways = {way: (seen, of) for way, (seen, of) in row["ways"].items()}  # type: ignore[attr-defined]
    return Dependency(**{**row, "ways": ways})  # type: ignore[arg-type]
