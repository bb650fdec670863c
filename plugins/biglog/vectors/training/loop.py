"""One stage of training: the same steps whether it runs through or is killed and resumed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from biglog.vectors.training.team import Team

log = logging.getLogger(__name__)
ALONE = Team(torch.device("cpu"))

# A step's loss, whole or in parts that are summed: of a large batch only one part is in memory.
Losses = Callable[[int], torch.Tensor | Iterable[torch.Tensor]]


@dataclass(frozen=True, slots=True)
class Stage:
    name: str
    steps: int
    learning_rate: float
    seed: int = 17
    warm_up: float = 0.05
    weight_decay: float = 0.01
    clip: float = 1.0
    save_every: int = 200


@dataclass(frozen=True, slots=True)
class Outcome:
    steps: int
    loss: float  # running mean; nan before the first step
    seconds: float = 0.0  # spent on it, earlier runs included


@dataclass(frozen=True, slots=True)
class Step:
    """A step that has been made: its number from 1, and the share of the stage behind it."""

    stage: str
    number: int
    done: float
    loss: float  # running mean
    rate: float


def log_step(step: Step) -> None:
    """Say every fifty steps how far it is."""
    if step.number % 50 == 0:
        share = 100 * step.done
        log.info("%s step %d, %.0f %% done, loss %.4f", step.stage, step.number, share, step.loss)


def run_stage(
    model: torch.nn.Module,
    stage: Stage,
    loss_of: Losses,
    *,
    checkpoint: Path | None = None,
    team: Team = ALONE,
    watch: Callable[[Step], None] | None = log_step,
) -> Outcome:
    """Train for the stage's steps, from its checkpoint if there is one."""
    optimiser = torch.optim.AdamW(_groups(model, stage), lr=stage.learning_rate)
    parts = {"model": model, "optimiser": optimiser}
    earlier = _resume(parts, stage, checkpoint)
    checkpoint = checkpoint if team.writes else None
    mean, begun = earlier.loss, time.monotonic() - earlier.seconds
    step = earlier.steps
    model.train()
    while step < stage.steps:
        for group in optimiser.param_groups:
            group["lr"] = stage.learning_rate * _rate(step / stage.steps, stage.warm_up)
        # Drawn anew for each step, so that a resumed training drops out what the first would have.
        torch.manual_seed(stage.seed * 1_000_003 + step * 4_099 + team.rank)
        value = _advance(model, optimiser, stage, loss_of(step), team)
        mean = value if mean != mean else 0.98 * mean + 0.02 * value
        step += 1
        if watch:
            rate = float(optimiser.param_groups[0]["lr"])
            watch(Step(stage.name, step, step / stage.steps, mean, rate))
        if checkpoint and step % stage.save_every == 0:
            _save(parts, stage, Outcome(step, mean, time.monotonic() - begun), checkpoint)
    outcome = Outcome(step, mean, round(time.monotonic() - begun, 1))
    if checkpoint and step > earlier.steps:
        _save(parts, stage, outcome, checkpoint)
    return outcome if step > earlier.steps else earlier


def _advance(
    model: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    stage: Stage,
    loss: torch.Tensor | Iterable[torch.Tensor],
    team: Team,
) -> float:
    optimiser.zero_grad(set_to_none=True)
    total = 0.0
    for part in [loss] if isinstance(loss, torch.Tensor) else loss:
        part.backward()
        total += float(part.detach())
    team.join_gradients(model)
    torch.nn.utils.clip_grad_norm_(model.parameters(), stage.clip)
    optimiser.step()
    return total


def _rate(done: float, warm_up: float) -> float:
    """Linear warm-up, then linear decay to zero."""
    return (done + 0.002) / (warm_up + 0.002) if done < warm_up else (1 - done) / (1 - warm_up)


def _groups(model: torch.nn.Module, stage: Stage) -> list[dict[str, object]]:
    """Biases and layer norms are not decayed."""
    plain = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    bare = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    return [
        {"params": plain, "weight_decay": stage.weight_decay},
        {"params": bare, "weight_decay": 0.0},
    ]


def _save(parts: dict[str, Any], stage: Stage, outcome: Outcome, path: Path) -> None:
    """Written beside and renamed, so that a kill leaves the old checkpoint whole."""
    state = {name: part.state_dict() for name, part in parts.items()}
    fresh = path.with_suffix(".tmp")
    torch.save(
        {
            **state,
            "outcome": asdict(outcome),
            "stage": asdict(stage),
        },
        fresh,
    )
    fresh.replace(path)


def _resume(parts: dict[str, Any], stage: Stage, path: Path | None) -> Outcome:
    """What the checkpoint holds into the parts; nothing without one of the very same stage."""
    if path is None or not path.exists():
        return Outcome(0, float("nan"))
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["stage"] != asdict(stage):
        return Outcome(0, float("nan"))
    for name, part in parts.items():
        part.load_state_dict(state[name])
    earlier = Outcome(**state["outcome"])
    log.info("%s resumes at step %d", stage.name, earlier.steps)
    return earlier


def autocast(device: torch.device) -> torch.autocast:
    """bf16 arithmetic where the device has it (weights stay fp32): 3 times faster.

    A processor with AVX-512 alone emulates it, which is slower than fp32.
    """
    has_it = device.type == "cuda" or torch.cpu._is_avx512_bf16_supported()
    return torch.autocast(device.type, torch.bfloat16, enabled=has_it)
