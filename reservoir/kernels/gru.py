"""The GRU (Cho et al. 2014), reset before the product, along packed sequences.

``z, r = logistic(W h- + U x + b)``, ``n = tanh(W (r h-) + U x + b)``, ``h = (1 - z) h- + z n`` with
z as in Chung et al. (2014). Forward, tangent, backward and the tangent of backward, as in `leaky`.
Rows of gates have three blocks of P columns: update, reset, candidate.
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
    three_blocks,
)
from reservoir.kernels.steps import before, set_rows

Z, R, N = 0, 1, 2  # blocks of a row of gates
BLOCKS = 3


class GRU(NamedTuple):
    """Parameters as the kernels take them, P the pitch of N units."""

    U: NDArray[Any]  # (K, 3 P) transposed
    W: NDArray[Any]  # (N, 3 P) transposed
    b: NDArray[Any]  # (3 P,)
    U_back: NDArray[Any]  # (3 N, pitch of K) as in the formula, gate after gate
    W_back: NDArray[Any]  # (3 N, P)


blend = formula(lambda z, n, old: (1.0 - z) * old + z * n)
blend_tangent = formula(
    lambda z, n, old, R_z, R_n, R_old: (
        (1.0 - z) * R_old + z * (1.0 - n * n) * R_n + z * (1.0 - z) * R_z * (n - old)
    )
)
blend_back = formula(
    lambda z, n, old, d, carry: (
        (carry + d) * (n - old) * z * (1.0 - z),
        (carry + d) * z * (1.0 - n * n),
        (1.0 - z) * (carry + d),
    )
)


def _blend_second(
    z: Any, n: Any, old: Any, outer: Any, carry: Any,
    R_az: Any, R_an: Any, R_old: Any, R_outer: Any, R_carry: Any,
) -> Any:  # fmt: skip
    """The three results of `blend_back` and their tangents."""
    d, R_d = carry + outer, R_carry + R_outer
    s_z, s_n = z * (1.0 - z), 1.0 - n * n
    R_z, R_n = s_z * R_az, s_n * R_an
    R_s_z, R_s_n = (1.0 - 2.0 * z) * R_z, -2.0 * n * R_n
    return (
        d * (n - old) * s_z,
        d * z * s_n,
        (1.0 - z) * d,
        R_d * (n - old) * s_z + d * (R_n - R_old) * s_z + d * (n - old) * R_s_z,
        R_d * z * s_n + d * R_z * s_n + d * z * R_s_n,
        (1.0 - z) * R_d - R_z * d,
    )


blend_second = formula(_blend_second)
_reset = formula(lambda r, old: r * old)
_reset_tangent = formula(
    lambda r, old, R_ar, R_old: (r * old, r * (1.0 - r) * R_ar * old + r * R_old)
)
_reset_back = formula(lambda r, old, d_q, carry: (d_q * old * r * (1.0 - r), carry + r * d_q))


def _second_of_reset(
    r: Any, old: Any, d_q: Any, carry: Any, R_ar: Any, R_old: Any, R_d_q: Any, R_carry: Any
) -> Any:
    """The two results of `_reset_back` and their tangents."""
    s_r = r * (1.0 - r)
    R_r = s_r * R_ar
    R_s_r = (1.0 - 2.0 * r) * R_r
    return (
        d_q * old * s_r,
        carry + r * d_q,
        R_d_q * old * s_r + d_q * R_old * s_r + d_q * old * R_s_r,
        R_carry + R_r * d_q + r * R_d_q,
    )


_reset_second = formula(_second_of_reset)


@inlined
def _add_pair(a: Any, a_row: int, n: int, depth: int, b: Any, c: Any, row: int, units: int) -> None:
    """``c[rows] += a[rows] b`` for update and reset; b: (depth, 3 P)."""
    P = c.shape[1] // 3
    add_gate(a, a_row, n, depth, b, Z, c, row, Z, units, P)
    add_gate(a, a_row, n, depth, b, R, c, row, R, units, P)


@inlined
def _add_candidate(
    a: Any, a_row: int, n: int, depth: int, b: Any, c: Any, row: int, units: int
) -> None:
    """``c[rows] += a[rows] b`` for the candidate."""
    add_gate(a, a_row, n, depth, b, N, c, row, N, units, c.shape[1] // 3)


@inlined
def _add_back(
    d: Any, row: int, n: int, units: int, b: Any, c: Any, c_row: int, K: int, gates: int
) -> None:
    """``c[rows] += d[rows] b`` for the leading gates; b: (3 N, pitch of K)."""
    P = d.shape[1] // 3
    for gate in range(gates):
        add_gate_back(d, row, gate, n, units, b, gate, c, c_row, K, P)


@inlined
def _add_pair_outer(
    a: Any, a_row: int, n: int, K: int, d: Any, row: int, sums: Any, units: int
) -> None:
    P = d.shape[1] // 3
    add_gate_outer(a, a_row, n, K, d, row, Z, sums, Z, units, P)
    add_gate_outer(a, a_row, n, K, d, row, R, sums, R, units, P)


@inlined
def _add_candidate_outer(
    a: Any, a_row: int, n: int, K: int, d: Any, row: int, sums: Any, units: int
) -> None:
    add_gate_outer(a, a_row, n, K, d, row, N, sums, N, units, d.shape[1] // 3)


@kernel
def forward(steps: Any, x: Any, w: Any, h: Any, gates: Any, work: Any) -> None:
    """States from inputs.

    Parameters
    ----------
    x : (rows, pitch of K)
    w : GRU
    h : (lanes + rows, P)
        The leading rows are the states before; the others are filled.
    gates : (rows, 3 P)
        Filled.
    work : (2 or more, lanes, P)
        Working memory.
    """
    inputs, units, P = w.U.shape[0], w.W.shape[0], h.shape[1]
    q = work[0]
    for t in range(steps.count.size):
        row, n, old = steps.first[t], steps.count[t], before(steps, t)
        new = steps.lanes + row
        set_rows(gates, row, n, w.b)
        _add_pair(x, row, n, inputs, w.U, gates, row, units)
        _add_candidate(x, row, n, inputs, w.U, gates, row, units)
        _add_pair(h, old, n, units, w.W, gates, row, units)
        z, reset, candidate = three_blocks(gates, row)
        before_it = (h, old * P, P)
        for r in range(row, row + n):
            activate(LOGISTIC, gates[r, : 2 * P])
        _reset(n, P, ((q, 0, P),), (reset, before_it))
        _add_candidate(q, 0, n, units, w.W, gates, row, units)
        for r in range(row, row + n):
            activate(TANH, gates[r, 2 * P :])
        blend(n, P, ((h, new * P, P),), (z, candidate, before_it))


@kernel
def tangent(
    steps: Any, x: Any, R_x: Any, w: Any, v: Any, h: Any, gates: Any, R_a: Any, R_h: Any,
    work: Any,
) -> None:  # fmt: skip
    """Directional derivative of the states along the parameters' direction ``v``.

    Parameters
    ----------
    R_x : (rows, pitch of K) or (0, any)
    v : GRU
        The direction, in its first three fields.
    R_a : (rows, 3 P), or as many rows as a step has
        Filled: of the pre-activations.
    R_h : (lanes + rows, P)
        The leading rows are those of the states before; the others are filled.
    work : (2 or more, lanes, P)
    """
    inputs, units, P = w.U.shape[0], w.W.shape[0], h.shape[1]
    q, R_q = work[0], work[1]
    for t in range(steps.count.size):
        row, n, old = steps.first[t], steps.count[t], before(steps, t)
        new = steps.lanes + row
        at = row if row + n <= R_a.shape[0] else 0  # rows of R_a are kept or used again
        set_rows(R_a, at, n, v.b)
        if R_x.shape[0] > 0:
            _add_pair(R_x, row, n, inputs, w.U, R_a, at, units)
            _add_candidate(R_x, row, n, inputs, w.U, R_a, at, units)
        _add_pair(x, row, n, inputs, v.U, R_a, at, units)
        _add_candidate(x, row, n, inputs, v.U, R_a, at, units)
        _add_pair(h, old, n, units, v.W, R_a, at, units)
        _add_pair(R_h, old, n, units, w.W, R_a, at, units)
        z, reset, candidate = three_blocks(gates, row)
        a_z, a_r, a_n = three_blocks(R_a, at)
        before_it, R_before = (h, old * P, P), (R_h, old * P, P)
        _reset_tangent(n, P, ((q, 0, P), (R_q, 0, P)), (reset, before_it, a_r, R_before))
        _add_candidate(q, 0, n, units, v.W, R_a, at, units)
        _add_candidate(R_q, 0, n, units, w.W, R_a, at, units)
        new_R = (R_h, new * P, P)
        blend_tangent(n, P, (new_R,), (z, candidate, before_it, a_z, a_n, R_before))


@kernel
def backward(
    steps: Any, x: Any, w: Any, h: Any, gates: Any, R_a: Any, R_h: Any, s: Any, nu: Any,
    weighted: bool, d: Any, d_a: Any, carry: Any, d_x: Any, sums: Any, summed: bool, work: Any,
) -> None:  # fmt: skip
    """Derivatives by states and parameters, from those that reach the states from outside.

    Parameters
    ----------
    R_a : (rows, 3 P); R_h : (lanes + rows, P)
        Read only where the coefficients of structural damping ``s`` (pre-activations) and ``nu``
        (states) are not zero.
    weighted : bool
        As in `leaky.backward`.
    d : (rows, P)
        What reaches each state from the readout or the layer above.
    d_a : (rows, 3 P)
        Filled: derivatives by the pre-activations.
    carry : (lanes, P)
        What reaches the last states from later steps; replaced by what leaves the first ones.
    d_x : (rows, pitch of K) or (0, any)
        Filled, if it has rows: derivatives by the inputs.
    sums : Sums
        Added to: derivatives by the parameters.
    summed : bool
        Whether ``sums.U`` and ``sums.W`` are wanted.
    work : (2 or more, lanes, P)
    """
    inputs, units, P = w.U.shape[0], w.W.shape[0], h.shape[1]
    q, d_q = work[0], work[1]
    for t in range(steps.count.size - 1, -1, -1):
        row, n, old = steps.first[t], steps.count[t], before(steps, t)
        z, reset, candidate = three_blocks(gates, row)
        d_z, d_r, d_n = three_blocks(d_a, row)
        a_z, a_r, a_n = three_blocks(R_a, row)
        of_carry, before_it = (carry, 0, P), (h, old * P, P)
        if nu != 0:
            new = (R_h, (steps.lanes + row) * P, P)
            add_scaled(n, P, (of_carry,), (of_carry, new, nu))
        targets = (d_z, d_n, of_carry)
        blend_back(n, P, targets, (z, candidate, before_it, (d, row * P, P), of_carry))
        _reset(n, P, ((q, 0, P),), (reset, before_it))
        if s != 0 and weighted:
            damp_gate(n, P, (d_z,), (d_z, z, a_z, s))
            damp_candidate(n, P, (d_n,), (d_n, candidate, a_n, s))
        elif s != 0:
            add_scaled(n, P, (d_z,), (d_z, a_z, s))
            add_scaled(n, P, (d_n,), (d_n, a_n, s))
        d_q[:n] = 0
        add_gate_back(d_a, row, N, n, units, w.W_back, N, d_q, 0, units, P)
        _reset_back(n, P, (d_r, of_carry), (reset, before_it, (d_q, 0, P), of_carry))
        if s != 0 and weighted:
            damp_gate(n, P, (d_r,), (d_r, reset, a_r, s))
        elif s != 0:
            add_scaled(n, P, (d_r,), (d_r, a_r, s))
        b = (sums.b, 0, 3 * P)
        add(n, 3 * P, (b,), (b, d_z))
        _add_back(d_a, row, n, units, w.W_back, carry, 0, units, 2)
        if summed:
            _add_pair_outer(x, row, n, inputs, d_a, row, sums.U, units)
            _add_candidate_outer(x, row, n, inputs, d_a, row, sums.U, units)
            _add_pair_outer(h, old, n, units, d_a, row, sums.W, units)
            _add_candidate_outer(q, 0, n, units, d_a, row, sums.W, units)
        if d_x.shape[0] > 0:
            d_x[row : row + n] = 0
            _add_back(d_a, row, n, units, w.U_back, d_x, row, inputs, 3)


@kernel
def second(
    steps: Any, x: Any, R_x: Any, w: Any, v: Any, h: Any, gates: Any, R_a: Any, R_h: Any,
    d: Any, R_d: Any, d_a: Any, R_d_a: Any, carry: Any, R_carry: Any, d_x: Any, R_d_x: Any,
    sums: Any, work: Any,
) -> None:  # fmt: skip
    """The backward pass and its directional derivative: what an exact Hessian product needs.

    Arguments as in `backward`, each derivative with its tangent; ``v`` is complete; ``work`` is
    (4, lanes, P); to ``sums`` the tangents of the derivatives by the parameters are added.
    """
    inputs, units, P = w.U.shape[0], w.W.shape[0], h.shape[1]
    q, d_q, R_q, R_d_q = work[0], work[1], work[2], work[3]
    for t in range(steps.count.size - 1, -1, -1):
        row, n, old = steps.first[t], steps.count[t], before(steps, t)
        z, reset, candidate = three_blocks(gates, row)
        a_z, a_r, a_n = three_blocks(R_a, row)
        d_z, d_r, d_n = three_blocks(d_a, row)
        e_z, e_r, e_n = three_blocks(R_d_a, row)
        of_carry, of_R_carry = (carry, 0, P), (R_carry, 0, P)
        before_it, R_before = (h, old * P, P), (R_h, old * P, P)
        of_q, of_R_q, of_d_q, of_R_d_q = (q, 0, P), (R_q, 0, P), (d_q, 0, P), (R_d_q, 0, P)
        blend_second(
            n, P, (d_z, d_n, of_carry, e_z, e_n, of_R_carry),
            (z, candidate, before_it, (d, row * P, P), of_carry,
             a_z, a_n, R_before, (R_d, row * P, P), of_R_carry),
        )  # fmt: skip
        _reset_tangent(n, P, (of_q, of_R_q), (reset, before_it, a_r, R_before))
        d_q[:n] = 0
        R_d_q[:n] = 0
        add_gate_back(d_a, row, N, n, units, w.W_back, N, d_q, 0, units, P)
        add_gate_back(R_d_a, row, N, n, units, w.W_back, N, R_d_q, 0, units, P)
        add_gate_back(d_a, row, N, n, units, v.W_back, N, R_d_q, 0, units, P)
        _reset_second(
            n, P, (d_r, of_carry, e_r, of_R_carry),
            (reset, before_it, of_d_q, of_carry, a_r, R_before, of_R_d_q, of_R_carry),
        )  # fmt: skip
        b = (sums.b, 0, 3 * P)
        add(n, 3 * P, (b,), (b, e_z))
        _add_back(d_a, row, n, units, w.W_back, carry, 0, units, 2)
        _add_back(R_d_a, row, n, units, w.W_back, R_carry, 0, units, 2)
        _add_back(d_a, row, n, units, v.W_back, R_carry, 0, units, 2)
        _add_pair_outer(x, row, n, inputs, R_d_a, row, sums.U, units)
        _add_candidate_outer(x, row, n, inputs, R_d_a, row, sums.U, units)
        _add_pair_outer(h, old, n, units, R_d_a, row, sums.W, units)
        _add_pair_outer(R_h, old, n, units, d_a, row, sums.W, units)
        _add_candidate_outer(q, 0, n, units, R_d_a, row, sums.W, units)
        _add_candidate_outer(R_q, 0, n, units, d_a, row, sums.W, units)
        if R_x.shape[0] > 0:
            _add_pair_outer(R_x, row, n, inputs, d_a, row, sums.U, units)
            _add_candidate_outer(R_x, row, n, inputs, d_a, row, sums.U, units)
        if d_x.shape[0] > 0:
            d_x[row : row + n] = 0
            R_d_x[row : row + n] = 0
            _add_back(d_a, row, n, units, w.U_back, d_x, row, inputs, 3)
            _add_back(R_d_a, row, n, units, w.U_back, R_d_x, row, inputs, 3)
            _add_back(d_a, row, n, units, v.U_back, R_d_x, row, inputs, 3)
