"""Cells and optimizers from the parameters of an estimator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hfopt import (
    SGD,
    Adam,
    ConjugateGradient,
    HessianFree,
    LevenbergMarquardt,
    Optimizer,
    RMSProp,
)
from reservoir.errors import DataError
from reservoir.rnn.cells import GRU, LSTM, RNN, Cell
from reservoir.weights.arguments import one_of, whole

CELLS = ("rnn", "lstm", "gru")
MOMENTUM = 0.9
CLIP = 1.0  # of the norm of a gradient, which long sequences may make large


@dataclass(frozen=True)
class Preset:
    """An optimizer with the options that an estimator gives it, and the steps it takes by default.

    Attributes
    ----------
    make : callable
        Makes the optimizer.
    steps : int
        As many as usually are enough.
    """

    make: Callable[[], Optimizer[Any, Any]]
    steps: int


def _hessian_free() -> HessianFree:
    # Directions that the data say little of are left to the damping: later steps of conjugate
    # gradients, and a lambda near 0, cost much and fit noise.
    return HessianFree(
        damping=0.1,
        structural=1.0 / 30.0,
        cg=ConjugateGradient(max_steps=50),
        rule=LevenbergMarquardt(least=1e-4),
    )


OPTIMIZERS = {
    "hf": Preset(_hessian_free, 40),
    "sgd": Preset(lambda: SGD(0.05, MOMENTUM, clip=CLIP), 2000),
    "nesterov": Preset(lambda: SGD(0.05, MOMENTUM, nesterov=True, clip=CLIP), 2000),
    "rmsprop": Preset(lambda: RMSProp(1e-3, clip=CLIP), 2000),
    "adam": Preset(lambda: Adam(3e-3, clip=CLIP), 2000),
}


def preset_of(optimizer: Any) -> Preset:
    """An optimizer by its name, or one that was made already.

    Parameters
    ----------
    optimizer : str or Optimizer
        A name of ``OPTIMIZERS``.

    Raises
    ------
    DataError
        An unknown name (the nearest is offered), or no optimizer.
    """
    if isinstance(optimizer, str):
        return OPTIMIZERS[one_of("optimizer", optimizer, OPTIMIZERS)]
    for method in ("init", "step", "terminate"):
        if not callable(getattr(optimizer, method, None)) or isinstance(optimizer, type):
            raise DataError(
                f"optimizer must be one of {', '.join(OPTIMIZERS)} or an optimizer of hfopt, "
                f"got {optimizer!r}"
            )
    steps = OPTIMIZERS["hf" if isinstance(optimizer, HessianFree) else "adam"].steps
    return Preset(lambda: optimizer, steps)


def cells_of(
    cell: Any, units: int, layers: int, activation: str, leak_rate: Any
) -> tuple[Cell, ...]:
    """The cells of a network, the first one nearest to the inputs.

    Parameters
    ----------
    cell : {"rnn", "lstm", "gru"}, RNN, LSTM, GRU, or a sequence of these three
        A name is made to a cell by ``units``, and by ``activation`` and ``leak_rate`` if it is
        "rnn"; a cell alone is repeated for each of the ``layers``; a sequence is taken as it is.
    units, layers : int
    activation : str
    leak_rate : float or array_like, shape (units,)

    Raises
    ------
    DataError
        Something else, or an activation or a leak rate for cells that have none.
    """
    if isinstance(cell, Sequence) and not isinstance(cell, str):
        return tuple(_checked(one) for one in cell)
    depth = whole("layers", layers, least=1)
    if isinstance(cell, str):
        return (_named(cell, units, activation, leak_rate),) * depth
    return (_checked(cell),) * depth


def _checked(cell: Any) -> Cell:
    if not isinstance(cell, RNN | LSTM | GRU):
        raise DataError(
            f"cell must be one of {', '.join(CELLS)}, or an RNN, LSTM or GRU of reservoir.rnn, "
            f"got {cell!r}"
        )
    found: Cell = cell
    return found


def _named(name: str, units: int, activation: str, leak_rate: Any) -> Cell:
    one_of("cell", name, CELLS)
    if name == "rnn":
        return RNN(units, activation, leak_rate)
    for what, value, default in (("activation", activation, "tanh"), ("leak_rate", leak_rate, 1.0)):
        if not (isinstance(value, type(default)) and value == default):
            raise DataError(f"{what}={value!r} is for cell='rnn' alone; cell={name!r} has none")
    return LSTM(units) if name == "lstm" else GRU(units)
