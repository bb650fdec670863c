"""Scanner programs: a format's pattern as instructions that read bytes, made from the regex itself.

A header is mostly runs of one kind of character between fixed marks, and such a run never has to be
given back where what follows cannot be of its kind; the pattern itself says where that is so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache
from re import _constants as rc  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import numpy as np
import numpy.typing as npt

from biglog.columns import Bytes, Indices, Mask
from biglog.lines import kernels as k

Offsets = npt.NDArray[np.uint64]

ENDLESS = 1 << 40
MOST_FIXED = 16
"""A set repeated so many times at most is part of a shape."""
SWITCHED = 3
"""Ways from which a table tells them apart."""
MOST_COPIES = 8
"""A repeated group is written out so many times at most."""
CODES = np.arange(256)
ASCII = CODES < 128
OTHER_CASE = np.array([ord(chr(one).swapcase()) if one < 128 else one for one in range(256)])
CATEGORIES = {
    rc.CATEGORY_SPACE: np.isin(CODES, list(b" \t\n\x0b\x0c\r")),
    rc.CATEGORY_DIGIT: np.isin(CODES, list(b"0123456789")),
    rc.CATEGORY_WORD: np.array([one == 95 or (one < 128 and chr(one).isalnum()) for one in CODES]),
}
OPPOSITES = {
    rc.CATEGORY_NOT_SPACE: rc.CATEGORY_SPACE,
    rc.CATEGORY_NOT_DIGIT: rc.CATEGORY_DIGIT,
    rc.CATEGORY_NOT_WORD: rc.CATEGORY_WORD,
}
NOTHING = np.zeros(256, bool)


class Unsupported(Exception):
    """A pattern that has something a scanner has no instruction for."""


@dataclass(frozen=True, slots=True)
class Program:
    """Instructions, one a row: what to do, and up to three numbers.

    TAKE set least most: a run of a set's characters, for good. GIVE: likewise, to be given back
    from its end. BYTES at size: a literal. SHAPE at size: bytes of so many sets, one of each. OPEN,
    CLOSE group. SPLIT where set: go on here, and at ``where`` should that fail (at once where the
    byte is not in the set). CHOOSE where set: here or there by the byte alone. SWITCH table: where
    the byte says. SEEK set stops where: a run up to a byte of ``stops``, and on from ``where``
    should what follows fail there. JUMP where. END: only at the line's end. REST: all up to there.

    A set or a table is told by where it begins in the bytes or numbers of all of them.
    """

    steps: Indices
    sets: Bytes
    literals: Bytes
    shapes: Offsets
    switches: Indices
    groups: tuple[str, ...]

    @property
    def tables(self) -> tuple[Indices, Bytes, Bytes, Offsets, Indices]:
        return self.steps, self.sets, self.literals, self.shapes, self.switches


# What a pattern is made of, once flags and cases are written out.


@dataclass(frozen=True, slots=True)
class Set:
    members: Bytes
    """NO, YES or UNSURE for each byte; beyond ASCII all are the same."""


@dataclass(frozen=True, slots=True)
class Literal:
    text: bytes


@dataclass(frozen=True, slots=True)
class Group:
    number: int | None
    inside: Nodes


@dataclass(frozen=True, slots=True)
class Branch:
    ways: tuple[Nodes, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    least: int
    most: int
    inside: Nodes
    lazy: bool = False
    kept: bool = False
    """Whether none of it can be of use to what follows."""


@dataclass(frozen=True, slots=True)
class End:
    pass


Node = Set | Literal | Group | Branch | Repeat | End
Nodes = tuple[Node, ...]


@lru_cache
def compile_pattern(pattern: str) -> Program | None:
    """The program of a pattern that begins with ``^``; None where a regex engine must read it."""
    try:
        parsed = list(_parser.parse(pattern))
        if not parsed or tuple(parsed[0]) != (rc.AT, rc.AT_BEGINNING):
            raise Unsupported(pattern)
        writer = Writer()
        writer.write(lower(parsed[1:], caseless=False), ~NOTHING)
    except Unsupported:
        return None
    writer.emit(k.MATCH)
    named = re.compile(pattern).groupindex
    return Program(
        steps=np.array(writer.steps, np.int64),
        sets=np.array(writer.sets or [NOTHING], np.uint8).ravel(),
        literals=np.frombuffer(bytes(writer.literals) or b"\0", np.uint8),
        shapes=np.array(writer.shapes, np.uint64),
        switches=np.array(writer.switches, np.int64),
        groups=tuple(sorted(named, key=lambda name: named[name])),
    )


def lower(parsed: Sequence[Any], *, caseless: bool) -> Nodes:
    """Nodes of a parsed pattern; literals side by side are one."""
    made: list[Node] = []
    for what, value in parsed:
        node = lower_one(what, value, caseless=caseless)
        if isinstance(node, Literal) and made and isinstance(made[-1], Literal):
            node = Literal(made.pop().text + node.text)  # type: ignore[union-attr]
        made.append(node)
    return tuple(made)


def lower_one(what: Any, value: Any, *, caseless: bool) -> Node:
    if what is rc.LITERAL and not (caseless and chr(value).isalpha()):
        return Literal(chr(value).encode())
    if what in (rc.LITERAL, rc.NOT_LITERAL, rc.ANY, rc.IN):
        return Set(members(what, value, caseless=caseless))
    if what is rc.SUBPATTERN:
        number, on, _off, inside = value
        inner = lower(inside, caseless=caseless or bool(on & re.IGNORECASE))
        return Group(None if number is None else number - 1, inner)
    if what is rc.BRANCH:
        return Branch(tuple(lower(one, caseless=caseless) for one in value[1]))
    if what in (rc.MAX_REPEAT, rc.MIN_REPEAT):
        least, most, inside = value
        most = ENDLESS if most is rc.MAXREPEAT else int(most)
        inner = lower(inside, caseless=caseless)
        if len(inner) == 1 and isinstance(inner[0], Literal) and len(inner[0].text) == 1:
            inner = (Set(np.equal(CODES, inner[0].text[0]).astype(np.uint8)),)
        return Repeat(least, most, inner, what is rc.MIN_REPEAT)
    if what is rc.AT and value is rc.AT_END:
        return End()
    raise Unsupported(str(what))


def members(what: Any, value: Any, *, caseless: bool) -> Bytes:
    """Which bytes are in a set; unsure beyond ASCII where Unicode's tables would have to say."""
    if what is rc.ANY:
        return np.where(CODES == 10, k.NO, k.YES).astype(np.uint8)
    items = list(value) if what is rc.IN else [(rc.LITERAL, value)]
    negated = what is rc.NOT_LITERAL or items[0][0] is rc.NEGATE
    parts = [item(*one) for one in items if one[0] is not rc.NEGATE]
    inside = np.logical_or.reduce([one for one, _ in parts])
    if caseless:
        inside = inside | inside[OTHER_CASE]
    made = np.where(ASCII, inside != negated, negated).astype(np.uint8)
    if any(beyond for _, beyond in parts):
        made[128:] = k.UNSURE
    return made


