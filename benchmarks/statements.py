"""Log statements of installed packages: their true templates, and lines with simulated parameters.

    python benchmarks/templates.py DATA --statements

The template of a statement is its format string. The values are simulated, and no more than that:
what kind a value has is read from the expression that the statement passes.
"""

from __future__ import annotations

import ast
import random
import re
import string
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

LEVELS = {"debug", "info", "warning", "warn", "error", "exception", "critical", "fatal"}
CALLED = re.compile(rf"(?i:log\w*(?:\(\))?)\.(?:{'|'.join(sorted(LEVELS))})\(")
PERCENT = re.compile(r"%(?:\((\w+)\))?[#0\- +]*(?:\d+|\*)?(?:\.\d+)?([srdifgxXeEuco%])")
MOST, LINES = 150, 2000  # statements and lines of a simulated system
# Errors may be looked at, and rules changed, for the first; the second are measured alone.
DEVELOPED = (
    "airflow",
    "alembic",
    "celery",
    "fsspec",
    "opentelemetry",
    "redis",
    "setuptools",
    "tornado",
    "uvicorn",
)
HELD_OUT = (
    "aiosmtpd",
    "flower",
    "huggingface_hub",
    "kombu",
    "pip",
    "sqlalchemy",
    "transformers",
    "virtualenv",
    "websockets",
)


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a value stands: the expression that gives it, and whether a number is printed."""

    source: str
    is_number: bool


Parts = tuple[str | Slot, ...]


def statements(folder: Path) -> list[Parts]:
    """The distinct format strings of a package's logging calls, in the order of their text."""
    found = {parts for path in sorted(folder.rglob("*.py")) for parts in of_file(path)}
    return sorted((one for one in found if says_something(one)), key=repr)


def says_something(parts: Parts) -> bool:
    """Two words at least: ``log.info(message)`` has no template of its own."""
    text = " ".join(part for part in parts if isinstance(part, str))
    return len(re.findall(r"[A-Za-z]{2,}", text)) >= 2 and text.isascii() and len(text) < 300


def of_file(path: Path) -> Iterator[Parts]:
    if {"test", "tests", "testing", "_vendor", "vendor"} & set(path.parts):
        return
    text = path.read_text("utf-8", "replace")
    if not CALLED.search(text):  # parsing is what costs
        return
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and is_logging(node.func) and node.args:
            parts = parts_of(node.args[0], node.args[1:])
            if parts:
                yield parts


def is_logging(function: ast.expr) -> bool:
    if not (isinstance(function, ast.Attribute) and function.attr in LEVELS):
        return False
    return re.search(r"log(?:ger|ging)?(?:\(\))?$", ast.unparse(function.value), re.I) is not None


def parts_of(node: ast.expr, given: list[ast.expr]) -> Parts | None:
    """Literal text and slots; None where the message is no literal."""
    match node:
        case ast.Constant(value=str(text)):
            return of_percent(text, [ast.unparse(one) for one in given]) if given else (text,)
        case ast.JoinedStr(values=values):
            return tuple(map(of_joined, values))
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod(), right=right):
            several = right.elts if isinstance(right, ast.Tuple) else [right]
            return of_percent(text, [ast.unparse(one) for one in several])
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="format")):
            return of_braces(text, [ast.unparse(one) for one in node.args])
    return None


def of_joined(node: ast.expr) -> str | Slot:
    if isinstance(node, ast.Constant):
        return str(node.value)
    assert isinstance(node, ast.FormattedValue)
    return Slot(ast.unparse(node.value), is_number=node.format_spec is not None)


def of_percent(text: str, sources: list[str]) -> Parts:
    parts: list[str | Slot] = []
    at, rest = 0, iter(sources)
    for found in PERCENT.finditer(text):
        parts.append(text[at : found.start()])
        at = found.end()
        kind = found.group(2)
        source = "" if kind == "%" else found.group(1) or next(rest, "")
        parts.append("%" if kind == "%" else Slot(source, is_number=kind not in "src"))
    return (*parts, text[at:])


def of_braces(text: str, sources: list[str]) -> Parts:
    parts: list[str | Slot] = []
    rest = iter(sources)
    try:
        for literal, name, form, _ in string.Formatter().parse(text):
            parts.append(literal)
            if name is not None:
                source = name if name and not name.isdigit() else next(rest, "")
                parts.append(Slot(source, is_number=form not in ("", None)))
    except ValueError:
        return ()
    return tuple(parts)


# What the truth says of a literal, by the guidelines for corrected templates (Khan, Shin,
# Bianculli, Briand, ICSE 2022): digits and truth values alone are variables, and so is a word
# that holds a variable.
CORRECTIONS = (
    (r"\s+", " "),
    (r"(?<![\w.\-<*])(?:-?\d[\d.]*|[Tt]rue|[Ff]alse|null)(?![\w.\-*>])", "<*>"),
    (r"(?<![\w:])(?:/[\w.\-*<>]+)+/?(?![\w>])", "<*>"),
    (r"[\w.\-/@#]*<\*>(?:[\w\-/@#]|\.(?=[\w<]))*(?:<\*>[\w\-/@#]*)*", "<*>"),
    (r"<\*>(?:[.:/@#]?<\*>)+", "<*>"),
)


def template(texts: list[str]) -> str:
    """The true template of a statement whose values are already ``<*>``."""
    text = "".join(texts)
    for wrong, right in CORRECTIONS:
        text = re.sub(wrong, right, text)
    return text.strip()


