"""The GRU with the reset after the product, as in cuDNN, PyTorch and Keras.

``z, r = logistic(W h- + U x + b)``, ``q = W h- + b_n``, ``n = tanh(U x + b + r q)``,
``h = (1 - z) h- + z n`` (those libraries exchange z and 1 - z). As in `gru`, but rows of gates have
four blocks of P columns: update, reset, q, candidate.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

from reservoir.kernels.activations import LOGISTIC, TANH, activate
from reservoir.kernels.compile import inlined, kernel
from reservoir.kernels.elementwise import formula
from reservoir.kernels.gru import (
    add,
    add_scaled,
    blend,
    blend_back,
    blend_second,
    blend_tangent,
    damp_candidate,
    damp_gate,
)
from reservoir.kernels.products import add_gate, add_gate_back, add_gate_outer
from reservoir.kernels.steps import before, set_rows

Z, R, Q, N = 0, 1, 2, 3  # blocks of a row of gates
BLOCKS = 4


class GRUAfter(NamedTuple):
    """Parameters as the kernels take them, P the pitch of N units; matrices have three gates."""

    U: NDArray[Any]  # (K, 3 P) transposed
    W: NDArray[Any]  # (N, 3 P) transposed
    b: NDArray[Any]  # (4 P,) of the blocks
    U_back: NDArray[Any]  # (3 N, pitch of K) as in the formula, gate after gate
    W_back: NDArray[Any]  # (3 N, P)


_gated = formula(lambda n, r, q: n + r * q)
_gated_tangent = formula(lambda R_n, r, q, R_ar, R_q: R_n + r * (1.0 - r) * R_ar * q + r * R_q)
_gated_back = formula(lambda d_n, r, q: (d_n * q * r * (1.0 - r), r * d_n))


def _second_of_gated(d_n: Any, r: Any, q: Any, R_d_n: Any, R_ar: Any, R_q: Any) -> Any:
    """The two results of `_gated_back` and their tangents."""
    s_r = r * (1.0 - r)
    R_r = s_r * R_ar
    R_s_r = (1.0 - 2.0 * r) * R_r
    return (
        d_n * q * s_r,
        r * d_n,
        R_d_n * q * s_r + d_n * R_q * s_r + d_n * q * R_s_r,
        R_r * d_n + r * R_d_n,
    )


_gated_second = formula(_second_of_gated)


@inlined
def _add_inputs(a: Any, a_row: int, n: int, K: int, b: Any, c: Any, row: int, units: int) -> None:
    """``c[rows] += a[rows] U`` for update, reset and candidate."""
    P = c.shape[1] // 4
    for gate in range(3):
        add_gate(a, a_row, n, K, b, gate, c, row, N if gate == 2 else gate, units, P)


@inlined
def _add_states(a: Any, a_row: int, n: int, K: int, b: Any, c: Any, row: int, units: int) -> None:
    """``c[rows] += a[rows] W`` for update, reset and q."""
    P = c.shape[1] // 4
    for gate in range(3):
        add_gate(a, a_row, n, K, b, gate, c, row, gate, units, P)


@inlined
def _add_states_back(d: Any, row: int, n: int, units: int, b: Any, c: Any) -> None:
    """``c += d[rows] W`` from update, reset and q."""
    P = d.shape[1] // 4
    for gate in range(3):
        add_gate_back(d, row, gate, n, units, b, gate, c, 0, units, P)


@inlined
def _add_inputs_back(d: Any, row: int, n: int, units: int, b: Any, c: Any, K: int) -> None:
    """``c[rows] += d[rows] U`` from update, reset and candidate."""
    P = d.shape[1] // 4
    for gate in range(3):
        add_gate_back(d, row, N if gate == 2 else gate, n, units, b, gate, c, row, K, P)


@inlined
def _add_inputs_outer(
    a: Any, a_row: int, n: int, K: int, d: Any, row: int, sums: Any, units: int
) -> None:
    P = d.shape[1] // 4
    for gate in range(3):
        add_gate_outer(a, a_row, n, K, d, row, N if gate == 2 else gate, sums, gate, units, P)


@inlined
def _add_states_outer(
    a: Any, a_row: int, n: int, K: int, d: Any, row: int, sums: Any, units: int
) -> None:
    P = d.shape[1] // 4
    for gate in range(3):
        add_gate_outer(a, a_row, n, K, d, row, gate, sums, gate, units, P)


@kernel
def forward(steps: Any, x: Any, w: Any, h: Any, gates: Any) -> None:
    """States from inputs.

    Parameters
    ----------
    x : (rows, pitch of K)
    w : GRUAfter
    h : (lanes + rows, P)
        The leading rows are the states before; the others are filled.
    gates : (rows, 4 P)
        Filled.
    """
    inputs, units, P = w.U.shape[0], w.W.shape[0], h.shape[1]
    for t in range(steps.count.size):
        row, n, old = steps.first[t], steps.count[t], before(steps, t)
        new = steps.lanes + row
        set_rows(gates, row, n, w.b)
        _add_inputs(x, row, n, inputs, w.U, gates, row, units)
        _add_states(h, old, n, units, w.W, gates, row, units)
        for lane in range(n):
            z = (row + lane) * 4 * P
            c = z + 3 * P
            activate(LOGISTIC, gates[row + lane, : 2 * P])
            _gated((gates,), (c,), (gates, gates, gates), (c, z + P, z + 2 * P), P)
            activate(TANH, gates[row + lane, 3 * P :])
            blend(
                (h,), ((new + lane) * P,), (gates, gates, h), (z, c, (old + lane) * P), P
            )  # fmt: skip


@kernel
def tangent(
    steps: Any, x: Any, R_x: Any, w: Any, v: Any, h: Any, gates: Any, R_a: Any, R_h: Any
) -> None:
    """Directional derivative of the states along the parameters' direction ``v``.

    Parameters
    ----------
    R_x : (rows, pitch of K) or (0, any)
    v : GRUAfter
        The direction, in its first three fields.
    R_a : (rows, 4 P)
        Filled: of the pre-activations, and of q.
    R_h : (lanes + rows, P)
        The leading rows are those of the states before; the others are filled.
    """
    inputs, units, P = w.U.shape[0], w.W.shape[0], h.shape[1]
    for t in range(steps.count.size):
        row, n, old = steps.first[t], steps.count[t], before(steps, t)
        new = steps.lanes + row
        set_rows(R_a, row, n, v.b)
        if R_x.shape[0] > 0:
            _add_inputs(R_x, row, n, inputs, w.U, R_a, row, units)
        _add_inputs(x, row, n, inputs, v.U, R_a, row, units)
        _add_states(h, old, n, units, v.W, R_a, row, units)
        _add_states(R_h, old, n, units, w.W, R_a, row, units)
        for lane in range(n):
            z, of = (row + lane) * 4 * P, (old + lane) * P
            r, q, c = z + P, z + 2 * P, z + 3 * P
            _gated_tangent((R_a,), (c,), (R_a, gates, gates, R_a, R_a), (c, r, q, r, q), P)
            blend_tangent(
                (R_h,), ((new + lane) * P,), (gates, gates, h, R_a, R_a, R_h),
                (z, c, of, z, c, of), P,
            )  # fmt: skip


@kernel
def backward(
    steps: Any, x: Any, w: Any, h: Any, gates: Any, R_a: Any, R_h: Any, s: Any, nu: Any,
    weighted: bool, d: Any, d_a: Any, carry: Any, d_x: Any, sums: Any, summed: bool,
) -> None:  # fmt: skip
    """Derivatives by states and parameters, from those that reach the states from outside.

    Parameters
    ----------
    R_a : (rows, 4 P); R_h : (lanes + rows, P)
        Read only where the coefficients of structural damping ``s`` (pre-activations) and ``nu``
        (states) are not zero.
    weighted : bool
        As in `leaky.backward`.
    d : (rows, P)
        What reaches each state from the readout or the layer above.
    d_a : (rows, 4 P)
        Filled: derivatives by the pre-activations, and by q.
    carry : (lanes, P)
        What reaches the last states from later steps; replaced by what leaves the first ones.
    d_x : (rows, pitch of K) or (0, any)
        Filled, if it has rows: derivatives by the inputs.
    sums : Sums
        Added to: derivatives by the parameters.
    summed : bool
        Whether ``sums.U`` and ``sums.W`` are wanted.
    """
    inputs, units, P = w.U.shape[0], w.W.shape[0], h.shape[1]
    for t in range(steps.count.size - 1, -1, -1):
        row, n, old = steps.first[t], steps.count[t], before(steps, t)
        if nu != 0:
            new = (steps.lanes + row) * P
            add_scaled((carry,), (0,), (carry, R_h, nu), (0, new, 0), n * P)
        for lane in range(n):
            z, of, here = (row + lane) * 4 * P, (old + lane) * P, lane * P
            r, q, c = z + P, z + 2 * P, z + 3 * P
            blend_back(
                (d_a, d_a, carry), (z, c, here), (gates, gates, h, d, carry),
                (z, c, of, (row + lane) * P, here), P,
            )  # fmt: skip
            if s != 0 and not weighted:
                add_scaled((d_a,), (c,), (d_a, R_a, s), (c, c, 0), P)
            elif s != 0:
                damp_candidate((d_a,), (c,), (d_a, gates, R_a, s), (c, c, c, 0), P)
            _gated_back((d_a, d_a), (r, q), (d_a, gates, gates), (c, r, q), P)
            if s != 0 and not weighted:
                add_scaled((d_a,), (z,), (d_a, R_a, s), (z, z, 0), 2 * P)
            elif s != 0:
                damp_gate((d_a,), (z,), (d_a, gates, R_a, s), (z, z, z, 0), 2 * P)
        add((sums.b,), (0,), (sums.b, d_a), (0, row * 4 * P), 4 * n * P)
        _add_states_back(d_a, row, n, units, w.W_back, carry)
        if summed:
            _add_inputs_outer(x, row, n, inputs, d_a, row, sums.U, units)
            _add_states_outer(h, old, n, units, d_a, row, sums.W, units)
        if d_x.shape[0] > 0:
            d_x[row : row + n] = 0
            _add_inputs_back(d_a, row, n, units, w.U_back, d_x, inputs)


@kernel
def second(
    steps: Any, x: Any, R_x: Any, w: Any, v: Any, h: Any, gates: Any, R_a: Any, R_h: Any,
    d: Any, R_d: Any, d_a: Any, R_d_a: Any, carry: Any, R_carry: Any, d_x: Any, R_d_x: Any,
    sums: Any,
) -> None:  # fmt: skip
    """The backward pass and its directional derivative: what an exact Hessian product needs.

    Arguments as in `backward`, each derivative with its tangent; ``v`` is complete; to ``sums`` the
    tangents of the derivatives by the parameters are added.
    """
    inputs, units, P = w.U.shape[0], w.W.shape[0], h.shape[1]
    for t in range(steps.count.size - 1, -1, -1):
        row, n, old = steps.first[t], steps.count[t], before(steps, t)
        add((carry,), (0,), (carry, d), (0, row * P), n * P)
        add((R_carry,), (0,), (R_carry, R_d), (0, row * P), n * P)
        for lane in range(n):
            z, of, here = (row + lane) * 4 * P, (old + lane) * P, lane * P
            r, q, c = z + P, z + 2 * P, z + 3 * P
            blend_second(
                (d_a, d_a, carry, R_d_a, R_d_a, R_carry), (z, c, here, z, c, here),
                (gates, gates, h, carry, R_a, R_a, R_h, R_carry), (z, c, of, here, z, c, of, here),
                P,
            )  # fmt: skip
            _gated_second(
                (d_a, d_a, R_d_a, R_d_a), (r, q, r, q),
                (d_a, gates, gates, R_d_a, R_a, R_a), (c, r, q, c, r, q), P,
            )  # fmt: skip
        add((sums.b,), (0,), (sums.b, R_d_a), (0, row * 4 * P), 4 * n * P)
        _add_states_back(d_a, row, n, units, w.W_back, carry)
        _add_states_back(R_d_a, row, n, units, w.W_back, R_carry)
        _add_states_back(d_a, row, n, units, v.W_back, R_carry)
        _add_inputs_outer(x, row, n, inputs, R_d_a, row, sums.U, units)
        _add_states_outer(h, old, n, units, R_d_a, row, sums.W, units)
        _add_states_outer(R_h, old, n, units, d_a, row, sums.W, units)
        if R_x.shape[0] > 0:
            _add_inputs_outer(R_x, row, n, inputs, d_a, row, sums.U, units)
        if d_x.shape[0] > 0:
            d_x[row : row + n] = 0
            R_d_x[row : row + n] = 0
            _add_inputs_back(d_a, row, n, units, w.U_back, d_x, inputs)
            _add_inputs_back(R_d_a, row, n, units, w.U_back, R_d_x, inputs)
            _add_inputs_back(d_a, row, n, units, v.U_back, R_d_x, inputs)
