"""The gradient by lag: against pushes of the slow twin's states, and sums that must be exact."""

from __future__ import annotations

import naive_analysis as slow
import numpy as np
import pytest
from trained_cases import CELLS, linearized, make

from reservoir.analysis import gradient_flow, network_path, step_jacobians
from reservoir.errors import DataError
from reservoir.rnn import LSTM, RNN, Network

ONES = ["tanh leaks", "relu", "lstm", "lstm 1997", "gru before", "gru after", "lstm rnn gru"]


@pytest.mark.parametrize("name", CELLS)
def test_the_parts_of_all_lags_are_the_gradient(name):
    case, linearization = linearized(name)
    flow = gradient_flow(case.network, case.theta, case.batch, keep=range(6))
    views = case.network.views(linearization.gradient.copy())
    for k, parts in enumerate(flow.components):
        W = views[f"layers/{k}/W"]
        scale = max(np.abs(W).max(), 1e-12)
        np.testing.assert_allclose(parts.sum(axis=0) / scale, W / scale, atol=1e-13)
        norms = np.sqrt((parts**2).sum(axis=tuple(range(1, parts.ndim))))
        np.testing.assert_allclose(flow.component_norms[k], norms, rtol=1e-12)
        if np.abs(W).max() > 0:
            shares = [(part * W).sum() / (W * W).sum() for part in parts]
            np.testing.assert_allclose(flow.shares[k], shares, atol=1e-12)
            np.testing.assert_allclose(flow.shares[k].sum(), 1.0, rtol=1e-12)


@pytest.mark.parametrize("name", ONES)
def test_norms_are_those_of_pushed_states(name):
    case = make(CELLS[name], "logistic_cross_entropy", "weights", "learned", lengths=(3, 1, 4))
    flow = gradient_flow(case.network, case.theta, case.batch)
    layers = range(len(case.network.cells))
    expected = {
        (layer, t, lag): []
        for layer in layers for t in range(4) for lag in range(t + 1)
    }  # fmt: skip
    for sequence in case.sequences:
        for layer, t, lag in expected:
            if t < len(sequence[0]) and sequence[2][t] != 0:
                norm = slow.backward_norm(case.network, case.theta, sequence, t, layer, t - lag)
                expected[layer, t, lag].append(norm)
    for (layer, t, lag), norms in expected.items():
        if norms:
            wanted = np.sqrt(np.mean(np.square(norms)))
            np.testing.assert_allclose(flow.by_step[layer, t, lag], wanted, rtol=1e-10, atol=1e-13)
            assert flow.heat_map(layer)[t, t - lag] == flow.by_step[layer, t, lag]
        else:
            assert np.isnan(flow.by_step[layer, t, lag])
    for layer in layers:
        for lag in flow.lags:
            norms = np.concatenate([expected[layer, t, lag] for t in range(lag, 4)])
            assert flow.pairs[lag] == len(norms)
            wanted = np.sqrt(np.mean(norms**2))
            np.testing.assert_allclose(flow.norms[layer, lag], wanted, rtol=1e-10, atol=1e-13)
            if norms.min() > 1e-10:
                wanted = np.log(norms).mean()
                np.testing.assert_allclose(flow.log_norms[layer, lag], wanted, atol=1e-9)


@pytest.mark.parametrize("cell", [RNN(6, leak_rate=0.5), LSTM(4)])
def test_norms_are_those_of_jacobian_products(cell):
    """``dE_t/ds_k = (ds_t/ds_k)' dE_t/ds_t`` for a target at the end of one sequence."""
    network = Network(cell, 2, 1)
    rng = np.random.default_rng(0)
    theta, x = network.initial(0), rng.normal(0, 1, (1, 30, 2))
    flow = gradient_flow(network, theta, network.batch(x, np.ones((1, 1)), at="last"))
    V = network.views(theta)["readout/V"]
    output = network.predict(theta, x)[0][0][-1]
    jacobians = step_jacobians(network_path(network, theta, x[0]))
    d = np.zeros(jacobians.shape[1])
    d[: cell.units] = V[0] * (output[0] - 1.0)
    for lag in range(30):
        np.testing.assert_allclose(flow.norms[0, lag], np.linalg.norm(d), rtol=1e-9)
        d = jacobians[29 - lag].T @ d
    assert (flow.pairs == 1).all()


