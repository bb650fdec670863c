"""A training's work folder: its texts, vocabulary and request, fixed before the first step.

Whoever goes on after a kill, or trains beside it, reads the same.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer

from biglog.errors import BadInput, TryAgain
from biglog.vectors.checkpoint import LOG_WORDS, digest_files, read_config, read_tokenizer
from biglog.vectors.training.corpus import Corpus, Source
from biglog.vectors.training.kinds import Kind
from biglog.vectors.training.mlm import special_of
from biglog.vectors.training.recipes import Recipe
from biglog.vectors.training.tokenizer import train_tokenizer

FEWEST = 40  # distinct texts to learn from
HELD_SHARE = 5  # percent of the texts, by their hash: a text that was held out once always is
MOST_HELD = 2_000


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be trained, and on what; in one folder every run of it makes the same model."""

    recipe: Recipe
    out: str
    rehearsal: float = 0.0  # share of each step's texts that are old ones
    sources: tuple[Source, ...] = ()
    data: str = ""  # sha256 over the texts, first 16 digits
    begun_from: str = ""  # sha256 over the files of the model it begins from, likewise


@dataclass(frozen=True, slots=True)
class Texts:
    """New and old texts, and what is held out of each."""

    fresh: list[str] = field(default_factory=list)
    fresh_held: list[str] = field(default_factory=list)
    old: list[str] = field(default_factory=list)
    old_held: list[str] = field(default_factory=list)


def part_texts(fresh: Iterable[str], old: Iterable[str]) -> Texts:
    """Distinct texts, each on one side; a text that is new and old is old.

    Raises BadInput for too few texts to learn from.
    """
    found = Texts()
    before = dict.fromkeys(old)
    for text in before:
        (found.old_held if is_held(text) else found.old).append(text)
    for text in dict.fromkeys(fresh):
        if text not in before:
            (found.fresh_held if is_held(text) else found.fresh).append(text)
    if len(found.fresh) < FEWEST:
        raise BadInput(
            f"the data has {len(found.fresh)} distinct texts to learn from, expected {FEWEST} at "
            "least: give more files, sources or dates"
        )
    return replace(
        found, fresh_held=found.fresh_held[:MOST_HELD], old_held=found.old_held[:MOST_HELD]
    )


def is_held(text: str) -> bool:
    return int(hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8], 16) % 100 < (
        HELD_SHARE
    )


def prepare(work: Path, request: Request, texts: Texts, corpus: Corpus | None) -> Request:
    """Write the folder, the request last; one that holds the same request is left as it is.

    Raises BadInput where the folder holds another.
    """
    request = replace(request, data=digest_texts(texts), begun_from=digest_model(request.recipe))
    if (work / "request.json").exists():
        _check_same(work, request)
        return request
    work.mkdir(parents=True, exist_ok=True)
    write_texts(work / "texts.parquet", texts)
    kinds = corpus.part("train") if corpus and request.recipe.pair_steps else []
    said = {"kinds": [asdict(kind) for kind in kinds], "terms": corpus.terms if corpus else {}}
    (work / "kinds.json").write_text(json.dumps(said, ensure_ascii=False), "utf-8")
    choose_tokenizer(texts, request.recipe).save(str(work / "tokenizer.json"))
    draft = work / "request.tmp"
    draft.write_text(json.dumps(asdict(request), indent=1, ensure_ascii=False), "utf-8")
    draft.replace(work / "request.json")
    return request


def _check_same(work: Path, request: Request) -> None:
    if read_request(work) != request:
        raise BadInput(
            f"{work} holds another training, expected this one or none: give another --work, or "
            "delete the folder where its training is not wanted any more"
        )


def read_request(work: Path) -> Request:
    """The request of a prepared folder."""
    said = json.loads((work / "request.json").read_text("utf-8"))
    sources = tuple(Source(**one) for one in said.pop("sources"))
    return Request(recipe=Recipe(**said.pop("recipe")), sources=sources, **said)


def write_texts(path: Path, texts: Texts) -> None:
    columns = asdict(texts)
    rows = [(text, name) for name, part in columns.items() for text in part]
    table = pa.table(
        {
            "text": [text.encode("utf-8", "replace").decode() for text, _ in rows],
            "part": [name for _, name in rows],
        }
    )
    pq.write_table(table, path, compression="zstd")


def read_texts(work: Path) -> Texts:
    table = pq.read_table(work / "texts.parquet")
    parts: dict[str, list[str]] = {name: [] for name in asdict(Texts())}
    for text, name in zip(table["text"].to_pylist(), table["part"].to_pylist(), strict=True):
        parts[name].append(text)
    return Texts(**parts)


def read_kinds(work: Path) -> tuple[list[Kind], dict[str, tuple[str, ...]]]:
    """The kinds for contrast, and the terms in both languages."""
    said: dict[str, Any] = json.loads((work / "kinds.json").read_text("utf-8"))
    kinds = [Kind(**{**one, "texts": tuple(one["texts"])}) for one in said["kinds"]]
    return kinds, {english: tuple(chinese) for english, chinese in said["terms"].items()}


def choose_tokenizer(texts: Texts, recipe: Recipe) -> Tokenizer:
    """That of the model it begins from, else one trained on the texts.

    Raises BadInput for a vocabulary whose padding is not at id 0, or without [MASK].
    """
    if not recipe.begin:
        return train_tokenizer([*texts.fresh, *texts.old], size=recipe.vocabulary)
    directory = Path(recipe.begin)
    tokenizer = read_tokenizer(directory, read_config(directory))
    if tokenizer.token_to_id("[PAD]") != 0 or tokenizer.token_to_id("[MASK]") is None:
        raise BadInput(
            f"{directory} has [PAD] at id {tokenizer.token_to_id('[PAD]')} and [MASK] at "
            f"{tokenizer.token_to_id('[MASK]')}, expected 0 and any: begin from a BERT-style model"
        )
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def encode(tokenizer: Tokenizer, texts: Sequence[str], longest: int) -> list[list[int]]:
    """Ids of each text, framed, at most ``longest``; log tokens as words where they are unknown."""
    if tokenizer.token_to_id("[NUM]") is None:
        for token, word in LOG_WORDS.items():
            texts = [text.replace(token, word) for text in texts]
    end = special_of(tokenizer).end
    rows = (row.ids for row in tokenizer.encode_batch(list(texts)))
    return [row if len(row) <= longest else [*row[: longest - 1], end] for row in rows]


def digest_texts(texts: Texts) -> str:
    """sha256 over all texts by part, first 16 digits."""
    digest = hashlib.sha256()
    for name, part in asdict(texts).items():
        digest.update(name.encode())
        for text in part:
            digest.update(text.encode("utf-8", "replace") + b"\n")
    return digest.hexdigest()[:16]


def digest_model(recipe: Recipe) -> str:
    if not recipe.begin:
        return ""
    return hashlib.sha256(digest_files(Path(recipe.begin))).hexdigest()[:16]


@contextmanager
def alone(work: Path) -> Iterator[int]:
    """The lock's file, open: nobody else trains there. Raises TryAgain where somebody does."""
    work.mkdir(parents=True, exist_ok=True)
    with (work / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TryAgain(
                f"another process trains in {work}, expected none: wait for it, or end it first"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield file.fileno()
