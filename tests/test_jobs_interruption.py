"""Signals, and problems that look for them between two kernel calls."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

from hfopt import HessianFree, minimize
from reservoir.jobs.interruption import SIGNALS, Interrupted, Watched, watching
from reservoir.rnn import RNN, Network


def nothing() -> None:
    """A check that never finds anything."""


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_sets_a_flag(number):
    before = signal.getsignal(number)
    with watching() as flag:
        flag.check()
        os.kill(os.getpid(), number)
        with pytest.raises(Interrupted, match=number.name):
            flag.check()
    assert signal.getsignal(number) is before


def test_a_second_interrupt_of_the_keyboard_does_not_wait():
    with watching() as flag:
        os.kill(os.getpid(), signal.SIGINT)
        assert flag.signal is signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_signals_are_left_alone_in_other_threads():
    found = []

    def work():
        with watching() as flag:
            found.append(signal.getsignal(signal.SIGTERM))
            flag.check()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGTERM)]


@pytest.fixture
def case():
    network = Network(RNN(5), inputs=2, outputs=1)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((6, 10, 2)), rng.standard_normal((6, 1))
    return network, network.initial(0), network.batch(x, y, at="last")


def test_what_a_watched_problem_gives_is_what_the_problem_gives(case):
    network, theta, batch = case
    watched = Watched(network, nothing)
    assert watched.value(theta, batch) == network.value(theta, batch)
    own, other = network.gradient(theta, batch), watched.gradient(theta, batch, squares=True)
    assert other.value == own.value
    assert other.squares is not None
    plain, seen = network.linearize(theta, batch), watched.linearize(theta, batch)
    v = np.random.default_rng(1).standard_normal(theta.size)
    assert (seen.value, seen.size) == (plain.value, plain.size)
    assert seen.squares is None
    assert len(seen.state) == 1
    np.testing.assert_array_equal(seen.gradient, plain.gradient)
    mine, theirs = seen.operator(0.1, 0.01), plain.operator(0.1, 0.01)
    np.testing.assert_array_equal(mine.matvec(v), theirs.matvec(v))
    np.testing.assert_array_equal(mine.rmatvec(v), theirs.matvec(v))
    tangent = seen.jvp(v)
    outputs, states = np.array(tangent.outputs), np.array(tangent.states)
    np.testing.assert_array_equal(outputs, plain.jvp(v).outputs)
    np.testing.assert_array_equal(seen.loss_curvature(outputs), plain.loss_curvature(outputs))
    np.testing.assert_array_equal(seen.vjp(outputs), plain.vjp(outputs))
    damped = [one.state_curvature(states, HessianFree().scaled_structural(1.0))
              for one in (seen, plain)]  # fmt: skip
    np.testing.assert_array_equal(*damped)


def test_every_pass_looks(case):
    network, theta, batch = case
    looked = []
    watched = Watched(network, lambda: looked.append(None))
    watched.value(theta, batch)
    watched.gradient(theta, batch)
    linear = watched.linearize(theta, batch)
    v = np.ones(theta.size)
    linear.operator(0.1).matvec(v)
    linear.vjp(linear.loss_curvature(linear.jvp(v).outputs))
    assert len(looked) == 6


@pytest.mark.parametrize("after", [1, 2, 5, 12, 20])
def test_an_interrupted_step_is_as_if_it_had_not_begun(case, after):
    network, theta, batch = case
    expected = minimize(network, theta, HessianFree(), [batch], max_steps=4)
    states, count = [], 0

    def check():
        nonlocal count
        count += 1
        if count == after:
            raise Interrupted("now")

    def keep(progress):
        states.append(progress.state)

    watched = Watched(network, check)
    with pytest.raises(Interrupted):
        minimize(watched, theta, HessianFree(), [batch], max_steps=4, callback=keep)
    state = states[-1] if states else None
    result = minimize(watched, theta, HessianFree(), [batch], max_steps=4, state=state)
    np.testing.assert_array_equal(result.x, expected.x)
    np.testing.assert_array_equal(result.state.optimizer.start, expected.state.optimizer.start)
