"""States from different starts: distances against slow networks, and known rates."""

from __future__ import annotations

import math

import naive
import naive_trained as slow
import numpy as np
import pytest
from conftest import random_reservoir
from naive_analysis import join, part
from scipy import sparse

from reservoir import ESNRegressor
from reservoir.analysis import (
    Forgetting,
    contraction,
    esn_system,
    forced_inputs,
    lyapunov_spectrum,
    model_system,
    network_path,
    network_system,
    reservoir_system,
)
from reservoir.errors import DataError
from reservoir.esn.model import Reservoir
from reservoir.rnn import GRU, LSTM, RNN, Initializer, Model, Network
from reservoir.series.scaler import Scaler, unscaled


def linear(W):
    """A reservoir of identity units that hears no input."""
    units = len(W)
    zero = np.zeros((units, 1))
    return Reservoir(W, zero, zero[:, :0], zero[:, 0], np.ones(units), "identity")


def starts_of(size, count=3, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (count, size))


@pytest.mark.parametrize("leak", ["vector", "scalar"])
def test_distances_of_a_reservoir(leak):
    reservoir = random_reservoir("csr", feedback=1, leak=leak)
    system = reservoir_system(reservoir)
    assert (system.columns, system.size) == (3, 7)
    inputs = np.random.default_rng(1).uniform(-1, 1, (12, 3))  # the last one forces the output
    found = contraction(system, inputs, starts=3)
    paths = [
        naive.run(reservoir, inputs[:, :2], teacher=inputs[:, 2:], x=x)
        for x in (np.zeros(7), *starts_of(7))
    ]
    for s in range(3):
        assert found.distances[s, 0] == pytest.approx(np.linalg.norm(starts_of(7)[s]))
        expected = np.linalg.norm(paths[s + 1] - paths[0], axis=1)
        np.testing.assert_allclose(found.distances[s, 1:], expected, rtol=1e-9)


@pytest.mark.parametrize(
    "cells", [(RNN(3, leak_rate=0.5),), (LSTM(2), GRU(3))], ids=["rnn", "deep"]
)
def test_distances_of_a_trained_network(cells):
    network = Network(cells, 2, 1)
    theta = np.random.default_rng(2).normal(0, 0.5, network.size)
    scaler = Scaler(np.array([1.0, -1.0]), np.array([2.0, 0.5]))
    model = Model(network, theta, scaler, unscaled(1), "every")
    raw = np.random.default_rng(1).normal(size=(300, 2))  # more than a stretch
    found = contraction(model_system(model), raw, starts=2)
    size = model_system(model).size
    scaled = (raw[:9] - scaler.mean) / scaler.scale
    paths = []
    for x in (np.zeros(size), *starts_of(size, 2)):
        states = [part(network, x)]
        for row in scaled:
            states.append(slow.run(network, theta, row[None], states[-1])[1])
        paths.append(np.array([join(state) for state in states]))
    for s in range(2):
        expected = np.linalg.norm(paths[s + 1] - paths[0], axis=1)
        np.testing.assert_allclose(found.distances[s, :10], expected, rtol=1e-9)
    same = contraction(network_system(network, theta), (raw - scaler.mean) / scaler.scale, starts=2)
    np.testing.assert_allclose(same.distances[:, :50], found.distances[:, :50], rtol=1e-6)


def rotation(size, factor):
    return factor * np.linalg.qr(np.random.default_rng(0).normal(size=(size, size)))[0]


def test_the_rate_of_a_linear_system():
    found = contraction(reservoir_system(linear(rotation(4, 0.5))), np.zeros((60, 1)))
    np.testing.assert_allclose(found.relative[:, :30], 0.5 ** np.arange(30) * np.ones((8, 1)))
    assert found.outcome is Forgetting.FORGOTTEN
    assert found.time == 10  # 2^-9 is above a thousandth, 2^-10 below
    assert found.rate == pytest.approx(-math.log(2))
    assert found.fitted == (20, 40)  # 2^-40 is the first below 2^-40
    assert found.time_scale == pytest.approx(1 / math.log(2))
    expected = "forgotten: below 0.001 of its first distance after 10 steps, falling by e in 1.44"
    assert found.message == expected + " steps"


def test_the_rate_is_the_conditional_exponent():
    """Along the same inputs, as far as a few hundred steps tell it."""
    network = Network(RNN(20), 1, 1)
    theta = network.initial(0, Initializer("gaussian", spectral_radius=0.95))
    inputs = np.random.default_rng(1).normal(size=(2000, 1))
    found = contraction(network_system(network, theta), inputs)
    first, last = found.fitted
    path = network_path(network, theta, inputs[:last])
    exponent = lyapunov_spectrum(path, transient=first).exponents[0]
    assert found.outcome is Forgetting.FORGOTTEN
    assert found.rate == pytest.approx(exponent, rel=0.05)


def test_not_yet():
    found = contraction(reservoir_system(linear(rotation(4, 0.99))), np.zeros((300, 1)))
    assert found.outcome is Forgetting.NOT_YET
    assert found.time == math.inf
    assert found.rate == pytest.approx(math.log(0.99))
    assert found.message.startswith("not yet: above 0.001 of its first distance after 300 steps, ")


