"""How much memory the passes take, known before it is taken, and how it is kept under a bound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from reservoir.errors import DataError
from reservoir.rnn.batch import Batch
from reservoir.rnn.cells import Cell
from reservoir.rnn.padded import output_pitch, pitch_of
from reservoir.weights.arguments import whole

WINDOW_BYTES = 1 << 20  # that the widest rows of a window take: as much as is near the processor

WINDOW_OBJECTS = 2500  # bytes that the Python objects of a segment and its windows take


@dataclass(frozen=True)
class Plan:
    """What is remembered of a batch, and what it takes.

    Attributes
    ----------
    segment : int or None
        Steps whose activations are in memory at a time; None: all of them.
    activations : int
        Bytes of activations, outputs and final states, and of the states from which activations
        are made anew.
    parameters : int
        Bytes of parameters, a direction and gradients in the forms of the passes.
    passes : int
        Bytes that one thread needs for a pass beside them, without structural damping.
    damped : int
        Bytes that one thread needs for a product with structural damping of pre-activations.

    Notes
    -----
    Not counted: the batch itself; a third more for products with the Hessian; and for sums of
    squared gradients the derivatives of a segment and, if there are several segments, a copy of
    the parameters for each sequence of a tile.
    """

    segment: int | None
    activations: int
    parameters: int
    passes: int
    damped: int

    def __str__(self) -> str:
        what = "all steps are kept" if self.segment is None else f"{self.segment} steps a segment"
        return (
            f"{_size(self.activations)} of activations ({what}), {_size(self.parameters)} of "
            f"parameters, and for each thread {_size(self.passes)}, with structural damping "
            f"{_size(self.damped)}"
        )

    def total(self, threads: int) -> int:
        """Bytes in all, without structural damping."""
        return self.activations + self.parameters + threads * self.passes


def _size(count: int) -> str:
    for unit, name in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} bytes"


def window_rows(cells: tuple[Cell, ...], dtype: np.dtype[Any]) -> int:
    """Rows of a window."""
    widest = max(cell.blocks * pitch_of(cell.units, dtype) for cell in cells)
    return max(1, WINDOW_BYTES // (widest * dtype.itemsize))


def plan(
    cells: tuple[Cell, ...],
    batch: Batch,
    threads: int,
    memory: int | None,
    segment: int | str | None,
) -> Plan:
    """Choose what is remembered.

    Parameters
    ----------
    threads : int
        Tiles that are at work at a time.
    memory : int, optional
        Bytes that all may take (`Plan.total`), the batch itself and structural damping left out:
        all is kept if it fits, else about sqrt(T) steps at a time.
    segment : int or "sqrt", optional
        Steps whose activations are in memory at a time, whatever ``memory`` says.

    Raises
    ------
    DataError
        The bound is too low; the message has the least that works. Or ``segment`` is not a whole
        number of at least 1 or "sqrt".
    """
    longest = max((int(tile.steps.count.size) for tile in batch.tiles), default=0)
    root = max(1, math.isqrt(longest))
    if segment == "sqrt":
        return _plan(cells, batch, root)
    if isinstance(segment, str):
        raise DataError(f"segment must be a whole number of steps or 'sqrt', got {segment!r}")
    if segment is not None:
        return _plan(cells, batch, whole("segment", segment, least=1))
    kept = _plan(cells, batch, None)
    if memory is None:
        return kept
    bound = whole("memory", memory, least=0)
    found = kept
    for choice in (kept, _plan(cells, batch, root)):
        found = choice
        if choice.total(threads) <= bound:
            return choice
    raise DataError(
        f"memory: {bound} bytes are not enough; this batch takes at least "
        f"{found.total(threads)} bytes with {threads} "
        f"thread{'s' if threads > 1 else ''}, in segments of {root} steps"
    )


def _plan(cells: tuple[Cell, ...], batch: Batch, segment: int | None) -> Plan:
    item = batch.dtype.itemsize
    if segment is not None and all(tile.steps.count.size <= segment for tile in batch.tiles):
        segment = None
    state = sum(len(cell.parts) * pitch_of(cell.units, batch.dtype) for cell in cells) * item
    row = sum(_row(cell, batch.dtype) for cell in cells) * item
    R_states = sum(len(cell.parts) * pitch_of(cell.units, batch.dtype) for cell in cells)
    R_gates = sum(cell.blocks * pitch_of(cell.units, batch.dtype) for cell in cells)
    adjoint = sum((cell.blocks + 1) * pitch_of(cell.units, batch.dtype) for cell in cells)
    read = output_pitch(batch.outputs, batch.dtype) * item
    activations, longest, begins = batch.scored * (2 * read + batch.outputs * item), 0, 0
    for tile in batch.tiles:
        lanes, steps = tile.order.size, tile.steps.count.size
        activations += 2 * lanes * state  # final: of the tile, and as they are given out
        if segment is None:
            activations += tile.rows * row + lanes * state
        else:
            activations += -(-steps // segment) * (lanes * state + WINDOW_OBJECTS)
            begins = max(begins, -(-steps // segment) * lanes * state)
        longest = max(longest, min(tile.rows, lanes * (segment or steps)))
    widest = max(tile.order.size for tile in batch.tiles)
    scored = max(tile.scored.rows.size for tile in batch.tiles)
    window = min(longest, window_rows(cells, batch.dtype) + widest)
    forms, vector = _parameters(cells, batch)
    sums = forms // 2 * item + widest * sum(
        (2 * cell.blocks + 4) * pitch_of(cell.units, batch.dtype) * item for cell in cells
    )
    again = longest * row + widest * state if segment is not None else 0
    fixed = again + sums + 2 * scored * read + vector * 8
    passes = fixed + (window * (R_states + adjoint) + min(window, widest) * R_gates) * item
    damped = fixed + begins + (longest * R_gates + window * (R_states + adjoint)) * item
    vectors = 4 + len(batch.tiles).bit_length()  # theta, direction, result, and sums under way
    parameters = 2 * forms * item + vectors * vector * 8
    return Plan(segment, activations, parameters, passes, damped)


def _parameters(cells: tuple[Cell, ...], batch: Batch) -> tuple[int, int]:
    """Numbers in all parameters as the kernels take them, both ways round; and in a vector."""
    forms, vector, below = 0, 0, batch.inputs
    for cell in cells:
        units, size = cell.units, pitch_of(cell.units, batch.dtype)
        depth = pitch_of(below, batch.dtype) + size
        forms += cell.blocks * ((below + units + 1) * size + units * depth)
        vector += sum(math.prod(shape) for shape in cell.shapes(below).values())
        below = units
    read = output_pitch(batch.outputs, batch.dtype), pitch_of(below, batch.dtype)
    forms += (below + 1) * read[0] + batch.outputs * read[1]
    return forms, vector + batch.outputs * (below + 1)


def _row(cell: Cell, dtype: np.dtype[Any]) -> int:
    """Numbers that the activations of one row take."""
    trace = cell.trace(0, 1, dtype)
    return sum(array.shape[1] for array in (*trace.states, *trace.rows))
