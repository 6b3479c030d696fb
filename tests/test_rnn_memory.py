"""Less memory, the same bits; and what a plan says is what is taken."""

from __future__ import annotations

import gc
import math
import tracemalloc

import numpy as np
import pytest
from batch_cases import CELLS, STRUCTURAL, network_of, ragged, same, theta_of

from reservoir.errors import DataError
from reservoir.rnn import GRU, LSTM, RNN, Network, memory
from reservoir.rnn.scratch import Shelf

LENGTHS = [17, 3, 0, 9, 17, 1, 12, 5, 2, 11, 6, 16, 4, 8, 7, 3, 10, 2]


def everything(network, theta, batch, **options):
    """All that a batch gives, as one record."""
    v = theta_of(network, 3)
    gradient = network.gradient(theta, batch, **options)
    with_squares = network.gradient(theta, batch, squares=True, **options)
    linear = network.linearize(theta, batch, squares=True, **options)
    tangent = linear.jvp(v)
    return (
        *gradient, *with_squares, linear.value, linear.gradient, linear.squares, linear.state,
        linear.operator(0.3) @ v, linear.operator(0.3, STRUCTURAL) @ v, linear.hessian(0.3) @ v,
        *tangent, linear.vjp(tangent.outputs), linear.vjp(*tangent),
        linear.state_curvature(tangent.states, STRUCTURAL),
    )  # fmt: skip


@pytest.mark.parametrize("name", CELLS)
def test_segments_give_the_same_bits(name):
    network = network_of(name)
    theta = theta_of(network)
    X, Y, weights = ragged(LENGTHS)
    batch = network.batch(X, Y, weights=weights)
    expected = everything(network, theta, batch)
    assert network.plan(batch).segment is None
    for segment in (1, 2, 7, "sqrt", 16, 17, 1000):
        assert same(everything(network, theta, batch, segment=segment), expected), segment
    root = network.plan(batch, segment="sqrt")
    assert root.segment == math.isqrt(17) == 4
    assert network.plan(batch, segment=17).segment is None


def test_segments_give_the_same_bits_in_float32():
    network = network_of("leaky", dtype="float32")
    theta = theta_of(network)
    X, Y, weights = ragged(LENGTHS)
    batch = network.batch(X, Y, weights=weights)
    expected = everything(network, theta, batch)
    for segment in (1, 5):
        assert same(everything(network, theta, batch, segment=segment), expected)


@pytest.mark.parametrize("name", CELLS)
def test_small_windows_give_the_same_bits(name, monkeypatch):
    network = network_of(name)
    theta = theta_of(network)
    X, Y, weights = ragged(LENGTHS)
    batch = network.batch(X, Y, weights=weights)
    expected = everything(network, theta, batch)
    for size in (1, 1000, 5000):
        monkeypatch.setattr(memory, "WINDOW_BYTES", size)
        windows = batch.cut(0, None, memory.window_rows(network.cells, batch.dtype)).windows
        assert len(windows[0]) > 1 or size == 5000
        assert same(everything(network, theta, batch), expected), size
        assert same(everything(network, theta, batch, segment=5), expected), size


def test_a_given_state_in_segments():
    network = network_of("lstm")
    theta = theta_of(network)
    X, Y, _ = ragged(LENGTHS)
    state = network.predict(theta, X)[1]
    batch = network.batch(X, Y, state=state)
    assert same(everything(network, theta, batch, segment=2), everything(network, theta, batch))


