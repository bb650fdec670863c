"""No kernel is left to be compiled by the first night."""

import ast
import json
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "plugins" / "biglog"
MODULES = [
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    for path in sorted(PACKAGE.rglob("kernels.py"))
]
# In a process of its own, where nothing has been compiled by another test.
PROGRAM = f"""
import importlib, json
from numba.core.dispatcher import Dispatcher
from biglog.precompile import precompile
precompile()
ready = {{
    f"{{module}}.{{name}}": len(one.signatures)
    for module in {MODULES!r}
    for name, one in vars(importlib.import_module(module)).items()
    if isinstance(one, Dispatcher)
}}
print(json.dumps(ready))
"""


def called() -> set[str]:
    """Names in code outside kernels that are a kernel's: those inside are compiled with callers."""
    trees = [
        ast.parse(path.read_text("utf-8"))
        for path in PACKAGE.rglob("*.py")
        if path.name != "kernels.py"
    ]
    calls = [node.func for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    plain = {one.id for one in calls if isinstance(one, ast.Name)}
    dotted = {
        one.attr
        for one in calls
        if isinstance(one, ast.Attribute) and ast.unparse(one.value) == "kernels"
    }
    imported = {
        alias.name
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith(".kernels")
        for alias in node.names
    }
    return dotted | (plain & imported)


def test_every_kernel_that_is_called_from_python_is_compiled_ahead():
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    ready = json.loads(done.stdout)
    names = called()
    wanted = {name for name in ready if name.rpartition(".")[2] in names}
    assert len(wanted) > 8
    assert {name for name in wanted if not ready[name]} == set()
