"""The Mackey-Glass delay equation, a standard chaotic series."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mackey_glass(
    steps: int, rng: np.random.Generator, *, tau: float = 17.0, transient: int = 1000
) -> NDArray[np.float64]:
    """Integrate ``dy/dt = 0.2 y(t-tau) / (1 + y(t-tau)^10) - 0.1 y``.

    Euler steps of 0.1, every tenth kept: one value a unit of time (Jaeger 2001).

    Parameters
    ----------
    steps : int
        Values returned.
    rng : numpy.random.Generator
        Draws the history, 1.2 +- 0.1.
    tau : float, default 17
        Delay; 17 is mildly, 30 strongly chaotic.
    transient : int, default 1000
        Values thrown away first.

    Returns
    -------
    (steps, 1)
    """
    delay = round(10 * tau)
    total = 10 * (steps + transient)
    y = np.empty(total + delay)
    y[:delay] = 1.2 + 0.1 * rng.uniform(-1, 1, delay)
    history = y.tolist()
    for t in range(delay, total + delay):
        late = history[t - delay]
        now = history[t - 1]
        history[t] = now + 0.1 * (0.2 * late / (1.0 + late**10) - 0.1 * now)
    return np.array(history[delay::10])[transient : transient + steps, np.newaxis]
