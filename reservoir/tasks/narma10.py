"""NARMA10: a nonlinear autoregressive moving average of order ten, driven by noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def narma10(
    steps: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Inputs and targets of Atiya & Parlos (2000).

    ``y(t+1) = 0.3 y(t) + 0.05 y(t) sum(y(t-9..t)) + 1.5 u(t-9) u(t) + 0.1`` with u uniform on
    [0, 0.5]. The system can diverge; such a draw is thrown away.

    Returns
    -------
    u, y : (steps, 1)
        ``y[t]`` depends on ``u[:t]``, its newest input is ``u[t - 1]``.
    """
    while True:
        u = rng.uniform(0.0, 0.5, steps + 10)
        y = [0.0] * (steps + 10)
        for t in range(9, steps + 9):
            past = sum(y[t - 9 : t + 1])
            y[t + 1] = 0.3 * y[t] + 0.05 * y[t] * past + 1.5 * u[t - 9] * u[t] + 0.1
            if not y[t + 1] < 10.0:
                break
        else:
            return u[10:, np.newaxis], np.array(y)[10:, np.newaxis]
