"""Sums over tiles: the same bits in any order, and few vectors in memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reservoir.rnn import RNN, Network
from reservoir.rnn.total import Total


@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_the_order_does_not_matter(count, seed):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(count, 5)) * 10.0 ** rng.integers(-9, 9, (count, 1))
    found = []
    for order in (range(count), reversed(range(count)), rng.permutation(count).tolist()):
        total = Total()
        for number in order:
            total.add(number, vectors[number].copy())
        found.append(total.sum())
    assert found[0].tobytes() == found[1].tobytes() == found[2].tobytes()
    np.testing.assert_allclose(found[0], vectors.sum(axis=0), rtol=0, atol=1e-5)


@pytest.mark.parametrize("slow", [0, 1, 5, 62])
def test_few_vectors_wait(slow):
    """However long one tile takes: those after it are summed meanwhile."""
    total, most = Total(), 0
    for number in [n for n in range(63) if n != slow]:
        total.add(number, np.ones(2))
        most = max(most, len(total._waiting))
    assert most <= 2 * 6
    total.add(slow, np.ones(2))
    assert total.sum().tolist() == [63.0, 63.0]


def test_memory_does_not_grow_with_the_number_of_tiles(use_threads):
    use_threads(2)
    network = Network(RNN(300), 1, 1)
    theta = network.initial(0)
    peaks = []
    for sequences in (4 * 32, 64 * 32):
        batch = network.batch(np.ones((sequences, 1, 1)), np.ones((sequences, 1, 1)))
        network.gradient(theta, batch)
        tracemalloc.start()
        try:
            network.gradient(theta, batch)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] - peaks[0] < (64 - 4) / 2 * theta.nbytes  # mostly the final states