def test_another_batch_in_between_changes_nothing():
    """Working memory is left over from batch to batch, larger and smaller ones."""
    network, fresh = network_of("stacked"), network_of("stacked")
    theta, v = theta_of(network), theta_of(network, 3)
    X, Y, _ = ragged(LENGTHS)
    batch = network.batch(X, Y)
    linear = network.linearize(theta, batch, segment=4)
    first = linear.operator(0.0, STRUCTURAL) @ v
    large = network.batch(*ragged([40] * 40, seed=9)[:2])
    small = network.batch(*ragged([1, 2], seed=10)[:2])
    for other in (large, small):
        for segment in (None, 3):
            everything(network, theta_of(network, 4), other, segment=segment)
            assert same(linear.operator(0.0, STRUCTURAL) @ v, first)
    expected = everything(fresh, theta, fresh.batch(X, Y))
    assert same(everything(network, theta, batch), expected)


@pytest.mark.parametrize("name", CELLS)
def test_few_long_sequences_after_many_short_ones(name):
    """As many rows of states, more rows of gates."""
    network, fresh = network_of(name), network_of(name)
    theta = theta_of(network)
    for lengths in ([1] * 15, [2] * 12, [30], [29] * 2, [5] * 9):
        X, Y, _ = ragged(lengths)
        for segment in (None, 3):
            found = everything(network, theta, network.batch(X, Y), segment=segment)
            assert same(found, everything(fresh, theta, fresh.batch(X, Y), segment=segment))
        fresh = network_of(name)


@pytest.mark.parametrize("cell", [RNN(3), RNN(3, leak_rate=0.5), LSTM(3), GRU(3)])
def test_a_shelf_gives_as_much_as_is_asked_for(cell):
    shelf = Shelf(np.dtype(np.float64))
    for lanes, rows in [(20, 5), (5, 20), (1, 24), (24, 1), (3, 40), (40, 3), (1, 1)]:
        trace = shelf.activations(0, cell, lanes, rows)
        assert [len(a) for a in trace.states] == [lanes + rows] * len(trace.states)
        assert [len(a) for a in trace.rows] == [rows] * len(trace.rows)


def long_batch(network, sequences=64, steps=150):
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(sequences, steps, network.inputs))
    return network.batch(inputs, rng.normal(size=(sequences, network.outputs)), at="last")


def test_a_bound_on_memory_chooses_segments():
    network = Network(LSTM(20), 2, 2)
    batch, theta = long_batch(network), theta_of(network)
    v = theta_of(network, 3)
    kept, root = network.plan(batch), network.plan(batch, segment="sqrt")
    threads = memory_threads(batch)
    assert kept.segment is None
    assert root.segment == 12
    assert root.total(threads) < kept.total(threads) / 4
    assert network.plan(batch, memory=kept.total(threads)) == kept
    assert network.plan(batch, memory=kept.total(threads) - 1) == root
    assert network.plan(batch, memory=root.total(threads)) == root
    assert network.plan(batch, memory=10**15) == kept
    with pytest.raises(DataError) as caught:
        network.linearize(theta, batch, memory=root.total(threads) - 1)
    message = str(caught.value)
    assert f"{root.total(threads) - 1} bytes are not enough" in message
    assert f"at least {root.total(threads)} bytes with {threads} thread" in message
    assert "segments of 12 steps" in message
    with pytest.raises(DataError, match="not enough"):
        network.gradient(theta, batch, memory=0)
    a, b = (network.linearize(theta, batch, memory=m) for m in (None, root.total(threads)))
    assert b.plan == root
    assert same(a.gradient, b.gradient)
    assert same(a.operator(0.1, STRUCTURAL) @ v, b.operator(0.1, STRUCTURAL) @ v)
    assert same(
        network.gradient(theta, batch, memory=root.total(threads)), network.gradient(theta, batch)
    )


def memory_threads(batch):
    from reservoir import threads

    return min(threads.count(), len(batch.tiles))


CASES = {
    "rnn": RNN(32),
    "leaky": RNN(32, leak_rate=0.5),
    "lstm": LSTM(24),
    "gru": GRU(24),
    "gru after": GRU(24, reset="after"),
    "stacked": (LSTM(20), RNN(40)),
}


