"""Trained networks with random parameters and batches, each beside what the slow twin expects.

What `naive_trained` computes of a direction costs a few passes, whatever the number of parameters:
so many combinations can be held against it. Dense matrices are for the few in test_rnn_products.
"""

from __future__ import annotations

from typing import NamedTuple

import naive_trained as slow
import numpy as np

from hfopt.problem import Structural
from reservoir.rnn import GRU, LSTM, RNN, Batch, Network, flat_states

LEAKS = (0.2, 1.0, 0.7)


def _rnn_cells():
    for activation in ("tanh", "logistic", "relu", "identity"):
        yield activation, (RNN(3, activation),)
        yield f"{activation} leak", (RNN(3, activation, 0.4),)
        yield f"{activation} leaks", (RNN(3, activation, LEAKS),)
        yield f"{activation} learned", (RNN(3, activation, LEAKS, learn_leak=True),)


SINGLE = {
    **dict(_rnn_cells()),
    "lstm": (LSTM(3),),
    "lstm 1997": (LSTM(2, forget_gate=False),),
    "gru before": (GRU(3),),
    "gru after": (GRU(2, "after"),),
}
STACKED = {
    "rnn rnn": (RNN(3, "tanh", LEAKS, learn_leak=True), RNN(2, "logistic")),
    "relu identity": (RNN(2, "relu", 0.3), RNN(3, "identity", learn_leak=True)),
    "lstm lstm": (LSTM(2), LSTM(3, forget_gate=False)),
    "gru gru": (GRU(2, "after"), GRU(3)),
    "rnn gru": (RNN(4), GRU(2)),
    "gru lstm": (GRU(3), LSTM(2)),
    "lstm rnn gru": (LSTM(2, forget_gate=False), RNN(3, "tanh", 0.5), GRU(2, "after")),
    "rnn lstm rnn": (RNN(2, "identity"), LSTM(3), RNN(2, "relu", LEAKS[:2], learn_leak=True)),
    "gru gru lstm": (GRU(2), GRU(2, "after"), LSTM(1)),
}
LOSSES = ("squared_error", "logistic_cross_entropy", "softmax labels", "softmax probabilities")
WHERE = ("every", "last", "mask", "weights", "last weights")
STARTS = ("zero", "learned", "given", "given for learned")


class Case(NamedTuple):
    """A network at some parameters with one batch, in the package's form and in the slow one."""

    network: Network
    theta: np.ndarray
    batch: Batch
    sequences: list


def learning(cells, start):
    """The cells with initial states as ``start`` says."""
    if start == "as they are":
        return tuple(cells)
    learn = start in ("learned", "given for learned")
    return tuple(_with(cell, learn) for cell in cells)


def _with(cell, learn):
    if isinstance(cell, RNN):
        return RNN(cell.units, cell.activation, cell.leak_rate, cell.learn_leak, learn)
    if isinstance(cell, LSTM):
        return LSTM(cell.units, cell.forget_gate, learn)
    return GRU(cell.units, cell.reset, learn)


def random_theta(network, rng, scale=0.6):
    theta = rng.normal(0, scale, network.size)
    for name, array in network.views(theta).items():
        if name.endswith("leak_rate"):
            array[:] = rng.uniform(0.2, 0.9, array.shape)
    return theta


def random_targets(loss, T, M, rng):
    if loss == "softmax labels":
        return rng.integers(0, M, T)
    targets = rng.uniform(0.05, 0.95, (T, M))
    if loss == "softmax probabilities":
        targets /= targets.sum(axis=1, keepdims=True)
    return targets


