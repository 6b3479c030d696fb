"""The identity: every unit begins by keeping its own state."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reservoir.weights.arguments import finite, whole


def identity(units: int, scale: float = 1.0) -> NDArray[np.float64]:
    """A multiple of the identity matrix.

    Parameters
    ----------
    units : int
        Number of units N.
    scale : float
        Weight of each unit's connection to itself: the eigenvalue of all directions.

    Returns
    -------
    ndarray, shape (N, N), float64

    Raises
    ------
    DataError
        ``units`` is not a whole number of at least 1, or ``scale`` is not finite.

    Notes
    -----
    Le, Jaitly & Hinton (2015), "A simple way to initialize recurrent networks of rectified
    linear units", arXiv:1504.00941: with ReLU units, biases of 0 and scale 1 a network without
    input keeps its state, and its gradients, for ever; tasks with little need of memory did
    better with scale 0.01.
    """
    units = whole("units", units, least=1)
    scale = finite("scale", scale)
    return np.diag(np.full(units, scale))
