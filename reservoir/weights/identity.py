"""The identity as initial recurrent weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reservoir.weights.arguments import finite, whole


def identity(units: int, scale: float = 1.0) -> NDArray[np.float64]:
    """``scale`` times the identity: units remember themselves.

    Parameters
    ----------
    units : int
        Number of units N.
    scale : float
        The weight of a unit's connection to itself.

    Returns
    -------
    ndarray, shape (N, N), float64

    Raises
    ------
    DataError
        An argument is out of its range.

    Notes
    -----
    Le, Jaitly and Hinton (2015), arXiv:1504.00941, for ReLU units.
    """
    return finite("scale", scale) * np.eye(whole("units", units, least=1))
