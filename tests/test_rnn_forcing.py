"""Schedules of forcing, forecasts against loops of single steps, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from hfopt import Exponential, InverseSigmoid, Linear
from reservoir.errors import DataError
from reservoir.rnn import GRU, LSTM, RNN, Model, Network
from reservoir.rnn.forcing import Forcing, free_run_loss
from reservoir.rnn.forecast import forecast
from reservoir.series.scaler import Scaler

# ---- how often


def test_schedules():
    linear = Linear(1.0, 0.2, 4)
    assert [linear(k) for k in (0, 2, 4, 9)] == pytest.approx([1.0, 0.6, 0.2, 0.2])
    sigmoid = InverseSigmoid(10.0)
    assert sigmoid(0) == pytest.approx(10 / 11)
    assert sigmoid(10**9) == pytest.approx(0.0)
    assert sigmoid(23) == pytest.approx(0.5, abs=0.01)  # 10 log 10 steps
    with pytest.raises(ValueError, match="at least 1"):
        InverseSigmoid(0.5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("linear:1:0.2:50", Linear(1.0, 0.2, 50)),
        ("exponential:1:0.99", Exponential(1.0, 0.99)),
        ("sigmoid:100", InverseSigmoid(100.0)),
    ],
)
def test_texts(text, expected):
    assert Forcing(text).probability == expected
    assert Forcing("0.25").probability == 0.25


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("liner:1:0:5", "forcing: .*did you mean 'linear'"),
        ("linear:1:0", "linear:INITIAL:FINAL:STEPS"),
        ("linear:1:0:x", "'x' is not a whole number"),
        ("sigmoid:0.5", "at least 1"),
        (1.5, r"probability in \[0, 1\]"),
        ("nan", "a finite number of at least 0"),
    ],
)
def test_bad_schedules(given, message):
    with pytest.raises(DataError, match=message):
        Forcing(given)


@pytest.mark.parametrize(
    ("forcing", "training", "message"),
    [
        (Forcing(0.5, held=True), {"second_order": True}, "no gradient of any objective"),
        (Forcing(0.5), {"omega": True}, "Omega follows"),
        (Forcing(0.5), {"squares": True}, "the Fisher preconditioner follows"),
        (Forcing(0.5), {"truncated": True}, "truncation is for inputs that are given"),
        (Forcing(1.0), {"truncated": True, "feedback": True}, "truncation is for inputs"),
    ],
)
def test_what_a_training_cannot_have(forcing, training, message):
    names = ("second_order", "squares", "omega", "truncated", "feedback")
    asked = dict.fromkeys(names, False)
    forcing.check(**asked)
    Forcing(1.0).check(**(dict.fromkeys(names, True) | {"feedback": False, "truncated": False}))
    with pytest.raises(DataError, match=message):
        forcing.check(**(asked | training))


def test_a_schedule_may_leave_the_range_later():
    forcing = Forcing(lambda step: 1.0 - step)
    forcing.at(1)
    with pytest.raises(DataError, match=r"forcing: the schedule .* gives -1 at step 2"):
        forcing.at(2)


def test_masks_follow_seed_and_step():
    forcing, lengths = Forcing(0.3), [50, 0, 1, 80]
    own = forcing.own([7], 3, lengths)
    again = forcing.own([7], 3, lengths)
    assert all(np.array_equal(a, b) for a, b in zip(own, again, strict=True))
    assert [len(one) for one in own] == lengths
    assert not any(one[:1].any() for one in own)
    share = np.concatenate(own).mean()
    assert 0.6 < share < 0.8
    assert not np.array_equal(own[0], forcing.own([7], 4, lengths)[0])
    assert not np.array_equal(own[0], forcing.own([8], 3, lengths)[0])
    fewer = forcing.own([7], 3, lengths[:1])  # a part of the batch has the same steps
    assert np.array_equal(fewer[0], own[0])


def test_certain_forcing():
    assert Forcing(1.0).own([0], 0, [4]) is None
    assert not Forcing(1.0).mixes
    (free,) = Forcing(0.0).own([0], 0, [4])
    assert free.tolist() == [False, True, True, True]


# ---- models


def model_of(cells, feedback, seed=0, loss="squared_error"):
    """Two outputs; one more input that they do not continue."""
    rng = np.random.default_rng(seed)
    network = Network(cells, 3, 2, loss)
    theta = rng.normal(0, 0.5, network.size)
    inputs = Scaler(np.array([0.5, -1.0, 2.0]), np.array([2.0, 0.5, 1.5]))
    targets = Scaler(np.array([1.0, -0.3]), np.array([0.7, 3.0]))
    if loss != "squared_error":
        targets = Scaler(np.zeros(2), np.ones(2))
    if feedback:
        inputs = Scaler(
            np.append(inputs.mean[:1], targets.mean), np.append(inputs.scale[:1], targets.scale)
        )
    continues = (1, 2) if feedback else (2, 0)
    return Model(network, theta, inputs, targets, "every", (), (), None, continues, feedback)


def step_by_step(model, rows):
    """Outputs in raw units along rows of all inputs of the network; None is an own output."""
    state, said, found = None, None, []
    for row in rows:
        x = np.array([0.0 if v is None else v for v in row])
        for m, column in enumerate(model.continues):
            if row[column] is None:
                x[column] = said[m]
        scaled = [model.input_scaler.scaled(x[None], np.float64)]
        (out,), state = model.network.predict(model.theta, scaled, state)
        (raw,) = model.raw([out])
        said = raw[0]
        found.append(said)
    return np.array(found)


CELLS = [RNN(4), LSTM(3), (GRU(3), RNN(2))]


@pytest.mark.parametrize("loss", ["squared_error", "logistic_cross_entropy"])
@pytest.mark.parametrize("cells", CELLS, ids=str)
def test_forecast_of_inputs_that_outputs_continue(cells, loss):
    model, rng = model_of(cells, feedback=False, loss=loss), np.random.default_rng(1)
    contexts = [rng.normal(0, 1, (n, 3)) for n in (5, 1)]
    future = [rng.normal(0, 1, (9, 3)) for _ in contexts]
    found = forecast(model, 7, contexts, future=future)
    for context, coming, one in zip(contexts, future, found, strict=True):
        rows = context.tolist() + [[None, row[1], None] for row in coming[:6]]
        expected = step_by_step(model, rows)[len(context) - 1 :]
        np.testing.assert_allclose(one, expected, rtol=1e-9)
    assert forecast(model, 0, contexts)[0].shape == (0, 2)
    assert len(forecast(model, 1, contexts)[0]) == 1  # the last input says it already


@pytest.mark.parametrize("cells", CELLS, ids=str)
def test_forecast_with_feedback(cells):
    model, rng = model_of(cells, feedback=True), np.random.default_rng(1)
    contexts, forced = [rng.normal(0, 1, (n, 1)) for n in (5, 0)], [rng.normal(0, 1, (5, 2))]
    forced.append(np.zeros((0, 2)))
    forced[0][2] = np.nan  # nobody knows: the own output
    future = [rng.normal(0, 1, (4, 1)) for _ in contexts]
    found = forecast(model, 4, contexts, forced, future)
    mean = model.target_scaler.mean
    for context, y, coming, one in zip(contexts, forced, future, found, strict=True):
        before = [mean.tolist(), *([None if np.isnan(v) else v for v in row] for row in y)]
        before += [[None, None]] * 4
        rows = [[u, *b] for u, b in zip(np.append(context, coming), before, strict=False)]
        np.testing.assert_allclose(one, step_by_step(model, rows)[len(context) :], rtol=1e-9)


def test_predictions_with_feedback_are_free_and_batches_are_forced():
    model, rng = model_of(RNN(4), feedback=True), np.random.default_rng(1)
    x, y = rng.normal(0, 1, (6, 1)), rng.normal(0, 1, (6, 2))
    mean = model.target_scaler.mean.tolist()
    free = step_by_step(model, [[x[0, 0], *mean], *([u, None, None] for u in x[1:, 0])])
    np.testing.assert_allclose(model.predict([x])[0], free, rtol=1e-9)
    forced = step_by_step(model, [[u, *b] for u, b in zip(x[:, 0], [mean, *y[:-1]], strict=True)])
    errors = (forced - y) / model.target_scaler.scale
    value = model.network.value(model.theta, model.batch([x], [y]))
    assert value == pytest.approx(0.5 * (errors**2).sum(axis=1).mean(), rel=1e-9)


def test_the_loss_of_a_free_run():
    model, rng = model_of(RNN(4), feedback=False), np.random.default_rng(1)
    x, y = rng.normal(0, 1, (8, 3)), rng.normal(0, 1, (8, 2))
    rows = x[:6].tolist() + [[None, row[1], None] for row in x[6:]]
    errors = ((step_by_step(model, rows) - y) / model.target_scaler.scale)[5:]
    expected = 0.5 * (errors**2).sum(axis=1).mean()
    assert free_run_loss(model, [x], [y], 3) == pytest.approx(expected, rel=1e-9)


def test_labels_come_back_as_probabilities():
    network = Network(RNN(3), 2, 2, "softmax_cross_entropy")
    scaler = Scaler(np.zeros(2), np.ones(2))
    theta = np.random.default_rng(0).normal(0, 1, network.size)
    classes = np.array([3, 4])
    model = Model(network, theta, scaler, scaler, "every", (), (), classes, (0, 1), True)
    labels = np.array([0, 1, 1])
    forced, _ = model.outputs([np.zeros((3, 0))], targets=[labels])
    x = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_array_equal(forced[0], network.predict(theta, [x])[0][0])
    free = model.predict([np.zeros((3, 0))])[0]
    for t in (1, 2):
        x[t] = free[t - 1]
    (again,), _ = network.predict(theta, [x])
    np.testing.assert_allclose(network.matching_loss.mean(again), free, rtol=1e-12)


def test_forecasts_that_are_refused():
    plain = model_of(RNN(4), feedback=False)
    context = [np.zeros((3, 3))]
    with pytest.raises(DataError, match="future values of the inputs 1: give 4 rows"):
        forecast(plain, 5, context)
    with pytest.raises(DataError, match="at least 4 rows of 3"):
        forecast(plain, 5, context, future=[np.zeros((3, 3))])
    with pytest.raises(DataError, match="one for each of 1"):
        forecast(plain, 5, context, future=[])
    with pytest.raises(DataError, match="context 0 has no step"):
        forecast(plain, 5, [np.zeros((0, 3))], future=[np.zeros((4, 3))])
    with pytest.raises(DataError, match="for a model with feedback"):
        forecast(plain, 5, context, [np.zeros((3, 2))])
    with pytest.raises(DataError, match="needs the targets of the context"):
        forecast(model_of(RNN(4), feedback=True), 5, [np.zeros((3, 1))])
    other = Model(plain.network, plain.theta, plain.input_scaler, plain.target_scaler, "every")
    with pytest.raises(DataError, match="cannot run in a closed loop"):
        forecast(other, 5, context)
    with pytest.raises(DataError, match="do not come back"):
        other.outputs(context, own=[np.ones(3, bool)])
