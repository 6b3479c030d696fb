"""The composed Gauss-Newton product against a dense one, and as an operator of SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.sparse.linalg import cg, eigsh

from hfopt import LOSSES, GaussNewton, Structural, Tangent, as_structural

ROWS, OUTPUTS, PARAMETERS = 5, 3, 7
KINDS = ("preactivations", "h", "c")  # one state of each row for each kind


class Toy:
    """Rows o = V tanh(A theta), with dense Jacobians; the states are A theta and two functions."""

    def __init__(self, name="softmax_cross_entropy", seed=0):
        rng = np.random.default_rng(seed)
        self.loss, self.size = LOSSES[name], PARAMETERS
        theta = rng.standard_normal(PARAMETERS)
        A = rng.standard_normal((ROWS, 4, PARAMETERS))
        V = rng.standard_normal((OUTPUTS, 4))
        h = np.tanh(A @ theta)  # h: (ROWS, 4)
        self.mean = self.loss.mean(h @ V.T)
        self.targets = np.eye(OUTPUTS)[rng.integers(0, OUTPUTS, ROWS)]
        self.weights = np.array([0.5, 1.0, 0.0, 2.0, 1.5])
        slopes = (1.0 - h**2)[:, :, None] * A
        self.J = np.einsum("mk,rkp->rmp", V, slopes)  # J: (ROWS, OUTPUTS, P)
        self.J_s = np.concatenate([A[:, 0], slopes[:, 1], 0.5 * slopes[:, 2]])  # (3 ROWS, P)
        self.diagonal = rng.random(3 * ROWS)
        self.buffer = np.empty(PARAMETERS)

    @property
    def gradient(self):
        error = self.loss.gradient(self.mean, self.targets) * self.weights[:, None]
        return np.einsum("rmp,rm->p", self.J, error) / self.weights.sum()

    def jvp(self, v):
        return Tangent(self.J @ v, self.J_s @ v)

    def vjp(self, outputs, states=None):
        np.einsum("rmp,rm->p", self.J, outputs, out=self.buffer)
        if states is not None:
            self.buffer += self.J_s.T @ states
        return self.buffer

    def loss_curvature(self, outputs):
        return (
            self.loss.curvature(self.mean, outputs) * (self.weights / self.weights.sum())[:, None]
        )

    def state_curvature(self, states, structural):
        strengths = np.repeat(structural, ROWS)
        return strengths * self.diagonal * states / self.weights.sum()

    def dense(self, damping, coefficients):
        """J' H_L J, structural part and damping, entry by entry from their definitions."""
        G = damping * np.eye(PARAMETERS)
        total = self.weights.sum()
        for row in range(ROWS):
            p = self.mean[row]
            H = {
                "squared_error": np.eye(OUTPUTS),
                "logistic_cross_entropy": np.diag(p * (1 - p)),
                "softmax_cross_entropy": np.diag(p) - np.outer(p, p),
            }[self.loss.name]
            G += self.weights[row] / total * self.J[row].T @ H @ self.J[row]
        for kind in range(3):
            for state in range(kind * ROWS, (kind + 1) * ROWS):
                along = np.outer(self.J_s[state], self.J_s[state])
                G += coefficients[kind] * self.diagonal[state] / total * along
        return G


