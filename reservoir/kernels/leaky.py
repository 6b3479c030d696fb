"""The leaky network ``h = (1 - leak) h- + leak f(W h- + U x + b)`` along packed sequences.

Forward, tangent (the R-operator of Pearlmutter 1994) and backward, each over a stretch of steps.
Rows are packed as `steps.Steps` says; all matrices have rows of whole vectors (`products.pitch`).
With leak 1 for all units, ``phi`` is a view of ``h`` and costs no memory of its own.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

from reservoir.kernels.activations import LOGISTIC, RELU, TANH, activate
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


def _slope_tanh(phi: Any, x: Any) -> Any:
    return (1.0 - phi * phi) * x


def _slope_logistic(phi: Any, x: Any) -> Any:
    return phi * (1.0 - phi) * x


def _slope_relu(phi: Any, x: Any) -> Any:
    return phi.where_positive(x)


def _slope_identity(phi: Any, x: Any) -> Any:
    return x


def _tangent_of(slope: Any) -> Any:
    """The tangent of a state, from those of the pre-activation and the state before."""
    return formula(lambda phi, R_a, R_old, leak, keep: leak * slope(phi, R_a) + keep * R_old)


def _back_of(slope: Any) -> Any:
    """By the pre-activation, by the state before, and the sum for the bias."""

    def back(phi: Any, d: Any, carry: Any, leak: Any, keep: Any, b: Any) -> Any:
        d_h = carry + d
        d_a = leak * slope(phi, d_h)
        return d_a, keep * d_h, b + d_a

    return formula(back)


def _damped_back_of(slope: Any) -> Any:
    """As `_back_of`, with the damped tangent of the pre-activation added."""

    def back(phi: Any, d: Any, carry: Any, leak: Any, keep: Any, b: Any, R_a: Any, s: Any) -> Any:
        d_h = carry + d
        d_a = leak * slope(phi, d_h) + s * slope(phi, R_a)
        return d_a, keep * d_h, b + d_a

    return formula(back)


_tangent_tanh, _tangent_logistic, _tangent_relu, _tangent_identity = (
    _tangent_of(slope) for slope in (_slope_tanh, _slope_logistic, _slope_relu, _slope_identity)
)
_back_tanh, _back_logistic, _back_relu, _back_identity = (
    _back_of(slope) for slope in (_slope_tanh, _slope_logistic, _slope_relu, _slope_identity)
)
_damped_tanh, _damped_logistic, _damped_relu, _damped_identity = (
    _damped_back_of(slope) for slope in (_slope_tanh, _slope_logistic, _slope_relu, _slope_identity)
)
_times_tanh, _times_logistic, _times_relu, _times_identity = (
    formula(slope) for slope in (_slope_tanh, _slope_logistic, _slope_relu, _slope_identity)
)
_leak_tangent = formula(lambda R_h, R_leak, phi, old: R_h + R_leak * (phi - old))
_leak_gradient = formula(lambda total, d, carry, phi, old: total + (carry + d) * (phi - old))
_add = formula(lambda total, x: total + x)
_add_scaled = formula(lambda total, x, factor: total + x * factor)
_subtract = formula(lambda x, y: x - y)
_add_product_of = formula(lambda total, d, x: total + d * x)
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


@inlined
def _times_slope(
    code: int, phi: Any, phi_at: int, x: Any, x_at: int, y: Any, y_at: int, n: int
) -> None:
    """``y = f'(a) x`` from ``phi = f(a)``."""
    if code == TANH:
        _times_tanh((y,), (y_at,), (phi, x), (phi_at, x_at), n)
    elif code == LOGISTIC:
        _times_logistic((y,), (y_at,), (phi, x), (phi_at, x_at), n)
    elif code == RELU:
        _times_relu((y,), (y_at,), (phi, x), (phi_at, x_at), n)
    else:
        _times_identity((y,), (y_at,), (phi, x), (phi_at, x_at), n)


@inlined
def _tangent(code: int, to: Any, starts: Any, of: Any, of_starts: Any, n: int) -> None:
    if code == TANH:
        _tangent_tanh(to, starts, of, of_starts, n)
    elif code == LOGISTIC:
        _tangent_logistic(to, starts, of, of_starts, n)
    elif code == RELU:
        _tangent_relu(to, starts, of, of_starts, n)
    else:
        _tangent_identity(to, starts, of, of_starts, n)


