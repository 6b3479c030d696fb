"""Hessian-free optimization: quadratics, Rosenbrock, each part wired in, and every refusal."""

from __future__ import annotations

import math

import numpy as np
import pytest
from optimizer_cases import Broken, Quadratic, Rosenbrock

from hfopt import (
    ConjugateGradient,
    EmpiricalFisher,
    Ending,
    Gradient,
    HessianFree,
    LevenbergMarquardt,
    LineSearch,
    Refusal,
    Status,
    StepBatches,
    Structural,
    minimize,
)
from hfopt.hessian_free_step import Objective


def run(optimizer, problem, start, steps=100, batches=(1.0,)):
    return minimize(problem, start, optimizer, batches, max_steps=steps)


def test_one_step_on_a_quadratic_without_damping():
    problem = Quadratic([1.0, 10.0, 100.0])
    exact = ConjugateGradient(residual_tolerance=1e-12)
    result = run(HessianFree(damping=0.0, cg=exact, gradient_tolerance=1e-8), problem, np.zeros(3))
    assert result.status is Status.CONVERGED
    assert result.nit == 2  # the second finds that nothing is left to do
    first = result.history[0]
    assert (first.cg_steps, first.products, first.rate) == (3, 3, 1.0)
    assert math.isclose(first.rho, 1.0, rel_tol=1e-9)
    np.testing.assert_allclose(result.x, problem.solution, rtol=1e-8)


def test_steps_are_those_of_damped_newton():
    problem = Quadratic([0.5, 1.0, 3.0])
    optimizer = HessianFree(damping=0.3, cg=ConjugateGradient(residual_tolerance=1e-13))
    theta, damping, H = np.zeros(3), 0.3, problem.A.T @ problem.A
    result = run(optimizer, problem, theta, steps=6)
    for report in result.history:
        assert math.isclose(report.damping, damping)
        g = problem.gradient(theta, 1.0).gradient
        theta = theta + np.linalg.solve(H + damping * np.eye(3), -g)
        assert report.rate == 1.0
        damping *= 2.0 / 3.0  # rho is 1 on a quadratic
    np.testing.assert_allclose(result.x, theta, rtol=1e-9)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"prediction": "damped"},
        {"backtracking": False},
        {"preconditioner": EmpiricalFisher(scale=2.0)},
        {"structural": 0.1},
        {"early_stopping": 1},
        {"start_decay": 0.0},
    ],
)
def test_rosenbrock(options):
    optimizer = HessianFree(gradient_tolerance=1e-9, **options)
    result = run(optimizer, Rosenbrock(), Rosenbrock.start)
    assert result.status is Status.CONVERGED
    np.testing.assert_allclose(result.x, 1.0, atol=1e-6)
    assert result.nit < 60
    values = [report.value for report in result.history]
    assert values == sorted(values, reverse=True)


def test_small_batches_of_kiros():
    optimizer = HessianFree.small_batch(epoch=10, damping=1.0, gradient_tolerance=1e-6)
    assert optimizer.cg.max_steps == 5
    factors = [optimizer.start_factor(k) for k in (0, 9, 10, 20, 10**6)]
    np.testing.assert_allclose(factors, [0.5, 0.5, 0.505, 0.5 * 1.01**2, 0.99])
    result = run(optimizer, Rosenbrock(), Rosenbrock.start, steps=400)
    assert result.status is Status.CONVERGED
    ratios = {
        round(b.damping / a.damping, 9)
        for a, b in zip(result.history, result.history[1:], strict=False)
    }
    assert ratios <= {0.99, 1.0, round(1 / 0.99, 9)}
    assert HessianFree().start_factor(7) == 0.95


@pytest.mark.parametrize("structural", [0.0, 0.4, Structural(preactivations=0.4)])
@pytest.mark.parametrize("prediction", ["undamped", "damped"])
def test_rho_and_its_prediction(prediction, structural):
    problem, damping = Rosenbrock(), 2.0
    optimizer = HessianFree(damping=damping, structural=structural, prediction=prediction)
    theta = np.array(Rosenbrock.start)
    report = run(optimizer, problem, theta, steps=1).history[0]
    strength = 0.0 if structural == 0.0 else 0.4
    J, g = problem.jacobian(theta), problem.gradient(theta, 1.0).gradient
    G = J.T @ J
    B = G + damping * (1.0 + strength) * np.eye(2)  # the states are the parameters
    d = np.linalg.solve(B, -g)
    model = g @ d + 0.5 * d @ (G if prediction == "undamped" else B) @ d
    actual = problem.value(theta + d, 1.0) - problem.value(theta, 1.0)
    assert math.isclose(report.rho, actual / model, rel_tol=1e-6)
    extra = prediction == "undamped" and strength > 0.0
    assert report.products == report.cg_steps + extra


