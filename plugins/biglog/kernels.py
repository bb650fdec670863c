"""Kernels that more than one room calls: what hashes of texts have in common."""

import numpy as np
from numba import njit

kernel = njit(cache=True, nogil=True)


@kernel
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
