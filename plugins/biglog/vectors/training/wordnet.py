"""English words and what they mean, from WordNet: words that share no letter may mean alike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from pathlib import Path

from biglog.vectors.training.kinds import Kind

# "00004492 29 v 01 hold 4 001 @ … | keep from exhaling; "hold your breath"": the words, each with
# a number behind it, and the gloss before its examples (wndb(5WN)).
_SYNSET = re.compile(r'\d{8} (\d\d) \w ([0-9a-f]{2}) (.*) \| ([^"]+)')
_PARTS = ("verb", "adj", "adv", "noun")
_LONGEST = 120  # characters of a gloss


def read_wordnet(folder: Path | None, words: Set[str]) -> list[Kind]:
    """Sets of synonyms that hold one of the words, each with its gloss; none without a folder."""
    if folder is None:
        return []
    files = [folder / f"usr/share/wordnet/data.{part}" for part in _PARTS]
    return [kind for file in files if file.exists() for kind in _read(file, words)]


def _read(file: Path, words: Set[str]) -> Iterator[Kind]:
    for line in file.read_text("utf-8").splitlines():
        if not (found := _SYNSET.match(line)):
            continue
        count = int(found[2], 16)
        names = [word.split("(")[0].replace("_", " ") for word in found[3].split()[: 2 * count : 2]]
        gloss = found[4].strip(" ;")
        if len(gloss) <= _LONGEST and words & {name.lower() for name in names}:
            yield Kind(
                "wordnet", f"{file.suffix[1:]}{found[1]}", line[:8], (gloss, ", ".join(names))
            )
