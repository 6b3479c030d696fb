"""Singular values and eigenvalues of long products of Jacobians, against mpmath and identities."""

from __future__ import annotations

import json

import numpy as np
import pytest
import reference_products as reference
from hypothesis import given
from hypothesis import strategies as st
from jacobian_cases import Given, cases, network_like, spectra

from reservoir.analysis import jacobian_spectra, network_path
from reservoir.analysis.jacobians import eigenvalues, singular_values
from reservoir.analysis.products import products
from reservoir.errors import DataError
from reservoir.kernels.graded import MOST_SWEEPS, graded_qr, orthogonalize_rows
from reservoir.rnn import LSTM, RNN, Network
from reservoir.weights import delay_line, orthogonal

CASES = cases()


def of_given(jacobians, lags=None):
    return jacobian_spectra([Given(jacobians)], lags or [len(jacobians)])


def assert_phases(found, expected, atol=1e-9):
    """Equal angles, whatever the sign of the imaginary part of a pair, and -pi is pi."""
    np.testing.assert_allclose(np.cos(found), np.cos(expected), atol=atol)


# ---- against exact arithmetic


@pytest.mark.parametrize("kind, cell", [("RNN", RNN(8)), ("LSTM", LSTM(8))])
def test_networks_of_8_units_over_2000_steps(kind, cell):
    """The states are those of the kernels, the exact ones those of the slow twin."""
    _, theta, x = reference.case(kind)
    found = jacobian_spectra(network_path(Network(cell, 2, 1), theta, x), [2000])
    expected = json.loads(reference.FILE.read_text())[kind]
    assert expected["singular"][0] - expected["singular"][-1] > 5000  # far beyond floats
    np.testing.assert_allclose(found.log_singular_values[0], expected["singular"], atol=1e-8)
    np.testing.assert_allclose(found.log_moduli[0], expected["moduli"], atol=1e-8)
    assert_phases(found.phases[0], expected["phases"])


def test_the_written_reference_is_what_its_program_finds():
    network, theta, x = reference.case("RNN", steps=12, units=3)
    factors = reference.jacobians(network, theta, x)
    found = jacobian_spectra(network_path(Network(RNN(3), 2, 1), theta, x), [12])
    singular, moduli, _ = reference.exact(factors, 60)
    np.testing.assert_allclose(found.log_singular_values[0], singular, atol=1e-11)
    np.testing.assert_allclose(found.log_moduli[0], moduli, atol=1e-11)


@pytest.mark.parametrize("name", CASES)
def test_products_of_every_kind(name):
    jacobians, digits = CASES[name]
    found = of_given(jacobians)
    singular, moduli, phases = spectra(jacobians, digits)
    # A Jordan block is the one ill conditioned case: the square root of the rounding is its due.
    atol = 1e-6 if name == "of a Jordan block" else 1e-10
    np.testing.assert_allclose(found.log_singular_values[0], singular, atol=1e-10)
    np.testing.assert_allclose(found.log_moduli[0], moduli, atol=atol)
    order, wanted = (np.lexsort((np.cos(p), m.round(4))) for p, m in
                     ((found.phases[0], found.log_moduli[0]), (phases, moduli)))  # fmt: skip
    assert_phases(found.phases[0][order], phases[wanted], max(atol, 1e-9))
    np.testing.assert_allclose(np.sin(found.phases).sum(), 0.0, atol=1e-9)  # of both of a pair


# ---- identities


@given(st.integers(1, 6), st.integers(1, 40), st.floats(0.1, 3), st.floats(1e-3, 1e3))
def test_both_spectra_have_the_determinant_of_the_product(n, T, saturation, gain):
    jacobians = network_like(np.random.default_rng(n + 10 * T), T, n, saturation, gain)
    found = of_given(jacobians)
    total = np.linalg.slogdet(jacobians)[1].sum()
    np.testing.assert_allclose(found.log_singular_values.sum(), total, rtol=1e-9, atol=1e-7)
    np.testing.assert_allclose(found.log_moduli.sum(), total, rtol=1e-9, atol=1e-7)


@pytest.mark.parametrize("lag", [1, 3, 10, 60])
def test_many_units(lag):
    """No pivot of the many may be small: that would cost all digits of the small eigenvalues."""
    jacobians = network_like(np.random.default_rng(12), lag, 80, 1.0, 2.0)
    found, total = of_given(jacobians), np.linalg.slogdet(jacobians)[1].sum()
    np.testing.assert_allclose(found.log_singular_values.sum(), total, atol=1e-10)
    np.testing.assert_allclose(found.log_moduli.sum(), total, atol=1e-10)
    assert found.log_moduli[0, 0] <= found.log_singular_values[0, 0]


def test_orthogonal_weights_and_identity_keep_every_direction_at_any_lag():
    network = Network(RNN(20, "identity"), 1, 1)
    theta = network.initial(3)
    W = network.views(theta)["layers/0/W"]
    np.testing.assert_allclose(W @ W.T, np.eye(20), atol=1e-14)
    path = network_path(network, theta, np.random.default_rng(0).normal(0, 1, (700, 1)))
    found = jacobian_spectra(path, [1, 2, 100, 700])
    np.testing.assert_allclose(found.log_singular_values, 0.0, atol=1e-12)
    np.testing.assert_allclose(found.log_moduli, 0.0, atol=1e-12)


