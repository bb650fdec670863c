"""The processes that train one model together: one alone, or several, each on its own device."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

import torch

from biglog.errors import BigLogError


@dataclass(frozen=True, slots=True)
class Team:
    """This process's device, its number and how many there are; the first one writes."""

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def writes(self) -> bool:
        return self.rank == 0

    def join_gradients(self, model: torch.nn.Module) -> None:
        """Every process's gradients become their mean, in one exchange for all of them."""
        if self.size == 1:
            return
        found = [p.grad for p in model.parameters() if p.grad is not None]
        whole = torch.cat([one.flatten() for one in found])
        torch.distributed.all_reduce(whole)
        whole /= self.size
        parts = torch.split(whole, [one.numel() for one in found])
        for one, part in zip(found, parts, strict=True):
            one.copy_(part.view_as(one))

    def wait(self) -> None:
        """Go on once every process has come here."""
        if self.size > 1:
            torch.distributed.barrier()


def join_team() -> Team:
    """The process alone on the machine's GPU, else processor; or its place among those started."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Team(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    from accelerate import PartialState

    state = PartialState(cpu=not torch.cuda.is_available())
    return Team(state.device, int(state.process_index), int(state.num_processes))


def usual_size() -> int:
    """One process for each GPU, or one."""
    return max(1, torch.cuda.device_count())


def start_team(size: int, module: str, *arguments: str, lock: int) -> None:
    """Run a module in several processes of this machine until all are done.

    The open file that locks their folder stays open with them, should this process be killed.
    Raises BigLogError where one of them fails; why, it has said itself.
    """
    place = ["--standalone", "--nnodes", "1", "--nproc-per-node", str(size)]
    command = [sys.executable, "-m", "torch.distributed.run", *place, "-m", module, *arguments]
    done = subprocess.run(command, pass_fds=[lock], check=False)
    if done.returncode:
        raise BigLogError(
            f"training in {size} processes ended with exit code {done.returncode}, expected 0: "
            "the lines above say why; the same command goes on from the last checkpoint"
        )
