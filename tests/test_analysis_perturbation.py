"""A perturbation along an eigenvector grows as the eigenvalue says, in the network itself."""

from __future__ import annotations

import numpy as np
import pytest

from reservoir.analysis import network_path, perturbation_growth, step_jacobians
from reservoir.errors import DataError
from reservoir.rnn import GRU, LSTM, RNN, Network

CELLS = {
    "tanh": RNN(5),
    "leaky logistic": RNN(4, "logistic", 0.3),
    "lstm": LSTM(3),
    "gru": GRU(4, "after"),
    "stack": (RNN(3), GRU(2)),
}
U = np.array([0.3, -0.5])


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("which", [0, 1])
def test_the_network_follows_its_linearization(name, which):
    network = Network(CELLS[name], 2, 1)
    theta = network.initial(2)
    found = perturbation_growth(network, theta, U, 12, which=which)
    np.testing.assert_allclose(found.modulus, np.abs(found.eigenvalue) ** np.arange(13))
    seen = found.linear > 1e-4  # below, the rounding of a state shows
    assert seen.sum() > 2
    np.testing.assert_allclose(found.measured[seen], found.linear[seen], rtol=1e-4)
    if found.eigenvalue.imag == 0:
        np.testing.assert_allclose(found.linear, found.modulus, rtol=1e-9)


def test_the_fixed_point_and_its_eigenvalue():
    network = Network(RNN(4), 2, 1)
    theta = network.initial(3)
    found = perturbation_growth(network, theta, U, 0)
    views = network.views(theta)
    W, U_in, b = (views[f"layers/0/{name}"] for name in ("W", "U", "b"))
    x = found.fixed_point
    np.testing.assert_allclose(np.tanh(W @ x + U_in @ U + b), x, atol=1e-13)
    values = np.linalg.eigvals((1 - x**2)[:, None] * W)
    np.testing.assert_allclose(abs(found.eigenvalue), np.abs(values).max(), rtol=1e-10)
    np.testing.assert_array_equal(found.measured, [1.0])


def test_growth_from_an_unstable_fixed_point():
    """Started nearby, a network leaves it at the rate of the largest eigenvalue."""
    network = Network(RNN(3), 2, 1)
    theta = np.zeros(network.size)
    network.views(theta)["layers/0/W"][:] = np.diag([1.5, 0.5, 0.2])
    found = perturbation_growth(network, theta, np.zeros(2), 30)
    np.testing.assert_allclose(found.fixed_point, 0.0, atol=1e-12)
    assert found.eigenvalue == 1.5
    np.testing.assert_allclose(found.measured[:25], 1.5 ** np.arange(25), rtol=1e-4)


def test_a_float32_network_is_watched_in_float64():
    networks = [Network(RNN(4), 2, 1, dtype=dtype) for dtype in ("float32", "float64")]
    one, other = (perturbation_growth(n, n.initial(0), U, 5) for n in networks)
    np.testing.assert_array_equal(one.measured, other.measured)


def test_a_network_at_its_fixed_point_stays_there():
    network = Network(CELLS["stack"], 2, 1)
    theta = network.initial(2)
    x = perturbation_growth(network, theta, U, 0).fixed_point
    state = (x[:3].reshape(1, 1, 3), x[3:].reshape(1, 1, 2))
    first, later = step_jacobians(network_path(network, theta, np.tile(U, (2, 1)), state))
    np.testing.assert_allclose(first, later, atol=1e-12)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"inputs": np.zeros(3)}, "inputs must have shape (2,), got (3,)"),
        ({"steps": -1}, "steps must be a whole number of at least 0"),
        ({"which": 5}, "which must be from 0 to 4, got 5"),
        ({"size": 0.0}, "size must be a finite number above 0, got 0.0"),
        ({"settle": 0}, "settle must be a whole number of at least 1"),
    ],
)
def test_options_out_of_range(options, message):
    network = Network(RNN(5), 2, 1)
    with pytest.raises(DataError) as error:
        perturbation_growth(network, network.initial(0), **({"inputs": U, "steps": 3} | options))
    assert str(error.value).startswith(message)


def test_a_network_without_a_fixed_point():
    network = Network(RNN(1, "identity"), 1, 1)
    theta = np.array([1.0, 1.0, 0.0, 0.0, 0.0])  # h = h- + u
    with pytest.raises(DataError, match=r"no fixed point of the network is found for the constant"):
        perturbation_growth(network, theta, [1.0], 3, settle=5)
