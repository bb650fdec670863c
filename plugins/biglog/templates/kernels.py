"""Byte kernels: loops over the bytes of many texts, compiled when first used and then kept on disk.

They take arrays and whole numbers only, release the interpreter's lock, and write into the arrays
they are given. Texts are rows of ``data`` from ``start`` to before ``end``; the rows ``first`` to
before ``last`` are worked on, so that several threads can share one call. Where a loop is hot its
index is made unsigned: a signed one may count from the end, and the test for that is not free.
"""

import numpy as np

from biglog.kernels import kernel

BLANK, WORD, HEX, DIGIT = 1, 2, 4, 8
"""Classes of bytes, as ``classes`` has them for each byte."""


@kernel
def mixed(state, byte):
    state = (state ^ byte) * np.uint64(0xD6E8FEB86659FD93)
    return state ^ (state >> np.uint64(32))


@kernel
def is_uuid(data, at, end, classes):
    """Whether 36 bytes from ``at`` are five runs of hexadecimal with dashes between."""
    if at + 36 > end:
        return False
    for place in range(36):
        byte = data[at + place]
        if place in (8, 13, 18, 23):
            if byte != 45:
                return False
        elif not classes[byte] & HEX:
            return False
    return True


@kernel
def end_of(data, at, end, classes, wanted):
    while at < end and classes[data[np.uint64(at)]] & wanted:
        at += 1
    return at


@kernel
def variable_end(data, at, end, hex_end, classes, before):
    """Where the digits that vary end that begin here; ``at`` where none do."""
    if hex_end - at == 8 and is_uuid(data, at, end, classes):
        return at + 36
    if hex_end - at >= 12:
        return hex_end
    if not classes[data[at]] & DIGIT:
        return at
    stop = end_of(data, at, end, classes, DIGIT)
    return stop if stop - at >= 3 or not classes[before] & WORD else at


@kernel
def hash_shapes(data, offsets, first, last, classes, hashes, starts, ends, untidy):
    for row in range(first, last):
        at, end = offsets[row], offsets[row + 1]
        at = end_of(data, at, end, classes, BLANK)
        while end > at and classes[data[np.uint64(end - 1)]] & BLANK:
            end -= 1
        starts[row], ends[row], untidy[row] = at, end, False
        state, before, hex_end = np.uint64(0x9E3779B97F4A7C15), np.uint8(32), at
        while at < end:
            byte = data[np.uint64(at)]
            kind = classes[byte]
            if kind & BLANK:
                stop = end_of(data, at, end, classes, BLANK)
                if stop - at > 1 or byte != 32:
                    untidy[row] = True
                byte, before, at = np.uint8(32), np.uint8(32), stop
            elif kind & HEX:
                if hex_end <= at:
                    hex_end = end_of(data, at, end, classes, HEX)
                stop = variable_end(data, at, end, hex_end, classes, before)
                if stop > at:
                    byte, before, at = np.uint8(255), np.uint8(48), stop
                else:
                    before, at = byte, at + 1
            else:
                before, at = byte, at + 1
            state = mixed(state, np.uint64(byte))
        hashes[row] = mixed(state, np.uint64(256))


@kernel
def before(data, offsets, one, other):
    """Whether one row's text sorts before another's, by bytes, which is by code points."""
    at, end = offsets[one], offsets[one + 1]
    of, until = offsets[other], offsets[other + 1]
    while at < end and of < until:
        if data[at] != data[of]:
            return data[at] < data[of]
        at, of = at + 1, of + 1
    return end - offsets[one] < until - offsets[other]


@kernel
def find_smallest(data, offsets, numbers, best):
    """Replace each -2 in ``best`` by the row wanted there; -1 says that none is wanted."""
    for row in range(len(numbers)):
        known = best[numbers[row]]
        if known == -2 or (known >= 0 and before(data, offsets, row, known)):
            best[numbers[row]] = row


@kernel
def squeeze(data, start, end, rows, first, last):
    """Runs of white space as single blanks, in place; a text only gets shorter."""
    for row in rows[first:last]:
        to, blank = np.uint64(start[row]), True
        for at in range(np.uint64(start[row]), np.uint64(end[row])):
            byte = data[at]
            if byte == 32 or 9 <= byte <= 13:
                if not blank:
                    data[to] = 32
                    to += np.uint64(1)
                blank = True
            else:
                data[to] = byte
                to, blank = to + np.uint64(1), False
        end[row] = np.int64(to) - 1 if blank and np.int64(to) > start[row] else np.int64(to)


@kernel
def find_head(data, start, end, chars, tail):
    """Where the text's first characters end, less the non-blank ones among the last of them.

    ``end`` where the text has no more characters than that.
    """
    at, count = start, 0
    while at < end:
        count += data[np.uint64(at)] & 0xC0 != 0x80  # not inside a character
        if count > chars:
            break
        at += 1
    if at == end:
        return end
    while tail and at > start and data[at - 1] != 32 and data[at - 1] != 9:
        at -= 1
        tail -= data[at] & 0xC0 != 0x80
    return at


@kernel
def find_heads(data, offsets, rows, chars, tail, ends):
    for row in rows:
        ends[row] = find_head(data, offsets[row], offsets[row + 1], chars, tail)


@kernel
def copy_spans(data, start, end, edges, first, last, out):
    for row in range(first, last):
        source, target = np.uint64(start[row]), np.uint64(edges[row])
        for place in range(np.uint64(end[row] - start[row])):
            out[target + place] = data[source + place]


@kernel
def equal(data, at, parts, begin, size):
    for place in range(size):
        if data[np.uint64(at + place)] != parts[np.uint64(begin + place)]:
            return False
    return True


@kernel
def find(data, at, end, parts, begin, size):
    """Where the part stands first; -1 where it does not."""
    if size == 0:
        return at
    lead = parts[begin]
    while at + size <= end:
        if data[np.uint64(at)] == lead and equal(data, at, parts, begin, size):
            return at
        at += 1
    return -1


@kernel
def find_values(
    data, start, end, numbers, first, last, parts, places, first_part, edges, value_start, value_end
):
    for row in range(first, last):
        part, stop = first_part[numbers[row]], first_part[numbers[row] + 1] - 1
        if part == stop:
            continue
        at, until = start[row], end[row]
        size, tail = places[part + 1] - places[part], places[stop + 1] - places[stop]
        if at + size + tail > until or not equal(data, at, parts, places[part], size):
            continue
        if not equal(data, until - tail, parts, places[stop], tail):
            continue
        at, until, slot = at + size, until - tail, edges[row]
        for middle in range(part + 1, stop):
            size = places[middle + 1] - places[middle]
            found = find(data, at, until, parts, places[middle], size)
            if found < 0:
                break
            value_start[slot], value_end[slot] = at, found
            at, slot = found + size, slot + 1
        if slot == edges[row + 1] - 1:
            value_start[slot], value_end[slot] = at, until
        else:
            for place in range(edges[row], slot):
                value_end[place] = value_start[place]
