"""What holds for any network, without a dense matrix: identities and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trained_cases import (
    CELLS,
    LOSSES,
    STRUCTURAL,
    apart,
    linearized,
    make,
    random_theta,
)

from hfopt.gauss_newton import GaussNewton
from hfopt.problem import Structural
from reservoir.rnn import GRU, LSTM, RNN

every_cell = pytest.mark.parametrize("name", CELLS)


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
