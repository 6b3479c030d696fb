"""Closed loops: against plain loops, from every start, and what they refuse."""

from __future__ import annotations

import warnings
from dataclasses import replace

import naive
import numpy as np
import pytest
from test_esn_fit import estimator, pairs, same_bits

from reservoir import ESNRegressor
from reservoir.errors import DataError
from reservoir.esn import predict as esn_predict
from reservoir.series.collection import collect


def waves(steps, columns=2):
    """Sums of sines: forecastable, and every column of another mean and size."""
    t = np.arange(steps)[:, np.newaxis]
    return np.sin(0.2 * t + np.arange(columns)) * np.logspace(0, 2, columns) + 3 * np.arange(
        columns
    )


class Loop:
    """The readout of a fitted model as the naive loop takes it, between scaled numbers."""

    def __init__(self, model):
        fed = np.maximum(model.continues, 0)
        inputs, targets = model.input_scaler, model.target_scaler
        self.weights, self.intercept = model.readout.weights.T, model.readout.intercept
        self.columns = model.continues
        self.gain = targets.scale / inputs.scale[fed]
        self.offset = (targets.mean - inputs.mean[fed]) / inputs.scale[fed]


def naive_forecast(model, context, steps, exogenous=None, targets=None):
    """Follow the context, then feed the outputs back."""
    network, loop = model.reservoir, Loop(model)
    u = (context - model.input_scaler.mean) / model.input_scaler.scale
    forced = None
    if targets is not None:
        v = (targets - model.target_scaler.mean) / model.target_scaler.scale
        forced = np.vstack([np.zeros((1, v.shape[1])), v])
    x = naive.run(network, u, forced)[-1]
    future = np.zeros((steps, u.shape[1]))
    if exogenous is not None:
        future[: len(exogenous)] = (exogenous - model.input_scaler.mean) / model.input_scaler.scale
    if targets is not None:
        _, outputs = naive.run_closed(network, loop, future, x=x, y=v[-1])
    else:
        features = x if loop.weights.shape[1] == len(x) else np.concatenate([x, u[-1]])
        first = loop.weights @ features + loop.intercept
        _, rest = naive.run_closed(network, loop, future[: steps - 1], x=x, y=first)
        outputs = np.vstack([first, rest])
    return outputs * model.target_scaler.scale + model.target_scaler.mean


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("columns", [1, 2])
def test_own_future(columns, direct):
    X = waves(150, columns)
    esn = estimator(direct=direct, ridge=1e-4).fit(X)
    found = esn.forecast(12)
    assert found.shape == (12, columns)
    wanted = naive_forecast(esn.model_, X, 12)
    np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-6)
    np.testing.assert_allclose(esn.forecast(12, X[:70]), naive_forecast(esn.model_, X[:70], 12))


def test_it_forecasts():
    X = waves(2050)
    esn = ESNRegressor(units=100, ridge=1e-6, random_state=0).fit(X[:2000])
    np.testing.assert_allclose(esn.forecast(50), X[2000:], atol=0.01 * X.std(axis=0).max())


@pytest.mark.parametrize("number", [1, 3, 6])
@pytest.mark.parametrize("direct", [False, True])
def test_the_end_of_training_is_a_context(number, direct):
    X = [waves(90 + 7 * i) for i in range(number)]
    esn = estimator(direct=direct, ridge=1e-3).fit(X)
    # One series is driven alone whatever drove it in the fit: equal but for rounding.
    np.testing.assert_allclose(esn.forecast(10), esn.forecast(10, X[-1]), rtol=1e-9)
    np.testing.assert_allclose(esn.forecast(10), esn.forecast(10, X)[-1], rtol=1e-9)


@pytest.mark.parametrize("settings", [{}, {"ridge": "blocks"}, {"standardize": False}])
def test_a_forecast_is_one_step_predictions_fed_back(settings):
    """By ``predict`` alone: append what it says next, and ask again."""
    X = waves(120) / [1, 100]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        esn = estimator(**({"ridge": 1e-3} | settings)).fit(X)
    series = X
    for _ in range(6):
        series = np.vstack([series, esn.predict(series)[-1]])
    np.testing.assert_allclose(esn.forecast(6), series[120:], rtol=1e-8, atol=1e-9)


