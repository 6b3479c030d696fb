"""First and second moments of features and targets: all that a ridge readout needs to know.

Moments are kept centred and merged by the formula of Chan, Golub & LeVeque (1983): the mean of a
block enters as one more row of the block, so a block costs one symmetric rank-k update. They are
in float64 whatever the model's dtype. Sums run in the order of the blocks; merging is exact up to
rounding in any order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas, eigh

from reservoir import threads
from reservoir.esn.spectrum import Spectrum

Array = NDArray[np.float64]


TILE = 256  # columns of a task


def _centre(columns: Array) -> Array:
    """Subtract the mean of each column in place; returns the means."""
    mean = columns.mean(axis=0)
    columns -= mean
    return np.asarray(mean)


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

    def add(self, features: Array, targets: Array) -> None:
        """Take in the rows of a block; ``features`` (n, F) and ``targets`` (n, M) are used up."""
        if len(features) == 0:
            return
        borders = range(0, features.shape[1], TILE)
        tiles = [slice(at, min(at + TILE, features.shape[1])) for at in borders]
        means = threads.run_all([partial(_centre, features[:, tile]) for tile in tiles])
        self._update(features, targets, np.concatenate([np.empty(0), *means]), _centre(targets))

    def merge(self, other: Moments) -> None:
        """Take in everything that ``other`` has seen."""
        if other.count == 0:
            return
        self.gram += other.gram
        self.cross += other.cross
        self.squares += other.squares
        features, targets = self.feature_mean.size, self.target_mean.size
        nothing = np.empty((0, features)), np.empty((0, targets))
        self._update(*nothing, other.feature_mean, other.target_mean, other.count)

    def cleared(self) -> Moments:
        """An empty one of the same shapes."""
        return Moments.empty(self.feature_mean.size, self.target_mean.size)

    def copy(self) -> Moments:
        return Moments(
            self.count,
            self.feature_mean.copy(),
            self.target_mean.copy(),
            self.gram.copy(order="F"),
            self.cross.copy(),
            self.squares.copy(),
        )

    def _update(
        self,
        features: Array,
        targets: Array,
        feature_mean: Array,
        target_mean: Array,
        rows: int | None = None,
    ) -> None:
        """Add products of centred rows, and bring old and new rows to their common mean.

        Tiles of the sums are tasks; each of them is summed in the order of the rows.
        """
        rows = len(features) if rows is None else rows
        total = self.count + rows
        weight = np.sqrt(self.count * rows / total)
        d_features, d_targets = feature_mean - self.feature_mean, target_mean - self.target_mean
        lower = self.gram.T  # rows of a tile are contiguous in it
        borders = range(0, self.feature_mean.size, TILE)
        tiles = [slice(at, at + TILE) for at in borders]

        def add(left: slice, right: slice) -> None:
            product = features[:, left].T @ features[:, right]
            if self.count:
                product += (weight**2 * d_features[left, np.newaxis]) * d_features[right]
            lower[left, right] += product

        def add_cross(left: slice) -> None:
            product = features[:, left].T @ targets
            self.cross[left] += product + np.outer(weight**2 * d_features[left], d_targets)

        tasks = [
            partial(add, left, right)
            for right in tiles
            for left in tiles
            if left.start >= right.start
        ]
        tasks += [partial(add_cross, left) for left in tiles]
        threads.run_all(tasks)
        self.squares += np.einsum("tm,tm->m", targets, targets) + (weight * d_targets) ** 2
        self.feature_mean = self.feature_mean + d_features * (rows / total)
        self.target_mean = self.target_mean + d_targets * (rows / total)
        self.count = total

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
