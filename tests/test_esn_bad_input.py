"""Bad data and bad parameters: one clear message that names the place, and nothing fitted."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from test_esn_fit import estimator, pairs

from reservoir.errors import DataError
from reservoir.esn import fit as esn_fit
from reservoir.esn.pairing import Data
from reservoir.series.collection import Collection, collect
from reservoir.series.shifted import Shifted

T = 60


@pytest.fixture
def one():
    X, y = pairs([T])
    return X[0], y[0]


@pytest.fixture
def many():
    return pairs([T, 40])


def spoilt(array, step, column, value):
    array = array.copy()
    array[step, column] = value
    return array


BAD_VALUES = [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")]
bad_values = pytest.mark.parametrize(("value", "word"), BAD_VALUES)
calls = pytest.mark.parametrize("name", ["predict", "states", "forecast", "score", "partial_fit"])


@bad_values
def test_values_in_one_series(one, value, word):
    X, y = one
    place = f"contains {word} at step 17, column 1; expected finite numbers$"
    with pytest.raises(DataError, match=f"^Input X {place}"):
        estimator().fit(spoilt(X, 17, 1, value), y)
    with pytest.raises(DataError, match=f"^Input X {place}"):
        estimator().fit(spoilt(X, 17, 1, value))
    with pytest.raises(DataError, match=f"^Input y {place}"):
        estimator().fit(X, spoilt(y, 17, 1, value))
    with pytest.raises(DataError, match=f"^Input y contains {word} at step 2, column 0"):
        estimator(washout=10).fit(X, spoilt(y, 2, 0, value))
    with pytest.raises(DataError, match=f"^Input X contains {word} at step {T - 1}, column 0"):
        estimator(washout=0).fit(spoilt(X, T - 1, 0, value), y)


@bad_values
def test_values_in_one_of_several_series(many, value, word):
    X, y = many
    place = f"contains {word} at series 1, step 17, column 0; expected finite numbers$"
    with pytest.raises(DataError, match=f"^Input X {place}"):
        estimator().fit([X[0], spoilt(X[1], 17, 0, value)], y)
    with pytest.raises(DataError, match=f"^Input y {place}"):
        estimator().fit(X, [y[0], spoilt(y[1], 17, 0, value)])
    stack = np.stack([X[1], spoilt(X[1], 17, 0, value)])
    with pytest.raises(DataError, match=f"^Input X {place}"):
        estimator().fit(stack, np.stack([y[1], y[1]]))


@calls
@bad_values
@pytest.mark.parametrize("number", [1, 5])
def test_values_after_the_fit(one, name, value, word, number):
    """In any drive, also when a thread ahead finds them."""
    X, y = one
    esn = estimator().fit(X)
    inputs = [X] * (number - 1) + [spoilt(X, 30, 1, value)]
    arguments = {"forecast": (3, inputs)}.get(name, (inputs,))
    with pytest.raises(DataError, match=rf"X contains {word} at series {number - 1}, step 30, col"):
        getattr(esn, name)(*arguments)
    free = estimator(feedback=True).fit(X, y)
    if name == "predict":
        with pytest.raises(DataError, match=rf"X contains {word} at series {number - 1}, step 30"):
            free.predict(inputs)


@pytest.mark.parametrize("solver", ["gram", "qr"])
@pytest.mark.parametrize("number", [1, 5])
def test_a_reservoir_that_diverges(one, solver, number):
    X, y = one
    esn = estimator(activation="relu", spectral_radius=1e30, leak_rate=1.0, solver=solver)
    with pytest.raises(DataError, match="the states of the reservoir are not finite: it diverges"):
        esn.fit([X] * number, [y] * number)


def test_values_that_cannot_be_squared(one):
    X, y = one
    with pytest.raises(DataError, match="X: the values of column 1 are too large to be squared"):
        estimator().fit(X * [1, 1e200], y)
    with pytest.raises(DataError, match="y: the values of column 0 are too large to be squared"):
        estimator().fit(X, y * [1e200, 1])


def test_score_without_targets_of_a_model_with_targets(one):
    X, y = one
    with pytest.raises(
        DataError, match="score needs y: the model was fitted with targets of their"
    ):
        estimator().fit(X, y).score(X)


def test_feedback_with_a_horizon(one):
    """The target of a step is not known yet when it would have to be forced."""
    model = estimator(feedback=True).fit(*one).model_
    inputs = collect(one[0])
    ahead = Collection((Shifted(one[0], 2, (0, 1)),), "y", "one")
    scalers = model.input_scaler, model.target_scaler
    labels = esn_fit.Labels(model.continues, 2, ("a", "b"), ("a", "b"))
    data, settings = Data(inputs, ahead, 2), estimator()._settings()
    with pytest.raises(DataError, match="feedback needs the target of each step; expected no hori"):
        esn_fit.fit(model.reservoir, data, scalers, settings, labels)


def test_infinite_targets_are_not_missing(one):
    X, y = one
    with pytest.raises(DataError, match="Input y contains infinity at step 3, column 0"):
        estimator(missing_targets="skip").fit(X, spoilt(y, 3, 0, np.inf))


def test_a_missing_target_cannot_be_forced(one):
    X, y = one
    with pytest.raises(DataError, match="Input y contains NaN at step 3, column 0"):
        estimator(missing_targets="skip", feedback=True).fit(X, spoilt(y, 3, 0, np.nan))


def test_nothing_but_missing_targets(one):
    X, y = one
    with pytest.raises(DataError, match="n_samples = 0: a readout needs at least 2 scored steps"):
        estimator(missing_targets="skip").fit(X, y * np.nan)


@pytest.mark.parametrize("length", [1, 59, 60])
def test_shorter_than_the_washout(one, many, length):
    X, y = one
    said = f"X has {length} steps, not more than the washout of 60; expected a longer series or a"
    with pytest.raises(DataError, match=said):
        estimator(washout=60).fit(X[:length], y[:length])
    X, y = many
    with pytest.raises(
        DataError, match="X, series 1 has 40 steps, not more than the washout of 40"
    ):
        estimator(washout=40).fit(X, y)
    esn = estimator(washout=30).fit(X, y)
    with pytest.raises(DataError, match="X has 20 steps, not more than the washout of 30"):
        esn.score(X[0][:20], y[0][:20])


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.ones((9, 2)), np.ones((8, 2)), "y has 8 steps, X has 9; expected the same length"),
        (np.ones((9, 2)), np.ones(10), "y has 10 steps, X has 9; expected the same length"),
        (
            [np.ones((9, 2)), np.ones((9, 2))],
            [np.ones((9, 2)), np.ones((8, 2))],
            "y, series 1 has 8 steps, X, series 1 has 9; expected the same length",
        ),
        (
            [np.ones((9, 2))] * 2,
            [np.ones((9, 1))],
            "X has 2 series, y has 1; expected equally many",
        ),
        ([np.ones((9, 2))] * 2, np.ones((2, 9)), "X has 2 series, y has 1; expected equally many"),
        (np.ones((2, 9, 2)), np.ones((3, 9, 1)), "X has 2 series, y has 3; expected equally many"),
        (np.ones((0, 9, 2)), np.ones((0, 9, 1)), "X holds no series; expected at least one"),
        ([np.ones((9, 2)), np.ones((9, 1))], None, "X: series 1 has 1 columns, series 0 has 2"),
        (
            [np.ones((9, 2))] * 2,
            [np.ones((9, 2)), np.ones((9, 1))],
            "y: series 1 has 1 columns, series 0 has 2; expected the same in all",
        ),
        (np.ones((9, 2)), np.ones((9, 0)), "y has no columns; expected at least one"),
        (np.ones((9, 2)), np.ones((1, 1, 9, 2)), "y: Expected 2D array .* got 4D"),
        ([np.ones((9, 2)), np.ones(9)], None, "X, series 1: Expected 2D array .* got 1D array"),
        (np.ones((9, 2)) * 1j, np.ones(9), "Complex data not supported"),
        ([np.ones((9, 2)) * 1j], [np.ones((9, 1))], "X, series 0: Complex data not supported"),
        (np.ones((9, 2)), np.ones(9) * 1j, "y: Complex data not supported"),
        (np.full((9, 2), "a"), np.ones(9), "compatible with arrays of bytes/strings"),
        ([np.full((9, 2), "a")], None, "X, series 0: dtype <U1 cannot be used, expected real"),
        (np.ones((9, 2)), np.full(9, "a"), "y: dtype <U1 cannot be used, expected real numbers"),
        (np.full((9, 2), "a", object), np.ones(9), "could not convert string to float: 'a'"),
        ([np.full((9, 2), "a", object)], None, "X, series 0: could not convert string to float"),
        (np.ones((9, 2)), [[1, 2], [3]], "y is not an array of numbers: .*inhomogeneous"),
        (np.ones(9), np.ones(9), "Expected 2D array, got 1D array instead"),
        (np.ones((1, 1, 9, 2)), np.ones(9), "Found array with dim 4"),
        (np.ones((1, 2)), np.ones(1), "n_samples = 1: a readout needs at least 2 scored steps"),
        (np.ones((1, 2)), None, "n_samples = 0: a readout needs at least 2 scored steps"),
    ],
)
def test_shapes_and_types(X, y, message):
    with pytest.raises(ValueError, match=message):
        estimator(washout=0).fit(X, y)


@calls
def test_another_number_of_columns(one, name):
    X = one[0]
    esn = estimator().fit(X)
    for inputs in (X[:, :1], [X[:, :1]], np.ones((2, 9, 3))):
        arguments = (3, inputs) if name == "forecast" else (inputs,)
        columns = np.shape(inputs)[-1]
        said = f"X has {columns} features, but ESNRegressor is expecting 2 features as input"
        with pytest.raises(ValueError, match=said):
            getattr(esn, name)(*arguments)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"units": 0}, "units must be a whole number of at least 1, got 0"),
        ({"units": 2.5}, "units must be a whole number of at least 1, got 2.5"),
        ({"standardize": "no"}, "standardize must be True or False, got 'no'"),
        ({"ridge": -1}, "ridge=-1: expected finite numbers >= 0"),
        ({"ridge": [1, -1]}, r"ridge=\[1, -1\]: expected finite numbers >= 0"),
        ({"ridge": np.nan}, "ridge=nan: expected finite numbers >= 0"),
        ({"ridge": "gvc"}, "ridge='gvc': .*'gcv'"),
        ({"leak_rate": 0}, r"leak_rate=0: expected numbers in \(0, 1\]"),
        ({"leak_rate": 1.01}, r"leak_rate=1.01: expected numbers in \(0, 1\]"),
        ({"leak_rate": -0.1}, r"leak_rate=-0.1: expected numbers in \(0, 1\]"),
        ({"leak_rate": np.nan}, "leak_rate=nan: expected finite numbers"),
        (
            {"leak_rate": [0.5, 0.5]},
            r"leak_rate has shape \(2,\): expected a number or shape \(12,",
        ),
        ({"leak_rate": [0.5] * 11 + [0]}, r"leak_rate=.*: expected numbers in \(0, 1\]"),
        ({"leak_rate": "slow"}, "leak_rate='slow': expected a number or an array of numbers"),
        ({"input_scaling": [1, 2, 3]}, r"input_scaling has shape \(3,\): .* shape \(2,\)"),
        ({"input_scaling": np.inf}, "input_scaling=inf: expected finite numbers"),
        ({"bias_scaling": -1}, "bias_scaling must be a finite number of at least 0, got -1"),
        ({"bias": [1, 2]}, r"bias has shape \(2,\): expected a number or shape \(12,\)"),
        ({"spectral_radius": -1}, "spectral_radius must be a finite number of at least 0, got -1"),
        ({"connectivity": 0}, r"connectivity must be a number in \(0, 1\], got 0"),
        ({"washout": -1}, "washout must be a whole number of at least 0, got -1"),
        ({"washout": 0.5}, "washout must be a whole number of at least 0, got 0.5"),
        ({"washout": "none"}, "washout must be a whole number of at least 0, got 'none'"),
        ({"noise": -0.1}, "noise must be a finite number of at least 0, got -0.1"),
        ({"noise": np.nan}, "noise must be a finite number of at least 0, got nan"),
        ({"folds": 1}, "folds must be a whole number of at least 2, got 1"),
        ({"activation": "tan"}, "unknown activation 'tan'; did you mean 'tanh'?"),
        ({"activation": "sigmoidal"}, "unknown activation 'sigmoidal'; expected one of tanh, logi"),
        ({"topology": "cyle"}, "unknown topology 'cyle'; did you mean 'cycle'?"),
        ({"weight_values": "uniforn"}, "unknown .*'uniforn'; did you mean 'uniform'?"),
        ({"solver": "grams"}, "unknown solver 'grams'; did you mean 'gram'?"),
        ({"missing_targets": "skipp"}, "unknown missing_targets 'skipp'; did you mean 'skip'?"),
        ({"dtype": "float23"}, "unknown dtype 'float23'; did you mean 'float32'?"),
        ({"dtype": "int64"}, "unknown dtype 'int64'"),
        ({"random_state": -1}, "random_state=-1: expected None, an integer >= 0 or a Generator"),
        ({"random_state": "zero"}, "random_state='zero': expected None, an integer >= 0 or a Gene"),
        ({"W": np.ones((3, 4))}, r"W must be square, units by units; got shape \(3, 4\)"),
        ({"W": np.full((2, 2), np.nan)}, "W has NaN at row 0, column 0"),
        ({"W_in": np.ones((12, 3))}, r"W_in must have shape \(12, 2\), .*; got \(12, 3\)"),
        ({"W_fb": np.ones((3, 2)), "feedback": True}, r"W_fb must have shape \(12, 2\), .*; got"),
    ],
)
def test_parameters(one, parameters, message):
    esn = estimator(**parameters)
    with pytest.raises(DataError, match=message):
        esn.fit(*one)
    with pytest.raises(NotFittedError):
        esn.predict(one[0])
