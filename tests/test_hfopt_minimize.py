"""The loop: results, endings, and resumption bit for bit with every optimizer."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pytest
from optimizer_cases import Quadratic, Rosenbrock, same

from hfopt import (
    SGD,
    Adam,
    Carrying,
    EmpiricalFisher,
    HessianFree,
    RMSProp,
    Status,
    StepBatches,
    minimize,
)

OPTIMIZERS = {
    "sgd": SGD(1e-3, 0.9, clip=1.0),
    "nesterov": SGD(1e-3, 0.9, nesterov=True),
    "rmsprop": RMSProp(0.01),
    "adam": Adam(0.01),
    "hf": HessianFree(structural=0.1),
    "hf damped": HessianFree(prediction="damped", preconditioner=EmpiricalFisher()),
    "hf small": HessianFree.small_batch(),
}


def drawn(step):
    """Batches that change with the step."""
    scales = np.random.default_rng([1, step]).uniform(0.5, 2.0, 4)
    return StepBatches(*map(float, scales))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_resumed_after_any_step_it_continues_with_the_same_bits(name):
    optimizer, start, states = OPTIMIZERS[name], Rosenbrock.start, []
    whole = minimize(
        Rosenbrock(), start, optimizer, drawn,
        max_steps=12, callback=lambda progress: states.append(progress.state),
    )  # fmt: skip
    assert whole.nit == len(states) == 12
    for k, state in enumerate(states):
        copied = type(state)(*state)._replace(
            theta=state.theta.copy(),
            optimizer=type(state.optimizer)(*map(copy_of, state.optimizer)),
        )
        rest = minimize(Rosenbrock(), None, optimizer, drawn, max_steps=12, state=copied)
        assert same(rest.state, whole.state)
        assert same(rest.history, whole.history[k + 1 :])
        assert same(copied, states[k])


def copy_of(field):
    return field.copy() if isinstance(field, np.ndarray) else field


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_states_are_records_of_arrays_and_scalars(name):
    result = minimize(Rosenbrock(), Rosenbrock.start, OPTIMIZERS[name], drawn, max_steps=3)
    for record in (result.state.optimizer, *result.history):
        assert all(isinstance(x, np.ndarray | int | float) for x in record)
    fresh = OPTIMIZERS[name].init(result.x)
    assert [type(x) for x in fresh] == [type(x) for x in result.state.optimizer]


class Counted:
    """Leaves the batch's number, one more."""

    inner = Rosenbrock()

    def value(self, theta, batch):
        return self.inner.value(theta, batch.scale)

    def gradient(self, theta, batch, *, squares=False):
        found = self.inner.gradient(theta, batch.scale, squares=squares)
        return found._replace(state=batch.number + 1)

    def linearize(self, theta, batch):
        found = self.inner.linearize(theta, batch.scale)
        found.state = batch.number + 1
        return found


class Scaled(NamedTuple):
    number: int
    scale: float


def counted(seen):
    def give(step, carried):
        seen.append((step, carried))
        number = 0 if carried is None else carried
        return Scaled(number, float(np.random.default_rng(number).uniform(0.5, 2.0)))

    return Carrying(give)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_the_problem_carries_goes_to_the_next_batch(name):
    seen, states, optimizer = [], [], OPTIMIZERS[name]
    whole = minimize(
        Counted(), Rosenbrock.start, optimizer, counted(seen),
        max_steps=6, callback=lambda progress: states.append(progress.state),
    )  # fmt: skip
    assert seen == [(k, k or None) for k in range(6)]
    assert [state.carried for state in states] == [1, 2, 3, 4, 5, 6]
    rest = minimize(Counted(), None, optimizer, counted([]), max_steps=6, state=states[2])
    assert same(rest.state, whole.state)


def test_other_batches_carry_nothing():
    result = minimize(Counted(), Rosenbrock.start, SGD(1e-3), [Scaled(0, 1.0)], max_steps=2)
    assert result.state.carried is None


def test_without_a_gradient_the_same_batch_comes_again():
    seen, start = [], Rosenbrock.start
    optimizer = SGD(1e-3, momentum=0.9, nesterov=True)
    state = minimize(Counted(), start, optimizer, counted([]), max_steps=3).state
    beyond = state._replace(
        optimizer=state.optimizer._replace(first=np.full(2, 1e308)), theta=np.full(2, 1e308)
    )
    found = minimize(Counted(), None, optimizer, counted(seen), max_steps=4, state=beyond)
    assert seen == [(3, 3)]
    assert found.state.carried == 3
    assert found.history[0].refusal


