"""Attacks in the requests of access logs: by rules that people can read, and by how answers went.

The rules are data (``webattacks.toml``). What no rule can see, because a log holds no request's
body, shows in the answers: one form sent often and answered now so, now with errors; a login asked
for again and again and refused; one client that asks for many paths which are not there.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import polars as pl

RULES = Path(__file__).with_suffix(".toml")
REQUEST = (
    r"^(?P<method>[A-Z][A-Z_-]*) (?P<raw>\S.*?)?(?: (?P<protocol>HTTP/\d(?:\.\d)?))?"
    r" (?P<status>\d{3})(?: [A-Z][A-Za-z' -]*)?$"
)
CLIENT = r'"client":"([^"]+)"'
REFERER = r'"referer":"[a-z]+://[^/"]*/((?:[^"\\]|\\.)*)"'
ROUNDS = 3
"""How often a text is decoded: attacks encode twice, to pass filters that decode once."""
SHOWN = 60
LOGIN = r"log-?in|log-?on|sign-?in|/auth|/session|wp-login|/administrator\b|account"
ODD_REQUEST = 0.68
OFTEN = 50
"""Times that a form is sent before its answers are judged."""
FAILING = 0.02
STATUSES = 3
REFUSED = 0.5
FAILED = (pl.col("status") >= 400) & (pl.col("status") != 416)
MISSING = 15
"""Different paths that are not there, asked by one client, that make it a scan."""
SELDOM = 2
BESIDE = 0.75
"""What asking for a form's page weighs, beside sending the form."""
ABOUT = 0.45
"""What it weighs that all else in the same top folder is an attack."""

