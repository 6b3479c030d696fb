"""The Lorenz system of 1963."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LYAPUNOV = 0.906  # largest exponent, per unit of time


def lorenz(
    steps: int, rng: np.random.Generator, *, step: float = 0.02, transient: int = 1000
) -> NDArray[np.float64]:
    """Integrate the system with sigma 10, rho 28, beta 8/3.

    Classical Runge-Kutta steps of order four, ten to a returned value.

    Parameters
    ----------
    steps : int
        Values returned.
    rng : numpy.random.Generator
        Draws the start.
    step : float, default 0.02
        Time between two values.
    transient : int, default 1000
        Values thrown away first.

    Returns
    -------
    (steps, 3)
    """

    def flow(s: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y, z = s
        return np.array([10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z])

    h = step / 10
    state = np.array([1.0, 1.0, 20.0]) + rng.uniform(-1, 1, 3)
    values = np.empty((steps + transient, 3))
    for t in range(len(values)):
        for _ in range(10):
            k1 = flow(state)
            k2 = flow(state + 0.5 * h * k1)
            k3 = flow(state + 0.5 * h * k2)
            k4 = flow(state + h * k3)
            state = state + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
        values[t] = state
    return values[transient:]
