"""The slow references of the trained recurrence: held against each other and against known truths.

Here is no line of the packages: this file says that what the other tests compare with is right.
"""

from __future__ import annotations

import math
from types import SimpleNamespace

import naive
import naive_trained as slow
import numpy as np
import pytest
from naive_trained_cases import (
    CELLS,
    GRU,
    LEAKS,
    LSTM,
    RNN,
    every_cell,
    every_loss,
    few_cells,
    network_of,
    random_sequences,
    random_state,
    random_theta,
    relative,
)

# ---- the parameters


def test_arrays_follow_each_other_in_the_documented_order():
    network = network_of(
        (
            RNN(3, learn_leak=True, learn_initial_state=True),
            LSTM(2, learn_initial_state=True),
            LSTM(2, forget_gate=False),
            GRU(4, "after", learn_initial_state=True),
            GRU(1),
        ),
        inputs=5,
        outputs=6,
    )
    shapes = {
        "layers/0/U": (3, 5), "layers/0/W": (3, 3), "layers/0/b": (3,),
        "layers/0/leak_rate": (3,), "layers/0/h0": (3,),
        "layers/1/U": (4, 2, 3), "layers/1/W": (4, 2, 2), "layers/1/b": (4, 2),
        "layers/1/h0": (2,), "layers/1/c0": (2,),
        "layers/2/U": (3, 2, 2), "layers/2/W": (3, 2, 2), "layers/2/b": (3, 2),
        "layers/3/U": (3, 4, 2), "layers/3/W": (3, 4, 4), "layers/3/b": (3, 4),
        "layers/3/b_n": (4,), "layers/3/h0": (4,),
        "layers/4/U": (3, 1, 4), "layers/4/W": (3, 1, 1), "layers/4/b": (3, 1),
        "readout/V": (6, 1), "readout/c": (6,),
    }  # fmt: skip
    theta = np.arange(float(slow.size(network)))
    arrays = slow.views(network, theta)
    assert {name: array.shape for name, array in arrays.items()} == shapes
    assert list(arrays) == list(shapes)
    assert np.concatenate([array.ravel() for array in arrays.values()]).tolist() == theta.tolist()
    arrays["layers/1/W"][2, 1, 0] = -1
    assert theta[15 + 9 + 3 + 3 + 3 + 24 + 2 * 4 + 2] == -1


# ---- forward, against numbers one by one


def sigma(a):
    return 1 / (1 + math.exp(-a))


def pre(p, k, i, x, h):
    """The pre-activation of unit i at gate k, summed number by number."""
    a = float(p["b"][k, i])
    for j in range(len(h)):
        a += p["W"][k, i, j] * h[j]
    for j in range(len(x)):
        a += p["U"][k, i, j] * x[j]
    return a


def lstm_by_units(p, x, h, c, forget_gate):
    new_h, new_c = [], []
    for i in range(len(h)):
        forget = sigma(pre(p, 1, i, x, h)) if forget_gate else 1.0
        out, candidate = (2, 3) if forget_gate else (1, 2)
        new_c.append(
            forget * c[i] + sigma(pre(p, 0, i, x, h)) * math.tanh(pre(p, candidate, i, x, h))
        )
        new_h.append(sigma(pre(p, out, i, x, h)) * math.tanh(new_c[i]))
    return new_h, new_c


def gru_by_units(p, x, h, reset):
    N, new = len(h), []
    r = [sigma(pre(p, 1, i, x, h)) for i in range(N)]
    for i in range(N):
        z = sigma(pre(p, 0, i, x, h))
        if reset == "before":
            a = pre(p, 2, i, x, [r[j] * h[j] for j in range(N)])
        else:
            q = p["b_n"][i] + sum(p["W"][2, i, j] * h[j] for j in range(N))
            a = pre(p, 2, i, x, []) + r[i] * q
        new.append((1 - z) * h[i] + z * math.tanh(a))
    return new


