"""What the estimators of trained networks say to data and parameters that cannot be used."""

from __future__ import annotations

import numpy as np
import pytest
from test_rnn_estimators import delayed, series, small

from reservoir import RNNClassifier
from reservoir.errors import DataError

X = series((6, 5, 6))
Y = delayed(X)
LABELS = [0, 1, 1]


def with_value(data, place, value):
    changed = [part.copy() for part in data]
    series, *rest = place
    changed[series][tuple(rest)] = value
    return changed


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"cell": "ltsm"}, "unknown cell 'ltsm'; did you mean 'lstm'"),
        ({"cell": 5}, "cell must be one of rnn, lstm, gru, or an RNN, LSTM or GRU"),
        ({"cell": []}, "cells: expected at least one"),
        ({"cell": "gru", "activation": "relu"}, "activation='relu' is for cell='rnn' alone"),
        ({"cell": "lstm", "leak_rate": 0.5}, "leak_rate=0.5 is for cell='rnn' alone"),
        ({"units": 0}, "units must be a whole number of at least 1"),
        ({"layers": 0}, "layers must be a whole number of at least 1"),
        ({"leak_rate": 0.0}, "leak_rate must be in"),
        ({"activation": "tan"}, "did you mean 'tanh'"),
        ({"initializer": "orthogonal"}, "initializer: expected an Initializer"),
        ({"optimizer": "adma"}, "unknown optimizer 'adma'; did you mean 'adam'"),
        ({"optimizer": dict}, "optimizer must be one of hf, sgd"),
        ({"max_steps": -1}, "max_steps must be a whole number of at least 0"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1"),
        ({"batch_size": 4}, "batch_size=4 is more than the 3 sequences"),
        ({"curvature_batch": 4}, "curvature_batch=4 is more than the 3 sequences"),
        ({"curvature_batch": 3, "batch_size": 2}, "curvature_batch=3 is more than the 2"),
        ({"optimizer": "adam", "curvature_batch": 2}, "curvature_batch is for Hessian-free alone"),
        ({"window": 0}, "window must be a whole number of at least 1"),
        ({"targets": "lats"}, "did you mean 'last'"),
        ({"missing_targets": "ignore"}, "unknown missing_targets 'ignore'"),
        ({"early_stopping": True, "validation_fraction": 1.0}, "validation_fraction must be"),
        ({"early_stopping": True, "validation_fraction": 0.99}, "leaves no targets"),
        ({"patience": 0}, "patience must be a whole number of at least 1"),
        ({"early_stopping": "no"}, "early_stopping must be True or False, got 'no'"),
        ({"keep_orthogonal": 1}, "keep_orthogonal must be True or False"),
        ({"tol": -1.0}, "tol must be a finite number of at least 0"),
        ({"dtype": "float16"}, "unknown dtype 'float16'"),
        ({"callback": 3}, "callback must be callable or None"),
        ({"random_state": "seed"}, "random_state='seed'"),
    ],
)
def test_parameters(parameters, message):
    with pytest.raises(DataError, match=message):
        small(**parameters).fit(X, Y)


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        (X[:2], Y, "X has 2 series, y has 3 series; expected equally many"),
        (X, [1.0, 2.0], "X has 3 series, y has 2 rows, one for each series"),
        (X, [*Y[::-1], Y[0]], "X has 3 series, y has 4"),
        (X, [Y[1], Y[0], Y[2]], "y, series 0 has 5 steps, X, series 0 has 6"),
        (X[0], Y[1], "y has 5 steps, X has 6"),
        (X[0][:0], Y[0][:0], "0 sample"),
        ([X[0][:0]], [Y[0][:0]], "y has no target that is not missing"),
        (X, [t[:, :0] for t in Y], "y has no columns"),
        (with_value(X, (1, 2, 0), np.nan), Y, "X contains NaN at series 1, step 2, column 0"),
        (with_value(X, (2, 0, 1), np.inf), Y, "X contains infinity at series 2, step 0, column 1"),
        (X, with_value(Y, (1, 4, 0), np.inf), "y contains infinity at series 1, step 4, column 0"),
        (X, [[1.0, 2.0], [3.0, np.nan], [1.0, 1.0]], "y contains NaN at series 1, step 0"),
        (
            X,
            [[1.0, 2.0], [3.0], [1.0, 1.0]],
            "y: expected one row for each series, all of one length",
        ),
        ([X[0], X[1][:, :1]], Y[:2], "X: series 1 has 1 columns, series 0 has 2"),
        (X, ["a", "b", "c"], "y: dtype <U1 cannot be used"),
        ([X[0], X[1][:0], X[2]], [1.0, 2.0, 3.0], "X, series 1 has no step, hence no last one"),
        ([], [], "Expected 2D array"),
    ],
)
def test_data_of_a_regression(inputs, targets, message):
    with pytest.raises(ValueError, match=message):
        small().fit(inputs, targets)


@pytest.mark.parametrize(
    ("inputs", "labels", "message"),
    [
        (X, [0, 1], "X has 3 series, y has 2 rows, one for each series"),
        (X, [0, 0, 0], "y holds 1 class; expected at least 2"),
        (X, [0.5, 1.2, 0.1], "Unknown label type: continuous"),
        (X, [0.0, np.nan, 1.0], "y contains NaN"),
        (X, [np.arange(6), np.arange(5), np.arange(5)], "y, series 2 has 5 steps, X, series 2"),
        (X[0], [0, 1, 1], "y has 3 steps, X has 6"),
        (X, [["a", "b"], ["a", "b"], ["a", "b"]], "y, series 0 has 2 steps"),
    ],
)
def test_labels(inputs, labels, message):
    with pytest.raises(ValueError, match=message):
        small(RNNClassifier).fit(inputs, labels)


def test_windows_are_for_targets_of_steps():
    with pytest.raises(DataError, match="window cuts series with a target at every step"):
        small(window=3).fit(X, [1.0, 2.0, 3.0])


def test_nothing_to_hold_out():
    with pytest.raises(DataError, match=r"leaves no targets .* of 1 sample; expected more"):
        small(early_stopping=True).fit(X[:1], [1.0])
    with pytest.raises(DataError, match="of 1 sample;"):
        small(early_stopping=True).fit(X[0][:1], Y[0][:1])


@pytest.mark.parametrize("method", ["predict", "states"])
def test_inputs_of_a_fitted_estimator(method):
    rnn = small(targets="last").fit(X, [1.0, 2.0, 3.0])
    call = getattr(rnn, method)
    for narrow in (X[0][:, :1], [X[0][:, :1]]):
        with pytest.raises(ValueError, match="X has 1 features, but RNNRegressor is expecting 2"):
            call(narrow)
    with pytest.raises(DataError, match="X contains NaN at series 2, step 1, column 0"):
        call(with_value(X, (2, 1, 0), np.nan))
    with pytest.raises(DataError, match="X, series 1 has no step, hence no last output"):
        call([X[0], X[1][:0]])
    with pytest.raises(DataError, match="X holds no series"):
        call(np.zeros((0, 4, 2)))


def test_scores():
    rnn = small().fit(X, Y)
    with pytest.raises(DataError, match="y, series 0 has 5 steps"):
        rnn.score(X, [t[:5] for t in Y])
    with pytest.raises(DataError, match="sample_weight has 3 numbers; expected one for each of 17"):
        rnn.score(X, Y, [1, 2, 3])
    named = small(RNNClassifier).fit(X, LABELS)
    with pytest.raises(DataError, match="y has labels at every step; the fit had them at last"):
        named.score(X, [np.zeros(len(x), int) for x in X])
