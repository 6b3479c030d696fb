"""Slow and obvious twins of the analysis: derivatives by complex steps of the slow networks.

Imports neither package.
"""

from __future__ import annotations

import math

import naive
import numpy as np
from naive_cells import FORWARD, kind, of_layer, views
from naive_trained import STEP, initial, loss, run


def join(state):
    """The joint state (n,) of all layers, from a tuple of arrays (parts, N)."""
    return np.concatenate([np.ravel(layer) for layer in state])


def part(network, x):
    """The way back."""
    found, begin = [], 0
    for cell in network.cells:
        rows = 2 if kind(cell) == "LSTM" else 1
        end = begin + rows * cell.units
        found.append(x[begin:end].reshape(rows, cell.units))
        begin = end
    return tuple(found)


def joint_jacobian(network, theta, x, state):
    """d(joint state after) / d(joint state before) of one step, (n, n)."""
    flat = join(state).astype(complex)
    columns = []
    for i in range(len(flat)):
        moved = flat.copy()
        moved[i] += 1j * STEP
        _, after, _ = run(network, theta.astype(complex), x[None], part(network, moved))
        columns.append(join(after).imag / STEP)
    return np.array(columns).T


def joint_jacobians(network, theta, inputs, state=None):
    """Of every step along one sequence, (T, n, n)."""
    if state is None:
        arrays = views(network, theta)
        state = tuple(
            np.array(initial(cell, of_layer(arrays, k), None))
            for k, cell in enumerate(network.cells)
        )
    found = []
    for x in inputs:
        found.append(joint_jacobian(network, theta, x, state))
        _, state, _ = run(network, theta, x[None], state)
    return np.array(found)


def loss_after_a_push(network, theta, sequence, t, layer, k, push):
    """The loss of step t when the state of a layer after step k is moved by ``push``."""
    x, targets, weights, state = sequence
    arrays = views(network, theta.astype(complex))
    given = [None] * len(network.cells) if state is None else state
    parts = [
        tuple(np.asarray(part, complex) for part in initial(cell, of_layer(arrays, i), given[i]))
        for i, cell in enumerate(network.cells)
    ]
    for s in range(t + 1):
        below = np.asarray(x[s], complex)
        for i, cell in enumerate(network.cells):
            after = FORWARD[kind(cell)](cell, of_layer(arrays, i), below, parts[i])["after"]
            if s == k and i == layer:
                moves = np.split(push, len(after))
                after = tuple(a + move for a, move in zip(after, moves, strict=True))
            parts[i], below = after, after[0]
    o = arrays["readout/V"] @ below + arrays["readout/c"]
    return weights[t] * loss(network, o, targets[t])


def backward_norm(network, theta, sequence, t, layer, k):
    """``|dE_t / ds_k|`` of a layer."""
    cell = network.cells[layer]
    size = cell.units * (2 if kind(cell) == "LSTM" else 1)
    derivatives = [
        loss_after_a_push(network, theta, sequence, t, layer, k, 1j * STEP * unit).imag / STEP
        for unit in np.eye(size)
    ]
    return math.sqrt(math.fsum(d * d for d in derivatives))


def reservoir_jacobian(network, x, u, y, size=1e-5):
    """d(state after) / d(state before) of a reservoir, by central differences of fourth order."""

    def after(move):
        return naive.step(network, x + move, u, y, np.zeros(len(x)))

    columns = [
        (8 * (after(e) - after(-e)) - (after(2 * e) - after(-2 * e))) / (12 * size)
        for e in size * np.eye(len(x))
    ]
    return np.array(columns).T
