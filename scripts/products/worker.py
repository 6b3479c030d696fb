"""A process that does the work of one package, or measures the machine."""

import importlib
import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from benchmark.process import Process, serve

from products.job import Job

LEAST = 0.2  # seconds of one run: short work is done several times

MODULES = {
    "ours": "products.ours",
    "jax": "products.with_jax",
    "torch": "products.with_torch",
}


class Worker:
    """The driver's end of the worker of a package; or of "machine", which has rates alone."""

    def __init__(self, package: str) -> None:
        self._process = Process(package, "products.worker", package)

    def prepare(self, job: Job) -> str:
        """Build the network and do the work twice; which of several ways it will go."""
        return self._process.ask(request="prepare", job=asdict(job))

    def run(self, job: Job) -> float:
        """Seconds that the work takes: the median of some calls."""
        return self._process.ask(request="run", job=asdict(job))

    def rate(self, dtype: str) -> float:
        """Operations a second of the best matrix product at this moment."""
        return self._process.ask(request="rate", dtype=dtype)

    def forget(self) -> None:
        """Let go of all networks."""
        self._process.ask(request="forget")

    def close(self) -> None:
        self._process.close()


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - started
    del result  # its memory is given back outside the measured time
    return seconds


def _answer_rates() -> Callable[[dict[str, Any]], Any]:
    from benchmark.matrix_product import matrix_product

    threads = len(os.sched_getaffinity(0))
    pool = ThreadPoolExecutor(threads)

    def answer(message: dict[str, Any]) -> Any:
        if message["request"] == "rate":
            return matrix_product(message["dtype"], pool, threads)
        return None

    return answer


def _answer_jobs(package: str) -> Callable[[dict[str, Any]], Any]:
    prepare = importlib.import_module(MODULES[package]).prepare
    ready: dict[Job, tuple[Callable[[], Any], int]] = {}

    def answer(message: dict[str, Any]) -> Any:
        if message["request"] == "forget":
            return ready.clear()
        job = Job(**message["job"])
        if message["request"] == "prepare":
            work, way = prepare(job)
            work()
            ready[job] = work, math.ceil(LEAST / _seconds(work))
            return way
        work, calls = ready[job]
        return statistics.median(_seconds(work) for _ in range(calls))

    return answer


def _start(package: str) -> Callable[[dict[str, Any]], Any]:
    return _answer_rates() if package == "machine" else _answer_jobs(package)


if __name__ == "__main__":
    serve(lambda: _start(sys.argv[1]))
