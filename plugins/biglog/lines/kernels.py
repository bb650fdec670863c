"""Byte kernels: loops over the bytes of many lines, compiled when first used and then kept on disk.

They take arrays and whole numbers only, release the interpreter's lock, and write into the arrays
they are given. The rows ``first`` to before ``last`` are worked on, so that several threads can
share one call. Where a loop is hot its index is made unsigned: a signed one may count from the end,
and the test for that keeps the compiler from working on many bytes at once.
"""

import numpy as np

from biglog.kernels import inlined, kernel, making

MATCH, TAKE, GIVE, BYTES, SHAPE, OPEN, CLOSE, SPLIT, CHOOSE, SWITCH, SEEK, JUMP, END, REST = range(
    14
)
"""What one instruction of a scanner does; ``program.py`` has their meanings."""
NO, YES, UNSURE = 0, 1, 2
"""Whether a byte is in a set, or a line fits; unsure is for the regex engine to say."""

STACK = 512
PATIENCE = 20_000
"""Steps that one line may take before it is left to an engine whose time is linear."""


@inlined
def is_inner(byte):
    """Whether a byte continues a UTF-8 character."""
    return byte & 0xC0 == 0x80


@inlined
def reach(data, at, end, sets, members, least, most):
    """How far a set's characters go from ``at``, and where its least number of them ends.

    (-1, -1) where there are fewer, (-2, -2) where a byte is not surely in the set or out of it.
    """
    if least <= 1 and most >= end - at:
        return reach_any(data, at, end, sets, members, least)
    count, floor = 0, at if least == 0 else -1
    while at < end:
        byte = data[np.uint64(at)]
        found = sets[members + np.uint64(byte)]
        if found == UNSURE:
            return -2, -2
        if found == NO or (count == most and not is_inner(byte)):
            break
        if not is_inner(byte):
            count += 1
        at += 1
        if count == least and (at == end or not is_inner(data[np.uint64(at)])):
            floor = at
    return (at, floor) if floor >= 0 else (-1, -1)


@inlined
def reach_any(data, at, end, sets, members, least):
    """As ``reach`` where any number of characters will do, which is what most runs are."""
    begin = at
    while at < end and sets[members + np.uint64(data[np.uint64(at)])] == YES:
        at += 1
    if at < end and sets[members + np.uint64(data[np.uint64(at)])] == UNSURE:
        return -2, -2
    if at == begin:
        return (at, at) if least == 0 else (-1, -1)
    floor = begin + least
    while least and floor < at and is_inner(data[np.uint64(floor)]):
        floor += 1
    return at, floor


@kernel
def seek(data, at, end, sets, members, stops):
    """Where what follows a run may begin, or the end; -1 where the run cannot go so far, -2 where
    that is not sure.
    """
    while at < end:
        byte = np.uint64(data[np.uint64(at)])
        if sets[stops + byte] != NO and not is_inner(byte):
            return at
        if sets[members + byte] != YES:
            return -1 if sets[members + byte] == NO else -2
        at += 1
    return at


@inlined
def has_shape(data, at, end, sets, shapes, begin, size):
    """Whether bytes of the shape's sets, one of each, stand at ``at``: NO, YES or UNSURE."""
    if at + size > end:
        return NO
    for offset in range(np.uint64(size)):
        members = shapes[np.uint64(begin) + offset]
        found = sets[members + np.uint64(data[np.uint64(at) + offset])]
        if found != YES:
            return np.int64(found)
    return YES


@inlined
def stands(data, at, end, literals, begin, size):
    """Whether a literal stands at ``at``."""
    if at + size > end:
        return False
    for offset in range(size):
        if data[np.uint64(at + offset)] != literals[np.uint64(begin + offset)]:
            return False
    return True


@making
def scan_rows(data, begins, stops, first, last, program, fits, starts, ends):
    """Fit each row to the program; where it fits, write the spans of its groups (-1: no part)."""
    stack = np.empty((STACK, 4), np.int64)
    trail = np.empty((STACK, 2), np.int64)
    spans = np.empty(2 * len(starts), np.int64)
    fit_rows(data, begins, stops, first, last, program, fits, starts, ends, spans, stack, trail)


@kernel
def fit_rows(data, begins, stops, first, last, program, fits, starts, ends, spans, stack, trail):
    """As ``scan_rows``, which makes the last three arrays."""
    for row in range(np.uint64(first), np.uint64(last)):
        spans[:] = -1
        answer = fit(data, begins[row], stops[row], program, spans, stack, trail)
        fits[row] = answer
        for group in range(np.uint64(len(starts))):
            begin = np.uint64(2) * group
            starts[group, row] = spans[begin] if answer == YES else -1
            ends[group, row] = spans[begin + np.uint64(1)] if answer == YES else -1


