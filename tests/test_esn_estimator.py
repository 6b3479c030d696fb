"""``ESNRegressor`` as a scikit-learn estimator: its checks, tools, parameters and forms of data."""

from __future__ import annotations

import doctest

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import check_estimator
from test_esn_fit import estimator, pairs, same_bits, same_model

import reservoir
from reservoir import ESNRegressor
from reservoir.esn import regressor
from reservoir.esn.warmup import SPECIALIZATIONS, warm
from reservoir.kernels.lanes import run_lanes
from reservoir.kernels.series import run_series

OF_A_SERIES = {
    "check_methods_sample_order_invariance": "the order of a series is what it says",
    "check_methods_subset_invariance": "a part of a series starts from the zero state",
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_check_estimator():
    done = check_estimator(
        ESNRegressor(units=20, random_state=0),
        expected_failed_checks=OF_A_SERIES,
        on_skip=None,
    )
    failed = {check["check_name"] for check in done if check["status"] == "xfail"}
    assert failed == set(OF_A_SERIES), "a check that is excused has passed"
    skipped = {check["check_name"] for check in done if check["status"] == "skipped"}
    assert skipped <= {"check_array_api_input"}
    assert sum(check["status"] == "passed" for check in done) > 40


def test_lazy_names():
    assert reservoir.ESNRegressor is ESNRegressor
    assert {"ESNRegressor", "load", "save", "__version__"} <= set(dir(reservoir))
    with pytest.raises(AttributeError, match="module 'reservoir' has no attribute 'nothing'"):
        _ = reservoir.nothing


def test_the_example_of_the_docstring():
    found = doctest.testmod(regressor)
    assert found.attempted >= 4
    assert found.failed == 0


# ---- parameters


def test_clone_and_params():
    esn = estimator(W_in=np.ones((12, 2)), random_state=np.random.default_rng(3))
    other = clone(esn)
    assert set(vars(other)) == set(esn.get_params()) == set(ESNRegressor().get_params())
    assert other.get_params()["leak_rate"] == 0.6
    X, y = pairs([60])
    assert same_model(esn.fit(X, y), other.fit(X, y))
    assert other.set_params(leak_rate=0.1, units=5).leak_rate == 0.1


def test_fit_changes_no_parameter():
    X, y = pairs([60])
    given = {
        "W": sparse.random_array((7, 7), density=0.5, rng=np.random.default_rng(0)),
        "W_in": np.ones((7, 2)),
        "bias": np.zeros(7),
        "ridge": [1.0, 0.1],
        "random_state": np.random.default_rng(1),
    }
    esn = estimator(**given)
    before = dict(esn.get_params())
    state = given["random_state"].bit_generator.state
    seeds = given["random_state"].bit_generator.seed_seq.n_children_spawned
    esn.fit(X, y).partial_fit(X, y)
    for name, value in esn.get_params().items():
        assert value is before[name], name
    assert given["random_state"].bit_generator.state == state
    assert given["random_state"].bit_generator.seed_seq.n_children_spawned == seeds
    assert given["ridge"] == [1.0, 0.1]


@pytest.mark.parametrize(
    "make", [lambda: 5, lambda: np.random.default_rng(5), lambda: np.random.RandomState(5)]
)
def test_random_state_is_copied(make):
    X, y = pairs([60])
    state = make()
    a = estimator(random_state=state, noise=0.1).fit(X, y)
    b = estimator(random_state=state, noise=0.1).fit(X, y)
    fresh = estimator(random_state=make(), noise=0.1).fit(X, y)
    assert same_model(a, b)
    assert same_model(a, fresh)
    assert same_model(a, a.fit(X, y))


def test_no_random_state_draws_afresh():
    X, y = pairs([60])
    a, b = (estimator(random_state=None).fit(X, y) for _ in range(2))
    assert not same_bits(a.model_.reservoir.W_in, b.model_.reservoir.W_in)


def test_a_parameter_moves_its_own_matrix_only():
    X, y = pairs([60])
    base = estimator().fit(X, y).model_.reservoir
    scaled = estimator(input_scaling=0.5, bias_scaling=1.0).fit(X, y).model_.reservoir
    assert same_bits(base.W.data, scaled.W.data)
    np.testing.assert_allclose(scaled.W_in, base.W_in * 2)
    np.testing.assert_allclose(scaled.bias, base.bias * 2)
    each = estimator(input_scaling=[0.25, 0.75]).fit(X, y).model_.reservoir
    np.testing.assert_allclose(each.W_in, base.W_in * [1, 3])
    sparser = estimator(connectivity=0.3).fit(X, y).model_.reservoir
    assert sparser.W.nnz < base.W.nnz
    assert same_bits([sparser.W_in, sparser.bias], [base.W_in, base.bias])
    assert np.abs(base.W_in).max() <= 0.25
    assert np.abs(base.bias).max() <= 0.5


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array, sparse.coo_matrix])
def test_matrices_of_the_user_are_used_as_they_are(kind):
    X, y = pairs([60])
    rng = np.random.default_rng(0)
    full = rng.normal(size=(9, 9)) * (rng.random((9, 9)) < 0.5) / 9
    W_in, W_fb, bias = rng.normal(size=(9, 2)), rng.normal(size=(9, 2)) / 10, rng.normal(size=9)
    esn = estimator(W=kind(full), W_in=W_in, W_fb=W_fb, bias=bias, feedback=True, units=500)
    found = esn.fit(X, y).model_.reservoir
    assert np.array_equal(found.W if kind is np.asarray else found.W.toarray(), full)
    for name, wanted in (("W_in", W_in), ("W_fb", W_fb), ("bias", bias)):
        assert np.array_equal(getattr(found, name), wanted)
        assert not np.shares_memory(getattr(found, name), wanted)
    assert esn.set_params(bias=0.25).fit(X, y).model_.reservoir.bias.tolist() == [0.25] * 9


