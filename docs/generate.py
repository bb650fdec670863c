"""Pages that are written from the code: one per DAG, and the command line's own help.

Run `make docs` after a change; a test fails when a page is not what this writes.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def dags() -> list[Any]:
    from biglog.cli.airflow_home import environment

    home = Path(os.environ.get("BIGLOG_DOCS_HOME") or tempfile.mkdtemp())
    os.environ.update(environment(home))
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(ROOT / "dags"))
    if bag.import_errors:
        raise SystemExit(f"DAGs do not load: {bag.import_errors}")
    return [bag.dags[key] for key in sorted(bag.dags)]


def dag_page(dag: Any) -> str:
    """One DAG: its own words, its form, its tasks in order."""
    lines = [f"# `{dag.dag_id}`", "", *demoted(dag.doc_md or ""), "", "## Form", ""]
    lines += list(form_table(dag)) or ["No fields."]
    lines += ["", "## Tasks, in order", "", "| task | queue | pool | after | retries | limit |"]
    lines += ["|---|---|---|---|---|---|"]
    for task in dag.topological_sort():
        after = ", ".join(f"`{name}`" for name in sorted(task.upstream_task_ids)) or "–"
        lines.append(
            f"| `{task.task_id}` | {task.queue} | {task.pool} | {after} | {task.retries} | "
            f"{task.execution_timeout} |"
        )
    source = f"dags/{Path(dag.fileloc).name}"
    return "\n".join([*lines, "", f"Source: [`{source}`](../../{source})", ""])


def demoted(text: str) -> list[str]:
    """The DAG's words with its own heading one step lower."""
    return [line.replace("### ", "## ", 1) for line in text.strip().splitlines()]


def form_table(dag: Any) -> Iterator[str]:
    if not len(dag.params):
        return
    yield "| field | title | default | meaning |"
    yield "|---|---|---|---|"
    for name in dag.params:
        param = dag.params.get_param(name)
        schema = param.schema
        meaning = " ".join(str(schema.get("description_md", "")).split())
        yield f"| `{name}` | {schema.get('title', '')} | `{param.value!r}` | {meaning} |"


def index_page(all_dags: list[Any]) -> str:
    rows = [
        f"| [`{dag.dag_id}`]({dag.dag_id}.md) | {', '.join(sorted(dag.tags))} | "
        f"{(dag.doc_md or '').strip().splitlines()[0].removeprefix('### ')} |"
        for dag in all_dags
    ]
    head = ["# The DAGs", "", "Written by `make docs` from the DAGs themselves.", ""]
    return "\n".join([*head, "| DAG | tags | does |", "|---|---|---|", *rows, ""])


def pages() -> dict[Path, str]:
    """Every generated page: path to text."""
    found = dags()
    folder = ROOT / "docs" / "dags"
    return {folder / "README.md": index_page(found)} | {
        folder / f"{dag.dag_id}.md": dag_page(dag) for dag in found
    }


def main() -> int:
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        sys.stderr.write(f"{path.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
