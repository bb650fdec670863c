"""Literals that lead to secrets, and the tables by which the byte kernel finds them."""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, product

import numpy as np
import numpy.typing as npt
import polars as pl

from biglog.columns import from_series
from biglog.lines.cues import kernels
from biglog.threads import on_threads

COMMON = "etaoinsrhldcumfpgwybvkxjqz"
"""Letters from the most to the least frequent in English."""

ORDINARY = """
2026-11-02 03:04:05,678 INFO [main-EventThread:ClientCnxn$SendThread@1108] o.a.h.dfs.DataNode:370 -
Stored block blk_-1099511 of 4194304 bytes from /192.0.2.7:54106 to /192.0.2.8:50010, src and dest
PacketResponder 1 for block blk_38865 terminating; task_id=attempt_1445_m_000 rack backup checkpoint
192.0.2.7 - - [02/Nov/2026:03:04:05 +0000] "GET /images/app.css HTTP/1.1" 200 512 "https://www.x.org"
"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"
System size side updated while /root/not/_temporary/_task/part starts; assigning logs; sync and sign
web1 sshd[4242]: pam_unix: authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost= port
kernel: usb 1-1: new high-speed device; session opened for user root by (uid=0); Worker thread pool
{"level":"warn","ts":16,"msg":"retrying request","service":"checkout","span_id":"0af","key":"basic"}
"""
"""Log text as most of it is: a pair of bytes that it holds is no good sign of a secret."""


@dataclass(frozen=True, slots=True)
class Literal:
    text: str
    cue: int
    needs: int = 0

    @property
    def letters(self) -> bytes:
        return self.text.encode()

    @property
    def place(self) -> int:
        """Where its rarest pair of bytes stands: the fewer texts hold it, the less is compared."""
        return min(range(len(self.letters) - 1), key=self.commonness)

    def commonness(self, at: int) -> tuple[int, int]:
        pair = self.letters[at : at + 2].decode("latin-1")
        if pair[1] in string.digits:
            return len(ORDINARY), 0  # never: before a digit stands a number
        if self.needs & kernels.FOLDED:
            return ORDINARY.lower().count(pair.lower()), -rarity(pair)
        return ORDINARY.count(pair), -rarity(pair)

    def pairs(self) -> Iterable[tuple[int, int]]:
        """Its rarest pair, in every case that counts as the same."""
        pair = self.letters[self.place : self.place + 2]
        one, other = (self.cases(byte) for byte in pair)
        return set(product(one, other))

    def cases(self, byte: int) -> set[int]:
        """A byte in every case that counts as the same."""
        return {byte, *(bytes([byte]).swapcase() if self.needs & kernels.FOLDED else b"")}

    def beside(self) -> npt.NDArray[np.uint8]:
        """For each byte, on which sides of the rarest pair it may stand."""
        table = np.full(256, kernels.BEFORE | kernels.BEHIND, np.uint8)
        for bit, place in ((kernels.BEFORE, self.place - 1), (kernels.BEHIND, self.place + 2)):
            if 0 <= place < len(self.letters):
                table &= ~np.uint8(bit)
                table[list(self.cases(self.letters[place]))] |= bit
        return table


def rarity(pair: str) -> int:
    return sum(COMMON.find(one) for one in pair.lower())


def classes() -> npt.NDArray[np.uint8]:
    """What each byte may be part of."""
    word = string.ascii_letters + string.digits
    table = np.zeros(256, np.uint8)
    for signs, kind in (
        (string.digits, kernels.DIGIT),
        (string.ascii_uppercase, kernels.UPPER),
        (string.ascii_lowercase, kernels.LOWER),
        (word + "_-./+=~", kernels.TOKEN),
        (" \t\"'\\]", kernels.CLOSER),
        ("=:%>,&(\n\r", kernels.LINK),
        (word + "-", kernels.MAIL),
    ):
        table[np.frombuffer(signs.encode(), np.uint8)] |= kind
    table[128:] |= kernels.LINK
    return table


def shapes() -> npt.NDArray[np.uint8]:
    """For each two bytes, which shape may begin there."""
    table = np.zeros((256, 256), np.uint8)
    digits = np.frombuffer(string.digits.encode(), np.uint8)
    within = (string.digits + string.ascii_lowercase + "_.").encode()
    outside = np.setdiff1d(np.arange(256), np.frombuffer(within, np.uint8))
    table[np.ix_(outside, digits)] = kernels.BEFORE_DIGITS
    marks = np.frombuffer((string.ascii_uppercase + "+%").encode(), np.uint8)
    table[np.ix_(marks, digits)] = kernels.BEFORE_DIGIT
    table[:, ord("@")] = kernels.BEFORE_SIGN
    table[ord("/"), ord("/")] = kernels.SLASHES
    table[ord("\n"), :] = kernels.NEW_LINE
    return table


@dataclass(frozen=True, slots=True)
class Finder:
    """The tables of one list of literals."""

    pairs: npt.NDArray[np.uint8]
    literals: tuple[npt.NDArray[np.generic], ...]

    def cues(self, texts: pl.Series) -> npt.NDArray[np.uint8]:
        """The cues in each text, as bits; none in a null."""
        text = from_series(texts)
        found = np.zeros(len(text), np.uint8)

        def work(first: int, last: int) -> None:
            kernels.find_cues(
                text.data, text.offsets, first, last, CLASSES, self.pairs, self.literals, found
            )

        on_threads(work, len(text))
        return found


def make_finder(wanted: Sequence[Literal]) -> Finder:
    pairs, rows = shapes(), sharing(wanted)
    if len(rows) >= kernels.BEFORE_DIGITS:
        raise ValueError(f"{len(rows)} groups of literals do not fit a byte: leave some out")
    for number, group in enumerate(rows):
        for pair in rows[group]:
            if pairs[pair]:
                raise ValueError(f"the bytes {pair} of {wanted[group[0]].text!r} begin a shape")
            pairs[pair] = number + 1
    letters = b"".join(one.letters for one in wanted)
    edges = [0, *accumulate(len(one.letters) for one in wanted)]
    rows_of = [
        (edges[at], len(wanted[at].letters), wanted[at].place, wanted[at].needs, wanted[at].cue)
        for group in rows
        for at in group
    ]
    tables = (
        np.frombuffer(letters, np.uint8),
        np.array(rows_of, np.int64),
        np.cumsum([0, *map(len, rows)], dtype=np.int64),
        besides([[wanted[at] for at in group] for group in rows]),
    )
    return Finder(np.concatenate((pairs.ravel(), without_digits(pairs).ravel())), tables)


def besides(groups: Iterable[Iterable[Literal]]) -> npt.NDArray[np.uint8]:
    """For each group's number plus one and each byte, where beside its pair the byte may stand."""
    tables = [np.bitwise_or.reduce([one.beside() for one in group]) for group in groups]
    return np.concatenate([np.zeros(256, np.uint8), *tables])


def without_digits(pairs: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The pairs for texts whose plain digits are no cue."""
    return np.where(pairs == kernels.BEFORE_DIGITS, kernels.NOTHING, pairs).astype(np.uint8)


def sharing(wanted: Sequence[Literal]) -> dict[tuple[int, ...], list[tuple[int, int]]]:
    """The pairs of bytes that each group of literals has in common as its rarest."""
    members: dict[tuple[int, int], list[int]] = {}
    for number, one in enumerate(wanted):
        for pair in one.pairs():
            members.setdefault(pair, []).append(number)
    groups: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for pair, numbers in members.items():
        groups.setdefault(tuple(numbers), []).append(pair)
    return groups


CLASSES = classes()
