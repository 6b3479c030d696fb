"""One series: the recurrence, driven by inputs or by its own outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from reservoir.kernels.activations import activate
from reservoir.kernels.compile import inlined, kernel
from reservoir.kernels.intrinsics import fma
from reservoir.kernels.matrices import add_product


@inlined
def _add_scaled(row: Any, factor: Any, a: Any) -> None:
    for i in range(a.size):
        a[i] = fma(row[i], factor, a[i])


@inlined
def _dot(w: Any, x: Any) -> Any:
    s0 = s1 = s2 = s3 = w.dtype.type(0)
    i = 0
    while i + 4 <= x.size:
        s0 = fma(w[i], x[i], s0)
        s1 = fma(w[i + 1], x[i + 1], s1)
        s2 = fma(w[i + 2], x[i + 2], s2)
        s3 = fma(w[i + 3], x[i + 3], s3)
        i += 4
    while i < x.size:
        s0 = fma(w[i], x[i], s0)
        i += 1
    return (s0 + s1) + (s2 + s3)


@inlined
def _step(weights: Any, u: Any, y: Any, noise: Any, a: Any, x: Any) -> None:
    """Move the state ``x`` on by one step; ``a`` is working memory; noise: (N,) or (0,)."""
    for i in range(a.size):
        a[i] = weights.bias[i]
    for k in range(weights.W_in.shape[0]):
        _add_scaled(weights.W_in[k], u[k], a)
    for m in range(weights.W_fb.shape[0]):
        _add_scaled(weights.W_fb[m], y[m], a)
    add_product(weights.W, x, a)
    for i in range(noise.size):
        a[i] += noise[i]
    activate(weights.activation, a)
    for i in range(a.size):
        x[i] = fma(weights.leak[i], a[i], weights.keep[i] * x[i])


@kernel
def run_series(
    weights: Any,
    loop: Any,
    inputs: Any,
    teacher: Any,
    noise: Any,
    x: Any,
    y: Any,
    states: Any,
    outputs: Any,
) -> None:
    """Drive one series over ``T = len(inputs)`` steps.

    Parameters
    ----------
    weights, loop
        Records of ``weights.py``; all arrays of one float type.
    inputs : (T, K)
        With a closed loop, the columns that outputs replace are not read.
    teacher : (T, M) or (0, M)
        The outputs of the step before, forced on the feedback weights.
    noise : (T, N) or (0, N)
        Added before the activation.
    x : (N,), y : (M,)
        State and last outputs; moved on in place.
    states : (T, N) or (0, N)
        Filled with the state after each step.
    outputs : (T, M) or (0, M)
        Filled with the outputs of each step. If it has rows the loop is closed.
    """
    steps, features = inputs.shape
    closed = outputs.shape[0] > 0
    a = np.empty_like(x)
    u = np.empty(features, x.dtype)
    for t in range(steps):
        for k in range(features):
            u[k] = inputs[t, k]
        if teacher.shape[0] > 0:
            for m in range(y.size):
                y[m] = teacher[t, m]
        if closed:
            for m in range(y.size):
                if loop.columns[m] >= 0:
                    u[loop.columns[m]] = fma(loop.gain[m], y[m], loop.offset[m])
        _step(weights, u, y, noise[t] if noise.shape[0] > 0 else noise.ravel(), a, x)
        if closed:
            for m in range(y.size):
                s = loop.intercept[m] + _dot(loop.weights[m], x)
                for k in range(loop.weights.shape[1] - x.size):
                    s = fma(loop.weights[m, x.size + k], u[k], s)
                y[m] = s
                outputs[t, m] = s
        if states.shape[0] > 0:
            for i in range(x.size):
                states[t, i] = x[i]
