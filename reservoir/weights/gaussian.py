"""Dense normal matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reservoir.weights.arguments import nonnegative, whole


def gaussian(
    rows: int, columns: int, scale: float, *, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Independent normal weights of mean 0.

    Parameters
    ----------
    rows, columns : int
        At least 0.
    scale : float
        Their standard deviation, at least 0. ``1 / sqrt(N)`` gives a large N by N matrix the
        spectral radius 1 (Ginibre's circular law).
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray, shape (rows, columns), float64

    Raises
    ------
    DataError
        An argument is out of its range.
    """
    shape = whole("rows", rows, least=0), whole("columns", columns, least=0)
    weights: NDArray[np.float64] = nonnegative("scale", scale) * rng.standard_normal(shape)
    return weights
