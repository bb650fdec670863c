"""Which services and hosts there are, and which of them a line speaks of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl
import pyarrow as pa

from biglog.records import Day, Dependency, Finding, History

# Words and ports by which well-known services are called in other services' lines.
CALLED = {
    "postgres": ("postgres", "postgresql", "psycopg", "psycopg2", "pgsql", "libpq", "5432"),
    "mysql": ("mysql", "mysqld", "mariadb", "innodb", "3306"),
    "redis": ("redis", "6379"),
    "mongo": ("mongo", "mongod", "mongodb", "27017"),
    "kafka": ("kafka", "9092"),
    "rabbitmq": ("rabbitmq", "amqp", "5672"),
    "elasticsearch": ("elasticsearch", "9200", "9300"),
    "zookeeper": ("zookeeper", "2181"),
    "memcached": ("memcached", "11211"),
    "etcd": ("etcd", "2379"),
    "cassandra": ("cassandra", "9042"),
    "ldap": ("ldap", "slapd", "389", "636"),
    "dns": ("named", "unbound", "dnsmasq"),
    "ssh": ("sshd", "ssh"),
    "nginx": ("nginx",),
}
# Many services bear ordinary names (worker, system, stock): such a word means the service only
# beside one of these.
BEFORE = frozenset(
    {"to", "at", "reach", "reaching", "call", "calling", "upstream", "via", "//", "@"}
)
THINGS = (
    "service",
    "server",
    "backend",
    "api",
    "host",
    "instance",
    "cluster",
    "endpoint",
    "broker",
)
TROUBLES = ("unreachable", "unavailable", "failed", "timeout", "timed", "refused")
AFTER = frozenset((*THINGS, *TROUBLES))
# What people call a service by its part in the whole, where only one plays that part.
ROLES = {
    "database": ("postgres", "mysql", "mariadb", "mongo", "oracle", "cassandra"),
    "db": ("postgres", "mysql", "mariadb", "mongo", "oracle", "cassandra"),
    "cache": ("redis", "memcached"),
    "broker": ("rabbitmq", "kafka", "activemq"),
}
# Words by which a service speaks of those who call it, and how near to the name they stand.
ARRIVES = frozenset(
    {"connection", "connect", "connected", "request", "requests", "login", "session", "accepted"}
)
NEAR = 5
TOKEN = re.compile(r"//|@|:\d+|[a-z0-9][a-z0-9_.-]*=?|[^\W\d_]+=?")


@dataclass(frozen=True, slots=True)
class Places:
    """What the logs name: words that mean a service, and the hosts of each service."""

    words: Mapping[str, str]  # a lower-case word -> the service it means
    plain: frozenset[str]  # those of the words that are somebody's own choice of a name
    hosts: Mapping[str, frozenset[str]]

    def named(self, text: str, speaker: str) -> tuple[str, ...]:
        """Services other than the speaker that the text names, in order of mention."""
        return tuple(self.mentions(text, speaker))

    def mentions(self, text: str, speaker: str) -> dict[str, str]:
        """The same, and what each is spoken of as: ``called``, ``calling`` or just ``named``."""
        tokens = tokenize(text)
        found: dict[str, str] = {}
        for at, token in enumerate(tokens):
            for word in parts(token):
                other = self.words.get(word, speaker)
                if other != speaker and self.meant(word, tokens, at):
                    found.setdefault(other, spoken_of(tokens, at))
        return found

    def meant(self, word: str, tokens: Sequence[str], at: int) -> bool:
        before, after = around(tokens, at)
        if word.isdigit():
            return tokens[at].startswith(":") or before == "port"
        return word not in self.plain or before in BEFORE or after in AFTER or after[:1] == ":"


def places(day: Day, history: History) -> Places:
    """Services and hosts of the night and of history; a word that means two services means none."""
    both = pl.concat([pairs(day.counts), pairs(history.counts)]).unique().sort("service", "host")
    hosts: dict[str, set[str]] = {}
    for service, host in both.iter_rows():
        hosts.setdefault(service, set()).add(host)
    meanings: dict[str, set[str]] = {}
    for service in (s for s in hosts if s):
        for word in (*own_names(service), *common_names(service)):
            meanings.setdefault(word, set()).add(service)
    for host, one in lone_hosts(hosts).items():
        meanings.setdefault(host.lower(), set()).add(one)
    known = {w for service in hosts for w in common_names(service)} | set(lone_hosts(hosts))
    return Places(
        words={word: min(means) for word, means in meanings.items() if len(means) == 1},
        plain=frozenset(set(meanings) - known),
        hosts={s: frozenset(h - {""}) for s, h in hosts.items()},
    )


def parts(token: str) -> tuple[str, ...]:
    """The token and, of a dotted or dashed name, its parts."""
    bare = token.lstrip(":").rstrip("=")
    pieces = re.split(r"[_.-]", bare)
    return (bare, *pieces) if len(pieces) > 1 else (bare,)


def pairs(counts: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(counts)
    assert isinstance(frame, pl.DataFrame)
    return frame.select("service", "host").unique()


def own_names(service: str) -> set[str]:
    """The service's name, its singular or plural, and the part it plays."""
    own = service.lower()
    roles = {role for role, players in ROLES.items() if any(p in own for p in players)}
    return {own, own.removesuffix("s"), f"{own}s", *roles}


