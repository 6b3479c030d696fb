"""The LSTM (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000) along packed sequences.

``i, f, o = logistic(W h- + U x + b)``, ``g = tanh(W h- + U x + b)``, ``c = f c- + i g``,
``h = o tanh(c)``. Forward, tangent, backward and the tangent of backward, as in `leaky`. Rows of
gates have four blocks of P columns: input, forget, output, candidate. Without a forget gate, f is 1
and its block takes no part in any product.
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
from reservoir.kernels.steps import before, set_rows

I, F, O, G = 0, 1, 2, 3  # noqa: E741  (blocks of a row of gates, in the names of the formulas)
BLOCKS = 4


class LSTM(NamedTuple):
    """Parameters as the kernels take them, P the pitch of N units; all gates have four blocks."""

    U: NDArray[Any]  # (K, 4 P) transposed
    W: NDArray[Any]  # (N, 4 P) transposed
    b: NDArray[Any]  # (4 P,)
    U_back: NDArray[Any]  # (4 N, pitch of K) as in the formula, gate after gate
    W_back: NDArray[Any]  # (4 N, P)
    forget: bool


def _new_cell(i: Any, f: Any, g: Any, old: Any) -> Any:
    c = f * old + i * g
    return c, c


_cell = formula(_new_cell)
_times = formula(lambda o, tau: o * tau)
_cell_tangent = formula(
    lambda i, f, g, old, R_i, R_f, R_g, R_old: (
        f * R_old + f * (1.0 - f) * R_f * old + i * (1.0 - i) * R_i * g + i * (1.0 - g * g) * R_g
    )
)
_output_tangent = formula(
    lambda o, tau, R_o, R_c: o * (1.0 - o) * R_o * tau + o * (1.0 - tau * tau) * R_c
)


def _derivatives(
    i: Any, f: Any, o: Any, g: Any, tau: Any, old: Any, d: Any, carry: Any, carry_c: Any
) -> Any:
    """By the pre-activations i, f, o, g and the c before; nothing by the h before, as yet."""
    d_h = carry + d
    d_c = d_h * o * (1.0 - tau * tau) + carry_c
    return (
        d_c * g * i * (1.0 - i),
        d_c * old * f * (1.0 - f),
        d_h * tau * o * (1.0 - o),
        d_c * i * (1.0 - g * g),
        d_c * f,
        0.0,
    )


def _second_derivatives(
    i: Any, f: Any, o: Any, g: Any, tau: Any, old: Any, d: Any, carry: Any, carry_c: Any,
    a_i: Any, a_f: Any, a_o: Any, a_g: Any, R_c: Any, R_old: Any, R_d: Any, R_carry: Any,
    R_carry_c: Any,
) -> Any:  # fmt: skip
    """`_derivatives` and their tangents: the product rule, factor by factor."""
    s_i, s_f, s_o, s_g, s_c = (
        i * (1.0 - i), f * (1.0 - f), o * (1.0 - o), 1.0 - g * g, 1.0 - tau * tau,
    )  # fmt: skip
    R_i, R_f, R_o, R_g, R_tau = s_i * a_i, s_f * a_f, s_o * a_o, s_g * a_g, s_c * R_c
    R_s_i, R_s_f, R_s_o = (1.0 - 2.0 * i) * R_i, (1.0 - 2.0 * f) * R_f, (1.0 - 2.0 * o) * R_o
    R_s_g, R_s_c = -2.0 * g * R_g, -2.0 * tau * R_tau
    d_h, R_d_h = carry + d, R_carry + R_d
    d_c = d_h * o * s_c + carry_c
    R_d_c = R_d_h * o * s_c + d_h * R_o * s_c + d_h * o * R_s_c + R_carry_c
    return (
        d_c * g * s_i,
        d_c * old * s_f,
        d_h * tau * s_o,
        d_c * i * s_g,
        d_c * f,
        0.0,
        R_d_c * g * s_i + d_c * R_g * s_i + d_c * g * R_s_i,
        R_d_c * old * s_f + d_c * R_old * s_f + d_c * old * R_s_f,
        R_d_h * tau * s_o + d_h * R_tau * s_o + d_h * tau * R_s_o,
        R_d_c * i * s_g + d_c * R_i * s_g + d_c * i * R_s_g,
        R_d_c * f + d_c * R_f,
        0.0,
    )


_back = formula(_derivatives)
_back_second = formula(_second_derivatives)


@inlined
def _add_gates(
    a: Any, a_row: int, n: int, depth: int, b: Any, c: Any, row: int, units: int, w: Any
) -> None:
    """``c[rows] += a[rows] b`` for all gates in use; b: (depth, 4 P)."""
    P = c.shape[1] // 4
    for gate in range(4):
        if gate != F or w.forget:
            add_gate(a, a_row, n, depth, b, gate, c, row, gate, units, P)


@inlined
def _add_gates_back(
    d: Any, row: int, n: int, units: int, b: Any, c: Any, c_row: int, w: Any, K: int
) -> None:
    """``c[rows] += d[rows] b`` for all gates in use; b: (4 N, pitch of K)."""
    P = d.shape[1] // 4
    for gate in range(4):
        if gate != F or w.forget:
            add_gate_back(d, row, gate, n, units, b, gate, c, c_row, K, P)


@inlined
def _add_gates_outer(
    a: Any, a_row: int, n: int, K: int, d: Any, row: int, sums: Any, units: int, w: Any
) -> None:
    """``sums += a[rows].T d[rows]`` for all gates in use; sums: (K, 4 P)."""
    P = d.shape[1] // 4
    for gate in range(4):
        if gate != F or w.forget:
            add_gate_outer(a, a_row, n, K, d, row, gate, sums, gate, units, P)


@kernel
def forward(steps: Any, x: Any, w: Any, h: Any, c: Any, tau: Any, gates: Any) -> None:
    """States from inputs.

    Parameters
    ----------
    x : (rows, pitch of K)
    w : LSTM
    h, c : (lanes + rows, P)
        The leading rows are the states before; the others are filled.
    tau : (rows, P); gates : (rows, 4 P)
        Filled with tanh(c) and the gates.
    """
    inputs, units, P = w.U.shape[0], w.W.shape[0], h.shape[1]
    one = h.dtype.type(1)
    for t in range(steps.count.size):
        row, n, old = steps.first[t], steps.count[t], before(steps, t)
        new = steps.lanes + row
        set_rows(gates, row, n, w.b)
        _add_gates(x, row, n, inputs, w.U, gates, row, units, w)
        _add_gates(h, old, n, units, w.W, gates, row, units, w)
        for r in range(row, row + n):
            activate(LOGISTIC, gates[r, : 3 * P])
            activate(TANH, gates[r, 3 * P :])
            if not w.forget:
                gates[r, P : 2 * P] = one
        i, f, o, g = four_blocks(gates, row)
        new_c, of_tau = (c, new * P, P), (tau, row * P, P)
        _cell(n, P, (new_c, of_tau), (i, f, g, (c, old * P, P)))
        activate(TANH, tau[row : row + n].reshape(n * P))
        _times(n, P, ((h, new * P, P),), (o, of_tau))


@kernel
def tangent(
    steps: Any, x: Any, R_x: Any, w: Any, v: Any, h: Any, c: Any, tau: Any, gates: Any,
    R_a: Any, R_h: Any, R_c: Any,
) -> None:  # fmt: skip
    """Directional derivative of the states along the parameters' direction ``v``.

    Parameters
    ----------
    R_x : (rows, pitch of K) or (0, any)
    v : LSTM
        The direction, in its first three fields.
    R_a : (rows, 4 P), or as many rows as a step has
        Filled: of the pre-activations.
    R_h, R_c : (lanes + rows, P)
        The leading rows are those of the states before; the others are filled.
    """
    inputs, units, P = w.U.shape[0], w.W.shape[0], h.shape[1]
    for t in range(steps.count.size):
        row, n, old = steps.first[t], steps.count[t], before(steps, t)
        new = steps.lanes + row
        at = row if row + n <= R_a.shape[0] else 0  # rows of R_a are kept or used again
        set_rows(R_a, at, n, v.b)
        if R_x.shape[0] > 0:
            _add_gates(R_x, row, n, inputs, w.U, R_a, at, units, w)
        _add_gates(x, row, n, inputs, v.U, R_a, at, units, w)
        _add_gates(h, old, n, units, v.W, R_a, at, units, w)
        _add_gates(R_h, old, n, units, w.W, R_a, at, units, w)
        i, f, o, g = four_blocks(gates, row)
        a_i, a_f, a_o, a_g = four_blocks(R_a, at)
        new_c, old_c, before_it = (R_c, new * P, P), (R_c, old * P, P), (c, old * P, P)
        _cell_tangent(n, P, (new_c,), (i, f, g, before_it, a_i, a_f, a_g, old_c))
        _output_tangent(n, P, ((R_h, new * P, P),), (o, (tau, row * P, P), a_o, new_c))


@kernel
def backward(
    steps: Any, x: Any, w: Any, h: Any, c: Any, tau: Any, gates: Any,
    R_a: Any, R_h: Any, R_c: Any, s: Any, nu: Any, kappa: Any,
    weighted: bool, d: Any, d_a: Any, carry: Any, carry_c: Any, d_x: Any, sums: Any, summed: bool,
) -> None:  # fmt: skip
    """Derivatives by states and parameters, from those that reach the states from outside.

    Parameters
    ----------
    R_a : (rows, 4 P); R_h, R_c : (lanes + rows, P)
        Read only where the coefficients of structural damping ``s`` (pre-activations), ``nu`` (h)
        and ``kappa`` (c) are not zero.
    weighted : bool
        As in `leaky.backward`.
    d : (rows, P)
        What reaches each h from the readout or the layer above.
    d_a : (rows, 4 P)
        Filled: derivatives by the pre-activations.
    carry, carry_c : (lanes, P)
        What reaches the last h and c from later steps; replaced by what leaves the first ones.
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
        new = (steps.lanes + row) * P
        of_carry, of_carry_c = (carry, 0, P), (carry_c, 0, P)
        if nu != 0:
            add_scaled(n, P, (of_carry,), (of_carry, (R_h, new, P), nu))
        if kappa != 0:
            # What reaches c from h is added to this below.
            add_scaled(n, P, (of_carry_c,), (of_carry_c, (R_c, new, P), kappa))
        i, f, o, g = four_blocks(gates, row)
        d_i, d_f, d_o, d_g = four_blocks(d_a, row)
        of_tau, of_c, of_d = (tau, row * P, P), (c, old * P, P), (d, row * P, P)
        _back(
            n, P, (d_i, d_f, d_o, d_g, of_carry_c, of_carry),
            (i, f, o, g, of_tau, of_c, of_d, of_carry, of_carry_c),
        )  # fmt: skip
        if s != 0:
            a_i, _, _, a_g = four_blocks(R_a, row)
            if weighted:
                damp_gate(n, 3 * P, (d_i,), (d_i, i, a_i, s))
                damp_candidate(n, P, (d_g,), (d_g, g, a_g, s))
            else:
                add_scaled(n, 4 * P, (d_i,), (d_i, a_i, s))
        b = (sums.b, 0, 4 * P)
        add(n, 4 * P, (b,), (b, d_i))
        _add_gates_back(d_a, row, n, units, w.W_back, carry, 0, w, units)
        if summed:
            _add_gates_outer(x, row, n, inputs, d_a, row, sums.U, units, w)
            _add_gates_outer(h, old, n, units, d_a, row, sums.W, units, w)
        if d_x.shape[0] > 0:
            d_x[row : row + n] = 0
            _add_gates_back(d_a, row, n, units, w.U_back, d_x, row, w, inputs)


