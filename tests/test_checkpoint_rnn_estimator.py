"""Estimators of trained networks in checkpoints: saved, loaded, and trained further."""

from __future__ import annotations

import numpy as np
import pytest
from test_rnn_estimators import LABELS, delayed, same, series, small

import hfopt
from reservoir import RNNClassifier, load, save
from reservoir.checkpoint import read, write
from reservoir.errors import CheckpointError
from reservoir.rnn import GRU, RNN, Initializer

X = series()
Y = delayed(X)


def same_fit(a, b):
    """All that a fit leaves, bit for bit."""
    assert same(a, b)
    assert np.array_equal(a.result_.x, b.result_.x)
    assert np.array_equal(a.result_.history, b.result_.history, equal_nan=True)
    assert [type(value) for report in a.result_.history for value in report] == [
        type(value) for report in b.result_.history for value in report
    ]
    for name in ("status", "message", "success", "nit", "fun"):
        assert getattr(a.result_, name) == getattr(b.result_, name), name
    for name in ("loss_curve_", "validation_curve_", "flat_", "n_features_in_", "n_iter_"):
        assert np.array_equal(getattr(a, name), getattr(b, name)), name


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"early_stopping": True, "max_steps": 6, "dtype": "float32", "leak_rate": [0.5] * 4},
        {"optimizer": "adam", "batch_size": 2, "layers": 2, "initializer": Initializer("sparse")},
        {"optimizer": hfopt.SGD(hfopt.Cosine(0.1, 5)), "cell": [RNN(3, "relu"), GRU(2)]},
    ],
)
def test_a_loaded_regressor_is_the_saved_one(tmp_path, parameters):
    rnn = small(**parameters, callback=lambda progress: None).fit(X, [t[:, 0] for t in Y])
    save(rnn, tmp_path / "m.h5")
    loaded = load(tmp_path / "m.h5")
    same_fit(rnn, loaded)
    for a, b in zip(rnn.predict(X), loaded.predict(X), strict=True):
        assert np.array_equal(a, b)
        assert a.dtype == b.dtype
    assert loaded.callback is None
    for name, value in rnn.get_params().items():
        if name not in ("callback", "initializer"):
            assert repr(loaded.get_params()[name]) == repr(value)
    assert same(loaded.fit(X, [t[:, 0] for t in Y]), rnn)


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("classes", [2, 3])
def test_a_loaded_classifier_is_the_saved_one(tmp_path, labels, classes):
    y = labels[np.array([0, 1, 2, 1]) % classes]
    rnn = small(RNNClassifier).fit(X, y)
    save(rnn, tmp_path / "m.h5")
    loaded = load(tmp_path / "m.h5")
    same_fit(rnn, loaded)
    assert loaded.classes_.tolist() == rnn.classes_.tolist()
    assert loaded.predict(X).tolist() == rnn.predict(X).tolist()
    assert np.array_equal(loaded.predict_proba(X), rnn.predict_proba(X))
    assert loaded.score(X, y) == rnn.score(X, y)


@pytest.mark.parametrize("optimizer", ["hf", "adam"])
def test_training_goes_on_after_loading(tmp_path, optimizer):
    whole = small(max_steps=7, optimizer=optimizer).fit(X, Y)
    part = small(max_steps=4, optimizer=optimizer, warm_start=True).fit(X, Y)
    save(part, tmp_path / "m.h5")
    loaded = load(tmp_path / "m.h5").set_params(max_steps=3)
    assert same(loaded.fit(X, Y), whole)
    assert loaded.n_iter_ == 7


def test_before_the_first_step(tmp_path):
    rnn = small(max_steps=0).fit(X, Y)
    save(rnn, tmp_path / "m.h5")
    loaded = load(tmp_path / "m.h5")
    assert same(rnn, loaded)
    assert loaded.result_.history == ()


def test_a_malformed_estimator(tmp_path):
    save(small().fit(X, Y), tmp_path / "m.h5")
    found = read(tmp_path / "m.h5")
    for change, message in (
        ({"class": "RNNClassifier"}, "belongs to a network that tells labels"),
        ({"fitted": {}}, "malformed"),
        ({"parameters": {"unit": 3}}, "malformed"),
        ({"class": "ESNRegressor"}, "malformed"),
    ):
        other = type(found)(found.record, found.estimator | change, run=found.run)
        write(other, tmp_path / "other.h5")
        with pytest.raises(CheckpointError, match=message):
            load(tmp_path / "other.h5")
    write(type(found)(found.record, found.estimator), tmp_path / "other.h5")
    with pytest.raises(CheckpointError, match="a trained network with a run"):
        load(tmp_path / "other.h5")