def common_names(service: str) -> set[str]:
    """What everybody calls a well-known service."""
    own = service.lower()
    return {w for key, words in CALLED.items() if key in own or own in words for w in words}


def lone_hosts(hosts: Mapping[str, set[str]]) -> dict[str, str]:
    """Hosts on which one service alone was ever heard."""
    on: dict[str, set[str]] = {}
    for service, found in hosts.items():
        for host in found - {""}:
            on.setdefault(host, set()).add(service)
    return {host: min(s) for host, s in on.items() if len(s) == 1}


def text_of(finding: Finding, day: Day) -> str:
    """Pattern and example of the finding's template, a line each."""
    template = day.templates.get(finding.template_id)
    return f"{template.pattern}\n{template.example}" if template else finding.example


def blamed(finding: Finding, day: Day, known: Places) -> tuple[str, ...]:
    """Services that a line of trouble names as the other side."""
    if float(finding.evidence.get("gravity", 0.0)) < 0.5 or not finding.template_id:
        return ()
    if finding.kind not in ("new_template", "returned_template", "rate_up", "distant"):
        return ()
    return known.named(text_of(finding, day), finding.service)


def named(day: Day, known: Places) -> tuple[Dependency, ...]:
    """Calls that the night's templates, ordinary ones included, speak of by name.

    ``ways`` counts the ten-minute windows of lines that speak of a call, of all windows in which
    either names the other: a burst of equal lines says no more than one of them, and to rotate the
    logs of a service is not to call it.
    """
    spoken: dict[tuple[str, str], list[Spoken]] = {}
    for service, key, *rest in speakers(day.counts).iter_rows():
        if service and key in day.templates:
            template = day.templates[key]
            said = known.mentions(f"{template.pattern} {template.example}", service)
            for other, role in said.items():
                pair = (other, service) if role == "calling" else (service, other)
                spoken.setdefault(pair, []).append(Spoken(role != "named", *rest))
    seen = {pair: sum(one.windows for one in found) for pair, found in spoken.items()}
    calls = {pair: sum(one.windows for one in spoken[pair] if one.is_call) for pair in spoken}
    return tuple(
        Dependency(
            *pair,
            {"named": (calls[pair], seen[pair] + seen.get((pair[1], pair[0]), 0))},
            first_at=min(one.first_at for one in spoken[pair]),
            last_at=max(one.last_at for one in spoken[pair]),
        )
        for pair in sorted(spoken)
    )


@dataclass(frozen=True, slots=True)
class Spoken:
    """In how many windows a service said a template, and when."""

    is_call: bool
    windows: int
    first_at: datetime
    last_at: datetime


def speakers(counts: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(counts)
    assert isinstance(frame, pl.DataFrame)
    spoken = frame.group_by("service", "template_id").agg(
        pl.col("bucket").n_unique(), pl.col("first_at").min(), pl.col("last_at").max()
    )
    return spoken.sort("service", "template_id")


def tokenize(text: str) -> list[str]:
    """Words, ports and what stands before an address, in lower case; a key keeps its ``=``."""
    return TOKEN.findall(text.lower())


def around(tokens: Sequence[str], at: int) -> tuple[str, str]:
    """The token before, a key without its ``=``, and the one after; "" where there is none."""
    before = tokens[at - 1].rstrip("=") if at else ""
    return before, tokens[at + 1] if at + 1 < len(tokens) else ""


def spoken_of(tokens: Sequence[str], at: int) -> str:
    """``calling``: connection from X; ``called``: to X, //X, X:80, X refused; else ``named``."""
    near = [one.rstrip("=") for one in tokens[max(0, at - NEAR) : at]]
    before, after = around(tokens, at)
    if before == "client" or "received" in near or ("from" in near and ARRIVES & {*near}):
        return "calling"
    port = tokens[at].startswith(":") or after.startswith(":")
    return "called" if port or before in BEFORE or after in TROUBLES else "named"
