"""Dense matrices of independent normal weights."""

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
        Shape of the matrix: units by what they hear.
    scale : float
        Standard deviation, finite and at least 0.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray, shape (rows, columns), float64

    Raises
    ------
    DataError
        An argument is out of its range.

    Notes
    -----
    Square with ``scale = g / sqrt(rows)``, its eigenvalues fill the disc of radius g as it grows
    (Girko's circular law; Tao & Vu (2010), Annals of Probability 38:2023).
    """
    rows = whole("rows", rows, least=1)
    columns = whole("columns", columns, least=1)
    scale = nonnegative("scale", scale)
    W = rng.standard_normal((rows, columns))
    W *= scale
    return W
