"""Leak rates of single units, sampled: some fast, some slow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reservoir.errors import DataError
from reservoir.weights.arguments import fraction, whole


def leak_rates(
    units: int, low: float, high: float, *, rng: np.random.Generator
) -> NDArray[np.float64]:
    """A leak rate for each unit, uniform on a range.

    Parameters
    ----------
    units : int
        Number of units N.
    low, high : float
        The range, in (0, 1]; 1 is a unit without memory of its own, and a unit of leak rate a
        forgets in about 1 / a steps.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray, shape (N,), float64

    Raises
    ------
    DataError
        An argument is out of its range.

    Notes
    -----
    Bengio, Boulanger-Lewandowski and Pascanu (2012), "Advances in optimizing recurrent networks",
    arXiv:1212.0901, write ``h = a' h- + (1 - a') f(...)``: a' is 1 - leak rate. They sample it for
    each unit, on [0.02, 0.2] by recollection; which of the two that range names is not certain.
    """
    units = whole("units", units, least=1)
    low, high = fraction("low", low), fraction("high", high)
    if low > high:
        raise DataError(f"low must be at most high, got {low:g} and {high:g}")
    return rng.uniform(low, high, units)