class Recorded(Rosenbrock):
    """Remembers which batches were asked for what."""

    def __init__(self):
        self.asked = []

    def value(self, theta, batch):
        self.asked.append(("value", batch))
        return super().value(theta, batch)

    def gradient(self, theta, batch, *, squares=False):
        self.asked.append(("gradient", batch, squares))
        J, r = self.jacobian(theta), self.residual(theta)
        each = batch * J * r[:, None]
        value = float(0.5 * batch * r @ r)
        return Gradient(value, each.sum(0), (each**2).sum(0) if squares else None, None)

    def linearize(self, theta, batch):
        found = super().linearize(theta, batch)
        self.asked[-1] = ("linearize", batch)  # in place of the gradient it is made of
        return found


def test_each_role_has_its_batch():
    problem = Recorded()
    batches = StepBatches(1.0, 2.0, 3.0, 4.0)
    minimize(problem, Rosenbrock.start, HessianFree(), [batches], max_steps=1)
    assert problem.asked[:2] == [("gradient", 1.0, False), ("linearize", 2.0)]
    rest = problem.asked[2:]
    assert [batch for _, batch in rest] == sorted(batch for _, batch in rest)
    assert {batch for _, batch in rest} == {3.0, 4.0}


def test_one_batch_is_evaluated_once():
    problem = Recorded()
    result = run(HessianFree(damping=10.0), problem, Rosenbrock.start, steps=1)
    assert problem.asked[0] == ("linearize", 1.0)
    assert all(entry == ("value", 1.0) for entry in problem.asked[1:])
    assert result.history[0].evaluations == len(problem.asked) - 1
    assert result.history[0].before == result.history[0].value


def test_squares_are_asked_for_where_needed():
    problem = Recorded()
    optimizer = HessianFree(preconditioner=EmpiricalFisher())
    run(optimizer, problem, Rosenbrock.start, steps=1)
    assert problem.asked[0] == ("gradient", 1.0, True)


def test_backtracking_takes_an_earlier_iterate():
    class Walled(Quadratic):
        """Its value rises steeply beyond half of the way."""

        def value(self, theta, batch):
            beyond = max(0.0, np.linalg.norm(theta) - 0.5 * np.linalg.norm(self.solution))
            return super().value(theta, batch) + 1e3 * beyond

    problem = Walled(np.geomspace(1e-2, 10.0, 40), seed=3)
    exact = ConjugateGradient(tolerance=0.0, residual_tolerance=1e-8)
    options = {"damping": 0.0, "cg": exact}
    with_it = run(HessianFree(**options), problem, np.zeros(40), steps=1).history[0]
    without = run(HessianFree(**options, backtracking=False), problem, np.zeros(40), steps=1)
    assert with_it.cg_used < with_it.cg_steps
    assert without.history[0].cg_used == without.history[0].cg_steps
    assert with_it.after < without.history[0].after
    stopped = run(HessianFree(**options, early_stopping=2), problem, np.zeros(40), steps=1)
    early = stopped.history[0]
    assert early.cg_ending == Ending.MONITOR
    assert early.cg_used < early.cg_steps < with_it.cg_steps


def test_a_refused_step_raises_damping_and_drops_the_start():
    class Uphill(Quadratic):
        def value(self, theta, batch):
            return -super().value(theta, batch)

        def gradient(self, theta, batch, *, squares=False):
            value = -self.value(theta, batch)
            return Gradient(-value, self.A.T @ self.residual(theta), None, None)

    problem = Uphill([1.0, 2.0])
    optimizer = HessianFree(max_rejections=4, line_search=LineSearch(max_steps=3))
    start = np.array([0.3, -0.2])
    result = run(optimizer, problem, start)
    assert result.status is Status.STALLED
    assert (result.nit, result.success) == (4, False)
    assert np.array_equal(result.x, start)
    assert not result.state.optimizer.start.any()
    assert all(report.refusal == Refusal.NO_DECREASE for report in result.history)
    np.testing.assert_allclose([r.damping for r in result.history], 0.1 * 1.5 ** np.arange(4))
    assert all(report.rate == report.step_norm == 0.0 for report in result.history)


