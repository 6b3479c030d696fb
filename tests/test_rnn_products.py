"""Dense matrices: what products with all unit vectors make, against those of the slow twin.

Gauss-Newton matrix, each structural term, both Jacobians and Hessian; what iterative solvers of
SciPy find with them.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import naive_trained as slow
import numpy as np
import pytest
from scipy.sparse.linalg import cg, eigsh
from trained_cases import LOSSES, SINGLE, STACKED, STRUCTURAL, Case, apart, in_slow_order, make

from hfopt.gauss_newton import GaussNewton
from reservoir.rnn import LSTM, NetworkLinearization

NEAR = 1e-9
CASES = {
    "tanh": ("every", "zero"),
    "logistic leaks": ("weights", "learned"),
    "relu learned": ("mask", "given for learned"),
    "identity learned": ("last", "learned"),
    "lstm": ("mask", "given"),
    "lstm 1997": ("last weights", "learned"),
    "gru before": ("weights", "zero"),
    "gru after": ("every", "learned"),
    "lstm lstm": ("every", "learned"),
    "gru gru": ("mask", "zero"),
    "lstm rnn gru": ("weights", "learned"),
}


class Dense(NamedTuple):
    """A case and its matrices, by the slow twin."""

    case: Case
    linearization: NetworkLinearization
    J: np.ndarray  # of the outputs (n M, P)
    H_L: np.ndarray
    states: slow.Damped  # Jacobians
    total: float


@cache
def dense(name):
    number = list(CASES).index(name)
    where, start = CASES[name]
    cells = {**SINGLE, **STACKED}[name]
    lengths = (3, 0, 4, 1) if not where.startswith("last") else (3, 5, 1)
    case = make(
        cells, LOSSES[number % 4], where, start, lengths=lengths, outputs=2, seed=20 + number
    )
    network, theta, batch, sequences = case
    linearization = network.linearize(theta, batch, segment=2 if number % 2 else None)
    J, H_L, states = (
        function(network, theta, sequences)
        for function in (slow.jacobian, slow.loss_hessian, slow.state_jacobian)
    )
    return Dense(case, linearization, J, H_L, states, slow.total_weight(sequences))


def gauss_newton(of, damping, structural):
    """As `slow.gauss_newton`, from matrices computed once; a test holds the two together."""
    S, (s, nu, kappa) = of.states, np.array(structural) / of.total
    G = of.J.T @ of.H_L @ of.J + damping * np.eye(of.J.shape[1])
    return (
        G
        + s * S.preactivations.T @ (S.diagonal[:, None] * S.preactivations)
        + nu * S.h.T @ S.h
        + kappa * S.c.T @ S.c
    )


def columns(operator):
    return np.stack([operator @ unit for unit in np.eye(operator.shape[1])], axis=1)


def test_gauss_newton_of_kept_matrices_is_that_of_the_slow_twin():
    of = dense("lstm rnn gru")
    expected = slow.gauss_newton(
        of.case.network, of.case.theta, of.case.sequences, 0.2, *STRUCTURAL["all"]
    )
    assert apart(gauss_newton(of, 0.2, STRUCTURAL["all"]), expected) < 1e-13


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("structural", STRUCTURAL)
def test_gauss_newton_matrix(name, structural):
    """Column by column J' H_L J and each structural term, alone and with the others."""
    of, coefficients = dense(name), STRUCTURAL[structural]
    expected = gauss_newton(of, 0.0, coefficients)
    fused = columns(of.linearization.operator(0.0, coefficients))
    assert apart(fused, expected) < NEAR
    v = np.random.default_rng(1).normal(0, 1, (len(fused), 2))
    composed = GaussNewton(of.linearization, 0.0, coefficients) @ v
    assert apart(composed, expected @ v) < NEAR
    damped = of.linearization.operator(0.3, coefficients) @ v
    assert apart(damped, expected @ v + 0.3 * v) < NEAR
    assert apart(fused, fused.T) < 1e-12
    assert np.linalg.eigvalsh((fused + fused.T) / 2).min() > -1e-12 * np.abs(fused).max()
    if structural in ("preactivations", "h"):
        bare = gauss_newton(of, 0.0, STRUCTURAL["none"])
        assert apart(fused, bare) > 1e-3, "structural damping does nothing"
    elif structural == "c" and not any(isinstance(cell, LSTM) for cell in of.case.network.cells):
        bare = columns(of.linearization.operator())
        np.testing.assert_array_equal(fused, bare)  # no cell has a c


