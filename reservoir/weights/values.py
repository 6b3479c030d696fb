"""The values that random connections take: the field's three usual choices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reservoir.weights.arguments import one_of

VALUES = ("uniform", "normal", "signs")


def draw_values(values: str, size: int, *, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw ``size`` independent weights, symmetric about zero.

    Parameters
    ----------
    values : {"uniform", "normal", "signs"}
        ``"uniform"``: the open interval (-1, 1); ``"normal"``: mean 0 and variance 1;
        ``"signs"``: -1 or +1 with equal chances.
    size : int
        How many.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray, shape (size,), float64

    Raises
    ------
    DataError
        The name is unknown.

    Notes
    -----
    Uniform values are odd multiples of 2^-53: exactly symmetric, and never 0 or +-1, so that a
    connection that is drawn is always a connection.
    """
    values = one_of("values", values, VALUES)
    if values == "normal":
        return rng.standard_normal(size)
    if values == "signs":
        return np.where(rng.integers(0, 2, size=size) == 1, 1.0, -1.0)
    odd = 2 * rng.integers(0, 2**53, size=size) + (1 - 2**53)  # from 1 - 2^53 to 2^53 - 1
    return np.ldexp(odd.astype(np.float64), -53)  # exact
