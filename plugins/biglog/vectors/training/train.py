"""From corpus to a calibrated model directory: ``python -m biglog.vectors.training.train``."""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from random import Random

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertForMaskedLM

from biglog.vectors.checkpoint import (
    build_model,
    find_weights,
    read_config,
    read_tokenizer,
    read_weights,
)
from biglog.vectors.encoder import load_encoder
from biglog.vectors.training.contrastive import contrast_loss
from biglog.vectors.training.corpus import Corpus, build_corpus, licence_table
from biglog.vectors.training.kinds import (
    Kind,
    choose_slots,
    fill_places,
    fill_slots,
    read_slots,
)
from biglog.vectors.training.loop import Losses, Stage, run_stage
from biglog.vectors.training.mlm import MaskedBatches, masked_loss
from biglog.vectors.training.recipes import Recipe
from biglog.vectors.training.sampling import Sampler
from biglog.vectors.training.team import join_team
from biglog.vectors.training.tokenizer import save_tokenizer, train_tokenizer

log = logging.getLogger(__name__)
_ENDLESS = 1_000_000  # steps, where the clock ends a stage
_TIED = ("cls.predictions.decoder.weight", "cls.predictions.decoder.bias")
_HEAD_TOKENS = 16_384  # a batch of the last stage, which trains the small language head alone


