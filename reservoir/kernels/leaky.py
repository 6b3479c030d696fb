"""The leaky network ``h = (1 - leak) h- + leak f(W h- + U x + b)`` along packed sequences.

Forward, tangent (the R-operator of Pearlmutter 1994) and backward, each over a stretch of steps.
Rows are packed as `steps.Steps` says; all matrices have rows of whole vectors (`products.pitch`).
With leak 1 for all units, ``phi`` is a view of ``h`` and costs no memory of its own.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

from reservoir.kernels.activations import IDENTITY, LOGISTIC, RELU, TANH, activate
from reservoir.kernels.compile import inlined, kernel
from reservoir.kernels.elementwise import formula
from reservoir.kernels.products import add_outer, add_product
from reservoir.kernels.steps import before, set_rows


class Leaky(NamedTuple):
    """Parameters as the kernels take them, P the pitch of N units."""

    U: NDArray[Any]  # (K, P) transposed: row k is what input k gives to each unit
    W: NDArray[Any]  # (N, P) transposed
    b: NDArray[Any]  # (P,)
    leak: NDArray[Any]  # (P,)
    keep: NDArray[Any]  # (P,) 1 - leak
    U_back: NDArray[Any]  # (N, pitch of K) as in the formula: row i is what unit i hears
    W_back: NDArray[Any]  # (N, P)
    activation: int  # a code of activations.py
    leaky: bool  # whether any leak differs from 1
    learned: bool  # whether the leak is a parameter


_blend = formula(lambda phi, old, leak, keep: leak * phi + keep * old)
_blend_learned = formula(
    lambda R_phi, R_old, leak, keep, R_leak, phi, old: (
        leak * R_phi + keep * R_old + R_leak * (phi - old)
    )
)
_slope_tanh = formula(lambda phi, x: (1.0 - phi * phi) * x)
_slope_logistic = formula(lambda phi, x: phi * (1.0 - phi) * x)
_slope_relu = formula(lambda phi, x: phi.where_positive(x))
_slope_identity = formula(lambda phi, x: x * 1.0)
_add = formula(lambda total, x: total + x)
_add_scaled = formula(lambda total, x, factor: total + x * factor)
_multiply = formula(lambda x, factor: x * factor)
_damp_tanh = formula(lambda d, phi, R_a, s: d + s * (1.0 - phi * phi) * R_a)
_damp_logistic = formula(lambda d, phi, R_a, s: d + s * phi * (1.0 - phi) * R_a)
_damp_relu = formula(lambda d, phi, R_a, s: d + phi.where_positive(s * R_a))
_bend_tanh = formula(lambda R_d, d, phi, R_a: R_d - 2.0 * phi * R_a * d)
_bend_logistic = formula(lambda R_d, d, phi, R_a: R_d + (1.0 - 2.0 * phi) * R_a * d)
_turn = formula(
    lambda d, R_d, carry, R_carry, leak, keep, R_leak: (
        leak * d,
        leak * R_d + R_leak * d,
        keep * carry,
        keep * R_carry - R_leak * carry,
    )
)
_leak_both = formula(lambda x, R_x, factor: (factor * x, factor * R_x))
_leak_gradient = formula(lambda total, dh, phi, old: total + dh * (phi - old))


@inlined
def _times_slope(
    code: int, phi: Any, phi_at: int, x: Any, x_at: int, y: Any, y_at: int, n: int
) -> None:
    """``y = f'(a) x`` from ``phi = f(a)``."""
    if code == TANH:
        _slope_tanh((y,), (y_at,), (phi, x), (phi_at, x_at), n)
    elif code == LOGISTIC:
        _slope_logistic((y,), (y_at,), (phi, x), (phi_at, x_at), n)
    elif code == RELU:
        _slope_relu((y,), (y_at,), (phi, x), (phi_at, x_at), n)
    elif code == IDENTITY:
        _slope_identity((y,), (y_at,), (phi, x), (phi_at, x_at), n)


@kernel
def forward(steps: Any, x: Any, w: Any, h: Any, phi: Any) -> None:
    """States from inputs.

    Parameters
    ----------
    x : (rows, pitch of K)
    w : Leaky
    h : (lanes + rows, P)
        The leading rows are the states before; the others are filled.
    phi : (rows, P)
        Filled with ``f(a)``; without leak the view ``h[lanes:]``.
    """
    inputs, units, P = w.U.shape[0], w.W.shape[0], h.shape[1]
    for t in range(steps.count.size):
        row, n, old = steps.first[t], steps.count[t], before(steps, t)
        set_rows(phi, row, n, w.b)
        add_product(x, row, 0, n, inputs, w.U, 0, 0, phi, row, 0, units)
        add_product(h, old, 0, n, units, w.W, 0, 0, phi, row, 0, units)
        activate(w.activation, phi[row : row + n].reshape(n * P))
        if w.leaky:
            new = steps.lanes + row
            for i in range(n):
                to, at = (new + i) * P, (row + i) * P
                _blend((h,), (to,), (phi, h, w.leak, w.keep), (at, (old + i) * P, 0, 0), P)


