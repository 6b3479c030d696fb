"""How fast a driven reservoir forgets where it started, and whether it does so in silence too.

States from two starts approach until rounding keeps them some units in the last place apart. How
many steps that takes is measured on the series itself; it decides how long chunks are warmed up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reservoir.esn.drives import Drives
from reservoir.esn.records import no_loop
from reservoir.esn.recurrence import Drive, drive_lanes
from reservoir.kernels.activations import IDENTITY, LOGISTIC
from reservoir.kernels.gaps import widest_gaps
from reservoir.kernels.weights import Weights

STRIDE = 32  # steps between two looks
PROBES = 4  # places of the series that are looked at
APART = 512  # steps between them
SILENT_STEPS = 512
SILENT_STARTS = 8


@dataclass(frozen=True)
class Tolerance:
    """Relative differences of states, in the largest norm, and their growth.

    States are promised within 1e-10 of the plain loop in float64 and 1e-4 in float32. Two runs that
    have forgotten their starts are closer than ``forgotten``; a chunk is kept if it began closer
    than ``seam`` to the end of the one before, and if differences either cannot grow more than
    ``growth`` times or were seen to stay within ``watched``.
    """

    forgotten: float
    seam: float
    watched: float
    growth: float


TOLERANCES = {
    "float64": Tolerance(1.5e-14, 4e-14, 1e-12, 100.0),
    "float32": Tolerance(8e-6, 1.6e-5, 2.5e-5, 4.0),
}


def gaps(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """The relative difference of each pair of rows (n, N)."""
    found = np.zeros(len(a))
    widest_gaps(a, b, found)
    return found


def steps_to_forget(
    weights: Weights, drives: Drives, index: int, start: int, stop: int, limit: int
) -> int | None:
    """Steps after which two starts are the same to rounding, the worst of a few places.

    Parameters
    ----------
    weights
        Of ``drive_lanes``.
    start, stop
        The places lie in this stretch of the series.
    limit
        Steps to try.

    Returns
    -------
    int or None
        None if some pair is still apart after ``limit`` steps.
    """
    dtype, units = weights.bias.dtype, weights.bias.size
    tolerance = TOLERANCES[dtype.name].forgotten
    places = start + APART * np.arange(PROBES)
    places = places[places + limit <= stop]
    if places.size == 0:
        return None
    x = np.zeros((2, places.size, units), dtype)
    x[1] = np.random.default_rng(0).uniform(-0.5, 0.5, units)
    x, y = x.reshape(-1, units), np.zeros((2 * places.size, weights.W_fb.shape[0]), dtype)
    count = np.full(2 * places.size, STRIDE)
    first = np.tile(np.arange(places.size) * STRIDE, 2)
    for steps in range(STRIDE, limit + 1, STRIDE):
        pieces = [(index, int(p) + steps - STRIDE, int(p) + steps) for p in places]
        drive_lanes(weights, no_loop(dtype), drives.of(pieces), first, count, x, y)
        if (gaps(x[: places.size], x[places.size :]) <= tolerance).all():
            return steps
    return None


def silent_growth(weights: Weights) -> float:
    """How much small differences grow while no unit saturates: their largest, over their first.

    Without input, tanh and logistic have their steepest slopes at rest: nowhere do differences die
    out more slowly. Random ones are followed through the linear recurrence; infinity if they have
    not shrunk to a tenth after SILENT_STEPS.
    """
    dtype, units = weights.bias.dtype, weights.bias.size
    slope = dtype.type(0.25 if weights.activation == LOGISTIC else 1)
    values = weights.W._fields[0]  # of the non-zeros, in every form
    W = weights.W._replace(**{values: getattr(weights.W, values) * slope})
    linear = weights._replace(activation=IDENTITY, bias=np.zeros_like(weights.bias), W=W)
    x = np.random.default_rng(0).uniform(-1, 1, (SILENT_STARTS, units)).astype(dtype)
    size = np.abs(x).max()
    y = np.zeros((SILENT_STARTS, weights.W_fb.shape[0]), dtype)
    drive = Drive(
        np.zeros((STRIDE, weights.W_in.shape[0]), dtype),
        np.empty((0, weights.W_fb.shape[0]), dtype),
        np.empty((0, units), dtype),
    )
    first, count = np.zeros(SILENT_STARTS, np.int64), np.full(SILENT_STARTS, STRIDE)
    to, states = np.arange(SILENT_STARTS) * STRIDE, np.empty((SILENT_STARTS * STRIDE, units), dtype)
    largest = 1.0
    for _ in range(SILENT_STEPS // STRIDE):
        drive_lanes(linear, no_loop(dtype), drive, first, count, x, y, states=states, to=to)
        largest = max(largest, float(np.abs(states).max() / size))
        if not np.isfinite(largest):
            return np.inf
        if np.abs(x).max() <= 0.1 * size:
            return largest
    return np.inf
