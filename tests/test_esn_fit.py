"""Fits against a network written out in plain loops."""

from __future__ import annotations

import warnings
from dataclasses import fields, is_dataclass

import naive
import numpy as np
import pytest
from scipy import sparse

from reservoir import ESNRegressor
from reservoir.errors import DataError, IllConditionedWarning
from reservoir.esn import fit as esn_fit
from reservoir.esn.gathering import Gathering
from reservoir.esn.pairing import Data, auto_washout
from reservoir.series import collection


def estimator(**changes):
    settings = {"units": 12, "ridge": 0.1, "washout": 5, "random_state": 0, "leak_rate": 0.6}
    return ESNRegressor(**(settings | changes))


def pairs(lengths, targets=2, seed=0):
    """Series of two columns and targets that remember them."""
    rng = np.random.default_rng(seed)
    X = [rng.normal(size=(n, 2)) * [2, 0.5] + [1, -3] for n in lengths]
    mix = rng.normal(size=(4, targets))
    y = [np.hstack([x, np.roll(x, 1, axis=0)]) @ mix + 5 for x in X]
    return X, y


def same_bits(a, b):
    a, b = ([m] if isinstance(m, np.ndarray) else m for m in (a, b))
    return len(a) == len(b) and all(
        p.tobytes() == q.tobytes() and p.dtype == q.dtype for p, q in zip(a, b, strict=True)
    )


def same_readout(a, b, rtol=1e-8):
    for name in ("weights", "intercept"):
        left, right = getattr(a.model_.readout, name), getattr(b.model_.readout, name)
        np.testing.assert_allclose(left, right, rtol=rtol, atol=rtol * np.abs(right).max())


def leaves(record):
    """All arrays and scalars of a record, with their bits."""
    if is_dataclass(record):
        record = [getattr(record, field.name) for field in fields(record)]
    if isinstance(record, dict):
        record = list(record.items())
    if sparse.issparse(record):
        record = [record.data, record.indices, record.indptr, record.shape]
    if isinstance(record, list | tuple):
        return [leaf for item in record for leaf in leaves(item)]
    if isinstance(record, np.ndarray):
        return [(record.dtype.str, record.shape, record.tobytes())]
    return [record]


def fitted(esn):
    return leaves(esn.model_), leaves(esn.progress_.arrays())


def same_model(a, b):
    """Everything that was fitted, bit for bit."""
    return fitted(a) == fitted(b)


# ---- against plain loops