@kernel
def tangent(
    steps: Any, x: Any, R_x: Any, w: Any, v: Any, h: Any, phi: Any, R_a: Any, R_h: Any
) -> None:
    """Directional derivative of the states along the parameters' direction ``v``.

    Parameters
    ----------
    R_x : (rows, pitch of K) or (0, any)
        Of the inputs, if they have one.
    v : Leaky
        The direction, in its first four fields.
    R_a : (rows, P)
        Filled: of the pre-activations.
    R_h : (lanes + rows, P)
        The leading rows are those of the states before; the others are filled.
    """
    inputs, units, P = w.U.shape[0], w.W.shape[0], h.shape[1]
    for t in range(steps.count.size):
        row, n, old = steps.first[t], steps.count[t], before(steps, t)
        new = steps.lanes + row
        set_rows(R_a, row, n, v.b)
        if R_x.shape[0] > 0:
            add_product(R_x, row, 0, n, inputs, w.U, 0, 0, R_a, row, 0, units)
        add_product(x, row, 0, n, inputs, v.U, 0, 0, R_a, row, 0, units)
        add_product(h, old, 0, n, units, v.W, 0, 0, R_a, row, 0, units)
        add_product(R_h, old, 0, n, units, w.W, 0, 0, R_a, row, 0, units)
        _times_slope(w.activation, phi, row * P, R_a, row * P, R_h, new * P, n * P)
        if w.learned:
            for i in range(n):
                to, of, at = (new + i) * P, (old + i) * P, (row + i) * P
                _blend_learned(
                    (R_h,), (to,), (R_h, R_h, w.leak, w.keep, v.leak, phi, h),
                    (to, of, 0, 0, 0, at, of), P,
                )  # fmt: skip
        elif w.leaky:
            for i in range(n):
                to, of = (new + i) * P, (old + i) * P
                _blend((R_h,), (to,), (R_h, R_h, w.leak, w.keep), (to, of, 0, 0), P)