def item(kind: Any, value: Any) -> tuple[Mask, bool]:
    """The ASCII members of one item of a set, and whether it has members beyond."""
    if kind is rc.LITERAL:
        return (value == CODES) & ASCII, value > 127
    if kind is rc.RANGE:
        return (value[0] <= CODES) & (value[1] >= CODES) & ASCII, value[1] > 127
    if kind is rc.CATEGORY and value in CATEGORIES:
        return CATEGORIES[value], True
    if kind is rc.CATEGORY and value in OPPOSITES:
        return ~CATEGORIES[OPPOSITES[value]] & ASCII, True
    raise Unsupported(str(kind))


def first(nodes: Nodes, follow: Mask) -> Mask:
    """The bytes that the nodes can begin with, or where they can be empty what follows them."""
    found = NOTHING
    for node in nodes:
        found = found | first_of(node)
        if not can_be_empty(node):
            return found
    return found | follow


def first_of(node: Node) -> Mask:
    if isinstance(node, Set):
        return np.asarray(node.members != k.NO)
    if isinstance(node, Literal):
        return np.asarray(node.text[0] == CODES)
    if isinstance(node, Branch):
        return np.asarray(np.logical_or.reduce([first(way, NOTHING) for way in node.ways]))
    return NOTHING if isinstance(node, End) else first(node.inside, NOTHING)


