"""``RNNRegressor`` and ``RNNClassifier`` as scikit-learn estimators: checks, tools, forms."""

from __future__ import annotations

import doctest
import pickle

import naive_trained as slow
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import check_estimator

import reservoir
from reservoir import RNNClassifier, RNNRegressor
from reservoir.errors import DataError
from reservoir.rnn import RNN
from reservoir.rnn.estimators import classifier, regressor

OF_A_SERIES = {
    "check_methods_sample_order_invariance": "the order of a series is what it says",
    "check_methods_subset_invariance": "a part of a series starts from the zero state",
}
LABELS = {
    "strings": np.array(["low", "high", "mid"]),
    "objects": np.array(["low", "high", "mid"], dtype=object),
    "integers": np.array([7, -2, 30]),
    "floats": np.array([2.0, 0.0, 1.0]),
}


def series(lengths=(9, 6, 12, 7), columns=2, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(length, columns)) for length in lengths]


def delayed(X):
    """Targets at every step: the inputs of the step before, scaled and shifted."""
    before = [np.vstack([np.zeros((1, x.shape[1])), x])[: len(x)] for x in X]
    return [x * [3.0, 0.1] + [0.0, 5.0] for x in before]


def small(kind=RNNRegressor, **parameters):
    options = {"units": 4, "max_steps": 3, "early_stopping": False, "random_state": 0}
    return kind(**(options | parameters))


def same(a, b):
    return np.array_equal(a.model_.theta, b.model_.theta)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.parametrize("kind", [RNNRegressor, RNNClassifier])
def test_check_estimator(kind):
    done = check_estimator(
        kind(units=4, max_steps=12, random_state=0),
        expected_failed_checks=OF_A_SERIES,
        on_skip=None,
    )
    failed = {check["check_name"] for check in done if check["status"] == "xfail"}
    assert failed == set(OF_A_SERIES), "a check that is excused has passed"
    skipped = {check["check_name"] for check in done if check["status"] == "skipped"}
    assert skipped <= {"check_array_api_input"}
    assert sum(check["status"] == "passed" for check in done) > 40


def test_lazy_names():
    assert reservoir.RNNRegressor is RNNRegressor
    assert reservoir.RNNClassifier is RNNClassifier
    assert {"RNNClassifier", "RNNRegressor"} <= set(dir(reservoir))


@pytest.mark.parametrize("module", [regressor, classifier])
def test_the_examples_of_the_docstrings(module):
    found = doctest.testmod(module)
    assert found.attempted >= 5
    assert found.failed == 0


# ---- predictions, against the slow twin


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_predictions_are_those_of_the_slow_network(cell):
    X = series()
    y = delayed(X)
    rnn = small(cell=cell, layers=2, units=3).fit(X, y)
    assert [c.units for c in rnn.model_.network.cells] == [3, 3]
    flat, wanted = np.concatenate(X), np.concatenate(y)
    for x, found, h in zip(X, rnn.predict(X), rnn.states(X), strict=True):
        outputs, _, steps = slow.run(
            rnn.model_.network, rnn.model_.theta, (x - flat.mean(0)) / flat.std(0)
        )
        np.testing.assert_allclose(
            found, outputs * wanted.std(0) + wanted.mean(0), rtol=1e-9, atol=1e-12
        )
        np.testing.assert_allclose(h, [step[-1]["h"] for step in steps], rtol=1e-9, atol=1e-13)


