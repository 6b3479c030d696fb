"""All instruments together: reservoirs taken as networks, windows, edge cases, arrays, pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checkpoint_cases import CELLS, random_model
from test_checkpoint_records import random_record

from reservoir.analysis import (
    Regime,
    diagnose,
    esn_path,
    follow_training,
    gradient_flow,
    lyapunov_spectrum,
    network_path,
    network_subject,
    reservoir_subject,
    step_jacobians,
    subject,
    window,
)
from reservoir.analysis.diagnosis import lags_up_to
from reservoir.analysis.diagnosis_arrays import labelled, maps_of
from reservoir.analysis.diagnosis_picture import diagnosis_picture
from reservoir.errors import DataError
from reservoir.esn.predict import predict
from reservoir.rnn import RNN, Network
from reservoir.series.collection import collect
from reservoir.series.labelled import with_scales


def sequences(lengths, columns, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((n, columns)) for n in lengths]


def driven(lengths=(12, 7, 1), cells=CELLS["rnn"], at="every", **options):
    """A random network along random sequences with targets."""
    model = random_model(cells, at=at, **options)
    y = sequences(lengths, 3, seed=1)
    return network_subject(
        model, sequences(lengths, 2), [one[-1] for one in y] if at == "last" else y
    )


# ---- reservoirs as networks


@pytest.mark.parametrize("feedback", [False, True])
def test_a_reservoir_is_a_network_with_the_same_jacobians(feedback):
    model = random_record(units=6, feedback=feedback)
    (u,), (y,) = sequences([20], 2), sequences([20], 3, seed=1)
    found = reservoir_subject(model, [u], [y])
    jacobians = step_jacobians(network_path(found.network, found.theta, found.inputs[0]))
    expected = step_jacobians(esn_path(model, u, y if feedback else None))
    np.testing.assert_allclose(jacobians, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("direct", [False, True])
def test_errors_of_that_network_are_those_of_the_reservoir(direct):
    model = replace(random_record(units=6, feedback=False, direct=direct), washout=4)
    (u,), (y,) = sequences([20], 2), sequences([20], 3, seed=1)
    y[7, 1] = np.nan
    found = reservoir_subject(model, [u], [y])
    (outputs,), _ = found.network.predict(found.theta, [found.inputs[0]])
    said = (predict(model, collect(u))[0] - y) / model.target_scaler.scale
    known = found.targets.weights[0] > 0.0
    error = outputs - found.targets.values[0]
    np.testing.assert_allclose(error[known], said[known], rtol=1e-9, atol=1e-12)
    assert found.targets.weights[0].tolist() == [0.0] * 4 + [1.0] * 3 + [0.0] + [1.0] * 12


def test_a_large_reservoir_is_no_network(monkeypatch):
    monkeypatch.setattr(subject, "DENSE", 5)
    model = random_record(units=6, feedback=False)
    found = diagnose(reservoir_subject(model, sequences([20], 2), sequences([20], 3)))
    assert found.flow is None
    assert found.contraction is not None
    assert any("6 units are too many" in note for note in found.left_out)


def of_network(x, y):
    return network_subject(random_model(CELLS["rnn"]), x, y)


def of_reservoir(x, y):
    return reservoir_subject(random_record(units=6, feedback=False), x, y)


@pytest.mark.parametrize("make", [of_network, of_reservoir])
def test_targets_that_do_not_fit_are_refused_at_once(make):
    (x,), (y,) = sequences([9], 2), sequences([9], 3)
    alone, listed = (diagnose(one).flow for one in (make(x, y), make([x], [y])))
    assert np.array_equal(alone.norms, listed.norms, equal_nan=True)
    for inputs, targets, message in (
        ([x], [y, y], "1 sequences need one each, got 2"),
        ([x, x], [y], "2 sequences need one each, got 1"),
        ([x], [np.concatenate([y, y])], "expected 9 rows"),
        ([x, x], [y, y[:4]], "series 1 have shape .4, 3.; expected 9 rows"),
    ):
        with pytest.raises(DataError, match=message):
            make(inputs, targets)


def test_as_many_last_targets_as_series():
    model = random_model(CELLS["rnn"], at="last")
    with pytest.raises(DataError, match="2 series need a row each, got 1"):
        network_subject(model, sequences([5, 4], 2), np.zeros((1, 3)))


def test_feedback_wants_targets():
    with pytest.raises(DataError, match="feedback needs them"):
        reservoir_subject(random_record(), sequences([5], 2))


def test_a_closed_loop_has_exponents_of_its_own():
    model = random_record(units=6, inputs=2, targets=2, feedback=False)
    half = replace(model, continues=np.array([1, -1]))
    assert reservoir_subject(half, sequences([30], 2)).free is None
    closed = replace(model, continues=np.array([1, 0]))
    found = diagnose(reservoir_subject(closed, sequences([30], 2)), exponents=2)
    assert found.closed_loop.exponents.shape == (2,)
    assert found.closed_loop.exponents[0] != found.spectrum.exponents[0]


# ---- windows


@pytest.mark.parametrize("masked", [False, True])
def test_a_window_gives_the_gradients_of_the_whole(monkeypatch, masked):
    monkeypatch.setattr(window, "STEPS", 16)
    monkeypatch.setattr(window, "TARGETS", 12)
    whole = driven((40, 25, 9))
    weights = [np.ones(n) for n in whole.lengths]
    if masked:
        weights = [(np.arange(n) % 3 == 1) * 1.5 for n in whole.lengths]
        whole = replace(whole, targets=replace(whole.targets, weights=weights))
    found = window.flow_at(whole, whole.theta, 4)
    for weight in weights:  # the last four of each sequence
        weight[np.flatnonzero(weight)[:-4]] = 0.0
    batch = whole.network.batch(list(whole.inputs), whole.targets.values, weights=weights)
    expected = gradient_flow(whole.network, whole.theta, batch, max_lag=4)
    assert found.pairs.tolist() == expected.pairs.tolist()
    np.testing.assert_allclose(found.norms, expected.norms, rtol=1e-9)
    np.testing.assert_allclose(found.component_norms, expected.component_norms, rtol=1e-9)


def test_a_window_of_last_targets(monkeypatch):
    monkeypatch.setattr(window, "STEPS", 6)
    whole = driven((30, 4), at="last")
    found = window.flow_at(whole, whole.theta, 5)
    batch = whole.network.batch(list(whole.inputs), whole.targets.values, at="last")
    expected = gradient_flow(whole.network, whole.theta, batch, max_lag=5)
    np.testing.assert_allclose(found.norms, expected.norms, rtol=1e-9)
    assert window.window_of(whole, 5).first is None
    assert window.window_of(driven((30, 30)), 5).first == 24


def test_no_target_that_counts():
    whole = driven((6, 5))
    none = replace(whole, targets=replace(whole.targets, weights=[np.zeros(6), np.zeros(5)]))
    with pytest.raises(DataError, match="none of them counts"):
        window.flow_at(none, none.theta, 2)
    assert "gradients: no target counts" in diagnose(none).left_out
    with pytest.raises(DataError, match="no targets"):
        window.flow_at(replace(whole, targets=None), whole.theta, 2)


# ---- the diagnosis


EDGES = {
    "ragged": {},
    "one step": {"lengths": (1,)},
    "one unit": {"cells": (RNN(1),), "lengths": (9,)},
    "one step, one unit, last": {"cells": (RNN(1),), "lengths": (1,), "at": "last"},
    "last": {"at": "last"},
    "lstm": {"cells": CELLS["lstm"], "lengths": (9, 9)},
    "gru": {"cells": CELLS["gru"], "at": "last"},
    "three": {"cells": CELLS["three"]},
    "float32": {"dtype": "float32"},
}


@pytest.mark.parametrize("name", EDGES)
def test_every_model_has_a_diagnosis_arrays_and_a_picture(name):
    whole = driven(**EDGES[name])
    found = diagnose(whole)
    longest = max(whole.lengths)
    assert found.spectrum.exponents.shape == (min(10, whole.size),)
    assert len(found.bounds) == len(whole.network.cells)
    assert found.products.lags.tolist() == lags_up_to(longest)
    assert found.flow.lags.tolist() == list(range(longest))
    assert found.contraction.distances.shape == (8, longest + 1)
    course = follow_training(whole, [(0, whole.theta), (3, 0.5 * whole.theta)])
    arrays = with_scales(labelled(found, course))
    assert arrays["gradient_norm"].values.shape == (len(found.bounds), longest)
    assert arrays["gradient_norm_by_checkpoint"].dims == ("checkpoint", "layer", "lag")
    assert arrays["checkpoint"].values.tolist() == [0, 3]
    assert arrays["leading_exponent"].description == found.verdict.message
    if name in ("ragged", "one step, one unit, last", "three"):
        assert diagnosis_picture(found, course).startswith(b"\x89PNG")


def test_without_targets_there_are_no_gradients():
    model = random_model()
    found = diagnose(network_subject(model, sequences([9], 2)))
    assert found.flow is None
    assert found.left_out == ("gradients: there are no targets to go back from",)
    assert "gradient_norm" not in labelled(found)


def test_arguments_reach_the_instruments():
    whole = driven((30,))
    found = diagnose(whole, exponents=2, max_lag=5, memory=False)
    assert found.spectrum.exponents.shape == (2,)
    assert found.products.lags.tolist() == [1, 2, 4, 5]
    assert found.flow.lags.tolist() == [0, 1, 2, 3, 4, 5]
    assert found.memory is None
    assert diagnose(whole, max_lag=99).products.lags[-1] == 30
    for wrong in ({"max_lag": 0}, {"exponents": 0}, {"exponents": 5}):
        with pytest.raises(DataError, match=r"max_lag|count"):
            diagnose(whole, **wrong)


def test_large_states_go_without_products_unless_asked(monkeypatch):
    monkeypatch.setattr("reservoir.analysis.diagnosis.CUBES", 100.0)
    monkeypatch.setattr("reservoir.analysis.diagnosis.EIGENVECTORS", 3)
    whole = driven((12,))
    found = diagnose(whole)
    assert found.products is None
    assert found.perturbation is None
    assert len(found.left_out) == 2
    assert diagnose(whole, max_lag=3).products.lags.tolist() == [1, 2, 3]


def test_the_verdict_is_for_the_length_of_the_sequences():
    """A single linear unit: the exponent is the logarithm of its weight."""
    for weight, regime in ((0.5, "vanishing"), (0.999, "near-critical"), (1.5, "exploding")):
        network = Network(RNN(1, "identity"), 2, 3, "squared_error")
        model = random_model((RNN(1, "identity"),))
        theta = np.zeros(network.size)
        network.views(theta)["layers/0/W"][:] = weight
        found = diagnose(network_subject(replace(model, theta=theta), sequences([50], 2)))
        assert found.verdict.regime is Regime(regime)
        assert found.verdict.exponent == pytest.approx(np.log(weight))


@pytest.mark.parametrize("lengths", [(9,), (9, 4)])
def test_the_map_is_the_heat_map_of_steps_with_targets(lengths):
    whole = driven(lengths)
    weights = [(np.arange(n) >= 3) * 1.0 for n in lengths]
    whole = replace(whole, targets=replace(whole.targets, weights=weights))
    flow = window.flow_at(whole, whole.theta, 4)
    maps, (t, k) = maps_of(flow)
    assert t.tolist() == [3, 4, 5, 6, 7, 8]
    assert k.tolist() == list(range(9))
    np.testing.assert_array_equal(maps[0], flow.heat_map()[3:])


@pytest.mark.parametrize(
    "longest, lags", [(1, [1]), (2, [1, 2]), (7, [1, 2, 4, 7]), (8, [1, 2, 4, 8])]
)
def test_lags(longest, lags):
    assert lags_up_to(longest) == lags


def test_the_course_is_that_of_each_step():
    whole = driven((9, 5))
    thetas = [(1, whole.theta), (4, 2.0 * whole.theta)]
    course = follow_training(whole, thetas, max_lag=3)
    for i, (step, theta) in enumerate(thetas):
        assert course.steps[i] == step
        np.testing.assert_array_equal(course.norms[i], window.flow_at(whole, theta, 3).norms)
        paths = [network_path(whole.network, theta, x) for x in whole.inputs]
        assert course.exponents[i] == lyapunov_spectrum(*paths).exponents[0]
    with pytest.raises(DataError, match="no parameters"):
        follow_training(whole, [])


def test_states_that_overflow_are_no_states_at_rest():
    """Of units beyond the range of floats the slopes are 0 or NaN: no word about vanishing."""
    model = random_model((RNN(3, "relu"),))
    model.network.views(model.theta)["layers/0/W"][:] = 1e200 * np.eye(3)
    with pytest.raises(DataError, match=r"states of step \d+ are not finite"):
        diagnose(network_subject(model, sequences([40], 2), sequences([40], 3)))


def test_memory_of_a_reservoir():
    model = random_record(units=4, feedback=False, density=0.5)
    found = diagnose(reservoir_subject(model, sequences([20], 2)), memory=True)
    arrays = labelled(found)
    assert arrays["memory_capacity"].dims == ("input", "delay")
    assert arrays["processing_capacity"].values.sum() <= arrays["state_rank"].values + 0.05
    assert arrays["kernel_rank"].values <= 4
    assert diagnosis_picture(found).startswith(b"\x89PNG")
