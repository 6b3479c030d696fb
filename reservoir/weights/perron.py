"""The Perron root of a nonnegative matrix, where Krylov methods crawl."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

TOLERANCE = 1e-12  # width of the enclosure of the root, relative
MAX_STEPS = 60


def perron_root(A: sparse.csr_array) -> float | None:
    """Spectral radius of an irreducible nonnegative matrix by Noda's iteration.

    For x > 0 the ratios ``(A x)_i / x_i`` enclose the root, and
    ``x <- (max ratio I - A)^-1 x`` keeps x positive and converges quadratically, whatever other
    eigenvalues lie close by or have the same modulus. On rings with jumps, whose eigenvalues
    crowd on a circle, ARPACK needs thousands of products and this about ten solutions with a
    nearly banded matrix.

    Parameters
    ----------
    A : csr_array, shape (N, N), float64
        Irreducible (its graph strongly connected), without negative entries. Each step
        factorizes a matrix with the pattern of ``A``: use it where the fill-in is small.

    Returns
    -------
    float or None
        The root to a relative 1e-12; None if round-off or underflow stopped the iteration
        before.

    Notes
    -----
    Noda (1971), "Note on the computation of the maximal eigenvalue of a non-negative irreducible
    matrix", Numerische Mathematik 17:382; quadratic convergence: Elsner (1976), Linear Algebra
    and its Applications 15:235.
    """
    size = A.shape[0]
    identity = sparse.eye_array(size, format="csc")
    columns = sparse.csc_array(A)
    x = np.ones(size)
    for _ in range(MAX_STEPS):
        ratios = (A @ x) / x
        upper = float(ratios.max())
        if upper - float(ratios.min()) <= TOLERANCE * upper:
            return upper
        try:
            x = splu(sparse.csc_array(upper * identity - columns)).solve(x)
        except RuntimeError:  # exactly singular
            return None
        with np.errstate(all="ignore"):
            x = x / x.max()
        if not x.min() > 0.0:  # underflow, or NaN
            return None
    return None
