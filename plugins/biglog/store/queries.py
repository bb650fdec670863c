"""Questions an analyst asks, kept as SQL files, and their answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from biglog.errors import BadInput


@dataclass(frozen=True, slots=True)
class Question:
    """One SQL file; its first line asks the question in English and in Chinese."""

    name: str
    english: str
    chinese: str
    sql: str


@dataclass(frozen=True, slots=True)
class Answer:
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def questions(directory: Path) -> tuple[Question, ...]:
    """Every question of the folder, by name."""
    return tuple(read_question(path) for path in sorted(directory.glob("*.sql")))


def read_question(path: Path) -> Question:
    """Raises BadInput where the first line is not ``-- English / Chinese``."""
    sql = path.read_text("utf-8")
    first = sql.partition("\n")[0]
    english, slash, chinese = first.removeprefix("--").strip().partition(" / ")
    if not first.startswith("--") or not slash:
        raise BadInput(f"{path}: the first line is {first!r}, expected -- English / Chinese")
    return Question(path.stem, english, chinese, sql)


def ask(engine: Engine, question: Question, *, date: str | None = None) -> Answer:
    """Run the question for that night; without a date, for the latest. Reads only."""
    with engine.connect() as connection:
        connection.execute(text("SET TRANSACTION READ ONLY"))
        statement = text(question.sql)
        named = list(statement.compile().params)
        if set(named) - {"date"}:
            raise BadInput(f"{question.name}: the only parameter is :date, got {sorted(named)}")
        found = connection.execute(statement, dict.fromkeys(named, date))
        return Answer(tuple(found.keys()), tuple(tuple(row) for row in found))
