"""Working memory: what is left over in it never reaches a result."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from reservoir.rnn import GRU, LSTM, RNN
from reservoir.rnn.network import Network
from reservoir.rnn.scratch import Shelf

CELLS = {
    "tanh": RNN(3),
    "leaky": RNN(3, "relu", 0.4),
    "learned": RNN(3, "logistic", 0.4, learn_leak=True, learn_initial_state=True),
    "lstm": LSTM(3, learn_initial_state=True),
    "lstm 1997": LSTM(3, forget_gate=False),
    "gru before": GRU(3),
    "gru after": GRU(3, "after", learn_initial_state=True),
}
every_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)


def random_batch(network, lengths, seed=0):
    """Sequences of which some steps are not scored."""
    rng = np.random.default_rng(seed)
    inputs = [rng.normal(size=(T, network.inputs)) for T in lengths]
    targets = [rng.normal(size=(T, network.outputs)) for T in lengths]
    weights = [rng.integers(0, 3, T).astype(float) for T in lengths]
    weights[int(np.argmax(lengths))][-1] = 1.0
    return network.batch(inputs, targets, weights=weights)


def random_theta(network, seed=1):
    return np.random.default_rng(seed).normal(size=network.size) / 2


def everything(network, theta, batch, segment=None):
    """All that the passes give, by name."""
    v = random_theta(network, seed=2)
    first = network.gradient(theta, batch, segment=segment)
    squares = network.gradient(theta, batch, squares=True, segment=segment)
    line = network.linearize(theta, batch, segment=segment)
    tangent = line.jvp(v)
    states = line.state_curvature(tangent.states, 0.3)
    return {
        "value": [network.value(theta, batch), first.value],
        "gradient": first.gradient,
        "squares": squares.squares,
        "sum by sequence": squares.gradient,
        "final state": np.concatenate([part.ravel() for part in first.state]),
        "product": line.operator(0.1) @ v,
        "damped product": line.operator(0.1, 0.2) @ v,
        "hessian": line.hessian(0.1) @ v,
        "tangent": tangent.outputs,
        "tangent states": tangent.states,
        "state curvature": states,
        "transposed product": line.vjp(line.loss_curvature(tangent.outputs), states),
    }


def same(found, wanted):
    for name, one in wanted.items():
        assert np.isfinite(one).all(), name
        assert np.array_equal(found[name], one), name


def spoil(network):
    """Put NaN into all memory that is at hand; how many arrays."""
    count = 0
    for shelf in network.shelves._free:
        traces = [trace for _, _, trace in shelf._traces.values()]
        arrays = [array for trace in traces for array in (*trace.states, *trace.rows)]
        arrays += [*shelf._arrays.values()]
        arrays += [array for sums in shelf._sums.values() for array in sums]
        for array in arrays:
            array[:] = np.nan
        count += len(arrays)
    return count


@every_cell
@pytest.mark.parametrize("segment", [None, 3])
@pytest.mark.parametrize("layers", [1, 2])
def test_spoilt_memory(cell, layers, segment):
    """The first call finds zeros; the next one what the first left over; the last one NaN."""
    network = Network([cell] * layers, 2, 2)
    theta = random_theta(network)
    batch = random_batch(network, [7, 3, 0, 3, 1] + [5] * 14)  # two tiles
    wanted = everything(network, theta, batch, segment)
    assert spoil(network) > 10
    same(everything(network, theta, batch, segment), wanted)


def test_spoilt_memory_between_passes():
    """Every pass on its own, each after NaN in all that the others left."""
    network = Network([LSTM(3), GRU(2)], 2, 2)
    theta, v = random_theta(network), random_theta(network, seed=2)
    batch = random_batch(network, [7, 3, 0, 3, 1])
    line = network.linearize(theta, batch, segment=2)
    products = (
        lambda: network.gradient(theta, batch).gradient,
        lambda: network.gradient(theta, batch, squares=True).squares,
        lambda: line.operator() @ v,
        lambda: line.operator(0.0, 0.2) @ v,
        lambda: line.hessian() @ v,
        lambda: line.jvp(v).states,
    )
    wanted = [product() for product in products]
    for product, one in zip(products, wanted, strict=True):
        spoil(network)
        assert np.array_equal(product(), one)


@every_cell
def test_bits_do_not_depend_on_the_batches_before(cell):
    lengths = [[2] * 14, [9, 8, 1], [0, 0, 2], [6] * 5, [3, 0], [30]]
    used = Network([cell, cell], 2, 1)
    theta = random_theta(used)
    for each in (*lengths, *reversed(lengths)):
        batch = random_batch(used, each)
        fresh = Network([cell, cell], 2, 1)
        same(everything(used, theta, batch), everything(fresh, theta, batch))


@pytest.mark.parametrize("learned", [False, True])
def test_sums_over_few_lanes_after_many(learned):
    """One unit: NumPy sums a single column in an order that depends on its length."""
    used = Network(RNN(1, leak_rate=0.5, learn_leak=learned), 1, 1)
    theta = random_theta(used)
    used.gradient(theta, random_batch(used, [4] * 15), squares=True)
    for lanes in range(1, 8):
        for seed in range(5):
            batch = random_batch(used, [4] * lanes, seed)
            fresh = Network(used.cells, 1, 1)
            for squares in (False, True):
                found = used.gradient(theta, batch, squares=squares)
                wanted = fresh.gradient(theta, batch, squares=squares)
                assert np.array_equal(found.gradient, wanted.gradient)
                assert not squares or np.array_equal(found.squares, wanted.squares)


@every_cell
def test_there_is_room_for_every_row(cell):
    """Many lanes and few rows, then few lanes and many rows: together they are fewer."""
    shelf = Shelf(np.dtype(np.float64))
    wanted = [(32, 32), (10, 50), (1, 60), (40, 1), (32, 32), (50, 50)]
    for lanes, rows in wanted:
        trace = shelf.activations(0, cell, lanes, rows)
        assert {len(state) for state in trace.states} == {lanes + rows}
        assert {len(array) for array in trace.rows} <= {rows}
        window = SimpleNamespace(steps=SimpleNamespace(lanes=lanes), size=rows)
        states = shelf.states(("tangent", 0), cell, window)
        assert {len(state) for state in states} == {lanes + rows}
        assert len(shelf.sums(("sums", 0), cell, 2, lanes).b) == lanes
    kept = shelf.activations(0, cell, 50, 60)
    again = shelf.activations(0, cell, 50, 60)
    assert kept.states[0].ctypes.data == again.states[0].ctypes.data
