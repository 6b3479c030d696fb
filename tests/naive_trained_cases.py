"""Stand-ins for cells and networks, and random cases, for the tests of the slow references."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import naive_trained as slow
import numpy as np
import pytest


@dataclass(frozen=True)
class RNN:
    units: int
    activation: str = "tanh"
    leak_rate: float | tuple = 1.0
    learn_leak: bool = False
    learn_initial_state: bool = False


@dataclass(frozen=True)
class LSTM:
    units: int
    forget_gate: bool = True
    learn_initial_state: bool = False


@dataclass(frozen=True)
class GRU:
    units: int
    reset: str = "before"
    learn_initial_state: bool = False


LEAKS = np.array([0.2, 0.9, 0.5])
CELLS = {
    "tanh": (RNN(3),),
    "logistic": (RNN(3, "logistic"),),
    "relu": (RNN(3, "relu"),),
    "identity": (RNN(3, "identity"),),
    "leaky": (RNN(3, "tanh", 0.3),),
    "leaks": (RNN(3, "relu", LEAKS),),
    "learned leak": (RNN(3, "logistic", 0.3, learn_leak=True),),
    "learned start": (RNN(3, "tanh", LEAKS, learn_initial_state=True),),
    "all learned": (RNN(3, "tanh", learn_leak=True, learn_initial_state=True),),
    "lstm": (LSTM(2),),
    "lstm start": (LSTM(2, learn_initial_state=True),),
    "lstm 1997": (LSTM(2, forget_gate=False),),
    "lstm 1997 start": (LSTM(2, forget_gate=False, learn_initial_state=True),),
    "gru before": (GRU(2),),
    "gru after": (GRU(2, "after"),),
    "gru before start": (GRU(2, learn_initial_state=True),),
    "gru after start": (GRU(2, "after", learn_initial_state=True),),
    "two rnn": (RNN(3, "tanh", LEAKS), RNN(2, "relu", learn_leak=True)),
    "gru lstm": (GRU(2, "after"), LSTM(1, learn_initial_state=True)),
    "lstm rnn gru": (LSTM(1, forget_gate=False), RNN(2, "logistic", 0.4), GRU(1)),
}
LOSSES = ["squared_error", "logistic_cross_entropy", "softmax_cross_entropy"]
FEW = ["all learned", "lstm start", "gru before", "gru after start", "two rnn"]
every_cell = pytest.mark.parametrize("cells", CELLS.values(), ids=CELLS.keys())
few_cells = pytest.mark.parametrize("cells", [CELLS[name] for name in FEW], ids=FEW)
every_loss = pytest.mark.parametrize("loss", LOSSES)


def network_of(cells, loss="squared_error", inputs=2, outputs=2):
    return SimpleNamespace(cells=cells, inputs=inputs, outputs=outputs, loss=loss)


def random_theta(network, seed=0):
    rng = np.random.default_rng(seed)
    theta = rng.normal(0, 0.7, slow.size(network))
    for name, array in slow.views(network, theta).items():
        if name.endswith("leak_rate"):
            array[:] = rng.uniform(0.2, 0.9, len(array))
    return theta


def random_state(network, rng):
    parts = [2 if isinstance(cell, LSTM) else 1 for cell in network.cells]
    return tuple(
        rng.normal(0, 0.5, (count, cell.units))
        for count, cell in zip(parts, network.cells, strict=True)
    )


def random_sequences(network, lengths=(4, 1, 3), seed=1):
    """Ragged, with weights, masked steps of wild targets, and a state for the second one."""
    rng, M, sequences = np.random.default_rng(seed), network.outputs, []
    for n, T in enumerate(lengths):
        targets = rng.uniform(0.1, 0.9, (T, M))
        if network.loss == "softmax_cross_entropy":
            targets /= targets.sum(axis=1, keepdims=True)
            if n == 0:
                targets = rng.integers(0, M, T)
        weights = rng.uniform(0.5, 2, T)
        if n == 2:
            weights[0], targets[0] = 0, np.nan
        state = random_state(network, rng) if n == 1 else None
        sequences.append((rng.normal(0, 1, (T, network.inputs)), targets, weights, state))
    return sequences


def relative(found, expected):
    return np.abs(found - expected).max() / np.abs(expected).max()
