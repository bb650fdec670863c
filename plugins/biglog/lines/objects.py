"""Lines of JSON, logfmt, CSV and W3C as columns of text, by the names their keys usually go by."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import polars as pl

from biglog.lines import levels
from biglog.lines.decode import ANSI, CONTROL
from biglog.lines.formats import COLUMNS, Format
from biglog.lines.patterns import READ, escape, member, overlay, wrap

PAIR = r'(?:^|[ \t])([A-Za-z_@][A-Za-z0-9_.@/-]*)=("(?:[^"\\]|\\.)*"|[^ \t"]*)'
PAIRED = r"[A-Za-z0-9_.@/-]=.*[ \t][A-Za-z_@][A-Za-z0-9_.@/-]*="
"""What every line of at least two pairs contains; far cheaper than the pairs themselves."""
DELIMITERS = ",;\t"
WIDEST = 200
"""Columns above which objects are read one by one: few rows share most of them."""
DEEPEST = 20
"""Levels of an object above which objects are read one by one: nested columns cost their square."""
TOO_DEEP = 100
"""Levels above which text is taken for no object: nobody logs it, and recursion would end it."""
MOST_HEADERS = 50
"""Lines of one batch that may name columns anew; more are a hostile file's."""
MOST_QUOTED = 1000
"""Lines over which a quoted cell of a CSV may go on; a quote open longer is a lost one."""
ASIDE = ("status", "error")
"""What is read for the level and the message, and stays among the fields as well."""
NAMES_COLUMNS = r"^#[Ff]ields:?[ \t]+(.*\S)"
"""The line of a W3C or Zeek log that names the columns of the lines below it."""
DAY = r"^#(?:Start-)?Date:[ \t]*(\d{4}-\d\d-\d\d)"
"""A W3C directive that names the day of the times below it."""
NOTHING = ("-", "(empty)", "")

Row = dict[str, Any]


def read_json(lines: pl.Series, form: Format) -> pl.DataFrame:
    """One row a line; whole columns at once where the objects agree, one by one where not."""
    looks = lines.str.contains(r"^\s*\{.*\}\s*$")
    if form.mark:
        looks &= lines.str.contains(form.mark)
    rows = looks.arg_true()
    if not len(rows):
        return unread(len(lines))
    texts = lines.gather(rows)
    wide = decode_together(texts)
    if wide is None:
        read = read_rows(texts, (decode_one(text) for text in texts.to_list()), form)
        return scatter(read, rows, len(lines))
    return scatter(assign(wide, form, texts), rows, len(lines))


def decode_together(texts: pl.Series) -> pl.DataFrame | None:
    """Flat columns of many objects; None where they do not share types or are too varied."""
    data = "\n".join(texts.to_list()).encode()
    if depth(data) > DEEPEST or varied(texts):
        return None
    try:
        wide = pl.read_ndjson(io.BytesIO(data), infer_schema_length=None)
    except (pl.exceptions.PolarsError, ValueError):
        return None
    known = [decode_one(texts[at]) for at in some_of(texts)]
    if len(wide) != len(texts) or not regular(known, wide[some_of(texts)]):
        return None
    flat = flatten(wide)
    return None if flat is None else in_order(flat, [one for one in known if one])


def depth(data: bytes) -> int:
    """How deep the brackets of any line nest, those in strings counted too."""
    letters = np.frombuffer(data, np.uint8)
    opens = (letters == ord("{")) | (letters == ord("["))
    closes = (letters == ord("}")) | (letters == ord("]"))
    level = np.cumsum(opens.astype(np.int32) - closes, dtype=np.int32)
    if not level.size:
        return 0
    starts = np.append(0, np.flatnonzero(letters == ord("\n")))
    return int((np.maximum.reduceat(level, starts) - np.append(0, level[starts[1:]])).max())


