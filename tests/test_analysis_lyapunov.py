"""Lyapunov exponents: known truths, identities, and what the intervals may not change."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jacobian_cases import Given, network_like

from reservoir import ESNRegressor
from reservoir.analysis import (
    directions,
    esn_path,
    free_path,
    lyapunov_spectrum,
    map_path,
    network_path,
    step_jacobians,
)
from reservoir.analysis.block_means import MOST, BlockMeans
from reservoir.errors import DataError
from reservoir.rnn import GRU, LSTM, RNN, Network
from reservoir.tasks.lorenz import LYAPUNOV
from reservoir.weights import delay_line, orthogonal, semi_orthogonal

# ---- systems whose exponents are known


def test_logistic_map():
    start = np.random.default_rng(0).uniform(0.1, 0.9, (20, 1))
    found = lyapunov_spectrum(
        map_path(lambda x: 4 * x * (1 - x), lambda x, V: (4 - 8 * x)[..., None] * V, start, 2000)
    )
    assert found.steps == 20 * 2000
    np.testing.assert_allclose(found.exponents, np.log(2), rtol=2e-3)
    assert 0.0 < found.errors[0] < 0.01


def henon(s):
    x, y = np.moveaxis(s, -1, 0)
    return np.stack([1 - 1.4 * x * x + y, 0.3 * x], axis=-1)


def henon_tangent(s, V):
    x = s[..., :1]
    a, b = np.moveaxis(V, -2, 0)
    return np.stack([-2.8 * x * a + b, 0.3 * a], axis=-2)


def test_henon_map():
    start = np.random.default_rng(1).uniform(-0.1, 0.1, (200, 2))
    found = lyapunov_spectrum(map_path(henon, henon_tangent, start, 1500), count=2, transient=100)
    np.testing.assert_allclose(found.exponents[0], 0.419, atol=0.004)
    np.testing.assert_allclose(found.exponents.sum(), np.log(0.3), rtol=1e-12)  # it is exact
    np.testing.assert_allclose(found.dimension, 1.258, atol=0.004)


def flow(s):
    x, y, z = np.moveaxis(s, -1, 0)
    return np.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z], axis=-1)


def flow_tangent(s, V):
    x, y, z = (each[..., None] for each in np.moveaxis(s, -1, 0))
    a, b, c = np.moveaxis(V, -2, 0)
    return np.stack([10 * (b - a), (28 - z) * a - b - x * c, y * a + x * b - 8 / 3 * c], axis=-2)


STEP = 0.02


def runge_kutta(s):
    k1 = flow(s)
    k2 = flow(s + STEP / 2 * k1)
    k3 = flow(s + STEP / 2 * k2)
    return s + STEP / 6 * (k1 + 2 * k2 + 2 * k3 + flow(s + STEP * k3))


def runge_kutta_tangent(s, V):
    """The exact derivative of `runge_kutta`."""
    k1 = flow(s)
    k2 = flow(s + STEP / 2 * k1)
    k3 = flow(s + STEP / 2 * k2)
    V1 = flow_tangent(s, V)
    V2 = flow_tangent(s + STEP / 2 * k1, V + STEP / 2 * V1)
    V3 = flow_tangent(s + STEP / 2 * k2, V + STEP / 2 * V2)
    V4 = flow_tangent(s + STEP * k3, V + STEP * V3)
    return V + STEP / 6 * (V1 + 2 * V2 + 2 * V3 + V4)


def test_lorenz_63():
    rng = np.random.default_rng(2)
    start = np.array([0.0, 0.0, 25.0]) + rng.uniform(-15, 15, (100, 3))
    found = lyapunov_spectrum(
        map_path(runge_kutta, runge_kutta_tangent, start, 6000),
        count=3, transient=1000, duration=STEP,
    )  # fmt: skip
    np.testing.assert_allclose(found.exponents[0], LYAPUNOV, rtol=0.01)
    np.testing.assert_allclose(found.exponents[1], 0.0, atol=0.01)
    np.testing.assert_allclose(found.exponents.sum(), -41 / 3, rtol=5e-4)  # of the step
    np.testing.assert_allclose(found.dimension, 2.062, atol=0.002)


def test_orthogonal_weights_and_identity_have_exponents_of_0():
    network = Network(RNN(12, "identity"), 1, 1)
    found = lyapunov_spectrum(
        network_path(network, network.initial(0), np.zeros((300, 1))), count=12
    )
    np.testing.assert_allclose(found.exponents, 0.0, atol=1e-14)


def test_constant_jacobians_have_the_logarithms_of_their_eigenvalues():
    A = np.random.default_rng(3).normal(0, 1, (5, 5))
    found = lyapunov_spectrum([Given([A] * 4000)], count=5, transient=100)
    wanted = np.sort(np.log(np.abs(np.linalg.eigvals(A))))[::-1]
    np.testing.assert_allclose(found.exponents, wanted, atol=1e-3)


def test_a_free_running_network_has_the_exponents_of_what_it_has_learned():
    """The Henon map, from a series of it."""
    s, series = np.array([0.1, 0.0]), []
    for _ in range(2100):
        series.append(s)
        s = henon(s)
    u = np.array(series)[100:]
    model = (
        ESNRegressor(150, spectral_radius=0.1, input_scaling=0.5, ridge=1e-9, random_state=0)
        .fit(u)
        .model_
    )
    found = lyapunov_spectrum(free_path(model, u[:100], 4000), count=2, transient=100)
    np.testing.assert_allclose(found.exponents[0], 0.419, atol=0.03)
    assert found.exponents[1] < -0.5


# ---- identities


@pytest.mark.parametrize("cells", [RNN(4, leak_rate=0.4), LSTM(3), GRU(4), (RNN(3), GRU(2))])
def test_all_exponents_sum_to_the_mean_logarithm_of_the_determinant(cells):
    network = Network(cells, 2, 1)
    theta = network.initial(1)
    x = np.random.default_rng(4).normal(0, 1, (600, 2))
    jacobians = step_jacobians(network_path(network, theta, x))
    n = jacobians.shape[1]
    found = lyapunov_spectrum(network_path(network, theta, x), count=n)
    mean = np.linalg.slogdet(jacobians)[1].mean()
    np.testing.assert_allclose(found.exponents.sum(), mean, rtol=1e-7)
    assert (np.diff(found.exponents) <= 0).all()


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 60), st.floats(0, 4))
def test_intervals_change_nothing(n, count, T, saturation):
    """Not more than rounding, whatever the directions do between two orthogonalizations."""
    count = min(n, count)
    jacobians = network_like(np.random.default_rng(n + T), T, n, saturation, 2.0)
    found = lyapunov_spectrum([Given(jacobians)], count=count)
    Q, total = semi_orthogonal(n, count, rng=np.random.default_rng(0)), 0.0
    for J in jacobians:
        Q, R = np.linalg.qr(J @ Q)
        total = total + np.log(np.abs(np.diag(R)))
    np.testing.assert_allclose(found.exponents, np.sort(total / T)[::-1], atol=2e-6)


def test_directions_are_orthogonalized_only_as_often_as_they_part(monkeypatch):
    calls = []
    qr = np.linalg.qr
    monkeypatch.setattr(np.linalg, "qr", lambda V: calls.append(len(V)) or qr(V))
    lyapunov_spectrum([Given([orthogonal(6, rng=np.random.default_rng(5))] * 640)], count=6)
    slow = len(calls)
    assert slow <= 1 + 640 / directions.INTERVAL + 6
    calls.clear()
    lyapunov_spectrum([Given([np.diag([1.0, 1e-5])] * 640)], count=2)
    assert len(calls) > 600


def test_several_paths_are_one_mean_and_transients_are_left_out():
    rng = np.random.default_rng(6)
    one, other = (network_like(rng, T, 4, 1.0) for T in (30, 50))
    alone = [lyapunov_spectrum([Given(J)], count=2, transient=10) for J in (one, other)]
    both = lyapunov_spectrum([Given(one)], [Given(other)], count=2, transient=10)
    assert [each.steps for each in (*alone, both)] == [20, 40, 60]
    mean = (20 * alone[0].exponents + 40 * alone[1].exponents) / 60
    np.testing.assert_allclose(both.exponents, mean, rtol=1e-12)
    # the same directions arrive after the transient, which counts for nothing
    kicked = np.concatenate([one[:10], one[10:]])
    kicked[:10] *= 7.0
    same = lyapunov_spectrum([Given(kicked)], count=2, transient=10)
    np.testing.assert_allclose(same.exponents, alone[0].exponents, rtol=1e-9)


def test_conditional_exponents_of_an_echo_state_network():
    u = np.random.default_rng(7).normal(0, 1, (700, 1))
    model = ESNRegressor(30, spectral_radius=0.9, random_state=0).fit(u).model_
    found = lyapunov_spectrum(esn_path(model, u), count=3, transient=50)
    jacobians = step_jacobians(esn_path(model, u))
    push = np.random.default_rng(8).normal(0, 1, 30)
    logs = []
    for J in jacobians:
        push = J @ push
        logs.append(np.log(np.linalg.norm(push)))
        push /= np.linalg.norm(push)
    np.testing.assert_allclose(found.exponents[0], np.mean(logs[50:]), atol=0.003)
    assert found.exponents[0] < np.log(0.9)


@pytest.mark.parametrize("factor", [1e-200, 1e-13, 1e13, 1e200])
def test_no_step_leaves_the_range_of_floats(factor):
    jacobians = network_like(np.random.default_rng(10), 100, 3, 0.5)
    plain, scaled = (lyapunov_spectrum([Given(f * jacobians)], count=2) for f in (1.0, factor))
    np.testing.assert_allclose(scaled.exponents, plain.exponents + np.log(factor), rtol=1e-8)


def test_lost_directions_are_minus_infinity():
    W = delay_line(4, 0.5).toarray()
    found = lyapunov_spectrum([Given([W] * 9)], count=4)
    assert (found.exponents == -np.inf).all()
    assert (found.errors == 0.0).all()
    half = lyapunov_spectrum([Given([np.diag([2.0, 0.0, 0.0])] * 9)], count=3, transient=1)
    np.testing.assert_allclose(half.exponents, [np.log(2), -np.inf, -np.inf])


def test_memory_does_not_depend_on_the_number_of_steps():
    network = Network(RNN(40), 1, 1)
    theta, peaks = network.initial(0), []
    for T in (600, 600, 6000):
        x = np.zeros((T, 1))
        tracemalloc.start()
        lyapunov_spectrum(network_path(network, theta, x), count=5)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.2 * peaks[1]


def test_the_duration_of_a_step_divides_everything():
    jacobians = network_like(np.random.default_rng(11), 80, 3, 1.0)
    one, other = (lyapunov_spectrum([Given(jacobians)], count=2, duration=d) for d in (1.0, 0.25))
    for name in ("exponents", "errors", "block_means"):
        np.testing.assert_allclose(getattr(other, name), 4 * getattr(one, name), rtol=1e-12)


# ---- means of blocks


def test_means_of_blocks():
    rng = np.random.default_rng(9)
    values, means = rng.normal(3, 2, (20_000, 2)), BlockMeans(2)
    for row in values:
        means.add(row, 1)
    assert means.steps == 20_000
    np.testing.assert_allclose(means.mean(), values.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(means.error(), 2 / np.sqrt(20_000), rtol=0.2)
    assert MOST <= len(means.blocks()) <= 2 * MOST
    np.testing.assert_allclose(means.blocks()[0], values[:256].mean(axis=0), rtol=1e-12)


def test_the_error_of_two_blocks():
    means = BlockMeans(1)
    means.add(np.array([1.0]), 1)
    means.add(np.array([4.0]), 1)
    np.testing.assert_allclose(means.error(), np.std([1, 4], ddof=1) / np.sqrt(2))


def test_one_block_has_no_error():
    means = BlockMeans(1)
    means.add(np.array([4.0]), 2)
    assert np.isnan(means.error()).all()
    np.testing.assert_array_equal(means.mean(), [2.0])


# ---- bad input


@pytest.mark.parametrize(
    "options, message",
    [
        ({"count": 0}, "count must be a whole number of at least 1"),
        ({"count": 4}, "count must be at most 3, got 4"),
        ({"transient": -1}, "transient must be a whole number of at least 0"),
        ({"transient": 5}, "no path is longer than the transient of 5 steps"),
        ({"duration": 0.0}, "duration must be a finite number above 0, got 0.0"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(DataError) as error:
        lyapunov_spectrum([Given(np.ones((5, 3, 3)))], **options)
    assert str(error.value).startswith(message)


def test_jacobians_that_are_not_finite():
    jacobians = np.ones((50, 3, 3))
    jacobians[41, 1, 1] = np.nan
    with pytest.raises(DataError, match="the Jacobian of step 41 is not finite, or overflows"):
        lyapunov_spectrum([Given(jacobians)])
