"""Autonomous systems, given as a map and its tangent map."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reservoir.analysis.tangents import Array, Stretch

STEPS = 256  # of a stretch


@dataclass(frozen=True, eq=False)
class Orbit:
    """A map linearized along some steps, of one orbit or of several at once."""

    tangent: Callable[[Array, Array], Array]
    states: Array  # (T, ..., n) before each step

    @property
    def size(self) -> int:
        return int(self.states.shape[-1])

    @property
    def steps(self) -> int:
        return len(self.states)

    def push(self, t: int, V: Array) -> Array:
        own = np.broadcast_to(V, (*self.states.shape[1:-1], *V.shape[-2:]))
        return self.tangent(self.states[t], own)


def map_path(
    step: Callable[[Array], Array],
    tangent: Callable[[Array, Array], Array],
    start: ArrayLike,
    steps: int,
) -> Iterator[Stretch]:
    """An autonomous system, given as a map and its tangent map.

    Parameters
    ----------
    step : callable
        The state (..., n) after a state (..., n).
    tangent : callable
        ``tangent(state, V)``: the Jacobian of ``step`` at a state times vectors V (..., n, k).
    start : (n,) or (starts, n)
        Several starts are followed at once.
    steps : int

    Yields
    ------
    Orbit
    """
    x = np.asarray(start, np.float64)
    for begin in range(0, steps, STEPS):
        states = []
        for _ in range(min(STEPS, steps - begin)):
            states.append(x)
            x = np.asarray(step(x), np.float64)
        yield Orbit(tangent, np.stack(states))
