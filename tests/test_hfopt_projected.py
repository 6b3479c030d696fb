"""Steps that end in a set of allowed parameters."""

from __future__ import annotations

import numpy as np
import pytest
from optimizer_cases import Broken, Quadratic, same
from scipy.optimize import nnls

from hfopt import (
    SGD,
    Adam,
    FunctionProblem,
    HessianFree,
    Projected,
    Refusal,
    Status,
    minimize,
)

PROBLEM = Quadratic((1.0, 2.0, 5.0))
THETA = np.zeros(3)


def ball(theta):
    """The nearest point of the unit ball."""
    return theta / max(1.0, float(np.linalg.norm(theta)))


@pytest.mark.parametrize("optimizer", [SGD(0.05), HessianFree()])
def test_it_ends_at_the_best_allowed_point(optimizer):
    wanted = PROBLEM.solution / np.linalg.norm(PROBLEM.solution)
    problem = Quadratic((1.0, 1.0, 1.0))
    problem.solution = 4.0 * wanted
    result = minimize(problem, THETA, Projected(optimizer, ball), [1.0], max_steps=400)
    assert np.allclose(result.x, wanted, atol=1e-6)


def test_a_step_is_that_of_the_optimizer_projected():
    inner, theta = SGD(0.5, momentum=0.9), THETA
    projected = minimize(PROBLEM, theta, Projected(inner, ball), [1.0], max_steps=3)
    velocity = np.zeros(3)
    for _ in range(3):
        velocity = 0.9 * velocity - 0.5 * PROBLEM.gradient(theta, 1.0).gradient
        theta = ball(theta + velocity)
    assert np.array_equal(projected.x, theta)


@pytest.mark.parametrize("optimizer", [SGD(0.05, momentum=0.5), Adam(0.1), HessianFree()])
def test_a_resumed_run_has_the_same_bits(optimizer):
    projected, states = Projected(optimizer, ball), []
    whole = minimize(
        PROBLEM, THETA, projected, [1.0], max_steps=5,
        callback=lambda progress: states.append(progress.state),
    )  # fmt: skip
    for state in states:
        rest = minimize(PROBLEM, None, projected, [1.0], max_steps=5, state=state)
        assert same(rest.state, whole.state)


def test_a_refused_step_is_not_projected():
    problem = Broken("value gradient", lambda calls: True)
    start = np.array([5.0, 0.0, 0.0])  # not allowed
    result = minimize(problem, start, Projected(SGD(0.1, max_rejections=2), ball), [1.0])
    assert np.array_equal(result.x, start)
    assert result.status is Status.NOT_FINITE
    assert result.history[0].refusal == Refusal.NOT_FINITE


@pytest.mark.parametrize("project", [lambda t: t[:2], lambda t: t * np.nan])
def test_a_wrong_projection_is_named(project):
    with pytest.raises(ValueError, match="project must give 3 finite numbers"):
        minimize(PROBLEM, THETA, Projected(SGD(0.1), project), [1.0], max_steps=1)


@pytest.mark.parametrize("seed", range(4))
def test_hessian_free_steps_end_where_nnls_does(seed):
    rng = np.random.default_rng(seed)
    A, y = rng.normal(size=(20, 8)), rng.normal(size=20)
    problem = FunctionProblem(
        lambda x: (0.5 * float(np.sum((A @ x - y) ** 2)), A.T @ (A @ x - y)),
        lambda x, v: A.T @ (A @ v),
    )
    projected = Projected(HessianFree(), lambda x: np.maximum(x, 0.0))
    result = minimize(problem, np.ones(8), projected, [None], max_steps=300)
    wanted, length = nnls(A, y)
    assert np.allclose(result.x, wanted, atol=1e-6)
    assert np.isclose(result.fun, 0.5 * length**2, rtol=1e-12)
    values = [one.after for one in result.history]
    assert np.all(np.diff(values) <= 0.0)  # of allowed points, each lower than the one before


def test_a_direction_that_the_projection_bends_upwards_is_not_followed():
    # Newton's point is (4.5, -2.5), whose projection lies higher than the start
    A, b = np.array([[2.0, 1.8], [1.8, 2.0]]), np.array([-1.0, -3.0])
    problem = FunctionProblem(lambda x: (x @ A @ x / 2 - b @ x, A @ x - b), lambda x, v: A @ v)
    projected = Projected(HessianFree(), lambda x: np.maximum(x, 0.0))
    result = minimize(problem, [1.0, 1.0], projected, [None], max_steps=300)
    assert np.array_equal(result.x, [0.0, 0.0])
    assert result.fun == 0.0


def test_the_ratio_is_that_of_the_allowed_point():
    problem = Quadratic((1.0, 2.0, 5.0))
    start = ball(np.array([1.0, -1.0, 0.5]))
    options = HessianFree(damping=0.5)
    result = minimize(problem, start, Projected(options, ball), [1.0], max_steps=1)
    way, (found,) = result.x - start, result.history
    before, after = problem.value(start, 1.0), problem.value(result.x, 1.0)
    assert found.rate == 1.0
    model = problem.gradient(start, 1.0).gradient @ way
    model += 0.5 * way @ problem.linearize(start, 1.0).operator(0.0).matvec(way)
    assert np.isclose(found.rho, (after - before) / model, rtol=1e-9)
    assert np.isclose(found.step_norm, np.linalg.norm(way), rtol=1e-9)
    assert found.after == after
