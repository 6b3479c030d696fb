"""Checks of targets: each returns them in one type, or names the row, the column and the rule."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


class TargetError(ValueError):
    """A single target that its loss does not take.

    Attributes
    ----------
    row : int
    column : int or None
        None: the row as a whole.
    found, expected : str
        What is there, and what should be: for messages that know another name of the row.
    """

    def __init__(self, row: int, column: int | None, found: str, expected: str) -> None:
        self.row, self.column, self.found, self.expected = row, column, found, expected
        where = f"row {row}" if column is None else f"row {row}, column {column}"
        super().__init__(f"targets have {found} at {where} (counted from 0); expected {expected}")


SUM_TOLERANCE = 1e-5  # probabilities computed in float32 sum to 1 less exactly than rounded ones


def check_real(targets: ArrayLike, rows: int, outputs: int) -> NDArray[np.floating]:
    """Check real targets (rows, outputs).

    Returns
    -------
    ndarray, shape (rows, outputs)
        float32 stays float32, all else becomes float64. May share memory with ``targets``.

    Raises
    ------
    ValueError
        Another shape, not real numbers, or not finite.
    """
    array = _as_array(targets)
    if array.shape != (rows, outputs):
        raise ValueError(
            f"targets must have shape ({rows}, {outputs}), rows by outputs; got {array.shape}"
        )
    if array.dtype.kind not in "biuf":
        raise ValueError(f"targets must hold real numbers; their dtype is {array.dtype}")
    single = array.dtype.kind == "f" and array.dtype.itemsize == 4
    with np.errstate(over="ignore"):  # a too large long double becomes inf, and is reported so
        real: NDArray[np.floating] = array.astype(np.float32 if single else np.float64, copy=False)
    _refuse(real, ~np.isfinite(real), "a finite number")
    return real


def check_fractions(targets: ArrayLike, rows: int, outputs: int) -> NDArray[np.floating]:
    """As `check_real`, and every target is in [0, 1]."""
    real = check_real(targets, rows, outputs)
    _refuse(real, (real < 0.0) | (real > 1.0), "a number in [0, 1]")
    return real


def check_distributions(targets: ArrayLike, rows: int, outputs: int) -> NDArray[np.floating]:
    """As `check_real`, and every row holds probabilities: at least 0, their sum 1."""
    real = check_real(targets, rows, outputs)
    _refuse(real, real < 0.0, "a probability, at least 0")
    with np.errstate(over="ignore"):
        sums = real.sum(axis=1, dtype=np.float64)
    bad = np.flatnonzero(~(np.abs(sums - 1.0) <= SUM_TOLERANCE))
    if bad.size:
        found = f"the sum {float(sums[bad[0]])!r} over columns 0 to {outputs - 1}"
        raise TargetError(int(bad[0]), None, found, "probabilities that sum to 1")
    return real


def check_labels(labels: ArrayLike, rows: int, outputs: int) -> NDArray[np.intp]:
    """Check class labels (rows,): whole numbers from 0 to outputs - 1, of an integer dtype."""
    array = _as_array(labels)
    if array.shape != (rows,):
        raise ValueError(f"class labels must have shape ({rows},), got {array.shape}")
    if array.dtype.kind not in "iu":
        raise ValueError(f"class labels must be integers; their dtype is {array.dtype}")
    bad = np.flatnonzero((array < 0) | (array >= outputs))
    if bad.size:
        expected = f"0 to {outputs - 1}, a column of the {outputs} outputs"
        found = f"the class label {int(array[bad[0]])}"
        raise TargetError(int(bad[0]), None, found, expected)
    return array.astype(np.intp, copy=False)


def dimensions(targets: ArrayLike) -> int:
    """The number of dimensions of targets."""
    return _as_array(targets).ndim


def _as_array(targets: ArrayLike) -> NDArray[Any]:
    if isinstance(targets, np.ma.MaskedArray):
        raise ValueError("targets are a masked array; fill its masked values first")
    try:
        return np.asarray(targets)
    except ValueError as error:  # ragged lists
        raise ValueError(f"targets are not an array of numbers: {error}") from None


def _refuse(targets: NDArray[np.floating], bad: NDArray[np.bool_], expected: str) -> None:
    """Raise a ValueError for the first target, by rows, that is marked as bad."""
    if bad.any():
        row, column = divmod(int(np.argmax(bad)), targets.shape[1])
        value = float(targets[row, column])
        what = "NaN" if value != value else repr(value)
        raise TargetError(row, column, what, expected)
