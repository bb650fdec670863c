"""How kernels are compiled, and one that more than one room calls."""

import numpy as np
from numba import njit

kernel = njit(cache=True, nogil=True, _nrt=False)
"""Compiles a kernel that makes no array. Numba then counts no references to those it is given: each
call of another kernel would count them all, by atomic steps that take longer than what is called.
``_nrt`` is Numba's own option for its parts; one that makes an array under it does not compile.
"""
inlined = njit(cache=True, nogil=True, _nrt=False, inline="always")
"""Compiles a small kernel into each that calls it: passing many arrays takes time of its own."""
making = njit(cache=True, nogil=True)
"""Compiles a kernel that makes arrays."""


@making
def number(hashes, most):
    """A number for each hash, in order of first sight, and where each was first seen.

    Stops where there are more than ``most``; then the first array is empty.
    """
    bits = 10
    while (1 << bits) < 2 * most + 2:
        bits += 1
    mask = np.uint64((1 << bits) - 1)
    slots = np.full(1 << bits, -1, np.int64)
    numbers = np.empty(len(hashes), np.int64)
    first = np.empty(most + 1, np.int64)
    found = 0
    for row in range(len(hashes)):
        slot = hashes[row] & mask
        while slots[slot] >= 0 and hashes[first[slots[slot]]] != hashes[row]:
            slot = (slot + np.uint64(1)) & mask
        if slots[slot] < 0:
            if found == most:
                return numbers[:0], first[:0]
            slots[slot], first[found] = found, row
            found += 1
        numbers[row] = slots[slot]
    return numbers, first[:found].copy()
