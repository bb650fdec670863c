"""What can be set: one frozen dataclass per stage, its meaning beside each default.

Read once from ``biglog.toml`` and ``sources.toml`` under ``BIGLOG_HOME``; a key that is not known
here is an error, so that a typing mistake never silently means the default.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from biglog.errors import BadInput

PROJECT = Path(__file__).resolve().parents[2]
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
"""Of what becomes a folder's name."""
NOT_TABLES = ("home", "sources", "metric_sources", "trace_sources")
"""Fields of Settings that no table of biglog.toml fills."""
ENCODER_IN_USE = "encoder.json"
"""Under the home: which model directory was taken into use, and those before it."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """One place logs come from."""

    name: str
    path: str
    """Glob or URL of its files, or of a store to ask (docs/sources.md); ``{date}`` stands for the
    partition's YYYY-MM-DD."""
    connection: str = ""
    """Airflow connection, or variable BIGLOG_CONN_<NAME>, with what a URL must not hold: who asks
    and by which password."""
    query: str = ""
    """What a store is asked for: LogQL for Loki, a Lucene query string for Elasticsearch."""
    tenant: str = ""
    """Loki's tenant (X-Scope-OrgID)."""
    page_size: int = 5_000
    """Lines that a store is asked for at a time; Loki and Elasticsearch both refuse too many."""
    slices: int = 1
    """Parts of an index that are read side by side."""
    format: str = "auto"
    """A format's name (see ``biglog doctor --formats``), or ``auto`` to detect it by sampling."""
    service: str = ""
    """Service of lines that do not name one themselves."""
    host: str = ""
    timezone: str = "UTC"
    """Zone of timestamps that carry none."""
    redact: str = "on"
    """``on``, ``off`` or ``strict``."""
    max_bad_share: float = 0.5
    """A partition with a larger share of unreadable lines fails."""
    duplicates: str = "keep"
    """``count``: equal neighbours, and what syslog says was repeated, are one line with a count."""
    late_days: int = 7
    """Lines of a date as near as this go to its partition; farther, their clock is wrong. With 0
    every line stays in the night whose files it came with."""

    @property
    def nightly(self) -> bool:
        """Whether each night has files, or an answer, of its own; else all nights read the same."""
        return "{" in self.path or self.path.startswith(("loki", "elasticsearch", "opensearch"))


@dataclass(frozen=True, slots=True)
class MetricSource:
    """One place metric series come from."""

    name: str
    path: str
    """As a source's: glob or URL of files, ``{date}`` standing for the night."""
    connection: str = ""
    format: str = "auto"
    """``csv`` (timestamp,value or timestamp,m1,m2,…), ``prometheus`` (the JSON answer of
    query_range), or ``auto``: by what a file begins with."""
    timezone: str = "UTC"
    """Zone of times that carry none, and of the night."""


METRIC_FORMATS = ("auto", "csv", "prometheus")


@dataclass(frozen=True, slots=True)
class TraceSource:
    """One place traces come from: OTLP as JSON lines."""

    name: str
    path: str
    """As a source's: glob or URL of files, ``{date}`` standing for the night."""
    connection: str = ""


@dataclass(frozen=True, slots=True)
class LineSettings:
    batch_lines: int = 200_000
    """Lines held in memory at a time."""
    max_line_bytes: int = 1_000_000
    """A longer line is cut here and flagged."""
    max_sample_chars: int = 500
    """How much of a bad line is kept in quarantine."""
    max_unpacked_bytes: int = 100_000_000_000
    """A packed file or an archive is read up to this size."""
    max_unpacked_ratio: int = 200
    """From 1 GB on, one that unpacks to more times its size is a decompression bomb."""
    max_members: int = 10_000
    """Files of an archive that are read."""


@dataclass(frozen=True, slots=True)
class TemplateSettings:
    similarity: float = 0.5
    """Share of equal tokens above which two masked shapes of equal length are one template."""


@dataclass(frozen=True, slots=True)
class EmbedSettings:
    model: str = "biglog-small"
    """A directory under ``pretrained/``, or an absolute path."""
    commit_every: int = 512
    """Distinct texts embedded between two commits."""


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    method: str = "kmeans"
    """``kmeans`` (k by silhouette), ``dbscan``, ``hdbscan`` or ``none``."""
    k_min: int = 2
    k_max: int = 0
    """0: ten, or the root of how many distinct vectors where that is more."""
    eps: float = 0.0
    """Of DBSCAN, between unit vectors. 0: what tells groups apart best on the night."""
    min_samples: int = 2
    min_cluster_size: int = 3
    seed: int = 42
    map_method: str = "neighbours"
    """``neighbours`` or, slower, ``tsne``."""
    map_most: int = 2_000
    """Templates on the map, those with most lines; its cost is quadratic."""


