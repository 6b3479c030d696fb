"""A line search that shortens a step until Armijo's condition holds.

Armijo (1966), "Minimization of functions having Lipschitz continuous first partial derivatives",
Pacific J. Math. 16:1; the numbers are those of Martens' code.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from hfopt.arguments import between, whole


class Searched(NamedTuple):
    """What a line search found.

    Attributes
    ----------
    rate : float
        The factor on the step; 0 if none was accepted.
    value : float
        The objective there.
    accepted : bool
    """

    rate: float
    value: float
    accepted: bool


@dataclass(frozen=True)
class LineSearch:
    """Options of `search`.

    Parameters
    ----------
    factor : float
        By which the rate shrinks, from 1.
    max_steps : int
        How often it shrinks at most.
    armijo : float
        c of the condition f(theta + rate d) <= f(theta) + c rate g'd.
    """

    factor: float = 0.8
    max_steps: int = 60
    armijo: float = 1e-2

    def __post_init__(self) -> None:
        """Check the options."""
        between("factor", self.factor, 1e-6, 1.0 - 1e-6)
        whole("max_steps", self.max_steps, least=0)
        between("armijo", self.armijo, 0.0, 1.0)

    def search(
        self, value: Callable[[float], float], before: float, full: float, slope: float
    ) -> Searched:
        """Find the first rate of 1, factor, factor^2, ... that decreases the objective enough.

        Parameters
        ----------
        value : callable
            The objective at a rate. What is not finite is not accepted.
        before : float
            The objective at rate 0.
        full : float
            That at rate 1, which is known to the caller.
        slope : float
            g'd, the derivative by the rate at 0. Unless it is negative no rate is tried: the
            condition would accept an increase.
        """
        if not slope < 0.0:
            return Searched(0.0, before, False)
        rate, found = 1.0, full
        for k in range(self.max_steps + 1):
            if k > 0:
                rate *= self.factor
                found = value(rate)
            if math.isfinite(found) and found <= before + self.armijo * rate * slope:
                return Searched(rate, found, True)
        return Searched(0.0, before, False)
