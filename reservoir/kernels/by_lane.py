"""Derivatives by matrices, kept apart for each sequence."""

from __future__ import annotations

from typing import Any

from reservoir.kernels.compile import kernel
from reservoir.kernels.products import add_outer
from reservoir.kernels.steps import before


@kernel
def add_outer_by_lane(
    steps: Any, a: Any, shifted: bool, depth: int, d: Any, block: int, sums: Any, gate: int,
    units: int, P: int, a_rows: Any, d_rows: Any,
) -> None:  # fmt: skip
    """``sums[lane, :, gate] += sum_t a_t d_t'`` over the steps of each lane, last first.

    Parameters
    ----------
    a : (rows, pitch) or, ``shifted``, (lanes + rows, pitch)
        Inputs, or states of which those before each step are meant; ``depth`` columns.
    d : (rows, blocks P)
        Derivatives by the pre-activations.
    sums : (lanes, depth, gates P)
    a_rows : (steps, pitch), d_rows : (steps, P)
        Working memory.
    """
    lanes = steps.count[0] if steps.count.size > 0 else 0
    for lane in range(lanes):
        found = 0
        for t in range(steps.count.size - 1, -1, -1):
            if steps.count[t] > lane:
                row = steps.first[t] + lane
                source = before(steps, t) + lane if shifted else row
                for i in range(a.shape[1]):
                    a_rows[found, i] = a[source, i]
                for i in range(P):
                    d_rows[found, i] = d[row, block * P + i]
                found += 1
        add_outer(a_rows, 0, 0, depth, found, d_rows, 0, 0, sums[lane], 0, gate * P, units)
