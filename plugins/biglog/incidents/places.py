"""Which services and hosts there are, and which of them a line speaks of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import polars as pl
import pyarrow as pa

from biglog.records import Day, Finding, History

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
    "dns": ("dns", "named", "unbound", "dnsmasq", "53"),
    "ssh": ("sshd", "ssh"),
    "nginx": ("nginx", "upstream"),
}


@dataclass(frozen=True, slots=True)
class Places:
    """What the logs name: words that mean a service, and the hosts of each service."""

    words: Mapping[str, str]  # a lower-case word -> the service it means
    hosts: Mapping[str, frozenset[str]]

    def named(self, text: str, speaker: str) -> tuple[str, ...]:
        """Services other than the speaker that the text names, in order of mention."""
        found = [self.words[w] for w in spoken_words(text) if w in self.words]
        return tuple(dict.fromkeys(s for s in found if s != speaker))


def places(day: Day, history: History) -> Places:
    """Services and hosts of the night and of history; a word that means two services means none."""
    both = pl.concat([pairs(day.counts), pairs(history.counts)]).unique().sort("service", "host")
    hosts: dict[str, set[str]] = {}
    for service, host in both.iter_rows():
        hosts.setdefault(service, set()).add(host)
    services = sorted(s for s in hosts if s)
    meanings: dict[str, set[str]] = {}
    for service in services:
        for word in names(service):
            meanings.setdefault(word, set()).add(service)
    for host, one in lone_hosts(hosts).items():
        meanings.setdefault(host.lower(), set()).add(one)
    return Places(
        words={word: min(means) for word, means in meanings.items() if len(means) == 1},
        hosts={s: frozenset(h - {""}) for s, h in hosts.items()},
    )


def pairs(counts: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(counts)
    assert isinstance(frame, pl.DataFrame)
    return frame.select("service", "host").unique()


def names(service: str) -> set[str]:
    """The service's own name, and what it is commonly called by where it is well known."""
    own = service.lower()
    known = {w for key, words in CALLED.items() if key in own or own in words for w in words}
    return {own, *known}


def lone_hosts(hosts: Mapping[str, set[str]]) -> dict[str, str]:
    """Hosts on which one service alone was ever heard."""
    on: dict[str, set[str]] = {}
    for service, found in hosts.items():
        for host in found - {""}:
            on.setdefault(host, set()).add(service)
    return {host: min(s) for host, s in on.items() if len(s) == 1}


@cache
def spoken_words(text: str) -> tuple[str, ...]:
    """Words, ports and dotted names of a line, lower case; parts of a dotted name count too."""
    whole = re.findall(r"[a-z0-9][a-z0-9_.-]*", text.lower())
    parts = [part for word in whole for part in re.split(r"[_.-]", word) if part]
    return tuple(dict.fromkeys([*whole, *parts]))


def text_of(finding: Finding, day: Day) -> str:
    """Pattern and example of the finding's template."""
    template = day.templates.get(finding.template_id)
    return f"{template.pattern} {template.example}" if template else finding.example


def blamed(finding: Finding, day: Day, known: Places) -> tuple[str, ...]:
    """Services that a line of trouble names as the other side."""
    if float(finding.evidence.get("gravity", 0.0)) < 0.5 or not finding.template_id:
        return ()
    if finding.kind not in ("new_template", "returned_template", "rate_up", "distant"):
        return ()
    return known.named(text_of(finding, day), finding.service)
