"""A model and the sequences that drive it, as the instruments take them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reservoir.analysis.driven import System, network_system, reservoir_system
from reservoir.analysis.free_running import free_path
from reservoir.analysis.paths import esn_path, network_path
from reservoir.analysis.tangents import Leaky, Stack
from reservoir.errors import DataError
from reservoir.esn.model import ESN
from reservoir.esn.pairing import auto_washout
from reservoir.rnn.cells import RNN
from reservoir.rnn.given import one_each
from reservoir.rnn.model import Model
from reservoir.rnn.network import Network
from reservoir.series.collection import Collection, collect

Array = NDArray[Any]
Path: TypeAlias = Callable[[], Iterator[Stack | Leaky]]

DENSE = 2000  # units of a reservoir up to which its weights are taken as those of a network


@dataclass(frozen=True, eq=False)
class Targets:
    """Targets as a network takes them: ``network.batch(inputs, values, at=, weights=)``."""

    values: Any
    at: str  # "every" or "last"
    weights: list[Array] | Array | None = None


@dataclass(frozen=True, eq=False)
class Subject:
    """A model along some sequences.

    Attributes
    ----------
    paths : tuple of callables
        Each begins anew along one sequence.
    lengths : tuple of int
        Steps of each sequence, at least 1.
    size : int
        Numbers n of the joint state.
    network, theta : Network or None, ndarray (P,)
        What computes the same states and the same differences from the targets; None if it would
        be too large.
    inputs : tuple of (T_i, K)
        As the network takes them.
    system : System
        What such inputs drive.
    targets : Targets or None
    free : callable or None
        Begins the path of a closed loop after the longest sequence, as long as that; None for
        models that have none.
    """

    paths: tuple[Path, ...]
    lengths: tuple[int, ...]
    size: int
    network: Network | None
    theta: NDArray[np.float64]
    inputs: tuple[Array, ...]
    system: System
    targets: Targets | None = None
    free: Path | None = None

    @property
    def longest(self) -> int:
        """Which sequence."""
        return int(np.argmax(self.lengths))


def network_subject(
    model: Model, inputs: Any, targets: Any = None, weights: Any = None, at: str | None = None
) -> Subject:
    """A trained network along sequences in raw units.

    Parameters
    ----------
    model : Model
    inputs : list of (T_i, K)
    targets, weights
        As `Model.batch` takes them; without, there is nothing to go back from.
    at : {"every", "last"}, optional
        Where targets are, by default where the model was trained for them.

    Raises
    ------
    DataError
        Sequences without steps or with other columns than the model has.
    """
    network, theta = model.network, model.theta
    series = collect(inputs, "inputs")
    _check(series.lengths, series.columns, network.inputs)
    scaled = tuple(
        model.input_scaler.scaled(series.read(i, 0, n), network.dtype)
        for i, n in enumerate(series.lengths)
    )
    found, at = None, at or model.at
    if targets is not None:
        values: Any = np.asarray(targets) if at == "last" else None
        if values is None:
            values = _each(targets, series, network.outputs)
        elif len(values) != len(series.lengths):
            raise DataError(
                f"targets: {len(series.lengths)} series need a row each, got {len(values)}"
            )
        if network.loss == "squared_error":
            scale = partial(model.target_scaler.scaled, dtype=np.dtype(np.float64))
            values = scale(values) if at == "last" else [scale(one) for one in values]
        found = Targets(values, at, weights)
    paths = tuple(partial(network_path, network, theta, one) for one in scaled)
    size = sum(len(cell.parts) * cell.units for cell in network.cells)
    lengths, system = tuple(series.lengths), network_system(network, theta)
    return Subject(paths, lengths, size, network, theta, scaled, system, found)


def reservoir_subject(model: ESN, inputs: Any, targets: Any = None) -> Subject:
    """An echo state network along sequences in raw units.

    Parameters
    ----------
    model : ESN
    inputs : list of (T_i, K)
    targets : list of (T_i, M), optional
        Of the same rows; NaN where there is none. A network with feedback needs them, and without
        NaN. Of the washout, they do not count.

    Raises
    ------
    DataError
        As `network_subject`; feedback and no targets.

    Notes
    -----
    With connections from inputs to outputs, what these contribute is taken off the targets: the
    errors stay the same.
    """
    reservoir = model.reservoir
    series = collect(inputs, "inputs")
    _check(series.lengths, series.columns, reservoir.W_in.shape[1])
    feedback = reservoir.W_fb.shape[1] > 0
    if feedback and targets is None:
        raise DataError("targets: a network with feedback needs them")
    rows = [series.read(i, 0, n) for i, n in enumerate(series.lengths)]
    if targets is not None:
        targets = [
            one[:, np.newaxis] if one.ndim == 1 else one
            for one in _each(targets, series, model.readout.weights.shape[1])
        ]
    forced = targets if feedback else [None] * len(rows)
    paths = tuple(partial(esn_path, model, u, y) for u, y in zip(rows, forced, strict=True))
    scaled = [model.input_scaler.scaled(u, reservoir.dtype) for u in rows]
    wanted, given = None, scaled
    if targets is not None:
        y = [model.target_scaler.scaled(one, np.dtype(np.float64)) for one in targets]
        if feedback:
            pairs = zip(given, y, strict=True)
            given = [np.concatenate([u, _late(one)], axis=1) for u, one in pairs]
        wanted = _differences(model, scaled, y)
    network, theta = (None, np.zeros(0)) if reservoir.units > DENSE else _as_network(model)
    lengths = tuple(series.lengths)
    longest = int(np.argmax(lengths))
    free = partial(free_path, model, rows[longest], lengths[longest])
    return Subject(
        paths, lengths, reservoir.units, network, theta, tuple(given),
        reservoir_system(reservoir), wanted, free if _closes(model) else None,
    )  # fmt: skip


def _closes(model: ESN) -> bool:
    """Whether all inputs can be outputs of the step before, and nothing else is fed back."""
    reservoir = model.reservoir
    direct = len(model.readout.weights) > reservoir.units
    inputs = reservoir.W_in.shape[1]
    loop = sorted(model.continues) == list(range(inputs))
    return inputs > 0 and loop and not direct and reservoir.W_fb.shape[1] == 0


def _each(targets: Any, series: Collection, outputs: int) -> list[Array]:
    """An array (T_i, M), or (T_i,) of labels, of each series; one series may have its alone."""
    rows = ((outputs,), ())
    return one_each(targets, np.array(series.lengths, np.int64), "targets", rows)


def _check(lengths: Sequence[int], columns: int, expected: int) -> None:
    if not lengths or min(lengths) == 0:
        raise DataError(f"inputs: expected series of at least one step, got {list(lengths)}")
    if columns != expected:
        raise DataError(f"inputs: expected {expected} columns, got {columns}")


def _as_network(model: ESN) -> tuple[Network, NDArray[np.float64]]:
    """The network with the states of a reservoir, and the outputs that its states make."""
    reservoir, readout = model.reservoir, model.readout
    leak = reservoir.leak_rate.astype(np.float64)
    cell = RNN(reservoir.units, reservoir.activation, tuple(leak.tolist()))
    inputs = reservoir.W_in.shape[1] + reservoir.W_fb.shape[1]
    outputs = readout.weights.shape[1]
    network = Network(cell, inputs, outputs, "squared_error", reservoir.dtype.name)
    theta = np.zeros(network.size)
    views = network.views(theta)
    W = reservoir.W
    views["layers/0/W"][:] = W if isinstance(W, np.ndarray) else W.toarray()
    views["layers/0/U"][:] = np.concatenate([reservoir.W_in, reservoir.W_fb], axis=1)
    views["layers/0/b"][:] = reservoir.bias
    views["readout/V"][:] = readout.weights[: reservoir.units].T
    views["readout/c"][:] = readout.intercept
    return network, theta


def _late(targets: Array) -> Array:
    """What is forced: the targets of the step before, 0 at first."""
    return np.concatenate([np.zeros((1, targets.shape[1])), targets[:-1]])


def _differences(model: ESN, inputs: list[Array], targets: list[Array]) -> Targets:
    """Targets less the direct part of the readout; those of the washout and NaN do not count."""
    units, weights = model.reservoir.units, model.readout.weights
    values, counted = [], []
    for u, y in zip(inputs, targets, strict=True):
        known = np.asarray(np.isfinite(y).all(axis=1))
        washout = auto_washout(len(u)) if model.washout == "auto" else int(model.washout)
        if washout < len(u):
            known[:washout] = False
        direct = u @ weights[units:] if len(weights) > units else 0.0
        values.append(np.where(known[:, None], y - direct, 0.0))
        counted.append(known.astype(np.float64))
    return Targets(values, "every", counted)