def test_the_start_is_the_last_iterate_not_the_taken_one():
    problem = Quadratic(np.geomspace(0.1, 10.0, 30))
    optimizer = HessianFree(cg=ConjugateGradient(max_steps=8), line_search=LineSearch())
    result = run(optimizer, problem, np.zeros(30), steps=1)
    start = result.state.optimizer.start
    np.testing.assert_allclose(start, result.x)  # here both are the same, at rate 1
    second = minimize(problem, None, optimizer, [1.0], max_steps=2, state=result.state)
    assert second.history[0].products == 1 + second.history[0].cg_steps


@pytest.mark.parametrize("what", ["gradient", "product", "value"])
def test_it_ends_where_nothing_is_finite(what):
    problem = Broken((what,), lambda call: True)
    result = run(HessianFree(max_rejections=5), problem, np.zeros(3))
    assert result.status is Status.NOT_FINITE
    assert result.nit == 5
    assert not result.x.any()
    assert all(report.refusal == Refusal.NOT_FINITE for report in result.history)
    assert math.isclose(result.state.optimizer.damping, 0.1 * 1.5**5)


@pytest.mark.parametrize("what", ["product", "value", "gradient"])
def test_it_recovers(what):
    problem = Broken((what,), lambda call: call in (1, 2))
    result = run(HessianFree(gradient_tolerance=1e-7), problem, np.zeros(3))
    assert result.status is Status.CONVERGED
    np.testing.assert_allclose(result.x, problem.solution, atol=1e-6)


def test_products_break_down_in_the_middle():
    problem = Broken(("product",), lambda call: call == 3)
    result = run(HessianFree(), problem, np.zeros(3), steps=1)
    report = result.history[0]
    assert report.cg_ending == Ending.NOT_FINITE
    assert (report.cg_steps, report.refusal) == (2, Refusal.NONE)  # two steps are good steps


def test_without_curvature_it_goes_down_the_gradient():
    class Flat(Rosenbrock):
        def linearize(self, theta, batch):
            found = super().linearize(theta, batch)
            found.J = np.zeros((2, 2))
            return found

    result = run(HessianFree(damping=0.0), Flat(), Rosenbrock.start, steps=1)
    report = result.history[0]
    assert report.cg_ending == Ending.NONPOSITIVE_CURVATURE
    assert (report.cg_used, report.refusal) == (0, Refusal.NONE)
    assert result.fun < report.value


def test_trial_points_beyond_the_floats_are_not_asked_for():
    objective = Objective(Quadratic([1.0, 2.0]), np.full(2, 1e308))
    assert objective.at(np.full(2, 1e308), 1.0, 1.0) == math.inf
    assert objective.evaluations == 0


def test_damping_stays_within_its_bounds():
    optimizer = HessianFree(rule=LevenbergMarquardt(least=0.05), gradient_tolerance=1e-12)
    result = run(optimizer, Quadratic([1.0, 2.0]), np.zeros(2), steps=8)
    assert min(report.damping for report in result.history) == 0.05


@pytest.mark.parametrize(
    "options, message",
    [
        ({"damping": -0.1}, "damping must be a finite number of at least 0, got -0.1"),
        ({"structural": -1.0}, "structural must be a finite number of at least 0"),
        ({"start_decay": 1.5}, r"start_decay must be a number in \[0, 1\]"),
        ({"start_growth": 0.0}, "start_growth must be a finite number above 0"),
        ({"start_limit": -0.1}, "start_limit must be a number"),
        ({"epoch": 0}, "epoch must be a whole number of at least 1"),
        ({"prediction": "undampd"}, "unknown prediction 'undampd'; did you mean 'undamped'"),
        ({"prediction": 3}, "unknown prediction 3; expected one of undamped, damped"),
        ({"early_stopping": -1}, "early_stopping must be a whole number"),
        ({"gradient_tolerance": math.nan}, "gradient_tolerance must be a finite number"),
        ({"max_rejections": 0}, "max_rejections must be a whole number of at least 1"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        HessianFree(**options)
