"""The knowledge entries that answer a question, best first, with the passage that does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from biglog.errors import BadInput
from biglog.knowledge.bm25 import Words, answer, count_words, idf
from biglog.knowledge.chunks import Chunk, chunks
from biglog.knowledge.excerpt import excerpt
from biglog.knowledge.glossary import ACROSS, Choice, Wish, load_glossary, wishes
from biglog.knowledge.tokens import chinese_share, language, phrases, tokens
from biglog.records import Encoder, Entry, Hit, Labels, Scores, Vectors

TITLE_WEIGHT = 5.0
HEADING_WEIGHT = 1.5
PHRASE_WEIGHT = 0.5
"""Of neighbouring words beside single ones, in English prose: in a Chinese question, English words
are names that stand alone."""
MEANING_WEIGHT = 0.25
"""Of meaning beside words, where the whole base is in another language than the question: there
the words go through a glossary that is never complete. Where all speak alike, a twentieth of it.
Reciprocal rank fusion was measured and lost: see benchmarks/knowledge.py."""
STANDS_OUT = 0.2
"""Likeness above the usual entry's from which the meaning is named as a reason."""
FITS = (6.4, 1.3, -3.5)
"""What the score, the logarithm of the telling words and an entry as such add to the log-odds that
it fits: the logistic regression that benchmarks/knowledge.py prints, rounded."""
MAX_QUERY = 2_000


@dataclass(frozen=True, slots=True)
class Index:
    """Entries made ready to be asked; build it once and ask it many times."""

    entries: tuple[Entry, ...]
    chunks: tuple[Chunk, ...]
    owners: Labels  # owners[i] is the entry of chunks[i]
    words: Words
    phrases: Words
    passages: Words  # of chunks, to choose the passage
    vectors: Vectors | None = None  # unit rows, one per chunk


def build_index(
    entries: Iterable[Entry],
    *,
    encoder: Encoder | None = None,
    vectors: Mapping[str, Sequence[float] | Vectors] | None = None,
) -> Index:
    """An index; ``vectors`` maps a chunk's ``text`` to its known vector, ``encoder`` adds more."""
    kept = tuple(entries)
    cut = [chunks(entry) for entry in kept]
    flat = tuple(chunk for parts in cut for chunk in parts)
    owners = np.repeat(np.arange(len(kept)), [len(parts) for parts in cut])
    return Index(
        entries=kept,
        chunks=flat,
        owners=owners.astype(np.int64),
        words=count_words([weigh(e, p, tokens) for e, p in zip(kept, cut, strict=True)]),
        phrases=count_words([weigh(e, p, phrases) for e, p in zip(kept, cut, strict=True)]),
        passages=count_words([Counter(tokens(f"{c.heading}\n{c.body}")) for c in flat]),
        vectors=embed(flat, encoder, vectors or {}),
    )


def weigh(entry: Entry, parts: Sequence[Chunk], say: Callable[[str], list[str]]) -> Counter[str]:
    """How much the entry says each token: its name counts most, then headings, then text."""
    name = ".\n\n".join((entry.title, PurePosixPath(entry.source).stem, " ".join(entry.tags)))
    headings = "\n\n".join(dict.fromkeys(part.heading for part in parts))
    weights: Counter[str] = Counter()
    for text, weight in (
        (f"{name}\n\n{entry.category}", TITLE_WEIGHT),
        (headings, HEADING_WEIGHT),
        ("\n\n".join(part.body for part in parts), 1.0),
    ):
        for token in say(text):
            weights[token] += weight  # type: ignore[assignment]
    return weights


def embed(
    parts: Sequence[Chunk], encoder: Encoder | None, known: Mapping[str, Sequence[float] | Vectors]
) -> Vectors | None:
    """A row per chunk, or None where some vector is unknown and there is no encoder."""
    missing = [part.text for part in parts if part.text not in known]
    if not parts or (missing and encoder is None):
        return None
    new = encode_each(missing, encoder) if encoder and missing else {}
    rows = [new[p.text] if p.text in new else known[p.text] for p in parts]
    return np.asarray(rows, dtype=np.float32)


def encode_each(texts: Sequence[str], encoder: Encoder) -> dict[str, Vectors]:
    """A vector per text; zeros, which are like nothing, where the encoder reads no word of it."""
    distinct = list(dict.fromkeys(texts))
    rows = np.zeros((len(distinct), encoder.dim), dtype=np.float32)
    known = np.flatnonzero(encoder.readable(distinct))
    if len(known):
        rows[known] = encoder.encode([distinct[place] for place in known])
    return dict(zip(distinct, rows, strict=True))


