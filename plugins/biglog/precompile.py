"""The byte kernels, compiled before the first night so that neither it nor a command waits for it.

Run by `make setup` and in the image: about ten seconds, once per machine and version.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa

from biglog import offline
from biglog.settings import TemplateSettings
from biglog.templates.mine import mine

# What each kernel needs to see once: a header, a field, a text to tidy, a value, a secret.
LINES = """\
2026-11-02 10:00:00,123 INFO [main] shop.Cart: added 1 of 17 to cart ae7c
2026-11-02 10:00:00,124 ERROR [main] shop.Cart: login  failed for user=ann password=hunter2-9
"""


def precompile() -> None:
    """Read and mine two lines, and mine one that needs no tidying."""
    with tempfile.TemporaryDirectory() as folder:
        sample = Path(folder) / "sample.log"
        sample.write_text(LINES)
        for _ in offline.parse_files([sample], "auto"):
            pass
    mine(pa.array(["connected to 10.0.0.7"]), (), TemplateSettings())


if __name__ == "__main__":
    precompile()
