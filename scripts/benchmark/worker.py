"""A process that does the work of one package."""

import gc
import importlib
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.job import Job
from benchmark.problem import Problem
from benchmark.process import Process, serve

FIRST = 8192  # steps of the first run: enough for every kernel to be used

MODULES = {
    "ours": "benchmark.ours",
    "reservoirpy": "benchmark.with_reservoirpy",
    "rclib": "benchmark.with_rclib",
}


class Worker:
    """The driver's end of a worker."""

    def __init__(self, package: str, folder: Path) -> None:
        self._process = Process(package, "benchmark.worker", package, str(folder))

    def prepare(self, job: Job) -> float:
        """Build the model and do a short run of the same work; seconds of that first run."""
        return self._process.ask(request="prepare", job=asdict(job))

    def run(self, job: Job) -> float:
        """Do the work once; seconds."""
        return self._process.ask(request="run", job=asdict(job))

    def rates(self) -> dict[str, float]:
        """What the machine does at this moment."""
        return self._process.ask(request="rates")

    def forget(self) -> None:
        """Let go of all models."""
        self._process.ask(request="forget")

    def close(self) -> None:
        self._process.close()


def _touch(job: Job) -> None:
    """Take memory for all states of the job, and free it again."""
    np.ones(job.units * job.all_steps, job.dtype)
    gc.collect()


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - started
    del result  # its memory is given back outside the measured time
    return seconds


def _start(package: str, folder: Path) -> Callable[[dict[str, Any]], Any]:
    prepare = importlib.import_module(MODULES[package]).prepare
    problem = Problem(folder)
    ready: dict[Job, Callable[[], Any]] = {}

    def answer(message: dict[str, Any]) -> Any:
        if message["request"] == "rates":
            from benchmark.rates import measure

            return measure()
        if message["request"] == "forget":
            return ready.clear()
        job = Job(**message["job"])
        if message["request"] == "prepare":
            ready[job] = prepare(problem, job)
            return _seconds(prepare(problem, replace(job, steps=min(job.steps, FIRST))))
        _touch(job)
        return _seconds(ready[job])

    return answer


if __name__ == "__main__":
    serve(lambda: _start(sys.argv[1], Path(sys.argv[2])))
