"""Problems of plain functions and of residuals against dense matrices and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from optimizer_cases import Rosenbrock
from scipy import sparse
from scipy.sparse.linalg import aslinearoperator

from hfopt import (
    SGD,
    EmpiricalFisher,
    FunctionProblem,
    HessianFree,
    LeastSquares,
    Status,
    minimize,
)
from hfopt.adapters import difference_product

rosenbrock = Rosenbrock()
A = np.diag([1.0, 4.0, 9.0])


def quadratic(x):
    return 0.5 * x @ A @ x, A @ x


def curve(theta, batch):
    """Residuals of a exp(-b t) on data (t, y)."""
    t, y = batch
    return theta[0] * np.exp(-theta[1] * t) - y


def curve_jacobian(theta, batch):
    t, _ = batch
    decay = np.exp(-theta[1] * t)
    return np.stack([decay, -theta[0] * t * decay], axis=1)


def push(theta, v, batch):
    return curve_jacobian(theta, batch) @ v


def pull(theta, u, batch):
    return curve_jacobian(theta, batch).T @ u


FORMS = {
    "dense": LeastSquares(curve, curve_jacobian, batched=True),
    "sparse": LeastSquares(curve, lambda *a: sparse.csr_array(curve_jacobian(*a)), batched=True),
    "operator": LeastSquares(curve, lambda *a: aslinearoperator(curve_jacobian(*a)), batched=True),
    "products": LeastSquares.from_products(curve, push, pull, batched=True),
}
t = np.linspace(0.0, 3.0, 11)
DATA = t, 2.5 * np.exp(-1.3 * t)
THETA = np.array([1.0, 0.5])


@pytest.mark.parametrize("form", FORMS)
def test_residuals_against_the_dense_jacobian(form):
    problem = FORMS[form]
    r, J = curve(THETA, DATA), curve_jacobian(THETA, DATA)
    found = problem.gradient(THETA, DATA)
    linear = problem.linearize(THETA, DATA)
    assert problem.value(THETA, DATA) == found.value == linear.value
    np.testing.assert_allclose(found.value, 0.5 * r @ r, rtol=1e-14)
    np.testing.assert_allclose(found.gradient, J.T @ r, rtol=1e-12)
    np.testing.assert_allclose(
        linear.operator(0.3) @ np.eye(2), J.T @ J + 0.3 * np.eye(2), rtol=1e-12
    )
    u, v = np.random.default_rng(0).standard_normal((11, 1)), np.array([0.3, -2.0])
    forward = (linear.jvp(v).outputs * u).sum()
    np.testing.assert_allclose(forward, linear.vjp(u) @ v, rtol=1e-12)


@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_squares_of_single_residuals(form):
    r, J = curve(THETA, DATA), curve_jacobian(THETA, DATA)
    squares = FORMS[form].gradient(THETA, DATA, squares=True).squares
    np.testing.assert_allclose(squares, ((J * r[:, None]) ** 2).sum(0), rtol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_a_curve_is_fitted(form):
    result = minimize(
        FORMS[form], THETA, HessianFree(gradient_tolerance=1e-10), [DATA], max_steps=60
    )
    assert result.status is Status.CONVERGED
    np.testing.assert_allclose(result.x, [2.5, 1.3], rtol=1e-8)


def test_rosenbrock_as_residuals():
    problem = LeastSquares(rosenbrock.residual, rosenbrock.jacobian)
    optimizer = HessianFree(damping=1.0, gradient_tolerance=1e-8)
    result = minimize(problem, rosenbrock.start, optimizer, [None], max_steps=100)
    assert result.success
    np.testing.assert_allclose(result.x, [1.0, 1.0], rtol=1e-7)
    again = minimize(rosenbrock, rosenbrock.start, optimizer, [1.0], max_steps=100)
    assert result.nit == again.nit
    np.testing.assert_allclose(result.fun, again.fun, atol=1e-15)


def test_functions_against_the_matrix():
    problem = FunctionProblem(quadratic, lambda x, v: A @ v)
    x = np.array([1.0, -2.0, 0.5])
    linear = problem.linearize(x)
    assert problem.value(x) == quadratic(x)[0] == linear.value
    assert np.array_equal(linear.gradient, A @ x)
    np.testing.assert_allclose(linear.operator(0.5) @ np.eye(3), A + 0.5 * np.eye(3))


def test_a_quadratic_takes_few_steps():
    problem = FunctionProblem(quadratic, lambda x, v: A @ v, value=lambda x: quadratic(x)[0])
    optimizer = HessianFree(damping=0.0, gradient_tolerance=1e-10)
    result = minimize(problem, [1.0, 1.0, 1.0], optimizer, [None])
    assert result.success
    assert result.nit <= 4


def test_functions_of_a_batch():
    def both(x, batch):
        return 0.5 * batch * x @ x, batch * x

    problem = FunctionProblem(
        both, lambda x, v, batch: batch * v, value=lambda x, batch: both(x, batch)[0], batched=True
    )
    x = np.array([3.0, 4.0])
    assert problem.value(x, 2.0) == 25.0
    assert np.array_equal(problem.gradient(x, 2.0).gradient, 2.0 * x)
    assert np.array_equal(problem.linearize(x, 2.0).operator().matvec(np.ones(2)), [2.0, 2.0])
    differences = difference_product(both)
    np.testing.assert_allclose(differences(x, np.ones(2), 2.0), [2.0, 2.0], rtol=1e-9)


def test_differences_of_gradients_are_products_with_the_hessian():
    def both(x):
        return np.cosh(x).sum() + x[0] * x[1], np.sinh(x) + x[[1, 0]]

    x, v = np.array([0.3, -1.2]), np.array([100.0, 7.0])
    H = np.diag(np.cosh(x)) + np.array([[0.0, 1.0], [1.0, 0.0]])
    product = difference_product(both)
    np.testing.assert_allclose(product(x, v), H @ v, rtol=1e-8)
    assert np.array_equal(product(x, np.zeros(2)), np.zeros(2))
    problem = FunctionProblem(both, product)
    result = minimize(problem, x, HessianFree(gradient_tolerance=1e-6), [None])
    assert result.success


def test_first_order_needs_no_product():
    problem = FunctionProblem(quadratic)
    result = minimize(problem, [1.0, 1.0, 1.0], SGD(0.1), [None], max_steps=50)
    assert result.fun < 1e-4
    with pytest.raises(ValueError, match="this optimizer needs curvature products"):
        minimize(problem, [1.0, 1.0, 1.0], HessianFree(), [None])


def test_what_is_not_known_is_refused():
    plain = FunctionProblem(quadratic, lambda x, v: A @ v)
    with pytest.raises(ValueError, match="structural damping needs states"):
        minimize(plain, np.ones(3), HessianFree(structural=0.1), [None])
    with pytest.raises(ValueError, match="structural damping needs states"):
        minimize(FORMS["dense"], THETA, HessianFree(structural=0.1), [DATA])
    fisher = HessianFree(preconditioner=EmpiricalFisher())
    with pytest.raises(ValueError, match="gives their sum alone"):
        minimize(plain, np.ones(3), fisher, [None])
    with pytest.raises(ValueError, match="given by products alone"):
        minimize(FORMS["products"], THETA, fisher, [DATA])


@pytest.mark.parametrize(
    "both, message",
    [
        (lambda x: 1.0, "must return a pair"),
        (lambda x: (np.ones(2), x), "the value of value_and_gradient must return one number"),
        (lambda x: (1j, x), "must return real numbers, got complex128"),
        (lambda x: (1.0, x[:2]), r"must return a vector of 3 numbers, got shape \(2,\)"),
        (lambda x: (1.0, [x, [1.0]]), "must return real numbers"),
    ],
)
def test_functions_that_return_something_else(both, message):
    with pytest.raises(ValueError, match=message):
        FunctionProblem(both).gradient(np.ones(3))


def test_residuals_that_return_something_else():
    x = np.ones(2)
    with pytest.raises(ValueError, match=r"residual must return a vector, got shape \(1, 2\)"):
        LeastSquares(lambda x: x[None], np.diag).value(x)
    with pytest.raises(ValueError, match=r"2 residuals by 2 parameters, got \(2, 1\)"):
        LeastSquares(lambda x: x, lambda x: x[:, None]).gradient(x)
    with pytest.raises(ValueError, match="jacobian must return real numbers, got complex128"):
        LeastSquares(lambda x: x, lambda x: 1j * np.eye(2)).gradient(x)
    wrong = LeastSquares.from_products(lambda x: x, lambda x, v: v[:1], lambda x, u: u[:1])
    with pytest.raises(ValueError, match="vjp must return a vector of 2 numbers"):
        wrong.gradient(x)
    product = FunctionProblem(lambda x: (1.0, x), lambda x, v: v[:1])
    with pytest.raises(ValueError, match="product must return a vector of 2 numbers"):
        product.linearize(x).operator().matvec(x)


def test_numbers_that_are_not_finite_end_with_a_name():
    problem = LeastSquares(lambda x: x * np.inf, lambda x: np.eye(2))
    result = minimize(problem, np.ones(2), HessianFree(max_rejections=2), [None])
    assert result.status is Status.NOT_FINITE
