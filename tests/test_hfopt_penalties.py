"""Penalties, frozen parameters and the fallback: problems around problems."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optimizer_cases import Quadratic, Rosenbrock

from hfopt import (
    L1,
    L2,
    SGD,
    EmpiricalFisher,
    Fallback,
    Gradient,
    HessianFree,
    Penalized,
    Restricted,
    Status,
    minimize,
    numbered,
)

QUADRATIC = Quadratic((1.0, 2.0, 5.0, 9.0))
THETA = np.array([0.3, -0.8, 0.0, 1e-4])
MIXED = (L2(0.3, [0, 2]), L1(0.7, [3, 1, 2]), L1(0.2, [0], smoothing=0.1))


def slow_penalty(theta):
    """The sum of the mixed penalties, number by number."""
    total = 0.3 / 2 * (theta[0] ** 2 + theta[2] ** 2)
    total += 0.7 * sum(math.sqrt(theta[i] ** 2 + 1e-6) - 1e-3 for i in (1, 2, 3))
    return total + 0.2 * (math.sqrt(theta[0] ** 2 + 0.01) - 0.1)


def differences(function, theta, h=1e-6):
    return np.array([
        (function(theta + h * e) - function(theta - h * e)) / (2 * h) for e in np.eye(theta.size)
    ])  # fmt: skip


def dense(operator):
    return operator @ np.eye(operator.shape[0])


def test_value_and_gradient_add_up():
    problem = Penalized(QUADRATIC, MIXED)
    found = problem.gradient(THETA, 2.0)
    assert found.value == problem.value(THETA, 2.0)
    assert found.value == pytest.approx(QUADRATIC.value(THETA, 2.0) + slow_penalty(THETA))
    assert problem.penalty(THETA) == pytest.approx(slow_penalty(THETA))
    expected = differences(lambda t: problem.value(t, 2.0), THETA)
    assert np.allclose(found.gradient, expected, rtol=1e-7, atol=1e-7)


def test_the_linearization_has_the_curvature():
    problem = Penalized(QUADRATIC, MIXED)
    at, inside = problem.linearize(THETA, 2.0), QUADRATIC.linearize(THETA, 2.0)
    assert at.value == problem.value(THETA, 2.0)
    assert np.array_equal(at.gradient, problem.gradient(THETA, 2.0).gradient)
    root = [np.hypot(THETA[0], 0.1), *np.hypot(THETA[1:], 1e-3)]
    diagonal = [0.3 + 0.2 / root[0], 0.7 / root[1], 0.3 + 0.7 / root[2], 0.7 / root[3]]
    operator = at.operator(0.5, 0.25)
    assert np.allclose(dense(operator), dense(inside.operator(0.5, 0.25)) + np.diag(diagonal))
    assert np.allclose(dense(operator.T), dense(operator).T)
    assert np.array_equal(dense(Penalized(QUADRATIC, ()).linearize(THETA, 2.0).operator(0.1)),
                          dense(inside.operator(0.1)))  # fmt: skip


def test_the_parts_of_the_product_pass_through():
    at, inside = Penalized(QUADRATIC, MIXED).linearize(THETA, 2.0), QUADRATIC.linearize(THETA, 2.0)
    tangent = at.jvp(THETA)
    assert np.array_equal(tangent.outputs, inside.jvp(THETA).outputs)
    assert np.array_equal(at.vjp(tangent.outputs, THETA), inside.vjp(tangent.outputs, THETA))
    assert np.array_equal(at.loss_curvature(tangent.outputs), 2.0 * tangent.outputs)
    assert (at.size, at.state) == (4, None)
    assert np.array_equal(at.squares, inside.squares)


@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(1e-4, 1.0))
def test_the_parabola_of_l1_lies_above_it(x, y, smoothing):
    parts = L1(1.0, [0], smoothing=smoothing)
    at, there = parts.parts(np.array([x])), parts.parts(np.array([y]))
    parabola = at.value + at.gradient[0] * (y - x) + 0.5 * at.curvature[0] * (y - x) ** 2
    assert there.value <= parabola + 1e-12


def test_the_squares_are_those_of_the_problem():
    found = Penalized(QUADRATIC, MIXED).gradient(THETA, 2.0, squares=True)
    assert np.array_equal(found.squares, QUADRATIC.gradient(THETA, 2.0, squares=True).squares)


@pytest.mark.parametrize(
    "optimizer", [HessianFree(), HessianFree(preconditioner=EmpiricalFisher()), SGD(0.05)]
)
def test_ridge_regression_is_solved(optimizer):
    problem = Penalized(QUADRATIC, [L2(0.5, np.arange(4))])
    result = minimize(problem, THETA, optimizer, [1.0], max_steps=200)
    A = QUADRATIC.A
    expected = np.linalg.solve(A.T @ A + 0.5 * np.eye(4), A.T @ A @ QUADRATIC.solution)
    assert np.allclose(result.x, expected, atol=1e-3)


def test_l1_brings_parameters_to_zero():
    """Where the penalty is stronger than the pull: soft thresholding of a diagonal problem."""
    problem = Quadratic((1.0, 1.0, 1.0, 1.0))
    weight = float(np.sort(np.abs(problem.solution))[1:3].mean())
    penalized = Penalized(problem, [L1(weight, np.arange(4), smoothing=1e-4)])
    result = minimize(penalized, np.zeros(4), HessianFree(), [1.0], max_steps=60)
    soft = np.sign(problem.solution) * np.maximum(np.abs(problem.solution) - weight, 0.0)
    assert np.allclose(result.x, soft, atol=2e-3)
    assert (np.abs(result.x) < 1e-3).sum() == 2


def test_restricted_is_the_problem_at_frozen_parameters():
    problem, free = Restricted(QUADRATIC, THETA, [3, 1]), np.array([0.5, -0.25])
    full = problem.full(free)
    assert full.tolist() == [0.3, 0.5, 0.0, -0.25]
    inner = QUADRATIC.gradient(full, 2.0, squares=True)
    found = problem.gradient(free, 2.0, squares=True)
    assert found.value == problem.value(free, 2.0) == inner.value
    assert np.array_equal(found.gradient, inner.gradient[[1, 3]])
    assert np.array_equal(found.squares, inner.squares[[1, 3]])
    assert problem.gradient(free, 2.0).squares is None
    at, inside = problem.linearize(free, 2.0), QUADRATIC.linearize(full, 2.0)
    block = np.ix_([1, 3], [1, 3])
    assert np.allclose(dense(at.operator(0.1, 0.2)), dense(inside.operator(0.1, 0.2))[block])
    assert np.allclose(at.vjp(at.loss_curvature(at.jvp(free).outputs)),
                       dense(inside.operator())[block] @ free)  # fmt: skip
    assert np.array_equal(at.gradient, found.gradient)
    assert at.size == 2


@pytest.mark.parametrize("optimizer", [SGD(0.05), HessianFree()])
def test_frozen_parameters_stay(optimizer):
    problem = Restricted(Penalized(QUADRATIC, [L2(0.1, [0])]), THETA, [0, 2])
    result = minimize(problem, problem.free(THETA), optimizer, [1.0], max_steps=300)
    assert np.array_equal(problem.full(result.x)[[1, 3]], THETA[[1, 3]])
    H = QUADRATIC.A.T @ QUADRATIC.A + np.diag([0.1, 0, 0, 0])
    g = H @ problem.full(result.x) - QUADRATIC.A.T @ QUADRATIC.A @ QUADRATIC.solution
    assert np.abs(g[[0, 2]]).max() < 1e-3


class Exploding(Rosenbrock):
    """A gradient of the length that the batch says."""

    def gradient(self, theta, batch, *, squares=False):
        return Gradient(1.0, np.array([batch, 0.0]), None, None)


@pytest.mark.parametrize("length", [2e10, np.inf, np.nan])
def test_an_exploded_gradient_is_replaced(length):
    problem = Fallback(Exploding(), [1])
    theta = np.array([3.0, 4.0])
    assert problem.gradient(theta, length).gradient.tolist() == [0.0, 0.02 * 4.0]
    assert problem.gradient(theta, 1e9).gradient.tolist() == [1e9, 0.0]
    result = minimize(problem, theta, SGD(0.5), [length], max_steps=1)
    assert result.x.tolist() == [3.0, 4.0 - 0.5 * 0.08]
    assert result.status is Status.MAX_STEPS
    assert minimize(Exploding(), theta, SGD(0.5), [math.nan], max_steps=1).x.tolist() == [3.0, 4.0]


def test_the_fallback_lets_the_rest_through():
    problem, theta = Fallback(Rosenbrock(), [1]), np.array([3.0, 4.0])
    assert problem.value(theta, 1.0) == Rosenbrock().value(theta, 1.0)
    expected = Rosenbrock().linearize(theta, 1.0)
    assert np.array_equal(problem.linearize(theta, 1.0).gradient, expected.gradient)


def test_numbered_batches_know_their_step():
    source = numbered(lambda step: 10.0 * step)
    assert source(3).gradient == (3, 30.0)
    assert source(3).role("curvature") == (3, 30.0)
    assert numbered([5.0, 6.0])(3).gradient == (3, 6.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L2(-1.0, [0]), "weight must be a finite number of at least 0, got -1.0"),
        (lambda: L1(1.0, [0], smoothing=0.0), "smoothing must be a finite number above 0"),
        (lambda: L2(1.0, []), "where must be a vector of at least one place"),
        (lambda: L2(1.0, [0.5]), "where must be a vector of at least one place"),
        (lambda: L1(1.0, [1, 1]), "where must name each place once"),
        (lambda: Restricted(QUADRATIC, THETA, [-1]), "free must name each place once, from 0"),
        (lambda: Restricted(QUADRATIC, np.full(4, np.nan), [1]), "theta must be finite"),
        (lambda: Restricted(QUADRATIC, THETA, [0, 2]).value(THETA, 1.0), "the 2 free parameters"),
        (lambda: Restricted(QUADRATIC, THETA, [0, 2]).value(THETA[:1], 1.0), "the 2 free"),
        (lambda: Penalized(QUADRATIC, L2(1.0, [0])), "penalties: expected a list"),
        (lambda: Restricted(QUADRATIC, THETA, [4]), "free names parameter 4; there are 4"),
        (lambda: Restricted(QUADRATIC, 1.0, [0]), r"theta must be a vector, got shape \(\)"),
        (lambda: Fallback(QUADRATIC, [0], factor=-1), "factor must be a finite number"),
        (lambda: Fallback(QUADRATIC, [9]).gradient(THETA, 1.0), "fallback names parameter 9"),
        (lambda: Penalized(QUADRATIC, [L2(1.0, [7])]).value(THETA, 1.0),
         "where of a penalty names parameter 7; there are 4"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
