"""Fits in parts against fits at once, and failures, which leave a model as it was."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from test_esn_fit import estimator, fitted, pairs, same_bits, same_model, same_readout

from reservoir import ESNRegressor
from reservoir.errors import DataError


@pytest.mark.parametrize("solver", ["gram", "qr"])
@pytest.mark.parametrize("ridge", [0.1, "gcv"])
@pytest.mark.parametrize("number", [1, 5])
@pytest.mark.parametrize("feedback", [False, True])
def test_continued_fit(solver, ridge, number, feedback):
    """Two parts of the series, the second going on with the first, are the whole."""
    X, y = pairs([120] * number)
    settings = {"solver": solver, "ridge": ridge, "standardize": False, "feedback": feedback}
    whole = estimator(**settings).fit(X, y)
    parts = estimator(**settings)
    parts.partial_fit([x[:50] for x in X], [t[:50] for t in y])
    parts.partial_fit([x[50:] for x in X], [t[50:] for t in y], continued=True)
    same_readout(parts, whole)
    assert parts.model_.ridge_path.scored == whole.model_.ridge_path.scored
    np.testing.assert_allclose(parts.ridge_, whole.ridge_, rtol=1e-8)
    assert same_bits(parts.model_.end.x, whole.model_.end.x)
    assert same_bits(parts.predict(X), parts.predict(X))


def test_partial_fit_starts_afresh_unless_told():
    X, y = pairs([60, 50])
    whole = estimator(standardize=False).fit(X, y)
    parts = estimator(standardize=False).partial_fit(X[0], y[0]).partial_fit(X[1], y[1])
    same_readout(parts, whole)


def test_every_series_has_noise_of_its_own():
    """A later call draws from the streams after those of the calls before, merged ones too."""
    X, y = pairs([60, 50])
    esn = estimator(noise=0.1, standardize=False).fit(X, y)
    once = esn.progress_.statistics.total().squares, esn.progress_.statistics.total().gram
    other = copy.deepcopy(esn)
    esn.partial_fit(X, y)
    assert esn.progress_.series_seen == 4
    twice = esn.statistics_.total()
    np.testing.assert_allclose(twice.squares, 2 * once[0])
    assert np.abs(twice.gram - 2 * once[1]).max() > 1e-3, "the same noise again"
    assert esn.merge(other).progress_.series_seen == 6


def test_partial_fit_keeps_reservoir_and_scalers():
    X, y = pairs([60, 50])
    esn = estimator().partial_fit(X[0], y[0])
    first = esn.model_
    esn.partial_fit(X[1] * 7, y[1])
    assert esn.model_.reservoir is first.reservoir
    assert esn.model_.input_scaler is first.input_scaler
    assert esn.model_.target_scaler is first.target_scaler


def test_fit_forgets_what_was_fitted_before():
    X, y = pairs([60, 50])
    esn = estimator().fit(X[0], y[0])
    esn.fit(X[1], y[1])
    assert same_model(esn, estimator().fit(X[1], y[1]))


@pytest.mark.parametrize("solver", ["gram", "qr"])
@pytest.mark.parametrize("ridge", [0.1, "blocks", "gcv"])
def test_merge(solver, ridge):
    X, y = pairs([60, 50, 70])
    settings = {"solver": solver, "ridge": ridge, "standardize": False}
    a = estimator(**settings).fit(X[0], y[0])
    b = estimator(**settings).fit(X[1:], y[1:])
    kept = fitted(b)
    parts = estimator(**settings).partial_fit(X[0], y[0]).partial_fit(X[1:], y[1:])
    a.merge(b)
    same_readout(a, parts)
    assert a.model_.ridge_path.scored == 55 + 45 + 65
    assert fitted(b) == kept, "merge changed the other one"
    if ridge == 0.1:
        same_readout(a, estimator(**settings).fit(X, y))


def test_leave_one_out_in_parts_is_refused():
    X, y = pairs([60])
    with pytest.raises(DataError, match='ridge="loo" cannot be had in parts; use "blocks" or'):
        estimator(ridge="loo").partial_fit(X, y)
    esn, other = (estimator(ridge="loo", standardize=False).fit(X, y) for _ in range(2))
    with pytest.raises(DataError, match='ridge="loo" needs all series in one fit'):
        esn.partial_fit(X, y)
    with pytest.raises(DataError, match='ridge="loo" needs all series in one fit'):
        esn.merge(other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e, X, y: e.partial_fit(X[0], y[0][:, :1]), "y has 1 columns, .* fitted with 2"),
        (lambda e, X, y: e.partial_fit(X[0][:, :1], y[0]), "X has 1 features, but .* expecting 2"),
        (lambda e, X, y: e.partial_fit(X[0]), "1 steps ahead of the inputs, .* fitted with 0"),
        (lambda e, X, y: e.partial_fit(X[:2], y[:2], continued=True), "2 series cannot go on whe"),
        (lambda e, X, y: e.set_params(direct=True).partial_fit(X, y), "direct=True: the model was"),
        (lambda e, X, y: e.set_params(folds=3, ridge="blocks").partial_fit(X, y), "cannot be merg"),
        (lambda e, X, y: e.set_params(ridge="loo").partial_fit(X, y), "loo.* needs all series in"),
        (lambda e, X, y: e.set_params(solver="qr").partial_fit(X, y), "cannot be merged into tho"),
        (lambda e, X, y: e.set_params(noise=-1).partial_fit(X, y), "noise must be a finite number"),
        (lambda e, X, y: e.partial_fit(X[0] * np.nan, y[0]), "Input X contains NaN at step 0, co"),
        (lambda e, X, y: e.partial_fit(X[0], y[0] * np.inf), "Input y contains infinity at step"),
        (lambda e, X, y: e.partial_fit(X[0][:3], y[0][:3]), "X has 3 steps, not more than the was"),
        (lambda e, X, y: e.fit(X[0] * np.nan, y[0]), "Input X contains NaN at step 0, column 0"),
        (lambda e, X, y: e.fit(np.full((40, 5), np.nan), y[0]), "5|y has 60"),
        (lambda e, X, y: e.fit([x[:, :1] for x in X], y[:2]), "X has 3 series, y has 2"),
        (lambda e, X, y: e.set_params(leak_rate=2).fit(X, y), "leak_rate=2: expected numbers in"),
        (lambda e, X, y: e.merge(estimator(random_state=1).fit(X, y)), "merge needs two fits of"),
        (lambda e, X, y: e.merge(estimator(direct=True).fit(X, y)), "merge needs two fits of one"),
        (lambda e, X, y: e.merge(estimator().fit(X[0], y[0])), "merge needs two fits of one res"),
        (lambda e, X, y: e.merge(estimator(activation="relu").fit(X, y)), "merge needs two fits"),
    ],
)
def test_a_failure_leaves_the_model_as_it_was(change, message):
    X, y = pairs([60, 50, 40])
    esn = estimator().fit(X, y)
    before, names, said = copy.deepcopy(esn), set(vars(esn)), esn.predict(X)
    with pytest.raises(ValueError, match=message):
        change(esn, X, y)
    assert same_model(esn, before)
    assert set(vars(esn)) == names
    assert esn.n_features_in_ == 2
    assert same_bits(esn.predict(X), said)


def test_a_failing_first_fit_leaves_nothing():
    X, y = pairs([60])
    esn = estimator()
    with pytest.raises(DataError, match="infinity"):
        esn.fit(X[0] * np.inf, y[0])
    assert set(vars(esn)) == set(esn.get_params())


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("solver", ["gram", "qr"])
def test_the_step_across_a_cut_is_learned_too(direct, solver):
    """Without y the last step before a cut has its target after it."""
    rng = np.random.default_rng(0)
    series = [rng.standard_normal((120, 2)).cumsum(axis=0) / 10 for _ in range(2)]

    def fresh():
        return ESNRegressor(
            units=20, washout=10, ridge=1e-3, direct=direct, solver=solver, standardize=False,
            random_state=0,
        )  # fmt: skip

    whole = fresh().fit(series)
    parts = fresh().partial_fit([s[:50] for s in series])
    parts.partial_fit([s[50:51] for s in series], continued=True)
    parts.partial_fit([s[51:] for s in series], continued=True)
    assert parts.statistics_.count == whole.statistics_.count == 2 * (120 - 10 - 1)
    for name in ("weights", "intercept"):
        np.testing.assert_allclose(
            getattr(parts.model_.readout, name), getattr(whole.model_.readout, name), atol=1e-9
        )


def test_a_series_that_had_not_begun_has_no_step_to_pair():
    wave = np.sin(0.3 * np.arange(60))[:, np.newaxis]
    esn = ESNRegressor(units=10, washout=0, ridge=1e-3, random_state=0)
    esn.partial_fit([wave, wave[:0]])
    esn.partial_fit([wave[:0], wave], continued=True)
    assert esn.statistics_.count == 2 * 59
