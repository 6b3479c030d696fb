"""Input and feedback matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reservoir.weights.arguments import fraction, whole
from reservoir.weights.placement import distinct, spread
from reservoir.weights.values import draw_values


def input_matrix(
    units: int, inputs: int, *, values: str, connectivity: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Random weights from inputs (or fed back outputs) to units.

    ``round(connectivity * units * inputs)`` weights are not zero, at least one an input; the
    inputs have equally many, give or take one, so that none is left out by chance.

    Parameters
    ----------
    units : int
        Number of units N.
    inputs : int
        Number of inputs K; 0 gives an empty matrix.
    values : {"uniform", "normal", "signs"}
        See `reservoir.weights.values.draw_values`. Not scaled.
    connectivity : float
        Fraction of non-zeros, in (0, 1].
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray, shape (N, K), float64

    Raises
    ------
    DataError
        An argument is out of its range.
    """
    units = whole("units", units, least=1)
    inputs = whole("inputs", inputs, least=0)
    wanted = round(fraction("connectivity", connectivity) * units * inputs)
    total = max(wanted, inputs)
    weights = draw_values(values, total, rng=rng)
    W_in = np.zeros((units, inputs))
    if inputs > 0:
        counts = spread(total, inputs, rng=rng)  # of each column
        rows = distinct(counts, units, rng=rng)
        W_in[rows, np.repeat(np.arange(inputs), counts)] = weights
    return W_in
