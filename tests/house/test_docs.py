"""Docs that a test can break: lists equal their sources, links lead somewhere."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("examples/*.md")]
)


def test_every_dependency_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = {re.match(r"[\w.-]+", one).group() for one in project["dependencies"]}
    rows = re.findall(r"(?m)^\| ([\w.-]+) \| (.+) \|$", (ROOT / "docs/dependencies.md").read_text())
    listed = {name: why for name, why in rows if name not in ("package", "---")}
    assert set(listed) == wanted
    assert all(len(why) > 15 for why in listed.values())


def test_the_lock_holds_every_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    locked = set(re.findall(r"(?m)^([\w.-]+)==", lock))
    wanted = {re.match(r"[\w.-]+", one).group() for one in project["dependencies"]}
    assert wanted - {"torch"} <= locked


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if not re.match(r"[a-z]+:|#", target):
            assert (page.parent / target.partition("#")[0]).exists(), f"{page.name}: {target}"


@pytest.mark.airflow
def test_the_generated_pages_are_up_to_date(airflow_home, monkeypatch):
    import sys

    monkeypatch.setenv("BIGLOG_DOCS_HOME", str(airflow_home))
    monkeypatch.setattr(sys, "path", [*sys.path, str(ROOT / "docs")])
    import generate

    for path, text in generate.pages().items():
        assert path.read_text("utf-8") == text, f"{path.name} is stale: run make docs"


def test_both_readmes_have_the_same_parts():
    english, chinese = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh.md"))
    assert len(re.findall(r"(?m)^## ", english)) == len(re.findall(r"(?m)^## ", chinese))
    assert re.findall(r"(?m)^make \w+", english) == re.findall(r"(?m)^make \w+", chinese)
