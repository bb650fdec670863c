"""Messages that permissively licensed programs ship in English and Chinese."""

from __future__ import annotations

import gettext
import io
import json
import re
from collections.abc import Iterator
from importlib.metadata import Distribution
from pathlib import Path
from zipfile import ZipFile

from babel.messages.pofile import read_po

from biglog.vectors.training.kinds import Kind, is_chinese
from biglog.vectors.training.python_source import licence_of, permissive_packages

_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_LIMIT = 200
_CONTEXT = "\x04"  # ends what gettext puts before a text that is translated by context
_CHINESE = re.compile(r"/zh(_Hans)?(_CN)?/LC_MESSAGES/[\w.-]+\.[mp]o$").search
# A path's part that names the language, a build's digest cut off: en.json, zh-CN/dags.json.
_LANGUAGE = re.compile(
    r"(?<=/)(?:(?P<english>en)|zh([-_](CN|Hans))?)(-[0-9a-f]{8,})?(?P<rest>\.json|/[\w./-]+\.json)$"
).search
_PROGRAMS = (  # Debian packages: program, licence, names of its catalogues
    ("postgresql 15", "PostgreSQL", "*-15"),
    ("subversion 1.14", "Apache-2.0", "subversion"),
)


def read_translations(folder: Path | None) -> Iterator[tuple[str, str, list[Kind]]]:
    """(program, licence, kinds) from Python packages, Airflow's pages among them, and the folder.

    The folder holds unpacked Debian packages, and packages that pip was given it as a target for.
    """
    for package in permissive_packages(folder):
        pairs = [*_read_gettext(_catalogues(package)), *_read_json(package)]
        if kinds := _tidy(package.name, pairs):
            yield f"{package.name} {package.version} messages", licence_of(package), kinds
    if folder is None:
        return
    for program, licence, pattern in _PROGRAMS:
        catalogues = sorted(folder.rglob(f"usr/share/locale/zh_CN/LC_MESSAGES/{pattern}.mo"))
        yield f"{program} messages", licence, _tidy(program.split()[0], _read_gettext(catalogues))
    for program in ("tomcat", "derby"):
        jars = [jar for jar in sorted(folder.rglob("*.jar")) if program in jar.name]
        pairs = _read_properties([jar for jar in jars if not jar.is_symlink()])
        yield f"{program} messages", "Apache-2.0", _tidy(program, pairs)


def _catalogues(package: Distribution) -> list[Path]:
    """The package's Chinese catalogues, as sources where they are shipped, else compiled."""
    found = [Path(str(package.locate_file(f))) for f in package.files or [] if _CHINESE(str(f))]
    sources = {path.with_suffix("") for path in found if path.suffix == ".po"}
    return sorted(p for p in found if p.suffix == ".po" or p.with_suffix("") not in sources)


def _read_json(package: Distribution) -> list[tuple[str, str, str]]:
    """Texts of JSON files that lie beside each other, one a language, joined by key."""
    english: dict[str, Path] = {}
    chinese: dict[str, Path] = {}
    for file in package.files or []:
        path = Path(str(package.locate_file(file)))
        if (found := _LANGUAGE(str(file))) and path.exists():
            into = english if found["english"] else chinese
            into[str(file)[: found.start()] + found["rest"]] = path
    pairs = []
    for name in sorted(english.keys() & chinese.keys()):
        left, right = (
            dict(_flatten(json.loads(side[name].read_text("utf-8")))) for side in (english, chinese)
        )
        pairs += [(name, left[key], right[key]) for key in left if key in right]
    return pairs


def _flatten(tree: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _flatten(value, f"{path}.{key}")
    elif isinstance(tree, str):
        yield path, tree


def _read_gettext(catalogues: list[Path]) -> list[tuple[str, str, str]]:
    return [
        (path.stem, english, chinese)
        for path in catalogues
        for english, chinese in (_read_po if path.suffix == ".po" else _read_mo)(path)
    ]


def _read_mo(path: Path) -> Iterator[tuple[str, str]]:
    with path.open("rb") as file:
        catalogue: dict[object, str] = vars(gettext.GNUTranslations(file))["_catalog"]
    for key, chinese in catalogue.items():
        yield str(key[0] if isinstance(key, tuple) else key), chinese


def _read_po(path: Path) -> Iterator[tuple[str, str]]:
    with path.open("rb") as file:
        for message in read_po(file, ignore_obsolete=True):
            if isinstance(message.id, str) and isinstance(message.string, str):
                yield message.id, message.string


def _read_properties(jars: list[Path]) -> list[tuple[str, str, str]]:
    english: dict[tuple[str, str], str] = {}
    chinese: dict[tuple[str, str], str] = {}
    for jar in jars:
        with ZipFile(jar) as archive:
            for name in archive.namelist():
                base = re.sub(r"_(zh_CN|en)(?=\.properties$)", "", name)
                if not name.endswith(".properties") or re.search(r"_[a-z]{2}(_[A-Z]{2})?\.", base):
                    continue
                into = chinese if "zh_CN" in name else english
                for key, text in _properties(archive.read(name)):
                    into[_shelf(base), key] = text
    return [(key[0], text, chinese[key]) for key, text in sorted(english.items()) if key in chinese]


def _shelf(name: str) -> str:
    """Derby splits English over m0_en to m49_en and Chinese alike, by the same number."""
    return name.removesuffix(".properties")


def _properties(raw: bytes) -> Iterator[tuple[str, str]]:
    text = raw.decode("utf-8", "replace").replace("\r", "")
    for line in io.StringIO(re.sub(r"\\\n\s*", "", text)):
        key, sign, value = line.strip().partition("=")
        if sign and not key.startswith(("#", "!")):
            value = _ESCAPE.sub(lambda code: chr(int(code[1], 16)), value)
            yield (
                key.strip(),
                value.replace("\\n", " ").replace("\\", "").replace("''", "'").strip(),
            )


def _tidy(source: str, pairs: list[tuple[str, str, str]]) -> list[Kind]:
    """Kinds of those pairs that are short enough, distinct, and Chinese on one side only."""
    kinds: dict[str, Kind] = {}
    for family, left, right in pairs:
        english, chinese = " ".join(left.split()), " ".join(right.split())
        good = is_chinese(chinese) and not is_chinese(english) and 3 < len(english) <= _LIMIT
        if good and english not in kinds:
            bare = english.rpartition(_CONTEXT)[2]
            kinds[english] = Kind(source, family, str(len(kinds)), (bare, chinese))
    return list(kinds.values())
