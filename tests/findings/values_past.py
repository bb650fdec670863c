"""Values put on disk and read back, as a night does."""

import tempfile
from pathlib import Path

from biglog.findings.values import Numbers, count_words, score_alone


def reach(values):
    """How far the values of the past went."""
    with tempfile.TemporaryDirectory() as folder:
        numbers = Numbers(Path(folder))
        numbers.add(values)
        return numbers.reach(count_words(values))


def judged_alone(values):
    """A night's values judged by what it shows itself."""
    with tempfile.TemporaryDirectory() as folder:
        numbers = Numbers(Path(folder))
        numbers.add(values)
        known = numbers.reach()
        return score_alone(numbers.beyond(known), known)
