"""The one way to move a reservoir on: checks, allocates and calls the kernels.

Harvesting, predicting and generating all come through here, so the recurrence exists once a
drive: ``drive_series`` for one series, ``drive_lanes`` for many.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from reservoir import threads
from reservoir.esn.model import ESN, Position, Reservoir
from reservoir.kernels.activations import CODES
from reservoir.kernels.lanes import LANE_BLOCK, run_lanes
from reservoir.kernels.matrices import CSR, Dense, Matrix, Permutation
from reservoir.kernels.series import run_series
from reservoir.kernels.weights import Loop, Weights

LANES_A_TILE = 2 * LANE_BLOCK  # lanes of one task: their states stay in the second-level cache


def matrix_record(W: sparse.csr_array | NDArray[Any]) -> Matrix:
    """The cheapest kernel form of W: at most one weight a row is a permutation."""
    if isinstance(W, np.ndarray):
        return Dense(np.ascontiguousarray(W.T))
    weights_a_row = np.diff(W.indptr)
    if weights_a_row.size and weights_a_row.max() <= 1:
        rows = np.flatnonzero(weights_a_row)
        weights = np.zeros(W.shape[0], W.dtype)
        sources = np.zeros(W.shape[0], np.uint32)
        weights[rows], sources[rows] = W.data, W.indices
        return Permutation(weights, sources)
    return CSR(W.data, W.indices.astype(np.uint32), W.indptr.astype(np.uint64))


def kernel_weights(reservoir: Reservoir) -> Weights:
    """The record that the kernels take."""
    return Weights(
        W=matrix_record(reservoir.W),
        W_in=np.ascontiguousarray(reservoir.W_in.T),
        W_fb=np.ascontiguousarray(reservoir.W_fb.T),
        bias=reservoir.bias,
        leak=reservoir.leak_rate,
        keep=1 - reservoir.leak_rate,
        activation=CODES[reservoir.activation],
    )


def kernel_loop(model: ESN) -> Loop:
    """Readout and feedback of a fitted model, between scaled outputs and scaled inputs."""
    dtype = model.reservoir.dtype
    columns = model.continues
    fed_back = np.maximum(columns, 0)
    gain = model.target_scaler.scale / model.input_scaler.scale[fed_back]
    offset = (
        model.target_scaler.mean - model.input_scaler.mean[fed_back]
    ) / model.input_scaler.scale[fed_back]
    return Loop(
        weights=np.ascontiguousarray(model.readout.weights.T, dtype=dtype),
        intercept=model.readout.intercept.astype(dtype),
        columns=columns.astype(np.int64),
        gain=gain.astype(dtype),
        offset=offset.astype(dtype),
    )


def no_loop(dtype: np.dtype[Any]) -> Loop:
    """For reservoirs without a readout yet: no outputs."""
    nothing = np.zeros(0, dtype)
    return Loop(np.zeros((0, 0), dtype), nothing, np.zeros(0, np.int64), nothing, nothing)


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
) -> None:
    """Drive many series, tile by tile on all threads.

    Parameters
    ----------
    first, count : (n,)
        The rows of each series in ``drive``, ``states`` and ``outputs``; counts fall.
    x : (n, N), y : (n, M)
        Where the series stand; moved on in place.
    """
    dtype = x.dtype
    states = np.empty((0, x.shape[1]), dtype) if states is None else states
    outputs = np.empty((0, y.shape[1]), dtype) if outputs is None else outputs

    def tile(begin: int) -> None:
        lanes = slice(begin, min(begin + LANES_A_TILE, len(count)))
        width = -(-(lanes.stop - lanes.start) // LANE_BLOCK) * LANE_BLOCK
        lane_x = np.zeros((x.shape[1], width), dtype)
        lane_y = np.zeros((y.shape[1], width), dtype)
        lane_x[:, : lanes.stop - begin] = x[lanes].T
        lane_y[:, : lanes.stop - begin] = y[lanes].T
        run_lanes(
            weights,
            loop,
            first[lanes].astype(np.uint64),
            count[lanes],
            drive.inputs,
            drive.teacher,
            drive.noise,
            lane_x,
            lane_y,
            states,
            outputs,
        )
        x[lanes] = lane_x[:, : lanes.stop - begin].T
        y[lanes] = lane_y[:, : lanes.stop - begin].T

    threads.run_all([partial(tile, begin) for begin in range(0, len(count), LANES_A_TILE)])
