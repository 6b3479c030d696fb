"""The slow references of curvature: Hessian, Gauss-Newton matrix and structural damping.

Held against each other and against known truths, without a line of the packages.
"""

from __future__ import annotations

import naive_cells
import naive_trained as slow
import numpy as np
import pytest
from naive_trained_cases import (
    CELLS,
    LSTM,
    RNN,
    every_cell,
    every_loss,
    few_cells,
    network_of,
    random_sequences,
    random_theta,
    relative,
)


@every_cell
def test_the_hessian_is_symmetric_and_that_of_the_value(cells):
    network = network_of(cells, "softmax_cross_entropy")
    theta, sequences = random_theta(network), random_sequences(network)
    H = slow.hessian(network, theta, sequences)
    assert relative(H.T, H) < 1e-12
    v = np.random.default_rng(7).normal(0, 1, len(theta))
    ends = [slow.gradient(network, theta + s * 1e-5 * v, sequences) for s in (1, -1)]
    assert relative(H @ v, (ends[0] - ends[1]) / 2e-5) < 1e-7


@every_loss
def test_gauss_newton_is_the_hessian_where_outputs_are_linear(loss):
    """In the readout for any cell: o = V h + c."""
    network = network_of(CELLS["gru lstm"], loss)
    theta, sequences = random_theta(network), random_sequences(network)
    readout = slice(-4, None)
    G = slow.gauss_newton(network, theta, sequences)
    H = slow.hessian(network, theta, sequences)
    assert relative(G[readout, readout], H[readout, readout]) < 1e-12
    assert relative(G, H) > 1e-3, "elsewhere they differ"
    assert np.linalg.eigvalsh(G).min() > -1e-14


def test_gauss_newton_of_a_perfect_fit_is_the_hessian():
    """With no residual the second derivatives of the outputs do not count."""
    network = network_of(CELLS["lstm"])
    theta = random_theta(network)
    sequences = [
        (x, slow.run(network, theta, x, state)[0], w, state)
        for x, _, w, state in random_sequences(network)
    ]
    H = slow.hessian(network, theta, sequences)
    assert relative(slow.gauss_newton(network, theta, sequences), H) < 1e-12


@every_loss
def test_jacobian_and_loss_hessian_give_gradient_and_shape(loss):
    network = network_of(CELLS["two rnn"], loss)
    theta, sequences = random_theta(network), random_sequences(network)
    J, H = (f(network, theta, sequences) for f in (slow.jacobian, slow.loss_hessian))
    outputs, e = slow.scored_outputs(network, theta, sequences), []
    for _, y, w, _ in sequences:
        for t in np.flatnonzero(w):
            e.append(w[t] * (slow.mean(network, outputs[len(e)]) - slow.wanted(network, y[t])))
    assert outputs.shape == (7, 2)
    assert J.shape == (14, len(theta))
    expected = slow.gradient(network, theta, sequences)
    assert relative(J.T @ np.ravel(e) / slow.total_weight(sequences), expected) < 1e-12
    assert H.shape == (14, 14)
    assert np.count_nonzero(H) == (28 if loss == "softmax_cross_entropy" else 14)


POTENTIALS = {  # their derivatives are the activations: what matches them is a Bregman divergence
    "tanh": lambda a: np.log(2 * np.cosh(a)),
    "logistic": lambda a: np.log(1 + np.exp(a)),
    "identity": lambda a: a * a / 2,
}


def gates_of(cell):
    if isinstance(cell, RNN):
        return [cell.activation]
    return ["logistic"] * (3 if isinstance(cell, LSTM) and cell.forget_gate else 2) + ["tanh"]


@pytest.mark.parametrize(
    "name", ["leaky", "logistic", "identity", "lstm", "lstm 1997", "gru after"]
)
def test_structural_damping_is_the_curvature_of_a_divergence(name):
    """S is 0 with gradient 0 at theta; along v it grows as eps^2 / 2 v' G_S v."""
    network = network_of(CELLS[name])
    theta, sequences = random_theta(network), random_sequences(network)
    v = np.random.default_rng(7).normal(0, 1, len(theta))
    gates = [gate for gate in gates_of(network.cells[0]) for _ in range(network.cells[0].units)]
    here = slow.damped(network, theta, sequences)
    gates *= 4 + 1 + 3  # all steps, the masked one too

    def divergences(moved):
        there, of_gates = slow.damped(network, moved, sequences), 0.0
        for gate, a, b in zip(gates, there.preactivations, here.preactivations, strict=True):
            A = POTENTIALS[gate]
            of_gates += A(a) - A(b) - naive_cells.activation(gate, np.array(b)) * (a - b)
        h, c = (
            (np.subtract(a, b) ** 2).sum() / 2 for a, b in zip(there[2:], here[2:], strict=True)
        )
        return np.array([of_gates, h, c]) / slow.total_weight(sequences)

    eps = 1e-4
    found = (divergences(theta + eps * v) + divergences(theta - eps * v)) / eps**2
    bare = slow.gauss_newton(network, theta, sequences)
    for k in range(3):
        structural = np.eye(3)[k]
        G = slow.gauss_newton(network, theta, sequences, 0.0, *structural)
        assert v @ (G - bare) @ v == pytest.approx(found[k], rel=1e-5, abs=1e-12)
        assert found[k] > 0 or (k == 2 and not isinstance(network.cells[0], LSTM))


@few_cells
def test_terms_of_gauss_newton_add_up(cells):
    network = network_of(cells)
    theta, sequences = random_theta(network), random_sequences(network)
    bare, *alone = (
        slow.gauss_newton(network, theta, sequences, *terms)
        for terms in [(), (2, 0, 0, 0), (0, 3, 0, 0), (0, 0, 5, 0), (0, 0, 0, 7)]
    )
    G = slow.gauss_newton(network, theta, sequences, 2, 3, 5, 7)
    np.testing.assert_allclose(G, sum(alone) - 3 * bare, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(alone[0] - bare, 2 * np.eye(len(theta)), rtol=0, atol=1e-14)
    rows = slow.state_jacobian(network, theta, sequences)
    gates = sum(len(gates_of(cell)) * cell.units for cell in cells)
    assert len(rows.preactivations) == len(rows.diagonal) == 8 * gates
    assert len(rows.h) == 8 * sum(cell.units for cell in cells)
    assert len(rows.c) == 8 * sum(cell.units for cell in cells if isinstance(cell, LSTM))


@every_cell
def test_the_diagonal_is_the_slope_of_the_gates(cells):
    network = network_of(cells)
    theta, sequences = random_theta(network), random_sequences(network)
    for step in slow.run(network, theta, sequences[0][0])[2]:
        for cell, now in zip(cells, step, strict=True):
            for gate, a, D in zip(gates_of(cell), now["a"], now["D"], strict=True):
                moved = naive_cells.activation(gate, a + 1e-30j)
                np.testing.assert_allclose(D, moved.imag / 1e-30, rtol=1e-13)
