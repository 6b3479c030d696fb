"""Small training jobs, what they leave, and signals at chosen moments; shared by tests."""

from __future__ import annotations

import json
import signal
from itertools import count

import numpy as np

from reservoir.checkpoint import read
from reservoir.jobs.interruption import Flag
from reservoir.jobs.job import Job
from reservoir.jobs.run_directory import RunDirectory
from reservoir.jobs.settings import (
    RunSettings,
    batch_settings,
    network_settings,
    optimizer_settings,
)
from reservoir.jobs.task_source import TaskSource
from reservoir.jobs.training import train

TIMES = ("seconds", "processor_seconds")  # of a history, what differs from run to run


def small_job(optimizer="hf", *, seed=0, units=5, validate_every=1, source=None, **given):
    """Five tanh units that add numbers over ten steps."""
    source = source or TaskSource("addition", 10, {}, seed, tested=200)
    batches = {}
    if source.count is None:
        batches = {"gradient_batch": 30} | ({"curvature_batch": 20} if optimizer == "hf" else {})
    return Job(
        source,
        network_settings("rnn", {"units": units, "dtype": "float64"}),
        optimizer_settings(optimizer, given),
        batch_settings(optimizer, batches, source.count),
        validate_every,
        seed,
    )


def run(job, path, flag=None, **settings):
    """Train without a target, four steps by default."""
    settings = RunSettings(**({"max_steps": 4} | settings))
    return train(job, RunDirectory(path), settings, flag or Flag())


class CountingFlag(Flag):
    """A flag that a signal sets at its n-th look, if there are so many."""

    def __init__(self, at=0):
        super().__init__()
        self.at, self.looks, self._numbers = at, 0, count(1)

    def check(self):
        number = next(self._numbers)  # of any thread
        self.looks = max(self.looks, number)
        if number == self.at:
            self.handle(signal.SIGTERM, None)
        super().check()


def left(path):
    """What a run leaves, times apart: parameters, optimizer, history, metrics."""
    checkpoint = read(RunDirectory(path).numbered()[-1][1])
    state = checkpoint.run.state
    arrays = checkpoint.history.arrays()
    lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        for name in TIMES:
            line.pop(name)
    return {
        "theta": state.theta.tobytes(),
        "optimizer": [np.asarray(field).tobytes() for field in state.optimizer],
        "history": {n: a.tobytes() for n, a in arrays.items() if n not in TIMES},
        "metrics": lines,
    }
