"""The one way to move a reservoir on: checks, allocates and calls the kernels.

Harvesting, predicting and generating all come through here, so the recurrence exists once a
drive: ``drive_series`` for one series, ``drive_lanes`` for many.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir import threads
from reservoir.esn.model import Position, Reservoir
from reservoir.kernels.lanes import run_lanes
from reservoir.kernels.matrices import VECTOR_BYTES
from reservoir.kernels.series import run_series
from reservoir.kernels.weights import Loop, Scales, Weights

VECTORS_A_TILE = 4  # of lanes of one task: their states stay in the second-level cache


def origin(reservoir: Reservoir, targets: int) -> Position:
    """The zero state, at which every series starts."""
    dtype = reservoir.dtype
    return Position(
        np.zeros(reservoir.units, dtype),
        np.zeros(reservoir.W_in.shape[1], dtype),
        np.zeros(targets, dtype),
    )


@dataclass(frozen=True)
class Drive:
    """What moves along the series: scaled, checked, of the model's dtype, row by row."""

    inputs: NDArray[Any]  # (rows, K)
    teacher: NDArray[Any]  # (rows, M), or (0, M): outputs are not forced
    noise: NDArray[Any]  # (rows, N), or (0, N): none


def drive_series(
    weights: Weights,
    loop: Loop,
    drive: Drive,
    start: Position,
    *,
    states: NDArray[Any] | None = None,
    outputs: NDArray[Any] | None = None,
) -> Position:
    """Drive one series from ``start``; fill ``states`` (T, N) and ``outputs`` (T, M) if given.

    With ``outputs`` the loop is closed. Returns where the series ends; ``start`` stays as it is.
    """
    x, y = start.x.copy(), start.y.copy()
    steps = len(drive.inputs)
    run_series(
        weights,
        loop,
        drive.inputs,
        drive.teacher,
        drive.noise,
        x,
        y,
        np.empty((0, x.size), x.dtype) if states is None else states,
        np.empty((0, y.size), x.dtype) if outputs is None else outputs,
    )
    return Position(x, drive.inputs[-1].copy() if steps else start.u, y)


def drive_lanes(
    weights: Weights,
    loop: Loop,
    drive: Drive,
    first: NDArray[np.int64],
    count: NDArray[np.int64],
    x: NDArray[Any],
    y: NDArray[Any],
    *,
    states: NDArray[Any] | None = None,
    outputs: NDArray[Any] | None = None,
    to: NDArray[np.int64] | None = None,
    scales: Scales | None = None,
) -> None:
    """Drive many series, tile by tile on all threads.

    Parameters
    ----------
    weights
        From ``lane_weights``.
    first, count : (n,)
        The rows of each lane in ``drive``, ``states`` and ``outputs``; counts fall.
    x : (n, N), y : (n, M)
        Where the series stand; moved on in place.
    to : (n,)
        The first row of each lane in ``states`` and ``outputs``, if it is another one.
    scales
        The factors of each lane, if lanes are models.
    """
    dtype = x.dtype
    states = np.empty((0, x.shape[1]), dtype) if states is None else states
    outputs = np.empty((0, y.shape[1]), dtype) if outputs is None else outputs
    source = first.astype(np.uint64)
    rows = source if to is None else to.astype(np.uint64)
    vector = VECTOR_BYTES // dtype.itemsize
    vectors = -(-len(count) // vector)
    busy = max(1, min(threads.count(), vectors))
    tiles = busy * -(-vectors // (VECTORS_A_TILE * busy))
    borders = [vector * (vectors * i // max(1, tiles)) for i in range(tiles + 1)]

    def tile(begin: int, end: int) -> None:
        lanes = slice(begin, end)
        run_lanes(
            weights,
            None if scales is None else Scales(*(s[lanes] for s in scales)),
            loop,
            source[lanes],
            rows[lanes],
            count[lanes],
            drive.inputs,
            drive.teacher,
            drive.noise,
            x[lanes],
            y[lanes],
            states,
            outputs,
        )

    threads.run_all([partial(tile, *border) for border in itertools.pairwise(borders)])
