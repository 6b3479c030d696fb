"""Errors summed up chunk by chunk, so that neither truth nor predictions are ever all held."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Tally:
    """Sums over the steps at which truth and prediction are known, column by column.

    The spread of the truth is merged from the moments of chunks (Chan, Golub & LeVeque 1983).

    Attributes
    ----------
    steps : (M,) int
        Known steps.
    weight : (M,)
        The sum of their weights; the number of them if no weights are given.
    mean : (M,)
        Of the truth.
    spread : (M,)
        Sum of the squared deviations of the truth from its mean.
    squared, absolute : (M,)
        Sums of squared and of absolute errors.
    """

    def __init__(self, columns: int) -> None:
        self.steps = np.zeros(columns, np.int64)
        self.weight = np.zeros(columns)
        self.mean = np.zeros(columns)
        self.spread = np.zeros(columns)
        self.squared = np.zeros(columns)
        self.absolute = np.zeros(columns)

    @property
    def deviation(self) -> NDArray[np.float64]:
        """Standard deviation of the truth (M,); 0 if it varies by rounding errors alone."""
        with np.errstate(invalid="ignore", divide="ignore"):
            deviation = np.sqrt(self.spread / self.weight)
        return np.where(deviation <= 1e-14 * np.abs(self.mean), 0.0, deviation)

    def add(
        self, truth: NDArray[Any], said: NDArray[Any], weights: NDArray[Any] | None = None
    ) -> None:
        """Take in some steps.

        Parameters
        ----------
        truth, said : (n, M)
            NaN in either leaves the step out for that column.
        weights : (n,), optional
        """
        truth = np.asarray(truth, np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            difference = np.asarray(said, np.float64) - truth
            known = ~np.isnan(difference)
            given = 1.0 if weights is None else np.asarray(weights, np.float64)[:, np.newaxis]
            share = np.where(known, given, 0.0)

            def total(values: NDArray[Any]) -> NDArray[np.float64]:
                return np.asarray((share * np.where(known, values, 0.0)).sum(axis=0))

            new = share.sum(axis=0)
            mean = total(truth) / np.where(new > 0, new, 1.0)
            both = np.where(self.weight + new > 0, self.weight + new, 1.0)
            shift = np.where(new > 0, mean - self.mean, 0.0)
            self.spread += total((truth - mean) ** 2) + shift * (shift * self.weight * new / both)
            self.mean += shift * new / both
            self.weight += new
            self.steps += known.sum(axis=0)
            self.squared += total(difference**2)
            self.absolute += total(np.abs(difference))
