"""Predicting failures of hosts from their logs: what is learnt from told failures, and warnings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl
from pydantic import TypeAdapter, ValidationError
from scipy.sparse import csr_matrix

from biglog import __version__, offline
from biglog.errors import BadInput
from biglog.findings.learned import boosted, choose, linear, methods
from biglog.findings.learned.boosted import Boosted
from biglog.findings.learned.linear import Linear
from biglog.findings.learned.reasons import shown
from biglog.learning import failures_measured as measured
from biglog.learning.directory import Arrays, Card
from biglog.learning.failures_measured import CHOOSE, FIT, TEST
from biglog.learning.failures_said import tell
from biglog.learning.failures_told import SECOND, Ahead, episodes, spell
from biglog.learning.failures_windows import (
    SIGNS,
    Tally,
    Windows,
    cells_of,
    see,
    tally,
    usual_nearness,
    usual_templates,
)
from biglog.learning.verdicts import about_half
from biglog.records import Labels, Scores, Template

OF = "hosts"
"""What the card of such a model is of."""
MOST_TEMPLATES = 1_000
MOST_ROWS = 50_000
"""Windows before no failure that are learnt from; of more, so many are drawn, weighing more."""
AT_ONCE = 20_000
"""Windows that are scored at once."""
SEED = 17

Model = Linear | Boosted
READS: dict[str, Callable[[Arrays], Model]] = {
    "lr": linear.from_arrays,
    "boosted": boosted.from_arrays,
}
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What of a model is not numbers."""

    horizon: int
    lead: int
    by: str
    one_host: bool
    share: float  # of windows before no failure that may be warned of
    columns: int = 0  # the first templates of the card, whose lines are counted
    unknown: float = 0.0  # nearness of the last failure, where none is known
    last: Mapping[str, int] = field(default_factory=dict)  # each host's last failure, microseconds
    plain: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)

    @property
    def look(self) -> Ahead:
        return Ahead(self.horizon, self.lead)


@dataclass(frozen=True, slots=True)
class Learnt:
    method: str
    model: Model
    bar: float
    candidates: Mapping[str, float]


def train(
    files: Sequence[Path], told: pl.DataFrame, plan: Plan, *,
    format: str = "auto", seed: int = SEED, say: Progress = lambda _: None,
) -> tuple[Card, Arrays]:  # fmt: skip
    """A model of what hosts say before they fail, ready to be kept.

    ``told`` is what ``read_failures`` gives; of ``plan`` horizon, lead, by, one_host and share are
    read. The earliest failures are learnt from, later ones choose the method and the threshold, and
    on the last ones the figures are measured. Raises BadInput where a part has no failure, no time
    without one, or no window before one.
    """
    known: dict[str, Template] = {}
    look = plan.look
    batches = offline.parse_files(files, format, catalogue=known)
    counted = tally(batches, known, look, by=plan.by, one_host=plan.one_host)
    check_hosts(told, counted.sums["host"])
    every = episodes(told, look)
    failed = within(every, counted, look)
    parts = measured.cut(failed, look)
    windows = see(counted, told, look)
    until = max(counted.until, int(failed["begins"][-1]))
    rows = measured.label(windows.rows, failed, look, until)
    part = measured.part_of(rows, parts, look)
    check_parts(rows, part)
    lines = f"{counted.lines:,} lines ({counted.untimed:,} without time or host)"
    hosts = f"{rows['host'].n_unique():,} hosts, {rows.height:,} windows"
    outside = every.height - failed.height
    say(f"{lines}, {hosts}, {failed.height:,} failures ({outside:,} more outside of the files)")
    names = usual_templates(windows, rows.filter(part == FIT)["row"], MOST_TEMPLATES)
    unknown = usual_nearness(rows.filter(part == FIT), look)
    cells = cells_of(windows, names, look, unknown=unknown)
    learnt = learn(cells, rows["odd"], part, plan.share, seed)
    late = failed.filter(pl.col("begins") > parts.test)
    figures, beside = examine(rows, part, cells, learnt, late, plan)
    last = dict(told.group_by("host").agg(pl.col("time").max()).sort("host").iter_rows())
    made = replace(plan, columns=len(names), unknown=unknown, last=last, plain=beside)
    data = {"lines": counted.lines, "windows": rows.height, "failures": failed.height}
    card = Card(
        biglog=__version__, of=OF, method="auto", members=(learnt.method,), threshold=learnt.bar,
        threshold_by=f"{plan.share:.2%} of the windows before no failure, of those that chose",
        figures=figures, candidates=learnt.candidates, data=data, encoder="none", seed=seed,
        plan=TypeAdapter(Plan).dump_python(made), templates=ordered(known, names), format=format,
    )  # fmt: skip
    return card, learnt.model.arrays()