def varied(texts: pl.Series) -> bool:
    """Whether the objects have so many names that a column each would be too many."""
    if int(texts.str.count_matches('":', literal=True).max() or 0) > 10 * WIDEST:  # type: ignore[arg-type]
        return True
    sample = texts.gather_every(max(1, len(texts) // 200))
    return sample.str.extract_all(r'"[^"\\]{1,100}"\s*:').explode().n_unique() > 2 * WIDEST


def some_of(texts: pl.Series) -> list[int]:
    """Rows of about fifty texts spread over all."""
    return list(range(0, len(texts), max(1, len(texts) // 50)))


def regular(known: list[Row | None], wide: pl.DataFrame) -> bool:
    """Whether no key was seen with two types, which reading together would blur.

    Cheap and sufficient: as many values must come out as a sample of the lines put in.
    """
    if wide.width > WIDEST:
        return False
    pairs = zip(known, wide.iter_rows(named=True), strict=True)
    return all(one is not None and same(one, other) for one, other in pairs)


def in_order(wide: pl.DataFrame, known: list[Row]) -> pl.DataFrame:
    """The columns as a sample of the lines has them: polars gives many keys in any order."""
    seen = dict.fromkeys(name for row in known for name, _ in flatten_one(row))
    rest = sorted(set(wide.columns) - seen.keys())
    return wide.select([name for name in seen if name in wide.columns] + rest)


def same(mine: Any, other: Any) -> bool:
    """Whether two decoded values are equal, a missing key counting as null."""
    if isinstance(mine, dict) and isinstance(other, dict):
        return all(same(mine.get(key), other.get(key)) for key in {*mine, *other})
    if isinstance(mine, dict) and not other:
        return not any(value is not None for value in mine.values())
    if isinstance(other, dict) and mine is None:
        return not any(value is not None for value in other.values())
    if isinstance(mine, list) and isinstance(other, list):
        return len(mine) == len(other) and all(map(same, mine, other))
    return bool(mine == other)


def flatten(wide: pl.DataFrame) -> pl.DataFrame | None:
    """Nested objects as columns with dotted names."""
    while structs := [c for c in wide.columns if isinstance(wide[c].dtype, pl.Struct)]:
        for name in structs:
            parts = wide[name].struct.unnest()
            dotted = parts.rename({part: f"{name}.{part}" for part in parts.columns})
            if set(dotted.columns) & (set(wide.columns) - {name}) or wide.width > WIDEST:
                return None
            wide = wide.drop(name).hstack(dotted)
    return wide


def decode_one(text: str) -> Row | None:
    if text.count("{") + text.count("[") > TOO_DEEP and depth(text.encode()) > TOO_DEEP:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def unread(size: int) -> pl.DataFrame:
    """Rows of which none is matched."""
    blank = {name: pl.lit(None, kind) for name, kind in READ.items()}
    blank |= {"matched": pl.lit(False), "attached": pl.lit(False)}
    rows = pl.int_range(size, eager=True).alias("row").to_frame()
    return rows.select(pl.col("row"), **blank).drop("row")


def scatter(read: pl.DataFrame, rows: pl.Series, size: int) -> pl.DataFrame:
    """``read`` at the given rows of ``size``; the others are not matched."""
    if len(rows) == size:
        return read
    place = pl.int_range(size, dtype=pl.UInt32, eager=True).alias("place").to_frame()
    joined = place.join(
        read.with_columns(place=rows.cast(pl.UInt32)), on="place", how="left", maintain_order="left"
    )
    return joined.drop("place").with_columns(pl.col("matched", "attached").fill_null(False))


def read_rows(lines: pl.Series, rows: Iterator[Row | None], form: Format) -> pl.DataFrame:
    """Objects one by one; those that are None are lines that could not be read."""
    made: dict[str, list[str | None]] = {name: [] for name in (*COLUMNS, "fields", "key", *ASIDE)}
    good = []
    for row in rows:
        good.append(row is not None)
        for name, value in assign_one(row or {}, form).items():
            made[name].append(value)
    frame = pl.DataFrame(made, schema=dict.fromkeys(made, pl.String))
    return finish(frame.with_columns(matched=pl.Series(good, dtype=pl.Boolean), raw=lines), form)


def assign_one(row: Row, form: Format) -> dict[str, str | None]:
    flat = dict(flatten_one(row))
    chosen: dict[str, str | None] = dict.fromkeys((*COLUMNS, "fields", *ASIDE))
    spent: set[str] = set()
    for column, names in choices(tuple(flat), form).items():
        name = next((one for one in names if flat[one] not in (None, "")), None)
        if name is not None and column in chosen:
            chosen[column] = plain(flat[name])
            if column not in ASIDE:
                spent.add(name)
    if chosen["content"] is None:
        chosen["content"] = composed(flat, form)
    rest = {name: v for name, v in flat.items() if name not in spent and v is not None}
    chosen["fields"] = json.dumps(rest, ensure_ascii=False, separators=(",", ":")) if rest else None
    chosen["key"] = plain(flat.get(form.attach_by, ""))
    return chosen


def composed(flat: Row, form: Format) -> str | None:
    """Method and path of an access record that has no message."""
    names = choices(tuple(flat), form)
    parts = [plain(flat[names[one][0]]) for one in ("method", "path") if names.get(one)]
    return " ".join(part for part in parts if part) if len(parts) == 2 else None


def flatten_one(row: Row, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in row.items():
        if isinstance(value, dict) and value:
            yield from flatten_one(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def choices(names: tuple[str, ...], form: Format) -> dict[str, list[str]]:
    """For each column, which of the given names may fill it, the likeliest first.

    A whole dotted name beats the last part of one; no name serves two columns.
    """
    lower = {name.lower(): name for name in reversed(names)}
    last = {name.lower().rpartition(".")[2]: name for name in reversed(names)}
    chosen: dict[str, list[str]] = {}
    spent: set[str] = set()
    for table in (lower, last):
        for column, aliases in form.keys.items():
            found = [table[one] for one in aliases if one in table and table[one] not in spent]
            if not chosen.get(column):
                chosen[column] = found
                spent.update(found[:1])
            elif column == "content":  # records of several kinds in one file
                chosen[column] += [one for one in found if one not in chosen[column]]
    return chosen


def assign(wide: pl.DataFrame, form: Format, raw: pl.Series) -> pl.DataFrame:
    """The columns of READ from columns named by people."""
    names = choices(tuple(wide.columns), form)
    picked = {
        column: pl.coalesce([text_of(wide, one) for one in found])
        for column, found in names.items()
        if found
    }
    spent = {found[0] for column, found in names.items() if found and column in COLUMNS}
    rest = [name for name in wide.columns if name not in spent]
    method, path = picked.pop("method", None), picked.pop("path", None)
    if method is not None and path is not None:
        request = pl.concat_str(method, pl.lit(" "), path)
        picked["content"] = pl.coalesce(picked.get("content", pl.lit(None, pl.String)), request)
    if (both := date_and_time(wide)) is not None:
        picked["timestamp"] = both
    blank = {name: pl.lit(None, pl.String) for name in (*COLUMNS, *ASIDE)}
    made = wide.select(
        *[expr.alias(name) for name, expr in (blank | picked).items()],
        wrap([json_member(wide, name) for name in rest]).alias("fields"),
        pl.lit(True).alias("matched"),
        stream_of(wide, form).alias("key"),
    )
    return finish(made.with_columns(raw=raw), form)


def stream_of(wide: pl.DataFrame, form: Format) -> pl.Expr:
    """Which of several streams in one file each object is of."""
    if form.attach_by not in wide.columns:
        return pl.lit("")
    return text_of(wide, form.attach_by).fill_null("")


def date_and_time(wide: pl.DataFrame) -> pl.Expr | None:
    """The two halves of a timestamp where they have a column each."""
    lower = {name.lower(): name for name in wide.columns}
    if not {"date", "time"} <= lower.keys():
        return None
    day, hour = pl.col(lower["date"]).cast(pl.String), pl.col(lower["time"]).cast(pl.String)
    return pl.when(hour.str.contains(r"^\d{1,2}:\d\d")).then(day + " " + hour).otherwise(hour)


def text_of(wide: pl.DataFrame, name: str) -> pl.Expr:
    kind = wide[name].dtype
    if isinstance(kind, pl.List):
        return json_value(name)
    column = pl.col(name).cast(pl.String)
    return pl.when(column != "").then(column)


def json_member(wide: pl.DataFrame, name: str) -> pl.Expr:
    kind = wide[name].dtype
    if kind == pl.String:
        return member(name, pl.col(name))
    key = pl.lit(json.dumps(name, ensure_ascii=False) + ":")
    if isinstance(kind, pl.List):
        return pl.when(pl.col(name).is_not_null()).then(pl.concat_str(key, json_value(name)))
    return pl.concat_str(key, pl.col(name).cast(pl.String))


def json_value(name: str) -> pl.Expr:
    whole = pl.struct(pl.col(name).alias("v")).struct.json_encode()
    return whole.str.strip_prefix('{"v":').str.strip_suffix("}")


def finish(made: pl.DataFrame, form: Format) -> pl.DataFrame:
    """Levels by word or status, a message for every line, and no control characters in it."""
    status = pl.when(pl.col("status").str.contains(r"^[1-5][0-9]{2}$")).then(pl.col("status"))
    level = pl.coalesce(levels.normalise(pl.col("level"), form.levels), levels.of_status(status))
    composed = form_content(made, status)
    columns = {name: pl.lit(None, kind) for name, kind in READ.items()} | {
        name: pl.col(name) for name in (*COLUMNS, "fields", "matched", "key")
    }
    columns |= {"level": level, "content": pl.coalesce(cleaned(composed), pl.col("raw"))}
    columns |= {"attached": pl.lit(False)}
    return made.select(expr.alias(name) for name, expr in columns.items())


def cleaned(text: pl.Expr) -> pl.Expr:
    """Without colours, control characters and what is blank at the end."""
    return text.str.replace_all(ANSI, "").str.replace_all(CONTROL, " ").str.strip_chars_end()


def with_error(content: pl.Expr, error: pl.Expr) -> pl.Expr:
    """The message with the error that the record keeps beside it; null where it keeps none.

    "bank call failed" says little; what failed about it stands in a field of its own.
    """
    first = error.str.extract(r"^\s*([^\r\n]{1,300})").str.strip_chars()
    plain = first.str.contains(r"^(?i:true|false|null|none|nil)$")
    told = first.str.contains(r"[A-Za-z\p{Han}]{2}") & ~plain
    fresh = told & ~content.str.contains(first, literal=True)
    return pl.when(fresh).then(content.str.strip_chars_end(": ") + ": " + first)


def form_content(made: pl.DataFrame, status: pl.Expr) -> pl.Expr:
    """An access record's message ends, as an access log's, with the status and its meaning."""
    said = pl.coalesce(with_error(pl.col("content"), pl.col("error")), "content")
    content = said.str.strip_chars_end().str.replace_all("\n", " ⏎ ", literal=True)
    reason = pl.concat_str(pl.lit(" "), status, pl.lit(" "), levels.reason(status).fill_null(""))
    request = content.str.contains(
        r"^(?:GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS|CONNECT|TRACE) \S+$"
    )
    return pl.when(request & status.is_not_null()).then(content + reason).otherwise(content)


def read_logfmt(lines: pl.Series, form: Format) -> pl.DataFrame:
    """Lines of at least two pairs that hold nothing else but pairs (a bare word is a true one)."""
    frame = lines.to_frame("raw").with_row_index("row")
    paired = frame.with_columns(pair=pl.col("raw").str.extract_all(PAIR))
    left = pl.col("raw").str.replace_all(PAIR, "").str.strip_chars()
    good = paired.filter((pl.col("pair").list.len() >= 2) & left.str.contains(r"^[\w\s.-]{0,40}$"))
    if not len(good):
        return unread(len(lines))
    long = good.select("row", pl.col("pair")).explode("pair")
    long = long.with_columns(
        key=pl.col("pair").str.extract(PAIR, 1), value=unquote(pl.col("pair").str.extract(PAIR, 2))
    )
    known = {one for names in form.keys.values() for one in names}
    head = long.filter(pl.col("key").str.to_lowercase().is_in(sorted(known)))
    head = head.unique(["row", "key"], keep="first", maintain_order=True)
    wide = good.select("row").join(
        head.pivot(on="key", index="row", values="value") if len(head) else good.select("row"),
        on="row",
        how="left",
        maintain_order="left",
    )
    read = assign(wide.drop("row"), form, good["raw"])
    spent = [found[0] for column, found in choices(tuple(wide.columns[1:]), form).items()
             if found and column in COLUMNS]  # fmt: skip
    rest = long.filter(~pl.col("key").is_in(spent)).group_by("row", maintain_order=True)
    pair = pl.concat_str(pl.lit('"'), escape(pl.col("key")), pl.lit('":"'),
                         escape(pl.col("value")), pl.lit('"'))  # fmt: skip
    members = rest.agg(fields=pl.concat_str(pl.lit("{"), pair.str.join(","), pl.lit("}")))
    fields = good.select("row").join(members, on="row", how="left", maintain_order="left")
    return scatter(read.with_columns(fields["fields"]), good["row"], len(lines))


def unquote(value: pl.Expr) -> pl.Expr:
    inner = value.str.strip_prefix('"').str.strip_suffix('"')
    plain = inner.str.replace_all('\\"', '"', literal=True)
    plain = plain.str.replace_all(r"\\[nt]", " ").str.replace_all("\\\\", "\\", literal=True)
    return pl.when(value.str.starts_with('"')).then(plain).otherwise(value)


def read_header(line: str, form: Format) -> tuple[str, list[str]] | None:
    """Delimiter and column names of a CSV header; None where the line is none."""
    for delimiter in DELIMITERS:
        names = next(csv.reader([line], delimiter=delimiter), [])
        if len(names) < 2 or len(set(names)) != len(names):
            continue
        if all(re.fullmatch(r"[^\d\"'{}=<>]{0,60}|.{0,60}[A-Za-z_].{0,60}", one) for one in names):
            found = choices(tuple(names), form)
            if found.get("content") or found.get("timestamp"):
                return delimiter, [name or f"column_{at + 1}" for at, name in enumerate(names)]
    return None


def read_csv(lines: pl.Series, form: Format, header: tuple[str, list[str]]) -> pl.DataFrame:
    """Rows with exactly the header's columns; other lines are not matched."""
    delimiter, names = header
    rows = (
        dict(zip(names, cells, strict=True)) if len(cells) == len(names) else None
        for cells in split_cells(lines, delimiter)
    )
    fast = split_plain(lines, delimiter, names)
    if fast is not None:
        return assign(fast, form, lines)
    return read_rows(lines, rows, form)


def split_plain(lines: pl.Series, delimiter: str, names: list[str]) -> pl.DataFrame | None:
    """Columns at once where every line parses to the same width; None where one does not."""
    if (lines.str.count_matches('"', literal=True) % 2 > 0).any():
        return None
    data = "\n".join(lines.to_list()).encode()
    try:
        wide = pl.read_csv(
            io.BytesIO(data), separator=delimiter, has_header=False, infer_schema=False
        )
    except (pl.exceptions.PolarsError, ValueError):
        return None
    if wide.shape != (len(lines), len(names)):
        return None
    short = wide.to_series(-1).is_null() & ~lines.str.ends_with(delimiter)
    if short.any():
        return None
    return wide.rename(dict(zip(wide.columns, names, strict=True)))


def pair_quotes(
    lines: pl.Series, header: tuple[str, list[str]], *, max_bytes: int
) -> tuple[list[tuple[int, int]], int]:
    """First and last lines of records whose quoted cells hold newlines; where one may go on.

    A quote that is not closed within ``MOST_QUOTED`` lines or ``max_bytes``, or whose record has
    not the header's columns, is a lost one: its line stands alone, and so does every line after it.
    """
    odd = (lines.str.count_matches('"', literal=True) % 2 > 0).arg_true().to_list()
    ends = lines.str.len_bytes().cum_sum().to_list() if odd else []
    spans: list[tuple[int, int]] = []
    at = 0
    while at < len(odd):
        first = odd[at]
        last = odd[at + 1] if at + 1 < len(odd) else len(lines)
        size = ends[min(last, len(lines) - 1)] - ends[first]
        at += 1
        lost = last - first > MOST_QUOTED or size > max_bytes
        if lost or is_row(lines[first], header):
            continue
        if last == len(lines):
            return spans, first
        if is_row("\n".join(lines[first : last + 1]), header):
            spans.append((first, last))
            at += 1
    return spans, len(lines)


def is_row(text: str, header: tuple[str, list[str]]) -> bool:
    """Whether a text has as many cells as the header, and no open quote."""
    return len(cells_of(text, header[0])) == len(header[1])


def split_cells(lines: pl.Series, delimiter: str) -> Iterator[list[str]]:
    yield from (cells_of(line, delimiter) for line in lines.to_list())


def cells_of(line: str, delimiter: str) -> list[str]:
    """A row's cells; none where it is no sound CSV."""
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def read_fields(lines: pl.Series, form: Format) -> tuple[str, list[str]] | None:
    """Delimiter and column names of the first line that names columns; None without one."""
    named = lines.filter(lines.str.contains(NAMES_COLUMNS))
    if not len(named):
        return None
    header = column_names(named[0])
    found = choices(tuple(header[1]), form)
    return header if found.get("timestamp") or found.get("path") else None


def column_names(line: str) -> tuple[str, list[str]]:
    found = re.match(NAMES_COLUMNS, line)
    text = found.group(1) if found else ""
    delimiter = "\t" if "\t" in text else " "
    names = text.split(delimiter) if delimiter == "\t" else text.split()
    return delimiter, names[:WIDEST]


def read_w3c(lines: pl.Series, form: Format, header: tuple[str, list[str]]) -> pl.DataFrame:
    """Rows by the columns that the nearest line above names, or by the header where none does."""
    named = lines.str.contains(NAMES_COLUMNS)
    own = lines.to_frame("raw").select(
        row=pl.int_range(pl.len()),
        raw="raw",
        names=pl.when(named).then(pl.col("raw")).forward_fill().fill_null(""),
        day=pl.col("raw").str.extract(DAY).forward_fill(),
        plain=~pl.col("raw").str.starts_with("#") & pl.col("raw").str.contains(r"\S"),
    )
    read = unread(len(lines))
    groups = own.filter("plain").group_by("names", maintain_order=True)
    for (names,), group in islice(groups, MOST_HEADERS):
        delimiter, columns = column_names(str(names)) if names else header
        cells = dated(read_cells(group["raw"], delimiter, columns), group["day"])
        good = cells["matched"].arg_true()
        if len(good):
            texts = group["raw"].gather(good)
            made = assign(cells.drop("matched")[good], form, texts)
            read = overlay(read, made, group["row"].gather(good))
    return read


def dated(cells: pl.DataFrame, day: pl.Series) -> pl.DataFrame:
    """The cells with the day that a directive above names, where a line has a time alone."""
    if "time" not in cells.columns or "date" in cells.columns:
        return cells
    return cells.with_columns(date=day)


def read_cells(lines: pl.Series, delimiter: str, names: list[str]) -> pl.DataFrame:
    """A column a name, null where a cell says nothing; matched where the cells are as many."""
    quoted = r'"(?:[^"]|"")*"'
    cell = rf"{quoted}|[^\t]+" if delimiter == "\t" else rf"{quoted}|\S+"
    cells = lines.str.extract_all(cell)
    distinct = [name if name not in names[:at] else f"{name}_{at + 1}"
                for at, name in enumerate(names)]  # fmt: skip
    columns = [
        pl.col("cells").list.get(at, null_on_oob=True).str.strip_chars('"').alias(name)
        for at, name in enumerate(distinct)
    ]
    wide = cells.to_frame("cells").select(*columns)
    told = wide.select(pl.when(~pl.all().is_in(NOTHING)).then(pl.all()))
    return told.with_columns(matched=cells.list.len() == len(names))


def split_records(lines: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Lines of OpenTelemetry's file exporter as one flat object a record, and each one's line."""
    texts: list[str] = []
    rows: list[int] = []
    for at, line in enumerate(lines.to_list()):
        records = list(otlp_records(decode_one(line) or {}))
        texts += [json.dumps(one, ensure_ascii=False) for one in records] or [line]
        rows += [at] * max(1, len(records))
    return pl.Series(texts, dtype=pl.String), pl.Series(rows, dtype=pl.UInt32)


def otlp_records(line: Row) -> Iterator[Row]:
    """Each record with what its resource and its scope say of it."""
    for resource in items(line, "resourceLogs"):
        shared = attributes(resource.get("resource"))
        for scope in items(resource, "scopeLogs"):
            name = scope.get("scope")
            named = {"scope": name["name"]} if isinstance(name, dict) and name.get("name") else {}
            for record in items(scope, "logRecords"):
                own = {key: value_of(one) for key, one in record.items() if key != "attributes"}
                yield shared | attributes(record) | named | own


def items(row: Row, name: str) -> Iterator[Row]:
    found = row.get(name)
    yield from (one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()


def attributes(holder: Any) -> Row:
    pairs = items(holder, "attributes") if isinstance(holder, dict) else ()
    return {str(one.get("key")): value_of(one.get("value")) for one in pairs}


def value_of(value: Any) -> Any:
    """What an OTLP value holds: ``{"stringValue": "x"}`` is x."""
    if isinstance(value, dict) and len(value) == 1:
        name, inner = next(iter(value.items()))
        if name.endswith("Value") and not isinstance(inner, dict):
            return inner
    return value
