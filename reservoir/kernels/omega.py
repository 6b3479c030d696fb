"""The vanishing-gradient regularizer Omega of Pascanu, Mikolov and Bengio (2013) over packed rows.

Of a step of a sequence, ``delta`` is what reaches its state and ``z`` what it passes on to the
state before, ``z = (1 - leak) delta + (leak delta f') W``; both come from `leaky.backward`. With
``s = |delta|^2`` and ``r = |z|^2 / s - 1``, Omega is the mean of ``r^2`` over the steps whose s is
at least a bound. Sums here are not divided by their number yet.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reservoir.kernels.compile import kernel
from reservoir.kernels.elementwise import add, formula
from reservoir.kernels.leaky import state_tangent
from reservoir.kernels.products import add_outer, add_product, dot
from reservoir.kernels.steps import before

_scale = formula(lambda x, factor: factor * x)
_subtract_product = formula(lambda total, x, y: total - x * y)


@kernel
def add_gains(
    reached: Any, left: Any, d_a: Any, units: int, bound: float, exact: bool, lanes: Any,
    leak: Any, W: Any, sums: Any,
) -> None:  # fmt: skip
    """Add to Omega and to its derivatives with the states and what reaches them held constant.

    Parameters
    ----------
    reached : (rows, P)
        delta of each step; if ``exact``, replaced by the derivatives of Omega by them.
    left : (rows, P)
        z of each step, replaced by the derivatives by them.
    d_a : (rows, P)
        ``leak delta f'`` of each step.
    bound : float
        Rows with a smaller s are left out: their derivatives are 0.
    exact : bool
        Whether the rest of the gradient is to follow (`pull_back`).
    lanes : (rows,)
        The row of ``leak`` of each row.
    leak : (lanes, P), or (0, P) if it is not learned
        Added to if ``exact``: derivatives by the leak rates, in so far as z depends on them through
        the ``-delta`` of ``(1 - leak) delta``.
    W : (N, P)
        Added to: derivatives by W transposed.
    sums : (2,), float64
        Added to: the sum of r^2 and the number of steps.
    """
    rows, P = reached.shape
    for row in range(rows):
        s = np.float64(dot(reached, row * P, reached, row * P, units))
        passed, of_reached = 0.0, 0.0
        if s >= bound:
            r = np.float64(dot(left, row * P, left, row * P, units)) / s - 1.0
            sums[0] += r * r
            sums[1] += 1.0
            passed = 4.0 * r / s
            of_reached = -passed * (r + 1.0)
        z = (left, row * P, P)
        _scale(1, P, (z,), (z, passed))
        if exact:
            delta = (reached, row * P, P)
            if leak.shape[0] > 0:
                total = (leak, lanes[row] * P, P)
                _subtract_product(1, P, (total,), (total, delta, z))
            _scale(1, P, (delta,), (delta, of_reached))
    add_outer(left, 0, 0, units, rows, d_a, 0, 0, W, 0, 0, units)


@kernel
def pull_back(
    steps: Any, R_x: Any, w: Any, phi: Any, reached: Any, left: Any, R_a: Any, R_h: Any
) -> None:
    """The adjoint of the backward pass; it runs forward, as the tangents of moved states do.

    Parameters
    ----------
    steps : Steps
        Of whole sequences.
    R_x : (rows, pitch of K) or (0, any)
        The derivatives of Omega by what reaches the layer below, if there is one.
    w : Leaky
    phi : (rows, P)
    reached, left : (rows, P)
        From `add_gains`: the direct derivatives of Omega by delta and by z; the latter are
        overwritten.
    R_a : (rows, P)
        Filled: derivatives by ``leak delta f'``.
    R_h : (lanes + rows, P)
        The leading rows are zeros; the others are filled: derivatives by delta.
    """
    inputs, units, P = w.U.shape[0], w.W.shape[0], R_h.shape[1]
    for t in range(steps.count.size):
        row, n, old = steps.first[t], steps.count[t], before(steps, t)
        z, new = (left, row * P, P), (R_h, (steps.lanes + row) * P, P)
        add(n, P, (z,), (z, (R_h, old * P, P)))
        R_a[row : row + n] = 0
        if R_x.shape[0] > 0:
            add_product(R_x, row, 0, n, inputs, w.U, 0, 0, R_a, row, 0, units)
        add_product(left, row, 0, n, units, w.W, 0, 0, R_a, row, 0, units)
        of_phi, of_a = (phi, row * P, P), (R_a, row * P, P)
        state_tangent(w.activation, n, P, (new,), (of_phi, of_a, z, (w.leak, 0, 0), (w.keep, 0, 0)))
        add(n, P, (new,), (new, (reached, row * P, P)))
