"""Trained networks at the ends of the scale: large batches, float32, overflow, and a wall."""

from __future__ import annotations

import math

import naive_trained as slow
import numpy as np
import pytest
from trained_cases import (
    SINGLE,
    STRUCTURAL,
    apart,
    direction,
    hessian_times,
    in_slow_order,
    linearized,
    make,
    outputs_tangent,
    states_tangent,
    transposed_times,
)

from hfopt.gauss_newton import GaussNewton
from reservoir.rnn import GRU, LSTM, RNN, Network, memory

# ---- many sequences, many units: several tiles, windows, panels


@pytest.mark.parametrize("name", ["rnn", "wide", "lstm", "gru before", "gru after"])
def test_large_batches(name, monkeypatch):
    """More sequences than a tile, more units than a block of a product, windows of few steps."""
    cells = {
        "rnn": (RNN(27, "tanh", 0.5), RNN(9, "relu")),
        "wide": (RNN(137, "logistic"),),
        "lstm": (LSTM(25),),
        "gru before": (GRU(26), RNN(10)),
        "gru after": (GRU(33, "after"),),
    }[name]
    monkeypatch.setattr(memory, "WINDOW_BYTES", 1 << 14)
    lengths = np.random.default_rng(4).integers(0, 5, 71).tolist()
    lengths[3] = 9
    case = make(cells, "softmax labels", "mask", "zero", lengths=lengths, inputs=17, outputs=11)
    case.theta[:] *= 0.4
    network, theta, batch, sequences = case
    assert len(batch.tiles) > 1
    cut = batch.cut(0, None, memory.window_rows(network.cells, batch.dtype))
    assert len(cut.windows[0]) > 1
    rows = slow.sequence_gradients(network, theta, sequences)
    found = network.gradient(theta, batch, squares=True)
    assert apart(found.value, slow.value(network, theta, sequences)) < 1e-9
    assert apart(found.gradient, rows.sum(axis=0)) < 1e-9
    assert apart(found.squares, (rows**2).sum(axis=0)) < 1e-9
    v = direction(case)
    linearization = network.linearize(theta, batch, segment=3)
    assert apart(linearization.gradient, rows.sum(axis=0)) < 1e-9
    tangent, R_outputs = linearization.jvp(v), outputs_tangent(case, v)
    assert apart(tangent.outputs, R_outputs) < 1e-9
    parts = in_slow_order(case, tangent.states), states_tangent(case, v)
    for one, expected in zip(*parts, strict=True):
        assert apart(one, expected) < 1e-9
    assert apart(linearization.vjp(R_outputs), transposed_times(case, R_outputs)) < 1e-9
    assert apart(linearization.hessian() @ v, hessian_times(case, v)) < 1e-9
    kept = network.linearize(theta, batch)
    for structural in STRUCTURAL.values():
        composed = GaussNewton(linearization, 0.1, structural) @ v
        assert apart(linearization.operator(0.1, structural) @ v, composed) < 1e-9
        assert apart(kept.operator(0.1, structural) @ v, composed) < 1e-9


# ---- float32


SINGLE_PRECISION = ("tanh leaks", "relu learned", "logistic", "identity leak", "lstm", "lstm 1997",
                    "gru before", "gru after", "lstm rnn gru")  # fmt: skip


@pytest.mark.parametrize("name", SINGLE_PRECISION)
def test_float32_is_near_float64(name):
    """Value, gradient and product; parameters and results stay float64."""
    double, exact = linearized(name)
    single, found = linearized(name, dtype="float32")
    np.testing.assert_array_equal(single.theta, double.theta)
    assert apart(single.network.value(single.theta, single.batch), exact.value) < 1e-4
    assert apart(found.value, exact.value) < 1e-4
    assert apart(found.gradient, exact.gradient) < 1e-4
    v = direction(double)
    for structural in STRUCTURAL.values():
        pair = [one.operator(0.1, structural) @ v for one in (found, exact)]
        assert apart(*pair) < 1e-4
        assert apart(GaussNewton(found, 0.1, structural) @ v, pair[1]) < 1e-4
        assert pair[0].dtype == np.float64
    assert found.gradient.dtype == np.float64
    assert found.jvp(v).outputs.dtype == found.jvp(v).states.dtype == np.float32
    assert {array.dtype.name for array in found.state} == {"float32"}


# ---- the wall of Pascanu et al. (2013), figure 6


def wall(b, segment=None, steps=50, w=5.0):
    """Value and gradient by (w, b) of the map ``x <- w sigmoid(x) + b`` as a network of one unit.

    As in test_naive_trained: with h = sigmoid(x) the pre-activation is x, x_0 = 0.5 becomes a given
    initial state, and the cost ``(h_50 - 0.7)^2`` is twice the squared error of the last step.
    """
    network = Network(RNN(1, "logistic"), inputs=1, outputs=1)
    start = 1 / (1 + math.exp(-0.5))
    batch = network.batch(
        np.zeros((1, steps, 1)), [[0.7]], at="last", state=(np.full((1, 1, 1), start),)
    )
    theta = np.array([0.0, w, b, 1.0, 0.0])
    found = network.gradient(theta, batch, segment=segment)
    return 2 * found.value, 2 * found.gradient[1:3]


@pytest.mark.parametrize("segment", [None, "sqrt", 7])
def test_the_clipping_wall(segment):
    cost, slopes = wall(-2.6123413600, segment)
    assert cost == pytest.approx(0.14960413, abs=5e-9)
    assert math.hypot(*slopes) == pytest.approx(6773.125, abs=1e-3)
    for b in (-2.7, -2.5):
        assert math.hypot(*wall(b, segment)[1]) < 10


# ---- numbers too large


@pytest.mark.parametrize("name", ["relu", "tanh learned", "lstm", "gru after"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("scale", [1e10, 1e60, 1e300])
def test_what_overflows_is_returned_without_a_warning(name, dtype, scale):
    """Warnings are errors here; a trial step may be anywhere, and its value says so."""
    for loss in ("squared_error", "softmax labels"):
        case = make(SINGLE[name], loss, "every", "learned", lengths=(6, 40), dtype=dtype)
        theta, v, network = case.theta * scale, direction(case), case.network
        value = network.value(theta, case.batch)
        found = network.gradient(theta, case.batch, squares=True)
        linearization = network.linearize(theta, case.batch)
        assert repr(value) == repr(found.value) == repr(linearization.value)
        outputs, _ = network.predict(theta, [x for x, _, _, _ in case.sequences])
        if not all(np.isfinite(one).all() for one in outputs):
            assert not math.isfinite(value)
        linearization.operator(0.1, STRUCTURAL["all"]) @ v
        GaussNewton(linearization, 0.1, STRUCTURAL["all"]) @ v
        linearization.hessian(0.1) @ v
