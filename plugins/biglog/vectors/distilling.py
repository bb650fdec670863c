"""A model with fewer layers that learns to give another's vectors (distillation).

The layers it begins with are spread evenly over the teacher's (Sanh et al., 2019); the loss is one
less the cosine of centred vectors, which is what every comparison of texts is made of.
"""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import BertForMaskedLM

from biglog.errors import BadInput
from biglog.records import Labels, Vectors
from biglog.vectors.encoder import BertEncoder, load_encoder
from biglog.vectors.training.loop import Outcome, Stage, autocast, run_stage
from biglog.vectors.training.mlm import pad
from biglog.vectors.training.model import new_model, write_model
from biglog.vectors.training.prepared import Request, Texts, alone, encode, prepare, read_texts
from biglog.vectors.training.pretrain import finished
from biglog.vectors.training.recipes import Recipe
from biglog.vectors.training.team import Team, join_team

log = logging.getLogger(__name__)
TOKENS = 2_048
"""A step, padding aside."""
RATE = 5e-4
_TARGETS, _STEPS = "targets.npy", "steps.json"
_TIMED = 10  # steps, for how many the minutes hold


@dataclass(frozen=True, slots=True)
class Lesson:
    """Who is learnt from, by how small a model and for how long."""

    teacher: Path
    out: Path
    layers: int = 0  # 0: half of the teacher's
    steps: int = 0  # 0: as many as the minutes hold, by the first few
    minutes: float = 10.0
    seed: int = 17


def distil(lesson: Lesson, texts: Texts, work: Path) -> dict[str, Any]:
    """Write the student's directory, whole or not at all; the report that is kept with it.

    Killed at any moment, the same call goes on from the last checkpoint. Raises BadInput where
    something else lies there, and for a number of layers that makes nothing smaller.
    """
    teacher = load_encoder(lesson.teacher)
    recipe = recipe_of(lesson, teacher)
    with alone(work):
        request = prepare(work, Request(recipe, str(lesson.out)), texts, None)
        if done := finished(lesson.out, request):
            log.info("%s is ready already", lesson.out)
            return done
        student, outcome = teach(teacher, recipe, lesson, work)
        report = {
            "request": asdict(request),
            "recipe": asdict(recipe),
            "teacher": teacher.model_id,
            "stages": {"distil": asdict(outcome)},
            "minutes": round(outcome.seconds / 60, 1),
            "texts": len(read_texts(work).fresh),
            "data": request.data,
        }
        keep(student, work, lesson.out, report)
        (work / "distil.pt").unlink(missing_ok=True)
    return dict(json.loads((lesson.out / "training.json").read_text("utf-8")))


def recipe_of(lesson: Lesson, teacher: BertEncoder) -> Recipe:
    """The sizes are the teacher's but for the layers."""
    config = teacher.model.config
    most = int(config.num_hidden_layers)
    layers = lesson.layers or most // 2
    if not 0 < layers < most:
        raise BadInput(
            f"got {layers} layers for a model of {most}, expected 1 to {most - 1}: give --layers"
        )
    return Recipe(
        vocabulary=int(config.vocab_size),
        hidden=int(config.hidden_size),
        layers=layers,
        heads=int(config.num_attention_heads),
        positions=int(config.max_position_embeddings),
        begin=str(teacher.directory.resolve()),
        seed=lesson.seed,
    )


def teach(
    teacher: BertEncoder, recipe: Recipe, lesson: Lesson, work: Path
) -> tuple[BertForMaskedLM, Outcome]:
    """The student as it is after the last step, those of earlier runs included."""
    known = read_texts(work).fresh
    texts = [text for text, ok in zip(known, teacher.readable(known), strict=True) if ok]
    team = join_team()
    student = thin(new_model(recipe), recipe.layers).to(team.device)
    tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
    rows = encode(tokenizer, texts, min(recipe.longest, recipe.positions))
    targets = read_targets(teacher, texts, work / _TARGETS)
    loss = VectorLoss(student, rows, targets, np.array(teacher.calibration.mean), recipe.seed, team)
    steps = lesson.steps or plan_steps(loss, 60 * lesson.minutes, work / _STEPS)
    stage = Stage("distil", steps, RATE, seed=recipe.seed, save_every=50)
    return student, run_stage(student, stage, loss, checkpoint=work / "distil.pt")


