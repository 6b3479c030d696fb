"""Bounds of a step's growth: they hold, they are tight where the article says so; verdicts."""

from __future__ import annotations

import subprocess
import sys

import naive_trained
import numpy as np
import pytest
from conftest import random_reservoir
from hypothesis import given
from hypothesis import strategies as st
from jacobian_cases import Given
from trained_cases import SINGLE, random_theta

import reservoir.analysis
from reservoir import ESNRegressor
from reservoir.analysis import (
    LyapunovSpectrum,
    Regime,
    cell_bounds,
    esn_path,
    growth_bounds,
    lyapunov_spectrum,
    network_path,
    paths,
    step_jacobians,
    verdict,
)
from reservoir.analysis.cell_bounds import spectral_norm
from reservoir.errors import DataError
from reservoir.rnn import GRU, LSTM, RNN, Network
from reservoir.weights import random_sparse


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("scale", [0.05, 0.8, 3.0])
def test_no_step_grows_by_more_than_the_bounds(name, scale):
    network = Network(SINGLE[name], 2, 1)
    rng = np.random.default_rng(1)
    theta, x = random_theta(network, rng, scale), rng.normal(0, 1.5, (60, 2))
    if name.startswith(("relu", "identity")):
        theta *= 0.3  # or they overflow
    jacobians = step_jacobians(network_path(network, theta, x))
    norms = np.linalg.norm(jacobians, 2, axis=(1, 2))
    (found,) = growth_bounds(network_path(network, theta, x), every=1)
    assert norms.max() <= found.bound_along_path * (1 + 1e-12)
    assert found.bound_along_path <= found.bound * (1 + 1e-12)
    np.testing.assert_allclose(found.largest_norm, norms.max(), rtol=1e-10)
    if norms.min() > 0:
        np.testing.assert_allclose(found.mean_log_norm, np.log(norms).mean(), atol=1e-9)
    W = network.views(theta)["layers/0/W"]
    W = W if W.ndim == 3 else W[None]
    np.testing.assert_allclose(found.spectral_norms, np.linalg.norm(W, 2, axis=(1, 2)))
    np.testing.assert_allclose(found.spectral_radii, np.abs(np.linalg.eigvals(W)).max(axis=1))
    assert (found.largest_slopes <= found.slope_limits * (1 + 1e-12)).all()
    assert len(found.gates) == len(W)


def norm(matrix):
    return np.linalg.norm(matrix, 2)


def lstm_bounds(W, steps):
    """From the weights, and along the path: as the docstring derives them."""
    i, f, o, g, tau = (np.array([s[name] for s in steps]) for name in ("i", "f", "o", "g", "tau"))
    c_old = np.abs([s["before"][1] for s in steps])
    W_i, W_f, W_o, W_g = W if len(W) == 4 else (W[0], 0 * W[0], W[1], W[2])
    a = norm(W_i) / 4 + c_old.max() / 4 * norm(W_f) + norm(W_g)
    limit = norm([[norm(W_o) / 4 + a, 1], [a, 1]])

    def rows(factors, matrix):
        return norm(factors.max(axis=0)[:, None] * matrix)

    a = rows(i * (1 - i) * np.abs(g), W_i) + rows(i * (1 - g * g), W_g)
    a += rows(f * (1 - f) * c_old, W_f)
    out, f_most = (o * (1 - tau * tau)).max(), f.max()
    by_o = rows(o * (1 - o) * np.abs(tau), W_o)
    return limit, norm([[by_o + out * a, out * f_most], [a, f_most]])


def gru_bounds(W, steps, after):
    z, r, q, n = (np.array([s[name] for s in steps]) for name in ("z", "r", "q", "hc"))
    h = np.array([s["before"][0] for s in steps])
    W_z, W_r, W_n = W
    most = max(1.0, np.abs(h).max())

    def rows(factors, matrix):
        return norm(factors.max(axis=0)[:, None] * matrix)

    limit = 1 + (1 + most) / 4 * norm(W_z)
    along = (1 - z).max() + rows(z * (1 - z) * np.abs(n - h), W_z)
    by_n, slope_r = (z * (1 - n * n)).max(axis=0), r * (1 - r)
    if after:
        limit += norm(W_n) + rows(np.abs(q) / 4, W_r)
        along += norm((by_n * r.max(axis=0))[:, None] * W_n)
        along += norm((by_n * (slope_r * np.abs(q)).max(axis=0))[:, None] * W_r)
    else:
        limit += norm(W_n) * (1 + most / 4 * norm(W_r))
        along += norm(by_n[:, None] * W_n) * (r.max() + rows(slope_r * np.abs(h), W_r))
    return limit, along


