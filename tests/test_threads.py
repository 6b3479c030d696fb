"""The pool, the step ahead, the number of threads and the limit on BLAS."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from reservoir import threads

LONG = 60  # seconds after which something that should have happened never will


# ---- count


@pytest.fixture
def machine(monkeypatch):
    """A machine of so many processors, without limits from outside."""

    def use(processors, quota=float("inf"), **variables):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(processors)))
        monkeypatch.setattr(threads, "_cgroup_quota", lambda: quota)
        for name in ("SLURM_CPUS_PER_TASK", "RESERVOIR_THREADS"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return use


@pytest.mark.parametrize(
    ("limits", "wanted"),
    [
        ({}, 8),
        ({"quota": 2.5}, 2),
        ({"quota": 0.4}, 1),
        ({"quota": 100.0}, 8),
        ({"RESERVOIR_THREADS": "3"}, 3),
        ({"RESERVOIR_THREADS": "99"}, 8),
        ({"RESERVOIR_THREADS": ""}, 8),
        ({"SLURM_CPUS_PER_TASK": "4"}, 4),
        ({"SLURM_CPUS_PER_TASK": "4", "RESERVOIR_THREADS": "2"}, 2),
        ({"SLURM_CPUS_PER_TASK": "2", "RESERVOIR_THREADS": "4"}, 2),
    ],
)
def test_count_is_the_least_limit(machine, limits, wanted):
    machine(8, **limits)
    assert threads.count() == wanted


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", " 2", "²"])
@pytest.mark.parametrize("name", ["RESERVOIR_THREADS", "SLURM_CPUS_PER_TASK"])
def test_count_refuses(machine, name, text):
    machine(8, **{name: text})
    with pytest.raises(ValueError, match=f"{name} is {text!r}, expected a positive integer"):
        threads.count()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("max 100000\n", float("inf")), ("150000 100000\n", 1.5), ("", float("inf")), (None,) * 2],
)
def test_cgroup_quota(monkeypatch, tmp_path, text, wanted):
    file = tmp_path / "cpu.max"
    if text is not None:
        file.write_text(text)
    monkeypatch.setattr(threads, "Path", lambda name: file)
    assert threads._cgroup_quota() == (float("inf") if wanted is None else wanted)


# ---- run_all


@pytest.mark.parametrize("number", [1, 2, 4])
def test_results_are_in_the_order_of_the_tasks(use_threads, number):
    use_threads(number)
    assert threads.run_all([partial(pow, i, 2) for i in range(100)]) == [i**2 for i in range(100)]
    assert threads.run_all([]) == []


def test_tasks_run_side_by_side(use_threads):
    """Each of three tasks waits for the two others: one thread alone would wait for ever."""
    use_threads(3)
    meeting = threading.Barrier(3, timeout=LONG)
    names = threads.run_all([lambda: meeting.wait() * 0 + threading.get_ident()] * 3)
    assert len(set(names)) == 3
    assert threading.get_ident() in names, "the calling thread takes a share"


@pytest.mark.parametrize("number", [1, 2])
def test_an_exception_comes_out_and_stops_the_rest(use_threads, number):
    use_threads(number)
    begun = []

    def task(i):
        begun.append(i)
        if i == 3:
            raise KeyError("the third")
        time.sleep(0.001)  # so that another thread cannot run them all before the error is seen
        return i

    with pytest.raises(KeyError, match="the third"):
        threads.run_all([partial(task, i) for i in range(1000)])
    assert 3 in begun
    assert len(begun) < 1000
    assert threads.run_all([lambda: 1, lambda: 2]) == [1, 2], "the pool survived"


def test_an_exception_waits_for_what_had_begun(use_threads):
    """Nothing writes to an array of the caller after run_all is over."""
    use_threads(2)
    meeting, over = threading.Barrier(2, timeout=LONG), []

    def fails():
        meeting.wait()
        raise ValueError("at once")

    def works():
        meeting.wait()
        over.append(sum(range(10**6)))

    with pytest.raises(ValueError, match="at once"):
        threads.run_all([fails, works])
    assert over


@pytest.mark.parametrize("number", [1, 3])
def test_who_looks_can_end_the_tasks(use_threads, number):
    use_threads(number)
    looked, done = [], []

    def look():
        looked.append(None)
        if len(looked) == 5:
            raise InterruptedError("enough")

    tasks = [partial(done.append, k) for k in range(100)]
    with threads.looking(look), pytest.raises(InterruptedError, match="enough"):
        threads.run_all(tasks)
    assert 4 <= len(done) < 5 + number
    with threads.looking(lambda: looked.append(None)):
        looked.clear()
        threads.run_all(tasks)
    assert len(looked) == 100
    threads.run_all(tasks)
    assert len(looked) == 100


def test_an_exception_of_a_helper_comes_out(use_threads):
    use_threads(2)
    caller, meeting = threading.get_ident(), threading.Barrier(2, timeout=LONG)

    def task():
        meeting.wait()
        if threading.get_ident() != caller:
            raise ZeroDivisionError("in a helper")

    with pytest.raises(ZeroDivisionError, match="in a helper"):
        threads.run_all([task, task])


def test_tasks_may_run_tasks(use_threads):
    use_threads(2)

    def outer(i):
        return sum(threads.run_all([partial(pow, i, p) for p in range(5)]))

    wanted = [sum(i**p for p in range(5)) for i in range(20)]
    assert threads.run_all([partial(outer, i) for i in range(20)]) == wanted


def test_a_forked_child_has_a_pool_of_its_own():
    """The parent's threads do not live in the child; locks that they held are open there."""
    script = """
        import os, signal, threading
        from reservoir import threads

        threads.count = lambda: 3
        meet = lambda n: [threading.Barrier(n, timeout=60).wait] * n
        threads.run_all(meet(3))  # the pool exists and its threads are alive
        threads._pool_lock.acquire()  # as if another thread were just in there
        threads._blas_lock.acquire()
        child = os.fork()
        if child == 0:
            signal.alarm(20)  # rather than hang for ever
            ok = len(threads.run_all(meet(3))) == 3
            ok &= list(threads.ahead(iter(range(5)))) == list(range(5))
            with threads.single_blas():
                pass
            os._exit(0 if ok else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    """
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(script)]
    root = Path(__file__).parents[1]
    subprocess.run(command, check=True, timeout=LONG, cwd=root)


