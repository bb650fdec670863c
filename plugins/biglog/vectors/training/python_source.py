"""Format strings of log calls and exceptions in permissively licensed installed Python packages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from email.message import Message
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import cast

from biglog.vectors.training.kinds import Kind

_PERMISSIVE = re.compile(
    r"\b(MIT|BSD|Apache|ISC|Python Software Foundation|PSF|PostgreSQL)\b", re.I
)
_COPYLEFT = re.compile(
    r"GPL|MPL|Mozilla|EPL|Eclipse|CDDL|Affero|Proprietary|NVIDIA|Commercial", re.I
)
_LOGGERS = re.compile(r"log(ger|ging)?$|warnings$|echo$|console$", re.I)
_METHODS = frozenset(
    ["debug", "info", "warning", "warn", "error", "exception", "critical", "fatal", "log", "notice"]
)
_CAP = 800
_SENTENCES = 400


def licence_of(package: Distribution) -> str:
    """What the package's metadata says of its licence, shortened; empty when it says nothing."""
    meta = cast(Message, package.metadata)
    classifiers = [c for c in meta.get_all("Classifier") or [] if c.startswith("License ::")]
    said = meta.get("License-Expression") or "; ".join(c.split(" :: ")[-1] for c in classifiers)
    return said or (meta.get("License") or "").split("\n")[0]


def is_permissive(licence: str) -> bool:
    return bool(_PERMISSIVE.search(licence)) and not _COPYLEFT.search(licence)


def permissive_packages(folder: Path | None) -> list[Distribution]:
    """Installed packages, and those put into the folder, whose licence is permissive; by name."""
    found = [*distributions(), *(distributions(path=[str(folder)]) if folder else ())]
    kept = {
        package.name.lower(): package for package in found if is_permissive(licence_of(package))
    }
    return [kept[name] for name in sorted(kept)]


def read_packages(folder: Path | None) -> Iterator[tuple[str, str, list[Kind], list[str]]]:
    """(package and version, licence, kinds, first sentences of docstrings), by name."""
    for package in permissive_packages(folder):
        kinds, sentences = _read_package(package)
        if kinds or sentences:
            yield f"{package.name} {package.version}", licence_of(package), kinds, sentences


def _read_package(package: Distribution) -> tuple[list[Kind], list[str]]:
    name = package.name
    kinds: dict[str, Kind] = {}
    sentences: dict[str, None] = {}
    for path in _python_files(package):
        for text in _texts_of(path, sentences):
            kinds.setdefault(text, Kind("python", f"{name}:{path.stem}", str(len(kinds)), (text,)))
    return list(kinds.values())[:_CAP], list(sentences)[:_SENTENCES]


def _python_files(package: Distribution) -> list[Path]:
    files = sorted(str(f) for f in package.files or [] if f.suffix == ".py")
    kept = [f for f in files if not re.search(r"(^|/)(tests?|testing)/|^\.\.", f)]
    return [Path(str(package.locate_file(f))) for f in kept]


def _texts_of(path: Path, sentences: dict[str, None]) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_text("utf-8"))
    except (SyntaxError, UnicodeDecodeError, OSError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and (doc := ast.get_docstring(node)):
            first = " ".join(doc.split("\n\n")[0].split()).split(". ")[0]
            if 20 <= len(first) <= 160:
                sentences.setdefault(first)
        elif (text := _message(node)) and 12 <= len(text) <= 240 and " " in text:
            yield " ".join(text.split())


def _message(node: ast.AST) -> str:
    """The message of a log call or of a raised exception; empty when there is none."""
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
        return _literal(node.exc.args[0])
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
        return ""
    owner = node.func.value
    said = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
    if node.func.attr not in _METHODS or not _LOGGERS.search(said):
        return ""
    return _literal(node.args[1 if node.func.attr == "log" and len(node.args) > 1 else 0])


def _literal(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_piece(value) for value in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        right = _literal(node.right) if isinstance(node.op, ast.Add) else ""
        return _literal(node.left) + right
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return _literal(node.func.value) if node.func.attr == "format" else ""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
        return _literal(node.args[0]) if node.func.id.startswith("_") else ""  # gettext's marks
    return ""


def _piece(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    name = ast.unparse(node.value) if isinstance(node, ast.FormattedValue) else ""
    return "{" + re.sub(r"\W+", "_", name).strip("_")[:30] + "}" if name else "{}"