def test_contexts_of_every_form():
    X = waves(120)
    esn = estimator(ridge=1e-3).fit(X)
    single = esn.forecast(5, X[:60])
    listed = esn.forecast(5, [X[:60], X[:1], X])
    assert isinstance(listed, list)
    assert same_bits(listed[0], single)
    stacked = esn.forecast(5, np.stack([X[:60], X[60:]]))
    assert stacked.shape == (2, 5, 2)
    assert same_bits(stacked[0], single)
    many = esn.forecast(5, [X[:60]] * 9 + [X[:1], X])  # as lanes
    np.testing.assert_allclose(many[8], single, rtol=1e-9)
    np.testing.assert_allclose(many[10], listed[2], rtol=1e-9)
    np.testing.assert_allclose(many[9], naive_forecast(esn.model_, X[:1], 5), rtol=1e-9)
    with_empty = esn.forecast(5, [X[:0], X[:60]])
    assert with_empty[0].shape == (5, 2)
    assert same_bits(with_empty[1], single)


@pytest.mark.parametrize("steps", [0, 1, 2])
@pytest.mark.parametrize("number", [1, 6])
@pytest.mark.parametrize("feedback", [False, True])
def test_few_steps(steps, number, feedback):
    X, y = [waves(80)] * number, [waves(80, 1)] * number
    if feedback:
        esn = estimator(feedback=True).fit(X, y)
        found = esn.forecast(steps, X, y, inputs=[x[:steps] for x in X])
        longer = esn.forecast(steps + 3, X, y, inputs=[x[: steps + 3] for x in X])
    else:
        esn = estimator().fit(X)
        found, longer = esn.forecast(steps, X), esn.forecast(steps + 3, X)
    assert [len(f) for f in found] == [steps] * number
    assert all(same_bits(a, b[:steps]) for a, b in zip(found, longer, strict=True))


def test_no_call_leaves_a_trace():
    X = waves(100)
    esn = estimator(ridge=1e-3).fit(X)
    first = esn.forecast(8), esn.forecast(8, X[:40]), esn.predict(X), esn.states(X)
    again = esn.forecast(8), esn.forecast(8, X[:40]), esn.predict(X), esn.states(X)
    assert same_bits(list(first), list(again))


# ---- feedback


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("flat", [False, True])
def test_feedback_follows_the_targets_first(direct, flat):
    X, y = pairs([90], 1 if flat else 2)
    X, y = X[0], y[0]
    esn = estimator(feedback=True, direct=direct).fit(X[:80], y[:80, 0] if flat else y[:80])
    forced = y[:50, 0] if flat else y[:50]
    found = esn.forecast(10, X[:50], forced, inputs=X[50:60])
    wanted = naive_forecast(esn.model_, X[:50], 10, exogenous=X[50:60], targets=y[:50])
    np.testing.assert_allclose(found, wanted[:, 0] if flat else wanted, rtol=1e-7, atol=1e-7)
    # From the end of training.
    end = esn.forecast(10, inputs=X[80:])
    context = esn.forecast(10, X[:80], y[:80, 0] if flat else y[:80], inputs=X[80:])
    assert same_bits(end, context)


def test_feedback_of_many():
    X, y = pairs([60, 40, 0, 50, 60])
    esn = estimator(feedback=True).fit(X, y)
    future = [x[:7] if len(x) else np.ones((7, 2)) for x in X]
    found = esn.forecast(7, X, y, inputs=future)
    for i in (0, 1, 3, 4):
        wanted = naive_forecast(esn.model_, X[i], 7, exogenous=future[i], targets=y[i])
        np.testing.assert_allclose(found[i], wanted, rtol=1e-7, atol=1e-7)


def test_predict_runs_free_of_the_targets():
    """From the zero state and the zero output, the model's own outputs fed back."""
    X, y = pairs([60])
    esn = estimator(feedback=True).fit(X[0], y[0])
    loop = Loop(esn.model_)
    u = (X[0] - esn.model_.input_scaler.mean) / esn.model_.input_scaler.scale
    _, outputs = naive.run_closed(esn.model_.reservoir, loop, u)
    wanted = outputs * esn.model_.target_scaler.scale + esn.model_.target_scaler.mean
    np.testing.assert_allclose(esn.predict(X[0]), wanted, rtol=1e-8)


