"""What every layer computed at each step of one sequence, without the kernels' padding."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reservoir.errors import DataError
from reservoir.rnn.batch import make_batch
from reservoir.rnn.cells import Cell
from reservoir.rnn.cells.cell import Views
from reservoir.rnn.forward import Forward
from reservoir.rnn.memory import window_rows
from reservoir.rnn.network import Network
from reservoir.rnn.parameters import of_layer
from reservoir.rnn.state import State


class LayerSteps(NamedTuple):
    """One layer along T steps of one sequence, float64."""

    cell: Cell
    parameters: Views  # under their short names: U, W, b, ...
    states: tuple[NDArray[np.float64], ...]  # (T + 1, N) each: h, and c of an LSTM
    gates: NDArray[np.float64]  # (T, blocks, N) values of the activations
    slopes: NDArray[np.float64]  # (T, blocks, N) their derivatives by the pre-activations


def trajectory(
    network: Network, theta: ArrayLike, inputs: Any, state: Any = None
) -> tuple[list[LayerSteps], State]:
    """Run one sequence and keep states, gates and slopes of all layers.

    Parameters
    ----------
    network : Network
    theta : (P,)
    inputs : (T, K)
        As the network takes them, T at least 1.
    state : tuple of (parts, 1, N), optional
        As in `Network.batch`.

    Returns
    -------
    list of LayerSteps, and the final state (parts, 1, N) of each layer

    Raises
    ------
    DataError
        As `Network.batch`; more than one sequence; no step.
    """
    parameters = network.layout.checked(theta, "theta")
    columns = (network.inputs, network.outputs)
    batch = make_batch(
        network.cells, columns, network.matching_loss, network.dtype, inputs, None, "every", None,
        state,
    )  # fmt: skip
    if batch.sequences != 1 or batch.rows == 0:
        raise DataError(
            f"inputs: expected one sequence of at least one step, got {batch.sequences} "
            f"with {batch.rows} steps"
        )
    steps = batch.rows
    segments = batch.cut(0, None, window_rows(network.cells, network.dtype)).segments
    with network.shelves.one() as shelf, np.errstate(over="ignore", invalid="ignore"):
        forward = Forward(
            network.cells, network.pack(parameters), batch.tiles[0], segments, shelf, keep="own"
        )
        traces = forward.traces(0, shelf)
        views, layers = network.layout.views(parameters), []
        for k, (cell, trace) in enumerate(zip(network.cells, traces, strict=True)):
            gates = trace.rows[-1] if trace.rows else trace.states[0][1:]
            slopes = cell.slopes(segments[0].steps, trace)
            layers.append(
                LayerSteps(
                    cell,
                    of_layer(views, k),
                    tuple(part[:, : cell.units].astype(np.float64) for part in trace.states),
                    gates.reshape(steps, cell.blocks, -1)[:, :, : cell.units].astype(np.float64),
                    slopes.reshape(steps, cell.blocks, -1)[:, :, : cell.units].astype(np.float64),
                )
            )
    return layers, network.final_state(batch, [forward])
