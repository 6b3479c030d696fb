"""Distributions of targets, from which constant predictors are judged."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from reservoir.tasks.protocol import Control
from reservoir.tasks.scoring import ABSOLUTE, SQUARED


@dataclass(frozen=True)
class Law:
    """The distribution of a real target.

    Attributes
    ----------
    mean, variance : float
    cdf : callable
        The probability of a target of at most x.
    mode : float
        Where the density is largest, on both sides of which it falls; intervals of a given width
        hold most around it, or from it on if it is the left end (``left``).
    left : bool
    """

    mean: float
    variance: float
    cdf: Callable[[float], float]
    mode: float
    left: bool = False

    def control(self, criterion: str) -> Control:
        """The constant predictor: the mean, which has the least squared error."""
        width = ABSOLUTE if criterion == "absolute" else math.sqrt(SQUARED)
        best = self.mode + width if self.left else self.mode

        def misses(constant: float) -> float:
            return 1.0 - (self.cdf(constant + width) - self.cdf(constant - width))

        return Control(0.5 * self.variance, 0.0, misses(self.mean), misses(best))


def uniform(low: float, high: float) -> Callable[[float], float]:
    """The cdf of a uniform number."""
    return lambda x: min(max((x - low) / (high - low), 0.0), 1.0)


def triangular(low: float, high: float) -> Callable[[float], float]:
    """The cdf of the scaled sum of two uniform numbers, from ``low`` to ``high``."""

    def cdf(x: float) -> float:
        u = min(max((x - low) / (high - low), 0.0), 1.0)
        return 2.0 * u * u if u < 0.5 else 1.0 - 2.0 * (1.0 - u) ** 2

    return cdf


def product(x: float) -> float:
    """The cdf of the product of two uniform numbers from [0, 1]."""
    return 0.0 if x <= 0.0 else 1.0 if x >= 1.0 else x * (1.0 - math.log(x))


def mixture(
    often: Callable[[float], float], seldom: Callable[[float], float], share: float
) -> Callable[[float], float]:
    """The cdf that is ``seldom`` with probability ``share`` and else ``often``."""
    return lambda x: (1.0 - share) * often(x) + share * seldom(x)
