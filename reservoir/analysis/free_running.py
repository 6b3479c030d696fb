"""An echo state network in a closed loop, linearized as the autonomous system that it then is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from reservoir.analysis.paths import STEPS, reservoir_stretch
from reservoir.analysis.tangents import Leaky
from reservoir.errors import DataError
from reservoir.esn.model import ESN, Position
from reservoir.esn.records import kernel_loop, kernel_weights, no_loop
from reservoir.esn.recurrence import Drive, drive_series, origin
from reservoir.series.collection import collect
from reservoir.weights.arguments import whole


def free_path(model: ESN, context: Any, steps: int) -> Iterator[Leaky]:
    """An echo state network that runs in a closed loop, as an autonomous system.

    Parameters
    ----------
    model : ESN
        Whose outputs are all its inputs; without connections from inputs to outputs.
    context : (T, K)
        A series in raw units that it is driven by first; T at least 1.
    steps : int
        Of the loop.

    Yields
    ------
    Leaky
        Along the loop; the readout and its way back are part of the recurrent matrix.

    Raises
    ------
    DataError
        Other inputs or connections than these.
    """
    reservoir, columns = model.reservoir, model.continues
    if len(model.readout.weights) != reservoir.units or reservoir.W_fb.shape[1] > 0:
        raise DataError("a free path is for networks that are closed through their inputs alone")
    if sorted(columns) != list(range(reservoir.W_in.shape[1])):
        raise DataError(
            f"a free path needs an output for each of {reservoir.W_in.shape[1]} inputs; "
            f"inputs {sorted(int(c) for c in columns if c >= 0)} have one"
        )
    weights, loop = kernel_weights(reservoir), kernel_loop(model)
    back = reservoir.W_in[:, columns] * loop.gain  # (N, M)
    W = reservoir.W
    dense = W if isinstance(W, np.ndarray) else W.toarray()
    closed = np.asarray(dense, np.float64) + back @ loop.weights
    given = collect(context, "context")
    if len(given.series) != 1 or given.lengths[0] == 0:
        raise DataError(f"context: expected one series with steps, got {list(given.lengths)}")
    driven = model.input_scaler.scaled(given.read(0, 0, given.lengths[0]), reservoir.dtype)
    none = np.empty((0, 0), reservoir.dtype)
    quiet = np.empty((0, reservoir.units), reservoir.dtype)
    start = drive_series(
        weights, no_loop(reservoir.dtype), Drive(driven, none, quiet), origin(reservoir, 0)
    )
    y = loop.weights @ start.x + loop.intercept
    forced = np.empty((0, len(columns)), reservoir.dtype)
    at = Position(start.x, start.u, y.astype(reservoir.dtype))
    for begin in range(0, whole("steps", steps, least=1), STEPS):
        count = min(STEPS, steps - begin)
        states = np.empty((count, reservoir.units), reservoir.dtype)
        outputs = np.empty((count, len(columns)), reservoir.dtype)
        drive = Drive(np.zeros((count, len(columns)), reservoir.dtype), forced, quiet)
        end = drive_series(weights, loop, drive, at, states=states, outputs=outputs)
        before = np.concatenate([at.x[None], states[:-1]])
        fed = np.concatenate([at.y[None], outputs[:-1]])
        inputs = np.empty_like(fed)
        inputs[:, columns] = loop.gain * fed + loop.offset
        found = reservoir_stretch(reservoir, before, Drive(inputs, none, quiet))
        yield replace(found, W=closed)
        at = end
