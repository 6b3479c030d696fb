"""Linear autoregression: the control beside which a forecast by a network must be seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
ORDERS = (2, 5, 10, 20, 50, 100)


@dataclass(frozen=True)
class Autoregression:
    """``x[t] = intercept + sum_k weights[k] . x[t - 1 - k]`` for a series (T, C)."""

    weights: Array  # (order, C, C): lag, from, to
    intercept: Array  # (C,)

    @property
    def order(self) -> int:
        return len(self.weights)

    def one_step(self, series: Array) -> Array:
        """Predictions (T - order, C) of ``series[order:]`` from the values before each."""
        windows = np.lib.stride_tricks.sliding_window_view(series[:-1], self.order, axis=0)
        # windows: (T - order, C, order), oldest first
        return np.asarray(np.einsum("tck,kcd->td", windows, self.weights[::-1]) + self.intercept)

    def forecast(self, steps: int, context: Array) -> Array:
        """The ``steps`` values after ``context``, each computed from those before."""
        values = list(context[-self.order :])
        for _ in range(steps):
            past = np.array(values[-self.order :])[::-1]
            values.append(np.einsum("kc,kcd->d", past, self.weights) + self.intercept)
        return np.array(values[self.order :])


def fit_order(series: Array, order: int) -> Autoregression:
    """Least squares on all windows of a series (T, C).

    Raises
    ------
    ValueError
        If the series is not longer than the order.
    """
    steps, columns = series.shape
    if steps <= order:
        raise ValueError(f"a series of {steps} steps is too short for order {order}")
    windows = np.lib.stride_tricks.sliding_window_view(series[:-1], order, axis=0)
    lags = windows[:, :, ::-1].transpose(0, 2, 1).reshape(len(windows), -1)  # newest first
    mean, target_mean = lags.mean(axis=0), series[order:].mean(axis=0)
    weights = np.linalg.lstsq(lags - mean, series[order:] - target_mean, rcond=None)[0]
    return Autoregression(weights.reshape(order, columns, columns), target_mean - mean @ weights)


def fit_autoregression(series: Array) -> Autoregression:
    """Least squares with the order of `ORDERS` that predicts the last fifth best."""
    cut = len(series) * 4 // 5
    errors = {}
    for order in ORDERS:
        if 2 * order * series.shape[1] < cut:
            said = fit_order(series[:cut], order).one_step(series[cut - order :])
            errors[order] = float(((said - series[cut:]) ** 2).sum())
    if not errors:
        raise ValueError(f"a series of {len(series)} steps is too short for an autoregression")
    return fit_order(series, min(errors, key=errors.__getitem__))
