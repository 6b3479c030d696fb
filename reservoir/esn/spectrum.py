"""One factorization from which the readout of every ridge follows.

With centred features Z = U S V' and centred targets Y, the ridge readout is
``W(ridge) = V (S^2 + ridge)^-1 V' Z'Y`` (Hastie, Tibshirani & Friedman 2009, eq. 3.47); the
intercept is not penalised, it follows from the means.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Spectrum:
    """Principal directions of the features and what they say of the targets."""

    count: int
    values: Array  # (F,) squared singular values, zero where below rounding
    vectors: Array  # (F, F) columns
    projected: Array  # (F, M) V' Z'Y
    residual: Array  # (M,) sum of squares that no readout can explain
    feature_mean: Array  # (F,)
    target_mean: Array  # (M,)

    def coefficients(self, ridges: Array) -> Array:
        """Readouts in the basis of ``vectors``, (K, F, M), for ridges of shape (K,) or (K, M).

        Directions without variance get none: a ridge of 0 is the minimum-norm solution.
        """
        ridges = ridges.reshape(len(ridges), 1, -1)
        denominator = self.values[:, np.newaxis] + ridges
        usable = (self.values[:, np.newaxis] > 0) & (denominator > 0)
        return np.where(usable, self.projected / np.where(usable, denominator, 1.0), 0.0)

    def weights(self, ridges: Array) -> tuple[Array, Array]:
        """Weights (K, F, M) and intercepts (K, M) for ridges (K,) or (K, M)."""
        basis = self.coefficients(ridges)
        candidates, features, targets = basis.shape
        flat = basis.transpose(1, 0, 2).reshape(features, -1)
        weights = (self.vectors @ flat).reshape(features, candidates, targets).transpose(1, 0, 2)
        intercept = self.target_mean - np.einsum("f,kfm->km", self.feature_mean, weights)
        return weights, intercept

    def residuals(self, ridges: Array) -> Array:
        """Sums of squared training errors (K, M) for ridges (K,)."""
        shrink = ridges[:, np.newaxis] / np.maximum(
            self.values + ridges[:, np.newaxis], np.finfo(float).tiny
        )
        seen = np.where(
            self.values[:, np.newaxis] > 0,
            self.projected**2 / np.where(self.values > 0, self.values, 1.0)[:, np.newaxis],
            0.0,
        )
        return np.asarray(self.residual + shrink**2 @ seen)

    def degrees_of_freedom(self, ridges: Array) -> Array:
        """Effective parameters (K,), the intercept included, for ridges (K,)."""
        share = self.values / np.maximum(self.values + ridges[:, np.newaxis], np.finfo(float).tiny)
        return np.asarray(1.0 + share.sum(axis=1))

    def condition(self, ridge: float) -> float:
        """Condition number of ``Z'Z + ridge``; infinite if that is singular."""
        low = self.values.min(initial=np.inf) + ridge
        return float((self.values.max(initial=0.0) + ridge) / low) if low > 0 else float("inf")