@pytest.mark.parametrize("name", ["lstm", "lstm 1997", "gru before", "gru after"])
def test_bounds_of_gates_are_as_derived(name, monkeypatch):
    monkeypatch.setattr(paths, "STEPS", 7)
    network = Network(SINGLE[name], 2, 1)
    rng = np.random.default_rng(5)
    theta, x = random_theta(network, rng, 1.0), rng.normal(0, 1.5, (40, 2))
    state = (rng.normal(0, 1.5, (2 if name.startswith("lstm") else 1, 1, network.cells[0].units)),)
    _, _, steps = naive_trained.run(network, theta, x, (state[0][:, 0],))
    W, steps = network.views(theta)["layers/0/W"], [computed[0] for computed in steps]
    if name.startswith("lstm"):
        expected = lstm_bounds(W, steps)
    else:
        expected = gru_bounds(W, steps, name == "gru after")
    (found,) = growth_bounds(network_path(network, theta, x, state))
    np.testing.assert_allclose((found.bound, found.bound_along_path), expected, rtol=1e-12)


@pytest.mark.parametrize("activation, limit", [("tanh", 1.0), ("logistic", 0.25)])
def test_the_bound_is_reached_at_the_steepest_point(activation, limit):
    """1 for tanh, 1/4 for the logistic, times the largest singular value of W."""
    network = Network(RNN(4, activation), 1, 1)
    theta = network.initial(0)
    views = network.views(theta)
    views["layers/0/W"][:] *= 0.5
    if activation == "logistic":  # pre-activations of 0 at states of 1/2
        views["layers/0/b"][:] = -views["layers/0/W"].sum(axis=1) / 2
    state = (np.full((1, 1, 4), 0.0 if activation == "tanh" else 0.5),)
    (found,) = growth_bounds(network_path(network, theta, np.zeros((3, 1)), state), every=1)
    np.testing.assert_allclose(found.bound, limit * 0.5, rtol=1e-12)
    np.testing.assert_allclose(found.largest_norm, found.bound, rtol=1e-12)
    np.testing.assert_allclose(found.mean_slopes, limit)
    assert found.saturated[0] == 0.0


def test_saturated_units_are_counted():
    network = Network(RNN(4), 1, 1)
    theta = np.zeros(network.size)
    network.views(theta)["layers/0/b"][:] = [0.0, 1.0, 3.0, -9.0]
    (found,) = growth_bounds(network_path(network, theta, np.zeros((10, 1))))
    assert found.saturated[0] == 0.5
    np.testing.assert_allclose(found.mean_slopes[0], np.mean(1 / np.cosh([0, 1, 3, 9]) ** 2))
    assert found.largest_norm == 0.0
    assert found.mean_log_norm == -np.inf


def test_the_gates_have_their_names():
    for cell, names in (
        (LSTM(2), "input forget output candidate"),
        (LSTM(2, forget_gate=False), "input output candidate"),
        (GRU(2), "update reset candidate"),
        (RNN(2), "W"),
    ):
        network = Network(cell, 1, 1)
        (found,) = growth_bounds(network_path(network, network.initial(0), np.zeros((2, 1))))
        assert found.gates == tuple(names.split())


def test_each_layer_of_a_stack_has_its_own_and_steps_are_counted_over_stretches():
    network = Network((RNN(3), LSTM(2)), 1, 1)
    theta, x = network.initial(0), np.random.default_rng(2).normal(0, 1, (600, 1))
    found = growth_bounds(network_path(network, theta, x), every=100)
    assert len(found) == 2
    jacobians = step_jacobians(network_path(network, theta, x))[::100, :3, :3]
    norms = np.linalg.norm(jacobians, 2, axis=(1, 2))
    np.testing.assert_allclose(found[0].mean_log_norm, np.log(norms).mean(), rtol=1e-9)


def test_an_echo_state_network():
    u = np.random.default_rng(3).normal(0, 1, (100, 1))
    model = ESNRegressor(20, leak_rate=0.3, spectral_radius=0.8, random_state=0).fit(u).model_
    (found,) = growth_bounds(esn_path(model, u))
    np.testing.assert_allclose(found.spectral_radii, [0.8], rtol=1e-9)
    norm = np.linalg.norm(model.reservoir.W.toarray(), 2)
    np.testing.assert_allclose(found.bound, 0.7 + 0.3 * norm, rtol=1e-12)
    assert found.largest_norm <= found.bound_along_path <= found.bound