def can_be_empty(node: Node) -> bool:
    if isinstance(node, Branch):
        return any(all(map(can_be_empty, way)) for way in node.ways)
    if isinstance(node, Group):
        return all(map(can_be_empty, node.inside))
    if isinstance(node, Repeat):
        return node.least == 0 or all(map(can_be_empty, node.inside))
    return False  # nothing comes after an end


def fixed(node: Node) -> list[Bytes] | None:
    """The sets that a node's bytes are of, one by one; None where their number may differ."""
    if isinstance(node, Literal):
        return [np.equal(CODES, one).astype(np.uint8) for one in node.text]
    if isinstance(node, Set):
        return None if (node.members[128:] == k.YES).any() else [node.members]
    if isinstance(node, Repeat) and 0 < node.least == node.most <= MOST_FIXED:
        sets = fixed(node.inside[0]) if len(node.inside) == 1 else None
        return sets and sets * node.least
    return None


@dataclass(frozen=True, slots=True)
class Signs:
    """What every text that fits a pattern has, so that one without needs no engine."""

    head: Bytes
    """Which bytes it may begin with: for each place NO, YES or UNSURE for each byte, and in column
    256 for the text's end. No more places than are known; beyond ASCII, UNSURE."""
    literals: tuple[bytes, ...]


@cache
def signs_of(pattern: str) -> Signs:
    parsed = _parser.parse(pattern)
    if parsed.state.flags & (re.IGNORECASE | re.MULTILINE | re.VERBOSE):
        return Signs(np.zeros((0, 257), np.uint8), ())
    known = sets_of_head(list(parsed))
    table = np.zeros((len(known), 257), np.uint8)
    for place, one in enumerate(known):
        table[place, :256] = np.where(ASCII, one != k.NO, k.UNSURE)
    return Signs(table, tuple(dict.fromkeys(literals_of(parsed))))


def literals_of(parsed: Sequence[Any]) -> list[bytes]:
    """Runs of characters that no text without fits."""
    made: list[bytes] = []
    run = ""
    for what, value in parsed:
        if what is rc.LITERAL:
            run += chr(value)
            continue
        made, run = [*made, run.encode()], ""
        if what is rc.SUBPATTERN and not value[1]:
            made += literals_of(value[3])
        elif what in (rc.MAX_REPEAT, rc.MIN_REPEAT) and value[0]:
            made += literals_of(value[2])
    return [one for one in (*made, run.encode()) if one]


def sets_of_head(parsed: Sequence[Any]) -> list[Bytes]:
    nodes: list[Node] = []
    if parsed and tuple(parsed[0]) == (rc.AT, rc.AT_BEGINNING):
        with suppress(Unsupported):
            for what, value in parsed[1:]:
                nodes.append(lower_one(what, value, caseless=False))
                if not head_of(tuple(nodes[-1:]))[1] and not can_be_empty(nodes[-1]):
                    break
    return head_of(tuple(nodes))[0]


def head_of(nodes: Nodes) -> tuple[list[Bytes], bool]:
    """Sets of the bytes that the nodes begin with, one by one, and whether they are all of them."""
    made: list[Bytes] = []
    for at, node in enumerate(nodes):
        sets = fixed(node)
        known = (sets or [], sets is not None)
        inside, whole = head_of(node.inside) if isinstance(node, Group) else known
        made += inside
        if isinstance(node, Repeat) and node.least and (one := fixed_run(node)):
            return made + one, False
        if not whole:
            rest = nodes[at : next_full(nodes, at) + 1]
            alone = isinstance(node, Group) or can_be_empty(rest[-1]) or any(map(may_end, rest))
            return made + ([] if alone else [first(rest, NOTHING).astype(np.uint8)]), False
    return made, True


def fixed_run(node: Repeat) -> list[Bytes]:
    """The sets that a run begins with whose length is not known; none where that is not so."""
    sets = fixed(node.inside[0]) if len(node.inside) == 1 and fixed(node) is None else None
    return (sets or []) * min(node.least, MOST_FIXED)


def next_full(nodes: Nodes, at: int) -> int:
    """Where the first node is that cannot be empty; the last where all can."""
    full = (place for place in range(at, len(nodes)) if not can_be_empty(nodes[place]))
    return next(full, len(nodes) - 1)