def test_a_lag_is_what_it_is_in_a_pass_of_its_own():
    jacobians = network_like(np.random.default_rng(1), 30, 5, 1.0)
    together = of_given(jacobians, [1, 7, 30])
    for k, lag in enumerate(together.lags):
        alone = of_given(jacobians[:lag])
        np.testing.assert_array_equal(together.log_singular_values[k], alone.log_singular_values[0])
        np.testing.assert_array_equal(together.phases[k], alone.phases[0])


def test_short_products_are_those_of_numpy():
    jacobians = network_like(np.random.default_rng(2), 3, 6, 0.5)
    (product,) = products([Given(jacobians)], [3])
    dense = jacobians[2] @ jacobians[1] @ jacobians[0]
    np.testing.assert_allclose(product.dense(), dense, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(
        singular_values(product), np.log(np.linalg.svd(dense, compute_uv=False)), rtol=1e-10
    )
    moduli, phases = eigenvalues(product)
    np.testing.assert_allclose(
        np.sort_complex(np.exp(moduli + 1j * phases)),
        np.sort_complex(np.linalg.eigvals(dense)), atol=1e-11,
    )  # fmt: skip


def test_another_start_finds_the_same():
    jacobians = network_like(np.random.default_rng(3), 200, 5, 1.5)
    one, other = (next(products([Given(jacobians)], [200], random_state=s)) for s in (0, 1))
    np.testing.assert_allclose(singular_values(one), singular_values(other), atol=1e-10)
    np.testing.assert_allclose(eigenvalues(one)[0], eigenvalues(other)[0], atol=1e-10)


def test_the_cell_of_an_lstm_with_closed_gates_is_kept_at_any_lag():
    """The cell's own path: with f = 1 and i = o = 0, c is what it was, and h is lost."""
    network = Network(LSTM(3), 1, 1)
    theta = np.zeros(network.size)
    network.views(theta)["layers/0/b"][:] = np.array([-800.0, 800.0, -800.0, 0.0])[:, None]
    found = jacobian_spectra(network_path(network, theta, np.zeros((100, 1))), [1, 100])
    np.testing.assert_allclose(found.log_singular_values[:, :3], 0.0, atol=1e-13)
    assert (found.log_singular_values[:, 3:] == -np.inf).all()


# ---- directions that are lost


def test_a_delay_line_forgets_a_unit_a_step():
    W = delay_line(6, 0.8).toarray()
    found = of_given([W] * 7, [1, 2, 5, 6, 7])
    lost = np.isneginf(found.log_singular_values).sum(axis=1)
    np.testing.assert_array_equal(lost, [1, 2, 5, 6, 6])
    assert (found.log_moduli[-2:] == -np.inf).all()
    kept = found.log_singular_values[np.isfinite(found.log_singular_values)]
    np.testing.assert_allclose(kept[:5], np.log(0.8), atol=1e-12)


def test_units_at_rest_lose_directions():
    rng = np.random.default_rng(4)
    W, n = rng.normal(0, 1, (5, 5)), 5
    active = np.ones((6, n))
    active[2, [0, 3]] = 0.0
    active[4, 1] = 0.0
    found = of_given(active[:, :, None] * W, [2, 3, 6])
    np.testing.assert_array_equal(np.isneginf(found.log_singular_values).sum(axis=1), [0, 2, 2])
    product = np.linalg.multi_dot(list((active[:, :, None] * W)[::-1]))
    np.testing.assert_allclose(
        np.exp(found.log_singular_values[2, :3]),
        np.linalg.svd(product, compute_uv=False)[:3], rtol=1e-9,
    )  # fmt: skip
    np.testing.assert_allclose(
        np.sort(np.exp(found.log_moduli[2, :3])),
        np.sort(np.abs(np.linalg.eigvals(product)))[2:], rtol=1e-8,
    )  # fmt: skip


def test_a_product_of_nothing_but_zeros():
    found = of_given(np.zeros((3, 4, 4)))
    assert (found.log_singular_values == -np.inf).all()
    assert (found.log_moduli == -np.inf).all()
    assert (found.phases == 0.0).all()


@pytest.mark.parametrize("coupling, atol", [(1e-3, 1e-10), (1e-8, 1e-8), (1e-12, 1e-4)])
@pytest.mark.parametrize("steps", [20, 400])
def test_directions_that_change_their_order_late(steps, coupling, atol):
    """As of units that are hardly coupled, and remember at different times.

    Rounding couples them too, so that its ratio to their coupling is the error.
    """
    rng = np.random.default_rng(9)
    mix = coupling * rng.normal(0, 1, (4, 4))
    mix[3] = mix[:, 3] = 0.0
    first, then = (np.diag([*np.exp(a), 0.0]) for a in ([-1.0, 0.0, -0.5], [0.0, -3.0, -0.5]))
    jacobians = np.array([first + mix] * steps + [then + mix] * steps)
    found = of_given(jacobians)
    singular, moduli, _ = spectra(jacobians[:, :3, :3], 60 + 3 * steps)
    assert (found.log_singular_values[0, 3], found.log_moduli[0, 3]) == (-np.inf, -np.inf)
    np.testing.assert_allclose(found.log_singular_values[0, :3], singular, atol=atol)
    np.testing.assert_allclose(found.log_moduli[0, :3], moduli, atol=atol)


def test_directions_that_do_not_mix_stay_in_range():
    """Rounding may mix them, but nothing overflows and the volume is what it is."""
    first, then = np.diag(np.exp([-1.0, 0.0])), np.diag(np.exp([0.0, -3.0]))
    found = of_given([first] * 900 + [then] * 900)
    np.testing.assert_allclose(found.log_singular_values.sum(), -3600, rtol=1e-12)
    np.testing.assert_allclose(found.log_moduli.sum(), -3600, rtol=1e-12)


# ---- the kernels


@pytest.mark.parametrize(
    "logs", [[0, 0, 0, 0], [3, 1, -2, -5], [-5, 2, -1, 4], [200, 0, -50, -200]]
)
def test_graded_factors_multiply_to_the_matrix(logs):
    rng = np.random.default_rng(6)
    B, logs = rng.normal(0, 1, (4, 4)), np.array(logs, float)
    M, new, Q_T = B.copy(), logs.copy(), np.eye(4)
    graded_qr(new, M, Q_T)
    np.testing.assert_allclose(Q_T @ Q_T.T, np.eye(4), atol=1e-14)
    np.testing.assert_array_equal(np.tril(M, -1), 0.0)
    np.testing.assert_allclose(np.diag(M), 1.0, rtol=1e-15)
    expected = np.exp(logs)[:, None] * B
    found = Q_T.T @ (np.exp(new)[:, None] * M)
    scale = np.abs(expected).max(axis=1, keepdims=True)  # each row to its own precision
    np.testing.assert_allclose(found / scale, expected / scale, atol=1e-12)


def test_graded_factors_of_many_rows_keep_the_precision_of_each():
    n = 60
    B, logs = orthogonal(n, rng=np.random.default_rng(13)), np.linspace(0, -60, n)
    M, new, Q_T = B.copy(), logs.copy(), np.eye(n)
    graded_qr(new, M, Q_T)
    found = (np.exp(new - logs[:, None]) * Q_T.T) @ M  # row i over exp(logs_i)
    np.testing.assert_allclose(found, B, atol=1e-11)


def test_graded_factors_with_a_zero_in_the_pivot():
    M, logs, Q_T = np.array([[0.0, 2.0], [3.0, 1.0]]), np.array([800.0, -800.0]), np.eye(2)
    graded_qr(logs, M, Q_T)
    np.testing.assert_allclose(M, [[1.0, 1 / 3], [0.0, 1.0]])
    np.testing.assert_allclose(logs, [-800.0 + np.log(3), 800.0 + np.log(2)])
    np.testing.assert_allclose(np.abs(Q_T), [[0, 1], [1, 0]])


@pytest.mark.parametrize("rows, columns", [(1, 1), (1, 4), (3, 5), (40, 40)])
def test_rotated_rows_have_the_singular_values_for_lengths(rows, columns):
    B = np.random.default_rng(7).normal(0, 1, (rows, columns))
    logs = np.linspace(2, -2, rows)
    expected = np.linalg.svd(np.exp(logs)[:, None] * B, compute_uv=False)
    before, Q_T = np.exp(logs)[:, None] * B, np.eye(rows)
    assert orthogonalize_rows(logs, B, Q_T) <= MOST_SWEEPS
    np.testing.assert_allclose(np.sort(np.exp(logs))[::-1], expected, rtol=1e-11)
    np.testing.assert_allclose(B @ B.T, np.eye(rows), atol=1e-12)
    np.testing.assert_allclose(Q_T.T @ (np.exp(logs)[:, None] * B), before, atol=1e-12)


# ---- bad input


@pytest.mark.parametrize("lags", [[], [0], [2, 2], [3, 1], [-1, 4]])
def test_lags_that_do_not_rise(lags):
    with pytest.raises(DataError, match="lags must be rising whole numbers of at least 1"):
        of_given(np.ones((5, 2, 2)), lags or (0,))


def test_a_path_that_is_too_short():
    with pytest.raises(DataError, match="lags: 9 steps were asked for, the path has 5"):
        of_given(np.ones((5, 2, 2)), [4, 9])


def test_a_jacobian_that_is_not_finite():
    jacobians = np.ones((5, 2, 2))
    jacobians[3, 0, 1] = np.inf
    with pytest.raises(DataError, match="the Jacobian of step 3 is not finite"):
        of_given(jacobians)


def test_all_rows_alike_in_an_orthogonal_matrix():
    W = orthogonal(5, rng=np.random.default_rng(8))
    found = of_given([W] * 40)
    own = np.angle(np.linalg.eigvals(np.linalg.matrix_power(W, 40)))
    np.testing.assert_allclose(np.sort(np.cos(found.phases[0])), np.sort(np.cos(own)), atol=1e-11)
