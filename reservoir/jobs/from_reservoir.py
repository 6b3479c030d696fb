"""A network that begins as the reservoir of an echo state network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from reservoir.errors import DataError
from reservoir.esn.model import ESN
from reservoir.jobs.digest import digest, numbers_of
from reservoir.jobs.settings import NETWORK, Options, option
from reservoir.jobs.source import Source
from reservoir.rnn import RNN, Model, from_reservoir

KEPT = ("learn_leak", "dtype")  # what is not said by the reservoir


def reservoir_settings(esn: ESN, cell: str, given: Options) -> dict[str, Any]:
    """The settings of a network that begins as a reservoir: what it is, and what is left to say.

    Raises
    ------
    DataError
        An option that the reservoir decides.
    """
    if cell != "rnn":
        raise DataError(f"--init-from is of the cell 'rnn', as reservoirs are, and not of {cell!r}")
    for name, value in given.items():
        if value is not None and name not in KEPT:
            raise DataError(f"{option(name)} is decided by the reservoir of --init-from")
    return {
        "cell": cell,
        "init_from": digest_of(esn),
        "learn_leak": bool(given.get("learn_leak")),
        "dtype": given.get("dtype") or NETWORK["dtype"],
    }


def begun(esn: ESN, network: Options, source: Source, horizon: int) -> Model:
    """The model with which training begins.

    The inputs are scaled as those of the reservoir are. Its readout is taken, with the scaler of
    its targets, where it predicts the same columns as far ahead; else the readout begins at 0.

    Raises
    ------
    DataError
        The data have other inputs than the reservoir, or it has output feedback.
    """
    form = source.network([RNN(1)], network["dtype"])
    if esn.reservoir.W_in.shape[1] != form.inputs:
        raise DataError(
            f"the reservoir of --init-from has {esn.reservoir.W_in.shape[1]} inputs, the data "
            f"have {form.inputs}"
        )
    drawn = source.model(form, np.zeros(form.size))
    same = (
        form.loss == "squared_error"
        and esn.target_names == drawn.target_names
        and esn.horizon == horizon
        and len(esn.readout.weights) == esn.reservoir.units  # none reads the inputs directly
    )
    found = from_reservoir(
        esn.reservoir,
        form.outputs,
        form.loss,
        network["dtype"],
        weights=esn.readout.weights if same else None,
        intercept=esn.readout.intercept if same else None,
        learn_leak=network["learn_leak"],
    )
    model = source.model(found.network, found.theta)
    targets = esn.target_scaler if same else model.target_scaler
    return replace(model, input_scaler=esn.input_scaler, target_scaler=targets)


def digest_of(esn: ESN) -> str:
    """Of all that a network takes of an echo state network."""
    reservoir = esn.reservoir
    W = reservoir.W if isinstance(reservoir.W, np.ndarray) else reservoir.W.toarray()
    arrays = [W, reservoir.W_in, reservoir.W_fb, reservoir.bias, reservoir.leak_rate]
    arrays += [esn.readout.weights, esn.readout.intercept]
    scalers = numbers_of(esn.input_scaler, esn.target_scaler)
    return digest(reservoir.activation, [*arrays, *scalers])
