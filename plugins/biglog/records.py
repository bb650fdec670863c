"""The nouns: every type that crosses from one room to another, with its Parquet schema.

Scores run from 0 to 1 and high means odd. Times are UTC. A partition is (source, key) and the key
is a date string ``YYYY-MM-DD``. Bulk data travels as ``pyarrow.Table`` with a schema from here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Vectors = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

TIME = pa.timestamp("us", tz="UTC")
LEVELS = ("TRACE", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL")

# One row per log record; line_id is the partition's own and rises in each of its files, line_no
# counts from 1 in the file of raw lines.
LINES = pa.schema(
    [
        pa.field("line_id", pa.int64(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("line_no", pa.int64(), nullable=False),
        pa.field("timestamp", TIME),
        pa.field("level", pa.string()),
        pa.field("host", pa.string()),
        pa.field("service", pa.string()),
        pa.field("component", pa.string()),
        pa.field("content", pa.string(), nullable=False),
        pa.field("body", pa.string()),  # continuation lines of a multi-line record
        pa.field("fields", pa.string()),  # JSON object of what else the format names
        pa.field("count", pa.int64(), nullable=False),  # equal records counted as this one
    ]
)

TIMES = "biglog.times"
"""Key of the metadata of LINES that says how many times were read by which rule (JSON object)."""

# One row per input line that could not be read as the source's format; sample is cut and redacted.
QUARANTINE = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),
        pa.field("line_no", pa.int64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("sample", pa.string(), nullable=False),
    ]
)

# One row per line: which template it is an instance of, and with which parameters.
EVENTS = pa.schema(
    [
        pa.field("line_id", pa.int64(), nullable=False),
        pa.field("timestamp", TIME),
        pa.field("level", pa.string()),
        pa.field("host", pa.string()),
        pa.field("service", pa.string()),
        pa.field("template_id", pa.string(), nullable=False),
        pa.field("parameters", pa.list_(pa.string()), nullable=False),
        pa.field("count", pa.int64(), nullable=False),  # records that the line stands for
    ]
)

# One row per point of a metric series, by series and time, no time of a series twice.
POINTS = pa.schema(
    [
        pa.field("series", pa.string(), nullable=False),
        pa.field("at", TIME, nullable=False),
        pa.field("value", pa.float64(), nullable=False),  # finite
    ]
)

# One row per (source, date, bucket, service, host, level, template): how often, first and last.
COUNTS = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("date", pa.string(), nullable=False),
        pa.field("bucket", TIME, nullable=False),  # start of the 10-minute window
        pa.field("service", pa.string(), nullable=False),  # "" where unknown
        pa.field("host", pa.string(), nullable=False),  # "" where unknown
        pa.field("level", pa.string(), nullable=False),  # "" where unknown
        pa.field("template_id", pa.string(), nullable=False),
        pa.field("count", pa.int64(), nullable=False),
        pa.field("first_at", TIME, nullable=False),
        pa.field("last_at", TIME, nullable=False),
    ]
)
BUCKET_MINUTES = 10

# One row per (source, date, template, wildcard): what stood there in one partition, in brief.
SUMMARIES = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("date", pa.string(), nullable=False),
        pa.field("template_id", pa.string(), nullable=False),
        pa.field("slot", pa.int64(), nullable=False),  # which wildcard, from 1
        pa.field("kind", pa.string(), nullable=False),
        pa.field("unit", pa.string(), nullable=False),
        pa.field("count", pa.int64(), nullable=False),
        pa.field("distinct", pa.int64(), nullable=False),
        pa.field("top", pa.string(), nullable=False),  # JSON of all values; "" where too many
        pa.field("numbers", pa.int64(), nullable=False),
        pa.field("maximum", pa.float64()),
        pa.field("p50", pa.float64()),
    ]
)

# One row per ten minutes of a place in which values outside the usual stood, with the place's past.
ODD_VALUES = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("service", pa.string(), nullable=False),  # "" where unknown
        pa.field("host", pa.string(), nullable=False),  # "" where unknown
        pa.field("level", pa.string(), nullable=False),  # "" where unknown
        pa.field("template_id", pa.string(), nullable=False),
        pa.field("slot", pa.int64(), nullable=False),
        pa.field("way", pa.string(), nullable=False),  # beyond, up, down or new
        pa.field("bucket", TIME, nullable=False),
        pa.field("first_at", TIME, nullable=False),
        pa.field("last_at", TIME, nullable=False),
        pa.field("count", pa.int64(), nullable=False),  # lines
        pa.field("number", pa.float64()),  # the farthest out, in the unit; null of words
        pa.field("texts", pa.list_(pa.string()), nullable=False),  # a few new words of a set
        pa.field("example", pa.string(), nullable=False),  # the line that is farthest out
        pa.field("field", pa.string(), nullable=False),  # "" where no word says what it is
        pa.field("unit", pa.string(), nullable=False),  # s, byte, %; "" of words
        pa.field("known", pa.list_(pa.string()), nullable=False),  # of a set: what it had
        pa.field("usual", pa.float64()),  # the most of earlier nights, or their median
        pa.field("median", pa.float64()),  # of tonight
        pa.field("scope", pa.string(), nullable=False),  # usual of this place, or of its field
        pa.field("nights", pa.int64(), nullable=False),
        pa.field("aside", pa.int64(), nullable=False),  # worse nights that were left out
        pa.field("numbers", pa.int64(), nullable=False),  # values of those nights
        pa.field("rate", pa.float64()),  # windows that chance would bring; null with a p-value
        pa.field("p", pa.float64()),
        pa.field("tests", pa.int64(), nullable=False),
    ]
)


def identify(*parts: str) -> str:
    """A stable 64-bit hexadecimal id of the parts, in order."""
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Template:
    """A kind of line. The id is for ever; a wider pattern is a new version of the same id."""

    template_id: str  # identify(first pattern)
    pattern: str  # for people, variables as <*>
    model_text: str  # for the encoder, with [NUM] [TIMESTAMP] [IP] [CODE] [FILE]
    version: int = 1
    example: str = ""  # one redacted content
    name: str = ""  # what people call it
    pinned: bool = False  # a person's word: the miner neither widens nor merges it
    aliases: tuple[str, ...] = ()  # other patterns whose lines are its own, by a person's word
    merged_into: str = ""  # the template that its lines count under now


@dataclass(frozen=True, slots=True)
class Mined:
    """What mining a batch of contents gives; the two arrays are parallel to the contents."""

    template_ids: pa.Array  # string
    parameters: pa.Array  # list<string>
    templates: tuple[Template, ...]  # every template used, new and widened ones included
    new_ids: frozenset[str]
    widened_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Variable:
    """What stood under one wildcard of a template in one partition.

    Sizes are of the values that are numbers, in the unit: ``s``, ``byte``, ``%``, or as written.
    """

    source: str
    date: str
    template_id: str
    slot: int  # which wildcard, from 1
    kind: str  # number, duration, size, ip, port, path, url, id, hex, time, user, word, ..., mixed
    count: int
    distinct: int
    top: tuple[tuple[str, int], ...]  # up to 10 values and how often each, the most frequent first
    unit: str = ""
    numbers: int = 0
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class StageInfo:
    """What one stage did with one partition; kept in stage_run and shown in the report's footer."""

    stage: str
    source: str  # "" where a stage serves all sources of the night
    date: str
    rows_in: int
    rows_out: int
    skipped: int = 0
    seconds: float = 0.0
    note: str = ""


