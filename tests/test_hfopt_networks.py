"""Hessian-free optimization of small recurrent networks."""

from __future__ import annotations

import numpy as np
import pytest
from optimizer_cases import same

from hfopt import Adam, DrawnBatches, HessianFree, Refusal, Status, minimize
from reservoir.rnn import RNN, Network


def recall(T=12):
    """Recall the sign of the first input at the last step; the others are noise."""
    network = Network(RNN(10), inputs=1, outputs=1, loss="logistic_cross_entropy")

    def draw(rng, n):
        return rng.choice([-1.0, 1.0], (n, T, 1))

    def pack(x, start, stop):
        x = x[start:stop]
        return network.batch(x, (x[:, 0] > 0.0).astype(float), at="last")

    return network, draw, pack


def errors(network, theta, draw, n=400):
    x = draw(np.random.default_rng(99), n)
    outputs, _ = network.predict(theta, x)
    return float(
        np.mean([(o[-1, 0] > 0.0) != (s[0, 0] > 0.0) for o, s in zip(outputs, x, strict=True)])
    )


@pytest.mark.parametrize("mu", [0.0, 0.1])
def test_it_learns_to_recall(mu):
    network, draw, pack = recall()
    batches = DrawnBatches(draw, pack, 200, curvature=100)
    theta = network.initial(0)
    assert errors(network, theta, draw) > 0.3
    result = minimize(
        network, theta, HessianFree(structural=mu), batches, max_steps=40,
        callback=lambda progress: progress.report.value < 0.01,
    )  # fmt: skip
    assert result.status is Status.STOPPED
    assert errors(network, result.x, draw) == 0.0


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("optimizer", [HessianFree(structural=0.1), Adam(0.01)])
def test_resumed_with_any_number_of_threads_it_has_the_same_bits(optimizer, threads, use_threads):
    network, draw, pack = recall(6)
    batches = DrawnBatches(draw, pack, 60, curvature=30, backtracking=20, line_search=40)
    states = []
    whole = minimize(
        network, network.initial(1), optimizer, batches, max_steps=4,
        callback=lambda progress: states.append(progress.state),
    )  # fmt: skip
    use_threads(threads)
    for state in states:
        rest = minimize(network, None, optimizer, batches, max_steps=4, state=state)
        assert same(rest.state, whole.state)


def test_a_network_that_overflows_ends_with_a_name():
    network = Network(RNN(3, activation="relu"), inputs=1, outputs=1)
    theta = np.full(network.size, 1e150)
    x = np.ones((4, 9, 1))
    batch = network.batch(x, x)
    result = minimize(network, theta, HessianFree(max_rejections=3), [batch])
    assert result.status is Status.NOT_FINITE
    assert np.array_equal(result.x, theta)
    assert result.history[0].refusal == Refusal.NOT_FINITE
