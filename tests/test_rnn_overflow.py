"""Overflow of networks: no warning (tests turn them into errors), nothing finite in silence."""

from __future__ import annotations

import numpy as np
import pytest
from batch_cases import CELLS, changed, network_of, ragged, refuses, same, stated, theta_of

from reservoir.rnn import RNN, Network

X, Y, _ = ragged([4, 2, 3])
FLOAT32 = network_of("rnn", dtype="float32")


@pytest.mark.parametrize("scale", [1e5, 1e50, 1e200])
@pytest.mark.parametrize("activation", ["relu", "identity"])
def test_an_exploding_network(activation, scale):
    """Several tiles, so that infinities of both signs meet in the sums."""
    network = Network(RNN(6, activation), 2, 2)
    theta, v = theta_of(network) * 2 * scale, theta_of(network, 3)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 60, 2)), rng.normal(size=(40, 60, 2))
    batch = network.batch(x, y)
    value = network.value(theta, batch)
    assert not np.isfinite(value)
    found = network.gradient(theta, batch, squares=True)
    assert not np.isfinite(found.value)
    assert not np.isfinite(found.gradient).all()
    assert not np.isfinite(found.squares).all()
    assert not np.isfinite(network.gradient(theta, batch).gradient).all()
    linear = network.linearize(theta, batch, segment=7)
    assert not np.isfinite(linear.value)
    for operator in (linear.operator(0.1), linear.operator(0.1, 0.1), linear.hessian(0.1)):
        assert not np.isfinite(operator @ v).all()
    tangent = linear.jvp(v)
    linear.vjp(*tangent)
    linear.loss_curvature(tangent.outputs)
    linear.state_curvature(tangent.states, 0.1)
    outputs, state = network.predict(theta, x)
    assert not np.isfinite(outputs).all()
    refuses("state of layer 0, h:", lambda: network.batch(x, y, state=state))


@pytest.mark.parametrize(
    "loss", ["squared_error", "logistic_cross_entropy", "softmax_cross_entropy"]
)
@pytest.mark.parametrize("name", CELLS)
def test_parameters_at_the_end_of_the_range(name, loss):
    network = network_of(name, loss=loss)
    rng = np.random.default_rng(0)
    batch = network.batch(rng.normal(size=(40, 9, 2)), np.full((40, 9, 2), 0.5))
    theta, v = theta_of(network) * 1e308, theta_of(network, 3) * 1e300
    found = network.gradient(theta, batch, squares=True)
    assert same(found.value, network.value(theta, batch)) or np.isnan(found.value)
    if loss == "squared_error":
        assert not np.isfinite(found.value)
        assert not np.isfinite(found.gradient).all()
    linear = network.linearize(theta, batch)
    for operator in (linear.operator(1e300, 1e300), linear.hessian(1e300)):
        operator @ v


def test_float32_is_shorter_than_its_data():
    refuses(
        "inputs: 1e+300 at series 2, step 1, column 1; expected numbers in the range of float32",
        lambda: FLOAT32.batch(changed(X, 2, (1, 1), 1e300), Y),
    )
    refuses(
        "inputs: -1e+39 at step 1, column 0; expected",
        lambda: FLOAT32.batch(changed(X, 0, (1, 0), -1e39)[0], Y[0]),
    )
    message = (
        "state of layer 0, h: 1e+300 at series 1, unit 2; expected finite numbers in the range"
    )
    refuses(message, lambda: FLOAT32.batch(X, Y, state=stated(1e300)))
    theta, batch = theta_of(FLOAT32), FLOAT32.batch(X, Y)
    assert not np.isfinite(FLOAT32.value(theta * 1e300, batch))
    assert not np.isfinite(FLOAT32.gradient(theta * 1e300, batch).gradient).all()
    far = FLOAT32.batch(X, changed(Y, 0, (0, 0), 1e300))
    assert FLOAT32.value(theta, far) == np.inf
    linear = FLOAT32.linearize(theta, batch)
    assert not np.isfinite(linear.operator() @ (theta * 1e300)).all()
    assert not np.isfinite(linear.operator(0.0, 1e300) @ theta).all()
    assert not np.isfinite(linear.vjp(np.full((9, 2), 1e300))).all()
