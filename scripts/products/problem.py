"""What all packages are given: weights, a direction and a batch, from fixed seeds."""

from typing import NamedTuple

import numpy as np

from products.job import Job
from products.layout import size


class Problem(NamedTuple):
    """Arrays in float64, to be converted to the type of the job."""

    theta: np.ndarray  # (P,)
    direction: np.ndarray  # (P,)
    inputs: np.ndarray  # (B, T, K)
    targets: np.ndarray  # (B, T, M)


def problem(job: Job) -> Problem:
    """The same for every package: weights N(0, 1/N), all else N(0, 1)."""
    rng = np.random.default_rng(job.units)
    parameters = size(job)
    return Problem(
        theta=rng.standard_normal(parameters) / np.sqrt(job.units),
        direction=rng.standard_normal(parameters),
        inputs=rng.standard_normal((job.batch, job.steps, job.inputs)),
        targets=rng.standard_normal((job.batch, job.steps, job.outputs)),
    )