# ---- ahead


def running_ahead():
    return [t for t in threading.enumerate() if t.name == "reservoir-ahead"]


@pytest.mark.parametrize("number", [1, 2])
def test_ahead_keeps_the_order(use_threads, number):
    use_threads(number)
    assert list(threads.ahead(range(500))) == list(range(500))
    assert list(threads.ahead([])) == []
    assert list(threads.ahead([None, None])) == [None, None]
    assert not running_ahead()


@pytest.mark.parametrize("number", [1, 2])
def test_ahead_passes_an_exception_on_in_its_place(use_threads, number):
    use_threads(number)

    def items():
        yield 1
        yield 2
        raise LookupError("no third")

    stream = threads.ahead(items())
    taken = [next(stream), next(stream)]
    with pytest.raises(LookupError, match="no third"):
        next(stream)
    assert taken == [1, 2]
    assert not running_ahead()


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_ahead_closed_early_leaves_no_thread(use_threads, taken):
    use_threads(2)
    closed = threading.Event()

    def items():
        try:
            yield from range(10**9)
        finally:
            closed.set()

    stream = threads.ahead(items())
    assert [next(stream) for _ in range(taken)] == list(range(taken))
    stream.close()
    assert not running_ahead()
    assert closed.is_set() or taken == 0, "the source was left open"


def test_ahead_prepares_the_next_item_in_a_thread_of_its_own(use_threads):
    use_threads(2)
    prepared = [threading.Event() for _ in range(10)]
    makers = set()

    def items():
        for event in prepared:
            makers.add(threading.get_ident())
            event.set()
            yield event

    stream = threads.ahead(items())
    next(stream)
    assert prepared[1].wait(LONG), "nothing was prepared ahead"
    assert not prepared[9].is_set(), "all of it was prepared ahead"
    stream.close()
    assert threading.get_ident() not in makers


def test_one_thread_makes_items_when_asked(use_threads):
    use_threads(1)
    made = []
    stream = threads.ahead(made.append(i) or i for i in range(5))
    next(stream)
    assert made == [0]


# ---- single_blas


@pytest.fixture
def blas():
    """Sets BLAS to two threads and says how many it has."""
    controller = threads._blas()

    def now():
        return {lib["num_threads"] for lib in controller.select(user_api="blas").info()}

    with controller.limit(limits=2, user_api="blas"):
        assert now() == {2}
        yield now


def test_blas_is_held_to_one_thread(blas):
    with threads.single_blas():
        assert blas() == {1}
        with threads.single_blas():
            assert blas() == {1}
        assert blas() == {1}, "the inner one freed it"
    assert blas() == {2}
    with pytest.raises(ValueError, match="inside"), threads.single_blas():
        raise ValueError("inside")
    assert blas() == {2}


def test_the_last_of_several_threads_frees_blas(blas):
    entered, leave = threading.Event(), threading.Event()

    def other():
        with threads.single_blas():
            entered.set()
            leave.wait(LONG)

    thread = threading.Thread(target=other)
    with threads.single_blas():
        thread.start()
        assert entered.wait(LONG)
    assert blas() == {1}, "freed while another thread computes"
    leave.set()
    thread.join()
    assert blas() == {2}


def test_any_thread_can_hold_blas(blas):
    """threadpoolctl 3.8 ignores every thread but the first that has set a limit and is alive."""
    inside, leave = [], threading.Event()

    def other():
        for _ in range(2):
            with threads.single_blas():
                inside.append(blas())
        inside.append(blas())
        leave.wait(LONG)

    thread = threading.Thread(target=other)
    with threads.single_blas():
        pass
    thread.start()
    while len(inside) < 3 and thread.is_alive():
        thread.join(0.01)
    with threads.single_blas():  # the other one is alive still
        inside.append(blas())
    leave.set()
    thread.join()
    assert inside == [{1}, {1}, {2}, {1}]
    assert blas() == {2}


def test_the_controller_knows_both_libraries():
    """NumPy and SciPy bring an OpenBLAS each; a controller made too early misses the second."""
    script = """
        import numpy
        from reservoir import threads

        with threads.single_blas():
            from threadpoolctl import threadpool_info

            found = [lib for lib in threadpool_info() if lib["user_api"] == "blas"]
            assert {lib["num_threads"] for lib in found} == {1}, found
    """
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True, cwd=root)
