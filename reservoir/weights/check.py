"""Users' own matrices: checked once, then float64 or float32 arrays that nobody else holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from reservoir.errors import DataError


def check_recurrent(W: object) -> sparse.csr_array | NDArray[np.floating]:
    """Check a recurrent matrix and return a copy in the package's own form.

    Parameters
    ----------
    W : array_like or any SciPy sparse matrix or array, shape (N, N)
        Real numbers, all finite; N at least 1.

    Returns
    -------
    csr_array or ndarray, shape (N, N)
        A ``csr_array`` if ``W`` is sparse: sorted int32 indices, duplicates summed, no stored
        zeros. A C-contiguous array otherwise. float32 stays float32, all else becomes float64.
        The result shares no memory with ``W``.

    Raises
    ------
    DataError
        Not two-dimensional, not square, empty, not real numbers, or not finite (the message has
        the row and the column, from 0).
    """
    matrix = _sparse(W, "W") if sparse.issparse(W) else _dense(W, "W")
    _check_square(matrix.shape)
    return matrix


def check_input(W_in: object, units: int, inputs: int, name: str = "W_in") -> NDArray[np.floating]:
    """Check an input or feedback matrix and return a copy as a plain array.

    Parameters
    ----------
    W_in : array_like or any SciPy sparse matrix or array, shape (N, K)
        Real numbers, all finite.
    units, inputs : int
        The N and K that it must have.
    name : str
        What the messages call it.

    Returns
    -------
    ndarray, shape (N, K)
        C-contiguous; float32 stays float32, all else becomes float64. Shares no memory with
        ``W_in``.

    Raises
    ------
    DataError
        The wrong shape, not real numbers, or not finite (the message has the row and the column,
        from 0).
    """
    if sparse.issparse(W_in):
        array: NDArray[np.floating] = _sparse(W_in, name).toarray()
    else:
        array = _dense(W_in, name)
    if array.shape != (units, inputs):
        raise DataError(
            f"{name} must have shape ({units}, {inputs}), units by columns; got {array.shape}"
        )
    return array


def _check_square(shape: tuple[int, ...]) -> None:
    if shape[0] != shape[1]:
        raise DataError(f"W must be square, units by units; got shape {shape}")
    if shape[0] == 0:
        raise DataError("W must have at least one unit; got shape (0, 0)")


def _dense(matrix: object, name: str) -> NDArray[np.floating]:
    """A finite, C-contiguous copy of a real array of two dimensions."""
    if isinstance(matrix, np.ma.MaskedArray):
        raise DataError(f"{name} is a masked array; fill its masked values first")
    try:
        array = np.asarray(matrix)
    except ValueError as error:  # ragged lists
        raise DataError(f"{name} is not an array of numbers: {error}") from None
    _check_two_dimensions(array.shape, name)
    # a too large long double becomes inf, and is reported as such
    with np.errstate(over="ignore"):
        array = np.array(array, dtype=_float_type(array.dtype, name), order="C", subok=False)
    finite = np.isfinite(array)
    if not finite.all():
        rows, columns = np.nonzero(~finite)
        _check_finite(array[rows, columns], rows, columns, name)
    return array


def _sparse(matrix: sparse.sparray, name: str) -> sparse.csr_array:
    """A finite copy of a real sparse matrix, in canonical CSR form."""
    _check_two_dimensions(matrix.shape, name)
    float_type = _float_type(matrix.dtype, name)
    if max(matrix.shape) > np.iinfo(np.int32).max or matrix.nnz > np.iinfo(np.int32).max:
        raise DataError(f"{name} is too large for 32-bit indices: {matrix.shape}, {matrix.nnz}")
    coo = matrix.tocoo()
    with np.errstate(over="ignore"):
        data = coo.data.astype(float_type)  # before duplicates are summed: int8 would wrap
    rows, columns = coo.row.astype(np.int32), coo.col.astype(np.int32)
    _check_finite(data, rows, columns, name)  # before the sum: inf - inf would be NaN
    csr = sparse.csr_array((data, (rows, columns)), shape=matrix.shape)  # sums and sorts
    csr.eliminate_zeros()
    if csr.nnz < data.size:  # sums may overflow
        coo = csr.tocoo()
        _check_finite(coo.data, coo.row, coo.col, name)
    return csr


def _check_two_dimensions(shape: tuple[int, ...], name: str) -> None:
    if len(shape) != 2:
        raise DataError(f"{name} must have two dimensions; got shape {shape}")


def _float_type(found: np.dtype[np.generic], name: str) -> type[np.float32] | type[np.float64]:
    if found.kind not in "fiu":
        raise DataError(f"{name} must hold real numbers; its dtype is {found}")
    return np.float32 if found.kind == "f" and found.itemsize == 4 else np.float64


def _check_finite(
    values: NDArray[np.floating],
    rows: NDArray[np.integer],
    columns: NDArray[np.integer],
    name: str,
) -> None:
    """Raise a DataError for the first value, by rows, that is not finite."""
    bad = ~np.isfinite(values)
    if bad.any():
        rows, columns, values = rows[bad], columns[bad], values[bad]
        first = int(np.lexsort((columns, rows))[0])
        what = "NaN" if np.isnan(values[first]) else str(float(values[first]))
        place = f"row {int(rows[first])}, column {int(columns[first])} (counted from 0)"
        raise DataError(f"{name} has {what} at {place}")
