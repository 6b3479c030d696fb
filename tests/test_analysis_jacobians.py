"""Step Jacobians of all models against complex steps and differences of their slow twins."""

from __future__ import annotations

import naive
import naive_analysis as slow
import numpy as np
import pytest
from conftest import random_reservoir
from trained_cases import CELLS, random_theta

from reservoir import ESNRegressor
from reservoir.analysis import esn_path, free_path, model_path, network_path, paths, step_jacobians
from reservoir.analysis.paths import reservoir_stretch, slope
from reservoir.errors import DataError
from reservoir.esn.records import kernel_loop
from reservoir.esn.recurrence import Drive
from reservoir.rnn import LSTM, RNN, Model, Network
from reservoir.series.scaler import Scaler, unscaled


def a_network(name, seed=0):
    rng = np.random.default_rng(seed)
    network = Network(CELLS[name], 2, 3)
    return network, random_theta(network, rng), rng.normal(0, 1, (5, 2))


@pytest.mark.parametrize("name", CELLS)
def test_every_cell_and_stack_against_complex_steps(name):
    network, theta, x = a_network(name)
    found = step_jacobians(network_path(network, theta, x))
    expected = slow.joint_jacobians(network, theta, x)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def test_from_a_given_and_from_a_learned_state():
    network = Network((LSTM(2, learn_initial_state=True), RNN(3, learn_initial_state=True)), 1, 1)
    rng = np.random.default_rng(1)
    theta, x = random_theta(network, rng), rng.normal(0, 1, (3, 1))
    np.testing.assert_allclose(
        step_jacobians(network_path(network, theta, x)),
        slow.joint_jacobians(network, theta, x), rtol=1e-12, atol=1e-14,
    )  # fmt: skip
    state = (rng.normal(0, 1, (2, 1, 2)), rng.normal(0, 1, (1, 1, 3)))
    given = tuple(layer[:, 0] for layer in state)
    np.testing.assert_allclose(
        step_jacobians(network_path(network, theta, x, state)),
        slow.joint_jacobians(network, theta, x, given), rtol=1e-12, atol=1e-14,
    )  # fmt: skip


def test_a_layer_alone_is_its_block_of_the_stack():
    network, theta, x = a_network("lstm rnn gru")
    (stretch,) = network_path(network, theta, x)
    whole, begin = step_jacobians([stretch]), 0
    for layer in stretch.layers:
        own = slice(begin, begin + layer.size)
        np.testing.assert_array_equal(step_jacobians([layer]), whole[:, own, own])
        begin += layer.size
    assert begin == stretch.size == whole.shape[1]


def test_stretches_follow_each_other(monkeypatch):
    network, theta, x = a_network("gru lstm")
    at_once = step_jacobians(network_path(network, theta, x))
    monkeypatch.setattr(paths, "STEPS", 2)
    pieces = list(network_path(network, theta, x))
    assert [piece.steps for piece in pieces] == [2, 2, 1]
    np.testing.assert_allclose(step_jacobians(pieces), at_once, rtol=1e-13, atol=1e-15)


def test_a_model_takes_raw_units():
    network, theta, x = a_network("tanh")
    scaler = Scaler(np.array([1.0, -2.0]), np.array([3.0, 0.5]))
    model = Model(network, theta, scaler, unscaled(3), "every")
    np.testing.assert_allclose(
        step_jacobians(model_path(model, scaler.raw(x))),
        step_jacobians(network_path(network, theta, x)), rtol=1e-12,
    )  # fmt: skip


# ---- echo state networks


FORMS = [("csr", "tanh"), ("dense", "logistic"), ("permutation", "identity"), ("csr", "relu")]


@pytest.mark.parametrize("form, activation", FORMS)
def test_reservoirs_against_differences(form, activation):
    reservoir = random_reservoir(form, feedback=1, activation=activation)
    rng = np.random.default_rng(3)
    u, y = rng.normal(0, 1, (4, 2)), rng.normal(0, 1, (4, 1))
    x = np.concatenate([np.zeros((1, 7)), naive.run(reservoir, u, y)])
    drive = Drive(u, y, np.empty((0, 7)))
    found = step_jacobians([reservoir_stretch(reservoir, x[:-1], drive)])
    expected = [slow.reservoir_jacobian(reservoir, x[t], u[t], y[t]) for t in range(4)]
    np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize("feedback", [False, True])