@pytest.mark.parametrize("damping", [0.0, 0.3])
@pytest.mark.parametrize(
    "structural, coefficients",
    [
        (0.0, (0, 0, 0)),
        (0.7, (0.7, 0, 0)),
        (Structural(), (0, 0, 0)),
        (Structural(h=0.2), (0, 0.2, 0)),
        (Structural(0.1, 2.0, 0.5), (0.1, 2.0, 0.5)),
    ],
)
@pytest.mark.parametrize("name", LOSSES)
def test_against_the_dense_matrix(name, structural, coefficients, damping):
    toy = Toy(name)
    G = GaussNewton(toy, damping, structural)
    assert G.shape == (PARAMETERS, PARAMETERS)
    assert G.dtype == np.float64
    np.testing.assert_allclose(
        G @ np.eye(PARAMETERS), toy.dense(damping, coefficients), rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize("name", LOSSES)
def test_symmetric_and_positive_semidefinite(name):
    G = GaussNewton(Toy(name, seed=1), 0.0, Structural(0.1, 0.1, 0.1))
    dense = G @ np.eye(PARAMETERS)
    np.testing.assert_allclose(dense, dense.T, rtol=1e-13, atol=1e-15)
    assert np.linalg.eigvalsh(dense).min() > -1e-15
    assert G.H is G
    assert G.T is G
    v = np.random.default_rng(0).standard_normal(PARAMETERS)
    assert np.array_equal(G.rmatvec(v), G.matvec(v))


def test_conjugate_gradients_and_eigenvalues():
    toy = Toy()
    G, dense = GaussNewton(toy, 0.1, 0.2), toy.dense(0.1, (0.2, 0, 0))
    x, ending = cg(G, -toy.gradient, rtol=1e-12)
    assert ending == 0
    np.testing.assert_allclose(x, np.linalg.solve(dense, -toy.gradient), rtol=1e-9)
    largest = eigsh(G, k=2, return_eigenvectors=False)
    np.testing.assert_allclose(np.sort(largest), np.linalg.eigvalsh(dense)[-2:], rtol=1e-10)


def test_states_without_damping_are_left_alone():
    class Stateless(Toy):
        def state_curvature(self, states, structural):
            raise AssertionError("not needed")

        def vjp(self, outputs, states=None):
            assert states is None
            return super().vjp(outputs)

    toy = Stateless()
    v = np.arange(PARAMETERS, dtype=float)
    product = GaussNewton(toy, 0.5).matvec(v)
    np.testing.assert_allclose(product, toy.dense(0.5, (0, 0, 0)) @ v, rtol=1e-12)


@pytest.mark.parametrize("damping", [0.0, 0.5])
def test_products_are_arrays_of_their_own(damping):
    G = GaussNewton(Toy(), damping)  # the toy writes every product into one buffer
    first, second = np.eye(PARAMETERS)[:2]
    first.flags.writeable = False
    product = G.matvec(first)
    kept = product.copy()
    G.matvec(second)
    assert np.array_equal(product, kept)
    assert not np.shares_memory(product, first)


def test_forms_of_vectors():
    G = GaussNewton(Toy(), 0.5)
    v = np.arange(PARAMETERS)
    expected = G.matvec(v.astype(np.float64))
    assert np.array_equal(G.matvec(v), expected)
    single = G.matvec(v.astype(np.float32))
    assert single.dtype == np.float64
    assert np.array_equal(single, expected)
    column = G.matvec(v[:, None])
    assert column.shape == (PARAMETERS, 1)
    assert np.array_equal(column[:, 0], expected)


def test_what_is_not_finite_comes_out():
    v = np.ones(PARAMETERS)
    v[3] = math.nan
    assert np.isnan(GaussNewton(Toy(), 0.5).matvec(v)[3])
    huge = np.full(PARAMETERS, 1e300)
    assert np.isinf(GaussNewton(Toy(), 1e10).matvec(huge)).all()


BAD = [-0.1, math.nan, math.inf, -math.inf, 10**400, True, None, "0.1", 0.1j, (0.1, 0.0, 0.0)]


@pytest.mark.parametrize("bad", BAD)
def test_bad_coefficients(bad):
    rule = "must be a finite number of at least 0, got"
    with pytest.raises(ValueError, match=f"^damping {rule}"):
        GaussNewton(Toy(), bad)
    with pytest.raises(ValueError, match=f"^structural {rule}"):
        GaussNewton(Toy(), 0.1, bad)
    for kind in KINDS:
        with pytest.raises(ValueError, match=f"^structural.{kind} {rule}"):
            GaussNewton(Toy(), 0.1, Structural(**{kind: bad}))


def test_bad_vectors():
    G = GaussNewton(Toy())
    with pytest.raises(ValueError, match="must be real; it is complex128"):
        G.matvec(np.full(PARAMETERS, 1j))
    with pytest.raises(ValueError, match="mismatch"):
        G.matvec(np.ones(PARAMETERS + 1))


def test_a_number_acts_on_the_preactivations():
    for number in (2, np.float32(2.0), 2.0):
        structural = as_structural(number)
        assert structural == Structural(preactivations=2.0, h=0.0, c=0.0)
        assert all(type(coefficient) is float for coefficient in structural)
    assert as_structural(Structural(1, 2, 3)) == Structural(1.0, 2.0, 3.0)
