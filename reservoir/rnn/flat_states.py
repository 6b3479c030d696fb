"""All quantities that structural damping can act on, as one vector.

Tile by tile and, within it, layer by layer: pre-activations (rows, gates, N), h (rows, N), and c
of an LSTM (rows, N). The fused product never makes this vector; it is for analysis, and for the
composed product that the fused one is held against.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hfopt.problem import Structural
from reservoir.rnn.cells import Cell
from reservoir.rnn.cells.cell import Trace
from reservoir.rnn.forward import Forward
from reservoir.rnn.padded import Array, zeros
from reservoir.rnn.scratch import Shelf
from reservoir.rnn.tile import Tile
from reservoir.rnn.windows import Window


def tile_sizes(cells: tuple[Cell, ...], tiles: Sequence[Tile]) -> list[int]:
    """How many numbers each tile has."""
    a_row = sum(cell.units * (len(cell.damped_blocks) + len(cell.parts)) for cell in cells)
    return [tile.rows * a_row for tile in tiles]


def arrays(cells: tuple[Cell, ...], rows: int, flat: Array) -> list[tuple[Array, ...]]:
    """Views of one tile's part of the vector: of each layer pre-activations and states."""
    found, start = [], 0

    def take(*shape: int) -> Array:
        nonlocal start
        size = int(np.prod(shape))
        start += size
        return flat[start - size : start].reshape(shape)

    for cell in cells:
        gates = take(rows, len(cell.damped_blocks), cell.units)
        found.append((gates, *(take(rows, cell.units) for _ in cell.parts)))
    return found


def _blocks(cell: Cell, rows: Array) -> Array:
    """Rows (n, blocks P) as (n, blocks, P)."""
    return rows.reshape(len(rows), cell.blocks, -1)


def copy_from(
    cells: tuple[Cell, ...], traces: Sequence[Trace], segment: Window, rows: int, flat: Array
) -> None:
    """Copy a segment's tangents to their places."""
    lanes = segment.steps.lanes
    for cell, trace, own in zip(cells, traces, arrays(cells, rows, flat), strict=True):
        blocks = _blocks(cell, trace.rows[0])[:, list(cell.damped_blocks), : cell.units]
        own[0][segment.rows] = blocks
        for to, state in zip(own[1:], trace.states, strict=True):
            to[segment.rows] = state[lanes:, : cell.units]


class Given:
    """A part of the vector as what reaches states and pre-activations from outside."""

    def __init__(self, forward: Forward, flat: Array) -> None:
        self._forward, self._flat = forward, flat

    def segment(self, index: int) -> list[Trace]:
        """As `backward.Injected.segment`."""
        forward, segment = self._forward, self._forward.segments[index]
        dtype, lanes = forward.tile.x.dtype, segment.steps.lanes
        found = []
        for k, own in enumerate(arrays(forward.cells, forward.tile.rows, self._flat)):
            cell, size = forward.cells[k], forward.parameters.layers[k].W_back.shape[1]
            rows = zeros(segment.size, cell.blocks * size, dtype)
            _blocks(cell, rows)[:, list(cell.damped_blocks), : cell.units] = own[0][segment.rows]
            states = []
            for part in own[1:]:
                state = zeros(lanes + segment.size, size, dtype)
                state[lanes:, : cell.units] = part[segment.rows]
                states.append(state)
            found.append(Trace(tuple(states), (rows,)))
        return found


def curvature(forward: Forward, structural: Structural, flat: Array, shelf: Shelf) -> None:
    """Multiply one tile's part by the coefficients, pre-activations by their slopes too."""
    cells = forward.cells
    for own in arrays(cells, forward.tile.rows, flat):
        own[0][:] *= structural.preactivations
        for part, coefficient in zip(own[1:], structural[1:], strict=False):
            part *= coefficient
    for index, segment in enumerate(forward.segments):
        traces = forward.traces(index, shelf)
        for cell, trace, own in zip(
            cells, traces, arrays(cells, forward.tile.rows, flat), strict=True
        ):
            slopes = _blocks(cell, cell.slopes(segment.steps, trace))
            own[0][segment.rows] *= slopes[:, list(cell.damped_blocks), : cell.units]
