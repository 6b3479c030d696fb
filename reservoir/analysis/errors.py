"""Errors of predictions, and the controls that give them a meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """Errors of each of M targets over the steps at which truth and prediction are known."""

    steps: NDArray[np.int64]  # (M,)
    rmse: Array  # (M,) in the units of the target
    nrmse: Array  # (M,) divided by the standard deviation of the truth
    r2: Array  # (M,) 1 - nrmse^2
    mae: Array  # (M,)


def score(truth: NDArray[Any], predicted: NDArray[Any]) -> Scores:
    """Compare predictions with the truth, target by target.

    Parameters
    ----------
    truth, predicted : (T, M)
        NaN in either leaves the step out for that target.

    Notes
    -----
    The standard deviation is that of the truth over the same steps, so the mean of the truth
    has NRMSE 1 and R2 0. For a constant truth both are NaN, or infinite if there is an error.
    """
    truth = np.asarray(truth, np.float64)
    difference = np.asarray(predicted, np.float64) - truth
    known = ~np.isnan(difference)
    steps = known.sum(axis=0)

    def mean(values: Array) -> Array:
        return np.asarray(np.where(known, values, 0.0).sum(axis=0) / steps)

    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        rmse = np.sqrt(mean(difference**2))
        spread = np.sqrt(mean((truth - mean(truth)) ** 2))
        nrmse = rmse / spread
        return Scores(steps, rmse, nrmse, 1.0 - nrmse**2, mean(np.abs(difference)))


def mean_control(truth: NDArray[Any]) -> Array:
    """The mean of each target at every step: what knows the distribution and not the order."""
    known = ~np.isnan(truth)
    with np.errstate(invalid="ignore"):
        means = np.where(known, truth, 0.0).sum(axis=0) / known.sum(axis=0)
    return np.broadcast_to(means, truth.shape)


def persistence(values: NDArray[Any], lag: int) -> Array:
    """The last known value, at least ``lag`` steps old: what knows the past and no dynamics.

    Parameters
    ----------
    values : (T, M)
        NaN where unknown.
    lag : int
        At least 1.

    Returns
    -------
    (T, M)
        NaN where nothing is known that early.
    """
    steps, targets = values.shape
    late = np.full((steps, targets), np.nan)
    if lag < steps:
        late[lag:] = values[:-lag]
    newest = np.where(np.isnan(late), -1, np.arange(steps)[:, np.newaxis])
    newest = np.maximum.accumulate(newest, axis=0)
    filled = np.take_along_axis(late, np.maximum(newest, 0), axis=0)
    return np.asarray(np.where(newest >= 0, filled, np.nan))


def valid_steps(
    truth: NDArray[Any], predicted: NDArray[Any], scale: NDArray[Any], threshold: float
) -> int:
    """Steps until the normalised error of a forecast first exceeds a threshold.

    Parameters
    ----------
    truth, predicted : (T, M)
    scale : (M,)
        The standard deviation of each target: the error of a step is the root of the mean square
        of its deviations in these units. Unknown truth does not count.

    Returns
    -------
    int
        T if it never does.
    """
    deviations = (np.asarray(predicted, np.float64) - truth) / scale
    known = ~np.isnan(truth)
    with np.errstate(over="ignore"):
        squares = np.where(known, deviations, 0.0) ** 2
    mean = squares.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    beyond = ~(mean <= threshold**2)
    return int(np.argmax(beyond)) if beyond.any() else len(beyond)
