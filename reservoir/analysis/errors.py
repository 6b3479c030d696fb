"""Errors of predictions, and the controls that give them a meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir.series.tally import Tally

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
    tally = Tally(truth.shape[1])
    tally.add(truth, predicted)
    return scores(tally)


def scores(tally: Tally) -> Scores:
    """The errors of all that a tally has seen."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rmse = np.sqrt(tally.squared / tally.weight)
        nrmse = rmse / tally.deviation
        return Scores(tally.steps, rmse, nrmse, 1.0 - nrmse**2, tally.absolute / tally.weight)


class Persistence:
    """The last known value, at least ``lag`` steps old: what knows the past and no dynamics.

    Parameters
    ----------
    lag : int
        At least 1.
    targets : int
        The number of columns.
    """

    def __init__(self, lag: int, targets: int) -> None:
        self._held = np.full((lag, targets), np.nan)  # rows that are not yet old enough
        self._newest = np.full((1, targets), np.nan)  # the last known of those that are

    def follow(self, values: NDArray[Any]) -> Array:
        """What it says at the next steps of a series.

        Parameters
        ----------
        values : (n, M)
            The truth at these steps, NaN where unknown.

        Returns
        -------
        (n, M)
            NaN where nothing is known that early.
        """
        rows = np.concatenate([self._held, values])
        late = np.concatenate([self._newest, rows[: len(values)]])
        self._held = rows[len(values) :]
        newest = np.where(np.isnan(late), 0, np.arange(len(late))[:, np.newaxis])
        newest = np.maximum.accumulate(newest, axis=0)
        filled = np.take_along_axis(late, newest, axis=0)
        self._newest = filled[-1:]
        return np.asarray(filled[1:])


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
