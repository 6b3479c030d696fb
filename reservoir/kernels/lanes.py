"""Many series at once: the same recurrence with one series a lane.

Lanes are the last, contiguous axis, in multiples of LANE_BLOCK: vector instructions run over
series. No sum runs over lanes, so a lane's bits do not depend on its neighbours. Rows of inputs,
states and outputs of all lanes lie in one array each; each lane owns ``count`` rows from its
``first``. Lanes are sorted by falling length, so those still running are the leading ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reservoir.kernels.activations import activate
from reservoir.kernels.compile import inlined, kernel
from reservoir.kernels.intrinsics import fma
from reservoir.kernels.matrices import add_lanes_product

LANE_BLOCK = 8  # lanes of one vector instruction: 8 float64 are 512 bits


@inlined
def _add_scaled(weights: Any, drive: Any, a: Any, lanes: int) -> None:
    """``a += weights' drive`` for weights (K, N) and drive (K, L)."""
    for k in range(weights.shape[0]):
        for i in range(a.shape[0]):
            w = weights[k, i]
            for lane in range(lanes):
                a[i, lane] = fma(w, drive[k, lane], a[i, lane])


@inlined
def _step(
    weights: Any, u: Any, y: Any, noise: Any, first: Any, t: int, running: int, a: Any, x: Any
) -> None:
    """Move the leading ``running`` lanes of ``x`` (N, L) on by one step."""
    units = a.shape[0]
    lanes = (running + LANE_BLOCK - 1) // LANE_BLOCK * LANE_BLOCK
    for i in range(units):
        for lane in range(lanes):
            a[i, lane] = weights.bias[i]
    _add_scaled(weights.W_in, u, a, lanes)
    _add_scaled(weights.W_fb, y, a, lanes)
    add_lanes_product(weights.W, x, a, lanes)
    if noise.shape[0] > 0:
        for lane in range(running):
            for i in range(units):
                a[i, lane] += noise[first[lane] + t, i]
    for i in range(units):
        activate(weights.activation, a[i, :lanes])
        leak, keep = weights.leak[i], weights.keep[i]
        for lane in range(running):
            x[i, lane] = fma(leak, a[i, lane], keep * x[i, lane])


@inlined
def _write_rows(x: Any, first: Any, t: int, running: int, states: Any) -> None:
    """Scatter the lanes of ``x`` to their rows, a cache line of units at a time."""
    units = x.shape[0]
    for start in range(0, units, 8):
        end = min(start + 8, units)
        for lane in range(running):
            for i in range(start, end):
                states[first[lane] + t, i] = x[i, lane]


@inlined
def _read_out(loop: Any, u: Any, x: Any, lanes: int, y: Any) -> None:
    """The outputs of all lanes from their states and inputs; y: (M, L)."""
    units = x.shape[0]
    for m in range(y.shape[0]):
        for lane in range(lanes):
            y[m, lane] = loop.intercept[m]
        for i in range(units):
            w = loop.weights[m, i]
            for lane in range(lanes):
                y[m, lane] = fma(w, x[i, lane], y[m, lane])
        for k in range(loop.weights.shape[1] - units):
            w = loop.weights[m, units + k]
            for lane in range(lanes):
                y[m, lane] = fma(w, u[k, lane], y[m, lane])


@kernel
def run_lanes(
    weights: Any,
    loop: Any,
    first: Any,
    count: Any,
    inputs: Any,
    teacher: Any,
    noise: Any,
    x: Any,
    y: Any,
    states: Any,
    outputs: Any,
) -> None:
    """Drive many series; arguments as in ``run_series``, rows packed.

    Parameters
    ----------
    first, count : (lanes,) uint64, int64
        First row and number of rows of each lane; counts fall.
    inputs : (rows, K); teacher : (rows, M) or (0, M); noise : (rows, N) or (0, N)
    x : (N, L), y : (M, L)
        States and last outputs, L a multiple of LANE_BLOCK, at least the number of lanes; each
        lane is moved on to the end of its own series.
    states : (rows, N) or (0, N); outputs : (rows, M) or (0, M)
    """
    features = inputs.shape[1]
    targets = y.shape[0]
    closed = outputs.shape[0] > 0
    running = count.size
    a = np.empty_like(x)
    u = np.zeros((features, x.shape[1]), x.dtype)
    fresh = np.zeros_like(y)
    steps = count[0] if running > 0 else 0
    for t in range(steps):
        while count[running - 1] <= t:
            running -= 1
        for lane in range(running):
            for k in range(features):
                u[k, lane] = inputs[first[lane] + t, k]
        if teacher.shape[0] > 0:
            for lane in range(running):
                for m in range(targets):
                    y[m, lane] = teacher[first[lane] + t, m]
        if closed:
            for m in range(targets):
                if loop.columns[m] >= 0:
                    for lane in range(running):
                        u[loop.columns[m], lane] = fma(loop.gain[m], y[m, lane], loop.offset[m])
        _step(weights, u, y, noise, first, t, running, a, x)
        if closed:
            _read_out(loop, u, x, running, fresh)
            for lane in range(running):
                for m in range(targets):
                    y[m, lane] = fresh[m, lane]
                    outputs[first[lane] + t, m] = fresh[m, lane]
        if states.shape[0] > 0:
            _write_rows(x, first, t, running, states)