@pytest.mark.parametrize("segment", [None, "sqrt", 1])
@pytest.mark.parametrize("name", CASES)
def test_a_plan_says_what_is_taken(name, segment, use_threads):
    """NumPy reports its arrays to tracemalloc; Python objects are counted too."""
    use_threads(1)
    warm = Network(CASES[name], 2, 2)
    theta, v = theta_of(warm), theta_of(warm, 3)
    small = warm.linearize(theta, warm.batch(*ragged([2, 2])[:2]), segment=segment)
    small.operator(0.1, 0.1) @ v  # compile, import
    network = Network(CASES[name], 2, 2)
    batch = long_batch(network)
    plan = network.plan(batch, segment=segment)
    gc.collect()
    tracemalloc.start()
    try:
        linear = network.linearize(theta, batch, segment=segment)
        first = tracemalloc.get_traced_memory()[1]
        linear.operator(0.1) @ v
        product = tracemalloc.get_traced_memory()[1]
        linear.operator(0.1, 0.1) @ v
        damped = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    total = plan.total(1)
    assert first < 1.3 * total
    assert total / 1.3 < product < 1.3 * total
    with_damping = total + plan.damped - plan.passes
    assert with_damping / 1.3 < damped < 1.3 * with_damping


def test_a_plan_of_many_short_sequences(use_threads):
    """Final states and sums over tiles count."""
    use_threads(1)
    warm, network = (Network(RNN(100), 2, 2) for _ in range(2))
    theta, v = theta_of(network), theta_of(network, 3)
    warm.linearize(theta, warm.batch(*ragged([2, 2])[:2])).operator(0.1) @ v
    batch = long_batch(network, sequences=1000, steps=2)
    tracemalloc.start()
    try:
        network.linearize(theta, batch).operator(0.1) @ v
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    total = network.plan(batch).total(1)
    assert total / 1.15 < taken < 1.15 * total


def test_a_gradient_holds_one_tile_a_thread(use_threads):
    use_threads(1)
    network = Network(LSTM(24), 2, 2)
    theta = theta_of(network)
    network.gradient(theta, network.batch(*ragged([2, 2])[:2]))
    batch = long_batch(network, sequences=256)
    plan = network.plan(batch)
    tracemalloc.start()
    try:
        network.gradient(theta, batch)
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert taken < plan.activations / 4


def test_a_plan_reads_well():
    network = Network(LSTM(20), 2, 2)
    batch = long_batch(network)
    text = str(network.plan(batch))
    assert "MB of activations (all steps are kept)" in text
    assert "for each thread" in text
    assert "with structural damping" in text
    assert "(12 steps a segment)" in str(network.plan(batch, segment="sqrt"))
    tiny = network.plan(network.batch(*ragged([1])[:2]))
    assert "kB" in str(tiny) or "bytes" in str(tiny)
    assert memory._size(1023) == "1023 bytes"
    assert memory._size(1 << 10) == "1.0 kB"
    assert memory._size(3 << 30) == "3.0 GB"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"segment": 0}, "segment must be a whole number of at least 1, got 0"),
        ({"segment": 1.5}, "segment must be a whole number of at least 1, got 1.5"),
        ({"segment": True}, "segment must be a whole number"),
        ({"segment": "Sqrt"}, "segment must be a whole number of steps or 'sqrt', got 'Sqrt'"),
        ({"memory": -1}, "memory must be a whole number of at least 0, got -1"),
        ({"memory": 1e9}, "memory must be a whole number of at least 0"),
        ({"memory": "1GB"}, "memory must be a whole number of at least 0, got '1GB'"),
    ],
)
def test_wrong_options_of_memory(options, message):
    network = network_of("rnn")
    batch = network.batch(*ragged([3])[:2])
    for ask in (network.gradient, network.linearize):
        with pytest.raises(DataError, match=message):
            ask(theta_of(network), batch, **options)
    with pytest.raises(DataError, match=message):
        network.plan(batch, **options)
