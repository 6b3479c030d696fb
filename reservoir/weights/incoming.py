"""Sparse initial weights: a fixed number of connections into each unit."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from reservoir.weights.arguments import nonnegative, whole
from reservoir.weights.placement import distinct


def incoming(
    rows: int, columns: int, count: int, *, scale: float | None = None, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Normal weights at ``count`` places of each row, zero elsewhere.

    Few inputs of a fixed number keep units from saturating and from being all alike, whatever the
    size of the layer.

    Parameters
    ----------
    rows, columns : int
        Units, and what they hear; at least 0.
    count : int
        Non-zeros of each row, at least 1; all columns if there are fewer.
    scale : float, optional
        Standard deviation of the weights, at least 0; by default ``1 / sqrt(count)``, of the
        count that there is room for.
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
    Martens (2010), "Deep learning via Hessian-free optimization", ICML: 15 incoming weights.
    """
    rows, columns = whole("rows", rows, least=0), whole("columns", columns, least=0)
    count = min(whole("count", count, least=1), columns)
    deviation = 1.0 / math.sqrt(max(count, 1)) if scale is None else nonnegative("scale", scale)
    weights = np.zeros((rows, columns))
    places = distinct(np.full(rows, count, np.int64), columns, rng=rng)
    values = deviation * rng.standard_normal(rows * count)
    weights[np.repeat(np.arange(rows), count), places] = values
    return weights
