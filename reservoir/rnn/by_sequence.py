"""Gradients of single sequences: their sum, and the sum of their squares.

The squares are the diagonal of the empirical Fisher matrix, which a preconditioner takes. A batch
summed over its sequences cannot give them: here the products of states and derivatives are summed
over time alone, at the cost of the same number of operations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reservoir.kernels.by_lane import add_outer_by_lane
from reservoir.kernels.sums import Sums
from reservoir.rnn.cells.cell import Trace
from reservoir.rnn.forward import Forward, Parts
from reservoir.rnn.packing import INITIAL
from reservoir.rnn.padded import Array, zeros
from reservoir.rnn.parameters import Flat, Layout, of_layer
from reservoir.rnn.windows import Window


class BySequence:
    """Derivatives of one tile, kept apart by sequences.

    Attributes
    ----------
    gradient, squares : (P,)
        The sum over sequences, and that of the squares; filled by `finish`.
    """

    def __init__(self, forward: Forward, layout: Layout) -> None:
        tile, dtype = forward.tile, forward.tile.x.dtype
        lanes, readout = tile.order.size, forward.parameters.readout
        self._forward, self._layout, self._lanes = forward, layout, lanes

        def by_lane(rows: int, width: int) -> Array:
            return zeros(lanes * rows, width, dtype).reshape(lanes, rows, width)

        self._U = [by_lane(*w.U.shape) for w in forward.parameters.layers]
        self._W = [by_lane(*w.W.shape) for w in forward.parameters.layers]
        self._V = by_lane(*readout.V_back.shape)
        self._c = np.zeros((lanes, readout.V_back.shape[0]))
        self.gradient: Flat = np.zeros(layout.size)
        self.squares: Flat = np.zeros(layout.size)

    def add_layer(self, layer: int, window: Window, x: Array, trace: Trace, d_a: Array) -> None:
        """Add a window's derivatives by the matrices of a layer."""
        cell = self._forward.cells[layer]
        cell.lane_sums(window.steps, x, trace, d_a, self._U[layer], self._W[layer])

    def add_readout(self, window: Window, e: Array, h: Array) -> None:
        """Add a window's derivatives by the readout."""
        rows = np.concatenate(
            [np.arange(r, r + n) for r, n in zip(window.runs.row, window.runs.count, strict=True)]
            or [np.zeros(0, np.int64)]
        )
        if rows.size == 0:
            return
        first = window.runs.out[0]
        spread = zeros(window.size, e.shape[1], e.dtype)
        spread[rows] = e[first : first + rows.size]
        steps, lanes = window.steps, window.steps.lanes
        outputs, units = self._V.shape[1], len(self._forward.parameters.readout.V)
        T, P = steps.count.size, h.shape[1]
        a_rows, d_rows = zeros(T, e.shape[1], e.dtype), zeros(T, P, e.dtype)
        add_outer_by_lane(
            steps, spread, False, outputs, h[lanes:], 0, self._V, 0, units, P, a_rows, d_rows
        )  # fmt: skip
        step = np.searchsorted(steps.first, rows, side="right") - 1
        np.add.at(self._c, rows - steps.first[step], spread[rows, :outputs])

    def finish(self, sums: Sequence[Sums], carry: Sequence[Parts]) -> None:
        """Sum over the sequences; ``sums`` and ``carry`` hold what is kept apart by lanes anyway."""
        forward = self._forward
        for lane in range(self._lanes):
            own = np.zeros(self._layout.size)
            views = self._layout.views(own)
            for k, cell in enumerate(forward.cells):
                layer = of_layer(views, k)
                one = slice(lane, lane + 1)
                found = Sums(self._U[k][lane], self._W[k][lane], sums[k].b[one], sums[k].leak[one])
                cell.add_gradient(found, layer)
                for part, state in zip(cell.parts, carry[k], strict=True):
                    if INITIAL[part] in layer and forward.tile.state is None:
                        layer[INITIAL[part]] += state[lane, : cell.units]
            views["readout/V"] += self._V[lane, :, : views["readout/V"].shape[1]]
            views["readout/c"] += self._c[lane]
            self.gradient += own
            own *= own
            self.squares += own