@dataclass(frozen=True, slots=True)
class DetectSettings:
    history_days: int = 28
    """How many earlier nights are read."""
    min_history_days: int = 2
    """With fewer, rate changes are not judged and the report says so."""
    min_score: float = 0.5
    """Weaker findings are not kept."""
    max_findings: int = 200
    """The strongest are kept; the report counts the rest."""
    heed_verdicts: bool = True
    """Whether what people said of earlier findings moves the scores of those like them."""


@dataclass(frozen=True, slots=True)
class IncidentSettings:
    gap_minutes: int = 20
    """Findings closer in time than this may be one incident."""
    max_incidents: int = 10
    min_severity: int = 20


@dataclass(frozen=True, slots=True)
class MetricSettings:
    history_nights: int = 14
    """How many earlier nights a series is judged by."""
    gap_minutes: int = 20
    """Odd points of a series that are no farther apart are one anomaly."""
    false_share: float = 0.1
    """Share of a night's anomalies that may be chance (Benjamini and Hochberg)."""
    max_anomalies: int = 20
    """The strongest of a night are kept; the report counts the rest."""
    max_series: int = 5_000
    """A source with more is refused: its query is too wide to be judged in a night."""


@dataclass(frozen=True, slots=True)
class ReportSettings:
    locales: tuple[str, ...] = ("zh", "en")
    """One page each; the first is the one linked to."""
    recipients: tuple[str, ...] = ()
    """Mail addresses; none means that no mail is sent."""
    mail_locale: str = "zh"
    send: str = "always"
    """``always``, ``incidents`` or ``never``."""
    base_url: str = "http://127.0.0.1:8080"
    timezone: str = "UTC"
    """Zone in which the report prints times."""


@dataclass(frozen=True, slots=True)
class Settings:
    home: Path
    sources: tuple[SourceSettings, ...] = ()
    lines: LineSettings = field(default_factory=LineSettings)
    templates: TemplateSettings = field(default_factory=TemplateSettings)
    embed: EmbedSettings = field(default_factory=EmbedSettings)
    clusters: ClusterSettings = field(default_factory=ClusterSettings)
    detect: DetectSettings = field(default_factory=DetectSettings)
    incidents: IncidentSettings = field(default_factory=IncidentSettings)
    report: ReportSettings = field(default_factory=ReportSettings)
    metrics: MetricSettings = field(default_factory=MetricSettings)
    metric_sources: tuple[MetricSource, ...] = ()
    trace_sources: tuple[TraceSource, ...] = ()

    @property
    def lake(self) -> Path:
        return self.home / "lake"

    @property
    def reports(self) -> Path:
        return self.home / "reports"

    @property
    def encoder(self) -> Path:
        return PROJECT / "pretrained" / self.embed.model

    def source(self, name: str) -> SourceSettings:
        """The source of that name. Raises BadInput where sources.toml has none."""
        for one in self.sources:
            if one.name == name:
                return one
        known = ", ".join(one.name for one in self.sources) or "none"
        raise BadInput(f"no source named {name!r} in sources.toml (it names: {known})")

    def metric_source(self, name: str) -> MetricSource:
        """The source of metrics of that name. Raises BadInput where sources.toml has none."""
        for one in self.metric_sources:
            if one.name == name:
                return one
        known = ", ".join(one.name for one in self.metric_sources) or "none"
        raise BadInput(f"no [[metrics]] named {name!r} in sources.toml (it names: {known})")


def home() -> Path:
    """BIGLOG_HOME, else ``.biglog`` in the checkout."""
    return Path(os.environ.get("BIGLOG_HOME") or PROJECT / ".biglog").expanduser().resolve()


def sources_file(at: Path) -> Path:
    """BIGLOG_SOURCES, else ``sources.toml`` under the home."""
    return Path(os.environ.get("BIGLOG_SOURCES") or at / "sources.toml").expanduser()


def load(at: Path | None = None) -> Settings:
    """Settings of a home directory. Raises BadInput for an unknown key or a wrong type."""
    root = at or home()
    tables = read_toml(root / "biglog.toml")
    rooms = {f.name: f for f in fields(Settings) if f.name not in NOT_TABLES}
    unknown = sorted(set(tables) - set(rooms))
    if unknown:
        raise BadInput(f"biglog.toml: unknown table {unknown[0]!r}; known: {', '.join(rooms)}")
    defaults = Settings(home=root)
    changes = {
        name: fill(getattr(defaults, name), table, where=f"biglog.toml [{name}]")
        for name, table in tables.items()
    }
    if "model" not in tables.get("embed", {}) and (chosen := encoder_in_use(root)):
        changes["embed"] = replace(changes.get("embed", defaults.embed), model=chosen)
    named = sources_file(root)
    return replace(
        defaults,
        sources=load_sources(named),
        metric_sources=load_metric_sources(named),
        trace_sources=load_trace_sources(named),
        **changes,
    )