@kernel
def second(
    steps: Any, x: Any, R_x: Any, w: Any, v: Any, h: Any, c: Any, tau: Any, gates: Any,
    R_a: Any, R_h: Any, R_c: Any, d: Any, R_d: Any, d_a: Any, R_d_a: Any,
    carry: Any, carry_c: Any, R_carry: Any, R_carry_c: Any, d_x: Any, R_d_x: Any, sums: Any,
) -> None:  # fmt: skip
    """The backward pass and its directional derivative: what an exact Hessian product needs.

    Arguments as in `backward`, each derivative with its tangent; ``v`` is complete; to ``sums`` the
    tangents of the derivatives by the parameters are added.
    """
    inputs, units, P = w.U.shape[0], w.W.shape[0], h.shape[1]
    for t in range(steps.count.size - 1, -1, -1):
        row, n, old = steps.first[t], steps.count[t], before(steps, t)
        new = steps.lanes + row
        of_carry, of_carry_c = (carry, 0, P), (carry_c, 0, P)
        of_R_carry, of_R_carry_c = (R_carry, 0, P), (R_carry_c, 0, P)
        i, f, o, g = four_blocks(gates, row)
        a_i, a_f, a_o, a_g = four_blocks(R_a, row)
        d_i, d_f, d_o, d_g = four_blocks(d_a, row)
        e_i, e_f, e_o, e_g = four_blocks(R_d_a, row)
        _back_second(
            n, P,
            (d_i, d_f, d_o, d_g, of_carry_c, of_carry, e_i, e_f, e_o, e_g, of_R_carry_c,
             of_R_carry),
            (i, f, o, g, (tau, row * P, P), (c, old * P, P), (d, row * P, P), of_carry, of_carry_c,
             a_i, a_f, a_o, a_g, (R_c, new * P, P), (R_c, old * P, P), (R_d, row * P, P),
             of_R_carry, of_R_carry_c),
        )  # fmt: skip
        b = (sums.b, 0, 4 * P)
        add(n, 4 * P, (b,), (b, e_i))
        _add_gates_back(d_a, row, n, units, w.W_back, carry, 0, w, units)
        _add_gates_back(R_d_a, row, n, units, w.W_back, R_carry, 0, w, units)
        _add_gates_back(d_a, row, n, units, v.W_back, R_carry, 0, w, units)
        _add_gates_outer(x, row, n, inputs, R_d_a, row, sums.U, units, w)
        _add_gates_outer(h, old, n, units, R_d_a, row, sums.W, units, w)
        _add_gates_outer(R_h, old, n, units, d_a, row, sums.W, units, w)
        if R_x.shape[0] > 0:
            _add_gates_outer(R_x, row, n, inputs, d_a, row, sums.U, units, w)
        if d_x.shape[0] > 0:
            d_x[row : row + n] = 0
            R_d_x[row : row + n] = 0
            _add_gates_back(d_a, row, n, units, w.U_back, d_x, row, w, inputs)
            _add_gates_back(R_d_a, row, n, units, w.U_back, R_d_x, row, w, inputs)
            _add_gates_back(d_a, row, n, units, v.U_back, R_d_x, row, w, inputs)
