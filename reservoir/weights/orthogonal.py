"""Dense orthogonal reservoirs: every direction is kept, none grows or shrinks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reservoir.threads import single_blas
from reservoir.weights.arguments import whole


def orthogonal(units: int, *, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random orthogonal matrix, uniform over the orthogonal group (Haar measure).

    Parameters
    ----------
    units : int
        Number of units N.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray, shape (N, N), float64
        All eigenvalues have modulus 1.

    Raises
    ------
    DataError
        ``units`` is not a whole number of at least 1.

    Notes
    -----
    The Q of a QR factorization of a normal matrix is not uniform, because LAPACK fixes the signs
    of R by its own convention. Q diag(sign(diag R)) is: Mezzadri (2007), "How to generate random
    matrices from the classical compact groups", Notices of the AMS 54:592. Takes O(N^3) time.
    """
    units = whole("units", units, least=1)
    return _orthonormal(units, units, rng)


def semi_orthogonal(rows: int, columns: int, *, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random matrix with orthonormal rows or columns, whichever are fewer.

    Parameters
    ----------
    rows, columns : int
        At least 1.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray, shape (rows, columns), float64
        All singular values are 1; uniform over such matrices. If it is square, `orthogonal`.

    Raises
    ------
    DataError
        An argument is not a whole number of at least 1.
    """
    rows, columns = whole("rows", rows, least=1), whole("columns", columns, least=1)
    if rows < columns:
        return np.ascontiguousarray(_orthonormal(columns, rows, rng).T)
    return _orthonormal(rows, columns, rng)


def _orthonormal(rows: int, columns: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Orthonormal columns, no more than rows."""
    normal = rng.standard_normal((rows, columns))
    with single_blas():
        Q, R = np.linalg.qr(normal)
    return np.ascontiguousarray(Q * np.where(np.diag(R) < 0.0, -1.0, 1.0))
