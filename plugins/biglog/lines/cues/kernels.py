"""Byte kernels that tell which texts may hold a secret, in one pass over the bytes of many texts.

A cue is a thing no secret of its kind can be without: a literal such as ``token`` before a link,
or digits grouped like a telephone number. Finding one proves nothing; finding none proves that no
rule with that cue can match. Bytes outside ASCII are letters to no rule, so they end words here.
"""

import numpy as np

from biglog.kernels import kernel

NAMED, ISSUED, EMAIL, URL, NUMBER, OPTION, KEY = 1, 2, 4, 8, 16, 32, 64
"""Cues, as bits: a secret's name, a known beginning, a mailbox, a login in a URL, digits grouped
as a person's are, an option of a command, the text of a key."""

LINKED, STARTS, FOLDED, TAILED, SPACED = 1, 2, 4, 8, 16
"""What a literal needs: a link after it, no letter before it, no case, a long word or a blank
behind it."""

DIGIT, UPPER, LOWER, TOKEN, CLOSER, LINK, MAIL = 1, 2, 4, 8, 16, 32, 64
"""Classes of bytes, as ``classes`` has them for each byte."""

NOTHING, BEFORE_DIGITS, BEFORE_DIGIT, BEFORE_SIGN, SLASHES, NEW_LINE = 0, 251, 252, 253, 254, 255
"""What two bytes may begin besides a literal, of which they name the number plus one."""

PAIRS = 1 << 16
BEFORE, BEHIND = 1, 2
"""Where beside a group's pair a byte may stand, as ``beside`` has it for each group and byte."""

BLOCK = 32
"""Bytes that are tested for numbers at once."""


@kernel
def run_end(data, at, end, classes, wanted):
    while at < end and classes[data[np.uint64(at)]] & wanted:
        at += 1
    return at


@kernel
def is_linked(data, at, end, classes):
    """Whether what follows a secret's name can lead to its value: ``=``, a quote, ``is``."""
    if at < end and data[at] | 32 == 115:  # tokens:
        at += 1
    stop = min(at + 16, end)
    while at < stop and classes[data[at]] & CLOSER:
        if data[at] in (34, 39):
            return True
        at += 1
    if at >= end:
        return False
    if classes[data[at]] & LINK:
        return True
    after = data[at + 1] | 32 if at + 1 < end else 0
    first = data[at] | 32
    if first == 105:  # password is
        return after == 115
    if first == 116:  # <password type=
        return after == 121
    return first in (118, 119) and after == 97  # value, was


@kernel
def is_literal(data, begin, at, end, classes, letters, letter, length, needs):
    """Whether the literal stands at ``at`` with what it needs around it."""
    if at + length > end:
        return False
    for place in range(length):
        byte = data[at + place]
        if needs & FOLDED and classes[byte] & UPPER:
            byte |= 32
        if byte != letters[letter + place]:
            return False
    if needs & STARTS and at > begin and classes[data[at - 1]] & (UPPER | LOWER | DIGIT):
        hump = classes[data[at - 1]] & LOWER and classes[data[at]] & UPPER  # dbPass
        if not (hump and needs & FOLDED):
            return False
    if needs & TAILED:
        return run_end(data, at + length, min(at + length + 10, end), classes, TOKEN) == (
            at + length + 10
        )
    if needs & SPACED:
        return at + length < end and data[at + length] in (32, 9, 43, 37)
    return not needs & LINKED or is_linked(data, at + length, end, classes)


@kernel
def is_mailbox(data, at, end, classes):
    """Whether a domain of two labels or more follows the sign before ``at``."""
    dot = run_end(data, at, end, classes, MAIL)
    return dot > at and dot + 1 < end and data[dot] == 46 and classes[data[dot + 1]] & MAIL != 0


@kernel
def is_world_phone(data, at, end, classes):
    digits = 0
    for place in range(at, min(at + 34, end)):
        if classes[data[place]] & DIGIT:
            digits += 1
        elif data[place] not in (32, 40, 41, 45, 46):
            break
    return digits >= 9


@kernel
def passes_luhn(data, at, stop):
    total, doubled = 0, False
    for place in range(stop - 1, at - 1, -1):
        digit = np.int64(data[place]) - 48
        if doubled:
            digit = 2 * digit - 9 if digit > 4 else 2 * digit
        total += digit
        doubled = not doubled
    return total % 10 == 0


