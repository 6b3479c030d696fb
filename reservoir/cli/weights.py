"""The work of ``reservoir import`` and ``reservoir export``: PyTorch's weights and our models."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir.checkpoint.weights_file import read_weights
from reservoir.errors import DataError
from reservoir.rnn.folding import without_scalers
from reservoir.rnn.model import Model
from reservoir.rnn.pytorch import from_state_dict, state_dict
from reservoir.series.scaler import unscaled


def imported(
    source: str,
    recurrent: str | None,
    readout: str | None,
    *,
    activation: str,
    loss: str,
    at: str,
    dtype: str,
) -> Model:
    """The model of a file; it takes raw data, classes of the softmax are numbered from 0.

    Raises
    ------
    DataError
        As `read_weights` and `from_state_dict`, with the name of the file; or it cannot be read.
    """
    try:
        arrays = read_weights(source)
    except OSError as error:
        raise DataError(f"{source}: {error.strerror or error}") from error
    try:
        network, theta = from_state_dict(
            arrays, recurrent=recurrent, readout=readout, activation=activation, loss=loss,
            dtype=dtype,
        )  # fmt: skip
    except DataError as error:
        raise DataError(f"{source}: {error}") from None
    classes = np.arange(network.outputs) if loss == "softmax_cross_entropy" else None
    scalers = unscaled(network.inputs), unscaled(network.outputs)
    return Model(network, theta, *scalers, at, classes=classes)


def exported(
    record: object, source: str, *, recurrent: str, readout: str, dtype: str
) -> dict[str, NDArray[Any]]:
    """PyTorch's weights of a model.

    Raises
    ------
    DataError
        As `state_dict`, with the name of the file; or the model is no trained network.
    """
    if not isinstance(record, Model):
        raise DataError(f"{source}: holds no trained network, which is needed here")
    try:
        return state_dict(
            record.network, without_scalers(record), recurrent=recurrent, readout=readout,
            dtype=dtype,
        )  # fmt: skip
    except DataError as error:
        raise DataError(f"{source}: {error}") from None


def facts(record: Any) -> list[tuple[str, str]]:
    """What was moved, in words."""
    network = record.network
    cell = network.cells[0]
    layers = f"{len(network.cells)} layer{'s' * (len(network.cells) > 1)}"
    return [
        ("cells", f"{type(cell).__name__}, {layers} of {cell.units:,} units"),
        ("inputs", f"{network.inputs:,}"),
        ("outputs", f"{network.outputs:,} ({network.loss})"),
        ("parameters", f"{network.size:,}"),
    ]
