"""Weights of PyTorch in and out: outputs equal to PyTorch's, bits of a round trip, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch_cases as cases

from reservoir.errors import DataError
from reservoir.rnn import GRU, LSTM, RNN, Network
from reservoir.rnn.pytorch import from_state_dict, state_dict

NAMES = list(cases.KINDS)
TOLERANCE = {"float64": 1e-12, "float32": 1e-6}


def activation(name):
    return "relu" if name == "relu" else "tanh"


def found_outputs(network, theta, x):
    """Outputs (T, B, M) for time-major inputs (T, B, K)."""
    return np.stack(network.predict(theta, x.swapaxes(0, 1))[0], axis=1)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_those_of_pytorch(name, dtype):
    state, x, expected = cases.archived(name, dtype)
    network, theta = from_state_dict(state, activation=activation(name), dtype=dtype)
    assert len(network.cells) == cases.LAYERS
    assert isinstance(network.cells[0], {"LSTM": LSTM, "GRU": GRU}.get(name, RNN))
    found = found_outputs(network, theta, x)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE[dtype])
    assert np.abs(expected).max() > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_a_round_trip_keeps_the_bits(name):
    network, theta = from_state_dict(cases.archived(name, "float64")[0])
    theta[::5] *= -0.0  # signed zeros too
    again, back = from_state_dict(state_dict(network, theta))
    assert again.cells == network.cells
    assert back.tobytes() == theta.tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_what_comes_back_gives_the_same_outputs(name):
    state, x, expected = cases.archived(name, "float32")
    network, theta = from_state_dict(state, activation=activation(name))
    back = state_dict(network, theta, dtype="float32")
    assert {key: array.shape for key, array in back.items()} == {
        key: array.shape for key, array in state.items()
    }
    assert all(array.dtype == np.float32 for array in back.values())
    for key in state:
        if "bias" not in key:
            assert np.array_equal(back[key], state[key])
    again, theta = from_state_dict(back, activation=activation(name))
    np.testing.assert_allclose(found_outputs(again, theta, x), expected, rtol=0, atol=1e-6)


def test_the_gates_by_hand():
    """One unit, weights that tell the gates apart."""
    state = {
        "weight_ih_l0": np.array([[1.0], [2.0], [3.0]]),  # r, z, n
        "weight_hh_l0": np.array([[4.0], [5.0], [6.0]]),
        "bias_ih_l0": np.array([0.1, 0.2, 0.3]),
        "bias_hh_l0": np.array([0.01, 0.02, 0.03]),
    }
    network, theta = from_state_dict(state)
    views = network.views(theta)
    assert views["layers/0/U"].ravel().tolist() == [-2.0, 1.0, 3.0]  # z, r, n
    assert views["layers/0/W"].ravel().tolist() == [-5.0, 4.0, 6.0]
    np.testing.assert_allclose(views["layers/0/b"].ravel(), [-0.22, 0.11, 0.3], rtol=1e-15)
    assert views["layers/0/b_n"].tolist() == [0.03]
    assert views["readout/V"].tolist() == [[1.0]]  # without a readout: the state itself


def test_without_biases():
    state, _, _ = cases.archived("LSTM", "float64")
    weights = {name: array for name, array in state.items() if "bias" not in name}
    network, theta = from_state_dict(weights)
    views = network.views(theta)
    assert not views["layers/1/b"].any()
    assert not views["readout/c"].any()
    zeros = {name: np.zeros_like(a) if "bias" in name else a for name, a in state.items()}
    assert np.array_equal(from_state_dict(zeros)[1], theta)


def renamed(state, recurrent, readout):
    return {
        name.replace("rnn.", recurrent).replace("fc.", readout): array
        for name, array in state.items()
    }


def test_prefixes():
    state, _, _ = cases.archived("tanh", "float64")
    theta = from_state_dict(state)[1]
    for recurrent, readout in (("", "out."), ("model.lstm.", "model.linear."), ("a.", "")):
        names = renamed(state, recurrent, readout)
        assert np.array_equal(from_state_dict(names)[1], theta)
        assert state_dict(*from_state_dict(names), recurrent=recurrent, readout=readout).keys() == (
            names.keys()
        )
    network, _ = from_state_dict(
        {name: array for name, array in state.items() if name.startswith("rnn.")}
    )
    assert network.outputs == cases.N


def test_several_modules_are_chosen_among():
    state, _, _ = cases.archived("tanh", "float64")
    theta = from_state_dict(state)[1]
    two = state | renamed(state, "b.", "head.")
    with pytest.raises(DataError, match=r"several recurrent modules: .* one of 'rnn.', 'b.'"):
        from_state_dict(two)
    with pytest.raises(DataError, match=r"several arrays .* one of 'fc.', 'head.', or 'none'"):
        from_state_dict(two, recurrent="rnn.")
    with pytest.raises(DataError, match=r"norm: weights of no .*; give both prefixes"):
        from_state_dict(state | {"norm": theta}, readout="fc.")
    assert np.array_equal(from_state_dict(two, recurrent="b.", readout="head.")[1], theta)
    network, _ = from_state_dict(two, recurrent="rnn.", readout="none")
    assert network.outputs == cases.N


def changed(name, array):
    state, _, _ = cases.archived("tanh", "float64")
    if array is None:
        return {key: a for key, a in state.items() if key != name}
    return state | {name: array}


@pytest.mark.parametrize(
    "name, array, message",
    [
        ("rnn.weight_ih_l0", None, "no array named ...weight_ih_l0"),
        ("rnn.weight_hh_l0", None, "there is no array rnn.weight_hh_l0"),
        ("rnn.weight_hh_l1", None, "there is no array rnn.weight_hh_l1"),
        ("rnn.bias_hh_l0", None, "there is no array rnn.bias_hh_l0"),
        ("rnn.weight_hh_l0", np.ones((6, 3)), "expected N, 3 N or 4 N rows"),
        ("rnn.weight_hh_l0", np.ones((7, 3)), "expected N, 3 N or 4 N rows"),
        ("rnn.weight_hh_l0", np.ones(3), "must have two dimensions"),
        ("rnn.weight_hh_l1", np.ones((3, 2)), r"floats of shape \(3, 3\), got float64 of \(3, 2\)"),
        ("rnn.bias_hh_l1", np.ones(3, int), r"floats of shape \(3,\), got int64"),
        ("rnn.weight_ih_l1_reverse", np.ones((3, 3)), "bidirectional layers"),
        ("rnn.weight_hr_l0", np.ones((3, 3)), "projections"),
        ("rnn.weight_ih_l9", np.ones((3, 3)), r"numbered \[0, 1, 9\]"),
        ("rnn.weight_ih_l99999", np.ones((3, 3)), "rnn.weight_ih_l99999: weights of no"),
        ("fc.bias", np.ones(3), r"fc.bias must be floats of shape \(2,\)"),
        ("fc.weight", np.array([[1.0, np.nan, 0.0]]), r"fc.weight\[0, 1\] is nan"),
        ("embedding.weight", np.ones((5, 2)), "embedding.weight: weights of no recurrent layer"),
    ],
)
def test_weights_that_do_not_fit(name, array, message):
    with pytest.raises(DataError, match=message):
        from_state_dict(changed(name, array))


def test_bad_options():
    state, _, _ = cases.archived("tanh", "float64")
    for options, message in (
        ({"activation": "logistic"}, "activation must be 'tanh' or 'relu'"),
        ({"recurrent": "lstm."}, "no lstm.weight_ih_l0; recurrent layers have the prefixes 'rnn.'"),
        ({"readout": "head."}, "there is no array head.weight"),
        ({"loss": "square"}, "did you mean 'squared_error'"),
    ):
        with pytest.raises(DataError, match=message):
            from_state_dict(state, **options)


@pytest.mark.parametrize(
    "cells, missing",
    [
        (RNN(2, leak_rate=0.5), "leak rates"),
        (RNN(2, activation="logistic"), "logistic units"),
        (RNN(2, learn_initial_state=True), "learned initial states"),
        (LSTM(2, forget_gate=False), "LSTM without forget gate"),
        (GRU(2), "GRU with the reset before"),
        ([RNN(2), RNN(3)], "layer 1 differs from layer 0"),
        ([LSTM(2), GRU(2, reset="after")], "layer 1 differs from layer 0"),
    ],
)
def test_what_pytorch_has_not(cells, missing):
    network = Network(cells, inputs=1, outputs=1)
    with pytest.raises(DataError, match=missing):
        state_dict(network, network.initial(0))


def test_parameters_that_are_not():
    network = Network(RNN(2), inputs=1, outputs=1)
    with pytest.raises(DataError, match="theta must be a vector of 11 real numbers"):
        state_dict(network, np.ones(3))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", NAMES)
def test_pytorch_takes_them_back(name, dtype):
    """Needs PyTorch; scripts/check_peers has it."""
    torch = pytest.importorskip("torch")
    module = cases.model(name, dtype, seed=1)
    x = cases.inputs()
    network, theta = from_state_dict(cases.arrays(module), activation=activation(name), dtype=dtype)
    theta += 0.01  # trained on
    module.load_state_dict(
        {key: torch.tensor(array) for key, array in state_dict(network, theta).items()}
    )
    found = found_outputs(network, theta, x)
    np.testing.assert_allclose(found, cases.outputs(module, x), rtol=0, atol=TOLERANCE[dtype])


def test_the_archive_is_what_pytorch_gives():
    pytest.importorskip("torch")
    made = cases.everything()
    with np.load(cases.ARCHIVE) as archive:
        assert set(archive) == set(made)
        for name in archive:
            np.testing.assert_allclose(archive[name], made[name], rtol=0, atol=1e-6)
