"""Slow and obvious twins of the trained recurrence: one sequence, one step, one layer at a time.

Imports neither package, so that an error of theirs cannot hide in here. Everything that takes a
``network`` reads nothing of it but ``cells``, ``inputs``, ``outputs``, ``loss`` (its name), and the
options of the cells; a cell is told by the name of its class: ``RNN``, ``LSTM``, ``GRU``.

A sequence is ``(x, targets, weights, state)``: x (T, K); targets (T, M), or labels (T,) for the
softmax; weights (T,), 0 for a step that is not scored (its target is not looked at); state None, or
a tuple over the layers of arrays (parts, N), the parts being h, and for the LSTM h and c. A given
state takes the place of a learned initial state, whose derivatives are then 0.

No function takes a conjugate or an absolute value and all comparisons are of real parts, so that
theta may be complex: ``f'(x) = Im f(x + ih) / h`` without a difference, exact to rounding. Each
derivative is here twice: by formula in ``gradient``, by such complex steps everywhere else.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from naive_cells import BACKWARD, FORWARD, kind, logistic, of_layer, views
from naive_cells import layout as layout
from naive_cells import size as size

STEP = 1e-30  # the imaginary step: its square vanishes beside 1


# ---- one sequence


def initial(cell, p, state):
    """The parts at time 0: the given ones, the learned ones, or zeros."""
    parts = 2 if kind(cell) == "LSTM" else 1
    if state is not None:
        assert np.shape(state) == (parts, cell.units)
        return tuple(np.asarray(part) for part in state)
    if cell.learn_initial_state:
        return tuple(p[name] for name in ("h0", "c0")[:parts])
    return tuple(np.zeros(cell.units) for _ in range(parts))


def run(network, theta, x, state=None):
    """Linear outputs (T, M), the final state, and what each step of each layer computed.

    The final state is a tuple over the layers of arrays (parts, N). The third, ``steps[t][layer]``,
    is a dict with, among others, what structural damping can act on: ``"a"`` (gates, N) the
    pre-activations, ``"D"`` (gates, N) the derivatives of the gates by them (without the leak),
    ``"h"`` (N,) and, for the LSTM alone, ``"c"`` (N,). Gates come in the order of the parameters.
    """
    arrays = views(network, theta)
    state = [None] * len(network.cells) if state is None else state
    parts = [
        initial(cell, of_layer(arrays, layer), state[layer])
        for layer, cell in enumerate(network.cells)
    ]
    outputs, steps = np.zeros((len(x), network.outputs), theta.dtype), []
    for t in range(len(x)):
        below, computed = np.asarray(x[t], np.float64), []
        for layer, cell in enumerate(network.cells):
            now = FORWARD[kind(cell)](cell, of_layer(arrays, layer), below, parts[layer])
            parts[layer], below = now["after"], now["h"]
            computed.append(now)
        outputs[t] = arrays["readout/V"] @ below + arrays["readout/c"]
        steps.append(computed)
    return outputs, tuple(np.array(part) for part in parts), steps


def backward(network, theta, steps, e, state=None):
    """The gradient (P,) of ``sum_t <e_t, o_t>`` with e (T, M) held fixed."""
    arrays, gradient = views(network, theta), np.zeros_like(theta)
    bars = views(network, gradient)
    layers = range(len(network.cells))
    carry = [[0 * part for part in steps[0][layer]["before"]] for layer in layers]
    for t in reversed(range(len(steps))):
        bars["readout/V"] += np.outer(e[t], steps[t][-1]["h"])
        bars["readout/c"] += e[t]
        from_above = arrays["readout/V"].T @ e[t]
        for layer in reversed(layers):
            cell = network.cells[layer]
            p, bar = of_layer(arrays, layer), of_layer(bars, layer)
            d = [carry[layer][0] + from_above, *carry[layer][1:]]
            from_above, carry[layer] = BACKWARD[kind(cell)](cell, p, bar, steps[t][layer], d)
    for layer in layers:
        if network.cells[layer].learn_initial_state and (state is None or state[layer] is None):
            bar = of_layer(bars, layer)
            for name, part in zip(("h0", "c0"), carry[layer], strict=False):
                bar[name] += part
    return gradient


# ---- losses of one step: o (M,) linear outputs, y (M,) or a label


def wanted(network, y):
    """The target as a vector (M,): a label becomes its unit vector."""
    if np.ndim(y) == 0:
        assert network.loss == "softmax_cross_entropy"
        return np.eye(network.outputs)[int(y)]
    return np.asarray(y, np.float64)


def softmax(o):
    e = np.exp(o - o.real.max())
    return e / e.sum()


def loss(network, o, y):
    """The matching loss of one step."""
    y = wanted(network, y)
    if network.loss == "squared_error":
        return ((o - y) ** 2).sum() / 2
    if network.loss == "logistic_cross_entropy":
        softplus = np.log(1 + np.exp(np.where(o.real > 0, -o, o))) + np.where(o.real > 0, o, 0)
        return (softplus - y * o).sum()
    assert network.loss == "softmax_cross_entropy"
    top = o.real.max()
    return (top + np.log(np.exp(o - top).sum())) * y.sum() - (y * o).sum()


def mean(network, o):
    """The output function that matches the loss (M,)."""
    if network.loss == "squared_error":
        return o
    return logistic(o) if network.loss == "logistic_cross_entropy" else softmax(o)


def output_hessian(network, o):
    """H_L of one step (M, M)."""
    p = mean(network, o)
    if network.loss == "squared_error":
        return np.eye(len(o))
    if network.loss == "logistic_cross_entropy":
        return np.diag(p * (1 - p))
    return np.diag(p) - np.outer(p, p)


# ---- a batch


def total_weight(sequences):
    """The sum of all weights: what everything is divided by."""
    return sum(float(w) for _, _, weights, _ in sequences for w in weights)


def value(network, theta, sequences):
    """``sum w L / sum w`` over all scored steps."""
    total = 0.0
    for x, targets, weights, state in sequences:
        outputs, _, _ = run(network, theta, x, state)
        for t in range(len(x)):
            if weights[t] != 0:
                total = total + weights[t] * loss(network, outputs[t], targets[t])
    return total / total_weight(sequences)


def sequence_gradients(network, theta, sequences):
    """One row a sequence (B, P): its part of the gradient, divided by the weight of the batch."""
    rows, total = [], total_weight(sequences)
    for x, targets, weights, state in sequences:
        outputs, _, steps = run(network, theta, x, state)
        e = np.zeros_like(outputs)
        for t in range(len(x)):
            if weights[t] != 0:
                difference = mean(network, outputs[t]) - wanted(network, targets[t])
                e[t] = weights[t] * difference / total
        rows.append(backward(network, theta, steps, e, state) if steps else np.zeros_like(theta))
    return np.array(rows)


def gradient(network, theta, sequences):
    """The gradient (P,) of ``value`` by backpropagation through time, from the formulas."""
    return sequence_gradients(network, theta, sequences).sum(axis=0)


def squared_gradients(network, theta, sequences):
    """The sum over the sequences of the square of each one's part of the gradient (P,).

    Each part is divided by the total weight of the batch, so that the parts sum to the gradient.
    """
    return (sequence_gradients(network, theta, sequences) ** 2).sum(axis=0)


# ---- derivatives by complex steps


def complex_step(function, theta):
    """The Jacobian (..., P) of ``function(theta)``, one parameter at a time."""
    columns = []
    for k in range(len(theta)):
        moved = theta.astype(np.complex128)
        moved[k] += 1j * STEP
        columns.append(np.imag(function(moved)) / STEP)
    return np.stack(columns, axis=-1)


def gradient_by_complex_step(network, theta, sequences):
    """The gradient (P,) of ``value``, without any backward pass."""
    return complex_step(lambda moved: value(network, moved, sequences), theta)


def hessian(network, theta, sequences):
    """The exact Hessian (P, P) of ``value``: complex steps of ``gradient``."""
    return complex_step(lambda moved: gradient(network, moved, sequences), theta)


def scored_outputs(network, theta, sequences):
    """Linear outputs of the steps with a weight, sequence by sequence (rows, M)."""
    rows = [np.zeros((0, network.outputs))]
    for x, _, weights, state in sequences:
        rows.append(run(network, theta, x, state)[0][np.asarray(weights) != 0])
    return np.concatenate(rows)


def jacobian(network, theta, sequences):
    """``d scored_outputs / d theta`` (rows * M, P); row ``n * M + m`` is output m of row n."""
    return complex_step(lambda moved: scored_outputs(network, moved, sequences).ravel(), theta)


def loss_hessian(network, theta, sequences):
    """H_L (rows * M, rows * M): one block a scored step, times its weight over the total."""
    outputs, M = scored_outputs(network, theta, sequences), network.outputs
    weights = [w for _, _, of_one, _ in sequences for w in of_one if w != 0]
    H = np.zeros((outputs.size, outputs.size))
    for n in range(len(outputs)):
        block = output_hessian(network, outputs[n]) * weights[n] / total_weight(sequences)
        H[n * M : (n + 1) * M, n * M : (n + 1) * M] = block
    return H


class Damped(NamedTuple):
    """What structural damping can act on, or the Jacobians of that, all steps of all layers.

    Order: sequence, step, layer, then gate, unit. Masked steps count; time 0 does not.
    """

    preactivations: np.ndarray
    diagonal: np.ndarray  # D at each of the pre-activations (one number, in the Jacobian too)
    h: np.ndarray
    c: np.ndarray


def damped(network, theta, sequences):
    """The damped quantities of a batch, each a long vector."""
    found = {"a": [], "D": [], "h": [], "c": []}
    for x, _, _, state in sequences:
        for step in run(network, theta, x, state)[2]:
            for now in step:
                for name, values in found.items():
                    if name in now:
                        values.append(now[name].ravel())
    return Damped(*(np.concatenate([np.zeros(0), *values]) for values in found.values()))


def state_jacobian(network, theta, sequences):
    """Jacobians (rows, P) of the damped quantities; ``diagonal`` (rows of preactivations,) is D."""
    ends = np.cumsum([len(part) for part in damped(network, theta, sequences)])[:-1]
    J = complex_step(lambda moved: np.concatenate(damped(network, moved, sequences)), theta)
    a, _, h, c = np.split(J, ends)
    return Damped(a, damped(network, theta, sequences).diagonal, h, c)


def gauss_newton(network, theta, sequences, damping=0.0, preactivations=0.0, h=0.0, c=0.0):
    """``J' H_L J + damping I + structural terms`` (P, P).

    The last three numbers are absolute (lambda mu); what they multiply is summed over all steps,
    masked ones too, and divided by the total weight.
    """
    J, S = jacobian(network, theta, sequences), state_jacobian(network, theta, sequences)
    structural = preactivations * S.preactivations.T @ np.diag(S.diagonal) @ S.preactivations
    structural = structural + h * S.h.T @ S.h + c * S.c.T @ S.c
    G = J.T @ loss_hessian(network, theta, sequences) @ J
    return G + damping * np.eye(len(theta)) + structural / total_weight(sequences)
