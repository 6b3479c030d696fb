"""The linear readout ``o = V h + c`` at the scored rows, and its way back.

Scored rows are given as runs: neighbouring rows of states within one step, whose outputs are
neighbouring rows too.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reservoir.kernels.compile import inlined, kernel
from reservoir.kernels.elementwise import add_scaled, formula
from reservoir.kernels.products import add_outer, add_product, dot
from reservoir.kernels.steps import set_rows


class Readout(NamedTuple):
    """Parameters as the kernels take them, P the pitch of N units."""

    V: NDArray[Any]  # (N, pitch of M) transposed
    c: NDArray[Any]  # (pitch of M,)
    V_back: NDArray[Any]  # (M, P) as in the formula


class Runs(NamedTuple):
    """Scored rows in the order of the steps."""

    row: NDArray[np.int64]  # the first one of each run, in an array of rows
    count: NDArray[np.int64]  # type: ignore[assignment]
    out: NDArray[np.int64]  # the row of its first output


FEW = 4  # outputs that dot products give faster than whole vectors of outputs

_set_scaled = formula(lambda v, e: e * v)


@inlined
def _add_outputs(h: Any, row: int, n: int, V_back: Any, V: Any, out: Any, to: int) -> None:
    """``out[to:to + n] += h[row:row + n] V'`` for the columns of ``V`` (N, pitch of M)."""
    units, size = V.shape[0], V_back.shape[0]
    if size <= FEW:
        for r in range(n):
            for m in range(size):
                out[to + r, m] += dot(h, (row + r) * h.shape[1], V_back, m * h.shape[1], units)
    else:
        add_product(h, row, 0, n, units, V, 0, 0, out, to, 0, size)


@kernel
def read_out(runs: Any, w: Any, h: Any, lanes: int, outputs: Any) -> None:
    """Outputs (scored rows, pitch of M) from the states (lanes + rows, P)."""
    for k in range(runs.row.size):
        row, n, out = runs.row[k] + lanes, runs.count[k], runs.out[k]
        set_rows(outputs, out, n, w.c)
        _add_outputs(h, row, n, w.V_back, w.V, outputs, out)


@kernel
def read_out_tangent(
    runs: Any, w: Any, v: Any, h: Any, R_h: Any, lanes: int, R_outputs: Any
) -> None:
    """Directional derivative of the outputs along the parameters' direction ``v``."""
    for k in range(runs.row.size):
        row, n, out = runs.row[k] + lanes, runs.count[k], runs.out[k]
        set_rows(R_outputs, out, n, v.c)
        _add_outputs(h, row, n, v.V_back, v.V, R_outputs, out)
        _add_outputs(R_h, row, n, w.V_back, w.V, R_outputs, out)


@kernel
def read_back(runs: Any, w: Any, e: Any, d: Any) -> None:
    """Fill ``d`` (rows, P) with what reaches the states from the outputs ``e``, zero elsewhere."""
    P, size, units = d.shape[1], w.V_back.shape[0], w.V.shape[0]
    done = 0
    for k in range(runs.row.size):
        row, n, out = runs.row[k], runs.count[k], runs.out[k]
        d[done:row] = 0
        done = row + n
        if size > FEW:
            d[row:done] = 0
            add_product(e, out, 0, n, size, w.V_back, 0, 0, d, row, 0, units)
        else:
            for r in range(n):
                to = (d, (row + r) * P, P)
                _set_scaled(1, P, (to,), ((w.V_back, 0, P), e[out + r, 0]))
                for m in range(1, size):
                    add_scaled(1, P, (to,), (to, (w.V_back, m * P, P), e[out + r, m]))
    d[done:] = 0


@kernel
def add_back(runs: Any, v: Any, e: Any, d: Any) -> None:
    """Add ``V' e`` to ``d`` (rows, P)."""
    size, units = v.V_back.shape[0], v.V.shape[0]
    for k in range(runs.row.size):
        row, n, out = runs.row[k], runs.count[k], runs.out[k]
        add_product(e, out, 0, n, size, v.V_back, 0, 0, d, row, 0, units)


@kernel
def read_sums(runs: Any, e: Any, h: Any, lanes: int, size: int, units: int, V: Any, c: Any) -> None:
    """Add the derivatives by the parameters to ``V`` (M, P) and ``c`` (pitch of M,), last first."""
    for k in range(runs.row.size - 1, -1, -1):
        row, n, out = runs.row[k] + lanes, runs.count[k], runs.out[k]
        add_outer(e, out, 0, size, n, h, row, 0, V, 0, 0, units)
        for r in range(out, out + n):
            for m in range(size):
                c[m] += e[r, m]
