"""Attacks in the requests of access logs: by rules that people can read, and by how answers went.

The rules are data (``webattacks.toml``). What no rule can see, because a log holds no request's
body, shows in the answers: one form sent often and answered now so, now with errors; a login asked
for again and again and refused; one client that asks for many paths which are not there.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
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
    asked = requests.select(SCHEMA.keys()).with_row_index("at")
    asked = asked.filter(pl.col("status").is_not_null())
    signs = with_forms(with_missing(asked, clients=clients))
    direct = 1.0 - doubt("attack", "abused", "missing")
    signs = signs.with_columns(direct=direct)
    about = (pl.col("direct") >= ODD_REQUEST).mean().over("section")
    alone = pl.lit(not folders) | (pl.col("section") == pl.lit("").hash())
    signs = signs.with_columns(about=pl.when(alone).then(0.0).otherwise(about * ABOUT))
    scored = signs.select(
        "at",
        score=(1.0 - doubt("attack", "abused", "missing", "about")).round(4),
        anomalous=pl.col("direct") >= ODD_REQUEST,
        reason=pl.concat_str(
            pl.col("says").replace("", None), "told", "lost", separator="; ", ignore_nulls=True
        ),
    )
    every = pl.DataFrame({"at": pl.Series(range(len(requests)), dtype=pl.UInt32)})
    joined = every.join(scored, on="at", how="left", maintain_order="left").drop("at")
    return joined.with_columns(
        pl.col("score").fill_null(0.0),
        pl.col("anomalous").fill_null(value=False),
        pl.col("reason").fill_null(""),
    )


def doubt(*signs: str) -> pl.Expr:
    left = pl.lit(1.0)
    for name in signs:
        left = left * (1.0 - pl.col(name))
    return left


def with_forms(asked: pl.DataFrame) -> pl.DataFrame:
    """How far each request is of a form that is misused (abused), and that in words (told)."""
    good = pl.col("status").is_between(200, 299).mean()
    forms = (
        asked.filter("form")
        .group_by("page")
        .agg(
            sent=pl.len(),
            good=good,
            failing=FAILED.mean(),
            statuses=pl.col("status").n_unique(),
            entry=pl.col("login").any(),
        )
    )
    often = pl.col("sent") >= OFTEN
    refused = often & pl.col("entry") & (pl.col("good") < REFUSED)
    broken = often & (pl.col("failing") >= FAILING) & (pl.col("statuses") >= STATUSES)
    bad = 1.0 - pl.col("good")
    told = pl.when(refused).then(
        pl.format("a login that was tried {} times, mostly refused", "sent")
    )
    forms = forms.select(
        "page",
        misuse=pl.when(refused).then(0.8).when(broken).then(0.45 + 0.4 * bad).otherwise(0.0),
        told=told.when(broken).then(
            pl.format("a form that was sent {} times, with {} kinds of answer", "sent", "statuses")
        ),
    )
    joined = asked.join(forms, on="page", how="left", maintain_order="left")
    whole = pl.when("form").then(1.0).otherwise(BESIDE)  # the form's page is asked for too
    return joined.with_columns(abused=pl.col("misuse").fill_null(0.0) * whole)


def with_missing(asked: pl.DataFrame, *, clients: bool) -> pl.DataFrame:
    """How far each request is one of many for what is not there (missing), in words (lost)."""

    seldom = pl.len().over("page") <= SELDOM
    alone = pl.when(FAILED & seldom).then(0.5).when(FAILED).then(0.25).otherwise(0.0)
    if not clients:
        return asked.with_columns(missing=alone, lost=pl.lit(None, dtype=pl.String))
    pages = pl.col("page").filter(FAILED).n_unique().over("client")
    scan = (pages >= MISSING) & (FAILED.mean().over("client") >= REFUSED)
    scan &= pl.col("client").is_not_null()
    return asked.with_columns(
        missing=pl.when(scan & FAILED).then(0.85).when(scan).then(0.5).otherwise(alone),
        lost=pl.when(scan).then(
            pl.format("{} asked for {} different pages that failed", "client", pages)
        ),
    )