def test_predict_never_closes_the_loop_through_the_inputs():
    """Outputs that continue inputs replace them in a forecast, not along a series that is given."""
    X, y = pairs([40])
    model = estimator(feedback=True).fit(X, y).model_
    both = replace(model, continues=np.array([1, 0]))
    assert same_bits(esn_predict.predict(both, collect(X)), esn_predict.predict(model, collect(X)))


def test_states_of_a_feedback_model_are_without_it():
    X, y = pairs([30])
    esn = estimator(feedback=True).fit(X, y)
    network = replace(esn.model_.reservoir, W_fb=np.zeros((12, 0)))
    u = (X[0] - esn.model_.input_scaler.mean) / esn.model_.input_scaler.scale
    np.testing.assert_allclose(esn.states(X[0]), naive.run(network, u), atol=1e-12)


# ---- columns that go on beside columns that are given


def test_exogenous_columns():
    """Outputs that continue inputs 2 and 0; input 1 comes from outside; NaN where none is read."""
    X = waves(120, 3)
    esn = estimator(ridge=1e-3).fit(X)
    model = esn.model_
    chosen = [2, 0]
    part = replace(
        model,
        continues=np.array(chosen),
        readout=replace(
            model.readout,
            weights=model.readout.weights[:, chosen],
            intercept=model.readout.intercept[chosen],
        ),
        target_scaler=replace(
            model.target_scaler,
            mean=model.target_scaler.mean[chosen],
            scale=model.target_scaler.scale[chosen],
        ),
    )
    starts = esn_predict.context_ends(part, collect(X[:60]))
    future = X[60:69].copy()
    wanted = naive_forecast(part, X[:60], 10, exogenous=future)
    future[:, chosen] = np.nan
    found = esn_predict.forecast(part, 10, starts, collect(future, "inputs"))
    np.testing.assert_allclose(found[0], wanted, rtol=1e-8, atol=1e-8)
    future[3, 1] = np.inf
    with pytest.raises(DataError, match="inputs contains infinity at step 3, column 1"):
        esn_predict.forecast(part, 10, starts, collect(future, "inputs"))
    with pytest.raises(DataError, match="needs future values of the inputs 1: give 9 rows"):
        esn_predict.forecast(part, 10, starts)


# ---- refusals


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda e, X, y: e.forecast(5),
            "the forecast needs future values of the inputs 0, 1: give",
        ),
        (lambda e, X, y: e.forecast(5, X, inputs=X), r"needs the targets of the context \(y\) for"),
        (lambda e, X, y: e.forecast(5, X, y[:-1], inputs=X), r"y has \[59\] steps, X has \[60\]"),
        (lambda e, X, y: e.forecast(5, X, y[:, :1], inputs=X), "y has 1 columns, .* with 2"),
        (lambda e, X, y: e.forecast(5, X, y * np.nan, inputs=X), "Input y contains NaN at step 0"),
        (
            lambda e, X, y: e.forecast(5, inputs=X[:4]),
            r"inputs has 1 series of \[4\] .* 1 of at le",
        ),
        (
            lambda e, X, y: e.forecast(5, [X] * 2, [y] * 2, inputs=X),
            "inputs has 1 series .* 2 of at",
        ),
        (
            lambda e, X, y: e.forecast(5, inputs=X[:, :1]),
            "inputs has 1 columns, the model was fitt",
        ),
        (
            lambda e, X, y: e.forecast(-1, inputs=X),
            "steps must be a whole number of at least 0, got",
        ),
        (lambda e, X, y: e.forecast(2.5, inputs=X), "steps must be a whole number of at least 0"),
        (
            lambda e, X, y: e.forecast(5, X[:, :1], y, inputs=X),
            "X has 1 features, but .* expecting",
        ),
    ],
)
def test_what_a_feedback_model_refuses(call, message):
    X, y = (part[0] for part in pairs([60]))
    esn = estimator(feedback=True).fit(X, y)
    with pytest.raises(ValueError, match=message):
        call(esn, X, y)


def test_a_model_that_cannot_run_closed_says_so():
    X, y = pairs([60])
    with pytest.raises(
        DataError, match="cannot run in a closed loop: its outputs are not its next"
    ):
        estimator().fit(X, y).forecast(3)
    with pytest.raises(DataError, match="feedback=True needs targets y"):
        estimator(feedback=True).fit(X)