@kernel
def backward(
    steps: Any, x: Any, w: Any, h: Any, phi: Any, R_a: Any, R_h: Any, s: Any, nu: Any,
    weighted: bool, d: Any, carry: Any, d_x: Any, sums: Any, summed: bool,
) -> None:  # fmt: skip
    """Derivatives by states and parameters, from those that reach the states from outside.

    Parameters
    ----------
    R_a : (rows, P); R_h : (lanes + rows, P)
        Read only where the coefficients of structural damping ``s`` (pre-activations) and ``nu``
        (states) are not zero.
    weighted : bool
        Whether R_a is damped times the slope of the activation, as it should be; or R_a is what
        reaches the pre-activations from outside.
    d : (rows, P)
        What reaches each state from the readout or the layer above; replaced by the derivatives by
        the pre-activations.
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
        at, size = row * P, n * P
        _add((carry,), (0,), (carry, d), (0, at), size)
        if nu != 0:
            new = (steps.lanes + row) * P
            _add_scaled((carry,), (0,), (carry, R_h, nu), (0, new, 0), size)
        if w.learned:
            leak = sums.leak
            _leak_gradient((leak,), (0,), (leak, carry, phi, h), (0, 0, at, old * P), size)
        _times_slope(w.activation, phi, at, carry, 0, d, at, size)
        if w.leaky:
            for i in range(n):
                here = (row + i) * P
                _multiply((d,), (here,), (d, w.leak), (here, 0), P)
                _multiply((carry,), (i * P,), (carry, w.keep), (i * P, 0), P)
        else:
            carry[:n] = 0
        if s != 0:
            if not weighted:
                _add_scaled((d,), (at,), (d, R_a, s), (at, at, 0), size)
            elif w.activation == TANH:
                _damp_tanh((d,), (at,), (d, phi, R_a, s), (at, at, at, 0), size)
            elif w.activation == LOGISTIC:
                _damp_logistic((d,), (at,), (d, phi, R_a, s), (at, at, at, 0), size)
            elif w.activation == RELU:
                _damp_relu((d,), (at,), (d, phi, R_a, s), (at, at, at, 0), size)
            else:
                _add_scaled((d,), (at,), (d, R_a, s), (at, at, 0), size)
        _add((sums.b,), (0,), (sums.b, d), (0, at), size)
        add_product(d, row, 0, n, units, w.W_back, 0, 0, carry, 0, 0, units)
        if summed:
            add_outer(x, row, 0, inputs, n, d, row, 0, sums.U, 0, 0, units)
            add_outer(h, old, 0, units, n, d, row, 0, sums.W, 0, 0, units)
        if d_x.shape[0] > 0:
            d_x[row : row + n] = 0
            add_product(d, row, 0, n, units, w.U_back, 0, 0, d_x, row, 0, inputs)


@kernel
def second(
    steps: Any, x: Any, R_x: Any, w: Any, v: Any, h: Any, phi: Any, R_a: Any, R_h: Any,
    d: Any, R_d: Any, carry: Any, R_carry: Any, d_x: Any, R_d_x: Any, sums: Any,
) -> None:  # fmt: skip
    """The backward pass and its directional derivative: what an exact Hessian product needs.

    Parameters
    ----------
    v : Leaky
        The direction, complete.
    d, R_d : (rows, P)
        What reaches each state from outside and its tangent; replaced by the derivatives by the
        pre-activations and theirs.
    carry, R_carry, d_x, R_d_x
        As in `backward`, each with its tangent.
    sums : Sums
        Added to: tangents of the derivatives by the parameters.
    """
    inputs, units, P = w.U.shape[0], w.W.shape[0], h.shape[1]
    for t in range(steps.count.size - 1, -1, -1):
        row, n, old = steps.first[t], steps.count[t], before(steps, t)
        at, size = row * P, n * P
        _add((carry,), (0,), (carry, d), (0, at), size)
        _add((R_carry,), (0,), (R_carry, R_d), (0, at), size)
        if w.learned:
            R_phi = d  # no longer needed
            _times_slope(w.activation, phi, at, R_a, at, R_phi, at, size)
            leak = sums.leak
            _leak_gradient((leak,), (0,), (leak, R_carry, phi, h), (0, 0, at, old * P), size)
            _leak_gradient((leak,), (0,), (leak, carry, R_phi, R_h), (0, 0, at, old * P), size)
        _times_slope(w.activation, phi, at, carry, 0, d, at, size)
        _times_slope(w.activation, phi, at, R_carry, 0, R_d, at, size)
        for i in range(n):
            here, of = (row + i) * P, i * P
            if w.learned:
                _turn(
                    (d, R_d, carry, R_carry), (here, here, of, of),
                    (d, R_d, carry, R_carry, w.leak, w.keep, v.leak),
                    (here, here, of, of, 0, 0, 0), P,
                )  # fmt: skip
            elif w.leaky:
                _leak_both((d, R_d), (here, here), (d, R_d, w.leak), (here, here, 0), P)
                _leak_both((carry, R_carry), (of, of), (carry, R_carry, w.keep), (of, of, 0), P)
        if w.activation == TANH:
            _bend_tanh((R_d,), (at,), (R_d, d, phi, R_a), (at, at, at, at), size)
        elif w.activation == LOGISTIC:
            _bend_logistic((R_d,), (at,), (R_d, d, phi, R_a), (at, at, at, at), size)
        if not w.leaky:
            carry[:n] = 0
            R_carry[:n] = 0
        _add((sums.b,), (0,), (sums.b, R_d), (0, at), size)
        add_product(d, row, 0, n, units, w.W_back, 0, 0, carry, 0, 0, units)
        add_product(R_d, row, 0, n, units, w.W_back, 0, 0, R_carry, 0, 0, units)
        add_product(d, row, 0, n, units, v.W_back, 0, 0, R_carry, 0, 0, units)
        add_outer(x, row, 0, inputs, n, R_d, row, 0, sums.U, 0, 0, units)
        add_outer(h, old, 0, units, n, R_d, row, 0, sums.W, 0, 0, units)
        add_outer(R_h, old, 0, units, n, d, row, 0, sums.W, 0, 0, units)
        if R_x.shape[0] > 0:
            add_outer(R_x, row, 0, inputs, n, d, row, 0, sums.U, 0, 0, units)
        if d_x.shape[0] > 0:
            d_x[row : row + n] = 0
            R_d_x[row : row + n] = 0
            add_product(d, row, 0, n, units, w.U_back, 0, 0, d_x, row, 0, inputs)
            add_product(R_d, row, 0, n, units, w.U_back, 0, 0, R_d_x, row, 0, inputs)
            add_product(d, row, 0, n, units, v.U_back, 0, 0, R_d_x, row, 0, inputs)
