"""The two families of errors: what must never be retried, and what may heal by itself."""


class BigLogError(Exception):
    """Every error BigLog raises on purpose: what was got, what was expected, what to do next."""


class BadInput(BigLogError):
    """The input or a setting is wrong: trying again cannot help. Command line: exit code 2."""


class TryAgain(BigLogError):
    """Something outside failed for now (database away, disk full); a retry may help."""
