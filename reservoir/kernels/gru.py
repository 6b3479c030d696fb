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
from reservoir.kernels.elementwise import formula
from reservoir.kernels.products import add_gate, add_gate_back, add_gate_outer
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
    z: Any, n: Any, old: Any, d: Any, R_az: Any, R_an: Any, R_old: Any, R_d: Any
) -> Any:
    """The three results of `blend_back` and their tangents."""
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
add = formula(lambda total, x: total + x)
add_scaled = formula(lambda total, x, factor: total + x * factor)
damp_gate = formula(lambda d, gate, R_a, s: d + s * gate * (1.0 - gate) * R_a)
damp_candidate = formula(lambda d, n, R_a, s: d + s * (1.0 - n * n) * R_a)
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
        for lane in range(n):
            r, at = row + lane, (row + lane) * 3 * P
            activate(LOGISTIC, gates[r, : 2 * P])
            _reset((q,), (lane * P,), (gates, h), (at + P, (old + lane) * P), P)
        _add_candidate(q, 0, n, units, w.W, gates, row, units)
        for lane in range(n):
            r, at = row + lane, (row + lane) * 3 * P
            activate(TANH, gates[r, 2 * P :])
            blend(
                (h,), ((new + lane) * P,), (gates, gates, h),
                (at, at + 2 * P, (old + lane) * P), P,
            )  # fmt: skip


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
    R_a : (rows, 3 P)
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
        set_rows(R_a, row, n, v.b)
        if R_x.shape[0] > 0:
            _add_pair(R_x, row, n, inputs, w.U, R_a, row, units)
            _add_candidate(R_x, row, n, inputs, w.U, R_a, row, units)
        _add_pair(x, row, n, inputs, v.U, R_a, row, units)
        _add_candidate(x, row, n, inputs, v.U, R_a, row, units)
        _add_pair(h, old, n, units, v.W, R_a, row, units)
        _add_pair(R_h, old, n, units, w.W, R_a, row, units)
        for lane in range(n):
            r, of, here = (row + lane) * 3 * P + P, (old + lane) * P, lane * P
            _reset_tangent(
                (q, R_q), (here, here), (gates, h, R_a, R_h), (r, of, r, of), P
            )  # fmt: skip
        _add_candidate(q, 0, n, units, v.W, R_a, row, units)
        _add_candidate(R_q, 0, n, units, w.W, R_a, row, units)
        for lane in range(n):
            z, of = (row + lane) * 3 * P, (old + lane) * P
            c = z + 2 * P
            blend_tangent(
                (R_h,), ((new + lane) * P,), (gates, gates, h, R_a, R_a, R_h),
                (z, c, of, z, c, of), P,
            )  # fmt: skip


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
        if nu != 0:
            new = (steps.lanes + row) * P
            add_scaled((carry,), (0,), (carry, R_h, nu), (0, new, 0), n * P)
        for lane in range(n):
            z, of, here = (row + lane) * 3 * P, (old + lane) * P, lane * P
            r, c = z + P, z + 2 * P
            blend_back(
                (d_a, d_a, carry), (z, c, here), (gates, gates, h, d, carry),
                (z, c, of, (row + lane) * P, here), P,
            )  # fmt: skip
            _reset((q,), (here,), (gates, h), (r, of), P)
            if s != 0 and not weighted:
                add_scaled((d_a,), (z,), (d_a, R_a, s), (z, z, 0), P)
                add_scaled((d_a,), (c,), (d_a, R_a, s), (c, c, 0), P)
            elif s != 0:
                damp_gate((d_a,), (z,), (d_a, gates, R_a, s), (z, z, z, 0), P)
                damp_candidate((d_a,), (c,), (d_a, gates, R_a, s), (c, c, c, 0), P)
        d_q[:n] = 0
        add_gate_back(d_a, row, N, n, units, w.W_back, N, d_q, 0, units, P)
        for lane in range(n):
            r, of, here = (row + lane) * 3 * P + P, (old + lane) * P, lane * P
            _reset_back(
                (d_a, carry), (r, here), (gates, h, d_q, carry), (r, of, here, here), P
            )  # fmt: skip
            if s != 0 and not weighted:
                add_scaled((d_a,), (r,), (d_a, R_a, s), (r, r, 0), P)
            elif s != 0:
                damp_gate((d_a,), (r,), (d_a, gates, R_a, s), (r, r, r, 0), P)
        add((sums.b,), (0,), (sums.b, d_a), (0, row * 3 * P), 3 * n * P)
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
        add((carry,), (0,), (carry, d), (0, row * P), n * P)
        add((R_carry,), (0,), (R_carry, R_d), (0, row * P), n * P)
        for lane in range(n):
            z, of, here = (row + lane) * 3 * P, (old + lane) * P, lane * P
            r, c = z + P, z + 2 * P
            blend_second(
                (d_a, d_a, carry, R_d_a, R_d_a, R_carry), (z, c, here, z, c, here),
                (gates, gates, h, carry, R_a, R_a, R_h, R_carry), (z, c, of, here, z, c, of, here),
                P,
            )  # fmt: skip
            _reset_tangent((q, R_q), (here, here), (gates, h, R_a, R_h), (r, of, r, of), P)
        d_q[:n] = 0
        R_d_q[:n] = 0
        add_gate_back(d_a, row, N, n, units, w.W_back, N, d_q, 0, units, P)
        add_gate_back(R_d_a, row, N, n, units, w.W_back, N, R_d_q, 0, units, P)
        add_gate_back(d_a, row, N, n, units, v.W_back, N, R_d_q, 0, units, P)
        for lane in range(n):
            r, of, here = (row + lane) * 3 * P + P, (old + lane) * P, lane * P
            _reset_second(
                (d_a, carry, R_d_a, R_carry), (r, here, r, here),
                (gates, h, d_q, carry, R_a, R_h, R_d_q, R_carry),
                (r, of, here, here, r, of, here, here), P,
            )  # fmt: skip
        add((sums.b,), (0,), (sums.b, R_d_a), (0, row * 3 * P), 3 * n * P)
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
