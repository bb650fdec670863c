"""The plugins folder as Airflow itself loads it, in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STANDARD = ("types", "logging", "email", "io", "token", "json", "search", "tokens", "records")
HEAVY = ("torch", "transformers", "sklearn", "pandas", "polars")
LOAD = f"""
import json, logging, sys
from airflow import plugins_manager
before = set(sys.modules)
plugins, errors = plugins_manager._get_plugins()
views = plugins_manager._get_ui_plugins()
folder = {str(ROOT / "plugins")!r}
inside = lambda m: (getattr(m, "__file__", None) or "").startswith(folder)
mine = sorted(name for name, module in list(sys.modules.items()) if inside(module))
files = {{n: getattr(sys.modules.get(n), "__file__", None) for n in {STANDARD!r}}}
heavy = [name for name in {HEAVY!r} if name in sys.modules]
names = [p.name for p in plugins]
apps = [
    [one["url_prefix"], type(one["app"]).__name__]
    for one in plugins_manager.get_fastapi_plugins()[0]
    if one["name"] == "BigLog"
]
print(json.dumps([names, errors, mine, files, heavy, apps, views[0]]))
"""


def load(home, code=LOAD):
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__API__BASE_URL": "https://ops.example/airflow/",
        "PYTHONPATH": str(ROOT / "plugins"),
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1]), done.stdout + done.stderr


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    return load(tmp_path_factory.mktemp("airflow"))[0]


def test_the_plugin_is_loaded_without_errors(loaded):
    names, errors, *_ = loaded
    assert "biglog" in names
    assert errors == {}


def test_no_other_file_of_the_plugins_folder_is_executed(loaded):
    assert loaded[2] == ["airflow_plugin"]


def test_the_standard_library_is_intact(loaded):
    assert [name for name, file in loaded[3].items() if file and "plugins" in file] == []


def test_loading_the_plugin_loads_nothing_heavy(loaded):
    assert loaded[4] == []


def test_the_navigation_has_an_entry_under_the_base_path(loaded):
    views = {one["name"]: one for one in loaded[6]}
    assert views["BigLog"]["href"] == "/airflow/biglog/"
    assert views["BigLog"]["url_route"] == "biglog"


def test_the_app_is_made_when_the_api_server_asks(loaded):
    assert loaded[5] == [["/biglog", "FastAPI"]]


def test_an_app_that_cannot_be_made_does_not_stop_the_api_server(tmp_path):
    broken = "import sys\nsys.modules['biglog.web.app'] = None\n" + LOAD
    found, log = load(tmp_path, broken)
    assert found[5] == []
    assert "BigLog's pages are off" in log
