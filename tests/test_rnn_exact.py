"""Values, derivatives and products of trained networks against their slow twins.

Which combinations: every cell with every activation and leak, times every initial state, in full;
every loss, times where it is scored, times every initial state, in full. In the first of these the
losses and places rotate: each cell meets every loss and four of the five places, each initial state
meets all of both.
"""

from __future__ import annotations

import naive_trained as slow
import numpy as np
import pytest
from trained_cases import (
    LOSSES,
    SINGLE,
    STACKED,
    STARTS,
    STRUCTURAL,
    WHERE,
    apart,
    curved,
    direction,
    hessian_times,
    in_slow_order,
    make,
    outputs_tangent,
    states_tangent,
    transposed_times,
)

from hfopt.gauss_newton import GaussNewton

NEAR = 1e-9  # what is asked for; 1e-14 is usual


def rotated():
    """Cells times initial states; losses and places of scored steps take turns."""
    for c, (name, cells) in enumerate({**SINGLE, **STACKED}.items()):
        for s, start in enumerate(STARTS):
            loss, where = LOSSES[(c + s) % 4], WHERE[(c // 4 + c + 2 * s) % 5]
            yield pytest.param(cells, loss, where, start, id=f"{name}-{loss}-{where}-{start}")


def check_first_order(case, segment):
    """Value, gradient, squares, outputs and final states, from every call that has them."""
    network, theta, batch, sequences = case
    value = slow.value(network, theta, sequences)
    rows = slow.sequence_gradients(network, theta, sequences)
    gradient, squares = rows.sum(axis=0), (rows**2).sum(axis=0)
    runs = [slow.run(network, theta, x, state) for x, _, _, state in sequences]
    assert apart(network.value(theta, batch), value) < NEAR
    plain = network.gradient(theta, batch, segment=segment)
    found = [network.gradient(theta, batch, squares=True, segment=segment), plain]
    found += [network.linearize(theta, batch, squares=True, segment=segment)]
    for one in found:
        assert apart(one.value, value) < NEAR
        assert apart(one.gradient, gradient) < NEAR
        for layer, state in enumerate(one.state):
            expected = np.stack([run[1][layer] for run in runs], axis=1)
            assert apart(state, expected) < NEAR
    assert apart(found[0].squares, squares) < NEAR
    assert apart(found[2].squares, squares) < NEAR
    assert plain.squares is None
    state = None
    if sequences[0][3] is not None:
        state = [np.stack(of, axis=1) for of in zip(*(s[3] for s in sequences), strict=True)]
    outputs, _ = network.predict(theta, [s[0] for s in sequences], state)
    for one, run in zip(outputs, runs, strict=True):
        assert apart(one, run[0]) < NEAR


def check_products(case, segment):
    """Both Jacobian products and all curvature products, along one direction."""
    linearization = case.network.linearize(case.theta, case.batch, segment=segment)
    v = direction(case)
    tangent, R_outputs = linearization.jvp(v), outputs_tangent(case, v)
    assert apart(tangent.outputs, R_outputs) < NEAR
    a, h, c = states_tangent(case, v)
    for found, expected in zip(in_slow_order(case, tangent.states), (a, h, c), strict=True):
        assert apart(found, expected) < NEAR
    u = np.random.default_rng(3).normal(0, 1, R_outputs.shape)
    assert apart(linearization.vjp(u), transposed_times(case, u)) < NEAR
    e = curved(case, R_outputs)
    assert apart(linearization.loss_curvature(tangent.outputs), e) < NEAR
    product = transposed_times(case, e)
    assert apart(linearization.operator() @ v, product) < NEAR
    assert apart(GaussNewton(linearization) @ v, product) < NEAR
    H_v = hessian_times(case, v)
    assert apart(linearization.hessian() @ v, H_v) < NEAR
    assert apart(linearization.hessian(0.4) @ v, H_v + 0.4 * v) < NEAR
    # v' G v splits into terms: structural damping is checked here without its Jacobian
    D = slow.damped(case.network, case.theta, case.sequences).diagonal
    total = slow.total_weight(case.sequences)
    sizes = (a @ (D * a) / total, h @ h / total, c @ c / total)
    for structural in STRUCTURAL.values():
        fused = linearization.operator(0.3, structural) @ v
        composed = GaussNewton(linearization, 0.3, structural) @ v
        assert apart(fused, composed) < NEAR
        expected = v @ product + 0.3 * v @ v + np.dot(structural, sizes)
        assert v @ fused == pytest.approx(expected, rel=NEAR)


@pytest.mark.parametrize("cells, loss, where, start", list(rotated()))
def test_every_cell_and_initial_state(cells, loss, where, start):
    case = make(cells, loss, where, start)
    segment = 2 if start == "learned" else None
    a = slow.damped(case.network, case.theta, case.sequences).preactivations
    assert np.abs(a).min() > 1e-7, "a kink"
    check_first_order(case, segment)
    check_products(case, segment)


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_place_and_initial_state(loss, where, start):
    case = make(STACKED["rnn gru"], loss, where, start, seed=2)
    check_first_order(case, None)
    check_products(case, 2 if where in ("mask", "last") else None)
