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
from reservoir.kernels.elementwise import add, add_scaled, formula
from reservoir.kernels.gates import (
    add_gate,
    add_gate_back,
    add_gate_outer,
    damp_candidate,
    damp_gate,
    four_blocks,
)
from reservoir.kernels.gru import blend, blend_back, blend_second, blend_tangent
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
        z, reset, q, candidate = four_blocks(gates, row)
        for r in range(row, row + n):
            activate(LOGISTIC, gates[r, : 2 * P])
        _gated(n, P, (candidate,), (candidate, reset, q))
        for r in range(row, row + n):
            activate(TANH, gates[r, 3 * P :])
        blend(n, P, ((h, new * P, P),), (z, candidate, (h, old * P, P)))


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
    R_a : (rows, 4 P), or as many rows as a step has
        Filled: of the pre-activations, and of q.
    R_h : (lanes + rows, P)
        The leading rows are those of the states before; the others are filled.
    """
    inputs, units, P = w.U.shape[0], w.W.shape[0], h.shape[1]
    for t in range(steps.count.size):
        row, n, old = steps.first[t], steps.count[t], before(steps, t)
        new = steps.lanes + row
        at = row if row + n <= R_a.shape[0] else 0  # rows of R_a are kept or used again
        set_rows(R_a, at, n, v.b)
        if R_x.shape[0] > 0:
            _add_inputs(R_x, row, n, inputs, w.U, R_a, at, units)
        _add_inputs(x, row, n, inputs, v.U, R_a, at, units)
        _add_states(h, old, n, units, v.W, R_a, at, units)
        _add_states(R_h, old, n, units, w.W, R_a, at, units)
        z, reset, q, candidate = four_blocks(gates, row)
        a_z, a_r, R_q, a_n = four_blocks(R_a, at)
        _gated_tangent(n, P, (a_n,), (a_n, reset, q, a_r, R_q))
        sources = (z, candidate, (h, old * P, P), a_z, a_n, (R_h, old * P, P))
        blend_tangent(n, P, ((R_h, new * P, P),), sources)


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
        z, reset, q, candidate = four_blocks(gates, row)
        d_z, d_r, d_q, d_n = four_blocks(d_a, row)
        a_z, _, _, a_n = four_blocks(R_a, row)
        of_carry = (carry, 0, P)
        if nu != 0:
            new = (R_h, (steps.lanes + row) * P, P)
            add_scaled(n, P, (of_carry,), (of_carry, new, nu))
        sources = (z, candidate, (h, old * P, P), (d, row * P, P), of_carry)
        blend_back(n, P, (d_z, d_n, of_carry), sources)
        if s != 0 and weighted:
            damp_candidate(n, P, (d_n,), (d_n, candidate, a_n, s))
        elif s != 0:
            add_scaled(n, P, (d_n,), (d_n, a_n, s))
        _gated_back(n, P, (d_r, d_q), (d_n, reset, q))
        if s != 0 and weighted:
            damp_gate(n, 2 * P, (d_z,), (d_z, z, a_z, s))
        elif s != 0:
            add_scaled(n, 2 * P, (d_z,), (d_z, a_z, s))
        b = (sums.b, 0, 4 * P)
        add(n, 4 * P, (b,), (b, d_z))
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
        z, reset, q, candidate = four_blocks(gates, row)
        a_z, a_r, R_q, a_n = four_blocks(R_a, row)
        d_z, d_r, d_q, d_n = four_blocks(d_a, row)
        e_z, e_r, e_q, e_n = four_blocks(R_d_a, row)
        of_carry, of_R_carry = (carry, 0, P), (R_carry, 0, P)
        blend_second(
            n, P, (d_z, d_n, of_carry, e_z, e_n, of_R_carry),
            (z, candidate, (h, old * P, P), (d, row * P, P), of_carry,
             a_z, a_n, (R_h, old * P, P), (R_d, row * P, P), of_R_carry),
        )  # fmt: skip
        _gated_second(n, P, (d_r, d_q, e_r, e_q), (d_n, reset, q, e_n, a_r, R_q))
        b = (sums.b, 0, 4 * P)
        add(n, 4 * P, (b,), (b, e_z))
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
