"""Small-world reservoirs: a ring of near neighbours with a few far connections."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from reservoir.weights.arguments import fraction, probability, whole
from reservoir.weights.placement import row_starts, spread
from reservoir.weights.values import draw_values


def small_world(
    units: int,
    connectivity: float,
    *,
    rewiring: float = 0.1,
    values: str = "uniform",
    rng: np.random.Generator,
) -> sparse.csr_array:
    """A directed Watts-Strogatz ring with rewired connections and random values.

    Every unit hears its nearest neighbours on a ring: the one before, the one after, the second
    before, and so on. Each of these connections is then rewired with probability ``rewiring``:
    its source is drawn anew from the units that are neither the unit itself nor a source that
    the unit keeps. No unit hears itself, except a single unit, which has nobody else.

    Parameters
    ----------
    units : int
        Number of units N.
    connectivity : float
        Fraction of non-zeros, in (0, 1]. There are ``round(connectivity * N**2)`` of them, but at
        least one and at most N - 1 a unit; the units have equally many, give or take one.
    rewiring : float
        In [0, 1]: 0 is the ring, 1 a random graph.
    values : {"uniform", "normal", "signs"}
        See `reservoir.weights.values.draw_values`.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    csr_array, shape (N, N), float64
        Not scaled. Indices are sorted, int32; row i holds what unit i hears.

    Raises
    ------
    DataError
        An argument is out of its range, or there would be more than 2^31 - 1 connections.

    Notes
    -----
    Watts & Strogatz (1998), Nature 393:440, rewire an undirected graph. Reservoirs are directed:
    here each direction is rewired for itself and the number of incoming connections is fixed.
    """
    units = whole("units", units, least=1)
    wanted = round(fraction("connectivity", connectivity) * units**2)
    rewiring = probability("rewiring", rewiring)
    most = max(1, units - 1)
    total = min(max(wanted, units), units * most)
    counts = spread(total, units, rng=rng)
    starts = row_starts(counts)
    if units == 1:
        places = np.zeros(1, dtype=np.int32)
    else:
        places = _ring(counts, starts)
        _rewire(places, starts, rewiring, rng)
    weights = draw_values(values, total, rng=rng)
    return sparse.csr_array((weights, places, starts), shape=(units, units))


def _ring(counts: NDArray[np.int64], starts: NDArray[np.int32]) -> NDArray[np.int32]:
    """Sources of all units, nearest first: offsets -1, +1, -2, +2, ... on the ring."""
    units = counts.size
    rank = np.arange(starts[-1]) - np.repeat(starts[:-1], counts)  # 0, 1, ... within a row
    offset = np.where(rank % 2 == 0, -1, 1) * (rank // 2 + 1)
    unit = np.repeat(np.arange(units), counts)
    sources: NDArray[np.int32] = ((unit + offset) % units).astype(np.int32)
    return sources


def _rewire(
    places: NDArray[np.int32],
    starts: NDArray[np.int32],
    rewiring: float,
    rng: np.random.Generator,
) -> None:
    """Rewire in place, row by row, and sort each row."""
    units = starts.size - 1
    chosen = rng.random(places.size) < rewiring
    for unit, (start, end) in enumerate(pairwise(starts.tolist())):
        row = places[start:end]
        moved = chosen[start:end]
        if moved.any():
            taken = np.sort(np.append(row[~moved], unit))
            free = units - taken.size
            draw = rng.choice(free, size=int(moved.sum()), replace=False)
            # the t-th free unit is t plus the number of taken units before it
            row[moved] = draw + np.searchsorted(taken - np.arange(taken.size), draw, side="right")
        row.sort()