def make(
    cells,
    loss="squared_error",
    where="every",
    start="zero",
    *,
    lengths=None,
    inputs=2,
    outputs=3,
    seed=0,
    dtype="float64",
):
    """A case: ragged sequences, not in the order of their lengths; one may be empty.

    Targets of steps that are not scored are wild. Without masks or weights none is given.
    """
    rng = np.random.default_rng(seed)
    name = "softmax_cross_entropy" if loss.startswith("softmax") else loss
    network = Network(learning(cells, start), inputs, outputs, name, dtype)
    if lengths is None:
        lengths = (2, 4, 1) if where == "last" else (2, 0, 4, 1)
    theta = random_theta(network, rng)
    state = None
    if start.startswith("given"):
        state = tuple(
            rng.normal(0, 0.6, (len(cell.parts), len(lengths), cell.units))
            for cell in network.cells
        )
    xs, ys, ws = [], [], []
    for n, T in enumerate(lengths):
        xs.append(rng.normal(0, 1, (T, inputs)))
        y, w = random_targets(loss, T, outputs, rng), np.ones(T)
        if where == "mask":
            w = (np.arange(T) % 2 == n % 2).astype(float)
        elif where == "weights":
            w = rng.uniform(0.3, 2, T)
            w[: T // 3] = 0
        elif where.startswith("last"):
            w[:-1] = 0
            w[-1:] = rng.uniform(0.3, 2) if where == "last weights" else 1
        if where in ("mask", "weights"):
            y[w == 0] = -7 if loss == "softmax labels" else np.nan
        ys.append(y)
        ws.append(w)
    given, at, weights = ys, "every", None
    if where.startswith("last"):
        at = "last"
        wild = -7 if loss == "softmax labels" else np.full(outputs, np.nan)
        given = np.array([y[-1] if len(y) else wild for y in ys])
        if where == "last weights":
            weights = [w[-1] if len(w) else 0.0 for w in ws]
    elif where in ("mask", "weights"):
        weights = ws
    batch = network.batch(xs, given, at=at, weights=weights, state=state)
    states = [
        None if state is None else tuple(layer[:, n] for layer in state)
        for n in range(len(lengths))
    ]
    return Case(network, theta, batch, list(zip(xs, ys, ws, states, strict=True)))


CELLS = {**SINGLE, **STACKED}


def linearized(name, **options):
    """One of `CELLS` with its own loss, place and initial state; and its linearization."""
    number = list(CELLS).index(name)
    case = make(
        CELLS[name], LOSSES[number % 4], WHERE[number % 5], STARTS[number // 2 % 4],
        lengths=(4, 1, 6, 6, 2), seed=40 + number, **options,
    )  # fmt: skip
    return case, case.network.linearize(case.theta, case.batch)


def direction(case, seed=9):
    return np.random.default_rng(seed).normal(0, 1, case.network.size)


def apart(found, expected):
    """The largest difference, in units of the largest number that is expected."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    if expected.size == 0:
        return 0.0
    return np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-300)


# ---- what the slow twin expects, along one direction


def along(function, theta, v):
    """The derivative of ``function`` at theta along v, without a difference."""
    return np.imag(function(theta + 1j * slow.STEP * v)) / slow.STEP


def outputs_tangent(case, v):
    network, theta, _, sequences = case
    return along(lambda moved: slow.scored_outputs(network, moved, sequences), theta, v)


def hessian_times(case, v):
    network, theta, _, sequences = case
    return along(lambda moved: slow.gradient(network, moved, sequences), theta, v)


def curved(case, rows):
    """H_L times rows (scored, M)."""
    network, theta, _, sequences = case
    outputs, total = slow.scored_outputs(network, theta, sequences), slow.total_weight(sequences)
    weights = [w for _, _, of_one, _ in sequences for w in of_one if w != 0]
    return np.array(
        [
            w / total * slow.output_hessian(network, o) @ u
            for w, o, u in zip(weights, outputs, rows, strict=True)
        ]
    )


def transposed_times(case, rows):
    """J' rows (scored, M)."""
    network, theta, _, sequences = case
    found, at = np.zeros_like(theta), 0
    for x, _, weights, state in sequences:
        _, _, steps = slow.run(network, theta, x, state)
        e, on = np.zeros((len(x), network.outputs)), np.asarray(weights) != 0
        e[on] = rows[at : at + on.sum()]
        at += on.sum()
        if steps:
            found += slow.backward(network, theta, steps, e, state)
    return found


def states_tangent(case, v):
    """Tangents of all that can be damped, in the order of the slow twin: (a, h, c)."""
    network, theta, _, sequences = case
    parts = slow.damped(network, theta, sequences)
    ends = np.cumsum([len(part) for part in parts])[:-1]
    moved = along(lambda t: np.concatenate(slow.damped(network, t, sequences)), theta, v)
    a, _, h, c = np.split(moved, ends)
    return a, h, c


# ---- the package's vector of states in the order of the slow twin


def in_slow_order(case, flat):
    """Parts (a, h, c) of a vector of states: sequence, step, layer, gate, unit."""
    batch, cells = case.batch, case.network.cells
    sizes = flat_states.tile_sizes(cells, batch.tiles)
    found = {}
    for tile, part in zip(batch.tiles, np.split(flat, np.cumsum(sizes)[:-1]), strict=True):
        arrays = flat_states.arrays(cells, tile.rows, part)
        for lane, sequence in enumerate(tile.order):
            for t in range(tile.lengths[lane]):
                found[sequence, t] = [
                    tuple(array[tile.steps.first[t] + lane].ravel() for array in own)
                    for own in arrays
                ]
    parts = ([], [], [])
    for key in sorted(found):
        for own in found[key]:
            for to, array in zip(parts, own, strict=False):
                to.append(array)
    return tuple(np.concatenate([np.zeros(0), *part]) for part in parts)


STRUCTURAL = {
    "none": Structural(),
    "preactivations": Structural(0.7, 0.0, 0.0),
    "h": Structural(0.0, 0.4, 0.0),
    "c": Structural(0.0, 0.0, 0.9),
    "all": Structural(0.3, 0.2, 0.5),
}
