"""The linear readout ``o = V h + c`` at the scored rows, and its way back.

Scored rows are given as runs: neighbouring rows of states within one step, whose outputs are
neighbouring rows too.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reservoir.kernels.compile import kernel
from reservoir.kernels.products import add_outer, add_product
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


@kernel
def read_out(runs: Any, w: Any, h: Any, lanes: int, outputs: Any) -> None:
    """Outputs (scored rows, pitch of M) from the states (lanes + rows, P)."""
    units, size = w.V.shape[0], w.V_back.shape[0]
    for k in range(runs.row.size):
        row, n, out = runs.row[k] + lanes, runs.count[k], runs.out[k]
        set_rows(outputs, out, n, w.c)
        add_product(h, row, 0, n, units, w.V, 0, 0, outputs, out, 0, size)


@kernel
def read_out_tangent(
    runs: Any, w: Any, v: Any, h: Any, R_h: Any, lanes: int, R_outputs: Any
) -> None:
    """Directional derivative of the outputs along the parameters' direction ``v``."""
    units, size = w.V.shape[0], w.V_back.shape[0]
    for k in range(runs.row.size):
        row, n, out = runs.row[k] + lanes, runs.count[k], runs.out[k]
        set_rows(R_outputs, out, n, v.c)
        add_product(h, row, 0, n, units, v.V, 0, 0, R_outputs, out, 0, size)
        add_product(R_h, row, 0, n, units, w.V, 0, 0, R_outputs, out, 0, size)


@kernel
def read_back(runs: Any, w: Any, e: Any, d: Any) -> None:
    """Add what reaches the states from the outputs, ``e`` (scored rows, pitch of M), to ``d``."""
    units, size = w.V.shape[0], w.V_back.shape[0]
    for k in range(runs.row.size):
        row, n, out = runs.row[k], runs.count[k], runs.out[k]
        add_product(e, out, 0, n, size, w.V_back, 0, 0, d, row, 0, units)


@kernel
def read_sums(runs: Any, e: Any, h: Any, lanes: int, size: int, units: int, V: Any, c: Any) -> None:
    """Add the derivatives by the parameters to ``V`` (M, P) and ``c`` (pitch of M,), last first."""
    for k in range(runs.row.size - 1, -1, -1):
        row, n, out = runs.row[k] + lanes, runs.count[k], runs.out[k]
        add_outer(e, out, 0, size, n, h, row, 0, V, 0, 0, units)
        for r in range(out, out + n):
            for m in range(size):
                c[m] += e[r, m]