@pytest.mark.parametrize("factor", [1.0, 1.2])
def test_never(factor):
    found = contraction(reservoir_system(linear(rotation(3, factor))), np.zeros((100, 1)))
    assert found.outcome is Forgetting.NEVER
    assert found.time == math.inf
    assert found.rate == pytest.approx(math.log(factor), abs=1e-12)
    assert found.message.startswith("not in 100 steps: ")


def test_two_attractors_are_never_forgotten():
    """A unit that latches: from one side of zero states never come to the other."""
    network = Network(RNN(1), 1, 1)
    theta = np.zeros(network.size)
    network.views(theta)["layers/0/W"][:] = 2.0
    found = contraction(network_system(network, theta), np.zeros((80, 1)))
    assert found.outcome is Forgetting.NEVER
    assert found.time_scale == math.inf or found.time_scale > 1e6


def test_a_delay_line_forgets_after_as_many_steps_as_it_has_units():
    W = sparse.csr_array(np.eye(10, k=-1))
    found = contraction(reservoir_system(linear_sparse(W)), np.zeros((30, 1)))
    assert (found.outcome, found.time) == (Forgetting.FORGOTTEN, 10)
    np.testing.assert_array_equal(found.distances[:, 10:], 0.0)
    assert found.rate < 0.0


def linear_sparse(W):
    dense = linear(W.toarray())
    return Reservoir(W, dense.W_in, dense.W_fb, dense.bias, dense.leak_rate, "identity")


def test_one_step_and_one_unit():
    found = contraction(reservoir_system(linear(np.array([[0.1]]))), np.zeros((1, 1)), starts=1)
    np.testing.assert_allclose(found.relative, [[1.0, 0.1]])
    assert found.outcome is Forgetting.NOT_YET
    assert found.rate == pytest.approx(math.log(0.1))


def test_float32_states_meet_their_rounding():
    reservoir = random_reservoir("csr", dtype="float32", leak="scalar")
    inputs = np.random.default_rng(1).uniform(-1, 1, (400, 2))
    found = contraction(reservoir_system(reservoir), inputs)
    assert found.outcome is Forgetting.FORGOTTEN
    assert found.fitted[1] < 200


def test_a_fitted_network_with_feedback_is_driven_by_inputs_and_targets():
    rng = np.random.default_rng(3)
    u, y = rng.normal(2.0, 3.0, (200, 1)), rng.normal(-1.0, 0.2, (200, 1))
    esn = ESNRegressor(units=20, feedback=True, random_state=0).fit(u, y)
    model = esn.model_
    driven = forced_inputs(model, u, y)
    states = esn_system(model).run(driven[None], np.zeros((1, 20)))[0]
    scaled_u = model.input_scaler.scaled(u, np.float64)
    scaled_y = model.target_scaler.scaled(y, np.float64)
    teacher = np.concatenate([np.zeros((1, 1)), scaled_y[:-1]])
    expected = naive.run(model.reservoir, scaled_u[:40], teacher=teacher)
    np.testing.assert_allclose(states[:40], expected, atol=1e-12)
    assert contraction(esn_system(model), driven).outcome is Forgetting.FORGOTTEN


def test_inputs_that_do_not_fit():
    system = reservoir_system(random_reservoir())
    rows = np.zeros((5, 2))
    for call, message in (
        (lambda: contraction(system, np.zeros((5, 3))), "inputs: expected 2 columns, got 3"),
        (lambda: contraction(system, np.zeros((0, 2))), "inputs: expected one series of at least"),
        (lambda: contraction(system, [rows, rows]), "inputs: expected one series of at least one"),
        (
            lambda: contraction(system, rows, starts=0),
            "starts must be a whole number of at least 1",
        ),
        (
            lambda: contraction(system, rows, tolerance=1.1),
            "tolerance must be a number in (0, 1], got 1.1",
        ),
        (
            lambda: contraction(system, [[0, np.nan]]),
            "Input inputs contains NaN at step 0, column 1",
        ),
    ):
        with pytest.raises(DataError) as error:
            call()
        assert str(error.value).startswith(message)


def test_states_that_overflow():
    system = reservoir_system(linear(1e100 * np.eye(2)))
    with np.errstate(over="ignore", invalid="ignore"), pytest.raises(DataError) as error:
        contraction(system, np.zeros((5, 1)))
    assert str(error.value) == "the states of step 1 are not finite, or overflow"


def test_targets_that_do_not_fit():
    rng = np.random.default_rng(3)
    u, y = rng.normal(size=(100, 1)), rng.normal(size=(100, 1))
    model = ESNRegressor(units=5, feedback=True, random_state=0).fit(u, y).model_
    for call, message in (
        (
            lambda: forced_inputs(model, u, y[1:]),
            "targets: expected 100 steps as in inputs, got 99",
        ),
        (lambda: forced_inputs(model, u, np.zeros((100, 2))), "targets: expected 1 columns, got 2"),
        (lambda: forced_inputs(model, np.zeros((9, 2)), y), "inputs: expected 1 columns, got 2"),
    ):
        with pytest.raises(DataError) as error:
            call()
        assert str(error.value) == message
    plain = ESNRegressor(units=5, random_state=0).fit(u, y).model_
    with pytest.raises(DataError, match="this network has no feedback"):
        forced_inputs(plain, u, y)