@pytest.mark.parametrize("activation", ["tanh", "logistic", "relu", "identity"])
@pytest.mark.parametrize("leak", [1.0, LEAKS], ids=["full", "leaks"])
def test_rnn_is_the_reservoir_that_unit_loops_run(activation, leak):
    network = network_of((RNN(3, activation, leak),))
    theta, rng = random_theta(network), np.random.default_rng(5)
    p = slow.views(network, theta)
    x, start = rng.normal(0, 1, (6, 2)), rng.normal(0, 1, 3)
    outputs, state, steps = slow.run(network, theta, x, (start[None],))
    reservoir = SimpleNamespace(
        W=p["layers/0/W"],
        W_in=p["layers/0/U"],
        W_fb=np.zeros((3, 0)),
        bias=p["layers/0/b"],
        leak_rate=leak * np.ones(3),
        activation=activation,
    )
    expected = naive.run(reservoir, x, x=start)
    assert relative(np.array([step[0]["h"] for step in steps]), expected) < 1e-14
    assert relative(outputs, expected @ p["readout/V"].T + p["readout/c"]) < 1e-14
    np.testing.assert_array_equal(state[0], steps[-1][0]["h"][None])


@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("forget_gate", [True, False])
def test_lstm_follows_unit_loops(forget_gate, learned):
    network = network_of((LSTM(3, forget_gate, learned),))
    theta, x = random_theta(network), np.random.default_rng(5).normal(0, 1, (5, 2))
    p = slow.of_layer(slow.views(network, theta), 0)
    h, c = (p["h0"], p["c0"]) if learned else (np.zeros(3), np.zeros(3))
    _, state, steps = slow.run(network, theta, x)
    for t in range(5):
        h, c = lstm_by_units(p, x[t], h, c, forget_gate)
        np.testing.assert_allclose(steps[t][0]["h"], h, rtol=1e-13)
        np.testing.assert_allclose(steps[t][0]["c"], c, rtol=1e-13)
    np.testing.assert_allclose(state[0], [h, c], rtol=1e-13)


@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("reset", ["before", "after"])
def test_gru_follows_unit_loops(reset, learned):
    network = network_of((GRU(3, reset, learned),))
    theta, x = random_theta(network), np.random.default_rng(5).normal(0, 1, (5, 2))
    p = slow.of_layer(slow.views(network, theta), 0)
    h = p["h0"] if learned else np.zeros(3)
    _, state, steps = slow.run(network, theta, x)
    for t in range(5):
        h = gru_by_units(p, x[t], h, reset)
        np.testing.assert_allclose(steps[t][0]["h"], h, rtol=1e-13)
    np.testing.assert_allclose(state[0], [h], rtol=1e-13)


def test_shut_gates_keep_what_they_hold():
    """The constant error carousel: nothing in, nothing forgotten, the same bits for ever."""
    for cell, gate in ((LSTM(2, forget_gate=False), 0), (GRU(2), 0), (GRU(2, "after"), 0)):
        network = network_of((cell,))
        theta, rng = random_theta(network), np.random.default_rng(2)
        slow.views(network, theta)["layers/0/b"][gate] = -800
        start = random_state(network, rng)
        _, state, _ = slow.run(network, theta, rng.normal(0, 1, (30, 2)), start)
        np.testing.assert_array_equal(state[0][-1], start[0][-1])


