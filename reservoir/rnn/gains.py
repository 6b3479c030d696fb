"""The regularizer Omega of one tile: value and gradient, from what the backward pass saw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hfopt.losses import Loss
from reservoir.kernels.omega import add_gains, pull_back
from reservoir.kernels.readout import read_out_tangent
from reservoir.rnn.cells.cell import Adjoint, Trace
from reservoir.rnn.forward import Forward
from reservoir.rnn.packing import Packed, pack
from reservoir.rnn.padded import Array, add_transposed, zeros_like
from reservoir.rnn.parameters import Flat, Layout
from reservoir.rnn.scratch import Shelf
from reservoir.rnn.second import second
from reservoir.rnn.windows import Window


class Gains:
    """How much each step of a tile stretches derivatives on their way back.

    Parameters
    ----------
    forward : Forward
        Of RNN cells, all steps in one segment.
    bound : float
        Steps that are reached by derivatives with a smaller square are left out.
    exact : bool
        Whether the whole gradient is wanted, or the one with states and derivatives held constant.

    Attributes
    ----------
    squares, count : float
        The sum of r^2, and the number of steps and layers that are not left out.
    gradient : ndarray, shape (P,)
        That of the sum, filled by `finish`.
    """

    def __init__(
        self, forward: Forward, layout: Layout, shelf: Shelf, bound: float, exact: bool
    ) -> None:
        self._forward, self._shelf, self._bound, self._exact = forward, shelf, bound, exact
        self._layout = layout
        tile = forward.tile
        weights = forward.parameters.layers
        self._reached, self._left = (
            [shelf.take((name, k), tile.rows, w.W.shape[1]) for k, w in enumerate(weights)]
            for name in ("reached", "left")
        )
        self._W = [shelf.zeros(("omega W", k), *w.W.shape) for k, w in enumerate(weights)]
        self._leak = [
            shelf.zeros(("omega leak", k), tile.order.size if w.learned else 0, w.W.shape[1])
            for k, w in enumerate(weights)
        ]
        first, count, _ = tile.steps
        self._lanes = np.arange(tile.rows) - np.repeat(first, count) if exact else first[:0]
        self._sums = np.zeros(2)
        self.gradient: Flat = np.zeros(layout.size)

    @property
    def squares(self) -> float:
        return float(self._sums[0])

    @property
    def count(self) -> float:
        return float(self._sums[1])

    def seen(self, layer: int, window: Window, adjoint: Adjoint) -> Adjoint:
        """The adjoint of a layer, with memory for what the backward pass is to remember."""
        return adjoint._replace(
            reached=self._reached[layer][window.rows], left=self._left[layer][window.rows]
        )

    def add(self, layer: int, window: Window, adjoint: Adjoint) -> None:
        """Add a window of a layer; windows come last first."""
        add_gains(
            adjoint.reached, adjoint.left, adjoint.d_a, self._forward.cells[layer].units,
            self._bound, self._exact, self._lanes[window.rows], self._leak[layer],
            self._W[layer], self._sums,
        )  # fmt: skip

    def finish(
        self, windows: Sequence[Sequence[Window]], e: Array, mean: Array, scale: Array, loss: Loss
    ) -> None:
        """Fill the gradient.

        Parameters
        ----------
        windows : sequence, of the one segment, of sequences of Window
        e, mean, scale
            As `first_passes.Begun` has them.
        """
        views = self._layout.views(self.gradient)
        for k, cell in enumerate(self._forward.cells):
            add_transposed(views[f"layers/{k}/W"][None], self._W[k], (0,), 1)
            if self._exact and self._leak[k].shape[0] > 0:
                own = self._leak[k][:, : cell.units]
                views[f"layers/{k}/leak_rate"] += own.sum(axis=0, dtype=np.float64)
        if self._exact:
            moved = Moved(self._forward, self._layout, self._shelf, self._reached, self._left)
            outputs = self._layout.views(self.gradient)["readout/c"].size
            R_outputs = moved.outputs()
            R_e = zeros_like(e)
            R_e[:, :outputs] = loss.curvature(mean, R_outputs[:, :outputs]) * scale
            self.gradient += second(
                self._forward, windows, moved, e, R_e, self._layout, self._shelf
            )


class Moved:
    """Tangents of states that are moved as Omega asks for, the parameters at rest.

    The derivatives of Omega by the parameters, through the states and through what reaches them,
    are the derivatives of the gradient along these tangents: the Hessian is symmetric.
    """

    def __init__(
        self,
        forward: Forward,
        layout: Layout,
        shelf: Shelf,
        reached: Sequence[Array],
        left: Sequence[Array],
    ) -> None:
        self.direction: Packed = pack(
            layout, forward.cells, np.zeros(layout.size), forward.tile.x.dtype, direction=True
        )
        self._forward, self._shelf = forward, shelf
        whole, steps = forward.traces(0, shelf), forward.tile.steps
        lanes, rows = forward.tile.order.size, forward.tile.rows
        self._traces: list[Trace] = []
        R_x: Any = forward.tile.x[:0]
        for k, w in enumerate(forward.parameters.layers):
            R_a = shelf.take(("moved a", k), rows, w.W.shape[1])
            R_h = shelf.take(("moved h", k), lanes + rows, w.W.shape[1])
            R_h[:lanes] = 0
            phi = whole[k].rows[0] if w.leaky else whole[k].states[0][lanes:]
            pull_back(steps, R_x, w, phi, reached[k], left[k], R_a, R_h)
            self._traces.append(Trace((R_h,), (R_a,)))
            R_x = R_h[lanes:]

    def outputs(self) -> Array:
        """Tangents of the outputs (scored, pitch of M)."""
        forward = self._forward
        w, v = forward.parameters.readout, self.direction.readout
        R_outputs = self._shelf.zeros(("R_outputs",), *forward.outputs.shape)
        h, R_h = forward.traces(0, self._shelf)[-1].states[0], self._traces[-1].states[0]
        lanes = forward.tile.order.size
        read_out_tangent(forward.tile.scored.runs, w, v, h, R_h, lanes, R_outputs)
        return R_outputs

    def segment(self, index: int) -> list[Trace]:
        """All steps: there is one segment."""
        return self._traces
