"""A process that does the work of one package: requests and answers are lines of JSON.

Each package has a process of its own, so that the thread pools of one do not stand in the way of
another; only one of them works at a time. A worker that waits uses no processor.
"""

import gc
import importlib
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.job import Job
from benchmark.problem import Problem

FIRST = 8192  # steps of the first run: enough for every kernel to be used

# Freed memory stays with the process: on virtual machines the first touch of a page can cost more
# than the work.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}

MODULES = {
    "ours": "benchmark.ours",
    "reservoirpy": "benchmark.with_reservoirpy",
    "rclib": "benchmark.with_rclib",
}


class Worker:
    """The driver's end of a worker."""

    def __init__(self, package: str, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "benchmark.worker", package, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **KEEP_MEMORY},
        )
        self._package = package

    def prepare(self, job: Job) -> float:
        """Build the model and do a short run of the same work; seconds of that first run."""
        return self._ask({"request": "prepare", "job": asdict(job)})

    def run(self, job: Job) -> float:
        """Do the work once; seconds."""
        return self._ask({"request": "run", "job": asdict(job)})

    def rates(self) -> dict[str, float]:
        """What the machine does at this moment."""
        return self._ask({"request": "rates"})

    def forget(self) -> None:
        """Let go of all models."""
        self._ask({"request": "forget"})

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()

    def _ask(self, message: dict[str, Any]) -> Any:
        print(json.dumps(message), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the worker of {self._package} ended: its message is above")
        return json.loads(answer)


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


def _serve(package: str, folder: Path) -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a package prints goes elsewhere
    warnings.simplefilter("ignore")
    prepare = importlib.import_module(MODULES[package]).prepare
    problem = Problem(folder)
    ready: dict[Job, Callable[[], Any]] = {}
    for line in sys.stdin:
        message = json.loads(line)
        answer: Any = None
        if message["request"] == "rates":
            from benchmark.rates import measure

            answer = measure()
        elif message["request"] == "forget":
            ready.clear()
        else:
            job = Job(**message["job"])
            if message["request"] == "prepare":
                ready[job] = prepare(problem, job)
                steps = min(job.steps, FIRST)
                answer = _seconds(prepare(problem, replace(job, steps=steps)))
            else:
                _touch(job)
                answer = _seconds(ready[job])
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1], Path(sys.argv[2]))
