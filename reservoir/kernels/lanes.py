"""Many series at once: the same recurrence with one series a lane.

Lanes are the last, contiguous axis, in whole vectors: vector instructions run over series. No sum
runs over lanes, so a lane's bits do not depend on its neighbours. Rows of inputs, states and
outputs of all lanes lie in one array each. Lanes are sorted by falling length, so those still
running are the leading ones.

Lanes may also be models: with ``scales`` each has its own factors on W, W_in and the bias and its
own leak rate.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reservoir.kernels.activations import activate
from reservoir.kernels.compile import inlined, kernel
from reservoir.kernels.intrinsics import fma
from reservoir.kernels.matrices import VECTOR_BYTES, add_lanes_product
from reservoir.kernels.transpose import SIDE, store_transposed


@inlined
def _aligned(rows: int, width: int, like: Any) -> Any:
    """Zeros (rows, width) that begin at a vector's border, so that no load crosses two lines."""
    flat = np.zeros(rows * width + VECTOR_BYTES // like.itemsize, like.dtype)
    begin = (-flat.ctypes.data % VECTOR_BYTES) // like.itemsize
    return flat[begin : begin + rows * width].reshape(rows, width)


@inlined
def _add_scaled(weights: Any, drive: Any, a: Any, lanes: int) -> None:
    """``a += weights' drive`` for weights (K, N) and drive (K, L)."""
    for k in range(weights.shape[0]):
        for i in range(a.shape[0]):
            w = weights[k, i]
            for lane in range(lanes):
                a[i, lane] = fma(w, drive[k, lane], a[i, lane])


@inlined
def _scale(scales: Any, bias: Any, a: Any, lanes: int) -> None:
    """The product of W times each lane's factor, and the bias times each lane's."""
    for i in range(a.shape[0]):
        for lane in range(lanes):
            a[i, lane] = fma(scales.W[lane], a[i, lane], bias[i] * scales.bias[lane])


@inlined
def _step(
    weights: Any,
    scales: Any,
    u: Any,
    y: Any,
    noise: Any,
    source: Any,
    t: int,
    running: int,
    lanes: int,
    a: Any,
    x: Any,
) -> None:
    """Move the leading lanes of ``x`` (N, L) on by one step; ``lanes``: ``running`` rounded up."""
    units = a.shape[0]
    for i in range(units):
        first = weights.bias[i] if scales is None else x.dtype.type(0)
        for lane in range(lanes):
            a[i, lane] = first
    add_lanes_product(weights.W, x, a, lanes)
    if scales is not None:
        _scale(scales, weights.bias, a, lanes)
    _add_scaled(weights.W_in, u, a, lanes)
    _add_scaled(weights.W_fb, y, a, lanes)
    if noise.shape[0] > 0:
        for lane in range(running):
            for i in range(units):
                a[i, lane] += noise[source[lane] + t, i]
    for i in range(units):
        activate(weights.activation, a[i, :lanes])
        if scales is None:
            leak, keep = weights.leak[i], weights.keep[i]
            for lane in range(lanes):
                x[i, lane] = fma(leak, a[i, lane], keep * x[i, lane])
        else:
            for lane in range(lanes):
                x[i, lane] = fma(scales.leak[lane], a[i, lane], scales.keep[lane] * x[i, lane])


@inlined
def _write_rows(x: Any, first: Any, t: int, running: int, states: Any) -> None:
    """Copy the lanes of ``x`` to their rows."""
    units = x.shape[0]
    whole_units, whole_lanes = units // SIDE * SIDE, running // SIDE * SIDE
    for lane in range(0, whole_lanes, SIDE):
        for i in range(0, whole_units, SIDE):
            store_transposed(x, i, lane, states, first, np.uint64(t))
        for j in range(lane, lane + SIDE):
            for i in range(whole_units, units):
                states[first[j] + t, i] = x[i, j]
    for lane in range(whole_lanes, running):
        for i in range(units):
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
    scales: Any,
    loop: Any,
    source: Any,
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
    scales
        None, or a record of ``weights.py``: then lanes are models.
    source, first, count : (lanes,) uint64, uint64, int64
        First row of each lane in what drives it, first row in what it writes, number of rows;
        counts fall.
    inputs : (rows, K); teacher : (rows, M) or (0, M); noise : (rows, N) or (0, N)
    x : (lanes, N), y : (lanes, M)
        States and last outputs, moved on to the end of each lane's series.
    states : (rows, N) or (0, N); outputs : (rows, M) or (0, M)
    """
    running, units = x.shape
    features, targets = inputs.shape[1], y.shape[1]
    closed = outputs.shape[0] > 0
    vector = VECTOR_BYTES // x.itemsize
    width = (running + vector - 1) // vector * vector
    a, here = _aligned(units, width, x), _aligned(units, width, x)
    here[:, :running] = x.T
    fed, fresh = np.zeros((targets, width), x.dtype), np.zeros((targets, width), x.dtype)
    fed[:, :running] = y.T
    u = np.zeros((features, width), x.dtype)
    lanes = width
    steps = count[0] if running > 0 else 0
    for t in range(steps + 1):
        while running > 0 and count[running - 1] <= t:
            running -= 1
            x[running] = here[:, running]
            y[running] = fed[:, running]
            lanes = (running + vector - 1) // vector * vector
        if running == 0:
            break
        for lane in range(running):
            for k in range(features):
                u[k, lane] = inputs[source[lane] + t, k]
        if teacher.shape[0] > 0:
            for lane in range(running):
                for m in range(targets):
                    fed[m, lane] = teacher[source[lane] + t, m]
        if closed:
            for m in range(targets):
                if loop.columns[m] >= 0:
                    for lane in range(running):
                        u[loop.columns[m], lane] = fma(loop.gain[m], fed[m, lane], loop.offset[m])
        if scales is not None:
            for k in range(features):
                for lane in range(running):
                    u[k, lane] *= scales.W_in[lane]
        _step(weights, scales, u, fed, noise, source, t, running, lanes, a, here)
        if closed:
            _read_out(loop, u, here, lanes, fresh)
            fed, fresh = fresh, fed
            for lane in range(running):
                for m in range(targets):
                    outputs[first[lane] + t, m] = fed[m, lane]
        if states.shape[0] > 0:
            _write_rows(here, first, t, running, states)