def test_a_leak_rate_for_each_unit():
    X, y = pairs([60])
    leak = np.linspace(0.1, 1, 12)
    esn = estimator(leak_rate=leak).fit(X, y)
    assert np.array_equal(esn.model_.reservoir.leak_rate, leak)
    assert not np.shares_memory(esn.model_.reservoir.leak_rate, leak)


def test_standardize_is_of_the_model():
    """Inputs in other units give the same predictions; without it they do not."""
    X, y = (part[0] for part in pairs([200]))
    esn = estimator().fit(X, y)
    other = estimator().fit(X * 1e4 + 7, y * 1e-3 - 1)
    np.testing.assert_allclose(other.predict(X * 1e4 + 7), esn.predict(X) * 1e-3 - 1, rtol=1e-8)
    plain = estimator(standardize=False).fit(X, y).model_
    for scaler in (plain.input_scaler, plain.target_scaler):
        assert (scaler.mean.tolist(), scaler.scale.tolist()) == ([0, 0], [1, 1])


def test_not_fitted():
    X = np.zeros((5, 2))
    for call in (lambda e: e.predict(X), lambda e: e.forecast(3), lambda e: e.score(X, X)):
        with pytest.raises(NotFittedError):
            call(estimator())


# ---- tools


def test_pipeline():
    X, y = (part[0] for part in pairs([120]))
    pipe = make_pipeline(MinMaxScaler(), estimator(standardize=False)).fit(X, y)
    by_hand = MinMaxScaler().fit(X)
    esn = estimator(standardize=False).fit(by_hand.transform(X), y)
    assert same_bits(pipe.predict(X), esn.predict(by_hand.transform(X)))
    assert pipe.score(X, y) == esn.score(by_hand.transform(X), y)


def test_grid_search():
    X, y = (part[0] for part in pairs([200]))
    X[:, 1] = y[:, 1] = 0  # one input, one target that remembers
    search = GridSearchCV(
        estimator(), {"input_scaling": [0.1, 100.0]}, cv=TimeSeriesSplit(3), error_score="raise"
    )
    search.fit(X, y[:, 0])
    assert search.best_params_ == {"input_scaling": 0.1}
    train, test = list(TimeSeriesSplit(3).split(X))[-1]
    esn = estimator(input_scaling=0.1).fit(X[train], y[train, 0])
    found = search.cv_results_["split2_test_score"][0]
    assert found == esn.score(X[test], y[test, 0])
    assert same_model(search.best_estimator_, estimator(input_scaling=0.1).fit(X, y[:, 0]))


def test_grid_search_of_the_own_future():
    X = np.sin(0.3 * np.arange(300))[:, np.newaxis]
    grid = {"leak_rate": [0.01, 0.9]}
    search = GridSearchCV(estimator(), grid, cv=TimeSeriesSplit(3), error_score="raise").fit(X)
    assert search.best_params_ == {"leak_rate": 0.9}
    assert search.best_estimator_.forecast(5).shape == (5, 1)