@inlined
def fit(data, at, end, program, spans, stack, trail):
    """Whether one text fits: a backtracking machine, where every step but the last may fail.

    A choice left open lies on the stack as step, place, lowest place and length of the trail; the
    trail holds what a span was before each change, so that a way not taken leaves none behind.
    """
    steps, sets, literals, shapes, switches = program
    step, top, changes, patience = 0, 0, 0, PATIENCE
    while True:
        row = np.uint64(step)
        what, one = steps[row, 0], steps[row, 1]
        two, three = steps[row, 2], steps[row, 3]
        good = True
        if what == TAKE or what == GIVE:
            far, least = reach(data, at, end, sets, np.uint64(one), two, three)
            if far == -2:
                return UNSURE
            good, step = far >= 0, step + 1
            if what == GIVE and far > least:
                top = leave_open(stack, top, step, far, least, changes)
            at = far
        elif what == SHAPE:
            found = has_shape(data, at, end, sets, shapes, one, two)
            if found == UNSURE:
                return UNSURE
            good, at, step = found == YES, at + two, step + 1
        elif what == BYTES:
            good = stands(data, at, end, literals, one, two)
            at, step = at + two, step + 1
        elif what == OPEN or what == CLOSE:
            changes = mark(spans, 2 * one + (what == CLOSE), at, trail, changes, top)
            step += 1
        elif what == SPLIT:
            both = two < 0 or (at < end and may_begin(data, at, sets, two))
            if both:
                top = leave_open(stack, top, one, at, -1, changes)
            step = step + 1 if both else one
        elif what == CHOOSE:
            step = step + 1 if at < end and may_begin(data, at, sets, two) else one
        elif what == SWITCH:
            step = switches[np.uint64(one) + np.uint64(data[np.uint64(at)])] if at < end else -1
            good = step >= 0
        elif what == SEEK:
            far = seek(data, at, end, sets, np.uint64(one), np.uint64(two))
            if far == -2:
                return UNSURE
            good, step = far >= 0, step + 1
            if far >= 0 and far < end:
                top = leave_open(stack, top, three, far, -1, changes)
            patience -= (far - at) >> 8  # a long way is not free
            at = far
        elif what == JUMP:
            step = one
        elif what == END:
            good, step = at == end, step + 1
        elif what == REST:
            at, step = end, step + 1
        else:
            return YES
        patience -= 1
        if patience <= 0 or top == STACK - 1 or changes == STACK - 1:
            return UNSURE
        if not good:
            if top == 0:
                return NO
            step, at, top, changes = go_back(data, spans, stack, trail, top - 1, changes)


@inlined
def mark(spans, slot, at, trail, changes, top):
    """Write one end of a span; onto the trail what was there, where it may be taken back."""
    if top:
        trail[changes, 0], trail[changes, 1] = slot, spans[slot]
        changes += 1
    spans[slot] = at
    return changes


@inlined
def may_begin(data, at, sets, begins):
    return sets[np.uint64(begins) + np.uint64(data[np.uint64(at)])] != NO


@inlined
def leave_open(stack, top, step, place, floor, changes):
    stack[top, 0], stack[top, 1], stack[top, 2], stack[top, 3] = step, place, floor, changes
    return top + 1


@kernel
def go_back(data, spans, stack, trail, top, changes):
    """To the choice last left open: step, place, and what is left of stack and trail."""
    step, at, floor = stack[top, 0], stack[top, 1], stack[top, 2]
    while changes > stack[top, 3]:
        changes -= 1
        spans[trail[changes, 0]] = trail[changes, 1]
    if floor >= 0:  # a run that gives back its last character
        at -= 1
        while is_inner(data[at]):
            at -= 1
        if at > floor:
            stack[top, 1] = at
            top += 1
    return step, at, top, changes


@kernel
def hash_spans(data, starts, ends, first, last, hashes):
    """Mix one group's span into each row's hash; taking no part is told from an empty span."""
    for row in range(first, last):
        state = hashes[row]
        for at in range(starts[row], ends[row]):
            state = (state ^ np.uint64(data[np.uint64(at)])) * np.uint64(0xD6E8FEB86659FD93)
            state ^= state >> np.uint64(32)
        absent = np.uint64(257) if starts[row] < 0 else np.uint64(256)
        state = (state ^ absent) * np.uint64(0xD6E8FEB86659FD93)
        hashes[row] = state ^ (state >> np.uint64(32))