def ordered(known: Mapping[str, Template], first: Sequence[str]) -> tuple[Template, ...]:
    rest = sorted(known.keys() - set(first))
    return tuple(known[one] for one in [*first, *rest])


def check_hosts(told: pl.DataFrame, hosts: pl.Series) -> None:
    if not told["host"].is_in(hosts.unique().implode()).any():
        raise BadInput(
            f"none of the {told.height:,} failures is of a host of the files: the first failure is "
            f"of {shown(told['host'][0])!r}, the files' hosts begin with "
            f"{shown(hosts.unique().sort()[0])!r}; mend the names, or give --by REGEX"
        )


def within(failed: pl.DataFrame, counted: Tally, look: Ahead) -> pl.DataFrame:
    """The failures of hosts of the files that begin in the files' time, or just after it."""
    ends = counted.until + look.horizon * SECOND
    known = pl.col("host").is_in(counted.sums["host"].unique().implode())
    return failed.filter(known & pl.col("begins").is_between(counted.since, ends))


def check_parts(rows: pl.DataFrame, part: pl.Series) -> None:
    """Raises BadInput unless there is something to learn from and something to choose by."""
    for name, what in ((FIT, "learn from"), (CHOOSE, "choose by"), (TEST, "test on")):
        odd = rows.filter(part == name)["odd"]
        for value, missing in ((1, "before a failure"), (0, "before no failure")):
            if not (odd == value).any():
                raise BadInput(
                    f"of the windows to {what} none is {missing}: the hosts said nothing then, or "
                    "were always close to a failure; give logs of a longer time, or another "
                    "--horizon"
                )


def learn(cells: csr_matrix, odd: pl.Series, part: pl.Series, share: float, seed: int) -> Learnt:
    """Both methods on the first part; the second part chooses one, and its threshold."""
    rows = drawn(np.flatnonzero((part == FIT) & odd.is_not_null()), odd, seed)
    truth = odd.gather(rows).to_numpy()
    others = int((odd.filter((part == FIT) & (odd == 0))).len())
    weights = np.where(truth == 1, 1.0, others / max(int((truth == 0).sum()), 1))
    even = methods.balanced(truth, weights)
    made: dict[str, Model] = {
        "lr": linear.fit_lr(cells[rows], truth, even, scales=scales(cells[rows]), seed=seed),
        "boosted": boosted.fit_boosted(cells[rows], truth, even, seed=seed),
    }
    later = np.flatnonzero((part == CHOOSE) & odd.is_not_null())
    late = odd.gather(later).to_numpy()
    scores = {name: score(one, cells[later]) for name, one in made.items()}
    ones = np.ones(len(late))
    found = {name: choose.average_precision(late, one, ones) for name, one in scores.items()}
    best = choose.first_of_the_best(found)
    bar = measured.bar_at(late, scores[best], share)
    return Learnt(best, made[best], bar, {name: round(one, 4) for name, one in found.items()})


def drawn(rows: Labels, odd: pl.Series, seed: int) -> Labels:
    """All rows before a failure, and MOST_ROWS of the others at most."""
    truth = odd.gather(rows).to_numpy()
    others = rows[truth == 0]
    if len(others) > MOST_ROWS:
        others = np.random.default_rng(seed).choice(others, MOST_ROWS, replace=False)
    return np.sort(np.concatenate([rows[truth == 1], others]))


def scales(cells: csr_matrix) -> Scores:
    """Factors that bring the signs to a spread of one, as counts of templates have at most."""
    factors = np.ones(cells.shape[1])
    signs = cells[:, -len(SIGNS) :].toarray()
    factors[-len(SIGNS) :] = 1.0 / np.maximum(signs.std(axis=0), 1.0)
    return factors