@inlined
def _back(code: int, to: Any, starts: Any, of: Any, of_starts: Any, n: int) -> None:
    if code == TANH:
        _back_tanh(to, starts, of, of_starts, n)
    elif code == LOGISTIC:
        _back_logistic(to, starts, of, of_starts, n)
    elif code == RELU:
        _back_relu(to, starts, of, of_starts, n)
    else:
        _back_identity(to, starts, of, of_starts, n)


@inlined
def _damped_back(code: int, to: Any, starts: Any, of: Any, of_starts: Any, n: int) -> None:
    if code == TANH:
        _damped_tanh(to, starts, of, of_starts, n)
    elif code == LOGISTIC:
        _damped_logistic(to, starts, of, of_starts, n)
    elif code == RELU:
        _damped_relu(to, starts, of, of_starts, n)
    else:
        _damped_identity(to, starts, of, of_starts, n)


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
        for i in range(n):
            to, of, at = (new + i) * P, (old + i) * P, (row + i) * P
            _tangent(
                w.activation, (R_h,), (to,), (phi, R_a, R_h, w.leak, w.keep),
                (at, at, of, 0, 0), P,
            )  # fmt: skip
            if w.learned:
                _leak_tangent((R_h,), (to,), (R_h, v.leak, phi, h), (to, 0, at, of), P)


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
        new = steps.lanes + row
        for i in range(n):
            at, of, here = (row + i) * P, (old + i) * P, i * P
            if nu != 0:
                _add_scaled((carry,), (here,), (carry, R_h, nu), (here, (new + i) * P, 0), P)
            if w.learned:
                leak = sums.leak
                _leak_gradient(
                    (leak,), (here,), (leak, d, carry, phi, h), (here, at, here, at, of), P
                )
            if s != 0 and weighted:
                _damped_back(
                    w.activation, (d, carry, sums.b), (at, here, here),
                    (phi, d, carry, w.leak, w.keep, sums.b, R_a, s),
                    (at, at, here, 0, 0, here, at, 0), P,
                )  # fmt: skip
            else:
                _back(
                    w.activation, (d, carry, sums.b), (at, here, here),
                    (phi, d, carry, w.leak, w.keep, sums.b), (at, at, here, 0, 0, here), P,
                )  # fmt: skip
            if s != 0 and not weighted:
                _add_scaled((d,), (at,), (d, R_a, s), (at, at, 0), P)
                _add_scaled((sums.b,), (here,), (sums.b, R_a, s), (here, at, 0), P)
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
        if w.learned:
            leak, of = sums.leak, old * P
            _leak_gradient((leak,), (0,), (leak, R_d, R_carry, phi, h), (0, at, 0, at, of), size)
        _add((carry,), (0,), (carry, d), (0, at), size)
        _add((R_carry,), (0,), (R_carry, R_d), (0, at), size)
        if w.learned:
            R_phi = d  # no longer needed
            _times_slope(w.activation, phi, at, R_a, at, R_phi, at, size)
            _subtract((R_phi,), (at,), (R_phi, R_h), (at, of), size)
            _add_product_of((leak,), (0,), (leak, carry, R_phi), (0, 0, at), size)
        _times_slope(w.activation, phi, at, carry, 0, d, at, size)
        _times_slope(w.activation, phi, at, R_carry, 0, R_d, at, size)
        for i in range(n):
            here, to = (row + i) * P, i * P
            _turn(
                (d, R_d, carry, R_carry), (here, here, to, to),
                (d, R_d, carry, R_carry, w.leak, w.keep, v.leak),
                (here, here, to, to, 0, 0, 0), P,
            )  # fmt: skip
        if w.activation == TANH:
            _bend_tanh((R_d,), (at,), (R_d, d, phi, R_a), (at, at, at, at), size)
        elif w.activation == LOGISTIC:
            _bend_logistic((R_d,), (at,), (R_d, d, phi, R_a), (at, at, at, at), size)
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