def test_a_fitted_network_along_a_series(feedback, monkeypatch):
    rng = np.random.default_rng(4)
    u = rng.normal(1, 2, (40, 2))
    y = np.cumsum(u, axis=1)[:, 1:]
    model = ESNRegressor(8, feedback=feedback, leak_rate=0.6, random_state=0).fit(u, y).model_
    scaled, wanted = model.input_scaler.scaled(u, float), model.target_scaler.scaled(y, float)
    teacher = np.concatenate([np.zeros((1, 1)), wanted[:-1]]) if feedback else None
    x = np.concatenate([np.zeros((1, 8)), naive.run(model.reservoir, scaled, teacher)])
    monkeypatch.setattr(paths, "STEPS", 7)
    found = step_jacobians(esn_path(model, u, y if feedback else None))
    assert found.shape == (40, 8, 8)
    for t in (0, 6, 7, 39):
        forced = teacher[t] if feedback else np.zeros(0)
        expected = slow.reservoir_jacobian(model.reservoir, x[t], scaled[t], forced)
        np.testing.assert_allclose(found[t], expected, atol=1e-10)


def test_a_free_running_network_is_one_autonomous_system():
    t = np.arange(300)
    u = np.stack([np.sin(t / 5), np.cos(t / 7)], axis=1)
    model = ESNRegressor(12, random_state=0).fit(u).model_
    found = step_jacobians(free_path(model, u[:200], 3))
    scaled, loop = model.input_scaler.scaled(u[:200], float), kernel_loop(model)
    x = naive.run(model.reservoir, scaled)[-1]
    y = loop.weights @ x + loop.intercept
    nothing = np.zeros((3, 2))
    states, outputs = naive.run_closed(model.reservoir, loop, nothing, x, y)
    before, fed = np.concatenate([x[None], states[:-1]]), np.concatenate([y[None], outputs[:-1]])

    def after(state):
        y = loop.weights @ state + loop.intercept
        return naive.run_closed(model.reservoir, loop, nothing[:1], state, y)[0][0]

    np.testing.assert_allclose(loop.weights @ before.T + loop.intercept[:, None], fed.T, atol=1e-12)
    size = 1e-6
    for k in range(3):
        columns = [
            (after(before[k] + e) - after(before[k] - e)) / (2 * size) for e in size * np.eye(12)
        ]
        np.testing.assert_allclose(found[k], np.array(columns).T, atol=1e-7)


def test_slopes_keep_their_digits_at_any_preactivation():
    a = np.array([0.0, 1e-9, -3.0, 20.0, -300.0, 1000.0])
    np.testing.assert_allclose(slope("tanh", a)[:5], 1 / np.cosh(a[:5]) ** 2, rtol=1e-14)
    np.testing.assert_allclose(slope("logistic", a), slope("tanh", a / 2) / 4, rtol=1e-14)
    assert slope("tanh", a)[5] == 0.0


# ---- bad input


@pytest.mark.parametrize(
    "inputs, message",
    [
        (np.zeros((2, 3, 2)), "expected one series of at least one step, got lengths [3, 3]"),
        (np.zeros((0, 2)), "expected one series of at least one step, got lengths [0]"),
        (np.zeros((3, 1)), "inputs have 1 columns; the network takes 2"),
        (np.where(np.arange(600).reshape(300, 2) == 521, np.nan, 0.0), "step 260"),
    ],
)
def test_inputs_that_a_network_cannot_follow(inputs, message):
    network, theta, _ = a_network("tanh")
    with pytest.raises(DataError) as error:
        list(network_path(network, theta, inputs))
    assert message in str(error.value)


def test_networks_that_cannot_run_freely():
    u = np.random.default_rng(0).normal(size=(60, 2))
    with_outputs = ESNRegressor(5, direct=True, random_state=0).fit(u).model_
    with pytest.raises(DataError, match="closed through their inputs alone"):
        list(free_path(with_outputs, u, 3))
    other = ESNRegressor(5, random_state=0).fit(u, u[:, :1] ** 2).model_
    with pytest.raises(DataError, match=r"needs an output for each of 2 inputs; inputs \[\] have"):
        list(free_path(other, u, 3))
    fed_back = ESNRegressor(5, feedback=True, random_state=0).fit(u, u[:, :1]).model_
    with pytest.raises(DataError, match="feedback needs them"):
        list(esn_path(fed_back, u))
