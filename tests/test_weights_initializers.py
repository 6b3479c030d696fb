"""Initial weights of trained networks: counts, distributions, orthogonality, wrong arguments."""

import numpy as np
import pytest

from reservoir import weights
from reservoir.errors import DataError
from reservoir.rnn import GRU, LSTM, RNN, Initializer, Network


def rng(seed=0):
    return np.random.default_rng(seed)


def test_gaussian_weights_have_the_deviation_asked_for():
    A = weights.gaussian(400, 300, 0.5, rng=rng())
    assert A.shape == (400, 300)
    assert abs(A.mean()) < 0.01
    assert A.std() == pytest.approx(0.5, rel=0.01)


@pytest.mark.parametrize(
    "rows, columns, count, kept", [(50, 40, 15, 15), (7, 3, 15, 3), (1, 1, 1, 1)]
)
def test_each_row_has_as_many_incoming_weights(rows, columns, count, kept):
    A = weights.incoming(rows, columns, count, rng=rng())
    assert ((A != 0).sum(axis=1) == kept).all()


def test_incoming_weights_are_normal_and_at_any_place():
    A = weights.incoming(2000, 60, 15, rng=rng())
    values = A[A != 0]
    assert values.std() == pytest.approx(15**-0.5, rel=0.02)
    heard = (A != 0).mean(axis=0)  # a quarter, with a deviation of 0.01
    assert np.abs(heard - 0.25).max() < 0.04
    assert weights.incoming(2000, 60, 15, scale=3.0, rng=rng()).std() > 1.4


@pytest.mark.parametrize("rows, columns", [(5, 5), (9, 4), (4, 9), (1, 6), (6, 1), (1, 1)])
def test_semi_orthogonal_matrices_keep_lengths_on_the_shorter_side(rows, columns):
    A = weights.semi_orthogonal(rows, columns, rng=rng())
    assert A.shape == (rows, columns)
    gram = A @ A.T if rows <= columns else A.T @ A
    np.testing.assert_allclose(gram, np.eye(min(rows, columns)), atol=1e-14)


def test_a_square_one_is_the_orthogonal_one_and_its_signs_have_no_preference():
    np.testing.assert_array_equal(
        weights.semi_orthogonal(6, 6, rng=rng(1)), weights.orthogonal(6, rng=rng(1))
    )
    diagonals = [weights.semi_orthogonal(3, 2, rng=rng(s)).diagonal() for s in range(400)]
    assert np.abs(np.mean(diagonals, axis=0)).max() < 0.1


def test_identity_and_leak_rates():
    np.testing.assert_array_equal(weights.identity(3, 0.5), 0.5 * np.eye(3))
    rates = weights.leak_rates(5000, 0.02, 0.2, rng=rng())
    assert 0.02 <= rates.min() < 0.021
    assert 0.199 < rates.max() <= 0.2
    assert (weights.leak_rates(4, 0.3, 0.3, rng=rng()) == 0.3).all()


@pytest.mark.parametrize(
    "call, name",
    [
        (lambda: weights.gaussian(-1, 2, 1.0, rng=rng()), "rows"),
        (lambda: weights.gaussian(1, 2, -1.0, rng=rng()), "scale"),
        (lambda: weights.incoming(2, 2, 0, rng=rng()), "count"),
        (lambda: weights.identity(0), "units"),
        (lambda: weights.semi_orthogonal(0, 2, rng=rng()), "rows"),
        (lambda: weights.leak_rates(3, 0.0, 0.5, rng=rng()), "low"),
        (lambda: weights.leak_rates(3, 0.5, 1.5, rng=rng()), "high"),
        (lambda: weights.leak_rates(3, 0.5, 0.4, rng=rng()), "low must be at most high"),
        (lambda: Initializer("orthogonl"), "did you mean 'orthogonal'"),
        (lambda: Initializer(inputs="dense"), "inputs"),
        (lambda: Initializer(spectral_radius=-1.0), "spectral_radius"),
        (lambda: Initializer(connections=0), "connections"),
    ],
)
def test_wrong_arguments_are_named(call, name):
    with pytest.raises(DataError, match=name):
        call()


@pytest.mark.parametrize("cell", [RNN(30), LSTM(30), LSTM(30, forget_gate=False), GRU(30, "after")])
def test_every_gate_of_a_network_begins_orthogonal(cell):
    net = Network([cell, RNN(30)], inputs=3, outputs=2)
    views = net.views(net.initial(0))
    for k in range(2):
        for W in views[f"layers/{k}/W"].reshape(-1, 30, 30):
            np.testing.assert_allclose(W @ W.T, np.eye(30), atol=1e-13)


def test_forget_gates_begin_open_and_all_other_biases_at_zero():
    views = Network(LSTM(4, learn_initial_state=True), 2, 1).initial(0)
    named = Network(LSTM(4, learn_initial_state=True), 2, 1).views(views)
    assert (named["layers/0/b"] == np.array([0, 1, 0, 0])[:, None]).all()
    for name in ("layers/0/h0", "layers/0/c0", "readout/c"):
        assert (named[name] == 0).all()


def test_learned_leak_rates_begin_at_those_of_the_cell():
    net = Network(RNN(3, leak_rate=(0.2, 0.5, 1.0), learn_leak=True), 1, 1)
    np.testing.assert_array_equal(net.views(net.initial(0))["layers/0/leak_rate"], [0.2, 0.5, 1.0])


def test_a_spectral_radius_and_sparse_inputs_as_in_the_recipe_of_martens_and_sutskever():
    net = Network(RNN(100), 40, 1)
    start = Initializer(
        "sparse", spectral_radius=1.1, inputs="sparse", input_scaling=0.25, connections=15
    )
    views = net.views(net.initial(3, start))
    W, U = views["layers/0/W"], views["layers/0/U"]
    assert np.abs(np.linalg.eigvals(W)).max() == pytest.approx(1.1, rel=1e-9)
    assert ((W != 0).sum(axis=1) == 15).all()
    assert ((U != 0).sum(axis=1) == 15).all()
    assert U[U != 0].std() == pytest.approx(0.25 * 15**-0.5, rel=0.05)


def test_the_same_seed_gives_the_same_parameters():
    net = Network(GRU(5), 2, 1)
    np.testing.assert_array_equal(net.initial(7), net.initial(7))
    assert not np.array_equal(net.initial(7), net.initial(8))