CoverageState = Literal["complete", "empty", "missing", "failed"]


@dataclass(frozen=True, slots=True)
class Coverage:
    """What arrived from one source for one night, and what could not be read."""

    source: str
    date: str
    state: CoverageState
    files: int = 0
    bytes: int = 0
    lines: int = 0
    quarantined: int = 0
    format: str = ""
    first_at: datetime | None = None
    last_at: datetime | None = None
    reason: str = ""  # why it is missing or failed, in words


class Encoder(Protocol):
    """Texts to vectors. Vectors of different model_id must never be compared."""

    @property
    def model_id(self) -> str: ...

    @property
    def dim(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit rows, shape (n, dim), in the order of the texts, independent of batch mates.

        Raises BadInput for a text that is not readable.
        """
        ...

    def readable(self, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Which texts have a word that the model knows, shape (n,): an emoji alone has none."""
        ...

    def similarity(self, cosine: npt.NDArray[Any]) -> Scores:
        """Cosine to the calibrated probability, 0 to 1, of "the same kind of event"; monotone."""
        ...


@dataclass(frozen=True, slots=True)
class TemplateVectors:
    """Vectors of templates under one model; row i belongs to template_ids[i]."""

    model_id: str
    template_ids: tuple[str, ...]
    values: Vectors


@dataclass(frozen=True, slots=True)
class Clustering:
    """Templates that mean alike; label -1 means alone. labels[i] belongs to template_ids[i]."""

    method: str
    template_ids: tuple[str, ...]
    labels: Labels
    strengths: Scores  # 0 (barely a member) to 1 (at the centre)
    silhouette: float | None
    note: str = ""  # what was chosen and why, in words


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster, described."""

    date: str
    label: int
    title: str
    medoid_id: str  # template nearest the centre
    template_ids: tuple[str, ...]
    lines: int
    identity: str = ""  # the same on every night on which it carries on
    since: str = ""  # the night on which it was first seen
    joined_ids: tuple[str, ...] = ()  # since it was last seen
    left_ids: tuple[str, ...] = ()  # likewise, gone or now in another cluster


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a template lies on the night's map, from -1 to 1; near means alike."""

    template_id: str
    x: float
    y: float
    label: int  # of its cluster; -1 is alone
    lines: int


class Clusterer(Protocol):
    """Unit vectors (n, d) with weights (n,) to labels; noise is -1; n may be 0."""

    name: str

    def fit_predict(
        self, vectors: Vectors, weights: Scores
    ) -> tuple[Labels, Scores, float | None]: ...


FindingKind = Literal[
    "new_template",
    "returned_template",
    "stopped_template",
    "rate_up",
    "rate_down",
    "silence",
    "distant",
    "value_up",
    "value_down",
    "new_value",
]
ABSENT: frozenset[FindingKind] = frozenset({"silence", "stopped_template", "rate_down"})
"""Kinds about lines that did not come: their example is a line of another night."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is new, odd or missing, with its evidence."""

    finding_id: str  # identify(kind, source, service, host, template_id, date)
    date: str
    kind: FindingKind
    source: str
    service: str
    host: str
    template_id: str  # "" where the finding is about a whole service, host or source
    level: str
    started_at: datetime
    ended_at: datetime
    score: float
    count: int  # seen in started_at..ended_at
    expected: float  # what history led us to expect there
    reason: str  # one English sentence, never empty
    evidence: Mapping[str, Any] = field(default_factory=dict)  # the numbers behind reason (JSON)
    example: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """A candidate cause of an incident, with its evidence in words."""

    service: str
    host: str
    template_id: str
    confidence: float
    reason: str


@dataclass(frozen=True, slots=True)
class Similar:
    """Something alike from the past: an incident or a knowledge entry."""

    kind: Literal["incident", "knowledge", "event"]
    ref: str
    title: str
    similarity: float
    detail: str = ""
    date: str = ""


Way = Literal["named", "shared_id", "upstream", "trace"]


@dataclass(frozen=True, slots=True)
class Dependency:
    """One service calls another, as far as logs and traces show it."""

    caller: str
    callee: str
    ways: Mapping[Way, tuple[int, int]]  # how often seen, of how many chances
    confidence: float = 0.0  # that the call is there, and in this direction, 0 to 1
    first_at: datetime | None = None
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Depending:
    """A service that feels an incident through what it calls."""

    service: str
    through: str  # the service it calls on the way there; "" where it calls the place itself
    confidence: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a person said of earlier findings: of an incident's, or of a template's in one night."""

    feedback_id: int
    said: Literal["confirm", "dismiss"]
    given_at: datetime
    night: str  # the night that it is about
    findings: tuple[Finding, ...]  # as that night has them


IncidentState = Literal["new", "ongoing", "returned", "muted", "resolved"]


@dataclass(frozen=True, slots=True)
class Mute:
    """Who does not want to hear of an incident, and why."""

    author: str
    note: str
    until: str = ""  # a date; "" until it is withdrawn


@dataclass(frozen=True, slots=True)
class Incident:
    """Findings that belong together. Rank 1 is the night's most severe."""

    incident_id: str
    date: str
    rank: int
    title: str  # English words; the report renders its own from kind and evidence
    severity: int  # 0 to 100
    factors: Mapping[str, float]  # what severity is made of, each 0 to 1
    state: IncidentState
    day: int  # 1 on the first night
    services: tuple[str, ...]  # the most likely place of the fault first
    hosts: tuple[str, ...]
    started_at: datetime
    ended_at: datetime
    finding_ids: tuple[str, ...]  # the one that the title tells of first; none once it is over
    first_line: str  # first unusual line, redacted
    worst_line: str
    causes: tuple[Cause, ...] = ()
    similar: tuple[Similar, ...] = ()
    runbooks: tuple[Similar, ...] = ()
    mute: Mute | None = None  # with another state than muted: it is shown because it got worse
    depending: tuple[Depending, ...] = ()  # services beside those above, direct callers first


@dataclass(frozen=True, slots=True)
class Day:
    """One night, all sources, as the detectors see it."""

    date: str
    counts: pa.Table  # COUNTS
    templates: Mapping[str, Template]
    vectors: TemplateVectors
    clustering: Clustering
    coverage: tuple[Coverage, ...]
    values: pa.Table = field(default_factory=ODD_VALUES.empty_table)  # ODD_VALUES
    dependencies: tuple[Dependency, ...] = ()  # what the night itself shows of them


@dataclass(frozen=True, slots=True)
class History:
    """What earlier nights know; only dates before the day's own, oldest first."""

    dates: tuple[str, ...]
    counts: pa.Table  # COUNTS
    covered: Mapping[str, frozenset[str]]  # source -> dates on which it arrived
    vectors: TemplateVectors
    first_seen: Mapping[str, str]  # template_id -> first date ever, any source
    incidents: tuple[Incident, ...] = ()
    mutes: Mapping[str, Mute] = field(default_factory=dict)  # incident_id; as the night ended
    dependencies: tuple[Dependency, ...] = ()  # of each night by itself
    verdicts: tuple[Verdict, ...] = ()  # on earlier nights, as the night ended


class Detector(Protocol):
    """One way of seeing that something is odd; pure, and the same input gives the same findings."""

    @property
    def name(self) -> str: ...

    def find(self, day: Day, history: History) -> list[Finding]: ...


@dataclass(frozen=True, slots=True)
class Curve:
    """A series over a night in pieces of equal length; of each, the point that is farthest off."""

    values: tuple[float | None, ...]  # None where a piece has no point
    usual: tuple[float | None, ...]  # what was expected there
    first: int  # piece in which the anomaly begins
    last: int


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """A template whose lines came far more often in an odd spell of a metric than elsewhere."""

    template_id: str
    lines: int  # in the ten-minute buckets that the spell touches
    usual: float  # median of as long a time elsewhere
    spells: int  # of that series that were looked at, in earlier nights too
    rises: int  # those in which more of its lines came
    chance: float  # of all this if the spells had nothing to do with it
    pattern: str = ""  # as people read it; "" where the template is no longer known


@dataclass(frozen=True, slots=True)
class MetricAnomaly:
    """Odd points of one metric series that follow one another, told by the one farthest off."""

    date: str
    series: str
    at: datetime  # of the peak: the odd point that is farthest from what was expected
    value: float  # there
    expected: float | None
    score: float  # of its oddest point
    reason: str  # one English sentence, on the peak
    source: str = ""
    before: timedelta = timedelta()  # from the first odd point to the peak
    after: timedelta = timedelta()  # from the peak to the last odd point
    points: int = 1  # odd ones
    rank: int = 0  # 1 is the night's oddest
    curve: Curve | None = None
    meanwhile: tuple[Meanwhile, ...] = ()  # the least likely by chance first; at most three

    @property
    def started_at(self) -> datetime:
        return self.at - self.before

    @property
    def ended_at(self) -> datetime:
        return self.at + self.after


@dataclass(frozen=True, slots=True)
class MetricCoverage:
    """What arrived from one source of metrics for one night, and how much of it was odd."""

    date: str
    source: str
    state: CoverageState
    series: int = 0
    points: int = 0
    judged: int = 0  # points with enough before them to be judged by
    anomalies: int = 0  # those that are hardly chance; only the strongest are kept
    gone: int = 0  # series of every earlier night, of two or more, that did not come
    reason: str = ""  # why it is missing or failed, in words


@dataclass(frozen=True, slots=True)
class MetricNight:
    """What the metrics did in one night; without coverage, nobody has looked at them yet."""

    date: str
    coverage: tuple[MetricCoverage, ...] = ()
    anomalies: tuple[MetricAnomaly, ...] = ()  # by rank


@dataclass(frozen=True, slots=True)
class Night:
    """Everything one night's report says; what publish writes and the report reads."""

    date: str
    coverage: tuple[Coverage, ...]
    findings: tuple[Finding, ...]
    incidents: tuple[Incident, ...]
    clusters: tuple[Cluster, ...]
    templates: Mapping[str, Template]  # those that findings and clusters name
    stages: tuple[StageInfo, ...] = ()
    hourly: tuple[HourCount, ...] = ()
    history_days: int = 0
    model_id: str = ""
    metrics: MetricNight | None = None  # None where no source of metrics is set up
    spots: tuple[Spot, ...] = ()  # the map of the templates with most lines; by template_id


@dataclass(frozen=True, slots=True)
class HourCount:
    """Lines of one source in one hour of the night, beside the median of earlier nights."""

    source: str
    hour: int
    lines: int
    errors: int
    expected: float | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A knowledge entry as people write it."""

    entry_id: str
    title: str
    content: str  # Markdown
    category: str = ""
    tags: tuple[str, ...] = ()
    source: str = ""  # the path it was imported from, relative; or "human", "incident"
    language: str = ""
    state: str = "published"  # draft, published, archived
    version: int = 1
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A knowledge entry found for a query; score is 0 to 1, high = better, and orders the hits."""

    rank: int
    score: float
    entry: Entry
    excerpt: str
    matched: tuple[str, ...] = ()  # why: terms, "meaning"
    likelihood: float = 0.0  # that it is the entry asked for, where half of all queries have none


@dataclass(frozen=True, slots=True)
class Match:
    """A past line or template like the query; similarity is calibrated, 0 to 1."""

    rank: int
    similarity: float
    content: str
    file: str
    line_no: int
    timestamp: datetime | None
    template: str
    template_id: str = ""
    source: str = ""
    date: str = ""
    count: int = 1
