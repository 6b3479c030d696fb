"""A network that begins as one that was trained before, on other sequences or by other steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reservoir.errors import DataError
from reservoir.jobs.digest import digest, numbers_of
from reservoir.jobs.settings import Options, option
from reservoir.jobs.source import Source
from reservoir.rnn import Model


def trained_settings(model: Model, given: Options) -> dict[str, Any]:
    """The settings of a network that begins as a trained one: what it is, and the type of passes.

    Raises
    ------
    DataError
        An option that the trained network decides.
    """
    for name, value in given.items():
        if value is not None and name != "dtype":
            raise DataError(f"{option(name)} is decided by the network of --init-from")
    network = model.network
    return {
        "cell": type(network.cells[0]).__name__.lower(),
        "init_from": digest_of(model),
        "dtype": given.get("dtype") or network.dtype.name,
    }


def from_trained(model: Model, network: Options, source: Source) -> Model:
    """The model with which training begins: the same outputs for the same data.

    Raises
    ------
    DataError
        The data need another network.
    """
    old, new = model.network, source.network(model.network.cells, network["dtype"])
    begun = source.model(new, model.theta.copy())
    for what, has, needed in (
        ("inputs", old.inputs, new.inputs),
        ("outputs", old.outputs, new.outputs),
        ("the loss", old.loss, new.loss),
        ("outputs that come back", model.feedback, begun.feedback),
        ("the classes", _listed(model.classes), _listed(begun.classes)),
    ):
        if has != needed:
            raise DataError(f"{what} of the network of --init-from: {has}; the data need {needed}")
    return replace(begun, input_scaler=model.input_scaler, target_scaler=model.target_scaler)


def digest_of(model: Model) -> str:
    """Of all that a run takes of a trained network."""
    scalers = numbers_of(model.input_scaler, model.target_scaler)
    return digest(repr(model.network.cells), [*scalers, model.theta])


def _listed(classes: Any) -> list[Any]:
    return [] if classes is None else list(classes.tolist())