def search(
    query: str, index: Index, *, encoder: Encoder | None = None, top: int = 5
) -> tuple[Hit, ...]:
    """The best entries, at most ``top``. An entry that shares neither word nor meaning is none.

    A score is the share, 0 to 1, of the question's words that the entry answers (rare words count
    more, words unknown to the whole base little), raised where its meaning stands out; how likely
    the entry fits is another matter, see likelihood. Raises BadInput for a blank query.
    """
    check(query, top)
    if not index.entries:
        return ()
    asked = wishes(query, load_glossary())
    found, lexical = by_words(query, asked, index)
    meant = standing_out(by_meaning(query, index, encoder))
    scores = np.minimum(lexical + meaning_weight(query, index) * meant, 1.0)
    best = [int(i) for i in np.argsort(-scores, kind="stable") if scores[i] > 0][:top]
    fits = likelihood(scores, telling(found, index))
    _, said, _ = answer(index.passages, asked)
    return tuple(
        Hit(
            rank=rank,
            score=round(float(scores[i]), 4),
            entry=index.entries[i],
            excerpt=passage(index, i, asked, said),
            matched=reasons(asked, found[:, i], meaning=bool(meant[i] >= STANDS_OUT)),
            likelihood=round(float(fits[i]), 4),
        )
        for rank, i in enumerate(best, start=1)
    )


def check(query: str, top: int) -> None:
    if not query.strip():
        raise BadInput("the question is blank; ask with a few words or paste an error line")
    if len(query) > MAX_QUERY:
        raise BadInput(f"the question has {len(query)} characters; at most {MAX_QUERY} are read")
    if top < 1:
        raise BadInput(f"top = {top}; ask for at least 1 result")


def by_words(query: str, asked: Sequence[Wish], index: Index) -> tuple[Scores, Scores]:
    """What each entry says of each wish, and the share of all that each entry answers."""
    found, total, perfect = answer(index.words, asked)
    near = [Wish(p, (Choice((p,), 1.0),)) for p in dict.fromkeys(phrases(query))]
    _, order, ordered = answer(index.phrases, near)
    weight = PHRASE_WEIGHT * (1 - chinese_share(query))
    whole = perfect + weight * ordered
    shares = (total + weight * order) / whole if whole else np.zeros(len(index.entries))
    return found, np.minimum(shares, 1.0)


def by_meaning(query: str, index: Index, encoder: Encoder | None) -> Scores:
    """Calibrated likeness of each entry's nearest chunk; zeros where there are no vectors."""
    best = np.zeros(len(index.entries))
    if encoder is None or index.vectors is None:
        return best
    asked = encode_each([query], encoder)[query]
    likeness = encoder.similarity(index.vectors @ asked)
    readable = index.vectors.any(axis=1) & asked.any()
    np.maximum.at(best, index.owners, np.where(readable, likeness, 0.0))
    return best


def standing_out(likeness: Scores) -> Scores:
    """How much more alike than the usual entry; an encoder that likes everything says nothing."""
    return np.maximum(likeness - np.median(likeness), 0.0)


def meaning_weight(query: str, index: Index) -> float:
    spoken = language(query)
    foreign = [bool(e.language) and e.language != spoken for e in index.entries]
    return MEANING_WEIGHT * max(0.05, float(np.mean(foreign)))


def telling(found: Scores, index: Index) -> Scores:
    """How much each entry says of what is asked, counted in words that stand in one entry alone:
    so it means the same in a base of ten entries and of a hundred.
    """
    whole: Scores = found.sum(axis=0) / idf(1, index.words.size)
    return whole


def likelihood(scores: Scores, words: Scores) -> Scores:
    """How likely each entry is the one asked for, 0 to 1, where half of all questions have none.

    The score alone cannot tell: one common word may be half of a short question. Measured, with
    the right entry in the base and without it, by benchmarks/knowledge.py.
    """
    share, said, start = FITS
    odds = share * scores + said * np.log(np.maximum(words, 1e-3)) + start
    return np.asarray(1 / (1 + np.exp(-odds)))


def passage(index: Index, entry: int, asked: Sequence[Wish], said: Scores) -> str:
    """The excerpt of the entry's section that answers most; ``said`` is how much each does."""
    own = np.flatnonzero(index.owners == entry)
    return excerpt(index.chunks[own[int(np.argmax(said[own]))]].body, asked)


def reasons(asked: Sequence[Wish], found: Scores, *, meaning: bool) -> tuple[str, ...]:
    """The words that matched, most telling first, and ``meaning`` where the vectors agree."""
    order = [i for i in np.argsort(-found, kind="stable") if found[i] > 0]
    kept = [asked[i] for i in order if not asked[i].word.startswith(ACROSS)]
    words = list(dict.fromkeys(one.shown or one.word for one in kept))
    return (*words[:8], "meaning") if meaning else tuple(words[:8])
