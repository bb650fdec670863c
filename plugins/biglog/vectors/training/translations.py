"""Messages that permissively licensed programs ship in English and Chinese."""

from __future__ import annotations

import gettext
import io
import json
import re
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZipFile

from biglog.vectors.training.kinds import Kind, is_chinese

_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_LIMIT = 200


def read_translations(folder: Path | None) -> Iterator[tuple[str, str, list[Kind]]]:
    """(program, licence, kinds) from Airflow's own pages and from unpacked Debian packages."""
    airflow = distribution("apache-airflow-core")
    locales = Path(str(airflow.locate_file("airflow/ui/dist/i18n/locales")))
    yield f"airflow {airflow.version} pages", "Apache-2.0", read_json(locales)
    if folder is None:
        return
    catalogues = sorted(folder.rglob("zh_CN/LC_MESSAGES/*.mo"))
    yield "postgresql 15 messages", "PostgreSQL", _tidy("postgresql", _read_gettext(catalogues))
    for program in ("tomcat", "derby"):
        jars = [jar for jar in sorted(folder.rglob("*.jar")) if program in jar.name]
        pairs = _read_properties([jar for jar in jars if not jar.is_symlink()])
        yield f"{program} messages", "Apache-2.0", _tidy(program, pairs)


def read_json(locales: Path) -> list[Kind]:
    """The pages' words, joined by file and key."""
    pairs = []
    for english in sorted((locales / "en").glob("*.json")):
        chinese = locales / "zh-CN" / english.name
        if chinese.exists():
            left, right = (
                dict(_flatten(json.loads(f.read_text("utf-8")))) for f in (english, chinese)
            )
            pairs += [(english.stem, left[key], right[key]) for key in left if key in right]
    return _tidy("airflow", pairs)


def _flatten(tree: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _flatten(value, f"{path}.{key}")
    elif isinstance(tree, str):
        yield path, tree


def _read_gettext(catalogues: list[Path]) -> list[tuple[str, str, str]]:
    pairs = []
    for path in catalogues:
        with path.open("rb") as file:
            catalogue: dict[object, str] = vars(gettext.GNUTranslations(file))["_catalog"]
        for key, chinese in catalogue.items():
            english = key[0] if isinstance(key, tuple) else key
            pairs.append((path.stem, str(english), chinese))
    return pairs


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
            kinds[english] = Kind(source, family, str(len(kinds)), (english, chinese))
    return list(kinds.values())