@kernel
def write_views(data, starts, ends, first, last, views):
    """Spans as Arrow's string views of four 32-bit words: length, then 12 bytes of text, or of a
    longer text its first four bytes, its buffer (the first) and where in it the text begins.
    """
    for row in range(first, last):
        at, size = starts[row], ends[row] - starts[row]
        views[row, 0] = size
        short = size <= 12
        for word in range(3 if short else 1):
            packed = np.uint32(0)
            for byte in range(4):
                place = 4 * word + byte
                if place < size:
                    packed |= np.uint32(data[np.uint64(at + place)]) << np.uint32(8 * byte)
            views[row, word + 1] = packed
        if not short:
            views[row, 2], views[row, 3] = 0, at


@kernel
def count_escapes(data, at, end):
    """How many bytes JSON text must not hold as they are; other controls are gone by now."""
    count = np.uint32(0)
    for place in range(np.uint64(at), np.uint64(end)):
        byte = data[place]
        count += np.uint32(byte == 34) | np.uint32(byte == 92) | np.uint32(byte == 9)
    return np.int64(count)


@kernel
def copy(data, at, end, out, to):
    """Copy a span, and say where it ends there."""
    source, target = np.uint64(at), np.uint64(to)
    for place in range(np.uint64(end - at)):
        out[target + place] = data[source + place]
    return to + end - at


@kernel
def copy_escaped(data, at, end, out, to):
    if count_escapes(data, at, end) == 0:
        return copy(data, at, end, out, to)
    for place in range(at, end):
        byte = data[place]
        if byte == 34 or byte == 92 or byte == 9:
            out[to], to = np.uint8(92), to + 1
            byte = np.uint8(116) if byte == 9 else byte
        out[to], to = byte, to + 1
    return to


@kernel
def is_absent(data, at, end, words, edges):
    """Whether a span is one of the words for nothing."""
    for word in range(len(edges) - 1):
        size = edges[word + 1] - edges[word]
        if size == end - at and stands(data, at, end, words, edges[word], size):
            return True
    return False


@kernel
def write_objects(data, groups, starts, ends, keys, key_edges, words, word_edges, edges, out):
    """Each row's groups, those that are named, as a JSON object of texts, and where it ends; a row
    where none has a value gets none. A key comes with its quotes and colon.
    """
    to = edges[0]
    for row in range(np.uint64(starts.shape[1])):
        lead = np.uint8(123)
        for group in range(len(groups)):
            at, end = starts[groups[group], row], ends[groups[group], row]
            if at < 0 or is_absent(data, at, end, words, word_edges):
                continue
            out[to], to, lead = lead, to + 1, np.uint8(44)
            to = copy(keys, key_edges[group], key_edges[group + 1], out, to)
            to = copy_escaped(data, at, end, out, to)
            out[to], to = np.uint8(34), to + 1
        if lead == 44:
            out[to], to = np.uint8(125), to + 1
        edges[row + np.uint64(1)] = to


DIGITS, PADDED, ONE_OF, LETTERS, NAME, HALF, SIGN, SKIP = range(8)
"""What one step of a timestamp's shape reads; ``fixed.py`` has their meanings."""
YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, MICROS, EAST, HOURS, MINUTES, PM, OTHER = range(12)
"""Where the parts of a timestamp are kept."""
BACK = 9
"""Years among which the one of a date that names none is sought: a leap day may be eight ago."""
NEVER = np.int64(1) << np.int64(62)


@kernel
def read_times(data, offsets, shapes, edges, resume, names, clock, parts, dates, micros):
    """Microseconds since 1970 of texts by the shape of their length, as far as all rows can be read
    or none can: how many rows that are, and whether they can.

    ``shapes`` has the steps of all, those of length n from ``edges[n]`` to before ``edges[n + 1]``;
    a text that begins as the one above is read from ``resume[n]`` at the first other byte on.
    ``clock`` is the latest year and the latest moment of a date that names no year, and what kind
    of year and of hour the shapes have: no year, four digits or two; and 24 or 12 hours.
    """
    good, known, above = False, np.int64(-1), np.int64(-1)
    for row in range(np.uint64(len(micros))):
        at, size = offsets[row], offsets[row + np.uint64(1)] - offsets[row]
        size = min(size, len(edges) - 2)
        step, end = edges[np.uint64(size)], edges[np.uint64(size + 1)]
        fits = step < end
        if size == above:
            other = first_other(data, offsets[row - np.uint64(1)], at, size)
            step = resume[np.uint64(size), np.uint64(other)] if other < size else end
        elif fits:
            parts[:] = 0
            parts[MONTH], parts[DAY] = 1, 1
        if fits and step == end:
            micros[row] = micros[row - np.uint64(1)]
        elif fits and has_parts(data, at, shapes, step, end, names, parts):
            known = list_days(parts, clock, known, dates)
            micros[row] = assemble(parts, clock, dates)
            fits = micros[row] < NEVER
        else:
            fits = False
        above = size if fits else np.int64(-1)
        if row == 0:
            good = fits
        elif fits != good:
            return row, good
    return len(micros), good