def main(arguments: list[str] | None = None) -> None:
    """Train as asked and say where the model is."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    asked = _parser().parse_args(arguments)
    torch.set_num_threads(asked.threads)
    recipe = Recipe(
        masked_share=asked.masked_share,
        masked_steps=asked.masked_steps,
        pair_steps=asked.pair_steps,
        begin=str(asked.begin or ""),
        seed=asked.seed,
    )
    corpus = build_corpus(logs=asked.logs, packages=asked.packages)
    for row in licence_table(corpus):
        log.info(row)
    train(corpus, recipe, asked.out, work=asked.work, minutes=asked.minutes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Train a small bilingual encoder of log events.")
    parser.add_argument("--out", type=Path, required=True, help="model directory to write")
    parser.add_argument(
        "--minutes", type=float, default=33, help="training time, when steps are not given"
    )
    parser.add_argument(
        "--from", dest="begin", type=Path, help="model directory to go on from, vocabulary included"
    )
    parser.add_argument(
        "--masked-share",
        type=float,
        default=0.4,
        help="share of the minutes for masked language modelling; 0 leaves it out",
    )
    parser.add_argument(
        "--masked-steps", type=int, default=0, help="steps of masked language modelling"
    )
    parser.add_argument("--pair-steps", type=int, default=0, help="steps of contrast")
    parser.add_argument("--logs", type=Path, help="folder of permissive recorded logs")
    parser.add_argument("--packages", type=Path, help="folder of unpacked packages")
    parser.add_argument("--work", type=Path, default=Path("training-work"), help="checkpoints")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=17)
    return parser


def train(corpus: Corpus, recipe: Recipe, out: Path, *, work: Path, minutes: float) -> None:
    """Both stages, then the model directory with its calibration; goes on where it was killed."""
    work.mkdir(parents=True, exist_ok=True)
    texts = training_texts(corpus, recipe.seed)
    tokenizer = _keep_tokenizer(work / "tokenizer.json", texts, recipe)
    recipe = replace(recipe, vocabulary=tokenizer.get_vocab_size())
    model = new_model(recipe).to(join_team().device)
    rows = [row.ids[:64] for row in tokenizer.encode_batch(texts)]
    kinds = corpus.part("train")
    losses: dict[str, Losses] = {
        "masked": MaskedLoss(rows, recipe, model),
        "contrast": PairLoss(kinds, corpus.terms, recipe, model, tokenizer),
        "head": HeadLoss(rows, replace(recipe, masked_tokens=_HEAD_TOKENS), model),
    }
    done = {}
    for stage in plan_stages(recipe, minutes):
        done[stage.name] = run_stage(
            model, stage, losses[stage.name], checkpoint=work / f"{stage.name}.pt"
        )
    report = {
        "recipe": asdict(recipe),
        "stages": {name: asdict(outcome) for name, outcome in done.items()},
        "minutes": round(sum(outcome.seconds for outcome in done.values()) / 60, 1),
        "texts": len(texts),
        "tokens": sum(map(len, rows)),
        "sources": [asdict(source) for source in corpus.sources],
    }
    write_model(model, tokenizer, out, report)


def plan_stages(recipe: Recipe, minutes: float) -> list[Stage]:
    """Each stage by its steps where the recipe gives them, else by its share of the minutes."""
    shares = (recipe.masked_share, 1 - recipe.masked_share)
    masked, contrast = (
        (steps, 0.0) if steps else (_ENDLESS, 60 * minutes * share)
        for steps, share in zip((recipe.masked_steps, recipe.pair_steps), shares, strict=True)
    )
    stages = [
        Stage("masked", masked[0], 5e-4, seed=recipe.seed, seconds=masked[1]),
        Stage("contrast", contrast[0], 4e-4, seed=recipe.seed, seconds=contrast[1]),
        Stage("head", recipe.head_steps, 2e-3, seed=recipe.seed),
    ]
    return stages if recipe.masked_share or recipe.masked_steps else stages[1:]


def _keep_tokenizer(path: Path, texts: list[str], recipe: Recipe) -> Tokenizer:
    """Trained once for a work folder: a resumed run must number its pieces as the first did."""
    if path.exists():
        return Tokenizer.from_file(str(path))
    if recipe.begin:
        tokenizer = read_tokenizer(Path(recipe.begin), read_config(Path(recipe.begin)))
    else:
        tokenizer = train_tokenizer(texts, size=recipe.vocabulary)
    tokenizer.no_truncation()
    tokenizer.save(str(path))
    return tokenizer


class MaskedLoss:
    """The masked language modelling of the batch that belongs to a step."""

    def __init__(self, rows: list[list[int]], recipe: Recipe, model: BertForMaskedLM) -> None:
        self.model = model
        self.batches = MaskedBatches(
            rows, tokens=recipe.masked_tokens, vocabulary=recipe.vocabulary, seed=recipe.seed
        )

    def __call__(self, step: int) -> torch.Tensor:
        return masked_loss(self.model, self.batches.batch(step))


class HeadLoss(MaskedLoss):
    """The same of the language head alone: the encoder stays as it is."""

    def __call__(self, step: int) -> torch.Tensor:
        return masked_loss(self.model, self.batches.batch(step), head_only=True)


class PairLoss:
    """The contrast of the batch that belongs to a step."""

    def __init__(
        self,
        kinds: Sequence[Kind],
        terms: dict[str, tuple[str, ...]],
        recipe: Recipe,
        model: BertForMaskedLM,
        tokenizer: Tokenizer,
    ) -> None:
        self.sampler = Sampler(kinds, terms, Random(recipe.seed))
        self.recipe, self.model, self.tokenizer = recipe, model, tokenizer

    def __call__(self, step: int) -> torch.Tensor:
        self.sampler.rng.seed(f"{self.recipe.seed}:{step}")
        pairs = self.sampler.batch(self.recipe.pairs)
        return contrast_loss(self.model.bert, self.tokenizer, pairs)


def training_texts(corpus: Corpus, seed: int) -> list[str]:
    """Every text for the vocabulary and for masked modelling, parameters sampled, some switched.

    Texts of held-out kinds are left out.
    """
    rng = Random(seed)
    kinds = corpus.part("train")
    sampler = Sampler(kinds, corpus.terms, rng)
    slots = read_slots()
    texts = list(corpus.sentences)
    for kind in kinds:
        for text in kind.texts:
            copies = 4 if kind.source == "events" else 2 if len(kind.texts) > 1 else 1
            filled = [
                fill_places(fill_slots(text, choose_slots(slots, rng)), rng) for _ in range(copies)
            ]
            texts += filled
        if len(kind.texts) > 1:
            texts.append(
                " ; ".join(
                    fill_places(fill_slots(t, choose_slots(slots, rng)), rng)
                    for t in kind.texts[:3]
                )
            )
        texts.append(sampler.switch(fill_places(kind.texts[0], rng), share=0.6))
    return texts


def new_model(recipe: Recipe) -> BertForMaskedLM:
    """A model of random weights, or with those of the directory it begins from."""
    torch.manual_seed(recipe.seed)
    config = BertConfig(
        vocab_size=recipe.vocabulary,
        hidden_size=recipe.hidden,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        intermediate_size=4 * recipe.hidden,
        max_position_embeddings=recipe.positions,
        hidden_dropout_prob=0.1,
        attention_probs_dropout_prob=0.1,
    )
    if not recipe.begin:
        return BertForMaskedLM(config)
    begun = build_model(Path(recipe.begin))
    model = BertForMaskedLM(begun.config)
    model.bert.load_state_dict(begun.state_dict())
    _take_head(model, Path(recipe.begin))
    return model


def _take_head(model: BertForMaskedLM, directory: Path) -> None:
    """The language head's weights too, where the directory has them; they begin anew otherwise."""
    stored = read_weights(find_weights(directory))
    wanted = model.cls.state_dict()
    head = {
        name: stored[f"cls.{name}"]
        for name, value in wanted.items()
        if f"cls.{name}" in stored and stored[f"cls.{name}"].shape == value.shape
    }
    if not head:
        log.warning("%s has no language head: it is learned anew", directory)
        return
    if "predictions.bias" in head:
        head["predictions.decoder.bias"] = head["predictions.bias"]
    head.pop("predictions.decoder.weight", None)  # the word embeddings, tied
    model.cls.load_state_dict({**wanted, **head})


def write_model(
    model: BertForMaskedLM, tokenizer: Tokenizer, out: Path, report: dict[str, object]
) -> None:
    """Config, weights in fp16, vocabulary, the training report, and a calibration fitted anew.

    The language head's last layer is the word embeddings again and is not stored twice.
    """
    out.mkdir(parents=True, exist_ok=True)
    state = {name: value.half().contiguous() for name, value in model.state_dict().items()}
    kept = {k: v for k, v in state.items() if "pooler" not in k and k not in _TIED}
    save_file(kept, out / "model.safetensors", {"format": "pt"})
    config = {**model.config.to_dict(), "architectures": ["BertForMaskedLM"], "dtype": "float32"}
    config.pop("_name_or_path", None)
    (out / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    save_tokenizer(tokenizer, out)
    digest = hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest()
    (out / "training.json").write_text(json.dumps({**report, "sha256": digest}, indent=1) + "\n")
    (out / "calibration.json").unlink(missing_ok=True)
    log.info("%s is ready: %s", out, load_encoder(out).model_id)


if __name__ == "__main__":
    main()
