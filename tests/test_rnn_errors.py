"""Data that cannot be used are refused with their place."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from batch_cases import changed, network_of, ragged, refuses, same, stated, theta_of

from reservoir.rnn import GRU, LSTM, RNN, Network

X, Y, _ = ragged([4, 2, 3])
NET = network_of("rnn")
LABELS = Network(RNN(3), 2, 3, "softmax_cross_entropy")
FLOAT32 = network_of("rnn", dtype="float32")
ONES = [np.ones(4), np.ones(2), np.ones(3)]


INPUTS = [
    ([], "inputs: no sequence; expected at least one"),
    ((), "inputs: no sequence"),
    (np.zeros((0, 3, 2)), "inputs: no sequence"),
    (None, "inputs: Expected 2D array"),
    (np.ma.masked_greater(X[0], 0), "inputs: a masked array"),
    ([X[0], np.ma.masked_greater(X[1], 0)], "inputs of series 1: a masked array"),
    (np.ones(3), "inputs: Expected 2D array of shape (steps, columns), got 1D"),
    ([np.ones((4, 3))], "inputs have 3 columns; the network takes 2"),
    ([np.ones((4, 2)), np.ones((4, 3))], "inputs: series 1 has 3 columns, series 0 has 2"),
    (np.ones((3, 2)) * 1j, "inputs: Complex"),
    ([["a", "b"]], "inputs: dtype <U1 cannot be used, expected real numbers"),
    ([[[1, 2], [3]]], "inputs is not an array of numbers"),
    (changed(X, 1, (1, 0), np.nan), "inputs contains NaN at series 1, step 1, column 0"),
    (changed(X, 2, (2, 1), np.inf), "inputs contains infinity at series 2, step 2, column 1"),
    (changed(X, 2, (2, 1), -np.inf), "infinity at series 2, step 2, column 1; expected finite"),
]


@pytest.mark.parametrize(("inputs", "message"), INPUTS)
def test_wrong_inputs(inputs, message):
    refuses(message, lambda: NET.batch(inputs, Y))
    refuses(message, lambda: NET.predict(theta_of(NET), inputs))


TARGETS = [
    (5, "targets: expected an array for each sequence, got 5"),
    ("abc", "targets: expected an array for each sequence, got 'abc'"),
    ({"y": 1}, "targets: expected an array for each sequence"),
    (Y[:2], "targets: 3 sequences need one each, got 2"),
    ([Y[0], Y[2], Y[2]], "targets of series 1 have shape (3, 2); expected 2 rows"),
    ([Y[0], 1.0, Y[2]], "targets of series 1 have shape (); expected 2 rows"),
    ([Y[0], np.ones((2, 3)), Y[2]], "targets of series 1 have shape (2, 3), those of series 0"),
    ([np.ones((n, 3)) for n in (4, 2, 3)], "targets have 3 columns; the network has 2 outputs"),
    ([np.ones(n) for n in (4, 2, 3)], "targets must have shape (9, 2)"),
    ([[[1, 2], [3]], Y[1], Y[2]], "targets of series 0: not an array of numbers"),
    ([[["a", "b"]] * 4, Y[1], Y[2]], "targets must hold real numbers"),
    ([y * 1j for y in Y], "targets must hold real numbers"),
    ([np.ma.masked_greater(y, 0) for y in Y], "targets of series 0: a masked array"),
    (
        changed(Y, 1, (1, 0), np.nan),
        "targets have NaN at series 1, step 1, column 0; expected a fi",
    ),
    (changed(Y, 2, (0, 1), np.inf), "targets have inf at series 2, step 0, column 1"),
]


@pytest.mark.parametrize(("targets", "message"), TARGETS)
def test_wrong_targets(targets, message):
    refuses(message, lambda: NET.batch(X, targets))


LAST = [
    (np.ones((2, 2)), "targets: expected 3 rows, one for each sequence; got shape (2, 2)"),
    (1.0, "targets: expected 3 rows, one for each sequence; got shape ()"),
    (np.ones((3, 1)), "targets have 1 columns; the network has 2 outputs"),
    ([[1, 2], [3], [1, 2]], "targets: not an array of numbers"),
    ([[1, 2], [3, np.nan], [1, 2]], "targets have NaN at series 1, column 1; expected a finite"),
    (np.ma.masked_greater(np.ones((3, 2)), 0), "targets: a masked array"),
]


@pytest.mark.parametrize(("targets", "message"), LAST)
def test_wrong_last_targets(targets, message):
    refuses(message, lambda: NET.batch(X, targets, at="last"))


def test_other_wrong_targets():
    refuses("at must be 'every' or 'last', got 'lats'", lambda: NET.batch(X, Y, at="lats"))
    none = [X[0], X[0][:0]]
    refuses("series 1 has no step", lambda: NET.batch(none, np.ones((2, 2)), at="last"))
    NET.batch(none, np.ones((2, 2)), at="last", weights=[1, 0])
    wrong = [[0, 1, 2, 0], [0, 3], [0, 0, 0]]
    message = "targets have the class label 3 at series 1, step 1; expected 0 to 2"
    refuses(message, lambda: LABELS.batch(X, wrong))
    refuses("the class label -1 at series 2;", lambda: LABELS.batch(X, [0, 1, -1], at="last"))
    refuses("class labels must be integers", lambda: LABELS.batch(X, [[0.0] * len(x) for x in X]))
    rows = changed([np.eye(3)[[0] * len(x)] for x in X], 1, (1, 0), 0.75)
    message = "targets have the sum 0.75 over columns 0 to 2 at series 1, step 1; expected prob"
    refuses(message, lambda: LABELS.batch(X, rows))
    logistic = network_of("rnn", loss="logistic_cross_entropy")
    half = [np.full((len(x), 2), 0.5) for x in X]
    message = "targets have 1.5 at series 1, step 0, column 1; expected a number in [0, 1]"
    refuses(message, lambda: logistic.batch(X, changed(half, 1, (0, 1), 1.5)))


WEIGHTS = [
    (changed(ONES, 1, 1, np.nan), "weights of series 1: nan at step 1; expected a finite number"),
    (changed(ONES, 2, 0, -1), "weights of series 2: -1.0 at step 0; expected a finite number"),
    (changed(ONES, 0, 3, np.inf), "weights of series 0: inf at step 3"),
    ([np.zeros(n) for n in (4, 2, 3)], "no step is scored: the weights sum to 0"),
    ([np.full(n, 1e308) for n in (4, 2, 3)], "the weights sum to inf; expected a finite sum"),
    (ONES[:2], "weights: 3 sequences need one each, got 2"),
    ([ONES[0], np.ones(3), ONES[2]], "weights of series 1 have shape (3,); expected 2 rows"),
    ([np.ones((n, 2)) for n in (4, 2, 3)], "weights of series 0: expected 4 numbers, got float64"),
    (2.0, "weights: expected an array for each sequence, got 2.0"),
    ([["a"] * n for n in (4, 2, 3)], "weights of series 0: expected 4 numbers, got <U1"),
]


@pytest.mark.parametrize(("weights", "message"), WEIGHTS)
def test_wrong_weights(weights, message):
    refuses(message, lambda: NET.batch(X, Y, weights=weights))


def test_wrong_weights_of_last_targets():
    last = np.ones((3, 2))
    for weights, message in [
        ([1, 1, np.inf], "weights: inf at series 2; expected a finite number of at least 0"),
        ([1, 1], "weights: expected 3 numbers, got int64 of (2,)"),
        (1.0, "weights: expected 3 numbers"),
        ([0, 0, 0], "no step is scored"),
    ]:
        refuses(message, lambda w=weights: NET.batch(X, last, at="last", weights=w))


def test_masked_targets_are_not_looked_at():
    theta = theta_of(NET)
    weights = changed(ONES, 1, 1, 0)
    expected = NET.gradient(theta, NET.batch(X, Y, weights=weights))
    for value in (np.nan, np.inf, 1e300):
        hidden = changed(Y, 1, 1, value)
        assert same(NET.gradient(theta, NET.batch(X, hidden, weights=weights)), expected)
    labels = [[0, 1, 2, 0], [0, -1], [0, 99, 0]]
    masks = [[1, 1, 1, 1], [1, 0], [1, 0, 1]]
    assert LABELS.batch(X, labels, weights=masks).scored == 7
    last = np.array([[1, 2], [np.nan, np.inf], [3, 4]])
    assert NET.batch(X, last, at="last", weights=[1, 0, 1]).scored == 2


STATES = [
    (3, "state: expected a tuple with an array for each layer, got 3"),
    ({"h": 1}, "state: expected a tuple with an array for each layer"),
    (stated() * 2, "state: 1 layers have one array each, got 2"),
    (stated(units=4), "state of layer 0: expected numbers of shape (1, 3, 5) (parts, sequences"),
    (stated(sequences=2), "got float64 of (1, 2, 5)"),
    (stated(parts=2), "got float64 of (2, 3, 5)"),
    ((stated()[0] * 1j,), "got complex128 of (1, 3, 5)"),
    (stated(np.nan), "state of layer 0, h: nan at series 1, unit 2; expected finite numbers"),
    (stated(-np.inf), "state of layer 0, h: -inf at series 1, unit 2"),
]


@pytest.mark.parametrize(("state", "message"), STATES)
def test_wrong_states(state, message):
    refuses(message, lambda: NET.batch(X, Y, state=state))
    refuses(message, lambda: NET.predict(theta_of(NET), X, state))


def test_the_part_of_a_wrong_state_is_named():
    network = Network((RNN(2), LSTM(5)), 2, 2)
    state = (np.zeros((1, 3, 2)), *stated(np.inf, parts=2))
    refuses(
        "state of layer 1, c: inf at series 1, unit 2", lambda: network.batch(X, Y, state=state)
    )


def test_parameters_are_named():
    batch = NET.batch(X, Y)
    theta = theta_of(NET)
    linear = NET.linearize(theta, batch)
    for index, value, place in [
        (10 + 5 + 2, np.nan, "nan at layers/0/W[1, 2]"),
        (3, np.inf, "inf at layers/0/U[1, 1]"),
        (10 + 25 + 4, -np.inf, "-inf at layers/0/b[4]"),
        (NET.size - 1, np.nan, "nan at readout/c[1]"),
    ]:
        wrong = theta.copy()
        wrong[index] = value
        message = f"theta has {place}; expected finite numbers"
        for ask in (NET.value, NET.gradient, NET.linearize):
            refuses(message, lambda ask=ask, wrong=wrong: ask(wrong, batch))
        refuses(message, lambda wrong=wrong: NET.predict(wrong, X))
        message = f"the direction has {place}; expected finite numbers"
        for operator in (linear.operator(), linear.operator(0.1, 0.1), linear.hessian()):
            refuses(message, lambda operator=operator, wrong=wrong: operator @ wrong)
        refuses(message, lambda wrong=wrong: linear.jvp(wrong))
    leaky = network_of("leaky")
    wrong = theta_of(leaky)
    leaky.views(wrong)["layers/0/leak_rate"][2] = np.nan
    message = "theta has nan at layers/0/leak_rate[2]"
    refuses(message, lambda: leaky.value(wrong, leaky.batch(X, Y)))
    for index in range(leaky.size):
        name = leaky.layout.place(index)
        short, at = re.fullmatch(r"(.+)\[(.+)\]", name).groups()
        marked = np.zeros(leaky.size)
        leaky.views(marked)[short][tuple(int(i) for i in at.split(","))] = 1.0
        assert np.flatnonzero(marked).tolist() == [index]


@pytest.mark.parametrize(
    "theta",
    [np.ones(3), np.ones((52, 1)), np.ones(52) * 1j, None, "theta", [1, [2]], np.ones(52, bool)],
)
def test_wrong_vectors(theta):
    assert NET.size == 52
    batch = NET.batch(X, Y)
    linear = NET.linearize(theta_of(NET), batch)
    refuses("theta ", lambda: NET.value(theta, batch))
    refuses("the direction ", lambda: linear.jvp(theta))


@pytest.mark.parametrize("theta", [np.ones(51), np.ones(53), [0.0] * 52, np.ones(52, int), None])
def test_views_of_what_has_none(theta):
    refuses("theta must be an array of 52 floats to be viewed", lambda: NET.views(theta))


def test_views_are_written_through():
    theta = np.zeros(NET.size)
    NET.views(theta)["layers/0/W"][1, 2] = 3.0
    assert theta[10 + 5 + 2] == 3.0
    assert NET.views(theta[::1])["readout/V"].base is not None


def test_wrong_arguments_of_products():
    linear = NET.linearize(theta_of(NET), NET.batch(X, Y))
    tangent = linear.jvp(theta_of(NET))
    for wrong in (tangent.outputs[1:], tangent.outputs[:, 0], tangent.outputs * 1j):
        message = "outputs must be real numbers of shape (9, 2)"
        refuses(message, lambda wrong=wrong: linear.vjp(wrong))
        refuses(message, lambda wrong=wrong: linear.loss_curvature(wrong))
    for wrong in (tangent.states[1:], np.append(tangent.states, 0), tangent.states * 1j):
        message = f"states must be real numbers of shape ({tangent.states.size},)"
        refuses(message, lambda wrong=wrong: linear.vjp(tangent.outputs, wrong))
        refuses(message, lambda wrong=wrong: linear.state_curvature(wrong, 0.1))
    for damping in (-1, np.nan, np.inf, "1"):
        for make in (linear.operator, linear.hessian):
            with pytest.raises(ValueError, match="damping must be a finite number of at least 0"):
                make(damping)
        with pytest.raises(ValueError, match="structural must be a finite number of at least 0"):
            linear.operator(0.0, damping)
    with pytest.raises(ValueError, match="must be real"):
        linear.operator() @ (theta_of(NET) * 1j)


def test_a_batch_of_another_network():
    theta = theta_of(NET)
    refuses("the batch has no targets", lambda: NET.value(theta, NET.batch(X, None)))
    for wrong in (None, (X, Y)):
        refuses(
            "expected a batch made by Network.batch, got",
            lambda wrong=wrong: NET.value(theta, wrong),
        )
    for other in (Network(RNN(5), 3, 2), Network(RNN(5), 2, 3), FLOAT32):
        batch = other.batch(*ragged([3], other.inputs, other.outputs)[:2])
        for ask in (NET.value, NET.gradient, NET.linearize):
            refuses("the batch was made for", lambda ask=ask, batch=batch: ask(theta, batch))
    squared = Network(RNN(3), 2, 3)  # labels would be subtracted as numbers
    batch = LABELS.batch(np.ones((3, 2)), [0, 1, 2])
    message = "the batch was made for 2 inputs, 3 outputs, float64 and softmax_cross_entropy"
    refuses(message, lambda: squared.value(theta_of(squared), batch))
    for cell in (RNN(1), RNN(4), LSTM(5)):  # a state of one unit would be broadcast
        other = Network(cell, 2, 2)
        state = tuple(np.zeros((len(c.parts), 3, c.units)) for c in other.cells)
        batch = other.batch(X, Y, state=state)
        message = "the batch begins in a state with (parts, units)"
        refuses(message, lambda batch=batch: NET.value(theta, batch))
    same_columns = Network(GRU(4), 2, 2).batch(X, Y)  # nothing in it depends on the cells
    assert np.isfinite(NET.value(theta, same_columns))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Network([], 2, 2), "cells: expected at least one"),
        (lambda: Network([RNN(2), 3], 2, 2), "cells: expected RNN, LSTM or GRU, got 3"),
        (lambda: Network("LSTM", 2, 2), "cells: expected RNN, LSTM or GRU, got 'LSTM'"),
        (lambda: Network(LSTM, 2, 2), "cells: expected RNN, LSTM or GRU, got <class"),
        (lambda: Network(RNN(2), -1, 2), "inputs must be a whole number of at least 0, got -1"),
        (lambda: Network(RNN(2), 1, 0), "outputs must be a whole number of at least 1, got 0"),
        (lambda: Network(RNN(2), 1, 1, "mse"), "unknown loss 'mse'; expected one of squared_error"),
        (lambda: Network(RNN(2), 1, 1, "squared error"), "did you mean 'squared_error'?"),
        (lambda: Network(RNN(2), 1, 1, dtype="float16"), "unknown dtype 'float16'; did you mean"),
        (lambda: RNN(0), "units must be a whole number of at least 1, got 0"),
        (lambda: LSTM(2.0), "units must be a whole number of at least 1, got 2.0"),
        (lambda: GRU(True), "units must be a whole number of at least 1, got True"),
        (lambda: RNN(2, "Tanh"), "unknown activation 'Tanh'; did you mean 'tanh'?"),
        (lambda: RNN(2, leak_rate=0.0), "leak_rate must be in (0, 1], got 0.0"),
        (lambda: RNN(2, leak_rate=(0.1, 1.2)), "leak_rate must be in (0, 1], got 1.2 at unit 1"),
        (lambda: RNN(2, leak_rate=[0.1] * 3), "one for each of 2 units; got shape (3,)"),
        (lambda: RNN(2, leak_rate=np.nan), "leak_rate must be in (0, 1], got nan"),
        (lambda: RNN(2, leak_rate="x"), "leak_rate must be numbers in (0, 1], got 'x'"),
        (lambda: GRU(2, reset="befor"), "unknown reset 'befor'; did you mean 'before'?"),
    ],
)
def test_wrong_networks(make, message):
    refuses(message, make)


def test_frames_and_their_errors():
    frame = pd.DataFrame(X[0], columns=["a", "b"])
    assert NET.batch(frame, frame).rows == 4
    with_nan = frame.copy()
    with_nan.loc[2, "b"] = np.nan
    refuses("NaN at step 2, column 1", lambda: NET.batch(with_nan, frame))
    refuses("targets have NaN at series 0, step 2, column 1", lambda: NET.batch(frame, with_nan))
    refuses("inputs", lambda: NET.batch(frame.assign(b="text"), frame))