def encoder_in_use(root: Path) -> str:
    """The model directory that was taken into use by command; empty where none was."""
    path = root / ENCODER_IN_USE
    try:
        return str(json.loads(path.read_text("utf-8"))["now"]) if path.exists() else ""
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{path} is not what `biglog encoders use` writes ({error}): delete it and choose again"
        ) from error


def load_sources(path: Path) -> tuple[SourceSettings, ...]:
    """The sources a file names; relative paths are relative to the file's folder."""
    return tuple(one_source(row, path) for row in named_rows(path, "source"))


def load_metric_sources(path: Path) -> tuple[MetricSource, ...]:
    """The sources of metrics a file names; relative paths are relative to the file's folder."""
    return tuple(one_metric_source(row, path) for row in named_rows(path, "metrics"))


def load_trace_sources(path: Path) -> tuple[TraceSource, ...]:
    """The sources of traces a file names; relative paths are relative to the file's folder."""
    return tuple(one_trace_source(row, path) for row in named_rows(path, "traces"))


def named_rows(path: Path, kind: str) -> list[dict[str, Any]]:
    """The file's tables of one kind, each with a name of its own among all kinds, and a path."""
    tables = read_toml(path)
    unknown = sorted(set(tables) - set(KINDS))
    if unknown:
        known = ", ".join(f"[[{one}]]" for one in KINDS)
        raise BadInput(f"{path}: unknown table {unknown[0]!r}; known: {known}")
    for one in KINDS:
        rows = tables.get(one, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise BadInput(f"{path}: expected [[{one}]] tables, got a single [{one}]")
    for row in tables.get(kind, []):
        check_names(row, path, kind)
    names = [row.get("name") for one in KINDS for row in tables.get(one, [])]
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    if twice:
        raise BadInput(f"{path}: source {twice[0]!r} is named twice; names must be unique")
    return list(tables.get(kind, []))


KINDS = ("source", "metrics", "traces")
"""Tables of sources.toml."""


def check_names(row: Mapping[str, Any], path: Path, kind: str) -> None:
    for key in ("name", "path"):
        if not isinstance(row.get(key), str):
            raise BadInput(f"{path}: a [[{kind}]] needs {key!r} as text, got {row.get(key)!r}")
    if not PLAIN_NAME.fullmatch(row["name"]):
        raise BadInput(
            f"{path}: source name {row['name']!r} must be letters, digits, _ and - (63 at most)"
        )


def one_source(row: Mapping[str, Any], path: Path) -> SourceSettings:
    blank = SourceSettings(name=row["name"], path=row["path"])
    filled = fill(blank, row, where=f"{path} source {row['name']!r}")
    if filled.duplicates not in ("keep", "count"):
        raise BadInput(
            f"{path} source {row['name']!r}: duplicates = {filled.duplicates!r}, expected keep or "
            "count"
        )
    return replace(filled, path=beside(path, filled.path))


def one_metric_source(row: Mapping[str, Any], path: Path) -> MetricSource:
    where = f"{path} metrics {row['name']!r}"
    filled = fill(MetricSource(name=row["name"], path=row["path"]), row, where=where)
    if filled.format not in METRIC_FORMATS:
        known = ", ".join(METRIC_FORMATS)
        raise BadInput(f"{where}: format = {filled.format!r}, expected one of {known}")
    try:
        ZoneInfo(filled.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput(
            f"{where}: timezone = {filled.timezone!r}, expected a name like Asia/Shanghai"
        ) from error
    return replace(filled, path=beside(path, filled.path))


def one_trace_source(row: Mapping[str, Any], path: Path) -> TraceSource:
    where = f"{path} traces {row['name']!r}"
    filled = fill(TraceSource(name=row["name"], path=row["path"]), row, where=where)
    return replace(filled, path=beside(path, filled.path))


def beside(path: Path, given: str) -> str:
    """A source's path, seen from the folder of the file that names it; a URL as it is."""
    return given if "://" in given else str(path.resolve().parent / given)


def read_toml(path: Path) -> dict[str, Any]:
    """The file's tables; a file that does not exist has none."""
    if not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is not valid TOML: {error}") from error


def fill(defaults: T, table: Mapping[str, Any], *, where: str) -> T:
    """``defaults`` with the table's values; each must have the default's type."""
    known = {f.name for f in fields(defaults)}  # type: ignore[arg-type]
    for key, value in table.items():
        if key not in known:
            raise BadInput(f"{where}: unknown key {key!r}; known: {', '.join(sorted(known))}")
        wanted = type(getattr(defaults, key))
        if wanted is tuple and isinstance(value, list):
            continue
        if not isinstance(value, wanted) and not (wanted is float and type(value) is int):
            raise BadInput(f"{where}: {key} = {value!r}, expected {wanted.__name__}")
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
    return replace(defaults, **values)  # type: ignore[type-var]
