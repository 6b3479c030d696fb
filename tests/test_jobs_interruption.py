"""Signals that ask a run to end, and steps that are given up in the middle."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

from hfopt import HessianFree, minimize
from reservoir import threads
from reservoir.jobs.interruption import SIGNALS, Interrupted, watching
from reservoir.rnn import RNN, Network


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

    with threads.looking(check), pytest.raises(Interrupted):
        minimize(network, theta, HessianFree(), [batch], max_steps=4, callback=keep)
    state = states[-1] if states else None
    result = minimize(network, theta, HessianFree(), [batch], max_steps=4, state=state)
    np.testing.assert_array_equal(result.x, expected.x)
    np.testing.assert_array_equal(result.state.optimizer.start, expected.state.optimizer.start)
