"""Trained models under BigLog's home, by name and version, and which version is in use."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biglog import registry
from biglog.errors import BadInput
from biglog.learning import directory as directories
from biglog.learning.directory import Card
from biglog.settings import PLAIN_NAME

FOLDER = "trained"
IN_USE = "in_use.json"


@dataclass(frozen=True, slots=True)
class Version:
    name: str
    version: int
    used: bool
    path: Path
    card: Card


def folder(home: Path, name: str) -> Path:
    """Where a name's versions lie. Raises BadInput for a name that is no plain one."""
    if not PLAIN_NAME.fullmatch(name):
        raise BadInput(f"model name {name[:60]!r} must be letters, digits, _ and - (63 at most)")
    return home / FOLDER / name


def find(home: Path, given: str) -> Path:
    """The directory meant: one that is there, else the version in use of that name."""
    if Path(given).is_dir():
        return Path(given)
    if not PLAIN_NAME.fullmatch(given):
        raise BadInput(f"--model {given}: no such directory; give one that `biglog train` wrote")
    if not folder(home, given).is_dir():
        raise BadInput(
            f"--model {given}: neither a directory nor a name in `biglog models list`; train first"
        )
    return folder(home, given) / used(home, given)


def versions(home: Path) -> list[Version]:
    """Every version of every name, the latest of a name first."""
    root = home / FOLDER
    names = sorted(one.name for one in root.iterdir() if one.is_dir()) if root.is_dir() else []
    return [one for name in names for one in versions_of(home, name)]


def versions_of(home: Path, name: str) -> Iterator[Version]:
    now = used(home, name)
    for number in reversed(numbers(home, name)):
        path = folder(home, name) / spell(number)
        card = directories.read_card(path)
        yield Version(name, number, spell(number) == now, path, card)


def spell(number: int) -> str:
    return f"v{number:04d}"


def numbers(home: Path, name: str) -> list[int]:
    paths = folder(home, name).glob("v[0-9]*")
    return sorted(int(one.name[1:]) for one in paths if one.name[1:].isdigit())


def used(home: Path, name: str) -> str:
    """The version in use, as spelt. Raises BadInput for a name that is not kept."""
    now = registry.in_use(folder(home, name) / IN_USE).now
    if not now:
        raise BadInput(f"no model {name!r} is kept; `biglog models list` shows which are")
    return now


def add(home: Path, name: str, directory: Path) -> Version:
    """Keep a copy of the directory as the next version of the name, and use it."""
    directories.load(directory)  # whole, or it is refused before anything is copied
    number = max(numbers(home, name), default=0) + 1
    path = folder(home, name) / spell(number)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(directory, draft)
    draft.replace(path)
    return use(home, name, number)


def use(home: Path, name: str, version: int) -> Version:
    """Use this version from now on. Raises BadInput where it is not kept."""
    if version not in numbers(home, name):
        kept = ", ".join(map(str, numbers(home, name))) or "none"
        raise BadInput(f"model {name!r} has no version {version} (kept: {kept}); give one of them")
    path = folder(home, name) / spell(version)
    card = directories.read_card(path)
    registry.take(folder(home, name) / IN_USE, spell(version))
    return note(home, Version(name, version, True, path, card))


def rollback(home: Path, name: str) -> Version:
    """Use the version that was in use before. Raises BadInput where there was none."""
    used(home, name)
    choice = folder(home, name) / IN_USE
    if not any(registry.in_use(choice).before):
        raise BadInput(f"model {name!r} had no version in use before this one; nothing changed")
    earlier = registry.go_back(choice).now
    path = folder(home, name) / earlier
    return note(home, Version(name, int(earlier[1:]), True, path, directories.read_card(path)))


def note(home: Path, settled: Version) -> Version:
    """A row of the register in the database too, where BigLog has one."""
    if registry.has_database(home):
        from biglog.store.models import save_model

        save_model(registry.open_register(home).engine, row_of(settled))
    return settled


def row_of(one: Version) -> Any:
    from biglog.store.models import ModelVersion

    return ModelVersion(
        model_id=f"{one.name}@{one.version}",
        kind=f"learned:{one.name}",
        path=str(one.path),
        metrics=measures(one.card),
        is_active=True,
        note=f"{one.card.method} of {one.card.of}, encoder {one.card.encoder}",
    )


def measures(card: Card) -> Mapping[str, Any]:
    return {**card.figures, "threshold": card.threshold, "threshold_by": card.threshold_by}
