"""The Levenberg-Marquardt rule for the damping of a quadratic model."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hfopt.arguments import between, nonnegative, positive


@dataclass(frozen=True)
class LevenbergMarquardt:
    """Raise or lower lambda by the ratio of actual to predicted reduction.

    Moré (1978), "The Levenberg-Marquardt algorithm: implementation and theory"; the numbers are
    those of Martens (2010), section 4.1.

    Parameters
    ----------
    low, high : float
        Below ``low``, or for NaN, lambda is raised, above ``high`` it is lowered.
    up, down : float
        The factors: at least 1, and in [0, 1].
    least, greatest : float
        Bounds that no change passes.
    """

    low: float = 0.25
    high: float = 0.75
    up: float = 1.5
    down: float = 2.0 / 3.0
    least: float = 0.0
    greatest: float = 1e100

    def __post_init__(self) -> None:
        """Check the options."""
        nonnegative("low", self.low)
        between("high", self.high, self.low, math.inf)
        between("up", self.up, 1.0, 1e100)
        between("down", self.down, 0.0, 1.0)
        nonnegative("least", self.least)
        positive("greatest", self.greatest)
        if self.least > self.greatest:
            raise ValueError(f"least must be at most greatest, got {self.least} > {self.greatest}")

    def updated(self, damping: float, rho: float) -> float:
        """Lambda for the next step."""
        if math.isnan(rho) or rho < self.low:
            return self.raised(damping)
        if rho > self.high:
            return max(self.least, self.down * damping)
        return damping

    def raised(self, damping: float) -> float:
        """Lambda after a step that was rejected."""
        return min(self.greatest, self.up * damping)


def reduction_ratio(before: float, after: float, model: float) -> float:
    """Rho, the actual reduction of the objective over the predicted one.

    Parameters
    ----------
    before, after : float
        The objective without and with the step.
    model : float
        The value of the quadratic model at the step, which is 0 without it.

    Returns
    -------
    float
        NaN where ``before`` is not finite or the model does not promise a reduction; minus
        infinity where ``after`` is not finite.
    """
    if not (math.isfinite(before) and -math.inf < model < 0.0):
        return math.nan
    if not math.isfinite(after):
        return -math.inf
    return (after - before) / model
