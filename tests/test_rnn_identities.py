"""What holds for any network, without a dense matrix: identities, finite differences, float32.

Also batches large enough for several tiles, windows and matrix panels, and the one-unit wall.
"""

from __future__ import annotations

import math

import naive_trained as slow
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trained_cases import (
    LOSSES,
    SINGLE,
    STACKED,
    STARTS,
    STRUCTURAL,
    WHERE,
    apart,
    direction,
    hessian_times,
    in_slow_order,
    make,
    outputs_tangent,
    random_theta,
    states_tangent,
    transposed_times,
)

from hfopt.gauss_newton import GaussNewton
from hfopt.problem import Structural
from reservoir.rnn import GRU, LSTM, RNN, Network, memory

CELLS = {**SINGLE, **STACKED}
every_cell = pytest.mark.parametrize("name", CELLS)


def linearized(name, **options):
    number = list(CELLS).index(name)
    case = make(
        CELLS[name], LOSSES[number % 4], WHERE[number % 5], STARTS[number // 2 % 4],
        lengths=(4, 1, 6, 6, 2), seed=40 + number, **options,
    )  # fmt: skip
    return case, case.network.linearize(case.theta, case.batch)


@every_cell
def test_the_products_with_the_jacobian_are_adjoint(name):
    """<J v, u> = <v, J' u>, for outputs, for states, and for both together."""
    _, linearization = linearized(name)
    rng = np.random.default_rng(0)
    v = rng.normal(0, 1, linearization.size)
    outputs, states = linearization.jvp(v)
    u, w = rng.normal(0, 1, outputs.shape), rng.normal(0, 1, states.shape)
    left, right = (outputs * u).sum(), states @ w
    nothing = np.zeros_like(outputs)
    assert linearization.vjp(u) @ v == pytest.approx(left, rel=1e-11, abs=1e-11)
    assert linearization.vjp(nothing, w) @ v == pytest.approx(right, rel=1e-11, abs=1e-11)
    assert linearization.vjp(u, w) @ v == pytest.approx(left + right, rel=1e-11, abs=1e-11)
    assert apart(linearization.vjp(u, np.zeros_like(states)), linearization.vjp(u)) < 1e-14


@every_cell
def test_operators_are_symmetric_linear_and_positive(name):
    _, linearization = linearized(name)
    rng = np.random.default_rng(1)
    u, v = rng.normal(0, 1, (2, linearization.size))
    for structural in STRUCTURAL.values():
        G = linearization.operator(0.0, structural)
        assert u @ (G @ v) == pytest.approx(v @ (G @ u), rel=1e-10, abs=1e-12)
        assert v @ (G @ v) >= 0
        assert apart(G @ (3 * u - 2 * v), 3 * (G @ u) - 2 * (G @ v)) < 1e-12
        assert not (G @ np.zeros_like(u)).any()
    H = linearization.hessian()
    assert u @ (H @ v) == pytest.approx(v @ (H @ u), rel=1e-10, abs=1e-12)
    assert apart(H @ (3 * u - 2 * v), 3 * (H @ u) - 2 * (H @ v)) < 1e-12
    assert linearization.gradient @ v == pytest.approx(
        linearization.vjp(loss_slopes(linearization)) @ v, rel=1e-10
    )


def loss_slopes(linearization):
    """Derivatives of the value by the outputs of each scored step, as J' takes them."""
    batch, tiles = linearization._batch, linearization._tiles
    found = np.zeros((batch.scored, batch.outputs))
    for begun, tile in zip(tiles, batch.tiles, strict=True):
        found[tile.scored.place] = begun.e[:, : batch.outputs]
    return found


@every_cell
def test_products_do_not_disturb_each_other(name):
    """The same bits, whatever was asked for in between and whatever is changed outside.

    What was asked for in between overflows: no NaN stays in memory that is used again.
    """
    case, linearization = linearized(name)
    if len(name) % 2:
        linearization = case.network.linearize(case.theta, case.batch, segment=2)
    rng = np.random.default_rng(2)
    v = rng.normal(0, 1, linearization.size)
    G, H = linearization.operator(0.1, STRUCTURAL["all"]), linearization.hessian()
    first = G @ v, H @ v, *linearization.jvp(v), linearization.gradient.copy()
    kept = v.copy()
    for scale in (2.0, 1e300):
        other = random_theta(case.network, rng, scale)
        case.network.gradient(other, case.batch, squares=True, segment=1)
        far = case.network.linearize(other, case.batch, segment=2)
        far.hessian() @ v, far.operator(0.1, STRUCTURAL["all"]) @ v
    outputs, states = linearization.jvp(rng.normal(0, 9, v.size))
    linearization.vjp(outputs, states)
    squares = case.network.gradient(case.theta, case.batch, squares=True).squares
    fresh = linearized(name)[0]
    fresh_squares = fresh.network.gradient(fresh.theta, fresh.batch, squares=True).squares
    np.testing.assert_array_equal(squares, fresh_squares)
    case.theta[:] = np.nan
    again = G @ v, H @ v, *linearization.jvp(v), linearization.gradient
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(v, kept)


# ---- any network


def any_cell():
    units, learn = st.integers(1, 5), st.booleans()
    rnn = st.builds(
        RNN,
        units,
        st.sampled_from(["tanh", "logistic", "identity"]),  # a ReLU has kinks
        st.floats(0.05, 1.0),
        learn,
        learn,
    )
    return st.one_of(
        rnn,
        st.builds(LSTM, units, learn, learn),
        st.builds(GRU, units, st.sampled_from(["before", "after"]), learn),
    )


@settings(max_examples=25)
@given(
    cells=st.lists(any_cell(), min_size=1, max_size=3),
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    inputs=st.integers(0, 3),
    outputs=st.integers(1, 4),
    loss=st.sampled_from(LOSSES),
    where=st.sampled_from(["every", "last", "weights", "last weights"]),
    start=st.sampled_from(["as they are", "given"]),
    segment=st.sampled_from([None, 1, 2, "sqrt"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_network(cells, lengths, inputs, outputs, loss, where, start, segment, seed):
    """Gradients are finite differences; so are Hessian products; fused products the composed."""
    case = make(
        cells, loss, where, start, lengths=lengths, inputs=inputs, outputs=outputs, seed=seed
    )
    network, theta, batch, _ = case
    linearization = network.linearize(theta, batch, segment=segment)
    step, slopes = 1e-5, np.zeros(network.size)
    for k in range(network.size):
        unit = np.zeros(network.size)
        unit[k] = step
        ends = network.value(theta + unit, batch), network.value(theta - unit, batch)
        slopes[k] = (ends[0] - ends[1]) / (2 * step)
    size = max(np.abs(slopes).max(), 1e-2)  # differences of 1e-16 / step are rounding
    assert np.abs(linearization.gradient - slopes).max() < 1e-6 * size
    rng = np.random.default_rng(seed)
    v = rng.normal(0, 1, network.size)
    ends = [network.gradient(theta + s * step * v, batch).gradient for s in (1, -1)]
    H_v = (ends[0] - ends[1]) / (2 * step)
    assert np.abs(linearization.hessian() @ v - H_v).max() < 1e-6 * max(np.abs(H_v).max(), 1e-2)
    structural = Structural(*rng.uniform(0, 1, 3))
    fused = linearization.operator(0.1, structural) @ v
    assert apart(fused, GaussNewton(linearization, 0.1, structural) @ v) < 1e-9
    assert v @ fused >= 0.1 * v @ v


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
    windows = memory.windows_of(batch.tiles[0], None, network.cells, batch.dtype)
    assert len(windows[0]) > 1
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
