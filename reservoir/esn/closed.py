"""The closed loop: outputs fed back, along series that drive the rest.

Inputs are read and outputs handed out some thousand steps at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reservoir.esn.harvest import LANES_FROM
from reservoir.esn.model import ESN, Position
from reservoir.esn.piece import Piece
from reservoir.esn.records import kernel_loop, kernel_weights, lane_weights
from reservoir.esn.recurrence import Drive, drive_lanes, drive_series
from reservoir.kernels.weights import Loop, Weights
from reservoir.series.collection import Collection

PIECE_VALUES = 1 << 18  # inputs and outputs that are held at a time


def closed(model: ESN, inputs: Collection, starts: list[Position]) -> Iterator[Piece]:
    """Outputs along each series from where it starts, the outputs fed back, piece by piece."""
    weights, loop = kernel_weights(model.reservoir), kernel_loop(model)
    if len(starts) < LANES_FROM:
        for index, start in enumerate(starts):
            yield from _one(model, inputs, index, start, weights, loop)
    else:
        yield from _lanes(model, inputs, starts, lane_weights(weights), loop)


def _one(
    model: ESN, inputs: Collection, index: int, position: Position, weights: Weights, loop: Loop
) -> Iterator[Piece]:
    length, steps = inputs.lengths[index], _steps_a_piece(model, 1)
    for start in range(0, length, steps):
        drive = _drive(model, inputs, [(index, start, min(start + steps, length))])
        outputs = np.empty((len(drive.inputs), len(model.continues)), model.reservoir.dtype)
        position = drive_series(weights, loop, drive, position, outputs=outputs)
        yield Piece(index, start, model.target_scaler.raw(outputs))


def _lanes(
    model: ESN, inputs: Collection, starts: list[Position], weights: Weights, loop: Loop
) -> Iterator[Piece]:
    lengths = np.array(inputs.lengths, np.int64)
    order = np.argsort(-lengths, kind="stable")
    lengths = lengths[order]
    x = np.stack([starts[i].x for i in order])
    y = np.stack([starts[i].y for i in order])
    steps = _steps_a_piece(model, len(order))
    for start in range(0, int(lengths[0]), steps):
        running = int((lengths > start).sum())
        count = np.minimum(lengths[:running] - start, steps)
        first = np.concatenate([[0], np.cumsum(count)[:-1]])
        places = [
            (int(i), start, start + int(n)) for i, n in zip(order[:running], count, strict=True)
        ]
        drive = _drive(model, inputs, places)
        outputs = np.empty((len(drive.inputs), len(model.continues)), model.reservoir.dtype)
        drive_lanes(weights, loop, drive, first, count, x[:running], y[:running], outputs=outputs)
        raw = model.target_scaler.raw(outputs)
        for index, begin, n in zip(order, first, count, strict=False):
            yield Piece(int(index), start, raw[begin : begin + n])


def _steps_a_piece(model: ESN, series: int) -> int:
    """Steps of a closed loop between two pieces: inputs and outputs of all series are held."""
    columns = int(model.reservoir.W_in.shape[1]) + len(model.continues)
    return max(16, PIECE_VALUES // (columns * series))


def _drive(model: ESN, inputs: Collection, places: list[tuple[int, int, int]]) -> Drive:
    """Steps ``start:stop`` of some series, packed, with nothing forced."""
    dtype = model.reservoir.dtype
    return Drive(
        model.input_scaler.scaled(inputs.read_packed(places), dtype),
        np.empty((0, len(model.continues)), dtype),
        np.empty((0, model.reservoir.units), dtype),
    )