def test_a_number_damps_the_preactivations():
    linearization = dense("gru gru").linearization
    v = np.ones(linearization.size)
    number, record = (
        linearization.operator(0.0, s) @ v for s in (0.7, STRUCTURAL["preactivations"])
    )
    np.testing.assert_array_equal(number, record)


@pytest.mark.parametrize("name", CASES)
def test_jacobians(name):
    """Of outputs and states: J column by column, J' row by row."""
    of = dense(name)
    linearization = of.linearization
    J_states = np.concatenate([of.states.preactivations, of.states.h, of.states.c])
    for k, unit in enumerate(np.eye(linearization.size)):
        tangent = linearization.jvp(unit)
        assert apart(tangent.outputs.ravel(), of.J[:, k]) < NEAR or not of.J[:, k].any()
        found = np.concatenate(in_slow_order(of.case, tangent.states))
        np.testing.assert_allclose(found, J_states[:, k], rtol=0, atol=NEAR)
    rows, columns_ = len(of.J) // of.case.network.outputs, of.case.network.outputs
    for k, unit in enumerate(np.eye(len(of.J))):
        found = linearization.vjp(unit.reshape(rows, columns_))
        assert apart(found, of.J[k]) < NEAR
    nothing = np.zeros((rows, columns_))
    order = np.concatenate(in_slow_order(of.case, np.arange(float(len(J_states)))))
    for k in range(0, len(J_states), 3):
        unit = np.zeros(len(J_states))
        unit[int(order[k])] = 1
        np.testing.assert_allclose(linearization.vjp(nothing, unit), J_states[k], rtol=0, atol=NEAR)


@pytest.mark.parametrize("name", CASES)
def test_curvatures_of_loss_and_states(name):
    of = dense(name)
    rows, M = len(of.J) // of.case.network.outputs, of.case.network.outputs
    found = [
        of.linearization.loss_curvature(unit.reshape(rows, M)).ravel() for unit in np.eye(rows * M)
    ]
    assert apart(found, of.H_L) < NEAR
    S = of.states
    expected = (0.3 * S.diagonal, np.full(len(S.h), 0.2), np.full(len(S.c), 0.5))
    ones = np.ones(len(S.diagonal) + len(S.h) + len(S.c))
    D = of.linearization.state_curvature(ones, STRUCTURAL["all"])
    for found_part, part in zip(in_slow_order(of.case, D), expected, strict=True):
        assert apart(found_part, part / of.total) < NEAR


@pytest.mark.parametrize("name", ["logistic leaks", "lstm", "gru after", "lstm rnn gru"])
def test_hessian_matrix(name):
    """The exact one; with a residual it is not the Gauss-Newton matrix."""
    of = dense(name)
    expected = slow.hessian(of.case.network, of.case.theta, of.case.sequences)
    found = columns(of.linearization.hessian())
    assert apart(found, expected) < NEAR
    assert apart(found, found.T) < 1e-12
    assert apart(found, gauss_newton(of, 0.0, STRUCTURAL["none"])) > 1e-3


@pytest.mark.parametrize("name", ["tanh", "lstm", "gru before", "lstm rnn gru"])
def test_scipy_solves_and_finds_eigenvalues(name):
    of = dense(name)
    structural = STRUCTURAL["all"]
    operator = of.linearization.operator(0.5, structural)
    G = gauss_newton(of, 0.5, structural)
    b = -of.linearization.gradient
    x, left = cg(operator, b, rtol=1e-12, maxiter=500)
    assert left == 0
    assert apart(x, np.linalg.solve(G, b)) < 1e-8
    values = np.linalg.eigvalsh(G)
    largest = eigsh(operator, 2, which="LA", return_eigenvectors=False)
    assert apart(np.sort(largest), values[-2:]) < NEAR
    smallest = eigsh(operator, 1, which="SA", return_eigenvectors=False, ncv=len(b))
    assert apart(smallest, values[:1]) < 1e-7
    H = slow.hessian(of.case.network, of.case.theta, of.case.sequences)
    ends = eigsh(of.linearization.hessian(), 2, which="BE", return_eigenvectors=False)
    assert apart(np.sort(ends), np.linalg.eigvalsh(H)[[0, -1]]) < 1e-7
    assert operator.T @ b == pytest.approx(operator @ b, rel=0)
    block = np.stack([b, 2 * b], axis=1)
    assert apart(operator @ block, G @ block) < NEAR
