"""The tangent pass of a tile, the R-operator: derivatives along a direction of the parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reservoir.kernels.readout import read_out_tangent
from reservoir.rnn.cells.cell import Trace
from reservoir.rnn.forward import Forward, Parts, begin, go_on, initial_states
from reservoir.rnn.packing import Packed
from reservoir.rnn.padded import Array
from reservoir.rnn.scratch import Shelf
from reservoir.rnn.windows import Window


class Tangent:
    """Tangents along one direction, kept segment by segment or window by window.

    Parameters
    ----------
    forward : Forward
    windows : sequence, of each segment, of sequences of Window
        Windows count their rows in the tile.
    direction : Packed
    shelf : Shelf
    keep : bool
        Whether a segment's tangents are wanted after its windows are over.
    """

    def __init__(
        self,
        forward: Forward,
        windows: Sequence[Sequence[Window]],
        direction: Packed,
        shelf: Shelf,
        *,
        keep: bool,
    ) -> None:
        self.forward, self.windows, self.direction = forward, windows, direction
        self._shelf, self._keep = shelf, keep
        self._begins: list[list[Parts]] = []
        self._held = -1  # the segment whose tangents are in memory

    def outputs(self, R_outputs: Array) -> None:
        """Fill the tangents of the outputs (scored, pitch of M)."""
        forward = self.forward
        current = self._initial()
        for index in range(len(self.windows)):
            if self._keep:
                self._begins.append([tuple(part.copy() for part in parts) for parts in current])
            for window, traces, tangents in self._run(index, current):
                w, v = forward.parameters.readout, self.direction.readout
                h, R_h = traces[-1].states[0], tangents[-1].states[0]
                read_out_tangent(window.runs, w, v, h, R_h, window.steps.lanes, R_outputs)

    def segment(self, index: int) -> list[Trace]:
        """Tangents of a segment, of each layer; ``keep`` must be set, ``outputs`` called before."""
        if index != self._held:
            current = [tuple(part.copy() for part in parts) for parts in self._begins[index]]
            for _ in self._run(index, current):
                pass
        return self._memory(self.forward.segments[index])

    def _initial(self) -> list[Parts]:
        """Zero where a state is given: it does not depend on the parameters."""
        tile = self.forward.tile
        states = initial_states(self.forward.cells, self.direction, tile)
        if tile.state is not None:
            for parts in states:
                for part in parts:
                    part[:] = 0
        return states

    def _memory(self, window: Window) -> list[Trace]:
        """Of the pre-activations, one step's suffice if they are not kept."""
        rows = window.size if self._keep else min(window.size, window.steps.lanes)
        return [
            self._shelf.trace(("tangent", k), cell, window.steps.lanes, window.size, rows)
            for k, cell in enumerate(self.forward.cells)
        ]

    def _run(
        self, index: int, current: list[Parts]
    ) -> Iterator[tuple[Window, list[Trace], list[Trace]]]:
        forward, shelf = self.forward, self._shelf
        segment = forward.segments[index]
        whole = forward.traces(index, shelf)
        kept = self._memory(segment) if self._keep else []
        none = forward.tile.x[:0]
        for window in self.windows[index]:
            inner = window.within(segment)
            traces = [trace.window(inner.states, inner.rows) for trace in whole]
            if self._keep:
                tangents = [trace.window(inner.states, inner.rows) for trace in kept]
            else:
                tangents = self._memory(window)
            x, R_x = forward.tile.x[window.rows], none
            for k, cell in enumerate(forward.cells):
                begin(tangents[k], current[k], window)
                cell.tangent(
                    window.steps, x, R_x, forward.parameters.layers[k], self.direction.layers[k],
                    traces[k], tangents[k], shelf.work(k, cell, forward.tile.order.size),
                )  # fmt: skip
                go_on(current[k], tangents[k], window)
                x = traces[k].states[0][window.steps.lanes :]
                R_x = tangents[k].states[0][window.steps.lanes :]
            yield window, traces, tangents
        self._held = index
