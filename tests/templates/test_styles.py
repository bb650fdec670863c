"""Lines in the style of well-known systems, each below the template that it must get.

The lines are written for this test. In a file, ``= `` begins a template; its lines follow.
"""

from pathlib import Path

import pyarrow as pa
import pytest

from biglog.settings import TemplateSettings
from biglog.templates.evaluate import accuracy
from biglog.templates.mine import mine

STYLES = sorted((Path(__file__).parent / "styles").glob("*.txt"))


def read(path):
    truth, lines = [], []
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("= "):
            expected = line[2:]
        else:
            truth.append(expected)
            lines.append(line)
    return truth, lines


def mined(lines):
    found = mine(pa.array(lines), (), TemplateSettings())
    patterns = {one.template_id: one.pattern for one in found.templates}
    return [patterns[one] for one in found.template_ids.to_pylist()]


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.stem)
def test_every_line_gets_its_template(path):
    truth, lines = read(path)
    assert mined(lines) == truth


def test_all_together_stay_apart():
    pairs = [read(path) for path in STYLES]
    truth = [one for expected, _ in pairs for one in expected]
    lines = [one for _, found in pairs for one in found]
    assert accuracy(truth, mined(lines)).fga > 0.97