def test_layers_stack_and_states_carry_on():
    network = network_of(CELLS["lstm rnn gru"])
    theta, x = random_theta(network), np.random.default_rng(3).normal(0, 1, (7, 2))
    outputs, state, steps = slow.run(network, theta, x)
    for layer, cell in enumerate(network.cells):  # each layer alone, on what the one below gave
        below = x if layer == 0 else np.array([step[layer - 1]["h"] for step in steps])
        alone = network_of((cell,), inputs=below.shape[1])
        p = slow.of_layer(slow.views(network, theta), layer)
        own = np.concatenate([*(a.ravel() for a in p.values()), np.zeros(2 * cell.units + 2)])
        _, end, _ = slow.run(alone, own, below)
        np.testing.assert_array_equal(end[0], state[layer])
    first, between, _ = slow.run(network, theta, x[:3])
    second, end, _ = slow.run(network, theta, x[3:], between)
    np.testing.assert_array_equal(np.concatenate([first, second]), outputs)
    for parts, expected in zip(end, state, strict=True):
        np.testing.assert_array_equal(parts, expected)


# ---- losses


@every_loss
def test_losses_against_textbook_formulas(loss):
    network = network_of((RNN(1),), loss, outputs=3)
    o, y = np.array([0.3, -2.0, 1.1]), np.array([0.2, 0.5, 0.3])
    if loss == "squared_error":
        expected = 0.5 * (0.1**2 + 2.5**2 + 0.8**2)
    elif loss == "logistic_cross_entropy":
        p = [sigma(a) for a in o]
        expected = -sum(
            b * math.log(a) + (1 - b) * math.log(1 - a) for a, b in zip(p, y, strict=True)
        )
    else:
        p = np.exp(o) / np.exp(o).sum()
        expected = -(y * np.log(p)).sum()
        assert slow.loss(network, o, 2) == pytest.approx(-math.log(p[2]), rel=1e-14)
        np.testing.assert_allclose(slow.mean(network, o), p, rtol=1e-14)
    assert slow.loss(network, o, y) == pytest.approx(expected, rel=1e-14)
    slope = slow.complex_step(lambda moved: slow.loss(network, moved, y), o)
    np.testing.assert_allclose(slow.mean(network, o) - y, slope, rtol=1e-14)
    H = slow.complex_step(lambda moved: slow.mean(network, moved), o)
    np.testing.assert_allclose(slow.output_hessian(network, o), H, rtol=1e-14, atol=1e-17)


def test_losses_hold_at_both_ends():
    far = np.array([-1000.0, 1000.0])
    logistic = network_of((RNN(1),), "logistic_cross_entropy")
    assert slow.loss(logistic, far, np.array([0.0, 1.0])) == 0
    assert slow.loss(logistic, far, np.array([1.0, 0.0])) == 2000
    softmax = network_of((RNN(1),), "softmax_cross_entropy")
    assert slow.loss(softmax, far, 1) == 0
    assert slow.loss(softmax, far, 0) == 2000


def test_value_is_the_weighted_mean():
    network = network_of((RNN(2),))
    theta, sequences = random_theta(network), random_sequences(network)
    above, below = 0.0, 0.0
    for x, y, w, state in sequences:
        o = slow.run(network, theta, x, state)[0]
        on = w != 0
        above += (w[on] * ((o - y)[on] ** 2).sum(axis=1) / 2).sum()
        below += w.sum()
    assert slow.value(network, theta, sequences) == pytest.approx(above / below, rel=1e-14)


# ---- gradients


def check_gradient(network):
    theta, sequences = random_theta(network), random_sequences(network)
    a = slow.damped(network, theta, sequences).preactivations
    assert np.abs(a).min() > 1e-6, "a kink"
    expected = slow.gradient_by_complex_step(network, theta, sequences)
    assert relative(slow.gradient(network, theta, sequences), expected) < 1e-12
    return expected


@every_cell
def test_backpropagation_is_the_derivative_of_the_value(cells):
    expected = check_gradient(network_of(cells))
    assert ("relu" in str(cells)) or (expected != 0).all(), "a parameter that does nothing"


@every_loss
@few_cells
def test_backpropagation_with_every_loss(cells, loss):
    check_gradient(network_of(cells, loss))


