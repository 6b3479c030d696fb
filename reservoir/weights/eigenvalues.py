"""The largest modulus of the eigenvalues of one irreducible matrix, by the method that fits."""

from __future__ import annotations

import inspect

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import ArpackError, eigs

from reservoir.weights.perron import perron_root

DENSE_UNITS = 200  # up to here all eigenvalues take less time than ARPACK
DENSE_FRACTION = 0.3  # from here a BLAS product is faster than a sparse one
# ARPACK for one eigenvalue with its default of 20 vectors stops at a wrong one for every sixth
# random matrix of 300 to 600 units, up to 3 % too small; three with 60 vectors did so twice in
# 2300, six with 60 never in 3000.
WANTED = 8
ATTEMPTS = ((80, 50), (160, 40))  # (vectors, restarts)
TOLERANCE = 1e-10
# SciPy 1.17 restarts a broken down iteration from a random vector of this generator
_RNG_PARAMETER = "rng" in inspect.signature(eigs).parameters


def block_radius(A: sparse.csr_array) -> tuple[float, bool]:
    """Spectral radius of an irreducible matrix.

    A single cycle has the geometric mean of its weights. Small matrices are left to LAPACK,
    others to ARPACK; for very sparse nonnegative ones Noda's iteration stands in where ARPACK
    is slow. If nothing converges, LAPACK is.

    Parameters
    ----------
    A : csr_array, shape (n, n), float64
        Irreducible: its graph is strongly connected, with at least one non-zero. The largest
        weight should be about 1.

    Returns
    -------
    radius : float
        0.0 only if the weights cancel, as in ``[[1, 1], [-1, -1]]``.
    converged : bool
        False if all eigenvalues had to be computed because ARPACK failed.
    """
    size = A.shape[0]
    if size == 1:
        return float(abs(A.data[0])), True
    if A.nnz == size:
        first = np.abs(A.data[0])  # equal weights give exactly this
        return float(first * np.exp(np.log(np.abs(A.data) / first).mean())), True
    if size <= DENSE_UNITS:
        return _cancelled_to_zero(A, _all_eigenvalues(A)), True
    operator = A.toarray() if A.nnz > DENSE_FRACTION * size**2 else A
    radius = _arpack(operator, *ATTEMPTS[0])
    if radius is None and A.nnz <= 3 * size and A.data.min() > 0.0:
        radius = perron_root(A)
    if radius is None:
        radius = _arpack(operator, *ATTEMPTS[1])
    if radius is None:
        return _cancelled_to_zero(A, _all_eigenvalues(A)), False
    return _cancelled_to_zero(A, radius), True


def _all_eigenvalues(A: sparse.csr_array) -> float:
    return float(np.abs(np.linalg.eigvals(A.toarray())).max())


def _arpack(
    operator: sparse.csr_array | NDArray[np.float64], vectors: int, restarts: int
) -> float | None:
    size = operator.shape[0]
    # a generic start, fixed for all versions of NumPy and SciPy: the raw stream of PCG64
    raw = np.random.PCG64(0).random_raw(size)
    start = (raw >> np.uint64(11)) * 2.0**-53 - 0.5
    seeded = {"rng": np.random.default_rng(0)} if _RNG_PARAMETER else {}
    try:
        eigenvalues = eigs(
            operator,
            k=WANTED,
            which="LM",
            v0=start,
            ncv=min(vectors, size),
            maxiter=restarts,
            tol=TOLERANCE,
            return_eigenvectors=False,
            **seeded,
        )
    except ArpackError:
        return None
    if eigenvalues.size == 0 or not np.isfinite(eigenvalues).all():
        return None
    return float(np.abs(eigenvalues).max())


def _cancelled_to_zero(A: sparse.csr_array, radius: float) -> float:
    """Replace the round-off of a nilpotent matrix of whole numbers by 0.

    The non-zero eigenvalues of a matrix of whole numbers multiply to a coefficient of its
    characteristic polynomial, a whole number: unless all are 0, the largest is at least 1. The
    same holds for multiples of whole numbers, such as signs times a factor. A radius far below
    the common unit is therefore round-off.
    """
    smallest = float(np.abs(A.data).min())
    if radius >= 0.5 * smallest:
        return radius
    for divisor in range(1, 13):
        unit = smallest / divisor
        multiples = np.abs(A.data) / unit
        if multiples.max() < 1e6 and np.all(
            np.abs(multiples - np.rint(multiples)) <= 1e-14 * multiples
        ):
            return radius if radius >= 0.5 * unit else 0.0
    return radius
