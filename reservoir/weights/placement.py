"""Where connections go: counts that are spread evenly, and distinct places in O(nnz)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reservoir.errors import DataError


def spread(total: int, groups: int, *, rng: np.random.Generator) -> NDArray[np.int64]:
    """Split ``total`` into ``groups`` counts that differ by at most one.

    Which groups get the larger count is drawn from ``rng``.

    Parameters
    ----------
    total : int
        What to split, at least 0.
    groups : int
        Number of groups, at least 1.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray, shape (groups,), int64
    """
    base, rest = divmod(total, groups)
    counts = np.full(groups, base, dtype=np.int64)
    counts[rng.choice(groups, size=rest, replace=False, shuffle=False)] += 1
    return counts


def distinct(
    counts: NDArray[np.int64], size: int, *, rng: np.random.Generator
) -> NDArray[np.int32]:
    """Draw, for each count, that many distinct whole numbers below ``size``.

    Time and memory are O(sum of counts): NumPy draws each subset by Floyd's method or, if it is
    a large part of many numbers, by a partial shuffle.

    Parameters
    ----------
    counts : ndarray, shape (groups,), int64
        Each between 0 and ``size``.
    size : int
        Numbers to choose from, ``0 .. size-1``.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray, shape (sum(counts),), int32
        The groups one after another, each ascending.
    """
    places = np.empty(int(counts.sum()), dtype=np.int32)
    start = 0
    for count in counts.tolist():
        part = places[start : start + count]
        part[:] = rng.choice(size, size=count, replace=False, shuffle=False)
        part.sort()
        start += count
    return places


def row_starts(counts: NDArray[np.int64]) -> NDArray[np.int32]:
    """CSR row pointer, shape (rows + 1,), of rows with so many non-zeros each.

    Raises
    ------
    DataError
        More non-zeros than 32-bit indices can count.
    """
    ends = np.cumsum(counts)
    if ends[-1] > np.iinfo(np.int32).max:
        raise DataError(f"{ends[-1]} connections are more than 2^31 - 1; lower the connectivity")
    return np.concatenate([[0], ends]).astype(np.int32)