@given(st.integers(0, 5), st.floats(1e-150, 1e150))
def test_spectral_norms(seed, scale):
    W = scale * np.random.default_rng(seed).normal(0, 1, (6, 4))
    np.testing.assert_allclose(spectral_norm(W), np.linalg.norm(W, 2), rtol=1e-12)


def test_spectral_norms_of_sparse_matrices(monkeypatch):
    monkeypatch.setattr(cell_bounds, "SPARSE", 100)
    W = random_sparse(150, 0.1, rng=np.random.default_rng(4))
    np.testing.assert_allclose(spectral_norm(W), np.linalg.norm(W.toarray(), 2), rtol=1e-9)
    small = random_reservoir("csr").W
    np.testing.assert_allclose(spectral_norm(small), np.linalg.norm(small.toarray(), 2))
    assert spectral_norm(np.zeros((3, 3))) == 0.0


def test_a_path_without_steps():
    with pytest.raises(DataError, match="the path has no step"):
        growth_bounds([])


# ---- verdicts


def of_exponent(exponent, error=0.001):
    return LyapunovSpectrum(np.array([exponent]), np.array([error]), 100, np.array([[exponent]]))


@pytest.mark.parametrize(
    "exponent, error, horizon, regime, message",
    [
        (-0.1, 0.01, None, "VANISHING",
         "vanishing: a perturbation falls to 1/e in 10 steps (exponent -0.1 +- 0.01 a step)"),
        (0.5, 0.02, 50, "EXPLODING",
         "exploding: a perturbation grows by e in 2 steps (exponent +0.5 +- 0.02 a step)"),
        (-0.1, 0.06, None, "NEAR_CRITICAL",
         "near-critical: a change by e would take 10 steps (exponent -0.1 +- 0.06 a step)"),
        (0.01, 0.001, 50, "NEAR_CRITICAL",
         "near-critical: a change by e would take 100 steps (exponent +0.01 +- 0.001 a step)"),
        (0.01, np.nan, None, "EXPLODING",
         "exploding: a perturbation grows by e in 100 steps (exponent +0.01 a step)"),
        (0.0, 0.0, None, "NEAR_CRITICAL",
         "near-critical: a change by e would take inf steps (exponent +0 +- 0 a step)"),
        (-np.inf, 0.0, 10, "VANISHING", "vanishing: nothing of a perturbation is left"),
    ],
)  # fmt: skip
def test_verdicts_in_words(exponent, error, horizon, regime, message):
    found = verdict(of_exponent(exponent, error), horizon)
    assert found.regime is Regime[regime]
    assert found.message == message


@pytest.mark.parametrize("factor, regime", [(0.7, "VANISHING"), (1.0, "NEAR_CRITICAL"),
                                            (1.4, "EXPLODING")])  # fmt: skip
def test_verdicts_of_linear_networks(factor, regime):
    network = Network(RNN(5, "identity"), 1, 1)
    theta = network.initial(0)
    network.views(theta)["layers/0/W"][:] *= factor
    found = verdict(lyapunov_spectrum(network_path(network, theta, np.zeros((300, 1)))), 300)
    assert found.regime is Regime[regime]
    if factor != 1.0:
        np.testing.assert_allclose(found.time_scale, 1 / abs(np.log(factor)), rtol=1e-9)


@pytest.mark.parametrize("horizon", [0, -3, np.inf, np.nan])
def test_a_horizon_out_of_range(horizon):
    with pytest.raises(DataError, match="horizon must be a finite number above 0"):
        verdict(of_exponent(0.1), horizon)


# ---- the package


def test_every_public_name_is_there():
    for name in reservoir.analysis.__all__:
        assert getattr(reservoir.analysis, name).__name__ == name
    assert dir(reservoir.analysis) == sorted(reservoir.analysis.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        reservoir.analysis.nothing  # noqa: B018


def test_the_package_loads_nothing_until_it_is_asked_for():
    code = "import reservoir.analysis, sys; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_given_jacobians_have_a_verdict_too():
    assert verdict(lyapunov_spectrum([Given([np.diag([2.0, 0.1])] * 50)])).exponent > 0