def test_classes_are_those_of_the_slow_network():
    X = series()
    y = np.array(["b", "a", "c", "a"])
    rnn = small(RNNClassifier, standardize=False).fit(X, y)
    assert rnn.model_.network.loss == "softmax_cross_entropy"
    outputs = [slow.run(rnn.model_.network, rnn.model_.theta, x)[0][-1] for x in X]
    odds = np.exp(outputs)
    np.testing.assert_allclose(rnn.decision_function(X), outputs, rtol=1e-9)
    np.testing.assert_allclose(rnn.predict_proba(X), odds / odds.sum(1, keepdims=True), rtol=1e-9)
    np.testing.assert_allclose(np.exp(rnn.predict_log_proba(X)), rnn.predict_proba(X), rtol=1e-12)
    assert rnn.predict(X).tolist() == [rnn.classes_[k] for k in np.argmax(outputs, axis=1)]
    two = small(RNNClassifier, standardize=False).fit(X, y == "a")
    assert two.model_.network.loss == "logistic_cross_entropy"
    linear = [slow.run(two.model_.network, two.model_.theta, x)[0][-1, 0] for x in X]
    np.testing.assert_allclose(two.decision_function(X), linear, rtol=1e-9)
    np.testing.assert_allclose(two.predict_proba(X)[:, 1], 1 / (1 + np.exp(np.negative(linear))))
    assert two.predict(X).tolist() == [bool(o > 0) for o in linear]


def test_scores():
    X, other = series(), series(seed=1)
    y, of_other = delayed(X), delayed(other)
    rnn = small().fit(X, y)
    truth, said = np.concatenate(of_other), np.concatenate(rnn.predict(other))
    weights = [np.linspace(0.1, 1, len(x)) for x in other]
    assert rnn.score(other, of_other) == r2_score(truth, said)
    assert rnn.score(other, of_other, weights) == r2_score(
        truth, said, sample_weight=np.concatenate(weights)
    )
    labels = np.array([0, 1, 1, 2])
    named = small(RNNClassifier).fit(X, labels)
    each = np.array([1.0, 2.0, 0.0, 5.0])
    assert named.score(other, labels) == accuracy_score(labels, named.predict(other))
    assert named.score(other, labels, each) == accuracy_score(
        labels, named.predict(other), sample_weight=each
    )


def test_standardize_is_of_the_model():
    """Inputs in other units give the same predictions; without it they do not."""
    X = series()
    y = delayed(X)
    rnn = small().fit(X, y)
    other = small().fit([x * 1e4 + 7 for x in X], [t * 1e-3 - 1 for t in y])
    for a, b in zip(rnn.predict(X), other.predict([x * 1e4 + 7 for x in X]), strict=True):
        np.testing.assert_allclose(b, a * 1e-3 - 1, rtol=1e-6)
    plain = small(standardize=False).fit(X, y).model_
    for scaler in (plain.input_scaler, plain.target_scaler):
        assert (scaler.mean.tolist(), scaler.scale.tolist()) == ([0, 0], [1, 1])


def test_constant_columns_and_targets():
    X = series()
    for x in X:
        x[:, 1] = 3.0
    rnn = small().fit(X, [np.full(len(x), -2.5) for x in X])
    assert np.abs(np.concatenate(rnn.predict(X)) + 2.5).max() < 0.5


def test_float32():
    X = series()
    rnn = small(dtype="float32").fit(X, delayed(X))
    assert {p.dtype for p in rnn.predict(X)} == {np.dtype("float32")}
    assert np.isfinite(rnn.loss_curve_).all()


# ---- forms of data


@pytest.mark.parametrize(
    ("form", "at", "shapes"),
    [
        (lambda y: np.stack(y), "every", (3, 8, 2)),
        (lambda y: np.stack(y)[:, :, :1], "every", (3, 8, 1)),
        (lambda y: y, "every", (3, 8, 2)),
        (lambda y: [t[:, 0] for t in y], "every", (3, 8)),
        (lambda y: np.stack(y)[:, -1], "last", (3, 2)),
        (lambda y: np.stack(y)[:, -1, 0], "last", (3,)),
        (lambda y: np.stack(y)[:, -1, 0].tolist(), "last", (3,)),
        (lambda y: pd.DataFrame(np.stack(y)[:, -1]), "last", (3, 2)),
        (lambda y: pd.Series(np.stack(y)[:, -1, 0]), "last", (3,)),
    ],
)
def test_where_targets_belong(form, at, shapes):
    X = series((8, 8, 8))
    y = form(delayed(X))
    rnn = small().fit(np.stack(X), y)
    assert rnn.model_.at == at
    assert rnn.predict(np.stack(X)).shape == shapes
    listed = rnn.predict(X)
    assert isinstance(listed, list) == (at == "every")
    assert np.array_equal(np.stack(listed), rnn.predict(np.stack(X)))
    one = rnn.predict(X[0])
    assert one.shape == (shapes[1:] if at == "every" else (1, *shapes[1:]))
    assert same(rnn, small().fit(X, y)), "a list and an array of the same series"
    assert isinstance(rnn.score(X, y), float)