Chance = random.Random
NAMES = re.findall(
    r"\S+",
    """alice bob carol root admin deploy jenkins airflow svc-etl nginx redis payments orders
billing checkout inventory default public staging production eu-west primary web api worker batch
daily_sales load_users export_orders sync_crm train_model clean_tmp etl_main customers invoices
shipments events metrics audit sessions products search mailer uploader gateway frontend cart
catalog shipping ledger fraud pricing loyalty reports archive backup mirror canary blue
green""",
)
CLASSES = re.findall(
    r"\S+",
    """HttpClient TaskRunner JobStore S3Hook LocalExecutor CeleryExecutor JsonEncoder Session
FileSensor PoolManager QueueWorker BertModel LinearLayer SqlBackend RedisCache""",
)
FAILURES = (
    "Connection refused",
    "timed out",
    "No such file or directory",
    "Permission denied",
    "connection reset by peer",
    "invalid literal for int() with base <*>: 'x'",
    "[Errno <*>] Broken pipe",
    "unexpected end of data",
)


def numbers(chance: Chance) -> str:
    return chance.choice(
        [str(chance.randrange(100)), str(chance.randrange(10**6)), f"{chance.uniform(0, 90):.3f}"]
    )


def identifiers(chance: Chance) -> str:
    digits = f"{chance.getrandbits(128):032x}"
    uuid = "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])
    return chance.choice([uuid, digits[:16], f"job_{chance.randrange(9999)}", digits[:8]])


def paths(chance: Chance) -> str:
    folder = chance.choice(["/var/lib", "/opt/airflow/dags", "/tmp", "/home/deploy/app", "/etc"])
    return (
        f"{folder}/{chance.choice(NAMES)}/{chance.choice(['a.py', 'part-0003.parquet', 'x.cfg'])}"
    )


def addresses(chance: Chance) -> str:
    return f"https://{hosts(chance)}/api/v1/{chance.choice(NAMES)}?page={chance.randrange(9)}"


def hosts(chance: Chance) -> str:
    ip = f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(1, 255)}"
    name = f"{chance.choice(['web', 'db', 'node'])}-{chance.randrange(90)}"
    return chance.choice([ip, f"{ip}:{chance.randrange(1024, 65535)}", f"{name}.example.com"])


def times(chance: Chance) -> str:
    day = f"2024-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}"
    return f"{day}T{chance.randrange(24):02d}:{chance.randrange(60):02d}:00+00:00"


def lists(chance: Chance) -> str:
    return "[" + ", ".join(repr(one) for one in chance.sample(NAMES, chance.randrange(1, 5))) + "]"


# The first expression that fits the slot's source names the kind of its values.
KINDS: tuple[tuple[str, Callable[[Chance], str]], ...] = (
    (r"^(?:e|ex|exc|err|error|exception|reason)$|str\(e", lambda chance: chance.choice(FAILURES)),
    (r"__name__|cls|class|type|module", lambda chance: chance.choice(CLASSES)),
    (r"^len\(|count|num|size|port|pid|code|seconds|timeout|attempt|retr|bytes|index", numbers),
    (r"time|date|duration|elapsed", times),
    (r"path|file|dir|folder|location", paths),
    (r"ur[li]|endpoint|link", addresses),
    (r"host|server|addr|ip\b|broker|peer|node", hosts),
    (r"is_|has_|enabled|flag", lambda chance: str(chance.random() < 0.5)),
    (r"id\b|uuid|hash|token|digest|key\b", identifiers),
    (r"names\b|list|keys|items|args|tags", lists),
    (r"", lambda chance: chance.choice(NAMES)),
)


def values(slot: Slot, chance: Chance) -> list[str]:
    """The values that a slot takes; names come from a small set, sometimes of one."""
    kind = next(make for form, make in KINDS if re.search(form, slot.source.lower()))
    if slot.is_number and kind not in (times,):
        kind = numbers
    return [kind(chance) for _ in range(chance.choice([1, 3, 8, 20, 60, 200]))]


def simulate(found: list[Parts], chance: Chance) -> tuple[list[str], list[str]]:
    """Lines and their true templates; how often a statement is met falls as one over its rank."""
    chosen = chance.sample(found, min(MOST, len(found)))
    pools = {slot: values(slot, chance) for one in chosen for slot in one if isinstance(slot, Slot)}
    weights = [1 / (rank + 1) for rank in range(len(chosen))]
    lines, truth = [], []
    for parts in chance.choices(chosen, weights, k=LINES):
        line, expected = written(parts, pools, chance)
        lines.append(line)
        truth.append(expected)
    return lines, truth


def written(parts: Parts, pools: dict[Slot, list[str]], chance: Chance) -> tuple[str, str]:
    """One line and its template; the text of a failure is the sentence's, not a value."""
    line, expected = [], []
    for part in parts:
        value = part if isinstance(part, str) else chance.choice(pools[part])
        is_text = isinstance(part, str) or value in FAILURES
        line.append(value.replace("<*>", str(chance.randrange(100))))
        expected.append(value if is_text else "<*>")
    return "".join(line), template(expected)


def systems(names: tuple[str, ...], seed: int) -> Iterator[tuple[str, list[str], list[str]]]:
    """Name, lines and true templates of each package."""
    folder = Path(sysconfig.get_paths()["purelib"])
    for name in names:
        yield name, *simulate(statements(folder / name), random.Random(f"{name} {seed}"))
