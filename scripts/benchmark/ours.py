"""This package at work, through its public names."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmark.job import Job
from benchmark.problem import LEAK, RIDGE, SHORT, WASHOUT, Problem
from reservoir import ESNRegressor


def regressor(problem: Problem, job: Job) -> ESNRegressor:
    """The model of a job, not fitted."""
    W, W_in = problem.matrices(job.units)
    return ESNRegressor(
        W=W,
        W_in=W_in,
        bias=0.0,
        leak_rate=LEAK,
        standardize=False,
        washout=WASHOUT,
        ridge=RIDGE if job.ridge == "fixed" else job.ridge,
        dtype=job.dtype,
    )


def prepare(problem: Problem, job: Job) -> Callable[[], Any]:
    """A function that does the work of the job once."""
    esn = regressor(problem, job)
    inputs, targets = problem.series(job.steps)
    if job.work == "fit":
        return lambda: esn.fit(inputs, targets)
    short, next_value = problem.series(SHORT)
    if job.work == "closed":
        esn.fit(short)
        if job.series == 1:
            return lambda: esn.forecast(steps=job.steps)
        contexts = [short[start : start + WASHOUT] for start in range(job.series)]
        return lambda: esn.forecast(steps=job.steps, X=contexts)
    esn.fit(short, next_value)
    if job.work == "predict":
        return lambda: esn.predict(inputs)
    if job.series == 1:
        return lambda: esn.states(inputs)
    series, _ = problem.series(job.all_steps)
    return lambda: esn.states(list(np.split(series, job.series)))
