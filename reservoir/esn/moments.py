"""First and second moments of features and targets: all that a ridge readout needs to know.

Moments are kept centred and merged by the formula of Chan, Golub & LeVeque (1983): the mean of a
block enters as one more row of the block, so a block costs one symmetric rank-k update. They are
in float64 whatever the model's dtype. Sums run in the order of the blocks; merging is exact up to
rounding in any order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas, eigh

from reservoir.esn.spectrum import Spectrum

Array = NDArray[np.float64]


@dataclass
class Moments:
    """Centred moments of ``count`` rows of F features and M targets."""

    count: int
    feature_mean: Array  # (F,)
    target_mean: Array  # (M,)
    gram: Array  # (F, F) centred; upper triangle, Fortran order
    cross: Array  # (F, M) centred
    squares: Array  # (M,) centred

    kind = "moments"

    @classmethod
    def empty(cls, features: int, targets: int) -> Moments:
        return cls(
            0,
            np.zeros(features),
            np.zeros(targets),
            np.zeros((features, features), order="F"),
            np.zeros((features, targets)),
            np.zeros(targets),
        )

    def merge(self, other: Moments) -> None:
        """Take in everything that ``other`` has seen."""
        if other.count == 0:
            return
        self.gram += other.gram
        self.cross += other.cross
        self.squares += other.squares
        total = self.count + other.count
        weight = np.sqrt(self.count * other.count / total)
        d_features = other.feature_mean - self.feature_mean
        d_targets = other.target_mean - self.target_mean
        if self.count:
            row = weight * d_features[np.newaxis]
            self.gram = blas.dsyrk(1.0, row.T, beta=1.0, c=self.gram, overwrite_c=1)
            self.cross += np.outer(weight * row, d_targets)
            self.squares += (weight * d_targets) ** 2
        self.feature_mean = self.feature_mean + d_features * (other.count / total)
        self.target_mean = self.target_mean + d_targets * (other.count / total)
        self.count = total

    def copy(self) -> Moments:
        return Moments(
            self.count,
            self.feature_mean.copy(),
            self.target_mean.copy(),
            self.gram.copy(order="F"),
            self.cross.copy(),
            self.squares.copy(),
        )

    def symmetric_gram(self) -> Array:
        """The Gram matrix with both triangles."""
        upper = np.triu(self.gram)
        return np.asarray(upper + np.triu(upper, 1).T)

    def spectrum(self) -> Spectrum:
        """Eigenvalues and projections, from which every ridge follows."""
        values, vectors = eigh(self.gram, lower=False, driver="evd", check_finite=False)
        eps, size = np.finfo(float).eps, max(1, len(values))
        floor = values.max(initial=0.0) * eps * size
        # What centring leaves of features that never move: the mean of n equal numbers, summed one
        # by one, is up to eps n / 4 off, and a block has up to 1024 of them.
        lost = self.count * size * (256 * eps * np.abs(self.feature_mean).max(initial=0.0)) ** 2
        values = np.where(values > max(floor, lost), values, 0.0)
        projected = vectors.T @ self.cross
        inverse = np.where(values > 0, 1.0 / np.where(values > 0, values, 1.0), 0.0)
        residual = np.maximum(self.squares - inverse @ projected**2, 0.0)
        return Spectrum(
            self.count,
            values,
            vectors,
            projected,
            residual,
            self.feature_mean,
            self.target_mean,
        )

    def squared_errors(self, weights: Array, intercept: Array) -> Array:
        """Sums of squared errors (K, M) of K linear readouts over all rows seen.

        Parameters
        ----------
        weights : (K, F, M), intercept : (K, M)
        """
        candidates, features, targets = weights.shape
        flat = np.asfortranarray(weights.transpose(1, 0, 2).reshape(features, -1))  # (F, K M)
        product = blas.dsymm(1.0, self.gram, flat)
        quadratic = np.einsum("fk,fk->k", flat, product).reshape(candidates, targets)
        mixed = np.einsum("kfm,fm->km", weights, self.cross)
        bias = self.target_mean - intercept - np.einsum("kfm,f->km", weights, self.feature_mean)
        errors = self.squares - 2 * mixed + quadratic + self.count * bias**2
        # An error below what rounding leaves of the sum is not to be believed.
        terms = self.squares + 2 * np.abs(mixed) + quadratic
        return np.asarray(np.maximum(errors, np.finfo(float).eps * terms))

    def arrays(self) -> dict[str, Array | int]:
        """The fields, for a checkpoint."""
        return {
            "count": self.count,
            "feature_mean": self.feature_mean,
            "target_mean": self.target_mean,
            "gram": self.symmetric_gram(),
            "cross": self.cross,
            "squares": self.squares,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array | int]) -> Moments:
        fields = {name: np.array(value, dtype=np.float64) for name, value in arrays.items()}
        return cls(
            int(fields["count"]),
            fields["feature_mean"],
            fields["target_mean"],
            np.asfortranarray(fields["gram"]),
            fields["cross"],
            fields["squares"],
        )
