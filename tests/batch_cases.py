"""Networks, parameters and ragged sequences for the tests of batches, and how results compare."""

from __future__ import annotations

import numpy as np
import pytest

from hfopt.problem import Structural
from reservoir.errors import DataError
from reservoir.rnn import GRU, LSTM, RNN, Network

CELLS = {
    "rnn": RNN(5),
    "leaky": RNN(4, leak_rate=0.6, learn_leak=True, learn_initial_state=True),
    "lstm": LSTM(4, learn_initial_state=True),
    "gru": GRU(4),
    "gru after": GRU(3, reset="after", learn_initial_state=True),
    "stacked": (LSTM(3), RNN(4, "relu", leak_rate=0.5), GRU(3)),
}
STRUCTURAL = Structural(0.3, 0.2, 0.1)


def network_of(name, inputs=2, outputs=2, **options):
    return Network(CELLS[name], inputs, outputs, **options)


def theta_of(network, seed=0):
    theta = np.random.default_rng(seed).normal(size=network.size) * 0.5
    for name, view in network.views(theta).items():
        if name.endswith("leak_rate"):
            view[:] = 0.3 + 0.6 * np.abs(np.tanh(view))
    return theta


def ragged(lengths, inputs=2, outputs=2, seed=1, dtype=np.float64):
    """Inputs, targets and weights (some 0) of sequences of these lengths."""
    rng = np.random.default_rng(seed)
    X = [rng.normal(size=(n, inputs)).astype(dtype) for n in lengths]
    Y = [rng.normal(size=(n, outputs)).astype(dtype) for n in lengths]
    weights = [rng.choice([0.0, 0.5, 1.0, 2.0], n) for n in lengths]
    if lengths and max(lengths) > 0:
        weights[int(np.argmax(lengths))][-1] = 1.0
    return X, Y, weights


def same(a, b):
    """Whether two records of arrays have the same bits."""
    if a is None or isinstance(a, float):
        return a == b
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def close(found, expected, tolerance=1e-12):
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)


def changed(arrays, series, place, value):
    """Copies of some arrays, one element changed."""
    arrays = [np.array(array) for array in arrays]
    arrays[series][place] = value
    return arrays


def stated(value=0.0, units=5, parts=1, sequences=3):
    state = np.zeros((parts, sequences, units))
    state[-1, 1, 2] = value
    return (state,)


def refuses(message, ask):
    with pytest.raises(DataError) as caught:
        ask()
    assert message in str(caught.value)
