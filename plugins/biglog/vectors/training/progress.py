"""What is seen of a training while it runs: a table in the log, curves for TensorBoard."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from biglog.vectors.training.guessing import Guessed
from biglog.vectors.training.loop import Step

log = logging.getLogger(__name__)
EVENTS, CURVE = "tensorboard", "curve.jsonl"
_SCALARS = 10  # steps between two points of the loss's curve

Measured = Mapping[str, Guessed]


@dataclass(frozen=True, slots=True)
class Point:
    """A row of the table: where a stage is, and what the held-out texts say."""

    stage: str
    step: int
    loss: float
    rate: float
    held: Measured


class Progress:
    """Notes every step; every so many, and at a stage's end, the held-out texts are guessed."""

    def __init__(self, work: Path, measure: Callable[[], Measured], *, every: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.curve = work / CURVE
        self.measure, self.every = measure, every
        self.writer = SummaryWriter(str(work / EVENTS), flush_secs=10)

    def __call__(self, step: Step) -> None:
        if step.number % _SCALARS == 0 or step.done >= 1:
            self._draw(step, {"loss": step.loss, "learning rate": step.rate})
        if step.number % self.every == 0 or step.done >= 1:
            self._measure(step)

    def _measure(self, step: Step) -> None:
        held = self.measure()
        point = Point(step.stage, step.number, step.loss, step.rate, held)
        with self.curve.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(point)) + "\n")
        for name, guessed in held.items():
            self._draw(
                step, {f"{name} held-out loss": guessed.loss, f"{name} accuracy": guessed.accuracy}
            )
        log.info(row(step, held))

    def _draw(self, step: Step, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self.writer.add_scalar(f"{step.stage}/{name}", value, step.number)

    def close(self) -> None:
        self.writer.close()


def row(step: Step, held: Measured) -> str:
    """One row of the table in the log."""
    said = [
        f"{step.stage:<9}{step.number:>7}{100 * step.done:>5.0f} %",
        f"loss {step.loss:8.4f}",
        f"rate {step.rate:.1e}",
        *(f"{name} {one.loss:.3f}, {one.accuracy:.1%} right" for name, one in held.items()),
    ]
    return "  ".join(said)


def read_curve(work: Path) -> list[Point]:
    """Every row so far, in order; one written twice, after a kill, counts once."""
    points = {(one.stage, one.step): one for one in _rows(work / CURVE)}
    return list(points.values())


def _rows(path: Path) -> Iterator[Point]:
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            said = json.loads(line)
        except ValueError:  # cut off by a kill; the step comes again
            continue
        held = {name: Guessed(**one) for name, one in said.pop("held").items()}
        yield Point(**said, held=held)