def test_one_series():
    X = series((15,))[0]
    y = delayed([X])[0]
    flat = small().fit(X, y[:, 0])
    assert flat.predict(X).shape == (15,)
    assert small().fit(X, y[:, :1]).predict(X).shape == (15, 1)
    assert np.array_equal(flat.predict([X])[0], flat.predict(X))
    assert same(flat, small().fit([X], [y[:, 0]]))
    single = small(targets="last").fit(X, [[1.0, 2.0]])
    assert single.predict(X).shape == (1, 2)


def test_a_square_of_targets_needs_a_word():
    X = np.stack(series((3, 3)))
    y = np.arange(6.0).reshape(2, 3)
    with pytest.raises(DataError, match="say which with targets='every' or targets='last'"):
        small().fit(X, y)
    last = small(targets="last").fit(X, y)
    assert last.predict(X).shape == (2, 3)
    assert last.model_.network.outputs == 3
    every = small(targets="every").fit(X, y)
    assert every.model_.network.outputs == 1
    assert every.predict(X).shape == (2, 3)


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_labels_of_any_type(labels):
    X = series((5, 5, 5, 5))
    y = labels[[0, 1, 2, 1]]
    rnn = small(RNNClassifier).fit(X, y)
    assert rnn.classes_.tolist() == sorted(labels.tolist())
    assert rnn.model_.classes.tolist() == sorted(labels.tolist())
    assert rnn.model_.classes.dtype.kind in "ifU"
    assert rnn.predict(X).dtype == labels.dtype
    assert rnn.predict_proba(X).shape == (4, 3)


@pytest.mark.parametrize("classes", [2, 3])
def test_labels_of_steps(classes):
    X = series((6, 6))
    y = [np.arange(6) % classes, np.arange(1, 7) % classes]
    rnn = small(RNNClassifier).fit(X, y)
    assert rnn.model_.at == "every"
    assert [p.shape for p in rnn.predict(X)] == [(6,), (6,)]
    assert [p.shape for p in rnn.predict_proba(X)] == [(6, classes)] * 2
    assert same(rnn, small(RNNClassifier).fit(np.stack(X), np.stack(y)))
    assert rnn.predict(np.stack(X)).shape == (2, 6)
    wide = (2, 6) if classes == 2 else (2, 6, classes)
    assert rnn.decision_function(np.stack(X)).shape == wide
    one = small(RNNClassifier).fit(X[0], y[0])
    assert one.predict(X[0]).shape == (6,)
    assert one.predict_proba(X[0]).shape == (6, classes)
    assert rnn.score(X, y) == accuracy_score(np.concatenate(y), np.concatenate(rnn.predict(X)))


def test_a_column_of_labels_is_flattened_with_a_warning():
    X = series()
    y = np.array([0, 1, 1, 0])
    with pytest.warns(DataConversionWarning):
        column = small(RNNClassifier).fit(X, y[:, np.newaxis])
    assert same(column, small(RNNClassifier).fit(X, y))


