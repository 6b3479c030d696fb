"""Sparse initialization: every unit has the same small number of incoming weights."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from reservoir.weights.arguments import nonnegative, whole
from reservoir.weights.gaussian import gaussian


def incoming(
    rows: int,
    columns: int,
    count: int,
    *,
    scale: float | None = None,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """A dense array in which every row has the same number of normal weights, all else 0.

    Each row has ``min(count, columns)`` weights at distinct columns. All sets of so many columns
    are equally likely, the diagonal included; rows are independent.

    Parameters
    ----------
    rows, columns : int
        Shape of the matrix: units by what they hear.
    count : int
        Incoming weights of a unit, at least 1.
    scale : float, optional
        Standard deviation of the weights, finite and at least 0 (which leaves none). None is
        ``1 / sqrt(count)``, also where there are fewer than ``count`` columns.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray, shape (rows, columns), float64
        The same bits as `gaussian` if ``count`` is ``columns`` or more.

    Raises
    ------
    DataError
        An argument is out of its range.

    Notes
    -----
    Sparse initialization, with 15 weights a unit, is of Martens (2010), "Deep learning via
    Hessian-free optimization", ICML: a unit's input does not grow with the size of the layer, and
    units differ more than with dense weights. Martens & Sutskever (2011), "Learning recurrent
    neural networks with Hessian-free optimization", ICML, use it for recurrent networks. With the
    default scale, a sum of ``count`` values of variance 1 by their weights has variance 1.

    The columns are drawn by Floyd's method in all rows at once: Bentley & Floyd (1987),
    "Programming pearls: a sample of brilliance", Communications of the ACM 30:754. It takes
    O(rows * count) time besides the zeros.
    """
    rows = whole("rows", rows, least=1)
    columns = whole("columns", columns, least=1)
    count = whole("count", count, least=1)
    scale = 1.0 / math.sqrt(count) if scale is None else nonnegative("scale", scale)
    if count >= columns:
        return gaussian(rows, columns, scale, rng=rng)
    W = np.zeros((rows, columns))
    row = np.arange(rows)
    places = np.empty((count, rows), dtype=np.int32)
    for draw, last in enumerate(range(columns - count, columns)):
        place = rng.integers(0, last, size=rows, endpoint=True)
        place[W[row, place] != 0.0] = last  # taken: `last`, which no draw before could be
        W[row, place] = 1.0  # a mark: weights may be 0 if the scale is
        places[draw] = place
    for chosen in places:
        W[row, chosen] = scale * rng.standard_normal(rows)
    return W