@inlined
def first_other(data, one, other, size):
    """How many bytes two texts begin with alike."""
    same = np.int64(0)
    while same < size and data[np.uint64(one + same)] == data[np.uint64(other + same)]:
        same += 1
    return same


@inlined
def has_parts(data, begin, shapes, first, end, names, parts):
    """Whether a text has the shape from that step on; its parts are kept."""
    for step in range(np.uint64(first), np.uint64(end)):
        what, width, part = shapes[step, 0], shapes[step, 1], shapes[step, 2]
        value, at = shapes[step, 3], begin + shapes[step, 4]
        good = True
        if what == DIGITS or what == PADDED:
            found = number_at(data, at, width, what == PADDED)
            parts[np.uint64(part)] = found * value
            good = found >= 0
        elif what == ONE_OF:
            byte = np.int64(data[np.uint64(at)])
            good = byte == value & 255 or byte == value >> 8 & 255 or byte == value >> 16
        elif what == LETTERS:
            good = are_letters(data, at, width)
        elif what == NAME:
            parts[MONTH] = name_at(data, at, width, names)
            good = parts[MONTH] > 0
        elif what == HALF:
            byte = data[np.uint64(at)] | 32
            parts[PM] = byte == 112
            good = (byte == 97 or byte == 112) and data[np.uint64(at + 1)] | 32 == 109
        elif what == SIGN:
            byte = data[np.uint64(at)]
            parts[EAST] = 44 - np.int64(byte)
            good = byte == 43 or byte == 45
        if not good:
            return False
    return True


@inlined
def number_at(data, at, width, padded):
    """The number that digits spell, of which a space may be the first; -1 where they do not."""
    value = np.uint64(0)
    for place in range(np.uint64(at), np.uint64(at + width)):
        digit = np.uint64(data[place]) - np.uint64(48)
        if padded and place == np.uint64(at) and data[place] == 32:
            digit = np.uint64(0)
        if digit > np.uint64(9):
            return np.int64(-1)
        value = value * np.uint64(10) + digit
    return np.int64(value & np.uint64(NEVER - 1))  # of more digits than a number holds none is kept


@inlined
def are_letters(data, at, width):
    for place in range(np.uint64(at), np.uint64(at + width)):
        if (data[place] | 32) < 97 or (data[place] | 32) > 122:
            return False
    return True


@kernel
def name_at(data, at, width, names):
    """The number of the month whose name of that width stands there; 0 where none does."""
    for row in range(len(names)):
        if names[row, 0] != width:
            continue
        same = True
        for letter in range(width):
            same &= (data[np.uint64(at + letter)] | 32) == names[row, 2 + letter]
        if same:
            return np.int64(names[row, 1])
    return np.int64(0)


@inlined
def list_days(parts, clock, known, dates):
    """Days since 1970 of the parts' date, the first of ``dates``, in its year or, of a date that
    names none, in the latest years; NEVER where no calendar has it. Done anew where it is not the
    date that is known; which one that is then.
    """
    code = (parts[YEAR] * 128 + parts[MONTH]) * 128 + parts[DAY]
    if code == known:
        return known
    kind = clock[2]
    if kind:
        century = (2000 if parts[YEAR] < 70 else 1900) if kind == 2 else 0
        dates[0] = days_of(parts[YEAR] + century, parts[MONTH], parts[DAY])
    else:
        for back in range(BACK):
            dates[back] = days_of(clock[0] - back, parts[MONTH], parts[DAY])
    return code


@kernel
def days_of(year, month, day):
    """Days since 1970 (Howard Hinnant, "chrono-compatible low-level date algorithms")."""
    if month < 1 or month > 12 or day < 1 or year < 1:
        return NEVER
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    longest = 28 + leap if month == 2 else 30 + ((month + (month > 7)) & 1)
    if day > longest:
        return NEVER
    year -= month <= 2
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    of_era = year % 400
    return year // 400 * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


@inlined
def assemble(parts, clock, dates):
    """Microseconds of the parts; NEVER where they are no real moment."""
    hour = parts[HOUR]
    if clock[3]:
        if hour < 1 or hour > 12:
            return NEVER
        hour = hour % 12 + 12 * parts[PM]
    if hour > 23 or parts[MINUTE] > 59 or parts[SECOND] > 60:
        return NEVER
    east = parts[EAST] * (parts[HOURS] * 60 + parts[MINUTES])
    seconds = (hour * 60 + parts[MINUTE] - east) * 60 + parts[SECOND]
    of_day = seconds * 1_000_000 + parts[MICROS]
    for back in range(1 if clock[2] else BACK):
        if dates[back] < NEVER:
            micros = dates[back] * 86_400_000_000 + of_day
            if clock[2] or micros <= clock[1]:
                return micros
    return NEVER
