"""Template miners under one signature: ours, published ones where installed, a trivial one."""

from __future__ import annotations

import contextlib
import csv
import importlib
import io
import logging
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins"))

from biglog.settings import TemplateSettings
from biglog.templates.mine import mine

Miner = Callable[[Sequence[str]], list[str]]


def ours(contents: Sequence[str]) -> list[str]:
    mined = mine(pa.array(contents), (), TemplateSettings())
    patterns = {one.template_id: one.pattern for one in mined.templates}
    return [patterns[one] for one in mined.template_ids.to_pylist()]


def drain3(contents: Sequence[str], similarity: float | None = None) -> list[str]:
    """With its defaults where no similarity is given."""
    from drain3 import TemplateMiner
    from drain3.template_miner_config import TemplateMinerConfig

    logging.getLogger("drain3").setLevel(logging.ERROR)
    config = TemplateMinerConfig()
    config.drain_sim_th = similarity or config.drain_sim_th
    miner = TemplateMiner(config=config)
    clusters = [miner.add_log_message(one)["cluster_id"] for one in contents]
    texts = {one.cluster_id: one.get_template() for one in miner.drain.clusters}
    return [texts[one] for one in clusters]


def masks_alone(contents: Sequence[str]) -> list[str]:
    """The trivial baseline: every token with a digit is a variable."""
    return [" ".join("<*>" if re.search(r"\d", t) else t for t in one.split()) for one in contents]


def logparser(name: str, **named: str) -> Miner:
    """A miner of the package logparser3 with its defaults, which reads and writes files."""
    parser = importlib.import_module(f"logparser.{name}").LogParser

    def miner(contents: Sequence[str]) -> list[str]:
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            (Path(folder) / "lines").write_text("".join(f"{one}\n" for one in contents))
            parser(log_format="<Content>", indir=folder, outdir=folder, **named).parse("lines")
            with (Path(folder) / "lines_structured.csv").open(newline="") as rows:
                return [row["EventTemplate"] for row in csv.DictReader(rows)]

    return miner


def peers() -> dict[str, Miner]:
    """The miners by name; those whose package is absent are left out, and it is said."""
    miners: dict[str, Miner] = {"biglog": ours, "drain3": drain3, "digit tokens": masks_alone}
    try:
        miners["logparser Drain"] = logparser("Drain")
        miners["logparser Brain"] = logparser("Brain", logname="lines")
    except ImportError as absent:
        print(f"Drain and Brain of logparser3 left out: {absent} (pip install logparser3)")
    return miners
