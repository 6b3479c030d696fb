"""Estimators in checkpoints: saved, loaded, and fitted further."""

import numpy as np
import pytest

from reservoir import ESNRegressor, load, save
from reservoir.checkpoint import Checkpoint, read, write
from reservoir.errors import CheckpointError, DataError

WAVE = np.sin(0.3 * np.arange(400))[:, np.newaxis]


def same_parameters(a, b):
    assert a.keys() == b.keys()
    for name, value in a.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, b[name])
        elif hasattr(value, "indptr"):
            assert (value != b[name]).nnz == 0
        else:
            assert value == b[name], name


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_loaded_estimator_is_the_saved_one(tmp_path, dtype):
    esn = ESNRegressor(units=20, leak_rate=[0.5] * 20, dtype=dtype, random_state=3)
    esn.fit(WAVE, WAVE[:, 0] ** 2)
    save(esn, tmp_path / "m.h5")
    loaded = load(tmp_path / "m.h5")
    assert read(tmp_path / "m.h5").provenance["seed"] == 3
    same_parameters(esn.get_params(), loaded.get_params())
    assert loaded.predict(WAVE).dtype == dtype
    np.testing.assert_array_equal(loaded.predict(WAVE), esn.predict(WAVE))
    assert loaded.predict(WAVE).shape == (400,)


def test_own_matrices_and_a_generator_are_stored(tmp_path):
    rng = np.random.default_rng(5)
    W = ESNRegressor(units=20, random_state=1).fit(WAVE).model_.reservoir.W
    esn = ESNRegressor(W=W, bias=rng.uniform(-1, 1, 20), random_state=rng).fit(WAVE)
    save(esn, tmp_path / "m.h5")
    loaded = load(tmp_path / "m.h5")
    same_parameters(
        {k: v for k, v in esn.get_params().items() if k != "random_state"},
        {k: v for k, v in loaded.get_params().items() if k != "random_state"},
    )
    # The generator comes back in its state: a new fit draws the same input weights.
    np.testing.assert_array_equal(
        loaded.fit(WAVE).model_.reservoir.W_in, esn.fit(WAVE).model_.reservoir.W_in
    )


def test_a_fit_in_parts_goes_on_after_loading(tmp_path):
    esn = ESNRegressor(units=20, noise=1e-3, random_state=3).partial_fit(WAVE[:200])
    save(esn, tmp_path / "m.h5")
    loaded = load(tmp_path / "m.h5")
    for part in (esn, loaded):
        part.partial_fit(WAVE[200:], continued=True)
    np.testing.assert_array_equal(loaded.predict(WAVE), esn.predict(WAVE))
    np.testing.assert_array_equal(loaded.forecast(5), esn.forecast(5))


def test_statistics_are_stored_when_asked_for_and_missed_by_name(tmp_path):
    esn = ESNRegressor(units=20, random_state=3).fit(WAVE)
    save(esn, tmp_path / "m.h5")
    assert read(tmp_path / "m.h5").statistics is None
    with pytest.raises(DataError, match="progress=True"):
        load(tmp_path / "m.h5").partial_fit(WAVE)
    save(esn, tmp_path / "m.h5", progress=True)
    more = load(tmp_path / "m.h5").partial_fit(WAVE)
    np.testing.assert_array_equal(more.predict(WAVE), esn.partial_fit(WAVE).predict(WAVE))


def test_a_record_comes_back_in_an_estimator(tmp_path):
    esn = ESNRegressor(units=20, direct=True, ridge=1e-3, random_state=3).fit(WAVE)
    save(esn.model_, tmp_path / "m.h5")
    loaded = load(tmp_path / "m.h5")
    np.testing.assert_array_equal(loaded.predict(WAVE), esn.predict(WAVE))
    np.testing.assert_array_equal(loaded.forecast(5), esn.forecast(5))
    assert loaded.get_params()["ridge"] == 1e-3
    again = loaded.fit(WAVE)  # its parameters are its matrices
    np.testing.assert_array_equal(again.predict(WAVE), esn.predict(WAVE))


def test_an_unknown_class_is_refused(tmp_path):
    record = ESNRegressor(units=5, random_state=3).fit(WAVE).model_
    write(Checkpoint(record, estimator={"class": "Other"}), tmp_path / "m.h5")
    with pytest.raises(CheckpointError, match="unknown class 'Other'"):
        load(tmp_path / "m.h5")
    write(Checkpoint(record, estimator={"class": "ESNRegressor"}), tmp_path / "m.h5")
    with pytest.raises(CheckpointError, match="malformed"):
        load(tmp_path / "m.h5")
