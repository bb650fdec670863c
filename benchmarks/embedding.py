"""Embedding: the recipe that pads every line to 150 tokens, beside ours, on the same weights.

    python benchmarks/embedding.py DATA

DATA holds the labelled logs (docs/benchmarks.md); the texts are their distinct masked contents. The
weights are those of ``pretrained/biglog-small`` and random ones in a release of BERT-base's shape,
written to a temporary folder: its speed is that of a real release, its cosines are not. The padded
recipe is run on a sample: all lines of a night would take it hours. Times are of the processor, so
that what else runs on the machine counts less.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from transformers import BertConfig, BertForMaskedLM

from biglog.offline import parse_files
from biglog.records import Vectors
from biglog.vectors.calibrate import Calibration, unit
from biglog.vectors.checkpoint import build_model, digest_files, read_config, read_tokenizer
from biglog.vectors.distinct import embed_distinct, text_key
from biglog.vectors.encoder import BertEncoder, load_encoder
from biglog.vectors.int8 import find_ranges, quantise
from biglog.vectors.layout import read_layout
from biglog.vectors.training.measure import distinct_contents

ROOT = Path(__file__).resolve().parents[1]
SMALL = ROOT / "pretrained" / "biglog-small"
NIGHTS = ("2026-11-03", "2026-11-04")
PADDED_BATCH, PADDED_WIDTH = 16, 150
FOR_RANGES = 40


@dataclass(frozen=True, slots=True)
class Speed:
    """Texts a second of one core, and cosines to the padded recipe in fp32."""

    way: str
    texts: int
    rate: float
    pooled: tuple[float, float] = (1.0, 1.0)
    centred: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Night:
    lines: int
    texts: tuple[str, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description="The padded recipe beside ours.")
    parser.add_argument("data", type=Path)
    parser.add_argument("--memory", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.memory:
        print(json.dumps(peak_of(asked.memory)))
        return
    texts = labelled_texts(asked.data / "parsing")
    nights = [read_night(date) for date in NIGHTS]
    print(f"{len(texts):,} distinct masked contents of labelled logs", flush=True)
    small = open_plain(SMALL)
    small.calibrate()
    print_comparison(small, texts, nights, padded=160, ours=len(texts))
    with tempfile.TemporaryDirectory() as folder:
        base = open_plain(write_base(Path(folder) / "base-shaped"))
        print_comparison(base, texts, nights, padded=32, ours=512)
    print_known(nights)
    print_memory(asked.data)
    if torch.cuda.is_available():
        print_gpu()


def print_comparison(
    encoder: BertEncoder, texts: Sequence[str], nights: Sequence[Night], *, padded: int, ours: int
) -> None:
    found = list(compare(encoder, texts, padded=padded, ours=ours))
    print_speeds(encoder.directory.name, found)
    print_nights(nights, found)


def labelled_texts(folder: Path) -> list[str]:
    """In an order that a seed fixes, so that any first part of them is a sample."""
    paths = sorted(folder.glob("*/*_structured_corrected.csv"))
    texts = list(dict.fromkeys(text for path in paths for text in distinct_contents(path)[0]))
    return [texts[place] for place in np.random.default_rng(0).permutation(len(texts))]


def read_night(date: str) -> Night:
    paths = sorted((ROOT / "examples" / "recorded").glob(f"*/{date}.log.zst"))
    lines, texts = 0, dict[str, None]()
    for parsed in chain.from_iterable(parse_files([path], "auto") for path in paths):
        lines += parsed.lines.num_rows
        texts |= dict.fromkeys(one.model_text for one in parsed.templates.values())
    return Night(lines, tuple(texts))


def write_base(directory: Path) -> Path:
    """BERT-base's shape as a release has it, the small model's pieces filled up to 30,522."""
    directory.mkdir()
    pieces = (SMALL / "vocab.txt").read_text("utf-8").splitlines()
    pieces += [f"[filler{number}]" for number in range(30_522 - len(pieces))]
    config = BertConfig(vocab_size=30_522, max_position_embeddings=150)
    torch.manual_seed(7)
    state = BertForMaskedLM(config).state_dict()
    torch.save(state, directory / "pytorch_model.bin")
    (directory / "vocab.txt").write_text("\n".join(pieces) + "\n", "utf-8")
    (directory / "config.json").write_text(json.dumps(config.to_dict()), "utf-8")
    return directory


def open_plain(directory: Path) -> BertEncoder:
    """On the processor, neither calibrated nor judged: of random weights that says nothing."""
    layout = read_layout(directory)
    tokenizer = read_tokenizer(directory, read_config(directory))
    files = digest_files(directory)
    return BertEncoder(
        layout, build_model(directory, files), tokenizer, files=files, devices=["cpu"]
    )


def compare(
    encoder: BertEncoder, texts: Sequence[str], *, padded: int, ours: int
) -> Iterator[Speed]:
    """The padded recipe on the first few texts; ours in fp32 and, on a processor, in int8."""
    wanted, seconds = timed(lambda: pad_all(encoder, texts[:padded]))
    yield Speed("padded to 150, batch 16, fp32", padded, padded / seconds)
    (worker, *_) = encoder.workers
    worker.model = encoder.model
    centre = centred_on(encoder, texts[:padded])
    ranges = find_ranges(encoder.model, lambda: encoder.pool(texts[:FOR_RANGES]))
    for way, model in (
        ("ours, fp32", encoder.model),
        ("ours, int8", quantise(encoder.model, ranges)),
    ):
        worker.model = model
        rows, seconds = timed(lambda: encoder.pool(texts[:ours]))
        mine = rows[:padded]
        yield Speed(
            way,
            min(ours, len(texts)),
            min(ours, len(texts)) / seconds,
            cosines(unit(wanted), unit(mine)),
            cosines(centre(wanted), centre(mine)),
        )


def centred_on(encoder: BertEncoder, texts: Sequence[str]) -> Callable[[Vectors], Vectors]:
    """By the model's calibration, or by the texts' own mean where it has none."""
    known: Calibration = encoder.calibration
    if not known.background:
        known = replace(known, mean=tuple(unit(encoder.pool(texts)).mean(axis=0).tolist()))
    return known.centre


def pad_all(encoder: BertEncoder, texts: Sequence[str]) -> Vectors:
    rows = [encoder.tokenizer.encode(text).ids for text in texts]
    batches = [rows[at : at + PADDED_BATCH] for at in range(0, len(rows), PADDED_BATCH)]
    return np.concatenate([forward(encoder, batch) for batch in batches])


def forward(encoder: BertEncoder, rows: Sequence[Sequence[int]]) -> Vectors:
    ids = torch.tensor([[*row, *[0] * (PADDED_WIDTH - len(row))] for row in rows])
    mask = (ids != 0).long()
    with torch.inference_mode():
        states = encoder.model(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).float()
        return np.asarray(((states * weights).sum(1) / weights.sum(1)).numpy())


def timed(work: Callable[[], Vectors]) -> tuple[Vectors, float]:
    start = time.process_time()
    return work(), time.process_time() - start


def cosines(left: Vectors, right: Vectors) -> tuple[float, float]:
    found = (left * right).sum(axis=1)
    return float(found.mean()), float(found.min())


def print_speeds(name: str, found: Sequence[Speed]) -> None:
    print(f"\n{name}, texts a second of one core:\n")
    print("| way | texts | texts/s | times | cosine mean / least | centred mean / least |")
    print("|---|---|---|---|---|---|")
    for one in found:
        near = " | ".join(f"{mean:.5f} / {least:.5f}" for mean, least in (one.pooled, one.centred))
        times = one.rate / found[0].rate
        print(f"| {one.way} | {one.texts} | {one.rate:.1f} | {times:.1f} | {near} |", flush=True)


def print_nights(nights: Sequence[Night], found: Sequence[Speed]) -> None:
    """What a night costs: every line by the padded recipe, or each distinct text by ours."""
    first, ours = nights[0], found[1]
    padded_seconds, seconds = first.lines / found[0].rate, len(first.texts) / ours.rate
    print(
        f"\nA night of {first.lines:,} lines, {len(first.texts):,} distinct texts: "
        f"{padded_seconds:,.0f} s of a core padded (by its rate), {seconds:,.1f} s {ours.way}: "
        f"{padded_seconds / seconds:,.0f} times"
    )


def print_known(nights: Sequence[Night]) -> None:
    """How many texts of the second night are embedded, and how many of them were known."""
    seen: list[str] = []

    def encode(texts: Sequence[str]) -> Vectors:
        seen.extend(texts)
        return np.zeros((len(texts), 1), np.float32)

    known = {text_key(text) for text in nights[0].texts}
    list(embed_distinct(nights[1].texts, known, encode))
    again = len({text_key(text) for text in seen} & known)
    print(
        f"\nThe second night: {len(nights[1].texts):,} distinct texts, {len(seen):,} new ones "
        f"embedded, {again} known ones embedded again"
    )


def peak_of(count: int) -> float:
    """MB at the most while so many distinct texts go through the shipped model."""
    encoder = load_encoder(SMALL)
    words = [one for one in (SMALL / "vocab.txt").read_text("utf-8").split() if one.isalpha()]
    texts = (f"{words[n % 97]} {words[n % 1009]} {words[n % 1013]} failed" for n in range(count))
    for _ in embed_distinct(texts, (), encoder.encode):
        pass
    # Not ru_maxrss: a child begins with what its parent had reached.
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    return int(peak) / 1e3


def print_memory(data: Path) -> None:
    command = [sys.executable, __file__, str(data), "--memory"]
    peaks = {
        count: json.loads(subprocess.check_output([*command, str(count)]).splitlines()[-1])
        for count in (512, 2_048, 8_192)
    }
    said = ", ".join(f"{peak:,.0f} MB for {count:,}" for count, peak in peaks.items())
    print(f"\nPeak memory by distinct texts: {said}")


def print_gpu() -> None:
    """Texts of 128 tokens in fp16, as a share of what the card's matrix product in bf16 reaches."""
    side = 8192
    left = torch.randn(side, side, device="cuda", dtype=torch.bfloat16)
    rate = 2 * side**3 / gpu_seconds(lambda: left @ left)
    model = BertForMaskedLM(BertConfig()).bert.eval().half().cuda()
    ids = torch.randint(1000, 30_000, (256, 128), device="cuda")
    with torch.inference_mode():
        seconds = gpu_seconds(lambda: model(input_ids=ids, attention_mask=torch.ones_like(ids)))
    weights = sum(one.numel() for one in model.encoder.parameters() if one.ndim == 2)
    done = 2 * ids.numel() * weights / seconds
    print(
        f"\n{torch.cuda.get_device_name()}: {len(ids) / seconds:,.0f} texts of 128 tokens a second,"
        f" {done / rate:.0%} of {rate / 1e12:.0f} TFLOP/s in bf16"
    )


def gpu_seconds(work: Callable[[], object], *, rounds: int = 10) -> float:
    for _ in range(3):
        work()
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(rounds):
        work()
    torch.cuda.synchronize()
    return (time.perf_counter() - start) / rounds


if __name__ == "__main__":
    main()
