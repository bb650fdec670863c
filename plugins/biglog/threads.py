"""Work handed to all cores while its order and a bound on what waits are kept."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

FEW = 20_000
"""Rows below which a second thread costs more than it saves."""

THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


INSIDE = threading.local()
"""Marks the threads of ``ahead``: all cores are at work there, more threads get in the way."""


def enter() -> None:
    INSIDE.working = True


def on_threads(work: Callable[[int, int], None], rows: int) -> None:
    """The work on pieces of the rows, one a thread; it must release Python's lock to gain."""
    if rows <= FEW or getattr(INSIDE, "working", False):
        work(0, rows)
        return
    edges = [rows * at // THREADS for at in range(THREADS + 1)]
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, edges[:-1], edges[1:]))


def ahead(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """The work's results in the items' order; as many items as there are threads are in work.

    Raises what the work raises, at the result's place. It gains where the work releases Python's
    lock, as polars, Arrow and compiled kernels do.
    """
    with ThreadPoolExecutor(THREADS, initializer=enter) as pool:
        waiting: deque[Future[R]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


WAITING = 2
"""Items that may wait behind a caller."""


@contextmanager
def behind(work: Callable[[T], object]) -> Iterator[Callable[[T], None]]:
    """Hand items over to a thread that works on them in order while the caller goes on.

    What the work raises is raised to the caller, by a later item or at the end.
    """
    with ThreadPoolExecutor(1) as pool:
        waiting: deque[Future[object]] = deque()

        def hand(item: T) -> None:
            waiting.append(pool.submit(work, item))
            if len(waiting) > WAITING:
                waiting.popleft().result()

        yield hand
        while waiting:
            waiting.popleft().result()