def thin(model: BertForMaskedLM, layers: int) -> BertForMaskedLM:
    """The model with so many of its layers, evenly spread, the last among them."""
    every = model.bert.encoder.layer
    places = [round((number + 1) * len(every) / layers) - 1 for number in range(layers)]
    model.bert.encoder.layer = torch.nn.ModuleList(every[place] for place in places)
    model.config.num_hidden_layers = layers
    return model


def plan_steps(loss: VectorLoss, seconds: float, path: Path) -> int:
    """How many steps the time holds, planned once for a work folder and a time."""
    kept: dict[str, int] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    if not (steps := kept.get(str(seconds))):
        torch.autograd.backward(loss(0))  # the first one of a process is slow
        begun = time.monotonic()
        for step in range(_TIMED):
            torch.autograd.backward(loss(step))
        loss.model.zero_grad(set_to_none=True)
        steps = max(1, int(seconds * _TIMED / (time.monotonic() - begun)))
        path.write_text(json.dumps(kept | {str(seconds): steps}), "utf-8")
    return steps


def read_targets(teacher: BertEncoder, texts: Sequence[str], path: Path) -> Vectors:
    """The teacher's vector of each text, embedded once for a work folder."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.tmp")
        with draft.open("wb") as file:
            np.save(file, teacher.encode(texts))
        draft.replace(path)
    return np.asarray(np.load(path), np.float32)


class VectorLoss:
    """One less the cosine of the student's vector to the teacher's, of the texts of a step."""

    def __init__(
        self,
        model: BertForMaskedLM,
        rows: Sequence[Sequence[int]],
        targets: Vectors,
        mean: Vectors,
        seed: int,
        team: Team,
    ) -> None:
        self.model, self.rows, self.seed = model, rows, seed
        self.targets = torch.from_numpy(targets).to(team.device)
        self.mean = torch.from_numpy(mean).float().to(team.device)
        self.lengths = np.array([len(row) for row in rows])
        self.epoch = -1
        self.batches: list[Labels] = []

    def __call__(self, step: int) -> torch.Tensor:
        chosen = self.batch(step)
        said = self.embed([self.rows[place] for place in chosen.tolist()])
        return (1.0 - (said * self.targets[torch.from_numpy(chosen)]).sum(1)).mean()

    def batch(self, step: int) -> Labels:
        """Places of texts of like length, the same for the same step."""
        per_epoch = int(self.lengths.sum()) // TOKENS + 1
        if step // per_epoch != self.epoch:
            self.epoch = step // per_epoch
            rng = np.random.default_rng((self.seed, self.epoch))
            order = np.argsort(self.lengths + rng.uniform(0, 2, len(self.rows)), kind="stable")
            self.batches = np.array_split(order, min(per_epoch, len(order)))
            rng.shuffle(self.batches)
        return self.batches[step % per_epoch % len(self.batches)]

    def embed(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """Unit vectors, the teacher's mean taken off."""
        ids = torch.from_numpy(pad(rows)).to(self.mean.device)
        mask = (ids != 0).long()
        with autocast(self.mean.device):
            states = self.model.bert(ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).float()
        pooled = (states.float() * weights).sum(1) / weights.sum(1)
        centred = torch.nn.functional.normalize(pooled, dim=1) - self.mean
        return torch.nn.functional.normalize(centred, dim=1)


def keep(student: BertForMaskedLM, work: Path, out: Path, report: dict[str, Any]) -> None:
    draft = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    write_model(student, Tokenizer.from_file(str(work / "tokenizer.json")), draft, report)
    draft.replace(out)