def test_a_bound_on_the_lag_only_leaves_out():
    case, _ = linearized("gru lstm")
    whole = gradient_flow(case.network, case.theta, case.batch)
    short = gradient_flow(case.network, case.theta, case.batch, max_lag=2, keep=(1,))
    np.testing.assert_array_equal(short.lags, [0, 1, 2])
    for name in ("norms", "log_norms", "component_norms", "shares"):
        np.testing.assert_array_equal(getattr(short, name), getattr(whole, name)[:, :3])
    np.testing.assert_array_equal(short.by_step, whole.by_step[:, :, :3])
    assert short.kept_lags == (1,)
    assert np.isnan(short.heat_map()[5, 0])
    far = gradient_flow(case.network, case.theta, case.batch, max_lag=100)
    np.testing.assert_array_equal(far.lags, whole.lags)


def test_the_same_bits_with_any_number_of_threads(use_threads):
    rng = np.random.default_rng(1)
    network = Network(RNN(5), 2, 1)
    batch = network.batch(rng.normal(0, 1, (40, 4, 2)), rng.normal(0, 1, (40, 4, 1)))
    assert len(batch.tiles) > 1
    theta, found = network.initial(0), []
    for threads in (1, 3):
        use_threads(threads)
        found.append(gradient_flow(network, theta, batch, keep=(1,)))
    for name in ("norms", "by_step", "shares"):
        np.testing.assert_array_equal(*(getattr(one, name) for one in found))
    np.testing.assert_array_equal(found[0].components[0], found[1].components[0])


def test_identity_and_orthogonal_weights_keep_the_norm_at_every_lag():
    network = Network(RNN(6, "identity"), 1, 1)
    theta = network.initial(0)
    batch = network.batch(np.random.default_rng(2).normal(0, 1, (3, 50, 1)), np.ones((3, 1)),
                          at="last")  # fmt: skip
    flow = gradient_flow(network, theta, batch)
    np.testing.assert_allclose(flow.norms[0], flow.norms[0, 0], rtol=1e-12)


def test_units_at_rest_let_nothing_through():
    network = Network(RNN(3, "relu"), 1, 1)
    theta = network.initial(0)
    network.views(theta)["layers/0/b"][:] = -100.0
    flow = gradient_flow(network, theta, network.batch(np.ones((2, 4, 1)), np.ones((2, 4, 1))))
    assert flow.norms[0, 0] > 0
    assert (flow.norms[0, 1:] == 0).all()
    assert (flow.log_norms[0, 1:] == -np.inf).all()
    assert np.isnan(flow.shares).all()  # of no gradient


def test_float32():
    rng = np.random.default_rng(3)
    x, y = rng.normal(0, 1, (4, 6, 2)), rng.normal(0, 1, (4, 6, 1))
    found = []
    for dtype in ("float64", "float32"):
        network = Network(RNN(5), 2, 1, dtype=dtype)
        found.append(gradient_flow(network, network.initial(0), network.batch(x, y)))
    np.testing.assert_allclose(found[1].norms, found[0].norms, rtol=1e-5)
    np.testing.assert_allclose(found[1].shares, found[0].shares, atol=1e-5)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"max_lag": -1}, "max_lag must be a whole number of at least 0"),
        ({"keep": (6,)}, "keep: lags must be from 0 to 5, got 6"),
        ({"keep": (2,), "max_lag": 1}, "keep: lags must be from 0 to 1, got 2"),
    ],
)
def test_options_out_of_range(options, message):
    case, _ = linearized("tanh")
    with pytest.raises(DataError) as error:
        gradient_flow(case.network, case.theta, case.batch, **options)
    assert str(error.value).startswith(message)
