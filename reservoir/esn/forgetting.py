"""How fast a driven reservoir forgets where it started, and whether it does so in silence too.

States from two starts approach until rounding keeps them some units in the last place apart. How
many steps that takes is measured on the series itself; it decides how long chunks are warmed up.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir import threads
from reservoir.esn.drives import Drives
from reservoir.esn.records import no_loop
from reservoir.esn.recurrence import Drive, drive_lanes
from reservoir.kernels.activations import IDENTITY, LOGISTIC, RELU
from reservoir.kernels.gaps import widest_gaps
from reservoir.kernels.matrices import Matrix
from reservoir.kernels.weights import Weights

STRIDE = 32  # steps between the first looks; later ones are rarer
PROBES = 4  # places that are looked at
SILENT_STEPS = 512
SILENT_STARTS = 4


@dataclass(frozen=True)
class Tolerance:
    """Relative differences of states, in the largest norm, and their growth.

    States are promised within 1e-10 of the plain loop in float64 and 1e-4 in float32. Two runs that
    have forgotten their starts are closer than ``forgotten``; a chunk is kept if it began closer
    than ``seam`` to the end of the one before, and if differences either cannot grow more than
    ``growth`` times or were seen to stay within ``watched``. Norms below ``silence`` count as
    ``silence``: digits are lost on the way to the smallest numbers.
    """

    forgotten: float
    seam: float
    watched: float
    growth: float
    silence: float


TOLERANCES = {
    "float64": Tolerance(1.5e-14, 4e-14, 1e-12, 100.0, 1e-250),
    "float32": Tolerance(3e-6, 6e-6, 2.5e-5, 12.0, 1e-30),
}


def widen(gaps: NDArray[np.float64], a: NDArray[np.floating], b: NDArray[np.floating]) -> None:
    """Raise each of ``gaps`` (n,) to the largest relative difference of its rows, an nth of all."""
    silence = TOLERANCES[a.dtype.name].silence
    steps = len(a) // len(gaps)
    borders = np.linspace(0, len(gaps), min(len(gaps), threads.count()) + 1).astype(int)

    def some(begin: int, end: int) -> None:
        rows = slice(begin * steps, end * steps)
        widest_gaps(a[rows], b[rows], silence, gaps[begin:end])

    threads.run_all([partial(some, int(i), int(j)) for i, j in itertools.pairwise(borders)])


def gaps(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """The relative difference of each pair of rows (n, N)."""
    found = np.zeros(len(a))
    widen(found, a, b)
    return found


def with_reserve(steps: int) -> int:
    """Somewhat more steps, for the places that are not looked at."""
    return steps + steps // 4 + STRIDE


def steps_to_forget(
    weights: Weights, drives: Drives, index: int, start: int, stop: int, limit: int
) -> int | None:
    """Steps after which two starts are and stay the same to rounding, the worst of a few places.

    Parameters
    ----------
    weights
        Of ``drive_lanes``.
    start, stop
        The places are spread over this stretch of the series.
    limit
        Steps to try.

    Returns
    -------
    int or None
        None if some pair is still apart after ``limit`` steps, or will be.
    """
    dtype, units = weights.bias.dtype, weights.bias.size
    tolerance = TOLERANCES[dtype.name]
    places = start + (stop - 2 * with_reserve(limit) - start) * np.arange(PROBES) // (PROBES - 1)
    x = np.zeros((2, places.size, units), dtype)
    x[1] = np.random.default_rng(0).uniform(-0.5, 0.5, units)
    x, y = x.reshape(-1, units), np.zeros((2 * places.size, weights.W_fb.shape[0]), dtype)
    steps, forgotten = 0, None
    while steps < with_reserve(limit):
        stride = STRIDE * max(1, steps // (8 * STRIDE))
        pieces = [(index, int(p) + steps, int(p) + steps + stride) for p in places]
        first = np.tile(np.arange(places.size) * stride, 2)
        count = np.full(len(x), stride)
        drive_lanes(weights, no_loop(dtype), drives.of(pieces), first, count, x, y)
        steps += stride
        widest = gaps(x[: places.size], x[places.size :]).max()
        if forgotten is None or not widest <= tolerance.seam:
            forgotten = steps if widest <= tolerance.forgotten else None
        if forgotten is not None:
            if steps >= with_reserve(forgotten):
                return forgotten
            continue
        # From an eighth of the way on, forgetting half as fast as need be is too slow; from a half
        # on, three quarters as fast.
        share = 0.5 if 2 * steps < limit else 0.75
        most = tolerance.forgotten ** (share * steps / limit) if 8 * steps >= limit else np.inf
        if steps >= limit or not widest <= most:
            return None
    return None


def silent_growth(weights: Weights, most: float) -> float:
    """How much small differences grow while no unit saturates: their largest, over their first.

    Without input, tanh and logistic have their steepest slopes at rest: nowhere do differences die
    out more slowly. (A W made for it can have parts that grow alone and hold each other in check;
    an input that saturates one of them lets the other go. Nothing is promised for that.) Random
    ones are followed through the linear recurrence; infinity if they have not shrunk to a tenth
    after SILENT_STEPS. Without bias the states die out too: then differences are relative to what
    an input leaves behind, which may die out faster.

    Parameters
    ----------
    most
        More than that need not be followed.
    """
    dtype, units = weights.bias.dtype, weights.bias.size
    slope = 0.25 if weights.activation == LOGISTIC else 1.0
    linear = weights._replace(
        activation=IDENTITY, bias=np.zeros_like(weights.bias), W=_times(weights.W, slope)
    )
    x = np.random.default_rng(0).uniform(-1, 1, (SILENT_STARTS, units)).astype(dtype)
    held = weights.bias > 0 if weights.activation == RELU else weights.bias != 0
    dies_out = weights.activation != LOGISTIC and not held.any()
    if dies_out and weights.activation == RELU:
        return np.inf  # what is cut off at 0 dies out faster than any linear recurrence says
    if dies_out:
        left = np.concatenate([weights.W_in, weights.W_fb]) * weights.leak
        x = np.concatenate([x, left[left.any(axis=1)]])
    x /= np.abs(x).max(axis=1, keepdims=True)
    lanes = len(x)
    y = np.zeros((lanes, weights.W_fb.shape[0]), dtype)
    drive = Drive(
        np.zeros((STRIDE, weights.W_in.shape[0]), dtype),
        np.empty((0, weights.W_fb.shape[0]), dtype),
        np.empty((0, units), dtype),
    )
    first, count = np.zeros(lanes, np.int64), np.full(lanes, STRIDE)
    to, states = np.arange(lanes) * STRIDE, np.empty((lanes * STRIDE, units), dtype)
    largest, silence = 1.0, TOLERANCES[dtype.name].silence
    for _ in range(SILENT_STEPS // STRIDE):
        drive_lanes(linear, no_loop(dtype), drive, first, count, x, y, states=states, to=to)
        norms = np.abs(states).max(axis=1).reshape(lanes, STRIDE).astype(np.float64)
        apart = norms[:SILENT_STARTS].max(axis=0)
        if dies_out:
            apart = apart / np.maximum(norms[SILENT_STARTS:].min(axis=0, initial=1.0), silence)
        largest = max(largest, float(apart.max()))
        if not largest <= most:
            return np.inf
        gone = norms[:SILENT_STARTS, -1].max()
        if gone <= (silence if dies_out else 0.1):
            return largest
    return largest if dies_out and gone <= 0.1 else np.inf


def otherwise_rounded(weights: Weights) -> Weights:
    """The same weights, each off by a rounding: states go apart as if sums were rounded anew."""
    rng, eps = np.random.default_rng(0), np.finfo(weights.bias.dtype).eps

    def off(array: NDArray[Any]) -> NDArray[Any]:
        signs = rng.integers(0, 2, array.shape) * 2 - 1
        return np.asarray(array * (1 + eps * signs), array.dtype)

    return Weights(
        W=_times(weights.W, off(np.ones_like(_values(weights.W)))),
        W_in=off(weights.W_in),
        W_fb=off(weights.W_fb),
        bias=off(weights.bias),
        leak=off(weights.leak),
        keep=off(weights.keep),
        activation=weights.activation,
    )


def _values(W: Matrix) -> NDArray[Any]:
    """The non-zeros, in every form."""
    return np.asarray(W[0])


def _times(W: Matrix, factor: Any) -> Matrix:
    """W with its non-zeros multiplied."""
    values = _values(W)
    return W._replace(**{W._fields[0]: np.asarray(values * factor, values.dtype)})