@kernel
def is_long(data, at, stop, end, before):
    """Whether a whole run of digits can be a mobile, an identity or a bank card number."""
    length = stop - at
    mobile = length == 11
    if length == 13 or length == 15:  # 86 and 0086 are China
        mobile = data[stop - 13] == 56 and data[stop - 12] == 54
    if mobile and data[stop - 11] == 49 and data[stop - 10] >= 51:
        return True
    if length == 18 or (length == 17 and stop < end and data[stop] | 32 == 120):
        century = (np.int64(data[at + 6]) - 48) * 10 + np.int64(data[at + 7]) - 48
        if 18 <= century <= 20 and data[at + 10] <= 49 and data[at + 12] <= 51:
            return True
    if not 14 <= length <= 19 or not 50 <= data[at] <= 54 or before == 45:
        return False
    return passes_luhn(data, at, stop)


@kernel
def is_grouped(data, at, stop, end, classes, before):
    """Whether short runs of digits follow each other as in a telephone or bank card number."""
    length = stop - at
    if stop + 2 > end or length not in (3, 4, 5, 7):
        return False
    mark = data[stop]
    if mark == 41 or mark == 239:  # (415) 555-2671, （010）12345678
        return before == 40 or before == 136
    if mark != 45 and mark != 32:
        return False
    then = run_end(data, stop + 1, end, classes, DIGIT)
    second = then - stop - 1
    if data[at] == 48 and second in (7, 8):
        return True
    if then >= end or data[then] != mark:
        return False
    third = run_end(data, then + 1, end, classes, DIGIT) - then - 1
    if length != 4 and data[stop - 3] == 49 and second == 4 and third == 4:
        return True
    if before == 45:
        return False
    if length == 3:
        return mark == 45 and second in (2, 3) and third == 4
    if not 50 <= data[at] <= 54:
        return False
    return (second == 4 and third == 4) or (second == 6 and 4 <= third <= 5)


@kernel
def is_account(data, begin, at, end, classes):
    """Whether the letter before ``at`` ends a country code of an account number (IBAN)."""
    if at - 2 < begin or not classes[data[at - 2]] & UPPER:
        return False
    if at - 2 > begin and classes[data[at - 3]] & (UPPER | LOWER | DIGIT):
        return False
    signs = 0
    for place in range(at, min(at + 40, end)):
        if classes[data[place]] & (DIGIT | UPPER):
            signs += 1
        elif data[place] != 32:
            break
    return signs >= 13


@kernel
def number_cue(data, begin, at, end, classes):
    """The cue in the digits that begin at ``at``."""
    before = data[at - 1] if at > begin else np.uint8(32)
    if before == 37:  # bob%40example.com
        sign = at + 2 <= end and data[at] == 52 and data[at + 1] == 48
        return EMAIL if sign and is_mailbox(data, at + 2, end, classes) else 0
    if classes[before] & UPPER:
        return NUMBER if is_account(data, begin, at, end, classes) else 0
    if before == 43:
        return NUMBER if is_world_phone(data, at, end, classes) else 0
    stop = run_end(data, at, end, classes, DIGIT)
    if stop - at < 11:
        return NUMBER if is_grouped(data, at, stop, end, classes, before) else 0
    return NUMBER if is_long(data, at, stop, end, before) else 0


@kernel
def is_key_line(data, at, end, classes):
    """Whether a line of a key's text begins at ``at``: sixty characters of base64 and no other."""
    if at + 60 > end or not classes[data[at + 59]] & classes[data[at + 20]] & TOKEN:
        return False
    return run_end(data, at, at + 60, classes, TOKEN) == at + 60


@kernel
def is_digit(byte):
    return np.uint8(byte - np.uint8(48)) < np.uint8(10)


