"""The order of parameters in a flat vector: that of ``reservoir.rnn``.

Stated here once more, so that the peers read the vector without our package. Gates of the LSTM:
input, forget, output, candidate. Gates of the GRU: update, reset, candidate; h = (1-z) h- + z hc.
"""

import math
from collections.abc import Mapping

import numpy as np

from products.job import GATES, Job

Parts = dict[str, np.ndarray]


def shapes(job: Job) -> dict[str, tuple[int, ...]]:
    """Name and shape of each part, in their order."""
    N, K, M = job.units, job.inputs, job.outputs
    gates = () if job.cell == "rnn" else (GATES[job.cell],)
    found: dict[str, tuple[int, ...]] = {"U": (*gates, N, K), "W": (*gates, N, N), "b": (*gates, N)}
    if job.cell == "gru" and job.reset == "after":
        found["b_n"] = (N,)
    return found | {"V": (M, N), "c": (M,)}


def size(job: Job) -> int:
    """Number of parameters."""
    return sum(math.prod(shape) for shape in shapes(job).values())


def split(theta: np.ndarray, job: Job) -> Parts:
    """The parts of a flat vector (P,)."""
    parts, start = {}, 0
    for name, shape in shapes(job).items():
        stop = start + math.prod(shape)
        parts[name] = theta[start:stop].reshape(shape)
        start = stop
    return parts


def join(parts: Mapping[str, object], job: Job) -> np.ndarray:
    """The flat vector (P,) of the parts."""
    return np.concatenate([np.asarray(parts[name]).ravel() for name in shapes(job)])
