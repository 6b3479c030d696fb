"""Targets and weights of the rows of outputs, checked against the loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hfopt.losses import Loss
from hfopt.targets import TargetError


def scored(
    loss: Loss, shape: tuple[int, ...], targets: ArrayLike, weights: ArrayLike | None
) -> tuple[NDArray[np.intp], NDArray[Any], NDArray[np.float64]]:
    """Numbers, targets and weights of the rows that count.

    Parameters
    ----------
    loss : Loss
    shape : tuple of int
        Of the outputs, (..., M).
    targets : array_like, shape (..., M) or (...,)
    weights : array_like, shape (...,), or None

    Returns
    -------
    rows, targets, weights : ndarray, shapes (n,), (n, M) or (n,), and (n,)

    Raises
    ------
    ValueError
        Wrong shapes, targets out of the range of the loss, nothing scored.
    """
    *lead, columns = shape
    given = np.asarray(targets)
    labels = loss.name == "softmax_cross_entropy" and given.dtype.kind in "iu"
    flat = [*lead] == [*given.shape] and (labels or columns == 1)
    if not flat and given.shape != shape:
        or_labels = f" (or labels {tuple(lead)})" if loss.name == "softmax_cross_entropy" else ""
        raise ValueError(
            f"targets must have the shape of the outputs, {shape}{or_labels}; got {given.shape}"
        )
    values = given.reshape(-1) if flat and labels else given.reshape(-1, columns)
    each = np.ones(len(values)) if weights is None else _weights(weights, tuple(lead))
    rows = np.flatnonzero(each > 0.0)
    if not rows.size:
        raise ValueError("nothing is scored: there are no rows, or all weights are 0")
    try:
        checked = loss.check_targets(values[rows], rows.size, columns)
    except TargetError as error:
        at = tuple(int(i) for i in np.unravel_index(rows[error.row], lead))
        place = f"{at if error.column is None else (*at, error.column)}"
        raise ValueError(
            f"targets have {error.found} at {place} (counted from 0); expected {error.expected}"
        ) from None
    return rows, checked, each[rows]


def _weights(weights: ArrayLike, lead: tuple[int, ...]) -> NDArray[np.float64]:
    found = np.asarray(weights)
    if found.shape != lead or found.dtype.kind not in "fiub":
        raise ValueError(f"weights must be numbers of shape {lead}, one a row; got {found.shape}")
    flat = found.reshape(-1).astype(np.float64)
    bad = np.flatnonzero(~((flat >= 0.0) & (flat < np.inf)))
    if bad.size:
        at = tuple(int(i) for i in np.unravel_index(bad[0], lead))
        raise ValueError(f"weights must be finite and at least 0; {flat[bad[0]]} at {at}")
    return flat