def score(model: Model, cells: csr_matrix) -> Scores:
    starts = range(0, cells.shape[0], AT_ONCE)
    return np.concatenate([model.score(cells[at : at + AT_ONCE]) for at in starts] or [np.zeros(0)])


def examine(
    rows: pl.DataFrame, part: pl.Series, cells: csr_matrix, learnt: Learnt, late: pl.DataFrame,
    plan: Plan,
) -> tuple[dict[str, float | int | str | None], dict[str, dict[str, float | None]]]:  # fmt: skip
    """Figures on the last part; and beside them how well what needs no learning ranks."""
    asked = (part == TEST) & rows["odd"].is_not_null()
    mine = rows.filter(asked)
    scores = score(learnt.model, cells[np.flatnonzero(asked)])
    figures = measured.measure(mine, scores, learnt.bar, late, plan.look, plan.share)
    odd = mine["odd"].to_numpy()
    beside = {
        name: measured.rank(odd, one, plan.share) for name, one in measured.plain(mine).items()
    }
    return dict(figures), beside


def read_plan(card: Card) -> Plan:
    """Raises BadInput for a card of another kind of model, or a damaged one."""
    try:
        return TypeAdapter(Plan).validate_python(dict(card.plan))
    except ValidationError as error:
        words = error.errors()[0]["msg"]
        raise BadInput(f"the model's plan is not one of failures ({words}); train again") from error


def predict(
    files: Sequence[Path], card: Card, arrays: Arrays, told: pl.DataFrame | None = None
) -> pl.DataFrame:
    """A row per host and window: host, at (its end, UTC), score, warning and reason.

    In order of time. A score of .5 is the threshold; a warning has a reason. ``told`` are failures
    since training; each window knows those up to its end.
    """
    plan = read_plan(card)
    known = {one.template_id: one for one in card.templates}
    batches = offline.parse_files(files, card.format, catalogue=known)
    counted = tally(batches, known, plan.look, by=plan.by, one_host=plan.one_host)
    past = pl.DataFrame(
        list(plan.last.items()), {"host": pl.String, "time": pl.Int64}, orient="row"
    )
    failures = past if told is None else pl.concat([past, told])
    usual = [one.template_id for one in card.templates]
    windows = see(counted, failures, plan.look, usual=usual)
    try:
        return warn(windows, known, card, arrays, plan)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise BadInput(
            f"the model is not whole ({type(error).__name__}: {shown(str(error))}); train again"
        ) from error


def warn(
    windows: Windows, known: Mapping[str, Template], card: Card, arrays: Arrays, plan: Plan
) -> pl.DataFrame:
    names = [one.template_id for one in card.templates[: plan.columns]]
    cells = cells_of(windows, names, plan.look, unknown=plan.unknown)
    model = READS[card.members[0]](arrays)
    scores = about_half(score(model, cells), card.threshold)
    warned = scores >= 0.5
    reasons = np.full(len(scores), "", dtype=object)
    patterns = [known[one].pattern for one in names]
    for at, words in tell(model, cells, np.flatnonzero(warned), windows, patterns, plan.look):
        reasons[at] = words or f"as windows before failures, all in all ({scores[at]:.2f})"
    times = pl.from_epoch(windows.rows["at"], time_unit="us").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return pl.DataFrame(
        {
            "host": windows.rows["host"],
            "at": times,
            "score": scores.round(4),
            "warning": warned,
            "reason": pl.Series(reasons.tolist(), dtype=pl.String),
        }
    )


def described(card: Card) -> str:
    """What was measured on the last failures, in one line, beside the best that learns nothing."""
    seen = card.figures
    lead = seen["lead_median"]
    early = f" (median {spell(float(lead))} before)" if lead else ""
    ranked = read_plan(card).plain
    best = max(ranked, key=lambda one: ranked[one]["average_precision"] or 0.0)
    return (
        f"on later windows it warned of {seen['warned']} of {seen['failures']} failures{early}, "
        f"precision {said(seen['precision'])}, recall {said(seen['recall'])}, "
        f"{said(seen['false_alarms_a_day'])} false alarms a day; AP "
        f"{said(seen['average_precision'])}, base rate {said(seen['base_rate'])}, best without "
        f"learning ({best}) {said(ranked[best]['average_precision'])}"
    )


def said(value: float | int | str | None) -> str:
    return "-" if value is None else f"{float(value):.3g}"
