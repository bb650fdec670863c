"""Work on several threads: in order, bounded, and its errors are the caller's."""

import threading

import pytest

from biglog.threads import THREADS, WAITING, ahead, behind


def test_results_come_in_the_order_of_the_items():
    assert list(ahead(lambda n: n * n, range(20))) == [n * n for n in range(20)]


def test_no_more_items_are_taken_than_can_be_worked_on():
    taken = []

    def items():
        for n in range(100):
            taken.append(n)
            yield n

    results = ahead(lambda n: n, items())
    next(results)
    assert len(taken) == THREADS + 1
    results.close()


def test_an_error_comes_at_the_place_of_its_item():
    results = ahead(lambda n: 1 // n, [1, 0, 1])
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_what_is_handed_over_is_done_in_order_before_the_end():
    done = []
    with behind(done.append) as hand:
        for n in range(50):
            hand(n)
    assert done == list(range(50))


def test_only_a_few_items_wait():
    gate, handed = threading.Event(), []

    def give():
        with behind(lambda _: gate.wait()) as hand:
            for n in range(10):
                handed.append(n)
                hand(n)

    caller = threading.Thread(target=give)
    caller.start()
    caller.join(0.3)
    assert caller.is_alive()
    assert len(handed) == WAITING + 1
    gate.set()
    caller.join()


def test_what_the_work_raises_is_raised_to_the_caller():
    def fail(_):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), behind(fail) as hand:
        hand(1)
