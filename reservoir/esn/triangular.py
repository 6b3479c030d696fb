"""Triangular factors of features and targets: the readout without squaring its condition number.

A Gram matrix keeps half of the digits. ``Triangular`` keeps the factor R of a QR decomposition of
``[1 Z Y]`` instead, brought up to date block by block (LAPACK tpqrt) and mergeable, at twice the
cost or more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack, svd

from reservoir.esn.spectrum import Spectrum

Array = NDArray[np.float64]


@dataclass
class Triangular:
    """The factor R of ``count`` rows ``[1, features, targets]``."""

    count: int
    features: int
    factor: Array  # (1 + F + M, 1 + F + M) upper triangular, Fortran order

    kind = "triangular"

    @classmethod
    def empty(cls, features: int, targets: int) -> Triangular:
        size = 1 + features + targets
        return cls(0, features, np.zeros((size, size), order="F"))

    def add(self, features: Array, targets: Array) -> None:
        """Take in the rows of a block: ``features`` (n, F) and ``targets`` (n, M)."""
        rows = len(features)
        if rows == 0:
            return
        block = np.concatenate([np.ones((rows, 1)), features, targets], axis=1)
        self._reduce(np.asfortranarray(block), triangular=False)
        self.count += rows

    def merge(self, other: Triangular) -> None:
        """Take in everything that ``other`` has seen."""
        if other.count == 0:
            return
        self._reduce(other.factor.copy(order="F"), triangular=True)
        self.count += other.count

    def copy(self) -> Triangular:
        return Triangular(self.count, self.features, self.factor.copy(order="F"))

    def _reduce(self, rows: Array, *, triangular: bool) -> None:
        size = len(self.factor)
        pentagon = min(rows.shape) if triangular else 0
        self.factor, _, _, info = lapack.dtpqrt(
            pentagon, min(32, size), self.factor, rows, overwrite_a=1, overwrite_b=1
        )
        if info != 0:
            raise ArithmeticError(f"LAPACK tpqrt failed with info={info}")

    def spectrum(self) -> Spectrum:
        """Singular values and projections, from which every ridge follows."""
        last = 1 + self.features
        top, middle = self.factor[0, 0], self.factor[1:last]
        u, s, vt = svd(np.triu(middle[:, 1:last]), check_finite=False)
        floor = s.max(initial=0.0) * max(1, len(s))
        # What rounding leaves of features that never move: 10 to 3 F eps of their size was seen.
        lost = np.abs(self.factor[0, 1:last]).max(initial=0.0) * (64 + 8 * len(s))
        s = np.where(s > max(floor, lost) * np.finfo(float).eps, s, 0.0)
        seen = u.T @ middle[:, last:]  # (F, M)
        unseen = (np.where(s[:, np.newaxis] > 0, 0.0, seen) ** 2).sum(axis=0)
        corner = np.triu(self.factor[last:, last:])
        first = top if top != 0 else 1.0
        return Spectrum(
            self.count,
            s**2,
            vt.T,
            s[:, np.newaxis] * seen,
            (corner**2).sum(axis=0) + unseen,
            self.factor[0, 1:last] / first,
            self.factor[0, last:] / first,
        )

    def squared_errors(self, weights: Array, intercept: Array) -> Array:
        """Sums of squared errors (K, M) of K linear readouts over all rows seen.

        Parameters
        ----------
        weights : (K, F, M), intercept : (K, M)
        """
        candidates, features, targets = weights.shape
        factor = np.triu(self.factor)
        readout = np.concatenate([intercept[:, np.newaxis], weights], axis=1)  # (K, 1 + F, M)
        flat = readout.transpose(1, 0, 2).reshape(1 + features, -1)
        left = factor[:, : 1 + features] @ flat
        errors = left.reshape(-1, candidates, targets) - factor[:, np.newaxis, 1 + features :]
        return np.asarray((errors**2).sum(axis=0))

    def arrays(self) -> dict[str, Array | int]:
        """The fields, for a checkpoint."""
        return {
            "count": self.count,
            "features": self.features,
            "factor": np.triu(self.factor),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array | int]) -> Triangular:
        factor = np.asfortranarray(np.array(arrays["factor"], dtype=np.float64))
        return cls(int(arrays["count"]), int(arrays["features"]), factor)
