"""What people said of lines or sessions: a CSV with 0 or 1 beside each."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from biglog.errors import BadInput

ODD = ("1", "true", "yes", "anomaly", "anomalous", "odd", "abnormal")
NORMAL = ("0", "false", "no", "normal", "-")
SHOWN = 40


def read_labels(path: Path, *, of_lines: bool) -> pl.DataFrame:
    """Rows of ``session`` or of ``line_no`` (with ``file`` where the CSV has it), and ``odd``.

    Columns are found by name; a CSV of two columns with other names is taken in the order
    session, label. Raises BadInput for anything but 0 and 1 (or true and false), and where one
    row is said to be both.
    """
    table = read_csv(path)
    key, other = ("line_no", "session") if of_lines else ("session", "line_no")
    if other in table.columns and key not in table.columns:
        raise BadInput(
            f"--labels {path} has a column {other}, expected {key}: use "
            f"{'--session REGEX' if of_lines else '--lines'}, or give other labels"
        )
    label = next((name for name in ("label", "anomaly", "anomalous") if name in table.columns), "")
    if key not in table.columns or not label:
        key_is, label = by_order(path, table, key)
        table = table.rename({key_is: key})
    names = [key, *(["file"] if of_lines and "file" in table.columns else [])]
    rows = table.select(*names, odd=truth(path, table[label]))
    rows = rows.with_columns(numbers(path, rows[key])) if of_lines else rows
    return refuse_doubles(path, rows.unique(maintain_order=True), names)


def read_csv(path: Path, option: str = "--labels", expected: str = "labels") -> pl.DataFrame:
    """Every cell as text, names in lower case. Raises BadInput for what is no CSV with rows."""
    if not path.is_file():
        raise BadInput(f"{option} {path}: no such file; give a CSV of {expected}")
    try:
        table = pl.read_csv(path, infer_schema=False, encoding="utf8-lossy")
    except pl.exceptions.PolarsError as error:
        words = " ".join(str(error).split())[:200]
        raise BadInput(f"{option} {path}: not a CSV ({words}); expected a header line") from error
    table = table.rename({name: name.strip().strip("\ufeff").lower() for name in table.columns})
    if not table.height:
        raise BadInput(f"{option} {path} has no row under its header; add rows of {expected}")
    return table


def by_order(path: Path, table: pl.DataFrame, key: str) -> tuple[str, str]:
    if table.width != 2:
        raise BadInput(
            f"--labels {path}: got the columns {', '.join(table.columns)[:200]}, expected "
            f"{key},label with 0 or 1; rename them, or give these two alone"
        )
    return table.columns[0], table.columns[1]


def truth(path: Path, column: pl.Series) -> pl.Series:
    said = column.fill_null("").str.strip_chars().str.to_lowercase()
    odd, normal = said.is_in(ODD), said.is_in(NORMAL)
    wrong = column.filter(~(odd | normal))
    if len(wrong):
        raise BadInput(
            f"--labels {path}: got the label {str(wrong[0])[:SHOWN]!r}, expected 0 or 1 (or false, "
            "true); mend the CSV"
        )
    return odd.alias("odd")


def numbers(path: Path, column: pl.Series) -> pl.Series:
    whole = column.str.strip_chars().cast(pl.Int64, strict=False)
    wrong = column.filter(whole.is_null() | (whole < 1))
    if len(wrong):
        raise BadInput(
            f"--labels {path}: got line_no {str(wrong[0])[:SHOWN]!r}, expected a whole number from "
            "1; mend the CSV, or use --session for labels of sessions"
        )
    return whole.alias("line_no")


def refuse_doubles(path: Path, rows: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    twice = rows.filter(pl.struct(names).is_duplicated())
    if twice.height:
        what = ", ".join(str(twice[name][0])[:SHOWN] for name in names)
        raise BadInput(
            f"--labels {path}: {what} is labelled both 0 and 1; keep one of the two rows"
        )
    return rows
