"""The classic reservoir: connections at random places with random values."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from reservoir.weights.arguments import fraction, whole
from reservoir.weights.placement import distinct, row_starts, spread
from reservoir.weights.values import draw_values


def random_sparse(
    units: int, connectivity: float, *, values: str = "uniform", rng: np.random.Generator
) -> sparse.csr_array:
    """A random matrix with an exact number of non-zeros, spread evenly over its rows.

    Exactly ``round(connectivity * units**2)`` weights (at least one) are not zero, and the rows
    have equally many of them, give or take one. Within a row all sets of columns are equally
    likely, the diagonal included.

    Parameters
    ----------
    units : int
        Number of units N.
    connectivity : float
        Fraction of non-zeros, in (0, 1].
    values : {"uniform", "normal", "signs"}
        See `reservoir.weights.values.draw_values`.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    csr_array, shape (N, N), float64
        Not scaled. Indices are sorted, int32.

    Raises
    ------
    DataError
        An argument is out of its range, or there would be more than 2^31 - 1 connections.

    Notes
    -----
    Even rows are sounder than independent places. Independent places give a unit a binomial
    number of inputs: with three on average every twentieth unit would have none. Here every
    unit has incoming connections as soon as ``connectivity >= 1/N``, and then the graph has a
    cycle (walk from any unit to one of its sources, and on, until a unit comes again), so no
    such matrix is nilpotent by its structure. The rows are also equal work for a kernel.
    A fixed number per row alone would allow only multiples of ``1/N``.

    The echo state network is Jaeger (2001), GMD report 148; a fixed small number of
    connections per unit is the advice of Lukoševičius (2012), "A practical guide to applying
    echo state networks", section 3.2.2.
    """
    units = whole("units", units, least=1)
    total = max(1, round(fraction("connectivity", connectivity) * units**2))
    counts = spread(total, units, rng=rng)
    starts = row_starts(counts)
    places = distinct(counts, units, rng=rng)
    weights = draw_values(values, total, rng=rng)
    return sparse.csr_array((weights, places, starts), shape=(units, units))
