"""What does not change a bit: the number of threads, who else asks, and how often."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from batch_cases import CELLS, STRUCTURAL, network_of, ragged, same, theta_of
from test_rnn_memory import LENGTHS, everything
from threadpoolctl import threadpool_limits

from reservoir.rnn import RNN, Network

MANY = (np.random.default_rng(1).permutation(80) % 13).tolist()  # several tiles


@pytest.mark.parametrize("name", CELLS)
def test_any_number_of_threads(name, use_threads):
    network = network_of(name)
    theta = theta_of(network)
    X, Y, weights = ragged(MANY)
    batch = network.batch(X, Y, weights=weights)
    assert len(batch.tiles) > 3
    found = []
    for number in (1, 2, 3, 5):
        use_threads(number)
        found.append(
            (
                everything(network, theta, batch),
                everything(network, theta, batch, segment=3),
                network.value(theta, batch),
                network.predict(theta, X),
            )
        )
    for other in found[1:]:
        assert same(other, found[0])


@pytest.mark.parametrize("seed", range(3))
def test_any_number_of_threads_of_blas(seed):
    """A product of vectors of more than 10,000 numbers is divided among them."""
    network = Network(RNN(4), 1, 1)
    theta = network.initial(0)
    rng = np.random.default_rng(seed)
    batch = network.batch(*rng.normal(size=(2, 3, 20011, 1)))
    found = set()
    for number in (1, 2):
        with threadpool_limits(number, user_api="blas"):
            found |= {network.value(theta, batch), network.gradient(theta, batch).value}
    assert len(found) == 1


def test_threads_set_from_outside():
    """Fresh processes with RESERVOIR_THREADS: the same bits."""
    script = """
        import hashlib, sys
        sys.path[:0] = sys.argv[1:]
        import numpy as np
        from batch_cases import STRUCTURAL, network_of, ragged, theta_of
        for name in ("leaky", "gru"):
            network = network_of(name)
            theta = theta_of(network)
            X, Y, weights = ragged(list(range(70)))
            batch = network.batch(X, Y, weights=weights)
            linear = network.linearize(theta, batch, squares=True)
            product = linear.operator(0.1, STRUCTURAL) @ theta_of(network, 3)
            found = [linear.gradient, linear.squares, product, *network.predict(theta, X)[0]]
            print(hashlib.sha256(b"".join(a.tobytes() for a in found)).hexdigest())
    """
    here = Path(__file__).parent
    found = set()
    for number in ("1", "2", "5"):
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script), str(here), str(here.parent)],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "RESERVOIR_THREADS": number},
        )
        found.add(done.stdout)
    assert len(found) == 1


@pytest.mark.parametrize("segment", [None, 4])
def test_concurrent_products_of_one_linearization(segment, use_threads):
    use_threads(2)
    network = network_of("stacked")
    theta = theta_of(network)
    X, Y, weights = ragged(MANY)
    linear = network.linearize(theta, network.batch(X, Y, weights=weights), segment=segment)
    directions = [theta_of(network, seed) for seed in range(12)]

    def ask(v):
        tangent = linear.jvp(v)
        return (
            linear.operator(0.1, STRUCTURAL) @ v, linear.operator() @ v, linear.hessian() @ v,
            *tangent, linear.vjp(*tangent), linear.state_curvature(tangent.states, STRUCTURAL),
        )  # fmt: skip

    expected = [ask(v) for v in directions]
    with ThreadPoolExecutor(5) as pool:
        found = list(pool.map(ask, directions))
    assert same(found, expected)


def test_concurrent_use_of_one_network(use_threads):
    """Batches of their own, gradients and predictions at once: working memory is never shared."""
    use_threads(2)
    network = network_of("lstm")
    theta = theta_of(network)
    batches = [network.batch(*ragged(MANY[k : k + 30], seed=k)[:2]) for k in range(12)]

    def ask(batch):
        return everything(network, theta, batch)

    expected = [ask(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        assert same(list(pool.map(ask, batches)), expected)


@pytest.mark.parametrize("name", CELLS)
def test_asking_twice_and_what_goes_in_is_not_changed(name):
    network = network_of(name)
    theta = theta_of(network)
    X, Y, weights = ragged(LENGTHS)
    state = network.predict(theta, X)[1]
    batch = network.batch(X, Y, weights=weights, state=state)
    kept = copy.deepcopy((X, Y, weights, state, theta))
    for array in (*X, *Y, *weights, *state, theta):
        array.flags.writeable = False
    first = everything(network, theta, batch)
    assert same(everything(network, theta, batch), first)
    assert same((X, Y, weights, state, theta), kept)


def test_results_are_not_overwritten():
    """What was given out stays what it was."""
    network = network_of("gru")
    theta = theta_of(network)
    X, Y, weights = ragged(LENGTHS)
    batch = network.batch(X, Y, weights=weights)
    first = everything(network, theta, batch)
    predicted = network.predict(theta, X)
    kept = copy.deepcopy((first, predicted))
    other = network.batch(*ragged(LENGTHS, seed=20)[:2])
    everything(network, theta_of(network, 7), other)
    network.predict(theta_of(network, 7), ragged(LENGTHS, seed=20)[0])
    assert same((first, predicted), kept)


def test_the_batch_keeps_no_view_of_its_data():
    """Changing arrays after they were given to a batch or a linearization changes nothing."""
    network = network_of("rnn")
    theta, v = theta_of(network), theta_of(network, 3)
    X, Y, weights = ragged(LENGTHS)
    state = network.predict(theta, X)[1]
    batch = network.batch(X, Y, weights=weights, state=state)
    expected = everything(network, theta, batch)
    linear = network.linearize(theta, batch, segment=3)
    product = linear.operator(0.0, STRUCTURAL) @ v
    unchanged = theta.copy()
    for array in (*X, *Y, *weights, *state, theta):
        array[...] = 7.0
    assert same(linear.operator(0.0, STRUCTURAL) @ v, product)
    assert same(everything(network, unchanged, batch), expected)


@pytest.mark.parametrize("name", CELLS)
def test_outputs_and_value_have_the_bits_of_each_other(name):
    """Value, gradient and linearization agree to the bit; so do predictions and final states."""
    network = network_of(name)
    theta = theta_of(network)
    X, Y, weights = ragged(MANY)
    batch = network.batch(X, Y, weights=weights)
    gradient, linear = network.gradient(theta, batch), network.linearize(theta, batch)
    assert network.value(theta, batch) == gradient.value == linear.value
    assert same(gradient.gradient, linear.gradient)
    assert same(gradient.state, linear.state)
    assert same(gradient.state, network.predict(theta, X)[1])


def test_copies_and_pickles_of_a_network():
    network = network_of("stacked")
    theta = theta_of(network)
    X, Y, weights = ragged(LENGTHS)
    expected = everything(network, theta, network.batch(X, Y, weights=weights))
    for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert repr(other) == repr(network)
        batch = pickle.loads(pickle.dumps(other.batch(X, Y, weights=weights)))
        assert same(everything(other, theta, batch), expected)


def test_a_network_is_pickled_without_its_working_memory():
    network = Network(CELLS["rnn"], 2, 2)
    before = len(pickle.dumps(network))
    X, Y, _ = ragged([200] * 40)
    network.gradient(theta_of(network), network.batch(X, Y))
    assert len(pickle.dumps(network)) < before + 1000  # where parameters lie