def test_result():
    problem = Quadratic([1.0, 3.0])
    result = minimize(problem, [0, 0], HessianFree(gradient_tolerance=1e-8), [1.0])
    assert result.success
    assert result.status is Status.CONVERGED
    assert result.status == 0
    assert result.message == "the norm of the gradient is within its tolerance"
    np.testing.assert_allclose(result.x, problem.solution, atol=1e-7)
    assert result.nit == len(result.history) == result.state.step
    assert result.fun == problem.value(result.x, 1.0)


def test_a_finished_run_stays_finished():
    problem = Quadratic([1.0, 3.0])
    optimizer = HessianFree(gradient_tolerance=1e-8)
    result = minimize(problem, [0, 0], optimizer, [1.0])
    again = minimize(problem, None, optimizer, [1.0], state=result.state)
    assert same(again.state, result.state)
    assert (again.history, again.status) == ((), Status.CONVERGED)


def test_no_steps():
    result = minimize(Rosenbrock(), [0.5, 2], SGD(), [1.0], max_steps=0)
    assert result.status is Status.MAX_STEPS
    assert result.x.tolist() == [0.5, 2.0]
    assert math.isnan(result.fun)


def test_the_callback_stops_it():
    result = minimize(
        Rosenbrock(), [0.5, 2], SGD(), [1.0], callback=lambda progress: progress.state.step == 4
    )
    assert (result.status, result.nit, result.success) == (Status.STOPPED, 4, False)
    goes_on = minimize(Rosenbrock(), None, SGD(), [1.0], max_steps=6, state=result.state)
    assert goes_on.nit == 6


def test_the_callback_sees_every_step():
    seen = []
    result = minimize(Rosenbrock(), [0.5, 2], SGD(), [1.0], max_steps=3, callback=seen.append)
    assert [progress.report for progress in seen] == list(result.history)
    assert [progress.state.step for progress in seen] == [1, 2, 3]


def test_an_interrupted_step_is_as_if_it_had_not_begun():
    class Interrupted(Rosenbrock):
        calls = 0

        def linearize(self, theta, batch):
            self.calls += 1
            if self.calls == 3:
                raise KeyboardInterrupt
            return super().linearize(theta, batch)

    states, optimizer = [], HessianFree()
    with pytest.raises(KeyboardInterrupt):
        minimize(
            Interrupted(), Rosenbrock.start, optimizer, [1.0],
            callback=lambda progress: states.append(progress.state),
        )  # fmt: skip
    rest = minimize(Rosenbrock(), None, optimizer, [1.0], max_steps=5, state=states[-1])
    whole = minimize(Rosenbrock(), Rosenbrock.start, optimizer, [1.0], max_steps=5)
    assert same(rest.state, whole.state)


def test_theta0_is_left_alone():
    theta0 = np.array(Rosenbrock.start)
    minimize(Rosenbrock(), theta0, HessianFree(), [1.0], max_steps=2)
    assert theta0.tolist() == list(Rosenbrock.start)


@pytest.mark.parametrize(
    "theta0, message",
    [
        (None, "theta0 must be given unless a state is"),
        (1.0, r"a vector of real numbers, got float64 of shape \(\)"),
        ([[1.0]], r"got float64 of shape \(1, 1\)"),
        (["a", "b"], "a vector of real numbers, got <U1"),
        ([1.0, math.nan], "theta0 must be finite; parameter 1 is nan"),
    ],
)
def test_bad_starts(theta0, message):
    with pytest.raises(ValueError, match=message):
        minimize(Rosenbrock(), theta0, SGD(), [1.0])


@pytest.mark.parametrize(
    "problem, optimizer, message",
    [
        (Rosenbrock(), "adam", "optimizer: expected one with the methods init, step, terminate"),
        (Rosenbrock(), SGD, "optimizer: expected one with the methods"),
        (Rosenbrock().gradient, SGD(), "problem: expected one with the methods value, gradient"),
    ],
)
def test_what_is_no_problem_or_optimizer(problem, optimizer, message):
    with pytest.raises(ValueError, match=message):
        minimize(problem, [1.0, 1.0], optimizer, [1.0])


def test_a_result_is_short_in_words():
    result = minimize(Rosenbrock(), Rosenbrock.start, SGD(1e-4), [1.0], max_steps=50)
    assert len(repr(result)) < 300


def test_bad_states():
    state = minimize(Rosenbrock(), Rosenbrock.start, SGD(), [1.0], max_steps=1).state
    with pytest.raises(ValueError, match="holds a FirstOrderState; HessianFree needs a HessianFre"):
        minimize(Rosenbrock(), None, HessianFree(), [1.0], state=state)
    with pytest.raises(ValueError, match=r"second of the state has shape \(0,\); Adam needs"):
        minimize(Rosenbrock(), None, Adam(), [1.0], state=state)
    with pytest.raises(ValueError, match="max_steps must be a whole number of at least 0"):
        minimize(Rosenbrock(), Rosenbrock.start, SGD(), [1.0], max_steps=-1)