@pytest.mark.parametrize("lengths", [[60], [30, 8, 0, 25, 40]], ids=["one", "many"])
@pytest.mark.parametrize("solver", ["gram", "qr"])
@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("feedback", [False, True])
def test_fit_and_predict(lengths, solver, direct, feedback):
    X, y = pairs(lengths)
    esn = estimator(direct=direct, feedback=feedback, solver=solver).fit(X, y)
    network = esn.model_.reservoir
    features, targets, (mean_x, scale_x, mean_y, scale_y) = naive.scored_rows(
        network, X, y, [5] * len(X), direct=direct
    )
    weights, intercept = naive.ridge(features, targets, 0.1)
    np.testing.assert_allclose(esn.model_.readout.weights, weights, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(esn.model_.readout.intercept, intercept, rtol=1e-8, atol=1e-9)
    assert esn.model_.ridge_path.scored == len(targets) == sum(max(0, n - 5) for n in lengths)

    for i, output in enumerate(esn.predict(X)):
        u = (X[i] - mean_x) / scale_x
        if feedback:  # the model's own outputs take the place of the targets
            loop = esn_fit.Labels(np.full(2, -1), 0, (), ())
            _, said = run_freely(network, weights, intercept, u, loop, direct=direct)
        else:
            states = naive.run(network, u)
            said = (np.hstack([states, u]) if direct else states) @ weights + intercept
        np.testing.assert_allclose(output, said * scale_y + mean_y, rtol=1e-7, atol=1e-7)


def run_freely(network, weights, intercept, u, labels, *, direct):
    class Loop:
        pass

    loop = Loop()
    loop.weights, loop.intercept, loop.columns = weights.T, intercept, labels.continues
    return naive.run_closed(network, loop, u)


@pytest.mark.parametrize("criterion", ["blocks", "gcv", "loo"])
@pytest.mark.parametrize("lengths", [[70], [30, 20, 8, 30, 25]], ids=["one", "many"])
def test_criteria_from_the_series(criterion, lengths):
    """Folds are contiguous shares of the scored steps, in the order of the series."""
    X, y = pairs(lengths)
    esn = estimator(ridge=criterion, folds=3, units=6).fit(X, y)
    features, targets, _ = naive.scored_rows(esn.model_.reservoir, X, y, [5] * len(X))
    path = esn.model_.ridge_path
    groups = naive.contiguous(len(targets), 3 if criterion == "blocks" else len(targets))
    for ridge, errors in list(zip(path.candidates, path.errors, strict=True))[::4]:
        if criterion == "gcv":
            wanted = naive.gcv(features, targets, ridge)
        else:
            wanted = naive.left_out(features, targets, ridge, groups)
        np.testing.assert_allclose(errors, wanted, rtol=1e-5)
    assert esn.ridge_ == path.candidates[path.errors.sum(axis=1).argmin()]


def test_ridge_per_target():
    rng = np.random.default_rng(1)
    X, y = pairs([200])
    y[0][:, 1] = rng.normal(size=200)
    esn = estimator(ridge_per_target=True, ridge="blocks").fit(X, y)
    path = esn.model_.ridge_path
    assert esn.ridge_.tolist() == path.candidates[path.errors.argmin(axis=0)].tolist()
    assert esn.ridge_[0] < esn.ridge_[1]
    assert isinstance(estimator(ridge="blocks").fit(X, y).ridge_, float)


def test_leave_one_out_with_noise_sees_the_same_noise_twice():
    X, y = pairs([60])
    esn = estimator(ridge="loo", noise=0.3, units=5).fit(X, y)
    run = Gathering(
        esn.model_.reservoir,
        Data(collection.collect(X), collection.collect(y, "y")),
        (esn.model_.input_scaler, esn.model_.target_scaler),
        esn._settings(),
        esn.progress_.entropy,
    )
    features, targets = (np.concatenate(parts) for parts in zip(*run.rows(), strict=True))
    groups = naive.contiguous(len(targets), len(targets))
    path = esn.model_.ridge_path
    wanted = [naive.left_out(features, targets, r, groups) for r in path.candidates[12::5]]
    np.testing.assert_allclose(path.errors[12::5], wanted, rtol=1e-6)


# ---- washout and missing targets


def test_auto_washout():
    assert [auto_washout(n) for n in (0, 1, 9, 10, 99, 100, 999, 1000, 10**6)] == [
        *(0, 0, 0, 1, 9, 10, 99, 100, 100)
    ]
    X, y = pairs([200, 40, 3])
    esn = estimator(washout="auto").fit(X, y)
    assert esn.model_.ridge_path.scored == 180 + 36 + 3
    features, targets, _ = naive.scored_rows(esn.model_.reservoir, X, y, [20, 4, 0])
    weights, _ = naive.ridge(features, targets, 0.1)
    np.testing.assert_allclose(esn.model_.readout.weights, weights, rtol=1e-8, atol=1e-9)


def test_missing_targets_are_rows_that_are_not_there():
    X, y = pairs([60, 30])
    gone = [[3, 7, 20, 21, 59], [10]]
    for target, steps in zip(y, gone, strict=True):
        target[steps, np.arange(len(steps)) % 2] = np.nan
    esn = estimator(missing_targets="skip").fit(X, y)
    features, targets, _ = naive.scored_rows(esn.model_.reservoir, X, y, [5, 5])
    kept = ~np.isnan(targets).any(axis=1)
    assert (~kept).sum() == 5
    weights, intercept = naive.ridge(features[kept], targets[kept], 0.1)
    np.testing.assert_allclose(esn.model_.readout.weights, weights, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(esn.model_.readout.intercept, intercept, rtol=1e-8, atol=1e-9)
    assert esn.model_.ridge_path.scored == kept.sum()


def test_missing_targets_of_the_own_future():
    """Without y a NaN in X is one in the inputs: an error whatever ``missing_targets`` says."""
    X = pairs([60])[0][0]
    X[30, 1] = np.nan
    with pytest.raises(DataError, match="X contains NaN at step 30, column 1"):
        estimator(missing_targets="skip").fit(X)


def test_score_skips_the_washout_and_what_is_missing():
    X, y = pairs([80, 30])
    esn = estimator(missing_targets="skip", washout=10).fit(X, y)
    wild = [t.copy() for t in y]
    wild[0][:10], wild[1][:10] = 1e6, -1e6
    wild[0][40, 1] = np.nan
    said = np.concatenate([p[10:] for p in esn.predict(X)])
    truth = np.concatenate([t[10:] for t in wild])
    kept = ~np.isnan(truth).any(axis=1)
    said, truth = said[kept], truth[kept]
    wanted = 1 - ((truth - said) ** 2).sum(axis=0) / ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)
    np.testing.assert_allclose(esn.score(X, wild), wanted.mean())
    assert esn.score(X, wild) > 0.8

    weights = [np.zeros(80), np.ones(30)]
    np.testing.assert_allclose(
        esn.score(X, wild, sample_weight=weights), esn.score(X[1], wild[1]), rtol=1e-12
    )
    one = np.r_[np.ones(70), np.zeros(10)]
    np.testing.assert_allclose(
        esn.score(X[0], wild[0], sample_weight=one), esn.score(X[0][:70], wild[0][:70])
    )


def test_score_of_the_own_future():
    X = np.sin(0.2 * np.arange(300))[:, np.newaxis]
    esn = estimator(units=40, washout=50, ridge=1e-4).fit(X)
    said, truth = esn.predict(X)[50:-1], X[51:]
    wanted = 1 - ((truth - said) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()
    np.testing.assert_allclose(esn.score(X), wanted)


def test_ill_conditioning_is_a_warning_with_the_number():
    X = np.sin(0.1 * np.arange(500))[:, np.newaxis]
    with pytest.warns(IllConditionedWarning, match=r"condition number (inf|\d\.\de\+\d\d)\)"):
        estimator(units=50, ridge=0.0).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for ridge in (1e-6, "blocks", "gcv", "loo"):
            estimator(units=50, ridge=ridge).fit(X)
