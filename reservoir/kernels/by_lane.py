"""Derivatives by matrices for each sequence on its own: their sum and the sum of their squares."""

from __future__ import annotations

from typing import Any

from reservoir.kernels.compile import inlined, kernel
from reservoir.kernels.elementwise import formula
from reservoir.kernels.products import add_outer
from reservoir.kernels.steps import before

_fold = formula(lambda total, squares, value: (total + value, squares + value * value))


@inlined
def _gather(steps: Any, lane: int, a: Any, shifted: bool, out: Any) -> int:
    """Copy a lane's rows to ``out``, last step first; their number."""
    found = 0
    for t in range(steps.count.size - 1, -1, -1):
        if steps.count[t] > lane:
            row = (before(steps, t) if shifted else steps.first[t]) + lane
            out[found] = a[row]
            found += 1
    return found


@inlined
def _gather_block(steps: Any, lane: int, d: Any, block: int, P: int, out: Any) -> None:
    found = 0
    for t in range(steps.count.size - 1, -1, -1):
        if steps.count[t] > lane:
            row = steps.first[t] + lane
            out[found] = d[row, block * P : (block + 1) * P]
            found += 1


@kernel
def add_by_lane(
    steps: Any, a: Any, shifted: bool, d: Any, blocks: Any, gates: Any, sums: Any, first: bool,
    last: bool, total: Any, squares: Any, units: int, P: int, a_rows: Any, d_rows: Any,
) -> None:  # fmt: skip
    """``sum_t a_t d_t'`` of each lane, last step first; then the sum over lanes and of squares.

    Parameters
    ----------
    a : (rows, pitch) or, ``shifted``, (lanes + rows, pitch)
        Inputs, or states of which those before each step are meant.
    d : (rows, blocks P)
    blocks, gates : (G,) int64
        From which block of ``d`` to which gate of the sums.
    sums : (1 or lanes, depth, gates P)
        Working memory: what several stretches of steps are gathered in, one lane for all lanes if
        there is but one stretch, the ``first`` and the ``last``.
    total, squares : (depth, gates P)
        Added to with the last stretch.
    a_rows : (steps, pitch), d_rows : (steps, P)
        Working memory.
    """
    lanes = max(steps.lanes, steps.count[0]) if sums.shape[0] == 1 else sums.shape[0]
    depth = sums.shape[1]
    for lane in range(lanes):
        own = sums[lane] if sums.shape[0] > 1 else sums[0]
        running = lane < steps.count[0]
        steps_found = _gather(steps, lane, a, shifted, a_rows) if running else 0
        for g in range(gates.size):
            at = gates[g] * P
            if first:
                own[:, at : at + P] = 0
            if running:
                _gather_block(steps, lane, d, blocks[g], P, d_rows)
                add_outer(a_rows, 0, 0, depth, steps_found, d_rows, 0, 0, own, 0, at, units)
            if last:
                whole, powers = (total, at, total.shape[1]), (squares, at, squares.shape[1])
                _fold(depth, P, (whole, powers), (whole, powers, (own, at, own.shape[1])))
