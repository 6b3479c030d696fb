"""What does not change a bit of a fit or a prediction, and float32 from end to end."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest
from test_esn_fit import estimator, pairs, same_bits, same_model
from test_series_memory import Counting

from reservoir import threads
from reservoir.esn import harvest, stretches
from reservoir.esn.progress import Progress
from reservoir.series import collection


def test_the_same_seed_gives_the_same_bits():
    X, y = pairs([300])
    a, b = (estimator(ridge="blocks", noise=0.1).fit(X, y) for _ in range(2))
    assert same_model(a, b)
    assert same_bits(a.predict(X), b.predict(X))
    other = estimator(ridge="blocks", noise=0.1, random_state=1).fit(X, y)
    assert not same_bits(a.predict(X), other.predict(X))


@pytest.mark.parametrize("settings", [{}, {"solver": "qr"}, {"ridge": "loo"}, {"feedback": True}])
@pytest.mark.parametrize("number", [1, 20])
def test_threads_do_not_change_bits(use_threads, monkeypatch, settings, number):
    monkeypatch.setattr(stretches, "STEPS_A_BLOCK", 64)
    monkeypatch.setattr(harvest, "BLOCK_VALUES", 40 * 20 * 30)
    X, y = pairs([150] * number)
    found = []
    for count in (1, 2, 3):
        use_threads(count)
        blas = threads._blas().limit(limits=count, user_api="blas")
        esn = estimator(units=40, **({"ridge": "blocks"} | settings)).fit(X, y)
        found.append((esn, esn.predict(X), esn.states(X)))
        blas.restore_original_limits()
    for esn, said, states in found[1:]:
        assert same_model(esn, found[0][0])
        assert same_bits(said, found[0][1])
        assert same_bits(states, found[0][2])


def test_several_fits_at_once(use_threads):
    """Fits and predictions from threads of the user's own, which share one pool and one BLAS."""
    use_threads(2)
    X, y = pairs([400] * 5)

    def fit(seed):
        esn = estimator(random_state=seed, ridge="blocks", units=30).fit(X, y)
        return esn, esn.predict(X)

    alone = [fit(seed) for seed in range(6)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(fit, range(6)))
    for a, b in zip(alone, together, strict=True):
        assert same_model(a[0], b[0])
        assert same_bits(a[1], b[1])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_dataset_is_an_array(tmp_path, monkeypatch, dtype):
    """The same bits from a file as from memory, whatever the pieces in which it is read."""
    monkeypatch.setattr(collection, "CHUNK_BYTES", 8 * 2 * 333)
    X, y = pairs([1500])
    settings = {"ridge": "loo", "dtype": dtype}
    wanted = estimator(**settings).fit(X[0], y[0])
    with h5py.File(tmp_path / "data.h5", "w") as file:
        stored = file.create_dataset("x", data=X[0], chunks=(100, 1), compression="gzip")
        targets = file.create_dataset("y", data=y[0])
        esn = estimator(**settings).fit(stored, targets)
        assert same_model(esn, wanted)
        assert same_bits(esn.predict(stored), wanted.predict(X[0]))
        assert same_bits(esn.states(stored), wanted.states(X[0]))
        assert esn.score(stored, targets) == wanted.score(X[0], y[0])


def test_a_dataset_is_never_held_as_a_whole(monkeypatch):
    monkeypatch.setattr(collection, "CHUNK_BYTES", 8 * 2 * 500)
    X, y = pairs([6000])
    source, targets = Counting(X[0]), Counting(y[0])
    esn = estimator().fit(source, targets)
    assert source.largest == targets.largest == stretches.STEPS_A_BLOCK
    esn.predict(source)
    esn.partial_fit(source, targets)
    own = Counting(X[0])
    estimator().fit(own)
    assert max(source.largest, targets.largest, own.largest) == stretches.STEPS_A_BLOCK


def test_float32_from_end_to_end():
    X, y = pairs([300, 200])
    esn = estimator(dtype="float32", direct=True).fit(X, y)
    reservoir = esn.model_.reservoir
    for name in ("W", "W_in", "bias", "leak_rate"):
        assert getattr(reservoir, name).dtype == np.float32
    assert {s.dtype for s in esn.states(X)} == {np.dtype(np.float32)}
    assert {p.dtype for p in esn.predict(X)} == {np.dtype(np.float32)}
    assert esn.model_.readout.weights.dtype == np.float64, "Grams are in float64"
    wide = estimator(direct=True).fit(X, y)
    for a, b in zip(esn.predict(X), wide.predict(X), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-3 * np.abs(b).max())
    own = estimator(dtype=np.float32).fit(X)
    assert own.forecast(5).dtype == np.float32
    assert own.forecast(5, X=X)[1].dtype == np.float32


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_copies_go_on_alike(clone):
    X, y = pairs([60, 50])
    esn = estimator(feedback=True).fit(X[0], y[0])
    other = clone(esn)
    assert same_model(esn, other)
    assert same_bits(esn.predict(X), other.predict(X))
    esn.partial_fit(X[1], y[1])
    assert not same_model(esn, other)
    assert same_model(esn, other.partial_fit(X[1], y[1]))


def test_what_progress_stores_is_enough_to_go_on():
    X, y = pairs([60, 60])
    esn = estimator(ridge="blocks", noise=0.1, feedback=True).fit(X, y)
    other = copy.deepcopy(esn)
    other.progress_ = Progress.from_arrays(esn.progress_.arrays())
    for each in (esn, other):
        each.partial_fit(X, y, continued=True)
    assert same_model(esn, other)
