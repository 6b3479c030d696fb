"""Losses with matching output functions, and their curvature H_L.

A loss matches an output function when its gradient with respect to the linear outputs o is
mean - y, where mean is the output function of o. H_L, the second derivative with respect to o, is
then the derivative of the output function, positive semi-definite, and free of the targets.
Schraudolph (2002), "Fast curvature matrix-vector products for second-order gradient descent",
Neural Computation 14:1723, section 3.

All functions work on rows. The arrays that come out have the dtype of the linear outputs, or of
the mean computed from them; only `Loss.values` are always float64. An output that is not finite
makes the value of its row infinite or NaN, never a number that looks like a loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hfopt.targets import (
    check_distributions,
    check_fractions,
    check_labels,
    check_real,
    dimensions,
)

Floats = NDArray[np.floating]

# NumPy reduces short rows slowly; below this many columns a loop over columns is faster
# (1e6 numbers in rows of 2: 13 ms and 0.3 ms; in rows of 30: 1.5 ms and 0.7 ms).
FEW_COLUMNS = 32

# exp may overflow or underflow on the way to a right limit, and NaN passes through
_quiet = np.errstate(over="ignore", under="ignore", invalid="ignore")


class Loss(Protocol):
    """A loss of linear outputs (rows, M) against targets (rows, M).

    Results may share memory with arguments (the mean of the squared error is its argument): do
    not write into them. Arguments are not checked, except by `check_targets`.
    """

    name: ClassVar[str]

    def mean(self, outputs: Floats) -> Floats:
        """The matching output function of ``outputs`` (rows, M), of the same shape."""

    def values(self, outputs: Floats, targets: NDArray[Any]) -> NDArray[np.float64]:
        """The loss of each row, summed over its columns, shape (rows,)."""

    def gradient(self, mean: Floats, targets: NDArray[Any]) -> Floats:
        """The derivative of `values` with respect to the linear outputs, from their mean."""

    def curvature(self, mean: Floats, tangents: Floats) -> Floats:
        """The product of H_L with ``tangents`` (rows, M), from the mean (rows, M)."""

    def check_targets(self, targets: ArrayLike, rows: int, outputs: int) -> NDArray[Any]:
        """Check targets for linear outputs of shape (rows, outputs).

        Returns
        -------
        ndarray, shape (rows, outputs) or, for labels, (rows,)
            float32 stays float32, other real numbers become float64, labels intp. May share
            memory with ``targets``.

        Raises
        ------
        ValueError
            The wrong shape or dtype, a number that is not finite or out of the range of the
            loss. The message has row and column, from 0, and what was expected.
        """


@dataclass(frozen=True)
class SquaredError:
    """1/2 |o - y|^2, with the identity as output function; H_L = I."""

    name: ClassVar[str] = "squared_error"

    def mean(self, outputs: Floats) -> Floats:
        """The outputs themselves."""
        return outputs

    @_quiet
    def values(self, outputs: Floats, targets: Floats) -> NDArray[np.float64]:
        """1/2 sum_m (o_m - y_m)^2."""
        error = self.gradient(outputs, targets)
        squares: NDArray[np.float64] = np.einsum("ij,ij->i", error, error, dtype=np.float64)
        squares *= 0.5
        return squares

    @_quiet
    def gradient(self, mean: Floats, targets: Floats) -> Floats:
        """o - y."""
        return _difference(mean, targets)

    def curvature(self, mean: Floats, tangents: Floats) -> Floats:
        """The tangents themselves."""
        return tangents.astype(mean.dtype, copy=False)

    def check_targets(self, targets: ArrayLike, rows: int, outputs: int) -> Floats:
        """Finite targets (rows, outputs)."""
        return check_real(targets, rows, outputs)


@dataclass(frozen=True)
class LogisticCrossEntropy:
    """Cross-entropy of independent outputs p = 1 / (1 + exp(-o)); H_L = diag p (1 - p)."""

    name: ClassVar[str] = "logistic_cross_entropy"

    @_quiet
    def mean(self, outputs: Floats) -> Floats:
        """1 / (1 + exp(-o)); NaN where an output is not finite."""
        # accurate at both ends: a large exp(-o) is 1 / p itself, an infinite one gives 0
        p: Floats = np.negative(outputs)
        np.exp(p, out=p)
        p += 1.0
        np.reciprocal(p, out=p)
        finite = np.isfinite(outputs)
        if not finite.all():
            p[~finite] = np.nan
        return p

    @_quiet
    def values(self, outputs: Floats, targets: Floats) -> NDArray[np.float64]:
        """sum_m softplus(o_m) - y_m o_m, where softplus(o) = log(1 + exp(o)).

        Computed as (1-y) max(o, 0) + y max(-o, 0) + log(1 + exp(-|o|)): no term is below 0, so
        nothing cancels. An infinite output meets a factor of 0 or not: NaN or infinity.
        """
        y = targets.astype(outputs.dtype, copy=False)
        small = np.abs(outputs)
        np.negative(small, out=small)
        np.exp(small, out=small)
        value: Floats = np.log1p(small)
        part = np.maximum(outputs, 0.0)
        part *= np.subtract(1.0, y, out=small)
        value += part
        np.negative(outputs, out=part)
        np.maximum(part, 0.0, out=part)
        part *= y
        value += part
        sums: NDArray[np.float64] = np.einsum("ij->i", value, dtype=np.float64)
        return sums

    @_quiet
    def gradient(self, mean: Floats, targets: Floats) -> Floats:
        """p - y."""
        return _difference(mean, targets)

    @_quiet
    def curvature(self, mean: Floats, tangents: Floats) -> Floats:
        """p (1 - p) u."""
        product: Floats = np.subtract(1.0, mean)
        product *= mean
        product *= tangents
        return product

    def check_targets(self, targets: ArrayLike, rows: int, outputs: int) -> Floats:
        """Targets (rows, outputs) in [0, 1]: labels 0 and 1, or probabilities."""
        return check_fractions(targets, rows, outputs)


@dataclass(frozen=True)
class SoftmaxCrossEntropy:
    """Cross-entropy of one distribution p = exp(o) / sum exp(o) a row; H_L = diag p - p p'.

    Targets are distributions (rows, M) or class labels (rows,), which stand for distributions
    with one 1.
    """

    name: ClassVar[str] = "softmax_cross_entropy"

    @_quiet
    def mean(self, outputs: Floats) -> Floats:
        """exp(o) / sum_m exp(o_m); NaN in the rows where an output is not finite."""
        p: Floats = outputs - _fold(np.maximum, outputs)[:, None]
        np.exp(p, out=p)
        p /= _fold(np.add, p)[:, None]
        finite = np.isfinite(outputs)
        if not finite.all():
            p[~finite.all(axis=1)] = np.nan
        return p

    @_quiet
    def values(self, outputs: Floats, targets: NDArray[Any]) -> NDArray[np.float64]:
        """log(sum_m exp(o_m)) sum_m y_m - <y, o>.

        Computed from z = o - max(o) <= 0, which changes nothing and leaves no term below 0. The
        1 of the largest output is kept apart from the sum, or losses below the rounding of 1
        would be lost.
        """
        z = outputs - _fold(np.maximum, outputs)[:, None]
        e = np.exp(z)
        total = _fold(np.add, e)
        np.copyto(e, 0.0, where=z == 0.0)
        # two or more outputs may share the maximum, then the sum is at least 2
        rest = np.where(total < 1.5, _fold(np.add, e), total - 1.0)
        value: NDArray[np.float64] = np.log1p(rest, dtype=np.float64)
        if targets.ndim == 1:
            value -= np.take_along_axis(z, targets[:, None], axis=1)[:, 0]
            # an output of -inf that is not the label's: 0 * inf is NaN
            value += 0.0 * _fold(np.add, z)
            return value
        y = targets.astype(outputs.dtype, copy=False)
        value *= _fold(np.add, y)
        value -= np.einsum("ij,ij->i", y, z)
        return value

    @_quiet
    def gradient(self, mean: Floats, targets: NDArray[Any]) -> Floats:
        """p - y."""
        if targets.ndim == 2:
            return _difference(mean, targets)
        result = mean.copy()
        result[np.arange(targets.size), targets] -= 1.0
        return result

    @_quiet
    def curvature(self, mean: Floats, tangents: Floats) -> Floats:
        """p (u - <p, u>)."""
        u = tangents.astype(mean.dtype, copy=False)
        product: Floats = u - np.einsum("ij,ij->i", mean, u)[:, None]
        product *= mean
        return product

    def check_targets(self, targets: ArrayLike, rows: int, outputs: int) -> NDArray[Any]:
        """Class labels (rows,) from 0 to outputs - 1, or distributions (rows, outputs)."""
        if dimensions(targets) == 1:
            return check_labels(targets, rows, outputs)
        return check_distributions(targets, rows, outputs)


LOSSES: dict[str, Loss] = {
    loss.name: loss for loss in (SquaredError(), LogisticCrossEntropy(), SoftmaxCrossEntropy())
}


def _difference(mean: Floats, targets: Floats) -> Floats:
    """Mean - targets in the dtype of the mean."""
    difference: Floats = np.subtract(mean, targets, dtype=mean.dtype, casting="same_kind")
    return difference


def _fold(ufunc: np.ufunc, array: Floats) -> Floats:
    """Reduce each row by ``ufunc``, (rows, M) to (rows,)."""
    columns = array.shape[1]
    if columns >= FEW_COLUMNS:
        wide: Floats = ufunc.reduce(array, axis=1)
        return wide
    result: Floats = array[:, 0].copy()
    for column in range(1, columns):
        ufunc(result, array[:, column], out=result)
    return result
