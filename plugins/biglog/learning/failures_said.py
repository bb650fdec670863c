"""Why a window warns, in words: the templates and signs that pushed its score most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from biglog.findings.learned.boosted import Boosted
from biglog.findings.learned.linear import Linear
from biglog.findings.learned.reasons import SAID, TELLING, shown
from biglog.learning.failures_told import Ahead, spell
from biglog.learning.failures_windows import SIGNS, Windows
from biglog.records import Labels, Scores

CHUNK = 256
"""Windows whose pushes are worked out at once: they are as wide as there are columns."""


def tell(
    model: Linear | Boosted, cells: csr_matrix, rows: Labels, windows: Windows,
    patterns: Sequence[str], look: Ahead,
) -> Iterator[tuple[int, str]]:  # fmt: skip
    """Each of the rows with what pushed it towards a warning, the strongest first; may be empty."""
    for start in range(0, len(rows), CHUNK):
        some = rows[start : start + CHUNK]
        pushes = by_template(push(model, cells[some]), len(patterns))
        counts = np.expm1(cells[some][:, : 2 * len(patterns)].toarray()).round().astype(int)
        for at, row in enumerate(some.tolist()):
            signs = windows.rows.row(row, named=True)
            said = [
                say_template(patterns[one], counts[at, one], counts[at, one + len(patterns)], look)
                if one < len(patterns)
                else say_sign(SIGNS[one - len(patterns)], signs, look)
                for one in strongest(pushes[at])
            ]
            yield row, "; ".join(dict.fromkeys(said))


def push(model: Linear | Boosted, cells: csr_matrix) -> Scores:
    if isinstance(model, Boosted):
        return model.push(cells)
    pushes: Scores = model.weights * (cells.toarray() - model.centre)
    return pushes


def by_template(pushes: Scores, templates: int) -> Scores:
    """A column a template, what its two counts pushed added up; then the signs."""
    both = pushes[:, :templates] + pushes[:, templates : 2 * templates]
    return np.hstack([both, pushes[:, 2 * templates :]])


def strongest(pushes: Scores) -> list[int]:
    order = np.argsort(-pushes, kind="stable")[:SAID]
    return [one for one in order.tolist() if pushes[one] > TELLING * max(pushes[order[0]], 0.0)]


def say_template(pattern: str, short: int, long: int, look: Ahead) -> str:
    near, far = spell(look.short), spell(look.long)
    if not long:
        return f"missing in the last {far}: {shown(pattern)}"
    if not short:
        return f"{times(long)} in the last {far}, not in the last {near}: {shown(pattern)}"
    return f"{times(short)} in the last {near}, {long:,} in the last {far}: {shown(pattern)}"


def times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def say_sign(name: str, signs: Mapping[str, Any], look: Ahead) -> str:
    near, far = spell(look.short), spell(look.long)
    value = signs[name]
    if name == "failed":
        return "no failure known so far" if value is None else f"failed {spell(value)} before"
    return {
        "lines": f"lines in the last {near}: {value:,}",
        "lines_long": f"lines in the last {far}: {value:,}",
        "trouble": f"lines that tell of trouble in the last {near}: {value:,}",
        "trouble_long": f"lines that tell of trouble in the last {far}: {value:,}",
        "kinds": f"kinds of lines in the last {near}: {value:,}",
        "fresh": f"kinds of lines in the last {near} and not before, in {far}: {value:,}",
        "new": f"lines in the last {near} of kinds never seen before: {value:,}",
        "burst": f"{value:.2g} times as many lines as before, in the last {near}",
        "silence": f"silent for {spell(value)}",
    }[name]