def test_data_frames():
    X, y = (part[0] for part in pairs([60]))
    frame = pd.DataFrame(X, columns=["north", "south"])
    esn = estimator().fit(frame, pd.DataFrame(y))
    assert esn.feature_names_in_.tolist() == ["north", "south"]
    assert esn.model_.input_names == ("north", "south")
    assert same_bits(esn.predict(frame), estimator().fit(X, y).predict(X))
    assert estimator().fit(frame).model_.target_names == ("north", "south")
    assert estimator().fit(frame, pd.Series(y[:, 0])).predict(frame).shape == (60,)
    esn.fit([X[:, :1]], [y])
    assert esn.model_.input_names == ("0",)
    assert not hasattr(esn, "feature_names_in_")


# ---- forms


def test_forms_of_X_and_y():
    X, y = pairs([40, 40, 40])
    esn = estimator().fit(X, y)
    stack = estimator().fit(np.stack(X), np.stack(y))
    assert same_model(esn, stack)
    listed, stacked = esn.predict(X), stack.predict(np.stack(X))
    assert isinstance(listed, list)
    assert stacked.shape == (3, 40, 2)
    assert same_bits(listed, list(stacked))
    assert stack.states(np.stack(X)).shape == (3, 40, 12)
    assert same_bits(esn.predict(tuple(X)), listed)
    one = esn.predict(X[0])
    assert one.shape == (40, 2)
    assert same_bits(one, listed[0])
    assert same_bits(esn.predict([X[0]]), [one])
    assert same_bits(esn.predict(X[0].tolist()), one)


@pytest.mark.parametrize(
    ("form", "shapes"),
    [
        (lambda v: v[0][:, 0], [(40,)]),
        (lambda v: v[0][:, 0].tolist(), [(40,)]),
        (lambda v: v[0][:, :1], [(40, 1)]),
        (lambda v: v[0], [(40, 2)]),
        (lambda v: v[0].tolist(), [(40, 2)]),
        (lambda v: [t[:, 0] for t in v], [(40,), (40,)]),
        (lambda v: [t[:, :1] for t in v], [(40, 1), (40, 1)]),
        (lambda v: np.stack(v), [(40, 2), (40, 2)]),
    ],
)
def test_outputs_have_the_form_of_the_targets(form, shapes):
    X, y = pairs([40, 40])
    esn = estimator().fit(X[0] if len(shapes) == 1 else X, form(y))
    assert [p.shape for p in esn.predict(X)] == [shapes[0]] * 2
    assert esn.predict(np.stack(X)).shape == (2, *shapes[0])
    assert esn.predict(X[0]).shape == shapes[0]


def test_ragged_and_empty_series():
    X, y = pairs([40, 0, 7, 25, 1])
    esn = estimator(washout=0).fit(X, y)
    for found, columns in ((esn.predict(X), 2), (esn.states(X), 12)):
        assert [f.shape for f in found] == [(n, columns) for n in (40, 0, 7, 25, 1)]
    assert [f.shape for f in esn.predict([X[1]] * 5)] == [(0, 2)] * 5
    assert [f.shape for f in esn.predict([X[1]])] == [(0, 2)]
    free = estimator(washout=0, feedback=True).fit(X, y)
    assert [f.shape for f in free.predict([X[1]] * 5)] == [(0, 2)] * 5


def test_states_are_those_of_each_series_alone():
    X, _ = pairs([40, 30])
    esn = estimator().fit(X)
    together = esn.states(X)
    assert same_bits(together, [esn.states(x) for x in X])


@pytest.mark.parametrize("topology", ["random", "orthogonal", "cycle"])
def test_no_more_compilations_than_the_warmup_makes(topology):
    """A kernel is compiled for each form of W and each float type, and for nothing else."""

    def compiled():
        return set(run_series.signatures), set(run_lanes.signatures)

    for specialization in SPECIALIZATIONS:
        warm(specialization)
    before = compiled()
    X, y = pairs([40] * 5)
    for settings in ({}, {"feedback": True, "noise": 0.1}):
        esn = estimator(topology=topology, **settings).fit(X, y).partial_fit(X[0], y[0])
        esn.predict(X)
        esn.states(X[:2])
    own = estimator(topology=topology).fit(X[0])
    own.forecast(3)
    own.forecast(3, X)
    assert compiled() == before