MANY = 1_000_000
"""Rows of counts that wait before they are merged."""
TALLIES = {
    "pages": ["page"],
    "forms": ["page"],
    "answers": ["page", "status"],
    "clients": ["client"],
    "missed": ["client", "page"],
    "sections": ["section"],
}
"""What is counted of requests, and by what."""
SCHEMA = {
    "attack": pl.Float64,
    "says": pl.String,
    "page": pl.UInt64,
    "section": pl.UInt64,
    "status": pl.Int16,
    "form": pl.Boolean,
    "login": pl.Boolean,
    "client": pl.String,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of attack, by a pattern in one part of the request."""

    name: str
    says: str
    part: str
    score: float
    pattern: str
    samples: tuple[str, ...]
    ordinary: tuple[str, ...]
    failed: bool = False


@cache
def rules() -> tuple[Rule, ...]:
    """The rules, the surest first."""
    tables: list[dict[str, Any]] = tomllib.loads(RULES.read_text("utf-8"))["rule"]
    read = [
        Rule(
            **{
                **table,
                "samples": tuple(table["samples"]),
                "ordinary": tuple(table["ordinary"]),
            }
        )
        for table in tables
    ]
    return tuple(sorted(read, key=lambda one: -one.score))


def read_requests(content: pl.Series, fields: pl.Series) -> pl.DataFrame | None:
    """What is judged of each line, with SCHEMA; null where a line is no request.

    ``content`` is "METHOD target protocol status words", ``fields`` the JSON of the other fields.
    None where no line is a request.
    """
    parts = content.str.extract_groups(REQUEST).struct.unnest()
    asked = parts["status"].is_not_null() & fields.str.contains('"client":', literal=True)
    if not asked.fill_null(value=False).any():
        return None
    lines = parts.with_columns(asked=asked, fields=fields)
    lines = lines.with_columns(pl.when("asked").then(pl.col("^(method|raw|status)$")))
    lines = lines.with_columns(
        raw=pl.col("raw").fill_null(""),
        referer=pl.when("asked").then(pl.col("fields").str.extract(REFERER)).fill_null(""),
        client=pl.when("asked").then(pl.col("fields").str.extract(CLIENT)),
        status=pl.col("status").cast(pl.Int16),
    )
    key = ["method", "raw", "referer", "failed", "asked"]
    lines = lines.with_columns(failed=FAILED.fill_null(value=False))
    distinct = judged(lines.select(key).filter("asked").unique())
    joined = lines.select(*key, "status", "client").join(
        distinct, on=key, how="left", maintain_order="left", nulls_equal=True
    )
    return joined.select(list(SCHEMA)).cast(SCHEMA)  # type: ignore[arg-type]


def judged(requests: pl.DataFrame) -> pl.DataFrame:
    """Distinct requests with how surely each is an attack, and of which kind."""
    raw, sent = requests["raw"], requests["referer"].str.extract(r"\?(.*)$").fill_null("")
    decoded = requests.with_columns(
        path=decode(raw.str.extract(r"^([^?]*)")),
        query=decode(raw.str.extract(r"\?(.*)$").fill_null("")),
        sent=decode(sent),
        small=raw.str.to_lowercase(),
        verb=pl.col("method").str.to_lowercase(),
    ).with_columns(target=pl.concat_str("path", "query", "sent", separator="\n?"))
    first = [pl.when(matches(rule)).then(pl.lit(n)) for n, rule in enumerate(rules())]
    found = decoded.with_columns(rule=pl.coalesce(first))
    hit = pl.col("rule").is_not_null()
    told = pl.concat(
        [
            found.filter(hit).with_columns(attack=surety(), says=evidence()),
            found.filter(~hit).with_columns(attack=pl.lit(0.0), says=pl.lit("")),
        ]
    )
    return told.with_columns(
        page=pl.col("path").str.replace_all(r"\d+", "0").hash(),
        section=pl.col("path").str.extract(r"^/([^/]+)").fill_null("").hash(),
        form=~pl.col("verb").is_in(["get", "head", "options"]),
        login=pl.concat_str("path", "query").str.contains(LOGIN),
    ).select(*requests.columns, "attack", "says", "page", "section", "form", "login")


def matches(rule: Rule) -> pl.Expr:
    hit = column(rule).str.contains(f"(?s){rule.pattern}")
    return hit & pl.col("failed") if rule.failed else hit


def column(rule: Rule) -> pl.Expr:
    return pl.col({"raw": "small", "method": "verb"}.get(rule.part, rule.part))


def surety() -> pl.Expr:
    scores = [one.score for one in rules()]
    return pl.col("rule").replace_strict(list(range(len(scores))), scores, return_dtype=pl.Float64)


def evidence() -> pl.Expr:
    """The rule's words, where and what it found, on one line."""
    spoken = [
        pl.when(pl.col("rule") == n).then(
            pl.format(
                "{}{}: {}",
                pl.lit(rule.says),
                place(rule),
                column(rule)
                .str.extract(f"(?s)((?:{rule.pattern})[^&\n]{{0,24}})", 1)
                .fill_null(""),
            )
        )
        for n, rule in enumerate(rules())
    ]
    clean = pl.coalesce(spoken).str.replace_all(r"[\s\x00-\x1f]+", " ")
    return clean.str.strip_chars().str.slice(0, SHOWN + 40)


def place(rule: Rule) -> pl.Expr:
    if rule.part != "target":
        return pl.lit("")
    inside = [pl.col(one).str.contains(f"(?s){rule.pattern}") for one in ("query", "path")]
    where = pl.when(inside[0]).then(pl.lit(" in the query"))
    return where.when(inside[1]).then(pl.lit(" in the path")).otherwise(pl.lit(" in the referer"))


def decode(texts: pl.Series) -> pl.Series:
    """In small letters, percent signs undone; a plus is a space."""
    # not inside an expression: a Python function there may wait for ever on polars' own threads
    return pl.Series([decoded(one) for one in texts.to_list()], dtype=pl.String)


def decoded(text: str) -> str:
    for _ in range(ROUNDS):
        if "%" not in text:
            break
        text = unquote(text)
    return text.lower().replace("+", " ")


def score_requests(
    requests: pl.DataFrame, *, clients: bool = True, folders: bool = True
) -> pl.DataFrame:
    """Score (0 to 1), anomalous and reason of each line; ``requests`` has SCHEMA.

    A line that is no request has score 0 and an empty reason. ``clients``: also judge by who asks;
    ``folders``: also by what else is asked of the same top folder (this ranks, it never flags).
    """
    shown = Requests(clients=clients, folders=folders)
    shown.add(requests)
    return shown.score(shown.weigh(requests))


class Requests:
    """What requests show together, counted batch by batch: pages, forms, clients, top folders.

    All are added first, then all are weighed, then scored: a folder is as bad as what was weighed.
    """

    def __init__(self, *, clients: bool = True, folders: bool = True) -> None:
        self.clients = clients
        self.folders = folders
        self.tables: dict[str, list[pl.DataFrame]] = {name: [] for name in TALLIES}

    def add(self, requests: pl.DataFrame) -> None:
        """Of SCHEMA; others than requests are passed over."""
        asked = requests.filter(pl.col("status").is_not_null())
        forms = asked.filter("form")
        known = asked.filter(pl.col("client").is_not_null()) if self.clients else asked.clear()
        good = pl.col("status").is_between(200, 299)
        failed = FAILED.sum().alias("failed")
        self.count("pages", asked.group_by("page").agg(asks=pl.len()))
        self.count(
            "forms",
            forms.group_by("page").agg(pl.len().alias("sent"), good.sum().alias("good"), failed,
                                       pl.col("login").any().cast(pl.UInt32).alias("entry")),
        )  # fmt: skip
        self.count("answers", forms.select("page", "status").unique())
        self.count("clients", known.group_by("client").agg(pl.len().alias("asks"), failed))
        self.count("missed", known.filter(FAILED).select("client", "page").unique())

    def count(self, name: str, table: pl.DataFrame) -> None:
        kept = self.tables[name]
        kept.append(table)
        # merged where the new weigh as much as the old, so that each row is merged a few times only
        if sum(one.height for one in kept[1:]) > max(MANY, kept[0].height):
            self.tables[name] = [self.table(name)]

    def table(self, name: str) -> pl.DataFrame:
        key = TALLIES[name]
        merged = pl.concat(self.tables[name]).group_by(key).agg(pl.all().sum())
        self.tables[name] = [merged]
        return merged

    def weigh(self, requests: pl.DataFrame) -> pl.DataFrame:
        """Section, direct (whether odd of its own), left (what remains of doubt) and reason of each
        line; null where it is no request.
        """
        rows = requests.select(SCHEMA.keys()).with_row_index("at")
        asked = rows.filter(pl.col("status").is_not_null())
        signs = self.with_forms(self.with_missing(asked)).select(
            "at",
            "section",
            left=doubt("attack", "abused", "missing"),
            reason=pl.concat_str(
                pl.col("says").replace("", None), "told", "lost", separator="; ", ignore_nulls=True
            ),
        )
        signs = signs.with_columns(direct=(1.0 - pl.col("left")) >= ODD_REQUEST)
        bad = signs.group_by("section").agg(asks=pl.len(), bad=pl.col("direct").sum())
        self.count("sections", bad)
        return rows.select("at").join(signs, on="at", how="left", maintain_order="left").drop("at")

    def score(self, weighed: pl.DataFrame) -> pl.DataFrame:
        """As score_requests, of what ``weigh`` gives, when all have been weighed."""
        share = pl.col("bad") / pl.col("asks")
        sections = self.sections.select("section", share=share)
        rows = weighed.join(sections, on="section", how="left", maintain_order="left")
        alone = pl.lit(not self.folders) | (pl.col("section") == pl.lit("").hash())
        about = pl.when(alone).then(0.0).otherwise(pl.col("share") * ABOUT)
        return rows.select(
            score=(1.0 - pl.col("left") * (1.0 - about)).round(4).fill_null(0.0),
            anomalous=pl.col("direct").fill_null(value=False),
            reason=pl.col("reason").fill_null(""),
        )

    @cached_property
    def forms(self) -> pl.DataFrame:
        """Page, misuse and told of each form that is sent."""
        kinds = self.table("answers").group_by("page").agg(statuses=pl.len())
        forms = self.table("forms").join(kinds, on="page")
        good, failing = pl.col("good") / pl.col("sent"), pl.col("failed") / pl.col("sent")
        often = pl.col("sent") >= OFTEN
        refused = often & (pl.col("entry") > 0) & (good < REFUSED)
        broken = often & (failing >= FAILING) & (pl.col("statuses") >= STATUSES)
        told = pl.when(refused).then(
            pl.format("a login that was tried {} times, mostly refused", "sent")
        )
        misuse = pl.when(refused).then(0.8).when(broken).then(0.45 + 0.4 * (1.0 - good))
        spoken = pl.format("a form that was sent {} times, with {} kinds of answer",
                           "sent", "statuses")  # fmt: skip
        return forms.select(
            "page", misuse=misuse.otherwise(0.0), told=told.when(broken).then(spoken)
        )

    @cached_property
    def pages(self) -> pl.DataFrame:
        """Page, seldom: those asked for so seldom."""
        return self.table("pages").filter(pl.col("asks") <= SELDOM).select("page", seldom=True)

    @cached_property
    def scanning(self) -> pl.DataFrame:
        """Client, lost: those that ask for many pages which are not there, in words."""
        missed = self.table("missed").group_by("client").agg(pages=pl.len())
        known = self.table("clients").join(missed, on="client")
        scan = (pl.col("pages") >= MISSING) & (pl.col("failed") / pl.col("asks") >= REFUSED)
        said = pl.format("{} asked for {} different pages that failed", "client", "pages")
        return known.filter(scan).select("client", lost=said)

    @cached_property
    def sections(self) -> pl.DataFrame:
        return self.table("sections")

    def with_forms(self, asked: pl.DataFrame) -> pl.DataFrame:
        """How far each request is of a form that is misused (abused), and that in words (told)."""
        joined = asked.join(self.forms, on="page", how="left", maintain_order="left")
        whole = pl.when("form").then(1.0).otherwise(BESIDE)  # the form's page is asked for too
        return joined.with_columns(abused=pl.col("misuse").fill_null(0.0) * whole)

    def with_missing(self, asked: pl.DataFrame) -> pl.DataFrame:
        """How far each is one of many for what is not there (missing), in words (lost)."""
        joined = asked.join(self.pages, on="page", how="left", maintain_order="left").join(
            self.scanning, on="client", how="left", maintain_order="left"
        )
        seldom = pl.col("seldom").fill_null(value=False)
        alone = pl.when(FAILED & seldom).then(0.5).when(FAILED).then(0.25).otherwise(0.0)
        scan = pl.col("lost").is_not_null()
        return joined.with_columns(
            missing=pl.when(scan & FAILED).then(0.85).when(scan).then(0.5).otherwise(alone)
        )


def doubt(*signs: str) -> pl.Expr:
    left = pl.lit(1.0)
    for name in signs:
        left = left * (1.0 - pl.col(name))
    return left