@kernel
def may_hold_number(data, begin, end):
    """Whether there is what every cue of plain digits has: eleven of them, a mark and four, or
    three and a closing bracket. Blocks of one size are tested byte by byte at once, so that the
    last goes on into the next text: what is found there too much is seen to be nothing later.
    """
    at, stop = np.uint64(begin), np.uint64(end)
    while at < stop:
        if at + np.uint64(BLOCK + 11) > np.uint64(len(data)):
            return True
        found = False
        for place in range(np.uint64(BLOCK)):
            here = at + place
            byte1, byte3 = data[here + np.uint64(1)], data[here + np.uint64(3)]
            one, two = is_digit(data[here]), is_digit(byte1)
            three, four = is_digit(data[here + np.uint64(2)]), is_digit(byte3)
            five = is_digit(data[here + np.uint64(4)])
            six = is_digit(data[here + np.uint64(5)])
            rest = is_digit(data[here + np.uint64(6)]) & is_digit(data[here + np.uint64(7)])
            rest &= is_digit(data[here + np.uint64(8)]) & is_digit(data[here + np.uint64(9)])
            rest &= is_digit(data[here + np.uint64(10)])
            marked = (byte1 == np.uint8(45)) | (byte1 == np.uint8(32))
            closed = (byte3 == np.uint8(41)) | (byte3 == np.uint8(239))
            middle = three & four & five & six
            found |= one & ((middle & (marked | (two & rest))) | (two & three & closed))
        if found:
            return True
        at += np.uint64(BLOCK)
    return False


@kernel
def literal_cues(data, begin, at, end, classes, first, last, letters, table):
    """The cues of the literals ``first`` to before ``last``, which share the pair of bytes at
    ``at``.
    """
    seen = 0
    for one in range(first, last):
        letter, length, place, needs, bit = table[one]
        start = at - place
        if start < begin or (data[start] ^ letters[letter]) & 0xDF:  # not even the same letter
            continue
        if is_literal(data, begin, start, end, classes, letters, letter, length, needs):
            seen |= bit
    return seen


@kernel
def may_stand(data, begin, at, end, beside, found):
    """Whether the bytes beside the pair at ``at`` are those of a literal of its group."""
    row = np.uint64(found) << np.uint64(8)
    if at > begin and not beside[row | np.uint64(data[np.uint64(at - 1)])] & BEFORE:
        return False
    return at + 2 >= end or beside[row | np.uint64(data[np.uint64(at + 2)])] & BEHIND != 0


@kernel
def next_pair(data, at, last, pairs, table):
    """Where the next two bytes that may begin something stand; ``last`` where none do."""
    if at >= last:
        return last
    before = np.uint64(data[at])
    while at < last:
        after = np.uint64(data[np.uint64(at + 1)])
        if pairs[table | before << np.uint64(8) | after] != NOTHING:
            break
        before = after
        at += 1
    return at


@kernel
def find_cues(data, offsets, first, last, classes, pairs, literals, cues):
    """The cues in each text. ``pairs`` says for two bytes what may be there, a literal or a shape:
    first for texts where digits may be a cue, then for the others.
    """
    letters, rows, groups, beside = literals
    for row in range(first, last):
        begin, end = offsets[row], offsets[row + 1]
        seen, schemed = 0, False
        numbered = may_hold_number(data, begin, end)
        table = np.uint64(0) if numbered else np.uint64(PAIRS)
        if numbered and begin < end and classes[data[begin]] & DIGIT:
            seen = number_cue(data, begin, begin, end, classes)
        if is_key_line(data, begin, end, classes):
            seen |= KEY
        at = next_pair(data, begin, end - 1, pairs, table)
        while at < end - 1:
            pair = np.uint64(data[at]) << np.uint64(8) | np.uint64(data[at + 1])
            found = pairs[table | pair]
            if found < BEFORE_DIGITS:
                if may_stand(data, begin, at, end, beside, found):
                    one, after = groups[found - 1], groups[found]
                    seen |= literal_cues(data, begin, at, end, classes, one, after, letters, rows)
            elif found == BEFORE_DIGITS:  # one or two say nothing, and most are
                if at + 3 < end and classes[data[at + 3]] & classes[data[at + 2]] & DIGIT:
                    seen |= number_cue(data, begin, at + 1, end, classes)
            elif found == BEFORE_DIGIT:
                seen |= number_cue(data, begin, at + 1, end, classes)
            elif found == BEFORE_SIGN:
                seen |= URL if schemed else 0
                seen |= EMAIL if is_mailbox(data, at + 2, end, classes) else 0
            elif found == SLASHES:
                schemed = True
            else:
                seen |= KEY if is_key_line(data, at + 1, end, classes) else 0
                if classes[data[at + 1]] & DIGIT:
                    seen |= number_cue(data, begin, at + 1, end, classes)
            at = next_pair(data, at + 1, end - 1, pairs, table)
        cues[row] = seen