def test_a_difference_quotient_agrees():
    network = network_of(CELLS["gru lstm"])
    theta, sequences = random_theta(network), random_sequences(network)
    v = np.random.default_rng(7).normal(0, 1, len(theta))
    ends = [slow.value(network, theta + s * 1e-5 * v, sequences) for s in (1, -1)]
    along = slow.gradient(network, theta, sequences) @ v
    assert along == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-7)


def test_a_given_state_takes_the_place_of_the_learned_one():
    network = network_of(CELLS["lstm start"])
    theta, sequences = random_theta(network), random_sequences(network)
    for gradient in (slow.gradient, slow.gradient_by_complex_step):
        arrays = slow.views(network, gradient(network, theta, sequences[1:2]))
        assert not arrays["layers/0/h0"].any()
        assert not arrays["layers/0/c0"].any()
        arrays = slow.views(network, gradient(network, theta, sequences[:1]))
        assert arrays["layers/0/h0"].all()
        assert arrays["layers/0/c0"].all()


def test_squares_are_taken_sequence_by_sequence():
    network = network_of(CELLS["gru before"])
    theta, sequences = random_theta(network), random_sequences(network)
    total, expected = slow.total_weight(sequences), 0.0
    for one in sequences:
        own = slow.total_weight([one]) / total
        expected = expected + (own * slow.gradient_by_complex_step(network, theta, [one])) ** 2
    assert relative(slow.squared_gradients(network, theta, sequences), expected) < 1e-12


# ---- the wall


def wall(gradient, steps=50, w=5.0, b=-2.6123413600):
    """Value and gradient by (w, b) of ``x <- w sigmoid(x) + b`` as a network of one unit.

    The map speaks of pre-activations, the network of what comes out of the unit. With
    h = sigmoid(x) the pre-activation ``a_t = w h_{t-1} + b`` is x_t, so that x_0 = 0.5 is the
    initial state h_0 = sigmoid(0.5) = 0.6224593312018546 (not 0.5), and after as many steps as the
    map takes h_50 = sigmoid(x_50). Inputs are 0; V = 1, c = 0; weight 1 at the last step, else 0.
    The cost ``(h_50 - 0.7)^2`` is twice the squared error ``1/2 |o - y|^2``, so value and gradient
    count double. theta = (U, W, b, V, c): components 1 and 2 are w and b.
    """
    network = network_of((RNN(1, "logistic"),), inputs=1, outputs=1)
    theta, weights = np.array([0.0, w, b, 1.0, 0.0]), np.zeros(steps)
    weights[-1] = 1
    state = (np.array([[sigma(0.5)]]),)
    sequences = [(np.zeros((steps, 1)), np.full((steps, 1), 0.7), weights, state)]
    cost = 2 * slow.value(network, theta, sequences)
    return cost, 2 * gradient(network, theta, sequences)[1:3]


@pytest.mark.parametrize("gradient", [slow.gradient, slow.gradient_by_complex_step])
def test_the_clipping_wall(gradient):
    cost, slopes = wall(gradient)
    assert cost == pytest.approx(0.14960413, abs=5e-9)
    assert math.hypot(*slopes) == pytest.approx(6773.125, abs=1e-3)
    x = x_w = x_b = 0.0  # the map itself, with its own derivatives
    for t in range(51):
        h = sigma(x)
        x, x_w, x_b = (
            (5.0 * h - 2.6123413600, h + 5.0 * h * (1 - h) * x_w, 1 + 5.0 * h * (1 - h) * x_b)
            if t
            else (0.5, 0.0, 0.0)
        )
    h = sigma(x)
    assert cost == pytest.approx((h - 0.7) ** 2, rel=1e-10)
    expected = 2 * (h - 0.7) * h * (1 - h) * np.array([x_w, x_b])
    np.testing.assert_allclose(slopes, expected, rtol=1e-10)


def test_far_from_the_wall_the_ground_is_flat():
    for b in (-2.7, -2.5):
        assert math.hypot(*wall(slow.gradient, b=b)[1]) < 10
