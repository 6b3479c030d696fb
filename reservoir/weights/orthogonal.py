"""Dense orthogonal matrices and rectangles: no direction that is kept grows or shrinks."""

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
    See `semi_orthogonal`. Takes O(N^3) time.
    """
    units = whole("units", units, least=1)
    return semi_orthogonal(units, units, rng=rng)


def semi_orthogonal(rows: int, columns: int, *, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random matrix with orthonormal columns, or orthonormal rows if it is wide.

    It is uniform over all such matrices (Haar measure): a rotation or reflection of either side
    changes nothing in its distribution.

    Parameters
    ----------
    rows, columns : int
        Shape of the matrix: units by what they hear.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray, shape (rows, columns), float64
        All singular values are 1: ``Q.T @ Q`` is the identity if there are at least as many rows
        as columns, ``Q @ Q.T`` if there are at most as many. C-contiguous.

    Raises
    ------
    DataError
        ``rows`` or ``columns`` is not a whole number of at least 1.

    Notes
    -----
    The Q of a QR factorization of a normal matrix is not uniform, because LAPACK fixes the signs
    of R by its own convention. Q diag(sign(diag R)) is: Mezzadri (2007), "How to generate random
    matrices from the classical compact groups", Notices of the AMS 54:592. A wide matrix is the
    transpose of a tall one.

    Orthogonal weights as a start of training: Saxe, McClelland & Ganguli (2014), "Exact solutions
    to the nonlinear dynamics of learning in deep linear neural networks", ICLR, arXiv:1312.6120.
    """
    rows = whole("rows", rows, least=1)
    columns = whole("columns", columns, least=1)
    normal = rng.standard_normal((max(rows, columns), min(rows, columns)))
    with single_blas():
        Q, R = np.linalg.qr(normal)
    Q = Q * np.where(np.diag(R) < 0.0, -1.0, 1.0)
    return np.ascontiguousarray(Q if rows >= columns else Q.T)
