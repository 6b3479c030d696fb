"""First-order optimizers against slow twins, clipping, schedules, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from optimizer_cases import Broken, Quadratic, Rosenbrock

from hfopt import (
    SGD,
    Adam,
    Cosine,
    Exponential,
    InverseTime,
    Refusal,
    RisingMomentum,
    RMSProp,
    Status,
    Warmup,
    clip_by_global_norm,
    minimize,
)

PROBLEM = Rosenbrock()


def gradient(theta, clip):
    """The clipped gradient, number by number."""
    g = [float(x) for x in PROBLEM.gradient(np.array(theta), 1.0).gradient]
    length = math.sqrt(sum(x * x for x in g))
    return [x * clip / length for x in g] if length > clip else g


def slow_momentum(steps, rate, mu, clip, nesterov):
    theta, v = list(PROBLEM.start), [0.0, 0.0]
    for k in range(steps):
        at = [t + mu(k) * x for t, x in zip(theta, v, strict=True)] if nesterov else theta
        g = gradient(at, clip)
        v = [mu(k) * x - rate(k) * d for x, d in zip(v, g, strict=True)]
        theta = [t + x for t, x in zip(theta, v, strict=True)]
    return theta


def slow_rmsprop(steps, rate, decay, epsilon, clip):
    theta, s = list(PROBLEM.start), [0.0, 0.0]
    for _ in range(steps):
        g = gradient(theta, clip)
        for i in range(2):
            s[i] = decay * s[i] + (1 - decay) * g[i] ** 2
            theta[i] -= rate * g[i] / (math.sqrt(s[i]) + epsilon)
    return theta


def slow_adam(steps, rate, beta1, beta2, epsilon, clip):
    theta, m, v = list(PROBLEM.start), [0.0, 0.0], [0.0, 0.0]
    for k in range(1, steps + 1):
        g = gradient(theta, clip)
        for i in range(2):
            m[i] = beta1 * m[i] + (1 - beta1) * g[i]
            v[i] = beta2 * v[i] + (1 - beta2) * g[i] ** 2
            unbiased = m[i] / (1 - beta1**k), v[i] / (1 - beta2**k)
            theta[i] -= rate * unbiased[0] / (math.sqrt(unbiased[1]) + epsilon)
    return theta


def run(optimizer, steps=25, problem=PROBLEM, start=Rosenbrock.start):
    return minimize(problem, start, optimizer, [1.0], max_steps=steps)


@pytest.mark.parametrize("clip", [None, 5.0])
@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum(nesterov, clip):
    optimizer = SGD(1e-3, 0.9, nesterov=nesterov, clip=clip)
    expected = slow_momentum(25, lambda k: 1e-3, lambda k: 0.9, clip or math.inf, nesterov)
    np.testing.assert_allclose(run(optimizer).x, expected, rtol=1e-12)


def test_schedules_are_asked_for_each_step():
    rate, mu = Exponential(1e-3, 0.9), RisingMomentum(0.9, every=4)
    result = run(SGD(rate, mu, nesterov=True))
    np.testing.assert_allclose(result.x, slow_momentum(25, rate, mu, math.inf, True), rtol=1e-12)
    assert [r.learning_rate for r in result.history] == [rate(k) for k in range(25)]
    assert [r.momentum for r in result.history] == [mu(k) for k in range(25)]


@pytest.mark.parametrize("clip", [None, 5.0])
def test_rmsprop(clip):
    expected = slow_rmsprop(25, 0.01, 0.8, 1e-6, clip or math.inf)
    found = run(RMSProp(0.01, decay=0.8, epsilon=1e-6, clip=clip)).x
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("clip", [None, 5.0])
def test_adam(clip):
    expected = slow_adam(25, 0.02, 0.8, 0.95, 1e-6, clip or math.inf)
    found = run(Adam(0.02, beta1=0.8, beta2=0.95, epsilon=1e-6, clip=clip)).x
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("optimizer", [SGD(0.1, 0.5), RMSProp(Exponential(0.1, 0.95)), Adam(0.1)])
def test_they_converge_on_a_quadratic(optimizer):
    problem = Quadratic([1.0, 2.0, 5.0])
    result = run(optimizer, 2000, problem, np.zeros(3))
    np.testing.assert_allclose(result.x, problem.solution, atol=1e-4)


def test_clipping():
    g = np.array([3.0, 4.0])
    clipped, length = clip_by_global_norm(g, 1.0)
    assert length == 5.0
    np.testing.assert_allclose(clipped, [0.6, 0.8])
    assert g.tolist() == [3.0, 4.0]
    for threshold in (5.0, 6.0, math.inf):
        assert clip_by_global_norm(g, threshold)[0] is g
    huge, _ = clip_by_global_norm(np.array([3e200, 4e200]), 1.0)
    np.testing.assert_allclose(huge, [0.6, 0.8])
    result = run(SGD(1e-3, clip=5.0), 3)
    assert [r.clipped for r in result.history] == [r.gradient_norm > 5.0 for r in result.history]
    assert math.isclose(result.history[0].step_norm, 5e-3)


def test_schedules():
    assert [Exponential(8.0, 0.5, every=2)(k) for k in (0, 2, 4)] == [8.0, 4.0, 2.0]
    assert math.isclose(Exponential(8.0, 0.5, every=2)(1), 8.0 / math.sqrt(2.0))
    assert [Exponential(8.0, 0.5, 2, stairs=True)(k) for k in range(5)] == [8, 8, 4, 4, 2]
    assert [InverseTime(1.0, every=10)(k) for k in (0, 10, 30)] == [1.0, 0.5, 0.25]
    assert math.isclose(InverseTime(1.0, every=10, power=0.5)(30), 0.5)
    cosine = Cosine(1.0, 10, final=0.2)
    np.testing.assert_allclose([cosine(k) for k in (0, 5, 10, 99)], [1.0, 0.6, 0.2, 0.2])
    assert [Warmup(1.0, 4)(k) for k in range(6)] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    assert Warmup(Exponential(1.0, 0.5), 2)(1) == 0.5
    rising = RisingMomentum(0.95)
    np.testing.assert_allclose(
        [rising(k) for k in (0, 249, 250, 500, 750, 10**6)],
        [0.5, 0.5, 0.75, 1 - 1 / 6, 0.875, 0.95],
    )


@pytest.mark.parametrize("what", ["value", "gradient"])
@pytest.mark.parametrize(
    "optimizer", [SGD(0.1, 0.9), SGD(0.1, 0.9, nesterov=True), RMSProp(0.01), Adam(0.01)]
)
def test_what_is_not_finite_is_refused_once(optimizer, what):
    class Once(Broken):
        def gradient(self, theta, batch, *, squares=False):
            self.calls += 1
            found = Quadratic.gradient(self, theta, batch)
            bad = self.calls == 3
            return found._replace(**{what: getattr(found, what) * (math.nan if bad else 1.0)})

    result = run(optimizer, 6, Once((), None), np.zeros(3))
    assert [r.refusal for r in result.history] == [0, 0, Refusal.NOT_FINITE, 0, 0, 0]
    assert result.history[2].step_norm == 0.0
    assert result.status is Status.MAX_STEPS
    assert result.state.optimizer.rejections == 0
    assert result.state.optimizer.updates == 5


def test_moments_after_a_refused_step():
    for optimizer in (SGD(0.1, 0.9), Adam(0.1)):
        problem = Broken(("gradient",), lambda call: call >= 3)
        before = run(optimizer, 2, Broken((), None), np.zeros(3))
        result = run(optimizer, 3, problem, np.zeros(3))
        assert np.array_equal(result.x, before.x)
        if isinstance(optimizer, SGD):
            assert not result.state.optimizer.first.any()
        else:
            assert np.array_equal(result.state.optimizer.first, before.state.optimizer.first)


@pytest.mark.parametrize("optimizer", [SGD(0.1), RMSProp(0.1), Adam(0.1)])
def test_they_end_where_nothing_is_finite(optimizer):
    result = run(optimizer, 100, Broken(("gradient",), lambda call: True), np.zeros(3))
    assert result.status is Status.NOT_FINITE
    assert (result.nit, result.success) == (20, False)
    assert not result.x.any()


def test_a_step_beyond_the_floats_is_refused():
    result = run(SGD(1e308), 30, Quadratic([1e3, 1e4]), np.zeros(2))
    assert result.status is Status.NOT_FINITE
    assert np.isfinite(result.x).all()


@pytest.mark.parametrize("optimizer", [SGD(0.1), SGD(0.1, 0.5, nesterov=True), Adam(0.1)])
def test_convergence(optimizer):
    problem = Quadratic([1.0, 2.0])
    result = run(optimizer, 9, problem, problem.solution)
    assert result.status is Status.CONVERGED
    assert (result.nit, result.success, result.fun) == (1, True, 0.0)


def test_convergence_is_told_where_the_gradient_is():
    steps = []
    optimizer = SGD(0.1, 0.5, nesterov=True, gradient_tolerance=0.5)
    minimize(
        Quadratic([1.0, 2.0]), [9.0, 9.0], optimizer, [1.0], max_steps=99, callback=steps.append
    )
    before, last = steps[-2].state, steps[-1]
    assert last.state.optimizer.converged
    ahead = before.theta + 0.5 * before.optimizer.first
    assert np.array_equal(last.state.theta, ahead)
    assert last.report.step_norm == pytest.approx(np.linalg.norm(ahead - before.theta))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: SGD(-1.0), "learning_rate must be"),
        (lambda: SGD(momentum=1.5), "momentum must be"),
        (lambda: SGD(clip=0.0), "clip must be a finite number above 0"),
        (lambda: SGD(max_rejections=0), "max_rejections must be"),
        (lambda: SGD(gradient_tolerance=-1.0), "gradient_tolerance must be"),
        (lambda: RMSProp(decay=1.1), "decay must be"),
        (lambda: RMSProp(epsilon=0.0), "epsilon must be"),
        (lambda: Adam(beta1=1.0), "beta1 must be"),
        (lambda: Adam(beta2=-0.1), "beta2 must be"),
        (lambda: Exponential(1.0, 0.0), "factor must be"),
        (lambda: InverseTime(1.0, every=0), "every must be"),
        (lambda: Cosine(1.0, steps=0), "steps must be"),
        (lambda: Warmup(1.0, steps=0), "steps must be"),
        (lambda: RisingMomentum(greatest=2.0), "greatest must be"),
    ],
)
def test_bad_options(make, message):
    with pytest.raises(ValueError, match=message):
        make()
