"""The spectral radius of a recurrent matrix, and scaling to a wanted one."""

from __future__ import annotations

import warnings
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from reservoir.errors import DataError, DenseFallbackWarning
from reservoir.threads import single_blas
from reservoir.weights.arguments import nonnegative
from reservoir.weights.blocks import cyclic_blocks
from reservoir.weights.check import check_recurrent
from reservoir.weights.eigenvalues import block_radius

Matrix: TypeAlias = sparse.csr_array | NDArray[np.floating]


def spectral_radius(W: object) -> float:
    """Largest modulus of the eigenvalues of a matrix.

    The same matrix gives the same bits every time, on any number of BLAS threads.

    Parameters
    ----------
    W : array_like or SciPy sparse, shape (N, N)
        As `reservoir.weights.check.check_recurrent` takes it.

    Returns
    -------
    float
        Relative error about 1e-10 or better for well-conditioned eigenvalues. Exactly 0.0 if no
        connections of ``W`` form a cycle.

    Raises
    ------
    DataError
        ``W`` is not square, not real or not finite.

    Warns
    -----
    DenseFallbackWarning
        ARPACK did not converge; all eigenvalues were computed, in O(N^3) time and O(N^2) memory.

    Notes
    -----
    Eigenvalues of a computed nilpotent matrix are of the size ``eps ** (1/N)`` instead of 0. So
    the matrix is first taken apart into the strongly connected components of its graph: its
    eigenvalues are those of the components, and a unit in no cycle is exactly 0. See
    `reservoir.weights.eigenvalues` for the methods. Weights more than 2^1022 times smaller than
    the largest count as 0.
    """
    radius, exponent = _radius(check_recurrent(W))
    with np.errstate(over="ignore"):
        return float(np.ldexp(radius, exponent))


def scale_to_spectral_radius(W: object, radius: float) -> Matrix:
    """Multiply a matrix by the factor that gives it a wanted spectral radius.

    Parameters
    ----------
    W : array_like or SciPy sparse, shape (N, N)
        As `reservoir.weights.check.check_recurrent` takes it; it is not changed.
    radius : float
        The wanted spectral radius, finite and at least 0.

    Returns
    -------
    csr_array or ndarray, shape (N, N)
        As `check_recurrent` returns it: float32 stays float32.

    Raises
    ------
    DataError
        ``W`` is not usable; ``radius`` is out of its range; ``W`` has spectral radius 0; or the
        scaled weights exceed the range of its dtype.

    Warns
    -----
    DenseFallbackWarning
        As `spectral_radius`.

    Notes
    -----
    The factor is applied once, here; nothing else in the package rescales W.
    """
    radius = nonnegative("spectral_radius", radius)
    scaled = try_scale(check_recurrent(W), radius)
    if scaled is None:
        raise DataError(
            "W has spectral radius 0 (it is nilpotent: no activity comes back), so no factor gives "
            f"it spectral radius {radius:g}; add connections that form a cycle (a connectivity of "
            "at least 1/units), or use W without scaling"
        )
    return scaled


def try_scale(W: Matrix, radius: float) -> Matrix | None:
    """Scale a checked matrix in place and return it, or return None if its radius is 0."""
    found, exponent = _radius(W)
    if found == 0.0:
        return None
    data: NDArray[np.floating] = np.asarray(W.data if sparse.issparse(W) else W)  # no copy
    with np.errstate(over="ignore"):
        # in this order equal weights become exactly the radius, and nothing overflows early
        data[...] = np.ldexp(data.astype(np.float64), -exponent) / found * radius
    if not np.isfinite(data).all():
        raise DataError(f"W scaled to spectral radius {radius:g} exceeds the range of {data.dtype}")
    return W


def _radius(W: Matrix) -> tuple[float, int]:
    """The spectral radius as ``r * 2**e``, where ``2**e`` is about the largest weight."""
    A = sparse.csr_array(W, dtype=np.float64, copy=True)
    if A.nnz == 0:
        return 0.0, 0
    exponent = int(np.frexp(np.abs(A.data).max())[1])
    A.data = np.ldexp(A.data, -exponent)  # exact
    A.eliminate_zeros()  # weights that are 2^1022 times smaller than the largest
    largest, dense_blocks = 0.0, []
    with single_blas():
        for block in cyclic_blocks(A):
            if _bound(block) > largest:
                found, converged = block_radius(block)
                largest = max(largest, found)
                if not converged:
                    dense_blocks.append(block.shape[0])
    if dense_blocks:
        warnings.warn(
            f"ARPACK did not converge for W; all eigenvalues of a block of {max(dense_blocks)} "
            "units were computed instead, in cubic time",
            DenseFallbackWarning,
            stacklevel=3,
        )
    return largest, exponent


def _bound(A: sparse.csr_array) -> float:
    """An upper bound of the spectral radius: the smaller of the 1-norm and the maximum norm."""
    size = np.abs(A)
    return float(min(size.sum(axis=0).max(), size.sum(axis=1).max()))