def test_ragged_empty_and_single_steps():
    X = series((5, 0, 1, 3))
    rnn = small().fit(X, [2 * x for x in X])
    assert [p.shape for p in rnn.predict(X)] == [(5, 2), (0, 2), (1, 2), (3, 2)]
    assert [p.shape for p in rnn.states(X)] == [(5, 4), (0, 4), (1, 4), (3, 4)]
    assert [p.shape for p in rnn.predict([X[1]])] == [(0, 2)]
    for x, found in zip(X, rnn.predict(X), strict=True):
        np.testing.assert_allclose(rnn.predict([x])[0], found, rtol=1e-12)


def test_data_frames():
    X, y = series((20,))[0], np.arange(20.0)
    frame = pd.DataFrame(X, columns=["north", "south"])
    rnn = small().fit(frame, pd.Series(y))
    assert rnn.feature_names_in_.tolist() == ["north", "south"]
    assert rnn.model_.input_names == ("north", "south")
    assert np.array_equal(rnn.predict(frame), small().fit(X, y).predict(X))
    rnn.fit([X], [y])
    assert rnn.model_.input_names == ()
    assert not hasattr(rnn, "feature_names_in_")


# ---- tools


@pytest.mark.parametrize("kind", [RNNRegressor, RNNClassifier])
def test_clone_params_and_pickle(kind):
    rnn = small(kind, cell=RNN(3, "relu", (0.2, 0.5, 1.0)), random_state=np.random.default_rng(3))
    X, y = series(), np.array([0, 1, 2, 1])
    state = rnn.random_state.bit_generator.state
    other = clone(rnn)
    assert set(vars(other)) == set(rnn.get_params()) == set(kind().get_params())
    assert same(rnn.fit(X, y), other.fit(X, y))
    assert same(rnn, other.fit(X, y)), "a Generator is copied"
    assert rnn.random_state.bit_generator.state == state
    again = pickle.loads(pickle.dumps(rnn))
    assert np.array_equal(again.predict(X), rnn.predict(X))
    assert again.result_.status is rnn.result_.status
    assert other.set_params(cell="gru", units=2).fit(X, y).model_.network.cells[0].units == 2


def test_no_random_state_draws_afresh():
    X = series()
    a, b = (small(random_state=None).fit(X, delayed(X)) for _ in range(2))
    assert not same(a, b)


def test_pipeline():
    X, y = series((40,))[0], np.arange(40.0)
    pipe = make_pipeline(MinMaxScaler(), small()).fit(X, y)
    scaled = MinMaxScaler().fit_transform(X)
    assert np.array_equal(pipe.predict(X), small().fit(scaled, y).predict(scaled))
    assert pipe.score(X, y) == small().fit(scaled, y).score(scaled, y)


def test_grid_search():
    X = series((60,), columns=1)[0]
    y = np.concatenate([[0.0], X[:-1, 0]])
    search = GridSearchCV(
        small(max_steps=8),
        {"leak_rate": [0.01, 1.0]},
        cv=TimeSeriesSplit(2),
        error_score="raise",
    ).fit(X, y)
    assert search.best_params_ == {"leak_rate": 1.0}
    many = GridSearchCV(small(RNNClassifier), {"cell": ["rnn", "gru"]}, cv=2, error_score="raise")
    labels = np.arange(12) % 2
    stack = np.random.default_rng(0).normal(size=(12, 5, 1)) + labels[:, None, None]
    assert many.fit(stack, labels).best_score_ > 0.6


def test_not_fitted():
    X = np.zeros((5, 2))
    for call in (
        lambda e: e.predict(X), lambda e: e.states(X), lambda e: e.score(X, X), lambda e: e.record()
    ):  # fmt: skip
        with pytest.raises(NotFittedError):
            call(small())


def test_a_fit_that_fails_leaves_the_one_before():
    X = series()
    rnn = small().fit(X, delayed(X))
    before = rnn.__dict__.copy()
    with pytest.raises(DataError):
        rnn.fit([x[:, :1] for x in X], [np.full(len(x), np.nan) for x in X])
    assert rnn.__dict__ == before
    assert rnn.record() is rnn.model_