def may_end(node: Node) -> bool:
    """Whether the text's end may be part of a node."""
    ways = node.ways if isinstance(node, Branch) else (getattr(node, "inside", ()),)
    return isinstance(node, End) or any(may_end(one) for way in ways for one in way)


@dataclass(slots=True)
class Writer:
    """A program in the making. ``follow`` is always the bytes that may come after a node."""

    steps: list[list[int]] = field(default_factory=list)
    sets: list[Bytes] = field(default_factory=list)
    numbers: dict[bytes, int] = field(default_factory=dict)
    literals: bytearray = field(default_factory=bytearray)
    shapes: list[int] = field(default_factory=list)
    switches: list[int] = field(default_factory=list)

    def emit(self, what: int, *numbers: int) -> int:
        self.steps.append([what, *numbers, *[0] * (3 - len(numbers))])
        return len(self.steps) - 1

    def set_number(self, wanted: Bytes | Mask) -> int:
        made = wanted.astype(np.uint8)
        at = self.numbers.setdefault(made.tobytes(), len(self.sets))
        if at == len(self.sets):
            self.sets.append(made)
        return 256 * at

    def write(self, nodes: Nodes, follow: Mask) -> None:
        done = 0
        for at, node in enumerate(nodes):
            if at < done:
                continue
            shape = [fixed(one) for one in nodes[at:]]
            done = at + (shape.index(None) if None in shape else len(shape))
            if done > at + isinstance(node, Literal):  # a literal alone needs no sets
                self.write_shape([one for part in shape[: done - at] for one in part or ()])
            else:
                done = at + 1
                self.write_one(node, first(nodes[at + 1 :], follow))

    def write_shape(self, sets: Sequence[Bytes]) -> None:
        self.emit(k.SHAPE, len(self.shapes), len(sets))
        self.shapes += map(self.set_number, sets)

    def write_one(self, node: Node, follow: Mask) -> None:
        if isinstance(node, Literal):
            self.emit(k.BYTES, len(self.literals), len(node.text))
            self.literals += node.text
        elif isinstance(node, Set):
            self.emit(k.TAKE, self.set_number(node.members), 1, 1)
        elif isinstance(node, Group):
            self.write_group(node, follow)
        elif isinstance(node, Branch):
            self.write_branch(node, follow)
        elif isinstance(node, Repeat):
            self.write_repeat(node, follow)
        else:
            self.emit(k.END)

    def write_group(self, node: Group, follow: Mask) -> None:
        if node.number is not None:
            self.emit(k.OPEN, node.number)
        self.write(node.inside, follow)
        if node.number is not None:
            self.emit(k.CLOSE, node.number)

    def write_choice(self, way: Nodes, other: Mask, follow: Mask) -> int:
        """Whether to go the way: by its first byte alone where the other cannot begin so."""
        begins = first(way, NOTHING)
        if all(map(can_be_empty, way)):
            return self.emit(k.SPLIT, 0, -1)
        known = k.SPLIT if (begins & other).any() else k.CHOOSE
        return self.emit(known, 0, self.set_number(begins))

    def write_branch(self, node: Branch, follow: Mask) -> None:
        jumps, places = [], []
        table = self.open_switch(node.ways)
        for at, way in enumerate(node.ways[:-1]):
            rest = [first(one, follow) for one in node.ways[at + 1 :]]
            places.append(len(self.steps))
            choice = self.write_choice(way, np.logical_or.reduce(rest), follow)
            self.write(way, follow)
            jumps.append(self.emit(k.JUMP))
            self.steps[choice][1] = len(self.steps)
        places.append(len(self.steps))
        self.write(node.ways[-1], follow)
        for jump in jumps:
            self.steps[jump][1] = len(self.steps)
        if table is not None:
            self.fill_switch(table, node.ways, places)

    def open_switch(self, ways: Sequence[Nodes]) -> int | None:
        """A table that the byte is looked up in; None where ways are few or can be empty."""
        if len(ways) < SWITCHED or any(all(map(can_be_empty, one)) for one in ways):
            return None
        self.emit(k.SWITCH, len(self.switches))
        self.switches += [-1] * 256
        return len(self.switches) - 256

    def fill_switch(self, table: int, ways: Sequence[Nodes], places: Sequence[int]) -> None:
        """For each byte the first way that begins with it, past its choice where no other does."""
        begins = np.array([first(way, NOTHING) for way in ways])
        for byte in np.flatnonzero(begins.any(0)).tolist():
            way = int(begins[:, byte].argmax())
            alone = way < len(ways) - 1 and not begins[way + 1 :, byte].any()
            self.switches[table + byte] = places[way] + alone

    def write_repeat(self, node: Repeat, follow: Mask) -> None:
        alone = node.inside[0] if len(node.inside) == 1 else None
        if node.lazy:
            self.write_lazy(node, alone, follow)
        elif isinstance(alone, Set):
            self.write_run(node, alone, follow)
        elif node.least > MOST_COPIES or MOST_COPIES < node.most - node.least < ENDLESS - 10:
            raise Unsupported("a group repeated many times")
        else:
            self.write_copies(node, follow)

    def write_run(self, node: Repeat, alone: Set, follow: Mask) -> None:
        number = self.set_number(alone.members)
        if node.most == ENDLESS and not follow.any() and not members_left_out(alone):
            if node.least:
                self.emit(k.TAKE, number, node.least, node.least)
            self.emit(k.REST)
            return
        given = not node.kept and ((alone.members != k.NO) & follow).any()
        self.emit(k.GIVE if given else k.TAKE, number, node.least, node.most)

    def write_lazy(self, node: Repeat, alone: Node | None, follow: Mask) -> None:
        """What follows is tried first, then one more character is taken and it is tried again."""
        if not isinstance(alone, Set) or node.most not in (1, ENDLESS):
            raise Unsupported("a lazy repeat of more than one set")
        number = self.set_number(alone.members)
        if node.least:
            self.emit(k.TAKE, number, node.least, node.least)
        start = len(self.steps)
        if node.least == node.most:
            return
        if node.most == ENDLESS:
            self.emit(k.SEEK, number, self.set_number(follow), start + 2)
        else:
            self.emit(k.SPLIT, start + 2, -1)
        away = self.emit(k.JUMP)
        self.emit(k.TAKE, number, 1, 1)
        if node.most == ENDLESS:
            self.emit(k.JUMP, start)
        self.steps[away][1] = len(self.steps)

    def write_copies(self, node: Repeat, follow: Mask) -> None:
        again = first(node.inside, NOTHING) | follow
        for _ in range(node.least):
            self.write(node.inside, again)
        if node.most == ENDLESS:
            self.write_loop(node, follow)
            return
        choices = []
        for _ in range(node.most - node.least):
            choices.append(self.write_choice(node.inside, follow, follow))
            self.write(node.inside, again)
        for choice in choices:
            self.steps[choice][1] = len(self.steps)

    def write_loop(self, node: Repeat, follow: Mask) -> None:
        if all(map(can_be_empty, node.inside)):
            raise Unsupported("an endless repeat of what can be empty")
        begins = first(node.inside, NOTHING)
        inside = node.inside if (begins & follow).any() else longer_runs(node.inside)
        start = self.write_choice(inside, follow, follow)
        self.write(inside, begins | follow)
        self.emit(k.JUMP, start)
        self.steps[start][1] = len(self.steps)


def members_left_out(node: Set) -> bool:
    """Whether a character that a line may hold is not in the set."""
    return bool((node.members[CODES != 10] != k.YES).any())


def longer_runs(inside: Nodes) -> Nodes:
    """The body of a loop that takes runs at once: ``(?:[^"]|x)*`` as ``(?:[^"]+|x)*``.

    The same lines are read, the same way, only where no byte can begin two ways or what follows.
    """
    if len(inside) != 1 or not isinstance(inside[0], Branch):
        return inside
    ways = inside[0].ways
    firsts = [first(way, NOTHING) for way in ways]
    if any((one & other).any() for at, one in enumerate(firsts) for other in firsts[at + 1 :]):
        return inside
    return (Branch(tuple(run_of(way) for way in ways)),)


def run_of(way: Nodes) -> Nodes:
    return (
        (Repeat(1, ENDLESS, way, kept=True),) if len(way) == 1 and isinstance(way[0], Set) else way
    )
