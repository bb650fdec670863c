"""BigLog: a night's logs as a short, true account of what changed and what is wrong."""

__version__ = "0.1.0"
