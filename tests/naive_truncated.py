"""Slow and obvious twin of truncated backpropagation: one series, one step, one segment at a time.

Imports neither package. A series is ``(x, targets, weights)`` as in `naive_trained`, which see.
"""

from __future__ import annotations

from typing import NamedTuple

import naive_trained as slow
import numpy as np


class Update(NamedTuple):
    """One step of the optimizer: its segment, its objective, and the derivative of that."""

    start: int
    end: int
    value: float
    gradient: np.ndarray


def states_after(network, theta, x, states, start, stop):
    """The states of one series after the steps ``start:stop``, None before the first of all."""
    if stop <= start:
        return states
    return slow.run(network, theta, x[start:stop], states)[1]


def objective(network, theta, series, states, begins, start, end):
    """Mean loss of the steps ``start:end`` that lie behind the cuts, whose states are given."""
    total, weight = 0.0, 0.0
    for (x, targets, weights), before, begin in zip(series, states, begins, strict=True):
        outputs = slow.run(network, theta, x[begin:end], before)[0]
        for t in range(max(start, begin), min(end, len(x))):
            if weights[t] != 0:
                total = total + weights[t] * slow.loss(network, outputs[t - begin], targets[t])
                weight += weights[t]
    return total / weight


def cut(x, end, k2):
    """Where the gradient of a series is cut: k2 steps before it ends, or the segment does."""
    return max(0, min(end, len(x)) - k2)


def initial(network, theta):
    """The states that a series begins with, as numbers that do not depend on theta any more."""
    return slow.run(network, theta, np.zeros((0, network.inputs)))[1]


def train(network, theta, series, k1, k2, change, rounds=1):
    """All updates of some rounds over the same series, and the parameters after them.

    The derivative is by complex steps of the objective, so that what comes before the cut is held
    fixed by not being there. ``change`` makes new parameters of old ones and a gradient.
    """
    longest, updates = max(len(x) for x, _, _ in series), []
    for _ in range(rounds):
        states, ats = [None] * len(series), [0] * len(series)  # known, after how many steps
        for start in range(0, longest, k1):
            end = min(start + k1, longest)
            begins = [cut(x, end, k2) for x, _, _ in series]
            if not any(
                (weights[max(start, begin) : end] != 0).any()
                for (_, _, weights), begin in zip(series, begins, strict=True)
            ):
                continue
            here = [
                states_after(network, theta, x, s, at, begin)
                for (x, _, _), s, at, begin in zip(series, states, ats, begins, strict=True)
            ]
            if any(b > 0 for (x, _, _), b in zip(series, begins, strict=True) if len(x) > start):
                here = [initial(network, theta) if one is None else one for one in here]

            def value(moved, states=here, ends=(begins, start, end)):
                return objective(network, moved, series, states, *ends)

            gradient = slow.complex_step(value, theta)
            updates.append(Update(start, end, float(value(theta)), gradient))
            ats = [min(end, cut(x, end + k1, k2)) for x, _, _ in series]
            states = [
                states_after(network, theta, x, s, begin, at) if len(x) > end else s
                for (x, _, _), s, begin, at in zip(series, here, begins, ats, strict=True)
            ]
            theta = change(theta, gradient)
    return theta, updates
