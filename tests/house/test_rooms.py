"""The rules of the house, read from the code itself."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "plugins" / "biglog"
ROOMS = {
    "sources", "lines", "templates", "vectors", "clusters", "findings", "incidents", "metrics",
    "knowledge", "store", "reports", "web", "cli", "learning",
}  # fmt: skip
# What a room may use besides itself and the core modules at the top of the package.
NEIGHBOURS = {
    "web": {"store", "reports", "knowledge", "vectors"},
    "cli": ROOMS,
    "learning": {"templates", "findings", "vectors", "store"},
    "metrics": {"findings"},  # chance alone
}
DOORS = {
    "torch": {"vectors"},
    "transformers": {"vectors"},
    "tokenizers": {"vectors"},
    "sklearn": {"clusters", "findings"},
    "psycopg2": {"store"},
    "sqlalchemy": {"store"},
    "jinja2": {"reports"},
    "css_inline": {"reports"},
    "fastapi": {"web"},
    "starlette": {"web"},
    "drain3": set(),
}
AIRFLOW = {"airflow_plugin.py", "on_airflow.py"}


def imported(path: Path, *, at_run_time: bool = True) -> set[str]:
    """Dotted names that a module imports; those only for types are left out at run time."""
    tree = ast.parse(path.read_text("utf-8"))
    skipped = set()
    for node in ast.walk(tree):
        if at_run_time and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            skipped.update(id(inner) for inner in ast.walk(node))
    names = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_does_not_reach_into_another(path):
    room = room_of(path)
    if not room:
        return
    allowed = {room} | NEIGHBOURS.get(room, set())
    reached = {
        name.split(".")[1]
        for name in imported(path)
        if name.startswith("biglog.") and name.split(".")[1] in ROOMS
    }
    assert reached <= allowed


@pytest.mark.parametrize("library", sorted(DOORS))
def test_a_heavy_library_has_one_door(library):
    doors = {
        room_of(path)
        for path in modules()
        if any(name.split(".")[0] == library for name in imported(path))
    }
    assert doors <= DOORS[library]


def test_airflow_is_known_at_its_doors_only():
    users = {
        path.relative_to(PACKAGE).parts[0]
        for path in modules()
        if any(name.split(".")[0] == "airflow" for name in imported(path))
    }
    # The command line starts Airflow in its own process, as a person would.
    assert users <= AIRFLOW | {"web", "cli"}


def test_training_stands_alone():
    banned = {"airflow", "polars", "pandas", "sklearn"}
    for path in (PACKAGE / "vectors" / "training").rglob("*.py"):
        tops = {name.split(".")[0] for name in imported(path)}
        assert not tops & banned, path


def test_every_module_says_what_lives_there():
    for path in modules():
        tree = ast.parse(path.read_text("utf-8"))
        assert not tree.body or ast.get_docstring(tree), f"{path} has no docstring"


def test_no_function_is_longer_than_a_screen():
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                length = (body[-1].end_lineno - body[0].lineno + 1) if body else 0
                assert length <= 60, f"{path}:{node.lineno} {node.name} has {length} lines"


@pytest.mark.parametrize("name", ["utils.py", "helpers.py", "base.py", "manager.py", "misc.py"])
def test_no_module_without_a_subject(name):
    assert not list(PACKAGE.rglob(name))
