"""A BERT pre-trained on given texts, from nothing or from a model, old texts mixed in.

Whatever kills it, the same call goes on from the last checkpoint and ends with the same model.
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import BertForMaskedLM

from biglog.errors import BadInput
from biglog.vectors.training.contrastive import PairLoss
from biglog.vectors.training.corpus import Corpus
from biglog.vectors.training.guessing import Guessed, guess, guess_by_frequency, hide_held
from biglog.vectors.training.loop import Losses, Outcome, Stage, run_stage
from biglog.vectors.training.mixing import MixedBatches, MixedLoss, Rows, count_tokens
from biglog.vectors.training.mlm import Ids, special_of
from biglog.vectors.training.model import new_model, write_model
from biglog.vectors.training.prepared import (
    Request,
    Texts,
    alone,
    encode,
    prepare,
    read_kinds,
    read_request,
    read_texts,
)
from biglog.vectors.training.progress import Progress, read_curve
from biglog.vectors.training.recipes import Recipe
from biglog.vectors.training.team import Team, join_team, start_team, usual_size

log = logging.getLogger(__name__)
REPORT = "training.json"
_EVALUATIONS = 20  # of the held-out texts in a stage
_LEAST_APART = 10  # steps between two
_SAVES = 50  # checkpoints in a stage, but not nearer than this many steps
_BESIDE = 0.2  # weight of masked modelling beside contrast


@dataclass(slots=True)
class Job:
    """Everything a process trains with."""

    request: Request
    recipe: Recipe
    model: BertForMaskedLM
    tokenizer: Tokenizer
    fresh: Rows
    old: Rows
    held: dict[str, tuple[Ids, Ids]]
    team: Team


def pretrain(
    request: Request, texts: Texts, corpus: Corpus | None, work: Path, *, processes: int = 0
) -> dict[str, Any]:
    """The report of the model that ``request.out`` then is; one process per GPU where 0 is asked.

    The corpus is needed for contrast only. Raises BadInput where something else lies there.
    """
    out = Path(request.out)
    with alone(work) as lock:
        request = prepare(work, request, texts, corpus)
        if done := finished(out, request):
            log.info("%s is ready already", out)
            return done
        size = processes or usual_size()
        if size == 1:
            train_prepared(work, join_team())
        else:
            start_team(size, __spec__.name, str(work), lock=lock)
    return read_report(out)


def finished(out: Path, request: Request) -> dict[str, Any]:
    """The report of a model made for this very request; empty where nothing lies there."""
    if not out.exists():
        return {}
    report = read_report(out) if (out / REPORT).exists() else {}
    if report.get("request") != json.loads(json.dumps(asdict(request))):
        raise BadInput(
            f"{out} exists and was not made by this request, expected a new directory: give "
            "another --out, or delete it"
        )
    return report


def read_report(out: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((out / REPORT).read_text("utf-8"))
    return report


def train_prepared(work: Path, team: Team) -> None:
    """Train what the folder asks for; the first process of the team writes the model."""
    job = load_job(work, team)
    before = guess_held(job)
    losses = losses_of(job, work)
    with watching(job, work) as watch:
        done = {
            stage.name: run_stage(
                job.model,
                stage,
                losses[stage.name],
                checkpoint=work / f"{stage.name}.pt",
                team=team,
                watch=watch,
            )
            for stage in stages_of(job.recipe)
        }
    if team.writes:
        finish(job, work, done, before)
    team.wait()


def load_job(work: Path, team: Team) -> Job:
    request, texts = read_request(work), read_texts(work)
    tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
    recipe = replace(request.recipe, vocabulary=tokenizer.get_vocab_size())
    model = new_model(recipe).to(team.device)
    if team.device.type == "cpu":
        # Without dropout, the backward pass of fused attention takes half as long again there.
        model.set_attn_implementation("eager")
    longest = min(recipe.longest, model.config.max_position_embeddings)
    special = special_of(tokenizer)
    held = {
        name: hide_held(encode(tokenizer, part, longest), special, recipe.mask_share)
        for name, part in (("new", texts.fresh_held), ("old", texts.old_held))
        if part
    }
    fresh, old = (encode(tokenizer, part, longest) for part in (texts.fresh, texts.old))
    return Job(request, recipe, model, tokenizer, fresh, old, held, team)


def stages_of(recipe: Recipe) -> list[Stage]:
    """Masked modelling, then contrast, as far as the recipe has steps for them."""
    stages = (
        ("masked", recipe.masked_steps, recipe.masked_rate),
        ("contrast", recipe.pair_steps, recipe.pair_rate),
    )
    return [
        Stage(
            name,
            count,
            rate,
            seed=recipe.seed,
            warm_up=recipe.warm_up,
            weight_decay=recipe.weight_decay,
            clip=recipe.clip,
            save_every=max(_LEAST_APART, min(200, count // _SAVES)),
        )
        for name, count, rate in stages
        if count
    ]


def losses_of(job: Job, work: Path) -> dict[str, Losses]:
    recipe = job.recipe
    losses: dict[str, Losses] = {"masked": masked_loss_of(job, recipe.texts)}
    if recipe.pair_steps:
        kinds, terms = read_kinds(work)
        mine = replace(recipe, seed=recipe.seed + job.team.rank)  # each process draws its own pairs
        pairs = PairLoss(kinds, terms, mine, job.model, job.tokenizer)
        losses["contrast"] = both(pairs, masked_loss_of(job, recipe.beside))
    return losses


def masked_loss_of(job: Job, texts: int) -> MixedLoss:
    batches = MixedBatches(
        job.fresh,
        job.old,
        texts=texts,
        rehearsal=job.request.rehearsal,
        special=special_of(job.tokenizer),
        share=job.recipe.mask_share,
        seed=job.recipe.seed,
    )
    return MixedLoss(job.model, batches, job.team)


def both(pairs: PairLoss, masked: MixedLoss) -> Losses:
    """Contrast with some masked modelling beside it: alone, it would leave no language model."""

    def loss_of(step: int) -> Iterator[torch.Tensor]:
        yield pairs(step)
        for part in masked(step):
            yield _BESIDE * part

    return loss_of


@contextmanager
def watching(job: Job, work: Path) -> Iterator[Progress | None]:
    """The first process's progress; the others say nothing."""
    if not job.team.writes:
        yield None
        return
    most = max((stage.steps for stage in stages_of(job.recipe)), default=0)
    every = max(_LEAST_APART, most // _EVALUATIONS)
    progress = Progress(work, lambda: guess_held(job), every=every)
    try:
        yield progress
    finally:
        progress.close()


def guess_held(job: Job) -> dict[str, Guessed]:
    return {name: guess(job.model, held) for name, held in job.held.items()}


def finish(job: Job, work: Path, done: dict[str, Outcome], before: dict[str, Guessed]) -> None:
    """The model directory, whole or not at all; then the checkpoints are taken away."""
    out = Path(job.request.out)
    report = {
        "request": asdict(job.request),
        "recipe": asdict(job.recipe),
        "stages": {name: asdict(outcome) for name, outcome in done.items()},
        "minutes": round(sum(outcome.seconds for outcome in done.values()) / 60, 1),
        "processes": job.team.size,
        "device": str(job.team.device),
        "texts": len(job.fresh) + len(job.old),
        "tokens": count_tokens(job.fresh) + count_tokens(job.old),
        "data": job.request.data,
        "sources": [asdict(source) for source in job.request.sources],
        "held_out": compare(job, before),
        "curve": [asdict(point) for point in read_curve(work)],
    }
    draft = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    write_model(job.model, job.tokenizer, draft, report)
    draft.replace(out)
    for stage in done:
        (work / f"{stage}.pt").unlink(missing_ok=True)


def compare(job: Job, before: dict[str, Guessed]) -> dict[str, Any]:
    """New and old held-out texts: guessed by frequency, by the model before, and by it after."""
    special = special_of(job.tokenizer)
    after = guess_held(job)
    return {
        name: {
            "by frequency": asdict(guess_by_frequency(job.fresh, held, special)),
            "before": asdict(before[name]),
            "after": asdict(after[name]),
        }
        for name, held in job.held.items()
    }


def main() -> None:
    """One process of several: ``python -m torch.distributed.run … -m`` this module and a folder."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    train_prepared(Path(sys.argv[1]), join_team())


if __name__ == "__main__":
    main()
