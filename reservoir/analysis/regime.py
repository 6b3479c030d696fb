"""Whether gradients of a network vanish or explode, in words, from its leading exponent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from reservoir.analysis.lyapunov import LyapunovSpectrum
from reservoir.errors import DataError

SURE = 2.0  # standard errors


class Regime(Enum):
    """What becomes of a gradient on its way back through time."""

    VANISHING = "vanishing"
    NEAR_CRITICAL = "near-critical"
    EXPLODING = "exploding"


@dataclass(frozen=True)
class Verdict:
    """The regime, and the time in which a perturbation changes by a factor of e."""

    regime: Regime
    exponent: float  # the leading one, a step
    error: float  # its standard error; NaN if unknown
    time_scale: float  # steps; infinite for an exponent of 0, 0 for one of -inf

    @property
    def message(self) -> str:
        """One sentence."""
        if self.regime is Regime.VANISHING and self.time_scale == 0.0:
            return "vanishing: nothing of a perturbation is left"
        number = f"exponent {self.exponent:+.3g}"
        if not math.isnan(self.error):
            number += f" +- {self.error:.1g}"
        steps = f"{self.time_scale:.3g} steps"
        if self.regime is Regime.VANISHING:
            return f"vanishing: a perturbation falls to 1/e in {steps} ({number} a step)"
        if self.regime is Regime.EXPLODING:
            return f"exploding: a perturbation grows by e in {steps} ({number} a step)"
        return f"near-critical: a change by e would take {steps} ({number} a step)"


def verdict(spectrum: LyapunovSpectrum, horizon: float | None = None) -> Verdict:
    """Judge by the leading exponent of a driven network.

    Parameters
    ----------
    spectrum : LyapunovSpectrum
        With a time unit of one step.
    horizon : float, optional
        The lag in steps that matters, such as the length of a sequence: if over it a perturbation
        changes by less than a factor of e, the network is near-critical. By default only the
        uncertainty counts.

    Returns
    -------
    Verdict
        Near-critical also if the exponent is within two standard errors of 0.

    Raises
    ------
    DataError
        ``horizon`` is not a number above 0.
    """
    if horizon is not None and not 0.0 < horizon < math.inf:
        raise DataError(f"horizon must be a finite number above 0, got {horizon!r}")
    exponent, error = float(spectrum.exponents[0]), float(spectrum.errors[0])
    size = abs(exponent)
    time_scale = math.inf if size == 0.0 else 1.0 / size
    unsure = size == 0.0 or size <= SURE * error  # False for NaN
    if unsure or (horizon is not None and size * horizon < 1.0):
        regime = Regime.NEAR_CRITICAL
    else:
        regime = Regime.VANISHING if exponent < 0.0 else Regime.EXPLODING
    return Verdict(regime, exponent, error, time_scale)
