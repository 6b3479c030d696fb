"""Projections of recurrent matrices, parameters by name, and networks that begin as an ESN."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from hfopt import L1, L2, SGD, HessianFree, Penalized, Projected, Restricted, minimize
from reservoir.errors import DataError
from reservoir.esn.records import kernel_weights, no_loop
from reservoir.esn.recurrence import Drive, drive_series, origin
from reservoir.rnn import GRU, LSTM, RNN, Network, RecurrentProjection, from_reservoir
from reservoir.weights import (
    bound_spectral_norm,
    bound_spectral_radius,
    nearest_orthogonal,
    spectral_radius,
)


def matrix(seed, units=5):
    return np.random.default_rng(seed).normal(0, 1, (units, units))


def batch_of(network, T=6):
    rng = np.random.default_rng(3)
    return network.batch(rng.normal(0, 1, (4, T, 1)), rng.normal(0, 1, (4, T, 1)))


@given(st.integers(0, 10**6), st.integers(1, 6))
def test_the_nearest_orthogonal_matrix(seed, units):
    W = matrix(seed, units)
    Q = nearest_orthogonal(W)
    assert np.allclose(Q.T @ Q, np.eye(units), atol=1e-12)
    S = Q.T @ W  # W = Q S is its polar decomposition
    assert np.allclose(S, S.T, atol=1e-10)
    assert np.linalg.eigvalsh(S).min() > -1e-12
    assert np.allclose(nearest_orthogonal(Q), Q, atol=1e-13)


@given(st.integers(0, 10**6), st.floats(0.1, 4.0))
def test_the_norm_is_bounded_by_the_nearest_matrix(seed, bound):
    W = matrix(seed)
    found = bound_spectral_norm(W, bound)
    assert np.linalg.norm(found, 2) <= bound * (1 + 1e-12)
    if np.linalg.norm(W, 2) <= bound:
        assert np.array_equal(found, W)
    # A projection on a convex set: no point of it lies beyond the plane through ``found``.
    other = bound_spectral_norm(matrix(seed + 1), bound)
    assert ((W - found) * (other - found)).sum() <= 1e-10


@given(st.integers(0, 10**6), st.floats(0.1, 4.0))
def test_the_radius_is_bounded_by_a_factor(seed, bound):
    W = matrix(seed)
    found, radius = bound_spectral_radius(W, bound), np.abs(np.linalg.eigvals(W)).max()
    assert spectral_radius(found) == pytest.approx(min(radius, bound))
    assert np.allclose(found, W * min(1.0, bound / radius))
    assert np.array_equal(bound_spectral_radius(sparse.csr_array(W), bound), found)


@pytest.mark.parametrize("cell", [RNN(4, leak_rate=0.5), LSTM(3), GRU(3), GRU(3, "after")])
@pytest.mark.parametrize("kind", ["spectral_radius", "spectral_norm", "orthogonal"])
def test_every_recurrent_matrix_of_a_network_is_projected(cell, kind):
    network = Network([cell, RNN(2)], 1, 1)
    theta = np.random.default_rng(0).normal(0, 2, network.size)
    before = theta.copy()
    found = RecurrentProjection(network, kind, 0.7)(theta)
    assert np.array_equal(theta, before)
    W = network.select("layers/*/W")
    others = np.setdiff1d(np.arange(network.size), W)
    assert np.array_equal(found[others], theta[others])
    for layer, units in ((0, cell.units), (1, 2)):
        for gate in network.views(found)[f"layers/{layer}/W"].reshape(-1, units, units):
            size = np.linalg.norm(gate, 2) if kind != "spectral_radius" else spectral_radius(gate)
            assert size <= 0.7 * (1 + 1e-12)
            if kind == "orthogonal":
                assert np.allclose(gate.T @ gate, 0.49 * np.eye(units))
    only = RecurrentProjection(network, kind, 0.7, layers=(1,))(theta)
    assert np.array_equal(only[network.select("layers/0/*")], theta[network.select("layers/0/*")])
    assert not np.array_equal(only, theta)


@pytest.mark.parametrize("optimizer", [SGD(0.1, clip=1.0), HessianFree()])
def test_an_orthogonal_matrix_stays_one_in_training(optimizer):
    network = Network(RNN(4), 1, 1)
    project = RecurrentProjection(network, "orthogonal")
    theta = network.initial(0)
    batch = batch_of(network)
    result = minimize(network, theta, Projected(optimizer, project), [batch], max_steps=5)
    W = network.views(result.x)["layers/0/W"]
    assert np.allclose(W.T @ W, np.eye(4), atol=1e-13)
    assert not np.allclose(W, network.views(theta)["layers/0/W"], atol=1e-4)
    assert network.value(result.x, batch) < network.value(theta, batch)


def test_penalties_by_name_with_second_order_steps():
    network = Network(RNN(4), 1, 1)
    theta, batch = network.initial(0), batch_of(network)
    problem = Penalized(
        network, [L2(0.1, network.select("layers/*/W")), L1(0.01, network.select("readout/V"))]
    )
    h, at = 1e-6, problem.linearize(theta, batch)
    direction = np.random.default_rng(1).normal(0, 1, network.size)
    slope = (
        problem.value(theta + h * direction, batch) - problem.value(theta - h * direction, batch)
    ) / (2 * h)
    assert slope == pytest.approx(at.gradient @ direction, rel=1e-6)
    result = minimize(problem, theta, HessianFree(structural=0.1), [batch], max_steps=15)
    free = minimize(network, theta, HessianFree(structural=0.1), [batch], max_steps=15)
    assert result.fun < problem.value(theta, batch)
    norms = [np.linalg.norm(network.views(r.x)["layers/0/W"]) for r in (result, free)]
    assert norms[0] < 0.5 * norms[1]


def test_parameters_are_selected_by_name():
    network = Network([RNN(2), LSTM(2)], 1, 1)
    theta = np.zeros(network.size)
    theta[network.select("layers/*/W", "readout/c")] = 1.0
    for name, array in network.views(theta).items():
        assert (array == (1.0 if name.endswith(("/W", "readout/c")) else 0.0)).all(), name
    assert np.array_equal(network.select("*"), np.arange(network.size))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("readout/v", "readout/V"),
        ("W", "layers/0/W"),
        ("layers/1/w", "layers/1/W"),
        ("layer/0/b", "layers/0/b"),
        ("leak", "layers/0/leak_rate"),
    ],
)
def test_the_nearest_parameter_is_offered(written, meant):
    network = Network([RNN(2, learn_leak=True), LSTM(2)], 1, 1)
    with pytest.raises(DataError, match=f"no parameter matches '{written}'; .* mean '{meant}'"):
        network.select(written)


@pytest.mark.parametrize("form", ["csr", "dense", "permutation"])
def test_a_network_begins_as_an_echo_state_network(make_reservoir, form):
    reservoir = make_reservoir(form, units=6, inputs=1)
    rng = np.random.default_rng(0)
    x, V, c = rng.normal(0, 1, (9, 1)), rng.normal(0, 1, (6, 2)), rng.normal(0, 1, 2)
    network, theta = from_reservoir(reservoir, 2, weights=V, intercept=c)
    states = np.empty((9, 6))
    drive = Drive(x, np.empty((9, 0)), np.zeros((9, 0)))
    drive_series(kernel_weights(reservoir), no_loop(reservoir.dtype), drive, origin(reservoir, 0),
                 states=states)  # fmt: skip
    outputs, _ = network.predict(theta, x)
    assert np.allclose(outputs[0], states @ V + c, atol=1e-12)


@pytest.mark.parametrize("optimizer", [SGD(0.1), HessianFree()])
def test_its_recurrence_can_be_frozen(make_reservoir, optimizer):
    network, theta = from_reservoir(make_reservoir("csr", inputs=1), 1, learn_leak=True)
    problem = Restricted(network, theta, network.select("readout/*", "layers/0/leak_rate"))
    batch = batch_of(network)
    result = minimize(problem, problem.free(theta), optimizer, [batch], max_steps=4)
    after, before = network.views(problem.full(result.x)), network.views(theta)
    for name in before:
        moved = not np.array_equal(after[name], before[name])
        assert moved == (name.startswith("readout") or name.endswith("leak_rate")), name


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda n, r: RecurrentProjection(n, "orthogonl"), "did you mean 'orthogonal'"),
        (lambda n, r: RecurrentProjection(n, "spectral_norm", -1.0), "bound must be a finite"),
        (lambda n, r: RecurrentProjection(n, "orthogonal", layers=(1,)), "there is no layer 1"),
        (lambda n, r: from_reservoir(r("csr", feedback=1), 1), "has output feedback"),
        (lambda n, r: from_reservoir(r("csr"), 1, weights=np.zeros((9, 1))),
         r"readout/V of the network has shape \(1, 7\)"),
        (lambda n, r: bound_spectral_norm(np.ones((2, 3)), 1.0), "square"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named(make_reservoir, make, message):
    with pytest.raises(DataError, match=message):
        make(Network(RNN(2), 1, 1), make_reservoir)
